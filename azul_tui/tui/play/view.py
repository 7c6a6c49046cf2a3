"""What the picture of the Play place is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azul_tui.tui.palette import Depth
    from azul_tui.tui.play.session import PlaySession
    from azul_tui.tui.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayView:
    """Everything that the picture depends on besides its size."""

    session: PlaySession
    now: float
    """The session's clock."""
    show_value: bool
    message: str = ""
    """An answer to the last key."""
    other: int | None = None
    """The seat whose board is to be seen where there is no room for all; None for who is next."""
    signs: Signs
    depth: Depth
