"""Jobs that this dashboard started: processes of their own, which outlive it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.errors import EXIT_DIVERGED, EXIT_DONE, EXIT_FAILED, AzulError, JobError
from azul_tui.jobs.registry import find_job
from azul_tui.runs.status import (
    ACTIVE,
    ASKED_CODES,
    ending_words,
    judge,
    note_ending,
    read_status,
)
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import JobEnded, JobStarted
from azul_tui.views.settings import toml_value

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.jobs.registry import JobSpec
    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.app import AzulApp

POLL_S = 0.3
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

        Args:
            spec: The job.
            overrides: `key=value` each, the value in TOML.
            preset: The preset or file that a training starts from; None takes the job's own.
            name: Of the run that a training makes; None makes one up.
        """
        from azul_tui.runs.launch import job_arguments, job_command, launch

        try:
            paths, overrides = self._folder(spec, overrides, preset, name)
            arguments = job_arguments(
                spec.name,
                root=self._app.runs_root,
                run_name=paths.name if spec.trains else None,
                record=None if spec.trains else paths.directory,
                config=preset if spec.makes_run and preset != spec.preset else None,
                overrides=overrides,
            )
            # Not asyncio's form: its transport kills the child when the loop ends, and a job
            # has to outlive the dashboard that started it.
            process = launch(job_command(arguments), paths)
        except AzulError as error:
            self._app.notify(str(error), severity="error", markup=False, timeout=20)
            return None
        job = StartedJob(spec, paths, tuple(overrides), process, time.time())
        self.take_up(job)
        return job

    def take_over(self, process: subprocess.Popen[bytes], paths: RunPaths) -> None:
        """Watch over a training that was started before the dashboard was."""
        self.take_up(StartedJob(find_job("train"), paths, (), process, time.time()))

    def take_up(self, job: StartedJob) -> None:
        """Watch over a job that has been started."""
        self.all.pop(job.paths.name, None)
        self.all[job.paths.name] = job
        self._app.run_worker(self._await(job), name=f"job {job.paths.name}", exit_on_error=False)
        self._app.tell(JobStarted(job.paths.name))

    def find_again(self) -> None:
        """Take up the jobs of earlier dashboards that go on, apart from trainings."""
        from azul_tui.runs.paths import JOBS_FOLDER, RunPaths

        try:
            folders = sorted((self._app.runs_root / JOBS_FOLDER).iterdir())[-MOST_FOLDERS:]
        except OSError:
            return  # no job was ever started here
        for folder in folders:
            paths = RunPaths(folder)
            status = read_status(paths.status)
            if status is None or judge(status, time.time(), paths.lock).state not in ACTIVE:
                continue
            try:
                spec = find_job(status.job)
            except AzulError:
                continue  # a job of another version
            if paths.name not in self.all:
                self.take_up(StartedJob(spec, paths, (), None, status.started))

    def cancel(self, job: StartedJob) -> None:
        """End a job: a training saves first, anything else ends at once."""
        if job.spec.trains:
            self._app.request("cancel", job.paths)
        elif job.running and job.pid:
            with suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGTERM)

    def _folder(
        self, spec: JobSpec, overrides: Sequence[str], preset: str | None, name: str | None
    ) -> tuple[RunPaths, list[str]]:
        """Where the job writes, and its settings with the run named.

        Raises:
            AzulError: There is no such run, or it goes on already.
        """
        from azul_tui.runs.paths import claim_run, new_job_folder, new_run

        root, changes = self._app.runs_root, list(overrides)
        if spec.makes_run:
            if name:
                return claim_run(root, name), changes
            return new_run(root, preset or spec.preset or spec.name, now=time.time()), changes
        if not spec.resumes:
            return new_job_folder(root, spec.name, now_ns=time.time_ns()), changes
        if name:  # a new run that begins with another's weights
            return claim_run(root, name), changes
        paths = run_to_go_on(root, changes)
        known = self.all.get(paths.name)
        if known is not None and known.running:
            raise JobError(f"{known.title} is being started already")
        if not any(text.startswith(("run=", "checkpoint=")) for text in changes):
            changes.append(f"run={toml_value(paths.name)}")
        return paths, changes

    async def _await(self, job: StartedJob) -> None:
        """Notice the end of a job; a worker that is cancelled leaves the job alone."""
        while (code := job.poll()) is None:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(POLL_S)
        job.code = code
        with suppress(OSError):  # a full disk: it is said on the screen at least
            note_ending(job.paths.status, job.pid, code)
        self._app.follower.look_now()
        self._app.tell(JobEnded(job.paths.name, code))
        if code not in {EXIT_DONE, EXIT_DIVERGED, *ASKED_CODES}:
            # It may have ended before it wrote a record: then its log alone says why.
            self._app.notify(
                f"{job.title}: {last_words(job)}", severity="error", markup=False, timeout=3600
            )
        elif code == EXIT_DONE and not self._app.shows_job(job):
            key = "2 shows it" if job.spec.trains else "^p, or its entry in the menu, shows it"
            self._app.notify(f"{job.title} finished; {key}", markup=False, timeout=10)


def last_words(job: StartedJob) -> str:
    """How a job ended, and the last line that it wrote."""
    from azul_tui.views.following import LogTail

    if job.code is None or job.ending:
        return job.ending
    log = LogTail(job.paths.log, keep=20)
    log.read()
    last = next((line for line in reversed(log.lines) if line.strip()), "")
    words = plain_text(last.removeprefix("azul-tui: "), 300)
    how = ending_words(job.code)
    job.ending = f"{how}: {words}" if words else f"{how}; it wrote nothing"
    return job.ending


def run_to_go_on(root: Path, overrides: Sequence[str]) -> RunPaths:
    """The run that a resume with these settings writes to.

    Raises:
        AzulError: There is none, or it goes on.
    """
    from pathlib import Path

    from azul_tui.config import resolve_settings
    from azul_tui.jobs.registry import find_job, job_settings
    from azul_tui.runs.paths import RunPaths, existing_run, new_run
    from azul_tui.runs.resumable import refuse_live, run_to_resume

    named = resolve_settings(job_settings(find_job("resume")), None, None, overrides)
    name, checkpoint = str(named.get("run", "")), str(named.get("checkpoint", ""))
    if checkpoint:
        home = RunPaths(Path(checkpoint).absolute().parent)
        if home.directory.parent.resolve() != root.resolve():
            return new_run(root, home.name, now=time.time())
    elif name:
        home = existing_run(root, name)
    else:
        home = run_to_resume(root, named, time.time())
    refuse_live(home)
    return home
