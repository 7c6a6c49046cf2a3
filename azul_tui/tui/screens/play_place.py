"""What the setup and the table of the Play place have in common: one session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

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

    def changed(self) -> None:
        """Show what is new; the screen also counts seconds while somebody waits."""
        raise NotImplementedError

    def begin(self, settings: PlaySettings) -> None:
        """Deal; a seed of 0 draws one."""
        session = self.session
        if session is None:
            return
        if not settings.seed:
            settings = replace(settings, seed=int(self.azul.clock() * 1_000) % MAX_SEED + 1)
        self.in_setup = False
        self.run_alone(session.begin(settings))

    def run_alone(self, work: Coroutine[Any, Any, None]) -> None:
        """Do one thing at a time: what was being waited for is given up."""
        self.run_worker(work, name="play", group="play", exclusive=True)
        self.redraw()
