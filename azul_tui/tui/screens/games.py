"""The games that a run has kept: listed, replayed with the value curve, mistakes found."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from textual import events, on
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import OptionList, Static

from azul_tui.errors import AzulError
from azul_tui.game.notation import parse_position
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import ChartViewed
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board, Table, Target, fitted
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.listing import Listing
from azul_tui.views import games, words
from azul_tui.views.engine import ListedGames, RecordedGame, ReviewedMove, word
from azul_tui.views.games import Replay
from azul_tui.views.play import Move
from azul_tui.views.play_settings import short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual.app import ComposeResult

    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.engine import ListedGame, Record
    from azul_tui.views.words import Spans

LIST_EVERY_S = 5.0
SIMULATIONS = 100
PLAY_S = 0.7
"""Seconds between two moves of a game that plays on by itself."""
MISTAKE = 0.15
"""Expected outcome lost from which a better move is shown on the board."""
IN_GAME = frozenset({"step", "play_on", "mistake", "take", "judge", "next_game"})


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
    """The games of the run of these `paths`."""

    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar = [
        Binding("space", "play_on", "play on, stop"),
        Binding("m", "mistake", "next mistake"),
        Binding("a", "take('analyse')", "analyse"),
        Binding("p", "take('play')", "play on from here"),
        Binding("escape", "back", "back"),
        Binding("right", "step(1)", "next move", show=False),
        Binding("left", "step(-1)", "previous move", show=False),
        Binding("pagedown,down", "step(10)", "ten moves on", show=False),
        Binding("pageup,up", "step(-10)", "ten moves back", show=False),
        Binding("home", "step(-10000)", "to the first deal", show=False),
        Binding("end", "step(10000)", "to the end", show=False),
        Binding("n", "next_game(1)", "the next game", show=False),
        Binding("N", "next_game(-1)", "the game before", show=False),
        Binding("o", "judge", "another network's opinion", show=False),
        Binding("r", "again", "list or review again", show=False),
    ]

    def __init__(self, paths: RunPaths) -> None:
        super().__init__()
        self.paths = paths
        self.listing = Listing("game")
        self.games: dict[str, ListedGame] = {}
        """By the key of their rows."""
        self.unreadable = 0
        self.replay: Replay | None = None
        self.is_open = False
        """Whether the game is replayed; otherwise its end is shown beside the list."""
        self.busy = self.trouble = ""
        self.judges = games.judges(paths)
        self._changed = 0.0
        """When the folder of games was another one; 0 where there is none."""
        self._looked_at = -LIST_EVERY_S

    def compose_body(self) -> ComposeResult:
        """The list with the end of the chosen game beside it; or a game with its curve."""
        yield Static("", id="which-game", classes="line", markup=False)
        with Container(id="games"):
            with Vertical(id="games-list", classes="panel") as panel:
                panel.border_title = Content.styled("games", "bold")
                yield Static("", id="no-games", classes="empty", markup=False)
                yield self.listing
            yield Board(id="ending")
        yield Static("", id="moves-here", markup=False)
        yield ValueCurve(id="curve")

    # -- coming and going

    def show(self) -> None:
        """A live run keeps more and more games."""
        now, folder = self.azul.clock(), self.paths.games
        changed = folder.stat().st_mtime if folder.is_dir() else 0.0
        is_due = changed not in {0.0, self._changed} and now - self._looked_at >= LIST_EVERY_S
        if is_due and not self.is_open:
            self._changed, self._looked_at = changed, now
            self._look(self._list)

    def on_screen_resume(self) -> None:
        """Finish a review that was left."""
        super().on_screen_resume()
        if self.is_open and self.replay is not None and self.replay.mistakes is None:
            self._look(partial(self._review, self.replay))

    def on_screen_suspend(self) -> None:
        """Leaving ends what the engine does for this screen, and no game plays on unseen."""
        self._stop("look")
        self._stop("play")

    @on(events.Resize)
    def _fit(self) -> None:
        self.call_after_refresh(self._draw)

    # -- asking the engine

    def _look(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.run_worker(work, group="look", exclusive=True)  # instead of what is under way

    def _stop(self, group: str) -> bool:
        """Stop what is under way; whether anything was."""
        workers: Any = self.workers  # the library leaves the type of the node open
        return bool(workers.cancel_group(self, group))

    async def _ask(self, what: str, command: str) -> Record | None:
        """Ask, telling `what` is waited for; None, with the reason told, when it is refused."""
        engine = self.azul.engine
        self.busy, self.trouble = what if engine.alive else "starting the engine", ""
        self._draw()
        try:
            return await engine.ask(command, on_record=self._hear)
        except AzulError as error:
            self.trouble = plain_text(str(error), 300)
            return None
        finally:
            self.busy = ""
            self._draw()

    def _hear(self, record: Record) -> None:
        if record.get("event") == "progress":
            self.busy = plain_text(str(record.get("text")), 60)
        elif record.get("event") == "review" and self.replay is not None:
            self.replay.reviews.append(msgspec.convert(record, ReviewedMove))
        self._draw()

    async def _list(self) -> None:
        """List the games, and show the end of the chosen one."""
        record = await self._ask("listing", f"games {word(str(self.paths.games))}")
        if record is not None:
            told = msgspec.convert(record, ListedGames)
            self.unreadable = len(told.unreadable)
            self.games = {f"{game.file} {game.index}": game for game in told.games}
            self.listing.fill(games.columns(self.games.values()), self.games)
            self._draw()
            await self._replay(opened=False)

    async def _replay(self, *, opened: bool) -> None:
        """The game under the cursor from its start, with its review; or its end beside the list."""
        listed: ListedGame | None = self.listing.chosen
        if listed is None or not (opened or self.query_one(Board).display):
            return
        if self.replay is None or self.replay.listed != listed:
            command = f"game {word(listed.file)} {listed.index}"
            record = await self._ask("reading the game", command)
            if record is None:
                return
            self.replay = Replay(listed, msgspec.convert(record, RecordedGame))
        self.is_open = opened
        self.replay.go(0 if opened else self.replay.last)
        self.refresh_bindings()
        self._draw()
        if opened and self.replay.mistakes is None:
            await self._review(self.replay)

    async def _review(self, replay: Replay) -> None:
        """Ask the judge about every move."""
        replay.reviews.clear()
        replay.mistakes = None
        listed, judge = replay.listed, self.judges[0]
        command = f"review {word(listed.file)} {listed.index} player={word(judge)}"
        record = await self._ask("reviewing", f"{command} simulations={SIMULATIONS}")
        if record is not None:
            replay.mistakes = tuple(record["mistakes"])
        self._draw()

    # -- drawing

    def _draw(self) -> None:
        if not self.is_current or not self.query(Board):
            return  # nobody looks, or the screen is being closed
        replay, width = self.replay, max(20, self.size.width - 2)
        self.set_class(self.is_open, "-open")
        head, moves = self.query_one("#which-game", Static), self.query_one("#moves-here", Static)
        if self.is_open and replay is not None:
            head.update(content(games.headline(replay, width, self.azul.signs.separator)))
            moves.update(lines(games.move_rows(replay, width)), layout=False)
            self._draw_board(replay, "")
            self._draw_curve(replay)
            return
        count = f"   {words.plural(len(self.games), 'game')}" if self.games else ""
        name = f"games of {plain_text(self.paths.name, 40)}"
        head.update(content(((name, "strong"), (count, "quiet"))), layout=False)
        told = f"{self.trouble}; r tries again" if self.trouble else self.busy
        empty, panel = self.query_one("#no-games", Static), self.query_one("#games-list")
        empty.display = not self.games
        if not self.games:
            empty.update(Content(told or games.NO_GAMES))
        if self.unreadable and not told:
            told = f"{words.plural(self.unreadable, 'file')} could not be read"
        panel.border_subtitle = Content(words.shortened(told, max(5, panel.size.width - 6)))
        if replay is not None and replay.listed == self.listing.chosen:
            self._draw_board(replay, "how it ended")
        else:
            self.query_one(Board).show(None, title="how it ended")

    def _draw_curve(self, replay: Replay) -> None:
        from azul_tui.views.charts import View

        trouble = f"{self.trouble}; o asks another network" if self.trouble else ""
        below = self.busy or f"by {short_name(self.judges[0])}"
        curve = self.query_one(ValueCurve)
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
        names, position = tuple(games.seat_names(replay.listed)), parse_position(replay.notation)
        table = Table(position=position, names=names, chosen=frozenset(marked))
        edge = 2 if title else 0
        room = board.size.width - edge, board.size.height - edge
        board.show(fitted(table, *room, self.azul.signs)[0], title=title)

    # -- keys and mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The list and a game have their own keys."""
        return self.is_open if action in IN_GAME else super().check_action(action, parameters)

    @on(OptionList.OptionHighlighted)
    def _show_end(self) -> None:
        if not self.is_open:
            self._draw()
            self._look(partial(self._replay, opened=False))

    def action_open(self) -> None:
        """Replay the game under the cursor."""
        self._look(partial(self._replay, opened=True))

    def action_back(self) -> None:
        """From a game to the list, from the list to where the screen was opened."""
        self._stop("play")
        if self.is_open:
            self.is_open = False
            self.refresh_bindings()
            self._draw()
            self._look(partial(self._replay, opened=False))
            self.listing.rows.focus()
        else:
            self.dismiss(None)

    def action_again(self) -> None:
        """List again, or review again after something went wrong."""
        if self.is_open and self.replay is not None:
            self._look(partial(self._review, self.replay))
        else:
            self._changed, self._looked_at = 0.0, -LIST_EVERY_S
            self.show()

    def action_next_game(self, step: int) -> None:
        """The game below or above in the list."""
        listing = self.listing.rows
        at = (listing.highlighted or 0) + step
        if 0 <= at < len(self.games):
            self._stop("play")
            listing.highlighted = at
            self.action_open()

    def _go(self, at: int) -> None:
        if self.replay is not None and self.is_open:
            self._stop("play")
            self.replay.go(at)
            self._draw()

    def action_step(self, step: int) -> None:
        """Some moves on or back."""
        if self.replay is not None:
            self._go(self.replay.at + step)

    @on(events.MouseScrollDown)
    @on(events.MouseScrollUp)
    def _scroll_moves(self, event: events.MouseEvent) -> None:
        self.action_step(1 if isinstance(event, events.MouseScrollDown) else -1)

    @on(ChartViewed)
    def _curve_clicked(self, message: ChartViewed) -> None:
        if message.view.cursor is not None:
            self._go(round(message.view.cursor))

    def action_mistake(self) -> None:
        """To the position before the next of the worst moves."""
        replay = self.replay
        if replay is not None and (number := replay.next_mistake()) is not None:
            self._go(number)
        else:
            found_none = "the review found no mistake in this game"
            reviewed = replay is not None and replay.mistakes is not None
            self.notify(found_none if reviewed else "mistakes are known once the review has ended")

    def action_play_on(self) -> None:
        """Let the game play by itself, or stop it."""
        if not self._stop("play") and (replay := self.replay) is not None:
            if replay.at == replay.last:
                replay.go(0)
            self.run_worker(partial(self._play, replay), group="play", exclusive=True)

    async def _play(self, replay: Replay) -> None:
        while replay.at < replay.last:
            self._draw()
            await asyncio.sleep(PLAY_S)
            replay.go(replay.at + 1)
        self._draw()

    def action_judge(self) -> None:
        """Ask another network."""
        self.judges = [*self.judges[1:], self.judges[0]]
        self.action_again()

    def action_take(self, place: str) -> None:
        """Take the position to Analyse or to Play."""
        replay = self.replay
        if place == "play" and replay is not None and replay.at == replay.last:
            self.notify("the game is over here; go back a move to play on")
        elif replay is not None:
            judged = (replay.notation, self.judges[0])
            self.azul.go_with(place, judged if place == "analyse" else replay.notation)
