"""The app: its places, what they share, starting and leaving.

It never imports torch or numba. What draws charts imports numpy, which waits until the first
screen has been painted.
"""

from __future__ import annotations

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
from azul_tui.tui.follower import Follower, refresh_s
from azul_tui.tui.jobs import Jobs, StartedJob, last_words
from azul_tui.tui.messages import RunAdvanced
from azul_tui.tui.widgets.frame import PLACES
from azul_tui.views.signs import ASCII, UNICODE, signs_here

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from textual.driver import Driver
    from textual.message import Message
    from textual.notifications import SeverityLevel
    from textual.timer import Timer

    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.messages import ChartExported
    from azul_tui.views.engine import Engine
    from azul_tui.views.following import RunFeed
    from azul_tui.views.progress import RunNow

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
        self.follower = Follower(self, refresh_s(refresh))
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
        self.run_worker(self.follower.work(), name="follow")
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

    @property
    def feed(self) -> RunFeed | None:
        """What is known of it; None where none is looked at."""
        return self.follower.feed

    def follow(self, paths: RunPaths) -> None:
        """Look at this run from now on, wherever one is."""
        if self.feed is None or self.feed.directory != paths.directory:
            self.alerts_seen = 0
        self.follower.follow(paths.directory)

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
            now=now, usage=self.follower.usage, problem=feed.problem, ended=ended, launch=launch,
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
            self.notify(str(error), severity="error", markup=False)
            return
        if request in _ASKED:
            refusals = _refusals(feed) if feed is not None and feed.name == paths.name else 0
            self._asked[paths.name] = _ASKED[request], refusals
        self.follower.look_now()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """A toast; an error stays until somebody dismisses it."""
        if severity == "error":
            timeout = ERROR_S
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

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

        warn = partial(self.notify, severity="warning", markup=False, timeout=10)
        return Engine(self.runs_root, warn)

    async def on_unmount(self) -> None:
        """End the engine before the loop ends that reads it."""
        if "engine" in vars(self):
            await self.engine.close()

    # -- places and keys

    def go_with(self, mode: str, wish: Any) -> None:
        """To a place, which takes the wish by `wish` when it shows itself.

        `menu` takes the name of a job, `checkpoints`, `evaluate`, `play` and `analyse` what their
        modules say.
        """
        self._wishes[mode] = wish
        self.action_place(mode)
        self.tell(RunAdvanced(changed=True))

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
            words = f"{path} cannot be written: {error.strerror}"
            self.notify(words, severity="error", markup=False)
        else:
            self.notify(f"written: {path}", markup=False)


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
    """Show the dashboard until the person leaves; returns the exit code.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first.
        training: The process that trains it, when that is a child of this one.
        refresh: Seconds between two looks at a run; None decides by the line.
    """
    theme = themes.kept_theme() or themes.first_theme()
    app = AzulApp(runs_root, attach=attach, training=training, refresh=refresh, theme=theme)
    if hasattr(signal, "SIGHUP"):  # nohup has it ignored, but a dashboard ends with its terminal
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    code = app.run()
    with suppress(OSError, ValueError):  # the terminal may be gone
        sys.stdout.write(_load("leaving", "goodbye")(app))
    return code if code is not None else (app.return_code or 0)
