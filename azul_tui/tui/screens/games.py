"""Games: what a run has kept, listed, replayed move by move, and reviewed for mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import Binding

from azul_tui.errors import AzulError
from azul_tui.tui.engine.process import quoted
from azul_tui.tui.engine.records import read_game, read_games, read_review
from azul_tui.tui.games.picture import PREVIEW, GamesPicture, GamesView, games_body
from azul_tui.tui.games.session import GameList, check_game
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from textual import events
    from textual.timer import Timer

    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.engine.process import EngineRecord
    from azul_tui.tui.engine.records import ListedGame
    from azul_tui.tui.games.session import Replay
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture

LISTING: Final = "games list"
LOOKING: Final = "games look"
PLAY_S: Final = 0.8
"""Seconds a move while the game plays on by itself."""
LIST_EVERY_S: Final = 5.0
SIMULATIONS: Final = 100

IN_GAME: Final = frozenset({"mistake", "play_on", "step", "to", "analyse", "take_over"})
IN_LIST: Final = frozenset({"open", "move"})


class GamesScreen(PictureScreen):
    """The games of one run."""

    BINDINGS: ClassVar = [
        Binding("enter", "open", "replay"),
        Binding("left", "step(-1)", "back"),
        Binding("right", "step(1)", "on"),
        Binding("space", "play_on", "play"),
        Binding("m", "mistake", "next mistake"),
        Binding("a", "analyse", "analyse"),
        Binding("p", "take_over", "play on from here"),
        Binding("o", "judge", "another opinion", show=False),
        Binding("n", "next_game(1)", "next game", show=False),
        Binding("N", "next_game(-1)", "previous game", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
        Binding("home", "move(-100000)", "to the first", show=False),
        Binding("end", "move(100000)", "to the last", show=False),
        Binding("r", "again", "list again", show=False),
        Binding("escape,backspace", "back", "back"),
    ]

    def __init__(self, paths: RunPaths, place: str) -> None:
        """Show the games of the run in `paths`; `place` is marked in the top line."""
        super().__init__()
        self.paths = paths
        self.PLACE = place  # pyright: ignore[reportAttributeAccessIssue] - as it was opened
        self.games = GameList()
        self.replay: Replay | None = None
        self.is_open = False
        self.busy = ""
        self.trouble = ""
        self.judges = self._judges()
        self.playing: Timer | None = None
        self._changed = -1.0
        self._looked_at = -1e9
        self._drawn: GamesPicture | None = None

    def _judges(self) -> list[str]:
        """Networks whose opinion can be asked: the run's own, and the shipped one."""
        own = [self.paths.name] if self.paths.best_model.is_file() else []
        newest = [] if own else self._newest_checkpoint()
        return [*own, *newest, "pretrained"]

    def _newest_checkpoint(self) -> list[str]:
        from azul_tui.runs.listing import checkpoint_files

        files = checkpoint_files(self.paths)
        return [str(files[-1][1])] if files else []

    # -- what is shown

    def view(self) -> GamesView:
        """Everything that the picture depends on."""
        return GamesView(
            run=self.paths.name,
            games=self.games,
            replay=self.replay,
            is_open=self.is_open,
            judge=self.judges[0],
            busy=self.busy,
            trouble=self.trouble,
            playing=self.playing is not None,
            signs=self.azul.signs,
            depth=self.azul.depth,
        )

    def body(self, width: int, height: int) -> Picture:
        """The list, or a game."""
        self._drawn = games_body(self.view(), width, height)
        return self._drawn.picture

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The list and a game have their own keys."""
        if action in IN_GAME:
            return self.is_open
        if action == "open":
            return not self.is_open and bool(self.games.games)
        return super().check_action(action, parameters)

    def describe(self, binding: Binding) -> str:
        """Space stops what it began."""
        if binding.action == "play_on" and self.playing is not None:
            return "stop"
        return super().describe(binding)

    # -- coming and going

    def on_mount(self) -> None:
        """Ask for the list."""
        self._list()

    def on_screen_resume(self) -> None:
        """Look for new games, and finish a review that was left."""
        super().on_screen_resume()
        self._list_when_changed()
        if self.is_open and self.replay is not None and not self.replay.is_reviewed:
            self._look(self._review(self.replay))

    def on_screen_suspend(self) -> None:
        """Leaving ends what the engine does for this screen."""
        super().on_screen_suspend()
        self._stop_playing()
        self.workers.cancel_group(self, LOOKING)  # pyright: ignore[reportUnknownMemberType]

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """A live run keeps more and more games."""
        if not self.is_open:
            self._list_when_changed()
        self.redraw()

    def _list_when_changed(self) -> None:
        now = self.azul.clock()
        if not self.games.is_listed or abs(now - self._looked_at) < LIST_EVERY_S:
            return
        self._looked_at = now
        try:
            changed = self.paths.games.stat().st_mtime
        except OSError:
            return
        if changed != self._changed:
            self._list()

    # -- asking the engine

    def _list(self) -> None:
        self.run_worker(self._ask_list(), group=LISTING, exclusive=True)

    def _look(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this instead of what is under way for a game."""
        self.run_worker(work, group=LOOKING, exclusive=True)

    async def _ask(self, what: str, command: str, on_record: Any = None) -> EngineRecord:
        """Ask, telling `what` is waited for; AzulError when it is refused."""
        self.busy = "starting the engine"
        self.redraw()
        engine = await self.azul.engine.get()
        self.busy = what
        self.redraw()
        return await engine.ask(command, on_record or self._hear)

    def _hear(self, record: EngineRecord) -> None:
        """How far something is."""
        if record.get("event") == "progress":
            self.busy = str(record.get("text"))
            self.redraw()

    async def _ask_list(self) -> None:
        """List the run's games."""
        if not self.paths.games.is_dir():
            self.games.fill((), ())
            self.redraw()
            return
        try:
            self._changed = self.paths.games.stat().st_mtime
            record = await self._ask("listing", f"games {quoted(str(self.paths.games))}")
            unreadable = [str(text) for text in record.get("unreadable") or ()]
            self.games.fill(read_games(record), tuple(unreadable))
            self.trouble = ""
        except (AzulError, OSError) as error:
            self.trouble = str(error)
        self.busy = ""
        self.redraw()
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Fetch the game under the pointer where it is shown beside the list."""
        listed = self.games.current()
        if listed is None or self.is_open or self.size.width < PREVIEW[0]:
            return
        if self.replay is None or self.replay.listed != listed:
            self._look(self._preview(listed))

    async def _preview(self, listed: ListedGame) -> None:
        await self._fetch(listed)
        if self.replay is not None and self.replay.listed == listed:
            self.replay.go(self.replay.last)
        self.redraw()

    async def _fetch(self, listed: ListedGame) -> None:
        """Have the game as `replay`, unless it cannot be had."""
        try:
            record = await self._ask(
                "reading the game", f"game {quoted(listed.file)} {listed.index}"
            )
            self.replay = check_game(listed, read_game(record))
            self.trouble = ""
        except AzulError as error:
            self.trouble = str(error)
        self.busy = ""

    async def _open(self, listed: ListedGame) -> None:
        """Replay a game from its start, and have it reviewed."""
        if self.replay is None or self.replay.listed != listed:
            await self._fetch(listed)
        if self.replay is None or self.replay.listed != listed:
            self.redraw()
            return
        self.is_open = True
        self.replay.go(0)
        if not self.replay.is_reviewed:
            await self._review(self.replay)
        self.redraw()

    async def _review(self, replay: Replay) -> None:
        """Ask the judge about every move."""
        judge, listed = self.judges[0], replay.listed
        replay.reviews.clear()
        replay.mistakes, replay.trouble = (), ""

        def hear(record: EngineRecord) -> None:
            self._hear(record)
            if record.get("event") == "review":
                replay.reviews.append(read_review(record))
                self.redraw()

        command = f"review {quoted(listed.file)} {listed.index} player={quoted(judge)}"
        try:
            record = await self._ask(
                "reviewing the game", f"{command} simulations={SIMULATIONS}", hear
            )
            numbers = record.get("mistakes") or ()
            replay.mistakes = tuple(number for number in numbers if isinstance(number, int))
            replay.is_reviewed = True
        except AzulError as error:
            replay.trouble = str(error)
        self.busy = ""
        self.redraw()

    # -- keys

    def action_open(self) -> None:
        """Replay the game under the pointer."""
        listed = self.games.current()
        if listed is not None:
            self._look(self._open(listed))

    def action_back(self) -> None:
        """From a game to the list, from the list to where the screen was opened."""
        self._stop_playing()
        if not self.is_open:
            self.dismiss(None)
            return
        self.is_open = False
        self.workers.cancel_group(self, LOOKING)  # pyright: ignore[reportUnknownMemberType]
        self.busy = ""
        if self.replay is not None:
            self.replay.go(self.replay.last)
        self._list_when_changed()
        self.redraw()

    def action_again(self) -> None:
        """List again, or review again after something went wrong."""
        self.trouble = ""
        if self.is_open and self.replay is not None:
            self._look(self._review(self.replay))
        else:
            self._list()

    def action_move(self, step: int) -> None:
        """The pointer in the list; in a game ten moves or to its ends."""
        if not self.is_open:
            self.games.move(step)
            self._show_chosen()
        elif abs(step) == 1:
            self.action_next_game(step)
            return
        else:
            self.action_step(step)
        self.redraw()

    def action_next_game(self, step: int) -> None:
        """The game below or above in the list, replayed if this one is."""
        before = self.games.chosen
        self.games.move(step)
        if self.is_open and self.games.chosen != before:
            self._stop_playing()
            self.action_open()
        self.redraw()

    def action_step(self, step: int) -> None:
        """Some moves on or back."""
        if self.replay is not None and self.is_open:
            self._stop_playing()
            self.replay.go(self.replay.at + step)
            self.redraw()

    def action_mistake(self) -> None:
        """To the position before the next of the worst moves."""
        number = self.replay.next_mistake() if self.replay is not None else None
        if self.replay is not None and number is not None:
            self._stop_playing()
            self.replay.go(number)
            self.redraw()
        elif self.replay is not None and not self.replay.is_reviewed:
            self.notify("not looked at yet: mistakes are known when the review has ended")
        else:
            self.notify("the review found no mistake in this game")

    def action_play_on(self) -> None:
        """Let the game play by itself, or stop it."""
        if self.playing is not None:
            self._stop_playing()
        elif self.replay is not None:
            if self.replay.at == self.replay.last:
                self.replay.go(0)
            self.playing = self.set_interval(PLAY_S, self._tick)
        self.redraw()

    def _tick(self) -> None:
        replay = self.replay
        if replay is None or replay.at >= replay.last:
            self._stop_playing()
        else:
            replay.go(replay.at + 1)
        self.redraw()

    def _stop_playing(self) -> None:
        if self.playing is not None:
            self.playing.stop()
            self.playing = None

    def action_judge(self) -> None:
        """Ask the other network."""
        self.judges = [*self.judges[1:], self.judges[0]]
        if self.replay is not None:
            self.replay.is_reviewed = False
            if self.is_open:
                self._look(self._review(self.replay))
        self.redraw()

    def action_analyse(self) -> None:
        """Look at this position in the Analyse place."""
        from azul_tui.tui.analyse.entry import open_analyse

        if self.replay is not None:
            open_analyse(self.azul, notation=self.replay.notation, checkpoint=self.judges[0])

    def action_take_over(self) -> None:
        """Play on from this position in the Play place."""
        from azul_tui.tui.play.open import open_play

        replay = self.replay
        if replay is None:
            return
        if replay.at == replay.last:
            self.notify("the game is over here; go back a move to play on", severity="warning")
            return
        open_play(self.azul, notation=replay.notation, seat=replay.view.to_move)

    # -- the mouse

    def on_click(self, event: events.Click) -> None:
        """A click on the curve goes to that move, one on the list to that game."""
        event.stop()
        drawn = self._drawn
        if self.is_open and self.replay is not None and drawn is not None:
            x = drawn.chart.x_at(event.x - drawn.chart_left) if drawn.chart else None
            if x is not None and event.y > drawn.chart_top:
                self._stop_playing()
                self.replay.go(round(x))
        elif not self.is_open:
            row = self.games.first + event.y - 3
            if 0 <= row < len(self.games.games) and event.y >= 3:
                again = row == self.games.chosen
                self.games.chosen = row
                if again:
                    self.action_open()
                self._show_chosen()
        self.redraw()
