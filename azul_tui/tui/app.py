"""The app: its places, what they share, starting and leaving.

It never imports torch or numba. What draws charts imports numpy, which waits until the first
screen has been painted.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding

from azul_tui.errors import EXIT_DONE
from azul_tui.runs.status import ASKED_CODES
from azul_tui.tui import themes
from azul_tui.tui.follower import Follower, refresh_s
from azul_tui.tui.job_control import JobControl
from azul_tui.tui.jobs import Jobs, StartedJob, last_words
from azul_tui.tui.widgets.frame import PLACES
from azul_tui.views.signs import ASCII, UNICODE, locale_has_unicode

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from textual.command import Provider
    from textual.driver import Driver
    from textual.message import Message
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.messages import ChartExported
    from azul_tui.views.engine import Engines
    from azul_tui.views.following import RunFeed
    from azul_tui.views.progress import RunNow
    from azul_tui.views.resuming import Further

RESUME_TRIES = 60
ERROR_S = 86_400.0
"""How long an error is shown that nobody dismisses."""
_ASKED = {"pause": "pausing", "resume": "resuming", "stop": "stopping", "cancel": "cancelling"}


def _screen(module: str, name: str) -> Callable[[], Screen[Any]]:
    """Makes a screen whose module is imported at its first use."""

    def make() -> Screen[Any]:
        from importlib import import_module

        return getattr(import_module(f"azul_tui.tui.screens.{module}"), name)()

    return make


def _provider(name: str) -> Callable[[], type[Provider]]:
    def load() -> type[Provider]:
        from azul_tui.tui import commands

        return getattr(commands, name)

    return load


class AzulApp(App[int]):
    """The dashboard.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first; None opens the menu.
        training: The process that trains it, when that is a child of this one.
        ascii_only: Draw with ASCII; None asks the environment.
        refresh: Seconds between two looks at a run; None decides by the line.
        theme: None takes the one that was kept, or ours.
        clock: Gives unix time.
    """

    TITLE = "azul-tui"
    CSS_PATH = "azul.tcss"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "menu": _screen("menu", "MenuScreen"),
        "training": _screen("training", "TrainingScreen"),
        "runs": _screen("runs", "RunsScreen"),
        "checkpoints": _screen("checkpoints", "CheckpointsScreen"),
        "evaluate": _screen("evaluate", "EvaluateScreen"),
        "play": _screen("play", "PlayScreen"),
        "analyse": _screen("analyse", "AnalyseScreen"),
    }
    COMMANDS = App.COMMANDS | {
        _provider("PlaceProvider"),
        _provider("JobProvider"),
        _provider("RunProvider"),
    }
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
        Binding("ctrl+z", "suspend_process", "suspend; fg comes back", show=False, priority=True),
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
        if ascii_only is None:
            ascii_only = bool(os.environ.get("AZUL_TUI_ASCII")) or not locale_has_unicode()
        self.signs = ASCII if ascii_only else UNICODE
        # Without colours the library's filter would still paint shades of grey.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        for ours in themes.THEMES:
            self.register_theme(ours)
        wanted = theme or themes.kept_theme()
        self.theme = wanted if wanted in self.available_themes else themes.AZUL_DARK.name
        self.runs_root = runs_root
        self.clock = clock
        self.follower = Follower(self, refresh_s(refresh))
        self.jobs = Jobs(self)
        self.job_control = JobControl(self)
        self.alerts_seen = 0
        self.left_with = ""
        """How the person left: `s` stopped, `c` cancelled what ran."""
        self.stakes: dict[str, str] = {}
        """What leaving would lose, in a sentence, by the place that would lose it."""
        self._wishes: dict[str, Any] = {}
        self._asked: dict[str, tuple[str, int]] = {}
        self._awaited: set[str] = set()
        """Runs that are to be resumed once their processes have gone."""
        self._first, self._training = attach, training

    def get_driver_class(self) -> type[Driver]:
        """The library's driver; where only ASCII can be shown, one that writes nothing else."""
        driver = super().get_driver_class()
        if not self.signs.ascii:
            return driver
        from azul_tui.tui.ascii_driver import ascii_form

        return ascii_form(driver)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of curves and tiles, for every theme."""
        return themes.variables(dark=self.current_theme.dark)

    async def on_mount(self) -> None:
        """Open the first place; what reads files waits for the first paint."""
        self.job_control.heed()
        await self.switch_mode("training" if self._first is not None else "menu")
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if self._first is not None:
            self.follow(self._first)
            if self._training is not None:
                self.jobs.take_over(self._training, self._first)
        self.run_worker(self.follower.work(), name="follow")
        self.jobs.find_again()
        self.theme_changed_signal.subscribe(self, lambda theme: themes.keep_theme(theme.name))

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
        feed = self.feed
        if feed is None:
            return None
        from azul_tui.views.progress import RunNow

        now = self.clock()
        launch = ended = ""
        job = self.jobs.all.get(feed.name)
        if job is not None and job.paths.directory == feed.directory:
            told = feed.status is not None and feed.status.pid == job.pid
            if job.running and not told:
                launch = "resuming" if job.spec.resumes else "starting"
            elif not job.running and job.code not in {None, EXIT_DONE, *ASKED_CODES}:
                ended = last_words(job)
        run = RunNow(
            name=feed.name, data=feed.data, status=feed.status, judgement=feed.state(now),
            now=now, usage=self.follower.usage, problem=feed.problem, ended=ended, launch=launch,
            opened=feed.at_end,
        )  # fmt: skip
        word = self._asked_word(run)
        if word:
            from dataclasses import replace

            run = replace(run, asked=word)
        return run

    def _asked_word(self, run: RunNow) -> str:
        """What the run was asked for and has neither done nor refused."""
        word, answers = self._asked.get(run.name, ("", 0))
        if not word:
            return ""
        refused = [h for h in run.data.happenings if h.kind == "control" and h.level != "info"]
        done = {"pausing": "paused", "resuming": "running"}.get(word, "")
        if not run.active or run.state == done or len(refused) > answers:
            del self._asked[run.name]
            return ""
        return word

    def request(
        self, request: str, paths: RunPaths | None = None, *, key: str = "", value: Any = None
    ) -> None:
        """Leave a request for a run, the one that is looked at by default."""
        from azul_tui.errors import AzulError
        from azul_tui.runs.control import drop_request

        feed = self.feed
        if paths is None:
            if feed is None:
                return
            paths = feed.paths
        try:
            drop_request(paths, request, key=key, value=value)
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if request in _ASKED:
            refused = 0
            if feed is not None and feed.name == paths.name:
                happenings = feed.data.happenings
                refused = sum(h.kind == "control" and h.level != "info" for h in happenings)
            self._asked[paths.name] = (_ASKED[request], refused)
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

    @cached_property
    def engines(self) -> Engines:
        """Where Play, Analyse and Games get their engine from."""
        from azul_tui.views.engine import Engines

        return Engines(
            self.runs_root,
            lambda text: self.notify(text, severity="warning", markup=False, timeout=10),
        )

    async def on_unmount(self) -> None:
        """End the engine before the loop ends that reads it."""
        if "engines" in vars(self):
            await self.engines.close()

    # -- jobs

    def show_job(self, job: StartedJob) -> None:
        """Go to where a job can be watched, or what it made be looked at."""
        job.seen = True
        if job.spec.trains:
            self.open_run(job.paths)
        elif job.spec.name == "evaluate":
            self.action_place("evaluate")
        else:
            from azul_tui.tui.screens.demo import DemoScreen

            self.push_screen(DemoScreen(job))

    def shows_job(self, job: StartedJob) -> bool:
        """Whether a person sees that job now."""
        if job.spec.trains:
            return (
                self.current_mode == "training"
                and self.feed is not None
                and (self.feed.directory == job.paths.directory)
            )
        return getattr(self.screen, "job", None) is job

    def open_job_form(self, job: str) -> None:
        """The menu at that job; its form says what starting it would do."""
        self.go_with("menu", job)

    def open_checkpoint(self, file: Path) -> None:
        """The place of checkpoints at that file."""
        from azul_tui.runs.paths import RunPaths

        self.follow(RunPaths(file.parent))
        self.go_with("checkpoints", file)

    def resume(
        self,
        paths: RunPaths,
        checkpoint: Path | None = None,
        iteration: int | None = None,
        *,
        tries: int = RESUME_TRIES,
    ) -> None:
        """Go on with a run: at once when it was interrupted, asked how far when it has finished.

        One whose process is still ending is waited for, `tries` half seconds long.

        Args:
            paths: The run.
            checkpoint: One of its files; None for the newest.
            iteration: That of the checkpoint.
            tries: How often it is looked whether the process has gone.
        """
        from azul_tui.jobs.registry import find_job
        from azul_tui.views import resuming
        from azul_tui.views.settings import toml_value

        reason = resuming.why_not(paths, self.clock())
        if reason.endswith(resuming.ENDING) and tries:
            if tries == RESUME_TRIES:
                if paths.name in self._awaited:
                    return
                self._awaited.add(paths.name)
                self.notify(f"{reason}; it resumes then", markup=False)
            self.set_timer(0.5, lambda: self.resume(paths, checkpoint, iteration, tries=tries - 1))
            return
        self._awaited.discard(paths.name)
        if reason:
            self.notify(reason, severity="warning", markup=False)
            return
        spec = find_job("resume")
        by = ("checkpoint", str(checkpoint)) if checkpoint is not None else ("run", paths.name)
        named = f"{by[0]}={toml_value(by[1])}"
        iteration = resuming.newest_iteration(paths) if iteration is None else iteration
        further = resuming.further_limit(paths, iteration, self.clock())
        if further is None:
            job = self.jobs.start(spec, [named])
            if job is not None:
                self.open_run(job.paths)
        else:
            self._resume_further(paths, named, further, iteration)

    def _resume_further(
        self, paths: RunPaths, named: str, further: Further, iteration: int
    ) -> None:
        """Ask how far a run that has finished goes on, and let it."""
        from azul_tui.jobs.registry import find_job
        from azul_tui.tui.modals import AskValue

        def more(text: str) -> float:
            return float(text.replace(",", "").replace(" ", ""))

        def check(text: str) -> str:
            try:
                good = more(text) > 0 and more(text) < 1e9
            except ValueError:
                good = False
            return "" if good else "a number above 0"

        def entered(text: str | None) -> None:
            if text is None:
                return
            limit = further.done + more(text)
            value = int(limit) if further.setting == "max_iterations" else limit
            job = self.jobs.start(find_job("resume"), [named, f"{further.setting}={value}"])
            if job is not None:
                self.open_run(job.paths)

        self.push_screen(
            AskValue(
                f"How many more {further.unit}?",
                f"{further.more:g}",
                help_text=f"{paths.name} has finished its {further.done:,g} {further.unit}; it "
                f"goes on from iteration {iteration:,} with the settings that it had.",
                check=check,
            ),
            entered,
        )

    # -- places and keys

    def go_with(self, mode: str, wish: Any) -> None:
        """To a place, which takes the wish by `wish` when it shows itself.

        `menu` takes the name of a job, `checkpoints`, `evaluate`, `play` and `analyse` what their
        modules say.
        """
        from azul_tui.tui.messages import RunAdvanced

        self._wishes[mode] = wish
        self.action_place(mode)
        self.tell(RunAdvanced(changed=True))

    def wish(self, mode: str) -> Any:
        """What the place was asked to begin with, once; None for nothing."""
        return self._wishes.pop(mode, None)

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
        from azul_tui.tui.screens.keys import KeysScreen

        if not self.screen.is_modal:
            self.push_screen(KeysScreen(self.screen))

    def action_suspend_process(self) -> None:
        """Give the terminal back to the shell, until `fg`."""
        self.job_control.suspend()

    async def action_quit(self) -> None:
        """Leave, asking first when a job that was started here is still running."""
        from azul_tui.tui.leaving import LeaveBox

        if isinstance(self.screen, LeaveBox):
            return
        at_work = [job for job in self.jobs.running if job.at_work]
        if at_work or self.stakes:
            self.push_screen(LeaveBox(at_work, list(self.stakes.values())))
        else:
            self.exit(0)

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


def run_app(
    runs_root: Path,
    *,
    attach: RunPaths | None = None,
    training: subprocess.Popen[bytes] | None = None,
    ascii_only: bool | None = None,
    refresh: float | None = None,
) -> int:
    """Show the dashboard until the person leaves; returns the exit code.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first.
        training: The process that trains it, when that is a child of this one.
        ascii_only: Draw with ASCII; None asks the environment.
        refresh: Seconds between two looks at a run; None decides by the line.
    """
    theme = themes.kept_theme() or themes.first_theme()
    app = AzulApp(
        runs_root, attach=attach, training=training, ascii_only=ascii_only, refresh=refresh,
        theme=theme,
    )  # fmt: skip
    code = app.run()
    from azul_tui.tui.leaving import goodbye

    with suppress(OSError, ValueError):  # the terminal may be gone
        sys.stdout.write(goodbye(app))
    return code if code is not None else (app.return_code or 0)
