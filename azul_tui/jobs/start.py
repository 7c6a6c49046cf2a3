"""From a request to a running job: settings, folder, signals, exit code."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from azul_tui.config import (
    SettingValue,
    TrainingConfig,
    combine,
    find_config,
    find_preset,
    resolve_settings,
    setting_names,
)
from azul_tui.errors import EXIT_DONE, EXIT_FAILED, EXIT_USER, AzulError, JobError, system_refusal
from azul_tui.jobs.names import check_names
from azul_tui.jobs.registry import job_settings
from azul_tui.jobs.reporter import Reporter
from azul_tui.runs.control import job_arguments, job_command, launch
from azul_tui.runs.listing import refuse_live, run_to_resume
from azul_tui.runs.machine import allowed_cores, own_mark, speak_with, usable_cores
from azul_tui.runs.paths import RunPaths, claim_run, existing_run, new_job_folder, new_run
from azul_tui.runs.status import RunRecorder, claim_status
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection, Generator, Mapping
    from types import FrameType

    from azul_tui.jobs.registry import JobSpec


# -- leaving when asked to: the first signal sets a flag, the second leaves at once
#
# A handler that saved anything itself could find the interpreter in the middle of a save. A job
# that talks with a person has nothing to save and waits for a line: it is interrupted where it is.

ECHO_S: Final = 1.0
"""The same signal again within this time is the first one's echo: `timeout` sends its signal to
the process and to its group."""


@dataclass(slots=True)
class StopFlag:
    """Whether somebody asked the job to stop, and with which signal."""

    signal: int = 0
    asked: bool = False

    def set(self, signal_number: int = 0) -> None:
        """Ask the job to stop after what it is doing."""
        self.asked = True
        self.signal = self.signal or signal_number

    def is_set(self) -> bool:
        """Whether the job should stop; ask it often."""
        return self.asked

    @property
    def exit_code(self) -> int:
        """130 after SIGINT, 143 after SIGTERM, else 0."""
        return 128 + self.signal if self.signal else EXIT_DONE


@contextmanager
def signals_set(
    flag: StopFlag, *, ignore_hangup: bool, interrupts: bool = False
) -> Generator[None]:
    """While inside, SIGINT and SIGTERM set `flag`, and a second one ends the process.

    Args:
        flag: What the job looks at.
        ignore_hangup: Training outlives the terminal it was started in.
        interrupts: Raise KeyboardInterrupt at once instead of asking the job to finish.
    """
    first_at = 0.0

    def on_signal(number: int, _frame: FrameType | None) -> None:
        nonlocal first_at
        now = time.monotonic()
        if flag.is_set():
            if number == flag.signal and now - first_at < ECHO_S:
                return
            os._exit(128 + number)
        flag.set(number)
        first_at = now
        if interrupts:
            raise KeyboardInterrupt
        # Not through sys.stderr: its lock may be held by the code that was interrupted.
        with suppress(OSError):  # the terminal is gone, and so is whoever would read it
            os.write(2, b"\nazul-tui: finishing and saving; once more leaves at once\n")

    handlers: dict[int, Any] = {signal.SIGINT: on_signal, signal.SIGTERM: on_signal}
    if ignore_hangup:
        handlers[signal.SIGHUP] = signal.SIG_IGN
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# -- what is asked for, and what a job is given


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRequest:
    """What somebody asked for on the command line."""

    spec: JobSpec
    root: Path
    """The folder in which runs live."""
    config: str | None = None
    """A settings file or the name of a preset."""
    overrides: tuple[str, ...] = ()
    """`key=value` each."""
    name: str | None = None
    json_lines: bool = False
    yes: bool = False
    record: str | None = None
    """Folder for the records of a job that makes no run."""
    interactive: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


class ResolvedSettings(NamedTuple):
    """The settings of a start, from all the places that may name them."""

    settings: dict[str, SettingValue]
    """The job's own, defaults filled in."""
    changes: dict[str, SettingValue]
    """Training settings that a file, the environment or `--set` named."""
    config: TrainingConfig | None
    """Of the run that the job makes."""


def resolve_request(request: JobRequest) -> ResolvedSettings:
    """The settings that a start would have.

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    spec = request.spec
    file = None if request.config is None else find_config(request.config)
    if file is None and spec.preset is not None:
        file = find_preset(spec.preset)
    named = resolve_settings(job_settings(spec), file, request.environment, request.overrides)
    own = {setting.name: named.get(setting.name, setting.default) for setting in spec.settings}
    training = set(setting_names()) if spec.trains else set[str]()
    changes = {name: value for name, value in named.items() if name in training}
    config = combine(TrainingConfig(), changes) if spec.makes_run else None
    return ResolvedSettings(own, changes, config)


@dataclass(kw_only=True, slots=True)
class JobContext:
    """One start of one job."""

    spec: JobSpec
    settings: dict[str, SettingValue]
    """As in `ResolvedSettings`, and so are `config` and `changes`."""
    config: TrainingConfig | None = None
    changes: dict[str, SettingValue] = field(default_factory=dict[str, SettingValue])
    reporter: Reporter
    runs_root: Path
    """The folder in which runs live."""
    directory: Path
    """Where the job may write: its run, else its folder for records, else `runs_root`."""
    run_name: str | None = None
    """The run it makes, or the `--name` it was given."""
    stop: StopFlag = field(default_factory=StopFlag)
    warned: set[str] = field(default_factory=set[str])
    """What `warn` has said."""

    def warn(self, text: str) -> None:
        """Tell a person, once, what is odd and does not end the job."""
        if text not in self.warned:
            self.warned.add(text)
            self.reporter.record("alert", level="warning", text=text)

    def integer(self, name: str) -> int:
        """A setting of kind `int`."""
        return cast("int", self.settings[name])

    def text(self, name: str) -> str:
        """A setting that is written as text."""
        return cast("str", self.settings[name])


# -- a job in this process


def run_job(request: JobRequest) -> int:
    """Run a job in this process and return its exit code.

    Raises:
        AzulError: The job could not be started as asked.
    """
    spec = request.spec
    resolved = resolve_request(request)
    if request.name is not None and not spec.trains:
        raise JobError(f"--name is the name of a run, and {spec.name} makes none; leave it out")
    _check(request, resolved)
    if not _agreed(request, resolved):
        return EXIT_DONE
    run = _make_run(request) if spec.makes_run else None
    if run is not None:
        with suppress(OSError):  # a full disk: the recorder says so, where it can be helped
            claim_status(run.status, run.name, own_mark(), time.time())
    stop = StopFlag()
    with ExitStack() as stack:
        recorder = None
        if request.record is not None and not spec.trains:
            paths = RunPaths(Path(request.record))
            recorder = stack.enter_context(RunRecorder(paths, job=spec.name))
        speak_with(lambda sentence: _to_standard_error(f"azul-tui: {plain_text(sentence, 500)}\n"))
        reporter = Reporter(
            sys.stdout, sys.stderr, json_lines=request.json_lines, recorder=recorder
        )
        folder = run or (recorder.paths if recorder else None)
        context = JobContext(
            spec=spec,
            **resolved._asdict(),
            reporter=reporter,
            runs_root=request.root,
            directory=folder.directory if folder else request.root,
            run_name=run.name if run else request.name,
            stop=stop,
        )
        stack.enter_context(
            signals_set(stop, ignore_hangup=spec.trains, interrupts=spec.needs_terminal)
        )
        if usable_cores() < allowed_cores():
            # torch follows the affinity and would start a thread for each core of the machine.
            os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
        if spec.loads_torch and "torch" not in sys.modules:
            reporter.say("loading torch, which takes seconds, on a busy machine up to a minute")
            if recorder is not None:
                recorder.status(phase="loading torch", force=True)
        code, outcome = _outcome(context)
        if recorder is not None and code != EXIT_DONE:
            recorder.status(state="stopped" if stop.is_set() else "crashed")
        claimed = spec.resumes and context.directory != request.root
        made = RunPaths(context.directory) if claimed else run
        if made is not None and code != EXIT_DONE and not made.events.exists():
            _tell_why_nothing_began(made, spec, outcome)
        reporter.finish()
        reporter.record("result", **{"job": spec.name, "exit_code": code, **outcome})
    lost = reporter.unwritten
    if lost is None or isinstance(lost, BrokenPipeError):  # a reader who has seen enough
        return code
    _to_standard_error(f"azul-tui: standard output cannot be written: {system_refusal(lost)}\n")
    # What a training made is in its folder; of other jobs the answer is lost.
    return EXIT_USER if code == EXIT_DONE and not spec.trains else code


def _outcome(context: JobContext) -> tuple[int, dict[str, Any]]:
    """Run the job itself; its exit code and what the result record says."""
    try:
        job = resolve_name(f"azul_tui.jobs.{context.spec.entry}")
        outcome: dict[str, Any] = {"ok": True, **(job(context) or {})}
    except AzulError as error:
        _to_standard_error(f"azul-tui: {plain_text(str(error), 1000)}\n")
        return error.exit_code, {"ok": False, "error": str(error)}
    except KeyboardInterrupt:
        context.stop.set(signal.SIGINT)
        _to_standard_error("\nazul-tui: interrupted\n")
        return context.stop.exit_code, {"ok": False, "error": "interrupted"}
    except (OSError, MemoryError, ImportError) as error:
        # A library that is missing, or has no memory to be mapped into.
        refusal = system_refusal(error)
        _to_standard_error(f"azul-tui: {context.spec.name} cannot go on: {refusal}\n")
        return EXIT_FAILED, {"ok": False, "error": refusal}
    except Exception as error:  # noqa: BLE001 - the border: a fault ends in a result and a code
        _to_standard_error(traceback.format_exc())
        return EXIT_FAILED, {"ok": False, "error": f"{type(error).__name__}: {error}"}
    if context.stop.exit_code:
        return context.stop.exit_code, {**outcome, "ok": False, "stopped": True}
    return (EXIT_DONE if outcome["ok"] else EXIT_FAILED), outcome


def _check(request: JobRequest, resolved: ResolvedSettings) -> None:
    """Refuse what can be refused before anything heavy is loaded; choose the run to resume.

    Raises:
        AzulError: A name leads nowhere, or no run has anything left to do.
    """
    check_names(request.spec, resolved.settings, request.root)
    if not request.spec.resumes or resolved.settings["checkpoint"]:
        return
    name = str(resolved.settings["run"])
    if not name:
        found = run_to_resume(request.root, resolved.changes, time.time())
        resolved.settings["run"] = found.name
    elif request.name is None:
        refuse_live(existing_run(request.root, name))


def _agreed(request: JobRequest, resolved: ResolvedSettings) -> bool:
    """Ask before a job that takes hours, when there is somebody to answer."""
    spec, config = request.spec, resolved.config
    if not spec.asks or request.yes or not request.interactive or request.json_lines:
        return True
    limits = ""
    if config is not None:
        limits = f", at most {config.max_iterations:,} iterations"
        if config.max_minutes:
            limits += f" or {config.max_minutes:g} minutes"
    _to_standard_error(f"{spec.title}: takes {spec.duration}{limits}. Start? [y/N] ")
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return True
    _to_standard_error("not started\n")
    return False


def _make_run(request: JobRequest) -> RunPaths:
    """The directory of the run that is made; under a new name when none was given."""
    if request.name is not None:
        return claim_run(request.root, request.name)
    stem = Path(request.config).stem if request.config else request.spec.preset or "run"
    kept = "".join(char for char in stem if char.isalnum() or char in "-_")[:40].lstrip("-_")
    return new_run(request.root, kept or "run")


def _tell_why_nothing_began(paths: RunPaths, spec: JobSpec, outcome: Mapping[str, object]) -> None:
    """A run that failed before its first record: say why in it, or leave no empty folder."""
    if not paths.log.exists():  # nobody watches: the sentence on standard error is enough
        with suppress(OSError):
            paths.status.unlink(missing_ok=True)
            for folder in (paths.control, paths.games, paths.directory):
                folder.rmdir()
        return
    with RunRecorder(paths, job=spec.name) as recorder:
        recorder.record("alert", level="error", text=str(outcome.get("error", "")))
        recorder.record("result", job=spec.name, **outcome)
        recorder.status(state="crashed")


def _to_standard_error(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody is there to read it
        sys.stderr.write(text)
        sys.stderr.flush()


# -- a job in a process of its own


def run_in_background(
    request: JobRequest, *, starting: Collection[str] = ()
) -> tuple[RunPaths, subprocess.Popen[bytes]] | None:
    """Start a job in its own process; its folder and it, None when the person declined.

    Args:
        request: The job; one that makes no run gets a folder for its records.
        starting: Runs whose processes were started and may not have locked them yet.

    Raises:
        AzulError: The job could not be started as asked.
    """
    spec, overrides = request.spec, request.overrides
    resolved = resolve_request(request)
    if spec.trains:  # what another job cannot use is said in its own log, where it is looked at
        _check(request, resolved)
    if not _agreed(request, resolved):
        return None
    if not spec.trains:
        paths = new_job_folder(request.root, spec.name, now_ns=time.time_ns())
    elif spec.makes_run:
        paths = _make_run(request)
    else:
        paths = _run_that_goes_on(request, resolved)
        if paths.name in starting:
            raise JobError(f"{plain_text(paths.name, 64)} is already starting")
        # The other process would choose anew where nothing is named, perhaps another one.
        overrides = (*overrides, f'run="{resolved.settings["run"]}"')
    arguments = job_arguments(
        spec.name,
        root=request.root,
        run_name=paths.name if spec.trains else None,
        record=None if spec.trains else paths.directory,
        config=request.config,
        overrides=overrides,
    )
    return paths, launch(job_command(arguments), paths)


def _run_that_goes_on(request: JobRequest, resolved: ResolvedSettings) -> RunPaths:
    """The run that a resume in the background will write to, its log above all.

    Raises:
        AzulError: Its name is refused or taken.
    """
    checkpoint = str(resolved.settings["checkpoint"])
    if request.name is not None:
        return claim_run(request.root, request.name)
    if not checkpoint:
        return existing_run(request.root, str(resolved.settings["run"]))
    home = RunPaths(Path(checkpoint).absolute().parent)
    inside = home.directory.parent.resolve() == request.root.resolve()
    return home if inside else new_run(request.root, home.name)
