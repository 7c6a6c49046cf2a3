"""Jobs that this dashboard started: processes of their own, which outlive it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.errors import EXIT_DIVERGED, EXIT_DONE, EXIT_FAILED, AzulError
from azul_tui.jobs.registry import find_job
from azul_tui.runs.status import ACTIVE, ASKED_CODES, ending_words, judge, note_ending, read_status
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import JobChanged
from azul_tui.views.settings import toml_value

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.jobs.registry import JobSpec
    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.app import AzulApp
    from azul_tui.views.resuming import Further

POLL_S = 0.3
RESUME_WITHIN_S = 30.0
"""How long a run is waited for that is to be resumed and is still ending."""
MOST_FOLDERS = 200
"""Folders of jobs that are looked at, the newest."""


@dataclass(slots=True)
class StartedJob:
    """One job, until the dashboard ends."""

    spec: JobSpec
    paths: RunPaths
    overrides: tuple[str, ...]
    process: subprocess.Popen[bytes] | None
    """None for one that an earlier dashboard started."""
    started: float
    code: int | None = None
    """Its exit code, once it has ended."""
    ending: str = ""
    """What `last_words` found."""
    seen: bool = False
    """Whether a person has looked at what it made."""

    @property
    def pid(self) -> int:
        """Of its process; 0 when nobody knows."""
        if self.process is not None:
            return self.process.pid
        status = read_status(self.paths.status)
        return status.pid if status is not None else 0

    def poll(self) -> int | None:
        """Its exit code once it has ended; where another dashboard started it, 0 or 1."""
        if self.process is not None:
            return self.process.poll()
        status = read_status(self.paths.status)
        if status is None:
            return EXIT_FAILED
        state = judge(status, time.time(), self.paths.lock).state
        return None if state in ACTIVE else int(state == "crashed")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.code is None

    @property
    def at_work(self) -> bool:
        """Whether it runs and has not said its last word: a process may take a while to go."""
        status = read_status(self.paths.status)
        done = status is not None and status.pid == self.pid and status.state not in ACTIVE
        return self.running and not done

    @property
    def title(self) -> str:
        """A training by its run's name, others by what they do."""
        return plain_text(self.paths.name, 64) if self.spec.trains else self.spec.title


class Jobs:
    """The jobs of this dashboard, by the name of their folder, the newest last."""

    def __init__(self, app: AzulApp) -> None:
        self._app = app
        self.all: dict[str, StartedJob] = {}
        self._resuming: set[str] = set()

    @property
    def running(self) -> list[StartedJob]:
        """Those that have not ended."""
        return [job for job in self.all.values() if job.running]

    def latest(self, job: str) -> StartedJob | None:
        """The newest job of that kind."""
        return next((j for j in reversed(self.all.values()) if j.spec.name == job), None)

    def start(
        self,
        spec: JobSpec,
        overrides: Sequence[str] = (),
        *,
        preset: str | None = None,
        name: str | None = None,
    ) -> StartedJob | None:
        """Start a job in the background; None, with an error shown, when it cannot be.

        `overrides` are `key=value` each, the value in TOML. A training starts from its own preset
        and makes up the name of its run where none is given.
        """
        from azul_tui.jobs.start import JobRequest, run_in_background

        request = JobRequest(
            spec=spec,
            root=self._app.runs_root,
            config=preset if spec.makes_run and preset != spec.preset else None,
            overrides=tuple(overrides),
            name=name,
        )
        try:
            started = run_in_background(request, starting={j.paths.name for j in self.running})
        except AzulError as error:
            self._app.notify(str(error), severity="error")
            return None
        assert started is not None, "nobody is asked who is not at a prompt"
        paths, process = started
        return self.take_up(StartedJob(spec, paths, request.overrides, process, time.time()))

    def take_up(self, job: StartedJob) -> StartedJob:
        """Watch over a job that has been started."""
        self.all.pop(job.paths.name, None)
        self.all[job.paths.name] = job
        self._app.run_worker(self._await(job), name=f"job {job.paths.name}", exit_on_error=False)
        self._app.tell(JobChanged())
        return job

    def find_again(self) -> None:
        """Take up the jobs of earlier dashboards that go on, apart from trainings."""
        from azul_tui.runs.paths import JOBS_FOLDER, RunPaths

        folders: list[Path] = []
        with suppress(OSError):  # no job was ever started here
            folders = sorted((self._app.runs_root / JOBS_FOLDER).iterdir())[-MOST_FOLDERS:]
        for paths in map(RunPaths, folders):
            status = read_status(paths.status)
            if status is None or judge(status, time.time(), paths.lock).state not in ACTIVE:
                continue
            with suppress(AzulError):  # a job of another version
                if paths.name not in self.all:
                    self.take_up(StartedJob(find_job(status.job), paths, (), None, status.started))

    def cancel(self, job: StartedJob) -> None:
        """End a job: a training saves first, anything else ends at once."""
        if job.spec.trains:
            self._app.request("cancel", job.paths)
        elif job.running and job.pid:
            with suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGTERM)

    async def resume(
        self, paths: RunPaths, checkpoint: Path | None = None, iteration: int | None = None
    ) -> None:
        """Go on with a run: at once when it was interrupted, asked how far when it has finished.

        One whose process is still ending is waited for. It goes on from a `checkpoint` file of
        that `iteration`; from the newest where none is named.
        """
        from azul_tui.views import resuming

        app = self._app
        if paths.name in self._resuming:
            return
        self._resuming.add(paths.name)
        try:
            end = time.monotonic() + RESUME_WITHIN_S
            reason = resuming.why_not(paths, app.clock())
            if reason.endswith(resuming.ENDING):
                app.notify(f"{reason}; it will resume then")
            while reason.endswith(resuming.ENDING) and time.monotonic() < end:
                await asyncio.sleep(POLL_S)
                reason = resuming.why_not(paths, app.clock())
        finally:
            self._resuming.discard(paths.name)
        if reason:
            app.notify(reason, severity="warning")
            return
        by = f"run={toml_value(paths.name)}"
        overrides = [f"checkpoint={toml_value(str(checkpoint))}" if checkpoint else by]
        iteration = resuming.newest_iteration(paths) if iteration is None else iteration
        further = resuming.further_limit(paths, iteration, app.clock())
        if further is not None:
            more = await self._ask_how_many(paths, further, iteration)
            if more is None:
                return
            overrides.append(f"{further.setting}={further.done + more}")
        if job := self.start(find_job("resume"), overrides):
            app.open_run(job.paths)

    async def _ask_how_many(
        self, paths: RunPaths, further: Further, iteration: int
    ) -> float | int | None:
        """What is to be added to a limit that was reached; None when the person leaves."""
        from azul_tui.tui.modals import AskValue

        def more(text: str) -> float | int:
            try:
                value = float(text.replace(",", "").replace(" ", ""))
                return int(value) if further.setting == "max_iterations" else value
            except (ValueError, OverflowError):
                return 0

        asked = AskValue(
            f"How many more {further.unit}?",
            f"{further.more:g}",
            help_text=f"{paths.name} has finished its {further.done:,g} {further.unit}; it "
            f"continues from iteration {iteration:,} with its own settings.",
            check=lambda text: "" if 0 < more(text) < 1e9 else "a number above 0",
        )
        text = await self._app.push_screen_wait(asked)
        return more(text) if text is not None else None

    async def _await(self, job: StartedJob) -> None:
        """Notice the end of a job; a worker that is cancelled leaves the job alone."""
        while (code := job.poll()) is None:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(POLL_S)
        job.code = code
        with suppress(OSError):  # a full disk: it is said on the screen at least
            note_ending(job.paths.status, job.pid, code)
        app = self._app
        app.look_now()
        app.tell(JobChanged())
        if code not in {EXIT_DONE, EXIT_DIVERGED, *ASKED_CODES}:
            # It may have ended before it wrote a record: then its log alone says why.
            words = f"{job.title}: {last_words(job)}"
            app.notify(words, severity="error")
        elif code == EXIT_DONE and not app.shows_job(job):
            key = "2 shows it" if job.spec.trains else "^p, or its entry in the menu, shows it"
            app.notify(f"{job.title} finished; {key}", timeout=10)


def last_words(job: StartedJob) -> str:
    """How a job ended, and the last line that it wrote."""
    from azul_tui.views.match import last_line

    if job.code is not None and not job.ending:
        words, how = last_line(job.paths), ending_words(job.code)
        job.ending = f"{how}: {words}" if words else f"{how}; it wrote nothing"
    return job.ending
