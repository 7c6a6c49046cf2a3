"""A training that is killed at a chosen moment, in a process of its own.

    python tests/kills/killed_run.py MOMENT JOB ROOT RUN [key=value ...]
    python tests/kills/killed_run.py serve

`kills.py` starts it. What writes is wrapped in this process alone: the program that trains
has no hooks for being killed. `serve` reads such arguments as JSON lists from standard input, runs
each in a process forked from one that has loaded everything, and answers with its exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from azul_tui.jobs.registry import find_job
from azul_tui.jobs.start import JobRequest, run_job

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER: Final = "never"
MOMENTS: Final = ("time", "append", "checkpoint", "manifest", "rename", "shard", "status")
_FILES: Final = {
    "checkpoint": (".checkpoint_iter_", ".best_model"),
    "manifest": (".checkpoints.json",),
    "status": (".status.json",),
}
_RENAMED: Final = {"rename": ("checkpoint_iter_", "best_model"), "shard": ("iter_",)}


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: `time:1.5:0` or `append:12:0.4`."""

    kind: str
    """One of `MOMENTS`, or `NEVER`."""
    count: float = 0.0
    """Which write of its kind, from 1; for `time`, seconds after the run has started."""
    share: float = 0.0
    """How much of that write still reaches the file."""

    def __str__(self) -> str:
        """As `read_moment` takes it."""
        return f"{self.kind}:{self.count}:{self.share}"


def read_moment(text: str) -> Moment:
    """The moment that `str` wrote."""
    kind, count, share = text.split(":")
    return Moment(kind, float(count), float(share))


def kill_now() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: Moment) -> None:
    """Wrap what writes, so that this process ends at `moment`."""
    seen = 0

    def is_it() -> bool:
        nonlocal seen
        seen += 1
        return seen == int(moment.count)

    write, write_bytes, replace = os.write, pathlib.Path.write_bytes, pathlib.Path.replace

    def watched_write(handle: int, data: Any) -> int:
        begins = bytes(data[:24])
        if moment.kind == "time" and begins.startswith(b'{"event":"run_started"'):
            timer = threading.Timer(moment.count, kill_now)
            timer.daemon = True
            timer.start()
        if moment.kind == "append" and begins.startswith(b'{"event":') and is_it():
            write(handle, data[: int(moment.share * len(data))])
            kill_now()
        return write(handle, data)

    def watched_write_bytes(path: pathlib.Path, data: Any) -> int:
        if path.name.startswith(_FILES.get(moment.kind, ("\0",))) and is_it():
            write_bytes(path, data[: int(moment.share * len(data))])
            kill_now()
        return write_bytes(path, data)

    def watched_replace(path: pathlib.Path, target: Any) -> pathlib.Path:
        aimed = pathlib.Path(target).name.startswith(_RENAMED.get(moment.kind, ("\0",))) and is_it()
        if aimed and moment.share < 0.5:
            kill_now()
        result = replace(path, target)
        if aimed:
            kill_now()
        return result

    wrapped: list[tuple[Any, str, Callable[..., Any]]] = [
        (os, "write", watched_write),
        (pathlib.Path, "write_bytes", watched_write_bytes),
        (pathlib.Path, "replace", watched_replace),
    ]
    for owner, name, function in wrapped:
        setattr(owner, name, function)


def serve() -> None:
    """Answer requests until standard input ends."""
    from azul_tui.training.workers import compile_kernels

    importlib.import_module("azul_tui.jobs.training")
    compile_kernels(2, _say_nothing)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _live_forked(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _say_nothing(done: int, total: int, name: str, seconds: float) -> None:
    """Compilation is not what is watched here."""


def _live_forked(arguments: list[str]) -> None:
    """Life of a forked process; what it prints goes where errors go. Never returns."""
    code = 1
    try:
        with pathlib.Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        code = main(arguments)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def main(arguments: list[str]) -> int:
    """Run `JOB` until it ends or the moment has come; the job's exit code."""
    moment, job, root, run, *overrides = arguments
    arm(read_moment(moment))
    if job == "resume":
        overrides.append(f'run="{run}"')
    request = JobRequest(
        spec=find_job(job),
        root=pathlib.Path(root),
        name=run,
        overrides=tuple(overrides),
        yes=True,
    )
    return run_job(request)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        sys.exit(main(sys.argv[1:]))
