"""Play: a person against a player, or two players watched, on a board that fills the screen.

Longer than most files, because every key of the place ends here; what the keys do is in
`play_session`, `play_hand` and `play_setup`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from azul_tui.errors import AzulError
from azul_tui.game.constants import encode_action
from azul_tui.game.notation import format_move
from azul_tui.tui.frame import PLACES
from azul_tui.tui.play.hand import click, press
from azul_tui.tui.play.picture import PlayView, play_body
from azul_tui.tui.play.session import PlaySession
from azul_tui.tui.play.settings import is_scripted
from azul_tui.tui.play.setup import PlaySetup
from azul_tui.tui.play.setup_picture import click_setup, setup_body
from azul_tui.tui.screens.place import PictureScreen
from azul_tui.tui.screens.play_keys import (
    DIGITS,
    IN_GAME,
    IN_SETUP,
    KEYS,
    MAX_SEED,
    PLACE_DIGITS,
    move_keys,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from textual import events
    from textual.binding import Binding
    from textual.timer import Timer

    from azul_tui.tui.board.marks import Move
    from azul_tui.tui.board.table import DrawnTable
    from azul_tui.tui.checkpoints.listing import CheckpointIndex
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture
    from azul_tui.tui.play.open import PlayRequest
    from azul_tui.tui.play.settings import PlaySettings

TICK_S: Final = 0.5
LISTING_MS: Final = 4.0
"""Reading of records for the list of checkpoints, each time that it is shown."""


class PlayScreen(PictureScreen):
    """A table, and before it the setup."""

    PLACE = "play"
    MOUSE: ClassVar[str] = "click tiles, then a line; in the setup a setting or a player"
    BINDINGS: ClassVar = [*KEYS]

    def __init__(self) -> None:
        super().__init__()
        self.setup = PlaySetup()
        self.in_setup = True
        self.show_value = True
        self.session: PlaySession | None = None
        self._table: DrawnTable | None = None
        self._table_top = 0
        self._ticking: Timer | None = None
        self._player_was_chosen = False
        self._index: CheckpointIndex | None = None

    # -- coming and going

    def on_mount(self) -> None:
        """Nothing starts before the person deals."""
        self.session = PlaySession(self.azul.engine, self._changed, time.monotonic)
        self._ticking = self.set_interval(TICK_S, self._tick, pause=True)

    def on_screen_resume(self) -> None:
        """List the players again, and take over what another place asked for."""
        super().on_screen_resume()
        self._list_players()
        self.on_play_asked()
        self._tick_while_needed()
        self.redraw()

    def on_play_asked(self) -> None:
        """Take over what another place asked for, if any did."""
        request, self.azul.play_request = self.azul.play_request, None
        if request is not None:
            self._take_over(request)
            self.redraw()

    def on_screen_suspend(self) -> None:
        """Nobody looks: the game goes on, the seconds need not be counted."""
        super().on_screen_suspend()
        if self._ticking is not None:
            self._ticking.pause()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """The run in the top line moves on; a new checkpoint can be chosen."""
        if self.in_setup:
            self._list_players()
        self.redraw()

    def _list_players(self) -> None:
        from azul_tui.tui.checkpoints.listing import CheckpointIndex

        if self._index is None:
            self._index = CheckpointIndex(self.azul.runs_root)
        self._index.refresh(LISTING_MS)
        self.setup.list_players(self._index.rows)
        if not self._player_was_chosen and self.setup.settings.players == 2:
            # The first player of the list is the strongest that comes with the program.
            self._player_was_chosen = True
            if self.setup.options:
                first = self.setup.options[0].name
                opponent = first if first == "pretrained" else "greedy"
                self.setup.choose("opponent", opponent)

    def _take_over(self, request: PlayRequest) -> None:
        """Set the table as another place wants it."""
        try:
            settings = request.applied_to(self.setup.settings)
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._player_was_chosen = self._player_was_chosen or bool(request.opponent)
        self._list_players()
        seats = self.setup.seats_for(request.opponent)
        if seats is not None and not request.notation and not request.players:
            settings = replace(settings, players=seats, seat=min(settings.seat or 0, seats - 1))
        self.setup.settings = settings
        self._list_players()
        self._repair()
        self.setup.chosen = 0
        self.in_setup = True
        if request.start:
            self.action_deal()

    def _repair(self) -> None:
        """Say who cannot sit at the table and who does instead."""
        words = self.setup.repair()
        if words:
            self.notify(words, markup=False)

    def _changed(self) -> None:
        """The session has something new to show."""
        self.azul.game_at_stake = self.session is not None and self.session.is_at_stake
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
            waits = session is not None and session.phase != "none"
            return setup_body(self.setup, width, height, signs, game_waits=waits)
        view = PlayView(
            session=session,
            now=time.monotonic(),
            show_value=self.show_value,
            signs=signs,
            depth=self.azul.depth,
        )
        drawn = play_body(view, width, height)
        self._table, self._table_top = drawn.table, drawn.top + 1  # below the top line
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
            return at_table or phase != "none"
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
        if action in IN_GAME:
            return at_table and session is not None and session.game is not None
        return super().check_action(action, parameters)

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
        self._run(session.play(text))

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

    # -- the setup

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        self.setup.move(step)
        self.redraw()

    def action_change(self, step: int) -> None:
        """Another value."""
        before = self.setup.settings.players
        self.setup.change(step)
        if self.setup.settings.players != before:
            self._list_players()
            self._repair()
        self.redraw()

    def action_edit(self) -> None:
        """Type the value under the pointer."""
        from azul_tui.tui.screens.prompt import PromptScreen

        row = self.setup.row
        asked = self.setup.asked(row)
        if asked is None:
            self.action_change(1)
            return
        note, value = asked

        def check(text: str) -> str | None:
            return self.setup.typed(row, text)[1]

        def done(text: str | None) -> None:
            if text is None:
                return
            changed, problem = self.setup.typed(row, text)
            if problem is None:
                self.setup.settings = changed
                self._list_players()
                self._repair()
                self.redraw()

        self.azul.push_screen(PromptScreen(row, note, value, check), done)

    def action_deal(self) -> None:
        """Begin a game with what is chosen."""
        settings = self.setup.settings
        self._begin(settings)

    def _begin(self, settings: PlaySettings) -> None:
        session = self.session
        if session is None:
            return
        if not settings.seed:
            settings = replace(settings, seed=int(self.azul.clock() * 1_000) % MAX_SEED + 1)
        self.in_setup = False
        self._run(session.begin(settings))

    # -- the table

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do one thing at a time: what was being waited for is given up."""
        self.run_worker(work, name="play", group="play", exclusive=True)
        self.redraw()

    def action_back(self) -> None:
        """One step of the move back, then the setup; from there back to the game."""
        session = self.session
        if session is None:
            return
        if self.in_setup:
            self.in_setup = False
        elif session.pick is None or not session.pick.back():
            self.in_setup = True
        self._changed()

    def action_go_on(self) -> None:
        """Try again what went wrong."""
        if self.session is not None:
            self._run(self.session.go_on())

    def action_pause(self) -> None:
        """Let the watched game stand still, or go on."""
        session = self.session
        if session is None:
            return
        if session.phase == "paused":
            session.watching_paused = False
            self._run(session.go_on())
        else:
            session.watching_paused = True
            self.redraw()

    def action_one_move(self) -> None:
        """One move of the watched game."""
        if self.session is not None:
            self._run(self.session.step())

    def action_hint(self) -> None:
        """What would the opponent play?"""
        if self.session is not None:
            self._run(self.session.ask_hint())

    def action_undo(self) -> None:
        """Take the last decision back."""
        session = self.session
        if session is None or session.game is None:
            return
        if not session.is_sending and session.game.undo_to(session.settings) < 0:
            self.notify("there is no move of yours to take back")
            return
        self._run(session.undo())

    def action_value(self) -> None:
        """Show or hide who is ahead: it gives away what the opponent thinks."""
        self.show_value = not self.show_value
        self.refresh_bindings()
        self.redraw()

    def action_again(self) -> None:
        """A new game with the same players, from another deal unless a seed was chosen.

        One that the person has begun is given up only when asked for twice.
        """
        session = self.session
        if session is None:
            return
        settings = replace(session.settings, seed=self.setup.settings.seed, notation="")

        def answered(answer: str | None) -> None:
            if answer == "n":
                self._begin(settings)

        if session.is_at_stake:
            from azul_tui.tui.screens.ask import AskScreen

            choices = (("n", "give it up and deal a new one"), ("b", "back to the game"))
            question = AskScreen("This game is not over.", "", choices, safe="b")
            self.azul.push_screen(question, answered)
        else:
            self._begin(settings)

    def action_swap(self) -> None:
        """The other seat: in this game, or in a new one when it is over."""
        session = self.session
        if session is None or session.game is None or session.settings.seat is None:
            return
        if session.phase == "over":
            players = session.game.now.view.players
            seat = (session.settings.seat + 1) % players
            self.setup.settings = replace(self.setup.settings, seat=seat)
            self._begin(replace(session.settings, seat=seat, seed=self.setup.settings.seed))
        else:
            seat = (session.settings.seat + 1) % session.game.now.view.players
            self.setup.settings = replace(self.setup.settings, seat=seat)
            self._run(session.swap())

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
            self.notify("scripted players have one strength", timeout=2)
        else:
            self.notify(f"from the next move on: {settings.strength_words}", timeout=2)
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
