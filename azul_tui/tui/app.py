"""The app: its places, what they hand to each other, and quitting.

It never imports torch or numba. What draws charts imports numpy, which waits until the
first screen has been painted.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding

from azul_tui.tui.engine.process import SharedEngine
from azul_tui.tui.following_app import TICK_S
from azul_tui.tui.frame import PLACES
from azul_tui.tui.jobs_app import JobsApp

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from textual.screen import Screen

    from azul_tui.jobs.registry import JobSpec
    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.analyse.entry import AnalyseRequest
    from azul_tui.tui.play.open import PlayRequest


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


class AzulApp(JobsApp):
    """The dashboard.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first; None opens the menu.
        training: The process that trains it, when that is a child of this one.
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
        training: subprocess.Popen[bytes] | None = None,
        ascii_only: bool | None = None,
        clock: Callable[[], float] = time.time,
        tick_s: float = TICK_S,
    ) -> None:
        super().__init__(
            runs_root, attach=attach, ascii_only=ascii_only, clock=clock, tick_s=tick_s
        )
        self._training = training
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
        self.engine = SharedEngine(
            runs_root,
            lambda text: self.notify(text, severity="warning", markup=False, timeout=10),
        )
        """Rules, players and networks, in a process of their own."""

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
            if self._training is not None:
                self.await_end("train", self._training, self._attach_at_start)
        self.run_worker(self._follow_runs(), name="follow", exit_on_error=True)

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
    runs_root: Path,
    *,
    attach: RunPaths | None = None,
    training: subprocess.Popen[bytes] | None = None,
    ascii_only: bool | None = None,
) -> int:
    """Show the dashboard until the person leaves; returns the exit code.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first.
        training: The process that trains it, when that is a child of this one.
        ascii_only: Draw with ASCII; None asks the locale.
    """
    app = AzulApp(runs_root, attach=attach, training=training, ascii_only=ascii_only)
    code = app.run()
    from azul_tui.tui.goodbye import goodbye

    with suppress(OSError, ValueError):  # the terminal may be gone
        sys.stdout.write(goodbye(app))
    return code if code is not None else (app.return_code or 0)
