"""Starting a job as a process of its own, which outlives the terminal that started it.

The job gets its own session (a hang-up of the terminal does not reach it), a lower
priority, no standard input, and files for its output: with a pipe it would end with the
process that reads it.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from azul_tui.child_process import python_command, python_environment
from azul_tui.errors import JobError
from azul_tui.runs.machine import mark_of
from azul_tui.runs.status import Status, claim_status, write_status
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.runs.paths import RunPaths

NICENESS = 10
GROUP_NICENESS = 5
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

    Args:
        job: Its name.
        root: The folder in which runs live.
        run_name: The run it makes, for one that makes a run (see `new_run`).
        record: Folder for its records, for any other job (see `new_job_folder`).
        config: A settings file or the name of a preset.
        overrides: `key=value` each, the value in TOML.
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
            _leave_word(paths, f"could not be started: {error.strerror}", str(refusal))
        raise refusal from None
    _lower_priority(process.pid)
    if not paths.events.exists():
        with suppress(OSError):  # a full disk: the job says so itself
            claim_status(paths.status, paths.name, mark_of(process.pid), time.time())
    return process


def _leave_word(paths: RunPaths, ending: str, sentence: str) -> None:
    """Why there is nothing in a folder that was made for a job."""
    if not paths.events.exists():
        now = time.time()
        status = Status(name=paths.name, state="crashed", ending=ending, started=now, heartbeat=now)
        write_status(paths.status, status)
        with paths.log.open("a", encoding="utf-8") as log:
            log.write(f"azul-tui: {sentence}\n")


def _lower_priority(pid: int) -> None:
    # From outside, because code between fork and exec is unsafe beside threads. A process
    # that has already ended, or a system that forbids it, is no reason to fail.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
    # Where Linux groups processes by session, niceness counts inside a group alone, and a job
    # has a session of its own: the whole group has to be nice to that of the terminal.
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(GROUP_NICENESS), encoding="ascii")
