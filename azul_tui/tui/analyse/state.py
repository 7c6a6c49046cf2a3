"""Everything that a picture of the Analyse place depends on besides its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.analyse.columns import Column
    from azul_tui.tui.analyse.entries import Entry
    from azul_tui.tui.analyse.session import AnalyseSession
    from azul_tui.tui.analyse.table import Look
    from azul_tui.tui.palette import Depth
    from azul_tui.tui.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyseState:
    """What is known, what is chosen, and how the terminal draws."""

    session: AnalyseSession
    rows: Sequence[Entry]
    total: int
    """Moves before the filter."""
    columns: Sequence[Column]
    look: Look
    filter: str
    held: bool
    """Whether the order stands still because the reader moves in the table."""
    activity: str
    """What the engine is doing, in words; empty while it does nothing."""
    trouble: str
    """Why there is nothing more to come, in one sentence."""
    message: str
    """An answer to the reader's last key."""
    bad: bool
    """Whether the message is about something that did not work."""
    depth: Depth
    signs: Signs
    other: int | None = None
    """The seat whose board is to be seen where there is no room for all; None for who is next."""

    @property
    def chosen(self) -> Entry | None:
        """The move under the pointer."""
        return self.rows[self.look.chosen] if 0 <= self.look.chosen < len(self.rows) else None
