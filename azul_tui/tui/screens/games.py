"""The games that a run has kept: listed, replayed with the value curve, mistakes found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.errors import AzulError
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import ChartViewed
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board, Table, Target, fitted
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.rows import Rows
from azul_tui.views import games, words
from azul_tui.views.engine import ListedGame, ListedGames, RecordedGame, ReviewedMove, read, word
from azul_tui.views.games import Replay
from azul_tui.views.play import Move
from azul_tui.views.play_settings import short_name

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.engine import Record
    from azul_tui.views.words import Spans

LIST_EVERY_S = 5.0
SIMULATIONS = 100
PLAY_S = 0.7
"""Seconds between two moves of a game that plays on by itself."""
MISTAKE = 0.15
"""Expected outcome lost from which the engine calls a move a mistake."""
IN_GAME = frozenset({"step", "play_on", "mistake", "analyse", "take_over", "judge", "next_game"})


class GameOptions(Rows):
    """The games; a first click chooses one, a second replays it."""

    BINDINGS: ClassVar = [Binding("enter", "select", "replay")]

    before_click: int | None = None
    """The row under the cursor when a button of the mouse went down."""

    def on_mouse_down(self) -> None:
        """Remember what was chosen before the click."""
        self.before_click = self.highlighted


class ValueCurve(Chart, inherit_bindings=False):
    """The value over a game: its cursor is the move, which keys, clicks and the wheel change."""

    can_focus = False
    busy = ""

    def _title(self, drawings: Any) -> Spans:
        del drawings
        return self.contents[0].title

    def _below(self, drawing: Any) -> Spans:
        del drawing
        return ((self.busy, "quiet"),)

    def _wheel(self, event: events.MouseEvent, factor: float, direction: int) -> None:
        """The screen moves through the game instead."""


class GamesScreen(FramedScreen[None]):
    """The games of one run.

    Args:
        paths: The run.
    """

    AUTO_FOCUS = "#recorded"
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
        self.games: tuple[ListedGame, ...] | None = None
        """The newest first; None until they have been listed."""
        self.unreadable = 0
        self.replay: Replay | None = None
        self.is_open = False
        """Whether the game is replayed; otherwise its end is shown beside the list."""
        self.busy = self.trouble = ""
        self.judges = games.judges(paths)
        self._playing: Timer | None = None
        self._changed = self._looked_at = -1e9

    def compose_body(self) -> ComposeResult:
        """The list with the end of the chosen game beside it; or a game with its curve."""
        yield Static("", id="which-game", classes="line", markup=False)
        with Container(id="games"):
            with Vertical(id="games-list", classes="panel"):
                yield Static("", id="no-games", classes="empty", markup=False)
                yield GameOptions(id="recorded", markup=False, compact=True)
            yield Board(id="ending")
        yield Static("", id="moves-here", markup=False)
        yield ValueCurve(id="curve")

    # -- coming and going

    def show(self) -> None:
        """A live run keeps more and more games."""
        now = self.azul.clock()
        if self.games is None or (not self.is_open and abs(now - self._looked_at) >= LIST_EVERY_S):
            self._looked_at = now
            self._list()
        self.draw()

    def on_screen_resume(self) -> None:
        """Finish a review that was left."""
        super().on_screen_resume()
        if self.is_open and self.replay is not None and not self.replay.is_reviewed:
            self._look(self._review(self.replay))

    def on_screen_suspend(self) -> None:
        """Leaving ends what the engine does for this screen, and no game plays on unseen."""
        self._stop_playing()
        self._stop_looking()

    def on_resize(self) -> None:
        """Another size is another layout."""
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        self._fill(self._current())
        self.draw()

    # -- asking the engine

    def _look(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this instead of what is under way for a game."""
        self.run_worker(work, group="look", exclusive=True)

    def _stop_looking(self) -> None:
        # The library leaves the type of the node open.
        self.workers.cancel_group(self, "look")  # pyright: ignore[reportUnknownMemberType]
        self.busy = ""

    def _list(self) -> None:
        """List the games when the folder changed."""
        try:
            changed = self.paths.games.stat().st_mtime
        except OSError:
            self.games = self.games or ()
            return
        if changed != self._changed:
            self._changed = changed
            self.run_worker(self._ask_list(), group="list", exclusive=True)

    async def _ask(self, what: str, command: str, on_record: Any = None) -> Record:
        """Ask, telling `what` is waited for; AzulError when it is refused."""
        self.busy = "starting the engine"
        self.draw()
        engine = await self.azul.engines.get()
        self.busy = what
        self.draw()
        record = await engine.ask(command, on_record=on_record or self._hear)
        self.busy = ""
        return record

    def _hear(self, record: Record) -> None:
        if record.get("event") == "progress":
            self.busy = plain_text(str(record.get("text")), 60)
            self.draw()

    async def _ask_list(self) -> None:
        try:
            record = await self._ask("listing", f"games {word(str(self.paths.games))}")
        except AzulError as error:
            self.busy, self.trouble = "", f"{plain_text(str(error), 300)}; r tries again"
        else:
            told = read(ListedGames, record)
            before = self._current()
            self.games, self.unreadable, self.trouble = told.games, len(told.unreadable), ""
            self._fill(before)
        self.draw()
        self._show_chosen()

    def _fill(self, before: ListedGame | None) -> None:
        """The list anew, the cursor on its game."""
        listing, found = self.query_one(GameOptions), self.games or ()
        width = max(20, listing.scrollable_content_region.width)
        same = [(game.file, game.index) for game in found]
        place = (before.file, before.index) if before is not None else None
        with self.prevent(OptionList.OptionHighlighted):
            listing.clear_options()
            listing.add_options([Option(content(row)) for row in games.game_rows(found, width)])
            if found:
                listing.highlighted = same.index(place) if place in same else 0

    def _current(self) -> ListedGame | None:
        """The game under the cursor."""
        at = self.query_one(GameOptions).highlighted
        return self.games[at] if self.games and at is not None and at < len(self.games) else None

    def _show_chosen(self) -> None:
        """Fetch the game under the cursor where its end is shown beside the list."""
        listed = self._current()
        if listed is None or self.is_open or not self.query_one(Board).display:
            return
        if self.replay is None or self.replay.listed != listed:
            self._look(self._preview(listed))

    async def _preview(self, listed: ListedGame) -> None:
        if await self._fetch(listed) and self.replay is not None:
            self.replay.go(self.replay.last)
        self.draw()

    async def _fetch(self, listed: ListedGame) -> bool:
        """Have the game as `replay`; False when it cannot be had."""
        if self.replay is not None and self.replay.listed == listed:
            return True
        try:
            record = await self._ask("reading the game", f"game {word(listed.file)} {listed.index}")
            self.replay, self.trouble = Replay(listed, read(RecordedGame, record)), ""
        except AzulError as error:
            self.busy, self.trouble = "", plain_text(str(error), 300)
            return False
        return True

    async def _open(self, listed: ListedGame) -> None:
        """Replay a game from its start, and have it reviewed."""
        if await self._fetch(listed) and self.replay is not None:
            self.is_open = True
            self.replay.go(0)
            self.refresh_bindings()
            if not self.replay.is_reviewed:
                await self._review(self.replay)
        self.draw()

    async def _review(self, replay: Replay) -> None:
        """Ask the judge about every move."""
        replay.reviews.clear()
        replay.mistakes, replay.trouble, replay.is_reviewed = (), "", False

        def hear(record: Record) -> None:
            self._hear(record)
            if record.get("event") == "review":
                replay.reviews.append(read(ReviewedMove, record))
                self.draw()

        listed, judge = replay.listed, self.judges[0]
        command = f"review {word(listed.file)} {listed.index} player={word(judge)}"
        try:
            record = await self._ask(
                "reviewing the game", f"{command} simulations={SIMULATIONS}", hear
            )
            numbers = record.get("mistakes") or ()
            replay.mistakes = tuple(n for n in numbers if isinstance(n, int))
            replay.is_reviewed = True
        except AzulError as error:
            self.busy, replay.trouble = "", f"{plain_text(str(error), 300)}; o asks another network"
        self.draw()

    # -- drawing

    def draw(self) -> None:
        """Bring every part up to date; one that says the same costs nothing."""
        if not self.is_mounted or not self.is_current:
            return
        self.set_class(self.is_open and self.replay is not None, "-open")
        width = max(20, self.size.width - 2)
        replay, dot = self.replay, self.azul.signs.separator
        if self.is_open and replay is not None:
            self._say("#which-game", content(games.headline(replay, width, dot)))
            self._say("#moves-here", lines(games.move_rows(replay, width)))
            self._show_board(replay, "")
            curve = self.query_one(ValueCurve)
            curve.busy = self.busy or f"by {short_name(self.judges[0])}"
            if curve.display and self.size.height:
                from azul_tui.views.charts import View

                # Drawn twice: the cursor is the move that is looked at.
                curve.view = View(smoothing=0.0, show_band=False, cursor=float(replay.at))
                curve.draw([games.value_content(replay)])
            return
        found = self.games or ()
        panel, empty = self.query_one("#games-list"), self.query_one("#no-games", Static)
        empty.display = not found
        name = plain_text(self.paths.name, 40)
        self._say("#which-game", content(((f"games of {name}", "strong"), (
            f"   {words.plural(len(found), 'game')}" if found else "", "quiet"
        ))))  # fmt: skip
        told = self.trouble or (games.NO_GAMES if self.games == () else self.busy)
        self._say("#no-games", Content(told))
        foot = self.trouble or self.busy
        if self.unreadable and not foot:
            foot = f"{words.plural(self.unreadable, 'file')} could not be read"
        panel.border_title = Content.styled("games", "bold")
        panel.border_subtitle = Content(words.shortened(foot, max(5, panel.size.width - 6)))
        same = replay is not None and replay.listed == self._current()
        if replay is not None and same:
            self._show_board(replay, "how it ended")
        else:
            self.query_one(Board).show(None, title="how it ended")

    def _show_board(self, replay: Replay, title: str) -> None:
        board, players = self.query_one(Board), replay.game.players
        marked: set[Target] = set()
        here = replay.review(replay.at)
        if self.is_open and replay.at < replay.last:
            best = here.best if here and here.best and (here.swing or 0.0) >= MISTAKE else None
            move = Move.parse(best or replay.game.moves[replay.at], players)
            seat = replay.game.movers[replay.at]
            marked = {Target("tile", *move[:2]), Target("line", seat, move.row)}
        table = Table(position=replay.view, names=tuple(replay.names()), chosen=frozenset(marked))
        edge = 2 if title else 0
        size = board.size
        table, _ = fitted(table, size.width - edge, size.height - edge, self.azul.signs)
        board.show(table, title=title)

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

    @on(OptionList.OptionHighlighted, "#recorded")
    def highlighted(self) -> None:
        """Another game is under the cursor."""
        self.draw()
        self._show_chosen()

    @on(OptionList.OptionSelected, "#recorded")
    def selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click on the game that was chosen before."""
        listing = self.query_one(GameOptions)
        before, listing.before_click = listing.before_click, None
        listed = self._current()
        if listed is not None and before in {None, event.option_index}:
            self._look(self._open(listed))

    def action_back(self) -> None:
        """From a game to the list, from the list to where the screen was opened."""
        self._stop_playing()
        if not self.is_open:
            self.dismiss(None)
            return
        self._stop_looking()
        self.is_open = False
        if self.replay is not None:
            self.replay.go(self.replay.last)
        self.refresh_bindings()
        self.call_after_refresh(self.draw)
        self.draw()
        self.query_one(GameOptions).focus()

    def action_again(self) -> None:
        """List again, or review again after something went wrong."""
        if self.is_open and self.replay is not None:
            self._look(self._review(self.replay))
        else:
            self.trouble, self._changed = "", -1e9
            self._list()

    def action_next_game(self, step: int) -> None:
        """The game below or above in the list."""
        listing = self.query_one(GameOptions)
        at = (listing.highlighted or 0) + step
        if self.games and 0 <= at < len(self.games):
            self._stop_playing()
            with self.prevent(OptionList.OptionHighlighted):
                listing.highlighted = at
            self._look(self._open(self.games[at]))

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
        replay = self.replay
        number = replay.next_mistake() if replay is not None else None
        if number is not None:
            self.go(number)
        elif replay is not None and replay.is_reviewed:
            self.notify("the review found no mistake in this game", markup=False)
        else:
            self.notify("mistakes are known once the review has ended", markup=False)

    def action_play_on(self) -> None:
        """Let the game play by itself, or stop it."""
        replay = self.replay
        if self._playing is not None:
            self._stop_playing()
        elif replay is not None:
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
        if self.replay is not None:
            self._look(self._review(self.replay))

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
