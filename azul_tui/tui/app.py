"""The app: its places, the run that is followed, what they share, starting and leaving.

It never imports torch or numba. What draws charts imports numpy, which waits until the first
screen has been painted.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding

from azul_tui.errors import EXIT_DONE, AzulError
from azul_tui.jobs.registry import find_job
from azul_tui.runs.status import ASKED_CODES
from azul_tui.tui import themes
from azul_tui.tui.jobs import Jobs, StartedJob, last_words
from azul_tui.tui.messages import RunAdvanced, RunSwitched
from azul_tui.tui.widgets.frame import PLACES
from azul_tui.views.signs import ASCII, UNICODE, signs_here

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textual.driver import Driver
    from textual.message import Message
    from textual.notifications import SeverityLevel
    from textual.timer import Timer

    from azul_tui.config import TrainingConfig
    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.messages import ChartExported
    from azul_tui.views.engine import Engine
    from azul_tui.views.following import RunFeed
    from azul_tui.views.progress import Meter, RunNow
    from azul_tui.views.words import Spans

REFRESH_S, REFRESH_OVER_SSH_S = 1.0, 2.0
"""Seconds between two looks at a run: fewer looks over a slow line."""
SLICE_S = 0.012
"""Seconds of reading between two looks at the keyboard."""
SHOWN_WHILE_READING_S = 1.0
CATCHING_UP_S = 0.1
ERROR_S = 86_400.0
"""How long an error is shown that nobody dismisses."""
_ASKED = {"pause": "pausing", "resume": "resuming", "stop": "stopping", "cancel": "cancelling"}
_ANSWERED = {"pausing": "paused", "resuming": "running"}
"""The state in which a run has done what it was asked for; others end with the run."""


def _load(module: str, name: str) -> Any:
    """A class of the dashboard whose module is imported at its first use."""
    return getattr(import_module(f"azul_tui.tui.{module}"), name)


def _place(mode: str) -> Any:
    return _load(f"screens.{mode}", f"{mode.capitalize()}Screen")()


class AzulApp(App[int]):
    """The dashboard.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first; None opens the menu.
        training: The process that trains it, when that is a child of this one.
        ascii_only: Draw with ASCII; None asks the environment.
        refresh: Seconds between two looks at a run; None decides by the line.
        theme: Its name; None for the one that was kept, or ours.
        clock: Gives unix time.
    """

    TITLE = "azul-tui"
    CSS_PATH = "azul.tcss"
    MODES: ClassVar[dict[str, Any]] = {mode: partial(_place, mode) for _, mode, _ in PLACES}
    COMMANDS = App.COMMANDS | {partial(_load, "commands", "AzulCommands")}
    # The library annotates both in a way that no ClassVar agrees with.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-very-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall"), (50, "-very-tall")]  # noqa: RUF012
    BINDINGS: ClassVar = [
        *(
            Binding(key, f"place('{mode}')", f"go to {title}", show=False)
            for key, mode, title in PLACES
        ),
        Binding("question_mark", "keys", "all keys", show=False),
        Binding("q", "quit", "leave"),
        Binding("ctrl+q", "quit", "leave", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "suspend (fg returns)", show=False, priority=True),
    ]

    def __init__(
        self,
        runs_root: Path,
        *,
        attach: RunPaths | None = None,
        training: subprocess.Popen[bytes] | None = None,
        ascii_only: bool | None = None,
        refresh: float | None = None,
        theme: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.signs = signs_here() if ascii_only is None else ASCII if ascii_only else UNICODE
        # Without colours the library's filter would still paint shades of grey.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.register_theme(themes.AZUL_DARK)
        self.register_theme(themes.AZUL_LIGHT)
        theme = theme or themes.kept_theme()
        self.theme = theme if theme in self.available_themes else themes.AZUL_DARK.name
        self.runs_root, self.clock = runs_root, clock
        usual = REFRESH_OVER_SSH_S if "SSH_CONNECTION" in os.environ else REFRESH_S
        self.refresh_s = usual if refresh is None else refresh
        self.feed: RunFeed | None = None
        """What is known of the run that is looked at; None where none is."""
        self.usage: Sequence[Spans] = ()
        """What this machine does while that run goes on."""
        self.jobs = Jobs(self)
        self.alerts_seen = 0
        self.left_with = ""
        """How the person left: `s` stopped, `c` cancelled what ran."""
        self.stakes: dict[str, str] = {}
        """What leaving would lose, in a sentence, by the place that would lose it."""
        self._wishes: dict[str, Any] = {}
        self._asked: dict[str, tuple[str, int]] = {}
        """By run, what it was asked for and how many requests it had refused by then."""
        self._first, self._training = attach, training
        self._look = asyncio.Event()
        self._meter: Meter | None = None
        self._painting: Timer | None = None

    def get_driver_class(self) -> type[Driver]:
        """The library's driver; where only ASCII can be shown, one that writes nothing else."""
        driver = super().get_driver_class()
        return _load("ascii_driver", "ascii_form")(driver) if self.signs.ascii else driver

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of curves and tiles, for every theme."""
        return themes.variables(dark=self.current_theme.dark)

    async def on_mount(self) -> None:
        """Open the first place; what reads files waits for the first paint."""
        from azul_tui.tui.leaving import heed_job_control

        heed_job_control(self)
        await self.switch_mode("training" if self._first is not None else "menu")
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if self._first is not None:
            self.follow(self._first)
            if self._training is not None:
                spec, began = find_job("train"), self.clock()
                self.jobs.take_up(StartedJob(spec, self._first, (), self._training, began))
        self.run_worker(self._read_run(), name="follow")
        self.jobs.find_again()
        # What was imported stays: to look through it for garbage took 60 ms every few seconds.
        for seconds in (0.1, 5.0) if not self.is_headless else ():
            self.set_timer(seconds, gc.freeze)
        self.theme_changed_signal.subscribe(self, lambda theme: themes.keep_theme(theme.name))

    def on_resize(self) -> None:
        """Paint anew what a terminal has cut off that was smaller only for a moment."""
        if self._painting is not None:
            self._painting.stop()
        if self.screen_stack and self.screen.size:
            self._painting = self.set_timer(0.1, partial(self.refresh, layout=True))

    # -- the run that is looked at

    def follow(self, paths: RunPaths | None) -> None:
        """Look at this run from now on, wherever one is; None for at none."""
        from azul_tui.views.following import RunFeed

        if paths is None or self.feed is None or self.feed.directory != paths.directory:
            self.alerts_seen = 0
            self.feed = RunFeed(paths.directory) if paths is not None else None
            self.tell(RunSwitched())
        self.look_now()

    def look_now(self) -> None:
        """Look at the run without waiting."""
        self._look.set()

    async def _read_run(self) -> None:
        """Read in slices that leave the keyboard alone; sleep while there is no run."""
        while True:
            self._look.clear()
            feed = self.feed
            if feed is None:
                await self._look.wait()
                continue
            feed.tick(SLICE_S)
            shown = self.clock()
            while not feed.at_end and feed is self.feed:
                await asyncio.sleep(0)
                feed.tick(SLICE_S)
                if self.clock() - shown > SHOWN_WHILE_READING_S:
                    shown = self.clock()
                    self.tell(RunAdvanced())
            if self.current_mode == "training":
                self.read_meter()
            self.tell(RunAdvanced())
            with suppress(TimeoutError):
                wait_s = CATCHING_UP_S if feed.is_sampled else self.refresh_s
                await asyncio.wait_for(self._look.wait(), wait_s)

    def read_meter(self) -> None:
        """Ask what this machine does."""
        from azul_tui.views.progress import Meter

        self._meter, run = self._meter or Meter(), self.run_now()
        self.usage = self._meter.read(run.status) if run is not None and run.active else ()

    def open_run(self, paths: RunPaths) -> None:
        """Look at this run, on the training screen."""
        self.follow(paths)
        self.action_place("training")

    @property
    def opening(self) -> str:
        """The run that will be looked at once the first screen stands; empty for none."""
        return self._first.name if self._first is not None and self.feed is None else ""

    def run_now(self) -> RunNow | None:
        """The run at this moment; None where none is looked at."""
        feed, now = self.feed, self.clock()
        if feed is None:
            return None
        from azul_tui.views.progress import RunNow

        launch = ended = ""
        job = self.jobs.all.get(feed.name)
        if job is not None and job.paths.directory == feed.directory:
            told = feed.status is not None and feed.status.pid == job.pid
            if job.running and not told:
                launch = "resuming" if job.spec.resumes else "starting"
            elif not job.running and job.code not in {EXIT_DONE, *ASKED_CODES}:
                ended = last_words(job)
        run = RunNow(
            name=feed.name, data=feed.data, status=feed.status, judgement=feed.state(now),
            now=now, usage=self.usage, problem=feed.problem, ended=ended, launch=launch,
            opened=feed.at_end,
        )  # fmt: skip
        word, refusals = self._asked.get(run.name, ("", 0))
        if not run.active or run.state == _ANSWERED.get(word) or _refusals(feed) > refusals:
            self._asked.pop(run.name, None)
            return run
        return replace(run, asked=word)

    def request(
        self, request: str, paths: RunPaths | None = None, *, key: str = "", value: Any = None
    ) -> None:
        """Leave a request for a run, the one that is looked at by default."""
        from azul_tui.runs.control import drop_request

        feed = self.feed
        paths = paths or (feed.paths if feed is not None else None)
        if paths is None:
            return
        try:
            drop_request(paths, request, key=key, value=value)
        except AzulError as error:
            self.notify(str(error), severity="error")
            return
        if request in _ASKED:
            refusals = _refusals(feed) if feed is not None and feed.name == paths.name else 0
            self._asked[paths.name] = _ASKED[request], refusals
        self.look_now()

    def stored_settings(self, paths: RunPaths) -> TrainingConfig:
        """The settings of a run; what this version could not take from its file is told."""
        from azul_tui.views.resuming import stored_settings

        config, notes = stored_settings(paths)
        for note in notes:
            self.notify(note, severity="warning", timeout=20)
        return config

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """A toast, never read as markup; an error stays until somebody dismisses it."""
        del markup
        timeout = ERROR_S if severity == "error" else timeout
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    def tell(self, message: Message) -> None:
        """Hand a message to the screens that can be seen: the upper one and the one below it."""
        for screen in self.screen_stack[-2:]:
            screen.post_message(message)

    def resume(
        self, paths: RunPaths, checkpoint: Path | None = None, iteration: int | None = None
    ) -> None:
        """Go on with a run, from a checkpoint of it; asks how far where it has finished."""
        self.run_worker(self.jobs.resume(paths, checkpoint, iteration), name="resume")

    @cached_property
    def engine(self) -> Engine:
        """What Play, Analyse and Games ask."""
        from azul_tui.views.engine import Engine

        warn = partial(self.notify, severity="warning", timeout=10)
        return Engine(self.runs_root, warn)

    async def on_unmount(self) -> None:
        """End the engine before the loop ends that reads it."""
        if "engine" in vars(self):
            await self.engine.close()

    # -- places and keys

    def go_with(self, mode: str, wish: Any) -> None:
        """To a place, which takes the wish by `wish` when it shows itself; see the places."""
        self._wishes[mode] = wish
        self.action_place(mode)
        self.tell(RunAdvanced())

    def wish(self, mode: str) -> Any:
        """What the place was asked to begin with, once; None for nothing."""
        return self._wishes.pop(mode, None)

    def show_job(self, job: StartedJob) -> None:
        """Go to where a job can be watched, or what it made be looked at."""
        job.seen = True
        if job.spec.trains:
            self.open_run(job.paths)
        elif job.spec.name == "evaluate":
            self.action_place("evaluate")
        else:
            self.push_screen(_load("screens.demo", "DemoScreen")(job))

    def shows_job(self, job: StartedJob) -> bool:
        """Whether a person sees that job now."""
        if job.spec.trains:
            here = self.feed is not None and self.feed.directory == job.paths.directory
            return here and self.current_mode == "training"
        return getattr(self.screen, "job", None) is job

    def action_place(self, mode: str) -> None:
        """To a place; from a screen that covers it, back to it."""
        while self.current_mode == mode and len(self.screen_stack) > 1:
            self.pop_screen()
        if self.current_mode != mode:
            self.switch_mode(mode)

    def get_key_display(self, binding: Binding) -> str:
        """A key as a person calls it."""
        return super().get_key_display(binding).replace("⏎", "enter")

    def action_keys(self) -> None:
        """Every key of the present screen."""
        if not self.screen.is_modal:
            self.push_screen(_load("modals", "Keys")(self.screen))

    def action_suspend_process(self) -> None:
        """Give the terminal back to the shell, until `fg`."""
        _load("leaving", "suspend")(self)

    async def action_quit(self) -> None:
        """Leave, asking first when a job that was started here is still running."""
        _load("leaving", "ask_to_leave")(self)

    def write_export(self, folder: Path, chart: ChartExported) -> None:
        """Write a chart into a folder and say where."""
        from azul_tui.runs.files import write_bytes_atomically

        safe = "".join(letter if letter.isalnum() else "-" for letter in chart.name)
        path = folder / f"chart-{safe}.{chart.kind}"
        try:
            write_bytes_atomically(path, chart.content.encode("utf-8"), durable=False)
        except OSError as error:
            self.notify(f"{path} cannot be written: {error.strerror}", severity="error")
        else:
            self.notify(f"written: {path}")


def _refusals(feed: RunFeed) -> int:
    """How many requests the run has refused so far."""
    return sum(h.kind == "control" and h.level != "info" for h in feed.data.happenings)


def run_app(
    runs_root: Path,
    *,
    attach: RunPaths | None = None,
    training: subprocess.Popen[bytes] | None = None,
    refresh: float | None = None,
) -> int:
    """Show the dashboard until the person leaves; returns the exit code. See `AzulApp`."""
    theme = themes.kept_theme() or themes.first_theme()
    app = AzulApp(runs_root, attach=attach, training=training, refresh=refresh, theme=theme)
    if hasattr(signal, "SIGHUP"):  # nohup has it ignored, but a dashboard ends with its terminal
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    code = app.run()
    with suppress(OSError, ValueError):  # the terminal may be gone
        sys.stdout.write(_load("leaving", "goodbye")(app))
    return code if code is not None else (app.return_code or 0)
