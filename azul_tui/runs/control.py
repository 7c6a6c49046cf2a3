"""What a job's parent does: start it as a process of its own, and ask it for something later.

A request is a small file in `control/`, written atomically by whoever watches. The job takes them
in order of their names, removes each and answers with a `control` event. Nothing else reaches a
running job.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from azul_tui.child_process import python_command, python_environment
from azul_tui.errors import JobError, RunError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.files import fitting, open_own, write_bytes_atomically
from azul_tui.runs.machine import mark_of
from azul_tui.runs.status import Status, claim_status, write_status
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.runs.paths import RunPaths

REQUESTS: Final = ("pause", "resume", "stop", "checkpoint", "set", "cancel")
_MOST_BYTES: Final = 1 << 14
_MOST_AT_ONCE: Final = 64
_FILE_NAME: Final = re.compile(r"[0-9]{1,20}-[a-z]{1,16}\.json")

SettableValue = bool | int | float | str | list[str]


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """One request as the job finds it."""

    request: str
    """One of `REQUESTS`, or "" when the file is none."""
    file: Path
    id: str = ""
    """The answer repeats it, so that the one who asked finds the answer."""
    key: str = ""
    """The setting, for `set`."""
    value: SettableValue | None = None
    refusal: str = ""
    """Why it must not be obeyed, in words; "" for one that may be."""


def drop_request(
    paths: RunPaths,
    request: str,
    *,
    key: str = "",
    value: SettableValue | None = None,
    clock_ns: Callable[[], int] = time.time_ns,
) -> str:
    """Ask a running job for something; returns the id that its answer will carry.

    Raises:
        RunError: There is no such request, or the run directory is not writable.
    """
    if request not in REQUESTS:
        raise RunError(
            f'"{plain_text(request, 20)}" is no request; requests are {", ".join(REQUESTS)}'
        )
    now_ns = clock_ns()
    request_id = f"{now_ns:020d}-{os.getpid()}"
    record = {"request": request, "key": key, "value": value, "id": request_id}
    try:
        paths.control.mkdir(exist_ok=True)
        # Names sort by time; two requests in the same nanosecond differ by one.
        while (file := paths.control / f"{now_ns:020d}-{request}.json").exists():
            now_ns += 1
        write_bytes_atomically(file, encode_plain(record), durable=False)
    except OSError as error:
        raise RunError(
            f"{plain_text(str(paths.control))}: a request cannot be left there ({error.strerror}); "
            "only the owner of the run can steer it"
        ) from None
    return request_id


def poll_requests(paths: RunPaths) -> list[ControlRequest]:
    """The requests that wait, oldest first; those with a `refusal` must only be answered.

    Costs one directory listing when nothing waits. Hidden names are requests that are still
    being written.
    """
    try:
        facts = paths.control.lstat()
        if not stat.S_ISDIR(facts.st_mode):  # a link: what lies behind it is not ours to remove
            return []
        files = sorted(file for file in paths.control.iterdir() if not file.name.startswith("."))
    except OSError:  # no folder, no requests
        return []
    return [_read(file, facts.st_uid) for file in files[:_MOST_AT_ONCE]]


def remove_request(request: ControlRequest) -> None:
    """Take an answered request out of the folder.

    Raises:
        OSError: It cannot be removed; it would be found again at the next poll.
    """
    if request.file.is_dir() and not request.file.is_symlink():
        # Not ours to empty: out of the way is enough.
        request.file.replace(request.file.with_name(f".refused-{request.file.name[:100]}"))
        return
    with suppress(FileNotFoundError):
        request.file.unlink()


@dataclass(slots=True)
class _Content:
    """What the file of a request says."""

    request: str = ""
    key: str = ""
    id: str = ""
    value: SettableValue | None = None


def _read(file: Path, owner: int) -> ControlRequest:
    said = _Content()
    try:
        said = _content(file, owner)
        if said.request not in REQUESTS:
            raise ValueError(f"asks for nothing known ({', '.join(REQUESTS)})")
    except (OSError, ValueError) as error:
        why = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
        return ControlRequest("", file, said.id, refusal=f"{plain_text(file.name, 60)}: {why}")
    lacking = said.request == "set" and (not said.key or said.value is None)
    refusal = "set needs a key and a value" if lacking else ""
    return ControlRequest(said.request, file, said.id, said.key, said.value, refusal)


def _content(file: Path, owner: int) -> _Content:
    """What a request says; raises ValueError, in words, for a file that is none."""
    if not _FILE_NAME.fullmatch(file.name):
        raise ValueError("is not named like a request")
    with open_own(file) as opened:
        if os.fstat(opened.fileno()).st_uid != owner:
            raise ValueError("does not belong to the owner of the run")
        data = opened.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError("is too large for a request")
    content = fitting(data, _Content)
    if content is None:
        raise ValueError("is not a JSON object")
    return content


# -- starting a job, which outlives the terminal that started it
#
# It gets its own session (a hang-up of the terminal does not reach it), a lower priority, no
# standard input, and files for its output: with a pipe it would end with the process that reads it.

NICENESS: Final = 10
GROUP_NICENESS: Final = 5
"""Of a job's session towards others: a third of the share of an equal one, so that a key press
comes first, and a compiler in the next terminal does not stop the training."""


def job_command(arguments: Sequence[str]) -> list[str]:
    """The command line that runs `azul-tui` with these arguments in this installation."""
    return python_command("azul_tui", *arguments)


def job_arguments(
    job: str,
    *,
    root: Path,
    run_name: str | None = None,
    record: Path | None = None,
    config: str | None = None,
    overrides: Sequence[str] = (),
) -> list[str]:
    """Arguments of `azul-tui` that start a job without asking.

    `run_name` is for a job that makes a run (see `new_run`), `record` the folder for the records of
    any other (see `new_job_folder`).
    """
    arguments = ["--run", job, "--dir", str(root), "--yes"]
    for option, value in (("--name", run_name), ("--record", record), ("--config", config)):
        if value is not None:
            arguments.append(f"{option}={value}")
    return arguments + [f"--set={override}" for override in overrides]


def job_environment() -> dict[str, str]:
    """The environment of a job: waiting threads must not spin beside the dashboard."""
    return {"OMP_WAIT_POLICY": "passive", **python_environment(), "PYTHONUNBUFFERED": "1"}


def launch(command: Sequence[str], paths: RunPaths) -> subprocess.Popen[bytes]:
    """Start a job whose output goes to `log.txt` of its directory.

    Where nothing was recorded yet, the status says from now on that it starts, or that it could
    not be started.

    The caller may forget the result: the job goes on without anybody. While the caller
    lives it should `poll()` now and then, so that an ended job is noticed.

    Raises:
        JobError: The process or its log cannot be made.
    """
    begins = not paths.events.exists()
    try:
        with paths.log.open("ab") as output:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                close_fds=True,
                env=job_environment(),
            )
    except OSError as error:
        what = plain_text(" ".join(command), 120)
        refusal = JobError(f"the job cannot be started ({error.strerror}): {what}")
        with suppress(OSError):
            if begins:
                ending, now = f"could not be started: {error.strerror}", time.time()
                status = Status(name=paths.name, state="crashed", ending=ending, heartbeat=now)
                write_status(paths.status, status)
                with paths.log.open("a", encoding="utf-8") as log:
                    log.write(f"azul-tui: {refusal}\n")
        raise refusal from None
    # From outside, because code between fork and exec is unsafe beside threads. A process
    # that has already ended, or a system that forbids it, is no reason to fail.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    # Where Linux groups processes by session, niceness counts inside a group alone, and a job
    # has a session of its own: the whole group has to be nice to that of the terminal.
    with suppress(OSError):
        Path(f"/proc/{process.pid}/autogroup").write_text(str(GROUP_NICENESS), encoding="ascii")
    if begins:
        with suppress(OSError):  # a full disk: the job says so itself
            claim_status(paths.status, paths.name, mark_of(process.pid), time.time())
    return process
