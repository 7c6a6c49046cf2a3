"""The keys of Play's table: undo, hint, strength, another game, another place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from azul_tui.tui.play.settings import is_scripted
from azul_tui.tui.screens.play_place import PlayPlace

if TYPE_CHECKING:
    from azul_tui.tui.play.settings import PlaySettings


class PlayTableKeys(PlayPlace):
    """What the keys do while a game is on, besides its moves."""

    def action_back(self) -> None:
        """One step of the move back, then the setup; from there back to the game."""
        session = self.session
        if session is None:
            return
        if self.in_setup:
            self.back_to_game()
            return
        if session.pick is None or not session.pick.back():
            self.in_setup = True
        self.changed()

    def action_go_on(self) -> None:
        """Try again what went wrong."""
        if self.session is not None:
            self.run_alone(self.session.go_on())

    def action_pause(self) -> None:
        """Let the watched game stand still, or go on."""
        session = self.session
        if session is None:
            return
        if session.phase == "paused":
            session.watching_paused = False
            self.run_alone(session.go_on())
        else:
            session.watching_paused = True
            self.redraw()

    def action_one_move(self) -> None:
        """One move of the watched game."""
        if self.session is not None:
            self.run_alone(self.session.step())

    def action_hint(self) -> None:
        """What would the opponent play?"""
        if self.session is not None:
            self.run_alone(self.session.ask_hint())

    def action_undo(self) -> None:
        """Take the last decision back."""
        session = self.session
        if session is None or session.game is None:
            return
        if not session.is_sending and session.game.undo_to(session.settings) < 0:
            self.say("there is no move of yours to take back")
            return
        self.run_alone(session.undo())

    def action_value(self) -> None:
        """Show or hide who is ahead: it gives away what the opponent thinks."""
        self.show_value = not self.show_value
        self.refresh_bindings()
        self.redraw()

    def action_again(self) -> None:
        """A new game with the same players, from another deal unless a seed was chosen."""
        session = self.session
        if session is None:
            return
        self.begin(replace(session.settings, seed=self.setup.settings.seed, notation=""))

    def action_swap(self) -> None:
        """The other seat: in this game, or in a new one when it is over."""
        session = self.session
        if session is None or session.game is None or session.settings.seat is None:
            return
        if session.phase == "over":
            players = session.game.now.view.players
            seat = (session.settings.seat + 1) % players
            self.setup.settings = replace(self.setup.settings, seat=seat)
            self.begin(replace(session.settings, seat=seat, seed=self.setup.settings.seed))
        else:
            seat = (session.settings.seat + 1) % session.game.now.view.players
            self.setup.settings = replace(self.setup.settings, seat=seat)
            self.run_alone(session.swap())

    def action_stronger(self, step: int) -> None:
        """Strength of the opponent from its next move on."""
        session = self.session
        if session is not None:
            self._set_strength(session.settings.stronger(step))

    def action_measure(self) -> None:
        """Strength by time or by simulations."""
        session = self.session
        if session is not None:
            self._set_strength(replace(session.settings, by_time=not session.settings.by_time))

    def _set_strength(self, settings: PlaySettings) -> None:
        session = self.session
        if session is None:
            return
        session.settings = settings
        self.setup.settings = replace(
            self.setup.settings,
            by_time=settings.by_time,
            simulations=settings.simulations,
            seconds=settings.seconds,
        )
        if all(map(is_scripted, settings.engine_players())):
            self.say("scripted players have one strength")
        else:
            self.say(f"from the next move on: {settings.strength_words}")
        self.changed()

    def action_turn_boards(self) -> None:
        """See the next of the boards for which there is no room."""
        session = self.session
        if session is None or session.game is None or not self.shown_others:
            return
        own, players = session.settings.seat or 0, session.game.now.view.players
        order = [(own + turn) % players for turn in range(1, players)]
        if len(self.shown_others) < len(order):
            at = order.index(self.shown_others[0])
            self.other = order[(at + len(self.shown_others)) % len(order)]
            self.redraw()

    def action_analyse(self) -> None:
        """Open the position in the Analyse place."""
        session = self.session
        if session is None or session.game is None:
            return
        from azul_tui.tui.analyse.entry import open_analyse

        opponent = session.settings.opponent
        open_analyse(
            self.azul,
            notation=session.game.now.record.notation,
            checkpoint="" if is_scripted(opponent) else opponent,
        )
