"""Analyse: what one or two networks think of every move of a position.

The wish that it takes is a position in notation, a checkpoint (a `Path`, or a player's name as the
engine knows it), or a tuple of these: a position and its network, two networks to compare.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.errors import NotationError
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import MovesScrolled
from azul_tui.tui.screens.place import Place
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board, Table, Target, fitted
from azul_tui.tui.widgets.frame import link
from azul_tui.tui.widgets.rows import Rows
from azul_tui.views import analysis, words
from azul_tui.views import analysis_words as told
from azul_tui.views.analysed_moves import (
    HOLD_S,
    MoveTable,
    Row,
    analysis_text,
    table_spans,
    write_analysis,
)
from azul_tui.views.analysis import Study, Thinking
from azul_tui.views.play import Move

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.game.view import PositionView

TABLE_LEAST = 7
"""Lines of the table of moves that the board leaves it."""
SIDE = 42
"""Columns of the words beside the board."""
COLUMN = (84, 116)
"""Columns of board and words where the table stands beside them, the second for large tiles."""
FILTER_HELP = "a colour (red or r), a factory (2>), a line (>3), centre, floor"


class MoveList(Rows):
    """The moves; a first click chooses one, a second plays it."""

    BINDINGS: ClassVar = [
        Binding("enter", "select", "play the move"),
        Binding("k", "cursor_up", show=False),
        Binding("j", "cursor_down", show=False),
    ]

    before_click: int | None = None
    """The row under the cursor when a button of the mouse went down."""

    def on_mouse_down(self) -> None:
        """Remember what was chosen before the click."""
        self.before_click = self.highlighted

    def on_resize(self) -> None:
        """The columns fit the width that the list has got by now."""
        cast("AnalyseScreen", self.screen).draw()

    def on_mouse_scroll_down(self) -> None:
        """Who scrolls reads: the order stands still."""
        self.post_message(MovesScrolled())

    def on_mouse_scroll_up(self) -> None:
        """Who scrolls reads: the order stands still."""
        self.post_message(MovesScrolled())


class AnalyseScreen(Place):
    """A position, and every move of it."""

    AUTO_FOCUS = "#ranked"
    BINDINGS: ClassVar = [
        Binding("backspace", "back", "back"),
        Binding("space", "stop", "stop, go on"),
        Binding("plus,equals_sign", "deepen(2.0)", "twice the simulations"),
        Binding("c", "compare", "compare two"),
        Binding("e", "edit", "set up by hand"),
        Binding("i", "type", "type a position", show=False),
        Binding("minus", "deepen(0.5)", "half the simulations", show=False),
        Binding("m", "network", "another network", show=False),
        Binding("n", "opening(0, 1)", "the opening of the next seed", show=False),
        Binding("N", "opening(1, 0)", "an opening for 2, 3 or 4 players", show=False),
        Binding("p", "play_on", "play on from here", show=False),
        Binding("y", "copy", "copy the notation", show=False),
        Binding("x", "export", "write position and table to a file", show=False),
        Binding("slash", "filter", "filter moves", show=False),
        Binding("s", "next_column", "sort by the next column", show=False),
        Binding("S", "reverse", "reverse the order", show=False),
        Binding("o", "turn_boards", "the others' boards", show=False),
        Binding("r", "again", "ask again, start the engine again", show=False),
        Binding("escape", "clear", "show all moves, follow the best", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.study = Study()
        self.thinking = Thinking(self.study, self._engine, self.draw)
        self.table = MoveTable(self.study)
        self.rows: list[Row] = []
        self.other: int | None = None
        """The seat whose board the reader wants to see where there is no room for all."""
        self.walking = False
        self._refused: PositionView | None = None
        """A pasted position that breaks a rule; the editor opens on it."""
        self._seats = 2
        self._seated: dict[int, list[str]] = {}
        """The networks that were chosen, by players at the table."""
        self._held: Timer | None = None
        self._texts: list[Content] = []

    def compose_body(self) -> ComposeResult:
        """Board and words, and the table of moves."""
        with Container(id="study"):
            with Container(id="upper"):
                yield Board(id="studied")
                yield Static("", id="said", classes="panel", markup=False)
            yield Static("", id="verdict", classes="line", markup=False)
            with Vertical(id="candidates", classes="panel"):
                yield Input(placeholder=FILTER_HELP, id="filter", compact=True)
                yield Static("", id="titles", markup=False)
                yield MoveList(id="ranked", markup=False, compact=True)

    # -- coming and going

    def show(self) -> None:
        """Take over what another place wants to see, and think on."""
        wish = self.azul.wish("analyse")
        if wish is not None:
            self._take(wish)
        elif not self._texts:
            self.draw()

    def _take(self, wish: Any) -> None:
        position, players = "", list[str]()
        parts = cast("tuple[object, ...]", wish) if isinstance(wish, tuple) else (wish,)
        for part in parts:
            if isinstance(part, Path):
                players.append(analysis.network_name(part, self.azul.runs_root))
            elif str(part).startswith("azul") and " " in str(part):
                position = str(part)
            else:
                players.append(str(part))
        self.study.players = players[:2] or self.study.players[:1]
        if position:
            self.read(position)
        else:
            self.think()

    def on_screen_resume(self) -> None:
        """Think on; a box that closes lets what is under way go on."""
        super().on_screen_resume()
        if not any(worker.group == "study" and not worker.is_finished for worker in self.workers):
            self.think()

    def on_screen_suspend(self) -> None:
        """Leaving the place ends the search; a box over it does not."""
        if self.azul.current_mode != "analyse":
            self._stop_working()

    def on_resize(self) -> None:
        """The layout may be another one."""
        self.call_after_refresh(self.draw)

    # -- the talk with the engine

    async def _engine(self) -> analysis.AskedEngine:
        return await self.azul.engines.get()

    def work(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this instead of what is under way."""
        self.run_worker(work, group="study", exclusive=True)

    def _stop_working(self) -> None:
        # The library leaves the type of the node open.
        self.workers.cancel_group(self, "study")  # pyright: ignore[reportUnknownMemberType]

    def think(self) -> None:
        """Ask what is not known yet."""
        self.walking = False
        if self.study.stopped or self.study.is_done:
            self._stop_working()
        else:
            self.work(self._think_on())
        self.draw()

    async def _think_on(self) -> None:
        if self._seat_networks():
            await self.thinking.think()

    def _seat_networks(self) -> bool:
        """Let networks for this table take the place of others, each table keeping its own."""
        study, root = self.study, self.azul.runs_root
        players = study.here.view.players
        if players != self._seats:
            self._seated[self._seats] = list(study.players)
            self._seats = players
        if all(analysis.fits(name, root, players) for name in study.players):
            return True
        offered = analysis.networks(root, players)
        if not offered:
            self.thinking.refuse(analysis.no_network(players))
            return False
        before = [n for n in self._seated.get(players, []) if analysis.fits(n, root, players)]
        study.players = before or [offered[0][0]]
        return True

    def walk(self, *moves: str) -> None:
        """Play moves from here in the engine, which knows the refills, and think there."""
        self.walking = True
        self.work(self._walk(moves))

    async def _walk(self, moves: tuple[str, ...]) -> None:
        study = self.study
        try:
            for move in moves or ("",):  # without one, the factories of a scored round are filled
                view = await self.thinking.walk(study.here.notation, move, study.seed)
                if view is None:
                    return
                study.go_on(move, view) if move else study.start(view)
                self.table.begin()
        except NotationError as error:
            self.say(str(error))
        finally:
            self.walking = False
        await self._think_on()

    async def _deal(self, players: int, seed: int) -> None:
        try:
            view = await self.thinking.walk(f"new players={players}", "", seed)
            if view is not None:
                self.study.start(view, seed=seed)
                self.table.begin()
        finally:
            self.walking = False
        await self._think_on()

    def say(self, words_: str) -> None:
        """What was wrong with something that the reader wanted."""
        self.notify(plain_text(words_, 400), severity="warning", markup=False)

    # -- drawing

    def draw(self) -> None:
        """Bring every part up to date; one that says the same costs nothing."""
        if not self.query("#upper") or self.azul.current_mode != "analyse":  # closing, or elsewhere
            return
        self.rows = self.table.rows(self.azul.clock())
        self._show_position()
        self._show_moves()
        self.refresh_bindings()

    @property
    def chosen(self) -> Row | None:
        """The move under the pointer; None while nobody has looked or chosen one."""
        row = self.rows[self.table.chosen_index(self.rows)] if self.rows else None
        return row if row is not None and (any(row.found) or self.study.here.chosen) else None

    def _show_position(self) -> None:
        study, signs, chosen = self.study, self.azul.signs, self.chosen
        view = study.here.view
        marked: set[Target] = set()
        if chosen is not None:
            move = Move.parse(chosen.move, view.players)
            marked = {Target("tile", *move[:2]), Target("line", view.to_move, move.row)}
        narrow = self.has_class("-narrow")
        beside = self.has_class("-very-wide") and not self.has_class("-short")
        edge = 0 if narrow else 2
        column = COLUMN[self.size.width >= COLUMN[1] + COLUMN[0]]
        self.query_one("#upper").styles.width = column if beside else "100%"
        width = column if beside else self.size.width - (0 if narrow else SIDE)
        body = self.size.height - 2 - (1 if narrow else 0)
        most = max(1, body - (14 if beside else TABLE_LEAST - narrow) - edge)
        fair = most if beside else min(most, body * 2 // 5)
        whole = Table(position=view, chosen=frozenset(marked))
        table, extent = whole, (0, 0)
        for room in range(fair, most + 1):  # no larger than it must be: the moves matter more
            table, extent = fitted(whole, width - edge - 1, room, signs, self.other)
            if extent[1] and len(table.boards) == view.players:
                break
        board, side = self.query_one(Board), self.query_one("#said", Static)
        height = (extent[1] or most) + edge
        board.styles.height = height
        side.styles.height = "1fr" if beside else height
        board.show(table, title="" if narrow else told.position_title(study))
        self.set_class(len(table.boards) < view.players, "-hidden-boards")
        told_state, role = told.state_words(study, self.thinking)
        if narrow:
            full, empty = self._short_bar()
            value = told.position_title(study, brief=self.size.width < 76)
            value += f"   {told.value_title(study, brief=True)} "
            tail = told_state or told.depth_words(study, brief=True)
            room = max(0, self.size.width - len(value) - len(full + empty) - 4)
            self._say("#verdict", content(
                ((value, "strong"), (full, "bar"), (empty, "bar.empty"), ("  ", ""),
                 (words.shortened(tail, room), role))
            ))  # fmt: skip
            return
        inside = width - 4 if beside else SIDE - 4
        room = (body - height if beside else height) - 2
        said = told.side_rows(study, self.thinking, self.rows, chosen, inside, room, signs)
        self._say("#said", lines(said))
        side.border_title = Content.styled(told.value_title(study), "bold")
        side.border_subtitle = Content(told.depth_words(study))

    def _short_bar(self) -> tuple[str, str]:
        found = self.study.analysis(self.study.players[0])
        share = None if found is None else (found.value + 1) / 2
        from azul_tui.views.signs import bar

        return bar(share, 8, self.azul.signs)

    def _show_moves(self) -> None:
        listing, table = self.query_one(MoveList), self.table
        width = max(20, listing.scrollable_content_region.width)
        total = table.total
        titles, rows = table_spans(self.rows, table, width, self.azul.signs)
        by = table.sort_column().title
        self._say("#titles", Content("").join(
            [link(text, f"screen.sort_by('{title}')", "bold" if title == by else "$foreground 60%")
             if title else Content.styled(text, "$foreground 60%") for text, title in titles]
        ))  # fmt: skip
        texts = [content(row) for row in rows]
        if not texts:
            why = analysis.why_no_moves(self.study.here.view)
            why = why or f"no move fits the filter; escape shows all {total}"
            texts = [Content.styled(words.shortened(f" {why}", width), "$foreground 60%")]
        with self.prevent(OptionList.OptionHighlighted):
            if len(texts) != len(self._texts):
                listing.clear_options()
                listing.add_options([Option(text) for text in texts])
            else:
                for number, (before, text) in enumerate(zip(self._texts, texts, strict=True)):
                    if before != text:
                        listing.replace_option_prompt_at_index(number, text)
            self._texts = texts
            listing.highlighted = table.chosen_index(self.rows)
        held = table.is_held(self.azul.clock()) and bool(self.thinking.activity)
        panel = self.query_one("#candidates")
        shown = f"{len(self.rows)} of {words.plural(total, 'move')}" if table.filter else (
            words.plural(total, "move")
        )  # fmt: skip
        panel.border_title = Content.styled(shown, "bold")
        panel.border_subtitle = Content("the order stands still while you move" if held else "")

    def _say(self, selector: str, text: Content) -> None:
        widget = self.query_one(selector, Static)
        if widget.content != text:
            widget.update(text, layout=False)

    # -- in the table

    @on(OptionList.OptionHighlighted, "#ranked")
    def choose(self, event: OptionList.OptionHighlighted) -> None:
        """The reader moves: the order stands still for a while."""
        if event.option_index < len(self.rows):
            self.study.here.chosen = self.rows[event.option_index].move
            self.hold()
            self.draw()

    @on(MovesScrolled)
    def hold(self) -> None:
        """Sort again only when the reader has come to rest."""
        self.table.moved_at = self.azul.clock()
        if self._held is not None:
            self._held.stop()
        self._held = self.set_timer(HOLD_S + 0.1, self.draw)

    @on(OptionList.OptionSelected, "#ranked")
    def selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click on the move that was chosen before."""
        listing = self.query_one(MoveList)
        before, listing.before_click = listing.before_click, None
        if before not in {None, event.option_index} or self.walking or not self.rows:
            return
        if event.option_index < len(self.rows):
            self.walk(self.rows[event.option_index].move)

    def action_sort_by(self, title: str) -> None:
        """Sort by a column; again: reversed."""
        self.table.sort_by(title)
        self.draw()

    def action_next_column(self) -> None:
        """Sort by the next column."""
        titles = [column.title for column in self.table.columns()]
        here = titles.index(self.table.sort_column().title)
        self.action_sort_by(titles[(here + 1) % len(titles)])

    def action_reverse(self) -> None:
        """The other way round."""
        self.action_sort_by(self.table.sort_column().title)

    def action_filter(self) -> None:
        """Filter as one types."""
        self.query_one("#candidates").add_class("-filtering")
        self.query_one("#filter", Input).focus()

    @on(Input.Changed, "#filter")
    def filtered(self, event: Input.Changed) -> None:
        """Narrow the table while typing."""
        self.table.filter = event.value
        self.draw()

    @on(Input.Submitted, "#filter")
    def filter_done(self) -> None:
        """Back to the table; what is not filtered needs no field."""
        self.query_one("#candidates").set_class(bool(self.table.filter), "-filtering")
        self.query_one(MoveList).focus()

    def action_clear(self) -> None:
        """Show all moves and follow the best again."""
        self.query_one("#filter", Input).value = ""
        self.study.here.chosen = ""
        self.table.begin()
        self.filter_done()
        self.draw()

    def action_turn_boards(self) -> None:
        """See the next of the boards for which there is no room."""
        view = self.study.here.view
        here = view.to_move if self.other is None else self.other
        self.other = (here + 1) % view.players
        self.draw()

    # -- who is asked, and how deep

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is offered that would do nothing."""
        if action == "back":
            return len(self.study.steps) > 1
        if action == "turn_boards":
            return self.has_class("-hidden-boards")
        return super().check_action(action, parameters)

    def action_deepen(self, factor: float) -> None:
        """Twice or half the simulations."""
        self.study.deepen(factor)
        self.study.stopped = self.study.stopped and factor < 1
        self.think()

    def action_stop(self) -> None:
        """Stop, or go on; where all is known, think on with twice the simulations."""
        if self.thinking.trouble:
            self.action_again()
        elif self.study.is_done and not self.study.stopped:
            self.action_deepen(2.0)
        else:
            self.study.stopped = not self.study.stopped
            self.think()

    def action_again(self) -> None:
        """Ask again after trouble."""
        self.thinking.trouble = ""
        self.study.stopped = False
        self.think()

    def action_network(self) -> None:
        """Choose the network."""

        def answered(name: str | None) -> None:
            if name:
                self.study.players[0] = name
                self.action_again()

        self._pick("network", self.study.players[0], [], answered)

    def action_compare(self) -> None:
        """Choose a second network, or go back to one."""

        def answered(name: str | None) -> None:
            if name is not None:
                first = self.study.players[0]
                self.study.players = [first, name] if name and name != first else [first]
                self.action_again()
                if name == first:
                    self.say(f"{first} is the first network; another one can be compared with it")

        second = self.study.players[1] if len(self.study.players) == 2 else ""
        self._pick("compare with", second, [("", "none: one network alone")], answered)

    def _pick(self, question: str, now: str, more: list[tuple[str, str]], answered: Any) -> None:
        from azul_tui.tui.modals import Pick

        offered = analysis.networks(self.azul.runs_root, self._seats)
        if not offered:
            self.say(analysis.no_network(self._seats))
            return
        self.azul.push_screen(Pick(question, [*more, *offered], now), answered)

    # -- where the line begins and how it goes on

    def look_at(self, view: PositionView, moves: tuple[str, ...] = ()) -> None:
        """Begin a line at `view` and play `moves`."""
        self.study.start(view)
        self.table.begin()
        self.other = None
        if moves or view.phase == "afterstate":
            self.walk(*moves)
        else:
            self.think()

    def read(self, text: str) -> None:
        """Look at a position that was pasted or typed; say what is wrong with it otherwise."""
        self._refused = None
        try:
            given = analysis.read_position(text)
        except NotationError as error:
            self.say(str(error))
            return
        if given.faults:
            self._refused = given.view
            self.say(f"{analysis.refusal(given.faults)}; e opens it to be mended")
            return
        self.look_at(given.view, given.moves)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted position is looked at."""
        event.stop()
        self.read(event.text)

    def action_type(self) -> None:
        """Type a position, checked while it is typed."""
        from azul_tui.tui.modals import AskValue

        def answered(text: str | None) -> None:
            if text is not None:
                self.read(text)

        self.azul.push_screen(
            AskValue(
                "A position on one line", self.study.here.notation,
                help_text="One that was copied, also drawn over many lines, can be pasted into "
                "the table of moves without this box.",
                check=analysis.what_is_wrong,
            ),
            answered,
        )  # fmt: skip

    def action_edit(self) -> None:
        """Set a position up by hand, beginning with this one."""
        from azul_tui.tui.screens.position_editor import PositionEditor

        def answered(view: PositionView | None) -> None:
            if view is not None:
                self._refused = None
                self.look_at(view)

        begun = self._refused if self._refused is not None else self.study.here.view
        self.azul.push_screen(PositionEditor(begun), answered)

    def action_opening(self, more_players: int, more_seed: int) -> None:
        """The opening of the next seed, or for one player more; two after four."""
        players = self.study.here.view.players + more_players
        self.walking = True
        self.other = None
        self.work(self._deal(players if players <= 4 else 2, self.study.seed + more_seed))

    def action_back(self) -> None:
        """Take the last move of the line back."""
        if self.study.go_back():
            self.table.begin()
            self.think()

    # -- out of here

    def action_play_on(self) -> None:
        """Play on from here in the place Play."""
        if self.study.here.view.phase == "moving":
            self.azul.go_with("play", self.study.here.notation)
        else:
            self.say("nobody can move here, so there is nothing to play")

    def action_copy(self) -> None:
        """Copy the notation, and show it for terminals that have no clipboard."""
        self.azul.copy_to_clipboard(self.study.here.notation)
        self.notify(f"copied: {self.study.here.notation}", markup=False)

    def action_export(self) -> None:
        """Write position and table beside the runs."""
        text = analysis_text(self.table, self.rows, self.azul.signs)
        try:
            path = write_analysis(self.azul.runs_root, text, self.azul.clock())
        except OSError as error:
            self.say(f"the analysis cannot be written: {error.strerror}")
        else:
            self.notify(f"written: {path}", markup=False)
