"""Play: a person against a player, or two players watched, on a board that fills the screen.

What lives of it: coming and going, the picture, the keys of a move and the mouse. The other keys
are in `play_setup` and `play_table`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final

from azul_tui.game.constants import encode_action
from azul_tui.game.notation import format_move
from azul_tui.tui.frame import PLACES
from azul_tui.tui.play.hand import click, press
from azul_tui.tui.play.keeper import GameKeeper
from azul_tui.tui.play.kept import kept_path
from azul_tui.tui.play.picture import play_body
from azul_tui.tui.play.session import PlaySession
from azul_tui.tui.play.setup_picture import click_setup, setup_body
from azul_tui.tui.play.view import PlayView
from azul_tui.tui.screens.play_keys import (
    DIGITS,
    IN_GAME,
    IN_SETUP,
    KEYS,
    PLACE_DIGITS,
    move_keys,
)
from azul_tui.tui.screens.play_setup import PlaySetupKeys
from azul_tui.tui.screens.play_table import PlayTableKeys

if TYPE_CHECKING:
    from textual import events
    from textual.binding import Binding
    from textual.timer import Timer

    from azul_tui.tui.board.marks import Move
    from azul_tui.tui.board.table import DrawnTable
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture

TICK_S: Final = 0.5


class PlayScreen(PlaySetupKeys, PlayTableKeys):
    """A table, and before it the setup."""

    PLACE = "play"
    MOUSE: ClassVar[str] = "click tiles, then a line; in the setup a setting or a player"
    BINDINGS: ClassVar = [*KEYS]

    def __init__(self) -> None:
        super().__init__()
        self._table: DrawnTable | None = None
        self._table_top = 0
        self._ticking: Timer | None = None
        self._was_open = False

    # -- coming and going

    def on_mount(self) -> None:
        """Nothing starts before the person deals, or goes on with the game that was kept."""
        self.session = PlaySession(self.azul.engine, self.changed, time.monotonic)
        self._ticking = self.set_interval(TICK_S, self._tick, pause=True)
        if self.azul.keeps_games:
            self.keeper = GameKeeper(kept_path(self.azul.runs_root))
        problem = self.keeper.look()
        if problem:
            self.notify(problem, severity="warning", markup=False)

    def on_screen_resume(self) -> None:
        """List the players again, and take over what another place asked for."""
        super().on_screen_resume()
        self.list_players()
        wanted = self.azul.play_request is not None
        self.on_play_asked()
        if not (wanted or self._was_open):
            self.take_up()
            self.list_players()  # for the table of the game that goes on
        self._was_open = True
        self._tick_while_needed()
        self.redraw()

    def on_play_asked(self) -> None:
        """Take over what another place asked for, if any did."""
        request, self.azul.play_request = self.azul.play_request, None
        if request is not None:
            self.take_over(request)
            self.redraw()

    def on_screen_suspend(self) -> None:
        """Nobody looks: the game goes on, the seconds need not be counted."""
        super().on_screen_suspend()
        if self._ticking is not None:
            self._ticking.pause()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """The run in the top line moves on; a new checkpoint can be chosen."""
        if self.in_setup:
            self.list_players()
        self.redraw()

    def changed(self) -> None:
        """The session has something new to show."""
        session = self.session
        if session is not None and session.phase != "none":
            problem = self.keeper.keep(session.to_keep())
            if problem:
                self.notify(problem, severity="warning", markup=False)
            self.azul.game_at_stake = session.is_at_stake and bool(self.keeper.problem)
        elif session is not None and session.lost:
            self.in_setup = True
            self.notify(session.lost, severity="warning", markup=False)
        self._tick_while_needed()
        self.refresh_bindings()
        self.redraw()

    def _tick(self) -> None:
        self.redraw()

    def _tick_while_needed(self) -> None:
        """Count seconds only while somebody waits and looks."""
        session = self.session
        if session is None or self._ticking is None:
            return
        waits = session.phase in {"starting", "thinking"} or session.hinting
        if waits and self.is_current and not self.in_setup:
            self._ticking.resume()
        else:
            self._ticking.pause()

    # -- drawing

    def body(self, width: int, height: int) -> Picture:
        """The setup, or the table."""
        session, signs = self.session, self.azul.signs
        self._table = None
        if session is None or self.in_setup:
            return setup_body(self.setup, width, height, signs, game_waits=self.game_waits)
        view = PlayView(
            session=session,
            now=time.monotonic(),
            show_value=self.show_value,
            message=self.message,
            other=self.other,
            signs=signs,
            depth=self.azul.depth,
        )
        drawn = play_body(view, width, height)
        self._table, self._table_top = drawn.table, drawn.top + 1  # below the top line
        self.shown_others = drawn.others
        return drawn.picture

    # -- what a key does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The setup's keys in the setup, the table's at the table."""
        session = self.session
        if action in IN_SETUP:
            return self.in_setup
        phase = session.phase if session is not None else "none"
        watched = session is not None and session.settings.seat is None
        at_table = not self.in_setup and session is not None
        if action == "back":
            return at_table or self.game_waits
        if action == "go_on":
            return at_table and phase == "broken"
        if action == "pause":
            return at_table and watched and phase in {"thinking", "paused"}
        if action == "one_move":
            return at_table and watched and phase == "paused"
        if action in {"stronger", "measure", "again"}:
            return at_table
        if action == "hint":
            return at_table and session is not None and session.pick is not None
        if action == "swap" and (watched or (session is not None and session.is_sending)):
            return False
        if (
            action == "turn_boards"
            and at_table
            and session is not None
            and session.game is not None
        ):
            return len(self.shown_others) < session.game.now.view.players - 1
        if action in IN_GAME:
            return at_table and session is not None and session.game is not None
        return super().check_action(action, parameters)

    def place_keys(self) -> str:
        """At the table digits are factories and lines."""
        session = self.session
        if self.in_setup or session is None or session.game is None:
            return super().place_keys()
        if session.settings.seat is not None and session.phase != "over":
            return f"F1 to F{len(PLACES)}"
        return super().place_keys()

    def describe(self, binding: Binding) -> str:
        """Escape goes back by what was chosen last."""
        session = self.session
        if binding.action == "back":
            if self.in_setup:
                return "back to the game"
            pick = session.pick if session is not None else None
            if pick is not None and (pick.source is not None or pick.color is not None):
                return "step back"
            return "setup, places"
        if binding.action == "value":
            return "hide value" if self.show_value else "show value"
        if binding.action == "pause" and session is not None and session.phase == "paused":
            return "go on"
        if binding.action == "pause":
            return "stand still"
        return super().describe(binding)

    def own_bindings(self) -> list[Binding]:
        """What the keys do now: in the setup they mean something else than at the table."""
        session = self.session
        known = KEYS
        if session is not None and not self.in_setup and session.phase == "yours":
            known = (*move_keys(session.settings.players), *KEYS)
        return [
            binding
            for binding in known
            if self.check_action(binding.action.split("(")[0], ()) is not False
        ]

    def action_explain(self) -> None:
        """What a move is made of, for those who look for it among the commands."""
        self.notify("a move is three keys: factory or C, colour, line or F; or click the tiles")

    def on_key(self, event: events.Key) -> None:
        """The keys of a move; digits lead to other places only from the setup."""
        session = self.session
        self.message = ""
        if session is None or self.in_setup or session.settings.seat is None:
            return
        key = event.key.lower()
        if key[0] == "f" and key[1:] in PLACE_DIGITS and len(key) == 2:
            event.stop()
            self.azul.action_go(PLACES[int(key[1]) - 1][1])
        elif session.phase == "over" or session.game is None:
            return
        elif session.pick is None or session.phase != "yours":
            if key in DIGITS:
                event.stop()  # a move that came too early does not lead away
        else:
            heeded, move = press(session.pick, key)
            if heeded:
                event.stop()
            if move is not None:
                self._play(move)
            self.redraw()

    def _play(self, move: Move) -> None:
        session = self.session
        if session is None or session.game is None:
            return
        players = session.game.now.view.players
        text = format_move(encode_action(*move), players)
        self.run_alone(session.play(text))

    def on_click(self, event: events.Click) -> None:
        """A click takes tiles, and then lays them on a line; in the setup it chooses."""
        session, table = self.session, self._table
        if self.in_setup:
            width = self.azul.size.width
            if click_setup(self.setup, event.screen_x, event.screen_y - 1, width):
                self.redraw()
            return
        if session is None or session.pick is None or table is None or self.in_setup:
            return
        target = table.surface.at(event.screen_x, event.screen_y - self._table_top)
        if target is None:
            return
        move = click(session.pick, target)
        if move is not None:
            self._play(move)
        self.redraw()
