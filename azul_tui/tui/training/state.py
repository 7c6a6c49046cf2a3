"""What the training screen shows, as a value; whether its run goes on or has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.runs.status import Judgement, Status
    from azul_tui.tui.following.data import RunData
    from azul_tui.tui.machine import Usage
    from azul_tui.tui.picture import Picture
    from azul_tui.tui.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """Everything that the picture depends on besides its size."""

    name: str
    data: RunData
    status: Status | None
    judgement: Judgement | None
    live: dict[str, object]
    log: list[str]
    usage: Usage | None
    now: float
    signs: Signs
    chart: Callable[[str, int, int], Picture]
    """Draws the panel of a chart of the given name, width and height."""
    main_chart: str = "loss"
    side_chart: str = "score"
    alerts_seen: int = 0
    sampled: bool = False
    opened: bool = True
    """Whether all that there is was read at least once."""
    problem: str = ""


def is_active(state: TrainingState) -> bool:
    """Whether the run goes on or waits to go on."""
    return state.judgement is not None and state.judgement.state in {"running", "paused"}


def is_over(state: TrainingState) -> bool:
    """Whether the run has ended in whatever way."""
    return state.judgement is not None and not is_active(state)


def is_crashed(state: TrainingState) -> bool:
    """Whether the run ended without saying so."""
    return state.judgement is not None and state.judgement.state == "crashed"
