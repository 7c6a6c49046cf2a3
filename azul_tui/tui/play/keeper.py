"""Keeping the game that is on in step with its file: written when it changed, told once if not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.tui.play.kept import KeptGameError, forget_kept, read_kept, write_kept

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.tui.play.kept import KeptGame


class GameKeeper:
    """Keeps one game.

    Args:
        path: Its file; None keeps none.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._written: KeptGame | None = None
        self.found: KeptGame | None = None
        """The game that was there at first, until it is gone on with or given up."""
        self.problem = ""
        """Why the game is not kept."""

    def look(self) -> str:
        """Look for a kept game; what is wrong or odd about it in words."""
        try:
            self.found = self._written = None if self._path is None else read_kept(self._path)
        except KeptGameError as error:
            return str(error)
        return self.found.note if self.found is not None else ""

    def keep(self, game: KeptGame | None) -> str:
        """Write `game`, or forget what is kept; a new problem with that in words, once."""
        self.found = None
        if game == self._written and not (self.problem and game is not None):
            return ""
        before, self.problem = self.problem, ""
        self._written = game
        if self._path is None:
            return ""
        if game is None:
            forget_kept(self._path)
            return ""
        try:
            write_kept(self._path, game)
        except KeptGameError as error:
            self.problem = str(error)
        return "" if before else self.problem
