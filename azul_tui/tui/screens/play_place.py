"""What the setup and the table of the Play place have in common: one session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from azul_tui.tui.play.keeper import GameKeeper
from azul_tui.tui.play.setup import PlaySetup
from azul_tui.tui.screens.place import PictureScreen
from azul_tui.tui.screens.play_keys import MAX_SEED

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from azul_tui.tui.play.session import PlaySession
    from azul_tui.tui.play.settings import PlaySettings


class PlayPlace(PictureScreen):
    """What is chosen, and the game that is on."""

    def __init__(self) -> None:
        super().__init__()
        self.setup = PlaySetup()
        self.in_setup = True
        self.session: PlaySession | None = None
        self.show_value = True
        self.keeper = GameKeeper(None)
        self.message = ""
        """An answer to the last key, until the next one."""
        self.shown_others: tuple[int, ...] = ()
        """Seats besides the own one whose boards are on the screen."""
        self.other: int | None = None
        """The seat whose board the person wants to see where there is no room for all."""

    def changed(self) -> None:
        """Show what is new; the screen also counts seconds while somebody waits."""
        raise NotImplementedError

    def say(self, words: str) -> None:
        """Answer a key in words, until the next one."""
        self.message = words
        self.redraw()

    @property
    def game_waits(self) -> bool:
        """Whether there is a game to go back to from the setup."""
        session = self.session
        return self.keeper.found is not None or (session is not None and session.phase != "none")

    def take_up(self) -> None:
        """Go on with the game that was kept, if there is one."""
        kept, session = self.keeper.found, self.session
        if kept is not None and session is not None:
            self.keeper.found = None
            self.in_setup = False
            self.setup.settings = replace(kept.settings, seed=0, notation="")
            self.run_alone(session.take_up(kept))

    def begin(self, settings: PlaySettings) -> None:
        """Deal; one that the person has begun is given up only when asked for twice."""
        kept, session = self.keeper.found, self.session
        if session is None:
            return
        if not session.is_at_stake and (kept is None or not kept.is_at_stake):
            self._deal(settings)
            return
        from azul_tui.tui.screens.ask import AskScreen

        def answered(answer: str | None) -> None:
            if answer == "n":
                self._deal(settings)
            elif answer == "b":
                self.back_to_game()

        choices = (("n", "give it up and deal a new one"), ("b", "back to the game"))
        detail = "It is the one that was kept." if kept is not None else ""
        question = AskScreen("This game is not over.", detail, choices, safe="b")
        self.azul.push_screen(question, answered)

    def back_to_game(self) -> None:
        """From the setup to the table."""
        if self.keeper.found is not None:
            self.take_up()
        self.in_setup = False
        self.changed()

    def _deal(self, settings: PlaySettings) -> None:
        """Deal; a seed of 0 draws one."""
        session = self.session
        if session is None:
            return
        self.keeper.found = None
        if not settings.seed:
            settings = replace(settings, seed=int(self.azul.clock() * 1_000) % MAX_SEED + 1)
        self.in_setup = False
        self.run_alone(session.begin(settings))

    def run_alone(self, work: Coroutine[Any, Any, None]) -> None:
        """Do one thing at a time: what was being waited for is given up."""
        self.run_worker(work, name="play", group="play", exclusive=True)
        self.redraw()
