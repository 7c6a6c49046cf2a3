"""An app that starts jobs as processes of their own and notices when they end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from azul_tui.errors import EXIT_DIVERGED, EXIT_DONE, EXIT_FAILED, EXIT_USER
from azul_tui.tui.following_app import FollowingApp
from azul_tui.tui.messages import JobEnded

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths

JOB_POLL_S = 0.3


class JobsApp(FollowingApp):
    """An app with jobs in the background; they outlive it.

    Args:
        runs_root: The folder in which runs live.
        options: What the followed run asks for.
    """

    def __init__(self, runs_root: Path, **options: Any) -> None:
        super().__init__(runs_root, **options)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        """Jobs that this dashboard started and that have not ended, by run name."""
        self.job_paths: dict[str, RunPaths] = {}
        self.job_names: dict[str, str] = {}
        self.job_settings: dict[str, tuple[str, ...]] = {}
        """What jobs that are shown on a screen of their own were started with."""

    def start_job(self, job: str, arguments: Sequence[str], paths: RunPaths) -> None:
        """Start `azul-tui ARGUMENTS` in the background for the folder at `paths`.

        Raises:
            JobError: The process cannot be made.
        """
        from azul_tui.runs.launch import job_command, launch

        # Not asyncio's form: its transport kills the child when the loop ends, and a job
        # has to outlive the dashboard that started it.
        process = launch(job_command(arguments), paths)
        self.processes[paths.name] = process
        self.job_paths[paths.name] = paths
        self.await_end(job, process, paths)

    def await_end(self, job: str, process: subprocess.Popen[bytes], paths: RunPaths) -> None:
        """Notice when a child of this process ends that works in the folder at `paths`."""
        self.job_names[paths.name] = job
        self.run_worker(self._await_job(paths, process), name=f"job {paths.name}")

    async def _await_job(self, paths: RunPaths, process: subprocess.Popen[bytes]) -> None:
        """Notice the end of a job; a worker that is cancelled leaves the job alone."""
        from azul_tui.runs.status import ASKED_CODES, note_ending

        name = paths.name
        while (code := process.poll()) is None:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(JOB_POLL_S)
        if self.processes.get(name) is process:
            del self.processes[name]
        with suppress(OSError):  # a full disk: it is said on the screen at least
            note_ending(paths.status, process.pid, code)
        if code not in {EXIT_DONE, EXIT_DIVERGED, *ASKED_CODES}:
            # It may have ended before it wrote a record: then its log alone says why.
            self._say_why(name, paths, code)
        self._tell(JobEnded(name, code))
        self.look_now()

    def _say_why(self, name: str, paths: RunPaths, code: int) -> None:
        """How a job ended that failed, and its last words."""
        from azul_tui.runs.status import ending_words
        from azul_tui.runs.text import plain_text
        from azul_tui.tui.following.log_tail import LogTail

        log = LogTail(paths.log, keep=20)
        log.read()
        last = next((line for line in reversed(log.lines) if line.strip()), "it said nothing")
        words = plain_text(last.removeprefix("azul-tui: "), 300)
        how = "" if code in {EXIT_FAILED, EXIT_USER} else f" ({ending_words(code)})"
        self.notify(f"{self.shown_name(name)} failed{how}: {words}", severity="error", markup=False)

    def shown_name(self, name: str) -> str:
        """What a job in the folder `name` is called: a run by its name, others by what they do."""
        from azul_tui.jobs.registry import find_job
        from azul_tui.runs.text import plain_text

        spec = find_job(self.job_names[name])
        return plain_text(name, 64) if spec.trains else spec.title

    def run_in_terminal(self, job: str, overrides: Sequence[str]) -> None:
        """Give the terminal to a job that talks with a person, and take it back after."""
        from azul_tui.runs.launch import job_arguments, job_command
        from azul_tui.tui.terminal_job import lend_terminal

        arguments = job_arguments(job, root=self.runs_root, overrides=list(overrides))
        with self.terminal_given_away():
            lend_terminal(job_command(arguments))
