"""The Analyse place: what one or two networks think of every move of a position."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.errors import NotationError
from azul_tui.game.notation import format_position
from azul_tui.runs.text import plain_text
from azul_tui.tui.analyse.entries import distinct_moves
from azul_tui.tui.analyse.moves import MoveList
from azul_tui.tui.analyse.picture import analyse_body, split, table_inside
from azul_tui.tui.analyse.session import AnalyseSession
from azul_tui.tui.analyse.state import AnalyseState
from azul_tui.tui.analyse.table import Look, header_columns
from azul_tui.tui.analyse.text import read_position, refusal
from azul_tui.tui.analyse.thinking import Thinking
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from textual import events

    from azul_tui.game.view import PositionView
    from azul_tui.tui.analyse.entries import Entry
    from azul_tui.tui.analyse.entry import AnalyseRequest
    from azul_tui.tui.analyse.thinking import AskedEngine
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture

WORK = "analyse"


class AnalyseScreen(PictureScreen):
    """A position, and every move of it."""

    PLACE = "analyse"
    MOUSE = "click a move or a title, double click plays, wheel moves"
    BINDINGS: ClassVar = [
        Binding("enter", "play_move", "play the move"),
        Binding("backspace", "back", "back"),
        Binding("space", "stop", "stop"),
        Binding("plus,equals_sign", "double", "twice the simulations"),
        Binding("c", "compare", "compare two"),
        Binding("e", "edit", "set up by hand"),
        Binding("i", "type", "type a position", show=False),
        Binding("minus", "halve", "half the simulations", show=False),
        Binding("m", "network", "another network", show=False),
        Binding("n", "new", "the opening of the next seed", show=False),
        Binding("N", "more_players", "an opening for 2, 3 or 4 players", show=False),
        Binding("p", "play_on", "play on from here", show=False),
        Binding("y", "copy", "copy the notation", show=False),
        Binding("x", "export", "write position and table to a file", show=False),
        Binding("slash", "filter", "filter moves", show=False),
        Binding("s", "sort(1)", "sort by the next column", show=False),
        Binding("S", "reverse", "reverse the order", show=False),
        Binding("r", "again", "ask again, start the engine again", show=False),
        Binding("escape", "clear", "show all moves, follow the best", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
        Binding("home", "move(-1000)", "to the first", show=False),
        Binding("end", "move(1000)", "to the last", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.session = AnalyseSession()
        self.thinking = Thinking(self.session, self._engine, self.redraw)
        self.moves = MoveList(self.session)
        self.message = ""
        self.is_bad = False
        self.walking = False
        self._refused: PositionView | None = None
        """A pasted position that breaks a rule; the editor opens on it."""

    # -- what is shown

    def chosen(self) -> Entry | None:
        """The move under the pointer."""
        return self.moves.chosen(self.azul.clock())

    def state(self) -> AnalyseState:
        """Everything that the picture depends on."""
        moves, now = self.moves, self.azul.clock()
        rows = moves.rows(now)
        look = Look(
            chosen=moves.chosen_index(rows),
            first=moves.first,
            sorted_by=moves.sort_column().key,
            descending=moves.descending,
            compared=moves.is_compared,
            signs=self.azul.signs,
        )
        return AnalyseState(
            session=self.session,
            rows=rows,
            total=len(distinct_moves(self.session.here.view)),
            columns=moves.columns(),
            look=look,
            filter=plain_text(moves.filter, 30),
            held=moves.is_held(now) and bool(self.thinking.activity),
            activity=self.activity(),
            trouble=self.thinking.trouble,
            message=self.message,
            bad=self.is_bad,
            depth=self.azul.depth,
            signs=self.azul.signs,
        )

    def activity(self) -> str:
        """What is going on, in words."""
        if self.thinking.activity:
            return self.thinking.activity
        if self.session.stopped and not self.session.is_done:
            return "stopped; space goes on"
        return ""

    def body(self, width: int, height: int) -> Picture:
        """Board, words and table."""
        state = self.state()
        room = table_inside(split(state, width, height))[1] - 1
        first = self.moves.scroll(state.look.chosen, len(state.rows), room)
        state = replace(state, look=replace(state.look, first=first))
        return analyse_body(state, width, height)

    def describe(self, binding: Binding) -> str:
        """The key that stops also goes on."""
        if binding.action == "stop":
            if self.thinking.trouble:
                return "ask again"
            if self.session.stopped:
                return "go on"
            return "think on" if self.session.is_done else "stop"
        return super().describe(binding)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is offered that would do nothing."""
        if action == "back":
            return len(self.session.steps) > 1
        if action == "play_move":
            return self.session.here.view.phase == "moving"
        return super().check_action(action, parameters)

    # -- coming and going

    def on_analyse_asked(self) -> None:
        """Something else is to be looked at, and the place is shown already."""
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Take over what another place wants to see, and think on."""
        request, self.azul.analyse_request = self.azul.analyse_request, None
        if request is not None:
            self.obey(request)
        if not self._is_working():  # a box that closes lets what is under way go on
            self.think()

    def on_screen_suspend(self) -> None:
        """Leaving the place ends the search; a box over it does not."""
        if self.azul.current_mode != self.PLACE:
            self._stop_working()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """The order may be free again."""
        self.redraw()

    def obey(self, request: AnalyseRequest) -> None:
        """Look at what was asked for."""
        if request.checkpoint:
            self.session.players = [request.checkpoint]
        if request.compare:
            self.session.players = [self.session.players[0], request.compare]
        if request.notation:
            self.read(request.notation)

    async def _engine(self) -> AskedEngine:
        """The dashboard's engine."""
        return await self.azul.engine.get()

    def _work(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this instead of what is under way."""
        self.run_worker(work, group=WORK, exclusive=True)

    def _is_working(self) -> bool:
        """Whether the engine is asked something for this place."""
        return any(worker.group == WORK and not worker.is_finished for worker in self.workers)

    def _stop_working(self) -> None:
        self.workers.cancel_group(self, WORK)  # pyright: ignore[reportUnknownMemberType]

    def think(self) -> None:
        """Ask on."""
        self.walking = False
        self.redraw()
        if not self.session.stopped and not self.session.is_done:
            self._work(self.thinking.think)
        else:
            self._stop_working()

    def say(self, words: str, *, bad: bool = False) -> None:
        """Answer a key in words, until the next one."""
        self.message, self.is_bad = words, bad
        self.redraw()

    # -- positions

    def look_at(
        self, view: PositionView, moves: tuple[str, ...] = (), seed: int | None = None
    ) -> None:
        """Begin a line at `view` and play `moves`."""
        self.session.start(view, seed=seed)
        self.moves.begin()
        if moves or view.phase == "afterstate":
            self.walk(moves)
        else:
            self.think()

    def walk(self, moves: tuple[str, ...]) -> None:
        """Play moves from here in the engine, which knows the refills, and think there."""
        self.walking = True
        self._work(partial(self._walk, moves))

    async def _walk(self, moves: tuple[str, ...]) -> None:
        session = self.session
        try:
            if not moves:  # a scored round: the factories are filled first
                view = await self.thinking.walk(session.here.notation, (), session.seed)
                if view is not None:
                    session.start(view)
            for move in moves:
                view = await self.thinking.walk(session.here.notation, (move,), session.seed)
                if view is None:
                    return
                session.go_on(move, view)
                self.moves.begin()
        except NotationError as error:
            self.say(plain_text(str(error), 300), bad=True)
        finally:
            self.walking = False
        await self.thinking.think()

    def read(self, text: str) -> None:
        """Look at a position that was pasted or typed; say what is wrong with it otherwise."""
        self._refused = None
        try:
            given = read_position(text)
        except NotationError as error:
            self.say(plain_text(str(error), 300), bad=True)
            return
        if given.faults:
            self._refused = given.view
            self.say(f"{refusal(given.faults)}; e opens it to be mended", bad=True)
            return
        self.message = ""
        self.look_at(given.view, given.moves)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted position is looked at."""
        event.stop()
        self.read(event.text)

    def action_type(self) -> None:
        """Type a position, checked while it is typed."""
        from azul_tui.tui.analyse.prompt import PositionPrompt

        def answered(text: str | None) -> None:
            if text is not None:
                self.read(text)

        self.azul.push_screen(PositionPrompt(self.session.here.notation), answered)

    def action_edit(self) -> None:
        """Set a position up by hand, beginning with this one."""
        from azul_tui.tui.screens.position_editor import PositionEditor

        def answered(view: PositionView | None) -> None:
            if view is not None:
                self._refused = None
                self.message = ""
                self.look_at(view)
            else:
                self.think()

        self._stop_working()
        begun = self._refused if self._refused is not None else self.session.here.view
        self.azul.push_screen(PositionEditor(begun), answered)

    def action_new(self) -> None:
        """The opening of the next seed."""
        self._open(self.session.here.view.players, self.session.seed + 1)

    def action_more_players(self) -> None:
        """An opening for one player more; two after four."""
        players = self.session.here.view.players
        self._open(players + 1 if players < 4 else 2, self.session.seed)

    def _open(self, players: int, seed: int) -> None:
        self.message = ""
        self.walking = True
        self._work(partial(self._deal, players, seed))

    async def _deal(self, players: int, seed: int) -> None:
        try:
            view = await self.thinking.walk(f"new players={players}", (), seed)
            if view is not None:
                self.session.start(view, seed=seed)
                self.moves.begin()
        except NotationError as error:
            self.say(plain_text(str(error), 300), bad=True)
        finally:
            self.walking = False
        await self.thinking.think()

    def action_play_move(self) -> None:
        """Play the move under the pointer and look at what follows."""
        entry = self.chosen()
        if entry is not None and not self.walking:
            self.message = ""
            self.walk((entry.move,))

    def action_back(self) -> None:
        """Take the last move of the line back."""
        if self.session.go_back():
            self.message = ""
            self.moves.begin()
            self.think()

    # -- networks and depth

    def action_double(self) -> None:
        """Twice the simulations."""
        self.session.double()
        self.session.stopped = False
        self.think()

    def action_halve(self) -> None:
        """Half the simulations."""
        self.session.halve()
        self.think()

    def action_stop(self) -> None:
        """Stop, or go on; where all is known, think on with twice the simulations."""
        if self.thinking.trouble:
            self.action_again()
            return
        if self.session.is_done and not self.session.stopped:
            self.action_double()
            return
        self.session.stopped = not self.session.stopped
        self.think()

    def action_again(self) -> None:
        """Ask again after trouble."""
        self.thinking.trouble = ""
        self.session.stopped = False
        self.think()

    def action_network(self) -> None:
        """Choose the network."""
        from azul_tui.tui.analyse.networks import NetworkBox

        def answered(name: str | None) -> None:
            if name:
                self.session.players[0] = name
                self.message, self.thinking.trouble = "", ""
                self.think()

        self.azul.push_screen(NetworkBox("network", self.session.players[0]), answered)

    def action_compare(self) -> None:
        """Choose a second network, or go back to one."""
        from azul_tui.tui.analyse.networks import NetworkBox

        def answered(name: str | None) -> None:
            if name is None:
                return
            first = self.session.players[0]
            self.session.players = [first, name] if name and name != first else [first]
            self.message, self.thinking.trouble = "", ""
            if name == first:
                self.say(
                    f"{first} is the first network already; choose another to compare", bad=True
                )
            self.think()

        second = self.session.players[1] if self.moves.is_compared else ""
        self.azul.push_screen(NetworkBox("compare with", second, with_none=True), answered)

    # -- the table

    def action_move(self, step: int) -> None:
        """Move the pointer; the order stands still for a while."""
        self.moves.move(step, self.azul.clock())
        self.redraw()

    def action_sort(self, step: int) -> None:
        """Sort by the next column."""
        width, height = self.azul.size
        state = self.state()
        inside, _ = table_inside(split(state, width, max(1, height - 2)))
        shown = [key for _, _, key in header_columns(state.columns, inside)]
        self.moves.sort_by_next(step, shown)
        self.redraw()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self.moves.reverse()
        self.redraw()

    def action_filter(self) -> None:
        """Filter as one types."""
        from azul_tui.tui.screens.prompt import PromptScreen

        def typed(text: str) -> None:
            self.moves.filter = text
            self.redraw()

        note = "a colour (red or r), a factory (2>), a line (>3), centre, floor"
        self.azul.push_screen(PromptScreen("show moves with", note, self.moves.filter, None, typed))

    def action_clear(self) -> None:
        """Show all moves and follow the best again."""
        self.message = ""
        self.moves.clear()
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A title sorts, a row is chosen, a second click on it plays the move."""
        width, height = self.azul.size
        state = self.state()
        parts = split(state, width, max(1, height - 2))
        x = event.screen_x - parts.table_at[0] - 1
        y = event.screen_y - 1 - parts.table_at[1] - 1
        inside, lines = table_inside(parts)
        if not 0 <= x < inside or not 0 <= y < lines:
            return
        if y == 0:
            found = header_columns(state.columns, inside)
            key = next((key for start, end, key in found if start <= x < end), "")
            if key:
                self.moves.sort_by(key)
        elif state.look.first + y - 1 < len(state.rows):
            self.moves.choose(state.rows[state.look.first + y - 1], self.azul.clock())
            if event.chain == 2:
                self.action_play_move()
        self.redraw()

    def on_mouse_scroll_down(self, _event: events.MouseScrollDown) -> None:
        """The wheel moves the pointer."""
        self.action_move(3)

    def on_mouse_scroll_up(self, _event: events.MouseScrollUp) -> None:
        """The wheel moves the pointer."""
        self.action_move(-3)

    # -- out of here

    def action_play_on(self) -> None:
        """Play on from here in the Play place."""
        from azul_tui.tui.play.open import open_play

        here = self.session.here
        if here.view.phase != "moving":
            self.say("nobody can move here, so there is nothing to play", bad=True)
            return
        open_play(
            self.azul,
            opponent=self.session.players[0],
            notation=here.notation,
            seed=self.session.seed,
            seat=here.view.to_move,
            start=True,
        )

    def action_copy(self) -> None:
        """Copy the notation to the clipboard, and show it for terminals that have none."""
        notation = format_position(self.session.here.view)
        self.azul.copy_to_clipboard(notation)
        self.say(f"copied: {notation}")

    def action_export(self) -> None:
        """Write position and table beside the runs."""
        from azul_tui.tui.analyse.export import write_analysis

        said, done = write_analysis(self.azul.runs_root, self.state(), self.azul.clock())
        self.say(said, bad=not done)
