"""The Analyse place: what one or two networks think of every move of a position."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.game.notation import format_position
from azul_tui.tui.screens.analyse_depth import AnalyseDepth
from azul_tui.tui.screens.analyse_moves import AnalyseMoves

if TYPE_CHECKING:
    from azul_tui.tui.analyse.entry import AnalyseRequest
    from azul_tui.tui.messages import RunAdvanced


class AnalyseScreen(AnalyseMoves, AnalyseDepth):
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
        Binding("o", "turn_boards", "the others' boards", show=False),
        Binding("r", "again", "ask again, start the engine again", show=False),
        Binding("escape", "clear", "show all moves, follow the best", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
        Binding("home", "move(-1000)", "to the first", show=False),
        Binding("end", "move(1000)", "to the last", show=False),
    ]

    # -- what is shown

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
        if action == "turn_boards":
            return self.session.here.view.players > 2
        if action == "play_move":
            return self.session.here.view.phase == "moving"
        return super().check_action(action, parameters)

    def action_turn_boards(self) -> None:
        """See the next of the boards for which there is no room."""
        view = self.session.here.view
        here = view.to_move if self.other is None else self.other
        order = [(view.to_move + turn) % view.players for turn in range(1, view.players)]
        at = order.index(here) if here in order else 0
        self.other = order[(at + 1) % len(order)]
        self.redraw()

    # -- coming and going

    def on_analyse_asked(self) -> None:
        """Something else is to be looked at, and the place is shown already."""
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Take over what another place wants to see, and think on."""
        request, self.azul.analyse_request = self.azul.analyse_request, None
        if request is not None:
            self.obey(request)
        if not self.is_working():  # a box that closes lets what is under way go on
            self.think()

    def on_screen_suspend(self) -> None:
        """Leaving the place ends the search; a box over it does not."""
        if self.azul.current_mode != self.PLACE:
            self.stop_working()

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
