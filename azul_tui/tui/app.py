"""The app: places, the run that is followed, the jobs it started, themes and quitting.

It never imports torch or numba. What draws charts imports numpy, which waits until the
first screen has been painted.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding

from azul_tui.errors import EXIT_FAILED, EXIT_USER
from azul_tui.tui.engine.process import SharedEngine
from azul_tui.tui.frame import PLACES, run_words
from azul_tui.tui.messages import JobEnded, RunAdvanced, RunSwitched
from azul_tui.tui.painted_app import PaintedApp

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from textual.screen import Screen

    from azul_tui.jobs.registry import JobSpec
    from azul_tui.runs.paths import RunPaths
    from azul_tui.runs.status import Judgement
    from azul_tui.tui.analyse.entry import AnalyseRequest
    from azul_tui.tui.following.feed import RunFeed
    from azul_tui.tui.machine import Usage
    from azul_tui.tui.picture import Line
    from azul_tui.tui.play.open import PlayRequest

TICK_S = 1.0
JOB_POLL_S = 0.3
SLICE_S = 0.012
"""Seconds of reading between two looks at the keyboard."""


def _menu() -> Screen[Any]:
    from azul_tui.tui.screens.menu import MenuScreen

    return MenuScreen()


def _training() -> Screen[Any]:
    from azul_tui.tui.screens.training import TrainingScreen

    return TrainingScreen()


def _runs() -> Screen[Any]:
    from azul_tui.tui.screens.runs import RunsScreen

    return RunsScreen()


def _checkpoints() -> Screen[Any]:
    from azul_tui.tui.screens.checkpoints import CheckpointsScreen

    return CheckpointsScreen()


def _evaluate() -> Screen[Any]:
    from azul_tui.tui.screens.evaluate import EvaluateScreen

    return EvaluateScreen()


def _play() -> Screen[Any]:
    from azul_tui.tui.screens.play import PlayScreen

    return PlayScreen()


def _analyse() -> Screen[Any]:
    from azul_tui.tui.screens.analyse import AnalyseScreen

    return AnalyseScreen()


class AzulApp(PaintedApp):
    """The dashboard.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first; None opens the menu.
        ascii_only: Draw with ASCII; None asks the locale.
        clock: Gives unix time.
        tick_s: Seconds between two looks at the run directory.
    """

    TITLE = "azul-tui"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "menu": _menu,
        "training": _training,
        "runs": _runs,
        "checkpoints": _checkpoints,
        "evaluate": _evaluate,
        "play": _play,
        "analyse": _analyse,
    }
    BINDINGS: ClassVar = [
        *(
            Binding(key, f"place('{mode}')", title, show=False, id=f"go-{mode}")
            for key, mode, title in PLACES
        ),
        Binding("question_mark", "keys", "All keys", show=False),
        Binding("q", "leave", "Leave", show=False),
        Binding("ctrl+q", "leave", "Leave", show=False, priority=True),
        Binding("ctrl+c", "leave", "Leave", show=False),
        Binding("ctrl+p", "command_palette", "Commands", show=False),
    ]

    def __init__(
        self,
        runs_root: Path,
        *,
        attach: RunPaths | None = None,
        ascii_only: bool | None = None,
        clock: Callable[[], float] = time.time,
        tick_s: float = TICK_S,
    ) -> None:
        super().__init__(ascii_only=ascii_only)
        self.runs_root = runs_root
        self.clock = clock
        self.tick_s = tick_s
        self.feed: RunFeed | None = None
        self.usage: Usage | None = None
        self.alerts_seen = 0
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        """Jobs that this dashboard started and that have not ended, by run name."""
        self.job_paths: dict[str, RunPaths] = {}
        self.job_names: dict[str, str] = {}
        self.job_settings: dict[str, tuple[str, ...]] = {}
        """What jobs that are shown on a screen of their own were started with."""
        self.left_with = ""
        """How the person chose to leave: a key of the question, empty when none was asked."""
        self.evaluate_checkpoint = ""
        """The checkpoint that the Evaluate place starts with."""
        self.evaluating: RunPaths | None = None
        """The evaluation that the Evaluate place shows."""
        self.game_at_stake = False
        """Whether a game is on in the Play place that leaving would give up: it is not kept."""
        self.keeps_games = True
        """Whether the game that is on in the Play place is kept in a file."""
        self.play_request: PlayRequest | None = None
        """What the Play place is asked to begin with."""
        self.analyse_request: AnalyseRequest | None = None
        """What the Analyse place is to look at (see `analyse_entry.open_analyse`)."""
        self.engine = SharedEngine(runs_root)
        """Rules, players and networks, in a process of their own."""
        self._attach_at_start = attach
        self._meter: Any = None
        self._wake = asyncio.Event()

    def on_mount(self) -> None:
        """Open the first place; everything that reads files waits for the first paint."""
        self.switch_mode("training" if self._attach_at_start is not None else "menu")
        self.call_after_refresh(self._begin)

    async def on_unmount(self) -> None:
        """The engine goes with the dashboard."""
        await self.engine.close()

    def _begin(self) -> None:
        if self._attach_at_start is not None:
            self.follow(self._attach_at_start.directory)
        self.run_worker(self._follow_runs(), name="follow", exit_on_error=True)

    # -- the run that is looked at

    def follow(self, directory: Path) -> None:
        """Look at the run in `directory` from now on."""
        from azul_tui.tui.following.feed import RunFeed

        if self.feed is not None and self.feed.directory == directory:
            return
        self.feed = RunFeed(directory)
        self.alerts_seen = 0
        self._tell(RunSwitched(self.feed.name))
        self.look_now()

    def look_now(self) -> None:
        """Look at the run directory without waiting for the next second."""
        self._wake.set()

    @property
    def opening(self) -> str:
        """The run that will be looked at once the first screen stands; empty when there is none."""
        return self._attach_at_start.name if self._attach_at_start is not None else ""

    def judgement(self) -> Judgement | None:
        """What the followed run's status means now."""
        return self.feed.state(self.clock()) if self.feed is not None else None

    def run_words(self) -> Line:
        """The run that is looked at, for the top line."""
        feed = self.feed
        if feed is None:
            return ()
        alerts = max(0, len(feed.data.alerts) - self.alerts_seen)
        return run_words(feed.name, self.judgement(), feed.status, self.signs, alerts)

    async def _follow_runs(self) -> None:
        """Read what is new once a second, in slices that leave the keyboard alone."""
        ticks = 0
        while True:
            self._wake.clear()
            feed = self.feed
            changed = False
            if feed is not None:
                changed = feed.tick(SLICE_S)
                drawn = self.clock()
                while not feed.at_end and feed is self.feed:
                    await asyncio.sleep(0)
                    feed.tick(SLICE_S)
                    if self.clock() - drawn > 0.5:
                        drawn = self.clock()
                        self._tell(RunAdvanced(changed=True))
                if ticks % 2 == 0 and self.current_mode == "training":
                    self._read_meter()
            ticks += 1
            self._tell(RunAdvanced(changed))
            wait_s = 0.1 if feed is not None and feed.is_sampled else self.tick_s
            try:
                await asyncio.wait_for(self._wake.wait(), wait_s)
            except TimeoutError:
                continue

    def _read_meter(self) -> None:
        if self._meter is None:
            from azul_tui.tui.machine import Meter

            self._meter = Meter()
        self.usage = self._meter.read(str(self.runs_root))

    def _tell(self, message: RunAdvanced | RunSwitched | JobEnded) -> None:
        """Hand a message to the screens that can be seen."""
        for screen in self.screen_stack[-2:]:
            screen.post_message(message)

    # -- jobs

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
        self.job_names[paths.name] = job
        self.run_worker(self._await_job(paths.name, process), name=f"job {paths.name}")

    async def _await_job(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Notice the end of a job; a worker that is cancelled leaves the job alone."""
        while (code := process.poll()) is None:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(JOB_POLL_S)
        if self.processes.get(name) is process:
            del self.processes[name]
        if code in {EXIT_FAILED, EXIT_USER}:
            # It may have ended before it wrote a record: then its log alone says why.
            self._say_why(name, self.job_paths[name])
        self._tell(JobEnded(name, code))
        self.look_now()

    def _say_why(self, name: str, paths: RunPaths) -> None:
        """The last words of a job that failed."""
        from azul_tui.runs.text import plain_text
        from azul_tui.tui.following.log_tail import LogTail

        log = LogTail(paths.log, keep=20)
        log.read()
        last = next((line for line in reversed(log.lines) if line.strip()), "it said nothing")
        words = plain_text(last.removeprefix("azul-tui: "), 300)
        self.notify(f"{name} failed: {words}", severity="error", markup=False, timeout=15)

    def has_runs(self) -> bool:
        """Whether anything was ever trained here."""
        from azul_tui.runs.paths import run_folders

        return bool(run_folders(self.runs_root))

    def show_job(self, spec: JobSpec, paths: RunPaths) -> None:
        """Go to where the job in `paths` can be watched."""
        if spec.trains:
            self.follow(paths.directory)
            self.action_go("training")
            return
        if spec.name == "evaluate":
            self.evaluating = paths
            self.action_go("evaluate")
            return
        from azul_tui.tui.screens.demo import DemoScreen

        settings = self.job_settings.get(paths.name, ())
        self.push_screen(DemoScreen(spec, paths, settings, self.current_mode))

    def run_in_terminal(self, job: str, overrides: Sequence[str]) -> None:
        """Give the terminal to a job that talks with a person, and take it back after."""
        from azul_tui.runs.launch import job_arguments, job_command
        from azul_tui.tui.terminal_job import lend_terminal

        arguments = job_arguments(job, root=self.runs_root, overrides=list(overrides))
        with self.suspend():
            lend_terminal(job_command(arguments))
        self.painter.forget()
        self.refresh()

    def request(self, request: str, *, key: str = "", value: Any = None) -> None:
        """Leave a request for the followed run; says in words when that is not possible."""
        from azul_tui.errors import AzulError
        from azul_tui.runs.control import drop_request

        if self.feed is None:
            self.notify("no run is looked at", severity="warning")
            return
        try:
            drop_request(self.feed.paths, request, key=key, value=value)
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False)

    # -- going places

    def action_go(self, mode: str) -> None:
        """Switch to a place."""
        if self.current_mode != mode:
            self.switch_mode(mode)

    def action_place(self, mode: str) -> None:
        """To a place by its key; from a screen that covers this very place, back to it."""
        while self.current_mode == mode and len(self.screen_stack) > 1:
            self.pop_screen()
        self.action_go(mode)

    def action_games(self) -> None:
        """Show the games of the run that is looked at."""
        from azul_tui.tui.games.open import open_games

        open_games(self)

    def action_keys(self) -> None:
        """Show all keys of the screen."""
        from azul_tui.tui.screens.keys import KeysScreen

        if not isinstance(self.screen, KeysScreen):
            self.push_screen(KeysScreen(self.screen))

    def action_leave(self) -> None:
        """Leave, asking first when a job that was started here is still running."""
        from azul_tui.tui.screens.leave import LeaveGameScreen, LeaveScreen

        if isinstance(self.screen, (LeaveScreen, LeaveGameScreen)):
            return
        judgement = self.judgement()
        running = [name for name, process in self.processes.items() if process.returncode is None]
        if self.game_at_stake and not running:
            self.push_screen(LeaveGameScreen())
        elif self.feed is not None and judgement is not None and not running:
            # A run that somebody else started is left alone; leaving asks nothing.
            self.exit(0)
        elif running:
            self.push_screen(LeaveScreen({name: self.job_names[name] for name in running}))
        else:
            self.exit(0)

    def action_command_palette(self) -> None:
        """Find a command by its name."""
        from azul_tui.tui.screens.commands import CommandsScreen

        def chosen(command: SystemCommand | None) -> None:
            if command is not None:
                self.call_next(command.callback)

        if not self.screen.is_modal:
            self.push_screen(CommandsScreen([*self.get_system_commands(self.screen)]), chosen)

    async def action_quit(self) -> None:
        """The palette's way out is the same as the key's."""
        self.action_leave()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Places and the keys of the present screen, for the command palette."""
        from azul_tui.tui.screens.place import PictureScreen, key_word

        for key, mode, title in PLACES:
            yield SystemCommand(f"Go to {title}", f"key {key}", lambda m=mode: self.action_place(m))
        if isinstance(screen, PictureScreen):
            for binding in screen.own_bindings():
                action = binding.action
                if screen.check_action(action.split("(")[0], ()):
                    yield SystemCommand(
                        screen.describe(binding).capitalize(),
                        f"key {key_word(binding.key, ascii_only=self.signs.ascii)}",
                        lambda a=action, s=screen: self.call_next(s.run_action, a),
                    )
        yield SystemCommand("Games of a run", "replayed and reviewed", self.action_games)
        yield SystemCommand("All keys", "key ?", self.action_keys)
        yield SystemCommand("Leave", "key q", self.action_leave)


def run_app(
    runs_root: Path, *, attach: RunPaths | None = None, ascii_only: bool | None = None
) -> int:
    """Show the dashboard until the person leaves; returns the exit code.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first.
        ascii_only: Draw with ASCII; None asks the locale.
    """
    app = AzulApp(runs_root, attach=attach, ascii_only=ascii_only)
    code = app.run()
    from azul_tui.tui.goodbye import goodbye

    with suppress(OSError, ValueError):  # the terminal may be gone
        sys.stdout.write(goodbye(app))
    return code if code is not None else (app.return_code or 0)
