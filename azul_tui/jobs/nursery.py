"""Short-lived training processes for `verify-resume`: started, waited for, ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from azul_tui.child_process import python_command
from azul_tui.runs.launch import job_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LONGEST_LIFE_S: Final = 300.0


class Nursery:
    """Starts the processes that are to be killed, most of them forked from one that is loaded."""

    def __init__(self, log: Path) -> None:
        """Nothing is started yet; what the processes print goes to `log`."""
        self.log = log
        self._server: subprocess.Popen[bytes] | None = None

    def live(self, arguments: list[str], *, fresh: bool, stop: Callable[[], bool]) -> int:
        """Run one process to its end; its exit code, negative for a signal, 124 if it hangs."""
        if fresh or sys.platform != "linux":
            process = self._start(arguments)
            return process.returncode if _ended(process.poll, stop) else self._end(process)
        server = self._server = self._server or self._start(["serve"])
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(arguments).encode() + b"\n")
        server.stdin.flush()
        answer = server.stdout
        if not _ended(lambda: select.select([answer], [], [], 0.02)[0] or None, stop):
            return self._end(server)
        line = answer.readline()
        return int(line) if line else self._end(server)

    def close(self) -> None:
        """End the process that the others are forked from."""
        if self._server is not None:
            self._end(self._server)

    def _start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        served = arguments == ["serve"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                python_command("azul_tui.jobs.killed_run", *arguments),
                stdin=subprocess.PIPE if served else subprocess.DEVNULL,
                stdout=subprocess.PIPE if served else log,
                stderr=log,
                start_new_session=True,
                env=job_environment(),
            )

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        """Kill a process with all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        if process is self._server:
            self._server = None
        return 124


def _ended(poll: Callable[[], object], stop: Callable[[], bool]) -> bool:
    """Wait until `poll` says something; False when that takes too long or somebody stops it."""
    deadline = time.monotonic() + _LONGEST_LIFE_S
    while poll() is None:
        if time.monotonic() > deadline or stop():
            return False
        time.sleep(0.02)
    return True
