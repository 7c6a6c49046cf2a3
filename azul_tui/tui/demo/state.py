"""What the screen of a demo shows, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.runs.status import Judgement, Status
    from azul_tui.tui.following.data import RunData
    from azul_tui.tui.picture import Picture
    from azul_tui.tui.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoState:
    """Everything that the picture depends on besides its size."""

    title: str
    description: str
    data: RunData
    status: Status | None
    judgement: Judgement | None
    log: Sequence[str]
    first_line: int | None
    """First line of the log that is shown; None keeps to its end."""
    chart: Callable[[int, int], Picture]
    signs: Signs


Block = tuple[str, int, "Callable[[int, int], Picture]"]
"""Title, wanted height with its frame, and what draws the inside."""
