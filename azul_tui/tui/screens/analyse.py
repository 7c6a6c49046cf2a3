"""Analyse: what one or two networks think of every move of a position.

The wish that it takes is a position in notation, a checkpoint (a `Path`, or a player's name as the
engine knows it), or a tuple of these: a position and its network, two networks to compare.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.errors import NotationError
from azul_tui.game.violations import position_violations
from azul_tui.runs.text import plain_text
from azul_tui.tui.modals import Pick
from azul_tui.tui.screens.place import Place
from azul_tui.tui.screens.position_editor import PositionEditor
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board, Table, Target, fitted
from azul_tui.tui.widgets.frame import link
from azul_tui.tui.widgets.listing import Rows
from azul_tui.views import analysis, words
from azul_tui.views.play import Move
from azul_tui.views.play_settings import networks, player_name, short_name, table_for

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.game.view import PositionView
    from azul_tui.views.analysis import Step

LEAST, IN_A_FRAME = 7, 2
"""Lines that the board leaves to the table of moves and to the frame of the place."""
HOLD_S = 4.0
"""Seconds after the reader's last step in the table in which its order stands still."""


class MoveList(Rows):
    """The moves; a click chooses one, a double click plays it."""

    BINDINGS: ClassVar = [
        Binding("enter", "select", "play it"),
        Binding("k", "cursor_up", show=False),
        Binding("j", "cursor_down", show=False),
    ]
    clicks = 0
    """Clicks in a row of the mouse's last one; 0 for a key."""

    async def on_click(self, event: events.Click) -> None:
        """Remember whether it was a double click before the list tells of it."""
        self.clicks = event.chain

    def on_resize(self) -> None:
        """Board and columns fit the room that there is by now."""
        cast("AnalyseScreen", self.screen).draw()

    def on_mouse_scroll_down(self) -> None:
        """Who scrolls reads: the order stands still."""
        cast("AnalyseScreen", self.screen).hold()

    on_mouse_scroll_up = on_mouse_scroll_down


class AnalyseScreen(Place):
    """A position, and every move of it."""

    AUTO_FOCUS = "#ranked"
    BINDINGS: ClassVar = [
        Binding("backspace", "back", "back"),
        Binding("space", "stop", "stop"),
        Binding("plus,equals_sign", "deepen(2.0)", "deeper"),
        Binding("c", "network(1)", "compare"),
        Binding("e,i", "edit", "set up"),
        Binding("minus", "deepen(0.5)", "halve the simulations", show=False),
        Binding("m", "network(0)", "another network", show=False),
        Binding("n", "opening(0, 1)", "next opening", show=False),
        Binding("N", "opening(1, 0)", "an opening for 2, 3 or 4 players", show=False),
        Binding("p", "play_on", "play on from here", show=False),
        Binding("y", "copy", "copy the notation", show=False),
        Binding("x", "export", "write position and table to a file", show=False),
        Binding("slash", "filter", "filter moves", show=False),
        Binding("s", "sort_by", "sort by the next column", show=False),
        Binding("S", "sort_by('', 0)", "reverse the order", show=False),
        Binding("o", "turn_boards", "the others' boards", show=False),
        Binding("r", "again", "ask again, start the engine again", show=False),
        Binding("escape", "clear", "show all moves, follow the best", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.study = analysis.Study(self.azul.engine, self.draw)
        self.other: int | None = None
        """The seat whose board the reader wants to see where there is no room for all."""
        self._drawn: Step | None = None
        self._held: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Board and words, and the table of moves."""
        with Vertical(id="study"):
            with Horizontal(id="upper"):
                yield Board(id="studied")
                said = Static("", id="said", classes="panel", markup=False)
                said.border_title = "the chosen move"
                yield said
            yield Static("", id="verdict", markup=False)
            with Vertical(id="candidates", classes="panel"):
                hint = "a colour (red or r), a factory (2>), a line (>3), centre, floor"
                yield Input(placeholder=hint, id="filter", compact=True)
                yield Static("", id="titles", markup=False)
                yield MoveList(id="ranked", markup=False, compact=True)

    # -- coming and going

    def show(self) -> None:
        """Take over what another place wants to see."""
        wish = self.azul.wish("analyse")
        if wish is None:
            return
        root, position, players = self.azul.runs_root, "", list[str]()
        for part in cast("tuple[object, ...]", wish) if isinstance(wish, tuple) else (wish,):
            if isinstance(part, str) and part.startswith("azul") and " " in part:
                position = part
            else:
                players.append(player_name(part, root) if isinstance(part, Path) else str(part))
        if position:
            self.read(position)
        if players:
            here = self.study.here.view.players
            seats = table_for(players[0], root, here)
            self.study.seated[seats] = players[:2]
            if seats != here and not position:
                self._work(partial(self.walk, opening=(seats, self.study.seed)))

    def on_screen_resume(self) -> None:
        """Think on; a box that closes lets what is under way go on."""
        super().on_screen_resume()
        if not any(worker.group == "study" and not worker.is_finished for worker in self.workers):
            self.think()

    def on_screen_suspend(self) -> None:
        """Leaving the place ends the search; a box over it does not."""
        if self.azul.current_mode != "analyse":
            # The library leaves the type of the node open.
            self.workers.cancel_group(self, "study")  # pyright: ignore[reportUnknownMemberType]

    # -- the talk with the engine

    def _work(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.run_worker(work, group="study", exclusive=True)

    def think(self) -> None:
        """Ask what is not known yet."""
        self._work(self.study.think)
        self.draw()

    async def walk(self, *moves: str, opening: tuple[int, int] | None = None) -> None:
        """Play moves in the engine, which knows the refills, and think there."""
        try:
            await self.study.walk(moves, opening)
        except NotationError as error:
            self._warn(str(error))
        await self.study.think()

    def _warn(self, told: str) -> None:
        self.notify(plain_text(told, 400), severity="warning", markup=False)

    # -- drawing

    def draw(self) -> None:
        """Bring every part up to date; one that says the same costs nothing."""
        if not self.query("#candidates") or self.azul.current_mode != "analyse":
            return  # closing, or elsewhere
        study = self.study
        if self._drawn is not study.here:  # another position: all its moves, in their order
            self._drawn, self.other = study.here, None
            study.filter, study.held = "", False
            field = self.query_one("#filter", Input)
            field.value, field.display = "", False
        study.sort_moves()
        self._show_position()
        self._show_moves()
        self.refresh_bindings()

    def _show_position(self) -> None:
        signs, chosen, view = self.azul.signs, self.study.chosen, self.study.here.view
        marked = list[Target]()
        if chosen is not None:
            source, color, row = Move.parse(chosen.move, view.players)
            marked = [Target("tile", source, color), Target("line", view.to_move, row)]
        heading = analysis.heading(self.study, self.size.width - 2, signs)
        self.show_text("#verdict", lines(heading))
        board, side = self.query_one(Board), self.query_one("#said", Static)
        table, height = (whole := Table(position=view, chosen=frozenset(marked))), 1
        least = LEAST if self.has_class("-narrow") else LEAST + IN_A_FRAME
        most = self.size.height - len(heading) - least
        for room in range(min(most, self.size.height * 2 // 5), most + 1):
            # No larger than it must be: the moves matter more.
            height = max(1, room)
            table, (_, used) = fitted(whole, board.size.width, height, signs, self.other)
            height = used or height
            if used and len(table.boards) == view.players:
                break
        board.styles.height = side.styles.height = height
        board.show(table)
        self.set_class(len(table.boards) < view.players, "-hidden-boards")
        self.show_text("#said", lines(analysis.chosen_rows(self.study, side.content_size.width)))

    def _show_moves(self) -> None:
        listing, study = self.query_one(MoveList), self.study
        width = max(20, listing.scrollable_content_region.width)
        titles, rows = analysis.table_spans(study, width, self.azul.signs)
        by = study.sort_column().title
        self.show_text("#titles", Content("").join(
            [link(text, f"screen.sort_by('{title}')", "bold" if title == by else "$foreground 60%")
             if title else Content.styled(text, "$foreground 60%") for text, title in titles]
        ))  # fmt: skip
        texts = [content(row) for row in rows]
        with self.prevent(OptionList.OptionHighlighted):
            if len(texts) != listing.option_count:
                listing.set_options([Option(text) for text in texts])
            for at, text in enumerate(texts):
                if listing.options[at].prompt != text:
                    listing.replace_option_prompt_at_index(at, text)
            listing.highlighted = study.pointer
        panel, of = self.query_one("#candidates"), words.plural(study.total, "move")
        shown = f"{len(study.shown)} of {of}" if study.filter else of
        panel.border_title = Content.styled(shown, "bold")
        held = study.held and study.activity
        panel.border_subtitle = Content("order held while you move" if held else "")

    # -- in the table

    @on(OptionList.OptionHighlighted, "#ranked")
    def choose(self, event: OptionList.OptionHighlighted) -> None:
        """Look at the move under the cursor."""
        if event.option_index < len(self.study.shown):
            self.study.here.chosen = self.study.shown[event.option_index].move
            self.hold()
            self._show_position()

    def hold(self) -> None:
        """Sort again only when the reader has come to rest."""
        self.study.held = True
        if self._held is not None:
            self._held.stop()
        self._held = self.set_timer(HOLD_S, self.release)

    def release(self) -> None:
        """Sort again."""
        self.study.held = False
        self.draw()

    @on(OptionList.OptionSelected, "#ranked")
    def play(self, event: OptionList.OptionSelected) -> None:
        """Play the move; a single click only chooses it."""
        listing = self.query_one(MoveList)
        clicks, listing.clicks = listing.clicks, 0
        if clicks != 1 and event.option_index < len(self.study.shown):
            self._work(partial(self.walk, self.study.shown[event.option_index].move))

    def action_sort_by(self, title: str = "", step: int = 1) -> None:
        """Sort by a column, or by the next one; by the same again: reversed."""
        self.study.sort_by(title, step)
        self.draw()

    def action_filter(self) -> None:
        """Filter as one types."""
        self.query_one("#filter").display = True
        self.query_one("#filter").focus()

    @on(Input.Changed, "#filter")
    def filter_moves(self, event: Input.Changed) -> None:
        """Show the moves that fit."""
        self.study.filter = event.value
        self.draw()

    @on(Input.Submitted, "#filter")
    def leave_filter(self) -> None:
        """Back to the moves."""
        self.query_one("#filter").display = bool(self.study.filter)
        self.query_one(MoveList).focus()

    def action_clear(self) -> None:
        """Show all moves and follow the best again."""
        self.study.here.chosen, self._drawn = "", None
        self.query_one(MoveList).focus()
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
        offered = {
            "back": len(self.study.steps) > 1,
            "turn_boards": self.has_class("-hidden-boards"),
            "play_on": self.study.here.view.phase == "moving",
        }
        return offered.get(action, super().check_action(action, parameters))

    def action_deepen(self, factor: float) -> None:
        """Twice or half the simulations."""
        self.study.deepen(factor)
        self.study.stopped = self.study.stopped and factor < 1
        self.think()

    def action_stop(self) -> None:
        """Stop, or go on; where all is known, think on with twice the simulations."""
        study = self.study
        if study.trouble:
            self.action_again()
        elif study.next_question() is None and not study.stopped:
            self.action_deepen(2.0)
        else:
            study.stopped = not study.stopped
            self.think()

    def action_again(self) -> None:
        """Ask again after trouble."""
        self.study.trouble, self.study.stopped = "", False
        self.think()

    def action_network(self, at: int) -> None:
        """Choose the network (0), or one that is compared with it (1)."""
        players = self.study.players

        def answered(name: str | None) -> None:
            if name is None:
                return
            if at and name == players[0]:
                self._warn(f"{name} is the first network; another one can be compared with it")
            players[at : at + 1] = [name]
            players[:] = dict.fromkeys(filter(None, players))
            self.action_again()

        offered = networks(self.azul.runs_root, self.study.here.view.players)
        named = [(name, f"{short_name(name)}   {about}") for name, about in offered]
        none = [("", "none: one network alone")] if at else []
        question = "compare with" if at else "network"
        self.azul.push_screen(Pick(question, none + named, "".join(players[at : at + 1])), answered)

    # -- where the line begins and how it goes on

    def _look_at(self, view: PositionView, *moves: str) -> None:
        self.study.start(view)
        self._work(partial(self.walk, *moves))

    def read(self, text: str) -> None:
        """Look at a position that was pasted, or say what is wrong; the editor mends it."""
        try:
            view, moves = analysis.read_position(text)
        except NotationError as error:
            self._warn(str(error))
            return
        if position_violations(view):
            self.action_edit(view)
        else:
            self._look_at(view, *moves)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted position is looked at."""
        event.stop()
        self.read(event.text)

    def action_edit(self, begun: PositionView | None = None) -> None:
        """Set a position up by hand, beginning with this one."""
        self.azul.push_screen(
            PositionEditor(begun or self.study.here.view),
            lambda view: None if view is None else self._look_at(view),
        )

    def action_opening(self, more_players: int, more_seed: int) -> None:
        """The opening of the next seed, or for one player more; two after four."""
        players = self.study.here.view.players + more_players
        opening = (players if players <= 4 else 2, self.study.seed + more_seed)
        self._work(partial(self.walk, opening=opening))

    def action_back(self) -> None:
        """Take the last move of the line back."""
        self.study.steps.pop()
        self.think()

    # -- out of here

    def action_play_on(self) -> None:
        """Play on from here in the place Play."""
        self.azul.go_with("play", self.study.here.notation)

    def action_copy(self) -> None:
        """Copy the notation, and show it for terminals that have no clipboard."""
        self.azul.copy_to_clipboard(self.study.here.notation)
        self.notify(f"copied: {self.study.here.notation}", markup=False)

    def action_export(self) -> None:
        """Write position and table beside the runs."""
        root, signs = self.azul.runs_root, self.azul.signs
        try:
            path = analysis.write_analysis(self.study, root, signs, self.azul.clock())
        except OSError as error:
            self._warn(f"the analysis cannot be written: {error.strerror}")
        else:
            self.notify(f"written: {path}", markup=False)
