"""The games that a run has kept: listed, replayed with the value curve, mistakes found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from azul_tui.errors import AzulError
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import ChartViewed, RowChosen, RowOpened
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board, Table, Target, fitted
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.listing import Listing, RowList
from azul_tui.views import games, words
from azul_tui.views.engine import ListedGames, RecordedGame, ReviewedMove, read, word
from azul_tui.views.games import Replay
from azul_tui.views.play import Move
from azul_tui.views.play_settings import short_name
from azul_tui.views.table import sorted_by

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.engine import ListedGame, Record
    from azul_tui.views.words import Spans

LIST_EVERY_S = 5.0
SIMULATIONS = 100
PLAY_S = 0.7
"""Seconds between two moves of a game that plays on by itself."""
MISTAKE = 0.15
"""Expected outcome lost from which a better move is shown on the board."""
IN_GAME = frozenset({"step", "play_on", "mistake", "analyse", "take_over", "judge", "next_game"})


class ValueCurve(Chart, can_focus=False, inherit_bindings=False):
    """The value over a game: its cursor is the move, which keys, clicks and the wheel change."""

    def _title(self, drawings: Any) -> Spans:
        del drawings
        return self.contents[0].title

    def _below(self, drawing: Any) -> Spans:
        del drawing
        return ()

    def _wheel(self, event: events.MouseEvent, factor: float, direction: int) -> None:
        """The screen moves through the game instead."""


class GamesScreen(FramedScreen[None]):
    """The games of one run.

    Args:
        paths: The run.
    """

    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar = [
        Binding("space", "play_on", "play on, stop"),
        Binding("m", "mistake", "next mistake"),
        Binding("a", "analyse", "analyse"),
        Binding("p", "take_over", "play on from here"),
        Binding("escape", "back", "back"),
        Binding("right", "step(1)", "one move on", show=False),
        Binding("left", "step(-1)", "one move back", show=False),
        Binding("pagedown,down", "step(10)", "ten moves on", show=False),
        Binding("pageup,up", "step(-10)", "ten moves back", show=False),
        Binding("home", "step(-10000)", "to the first deal", show=False),
        Binding("end", "step(10000)", "to the end", show=False),
        Binding("n", "next_game(1)", "the next game", show=False),
        Binding("N", "next_game(-1)", "the game before", show=False),
        Binding("o", "judge", "another network's opinion", show=False),
        Binding("r", "again", "list or review again", show=False),
        Binding("backspace", "back", "back", show=False),
    ]

    def __init__(self, paths: RunPaths) -> None:
        super().__init__()
        self.paths = paths
        self.games: dict[str, ListedGame] = {}
        """By the key of their rows."""
        self.unreadable = 0
        self.replay: Replay | None = None
        self.is_open = False
        """Whether the game is replayed; otherwise its end is shown beside the list."""
        self.busy = self.trouble = ""
        self.judges = games.judges(paths)
        self.sort, self.falls = "game", False
        self._playing: Timer | None = None
        self._changed, self._looked_at = 0.0, -LIST_EVERY_S

    def compose_body(self) -> ComposeResult:
        """The list with the end of the chosen game beside it; or a game with its curve."""
        yield Static("", id="which-game", classes="line", markup=False)
        with Container(id="games"):
            with Vertical(id="games-list", classes="panel"):
                yield Static("", id="no-games", classes="empty", markup=False)
                yield Listing()
            yield Board(id="ending")
        yield Static("", id="moves-here", markup=False)
        yield ValueCurve(id="curve")

    # -- coming and going

    def show(self) -> None:
        """A live run keeps more and more games."""
        now = self.azul.clock()
        if not self.is_open and now - self._looked_at >= LIST_EVERY_S:
            self._looked_at = now
            self._look(self._list())
        self.draw()

    def on_screen_resume(self) -> None:
        """Finish a review that was left."""
        super().on_screen_resume()
        if self.is_open and self.replay is not None and self.replay.mistakes is None:
            self._look(self._review(self.replay))

    def on_screen_suspend(self) -> None:
        """Leaving ends what the engine does for this screen, and no game plays on unseen."""
        self._stop_playing()
        self._stop_looking()

    def on_resize(self) -> None:
        """Another size is another layout."""
        self.call_after_refresh(self.draw)

    # -- asking the engine

    def _look(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this instead of what is under way."""
        self.run_worker(work, group="look", exclusive=True)

    def _stop_looking(self) -> None:
        # The library leaves the type of the node open.
        self.workers.cancel_group(self, "look")  # pyright: ignore[reportUnknownMemberType]
        self.busy = ""

    async def _ask(self, what: str, command: str, on_record: Any = None) -> Record | None:
        """Ask, telling `what` is waited for; None, with the reason told, when it is refused."""
        self.busy, self.trouble = "starting the engine", ""
        self.draw()
        try:
            engine = await self.azul.engines.get()
            self.busy = what
            return await engine.ask(command, on_record=on_record or self._hear)
        except AzulError as error:
            self.trouble = plain_text(str(error), 300)
            return None
        finally:
            self.busy = ""
            self.draw()

    def _hear(self, record: Record) -> None:
        if record.get("event") == "progress":
            self.busy = plain_text(str(record.get("text")), 60)
            self.draw()

    async def _list(self) -> None:
        """List the games when the folder changed, and show the end of the chosen one."""
        folder = self.paths.games
        changed = folder.stat().st_mtime if folder.is_dir() else 0.0
        if changed == self._changed:
            return
        record = await self._ask("listing", f"games {word(str(folder))}")
        if record is not None:
            self._changed = changed
            told = read(ListedGames, record)
            self.unreadable = len(told.unreadable)
            # Newer games move the others down: the cursor stays on its game.
            chosen = self._current()
            self.games = {str(number): game for number, game in enumerate(told.games)}
            same = (key for key, game in self.games.items() if chosen and
                    (game.file, game.index) == (chosen.file, chosen.index))  # fmt: skip
            self._fill(next(same, ""))
            await self._show_end()

    def _fill(self, chosen: str = "") -> None:
        found = sorted_by(
            self.games.items(), lambda item: games.rank_of(int(item[0]), item[1], self.sort),
            falls=self.falls,
        )  # fmt: skip
        rows = [games.row_of(int(key), game) for key, game in found]
        self.query_one(Listing).fill(
            games.COLUMNS, rows, marked=(), sort=self.sort, falls=self.falls, chosen=chosen
        )
        self.draw()

    def _current(self) -> ListedGame | None:
        """The game under the cursor."""
        return self.games.get(self.query_one(Listing).chosen)

    async def _fetch(self, listed: ListedGame) -> Replay | None:
        """The game, as it is here already or from the engine."""
        if self.replay is None or self.replay.listed != listed:
            command = f"game {word(listed.file)} {listed.index}"
            if (record := await self._ask("reading the game", command)) is None:
                return None
            self.replay = Replay(listed, read(RecordedGame, record))
        return self.replay

    async def _show_end(self) -> None:
        """How the game under the cursor ended, where there is room beside the list."""
        listed = self._current()
        if listed is not None and self.query_one(Board).display:
            if (replay := await self._fetch(listed)) is not None:
                replay.go(replay.last)
            self.draw()

    async def _open(self, listed: ListedGame) -> None:
        """Replay a game from its start, and have it reviewed."""
        if (replay := await self._fetch(listed)) is not None:
            self.is_open = True
            replay.go(0)
            self.refresh_bindings()
            self.draw()
            if replay.mistakes is None:
                await self._review(replay)

    async def _review(self, replay: Replay) -> None:
        """Ask the judge about every move."""
        replay.reviews.clear()
        replay.mistakes = None

        def hear(record: Record) -> None:
            self._hear(record)
            if record.get("event") == "review":
                replay.reviews.append(read(ReviewedMove, record))
                self.draw()

        listed, judge = replay.listed, self.judges[0]
        command = f"review {word(listed.file)} {listed.index} player={word(judge)}"
        record = await self._ask("reviewing", f"{command} simulations={SIMULATIONS}", hear)
        if record is not None:
            numbers = record.get("mistakes") or ()
            replay.mistakes = tuple(n for n in numbers if isinstance(n, int))
        self.draw()

    # -- drawing

    def draw(self) -> None:
        """Bring every part up to date; one that says the same costs nothing."""
        if not self.is_mounted or not self.is_current:
            return
        replay = self.replay
        self.set_class(self.is_open, "-open")
        if self.is_open and replay is not None:
            self._draw_game(replay, max(20, self.size.width - 2))
            return
        count = f"   {words.plural(len(self.games), 'game')}" if self.games else ""
        name = f"games of {plain_text(self.paths.name, 40)}"
        self._say("#which-game", content(((name, "strong"), (count, "quiet"))))
        trouble = f"{self.trouble}; r tries again" if self.trouble else ""
        self._say("#no-games", Content(trouble or self.busy or games.NO_GAMES))
        self.query_one("#no-games").display = not self.games
        bad = f"{words.plural(self.unreadable, 'file')} could not be read"
        foot = trouble or self.busy or (bad if self.unreadable else "")
        panel = self.query_one("#games-list")
        panel.border_title = Content.styled("games", "bold")
        panel.border_subtitle = Content(words.shortened(foot, max(5, panel.size.width - 6)))
        if replay is not None and replay.listed == self._current():
            self._draw_board(replay, "how it ended")
        else:
            self.query_one(Board).show(None, title="how it ended")

    def _draw_game(self, replay: Replay, width: int) -> None:
        self._say("#which-game", content(games.headline(replay, width, self.azul.signs.separator)))
        self._say("#moves-here", lines(games.move_rows(replay, width)))
        self._draw_board(replay, "")
        curve = self.query_one(ValueCurve)
        if self.size.height:
            from azul_tui.views.charts import View

            trouble = f"{self.trouble}; o asks another network" if self.trouble else ""
            below = self.busy or f"by {short_name(self.judges[0])}"
            # Set, not looked at: it would be drawn twice.
            curve.view = View(smoothing=0.0, show_band=False, cursor=float(replay.at))
            curve.draw([games.value_content(replay, below, trouble)])

    def _draw_board(self, replay: Replay, title: str) -> None:
        board, here = self.query_one(Board), replay.review(replay.at)
        marked: set[Target] = set()
        if self.is_open and replay.at < replay.last:
            best = here.best if here and here.best and (here.swing or 0.0) >= MISTAKE else None
            move = Move.parse(best or replay.game.moves[replay.at], replay.game.players)
            seat = replay.game.movers[replay.at]
            marked = {Target("tile", *move[:2]), Target("line", seat, move.row)}
        table = Table(position=replay.view, names=tuple(replay.names()), chosen=frozenset(marked))
        edge = 2 if title else 0
        room = board.size.width - edge, board.size.height - edge
        board.show(fitted(table, *room, self.azul.signs)[0], title=title)

    def _say(self, selector: str, text: Content) -> None:
        widget = self.query_one(selector, Static)
        if widget.content != text:
            widget.update(text, layout=False)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The list and a game have their own keys."""
        if action in IN_GAME:
            return self.is_open
        return super().check_action(action, parameters)

    @on(RowChosen)
    def highlighted(self) -> None:
        """Another game is under the cursor."""
        self.draw()
        if not self.is_open:
            self._look(self._show_end())

    @on(RowOpened)
    def opened(self) -> None:
        """Enter, or a double click."""
        if (listed := self._current()) is not None:
            self._look(self._open(listed))

    def action_sort_by(self, column: str) -> None:
        """Sort the games by a column; by the present one the other way round."""
        falls = next(each.falls for each in games.COLUMNS if each.key == column)
        self.falls = not self.falls if column == self.sort else falls
        self.sort = column
        self._fill()

    def action_back(self) -> None:
        """From a game to the list, from the list to where the screen was opened."""
        self._stop_playing()
        if not self.is_open or self.replay is None:
            self.dismiss(None)
            return
        self._stop_looking()
        self.is_open = False
        self.replay.go(self.replay.last)
        self.refresh_bindings()
        self.call_after_refresh(self.draw)
        self.draw()
        self.query_one(RowList).focus()

    def action_again(self) -> None:
        """List again, or review again after something went wrong."""
        if self.is_open and self.replay is not None:
            self._look(self._review(self.replay))
        else:
            self._changed = -1.0
            self._look(self._list())

    def action_next_game(self, step: int) -> None:
        """The game below or above in the list."""
        listing = self.query_one(RowList)
        at = (listing.highlighted or 0) + step
        if 0 <= at < len(self.games):
            self._stop_playing()
            listing.highlighted = at
            self.opened()

    def go(self, at: int) -> None:
        """Look at the game after so many moves."""
        if self.replay is not None and self.is_open:
            self._stop_playing()
            self.replay.go(at)
            self.draw()

    def action_step(self, step: int) -> None:
        """Some moves on or back."""
        if self.replay is not None:
            self.go(self.replay.at + step)

    def action_mistake(self) -> None:
        """To the position before the next of the worst moves."""
        number = self.replay.next_mistake() if self.replay is not None else None
        if number is not None:
            self.go(number)
        elif self.replay is not None and self.replay.mistakes is not None:
            self.notify("the review found no mistake in this game", markup=False)
        else:
            self.notify("mistakes are known once the review has ended", markup=False)

    def action_play_on(self) -> None:
        """Let the game play by itself, or stop it."""
        if self._playing is not None:
            self._stop_playing()
        elif (replay := self.replay) is not None:
            if replay.at == replay.last:
                self.go(0)
            self._playing = self.set_interval(PLAY_S, self._tick)

    def _tick(self) -> None:
        replay = self.replay
        if replay is None or replay.at >= replay.last:
            self._stop_playing()
        else:
            replay.go(replay.at + 1)
            self.draw()

    def _stop_playing(self) -> None:
        if self._playing is not None:
            self._playing.stop()
            self._playing = None

    def action_judge(self) -> None:
        """Ask another network."""
        self.judges = [*self.judges[1:], self.judges[0]]
        self.action_again()

    def action_analyse(self) -> None:
        """Look at this position in the place Analyse."""
        if self.replay is not None:
            self.azul.go_with("analyse", (self.replay.notation, self.judges[0]))

    def action_take_over(self) -> None:
        """Play on from this position in the place Play."""
        if self.replay is not None and self.replay.at < self.replay.last:
            self.azul.go_with("play", self.replay.notation)
        else:
            self.notify("the game is over here; go back a move to play on", markup=False)

    # -- the mouse

    @on(ChartViewed)
    def curve_clicked(self, message: ChartViewed) -> None:
        """A click on the curve goes to that move."""
        message.stop()
        if message.view.cursor is not None:
            self.go(round(message.view.cursor))

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves through the game."""
        self.action_step(1)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves through the game."""
        self.action_step(-1)
