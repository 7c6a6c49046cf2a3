"""How busy the machine is, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.picture import Line, join, shorten

if TYPE_CHECKING:
    from azul_tui.tui.training.state import TrainingState


def usage_line(state: TrainingState) -> Line:
    """Processor, memory and the first GPU."""
    usage = state.usage
    if usage is None:
        return ()
    gigabyte = 1e9
    known = usage.cpu_percent is not None
    parts: list[Line] = [
        (("cpu ", "quiet"), (f"{usage.cpu_percent:.0f}%", "strong")) if known else (),
        (
            ("memory ", "quiet"),
            (f"{usage.memory_used / gigabyte:.1f}", "strong"),
            (f" of {usage.memory_total / gigabyte:.0f} GB", "quiet"),
        ),
    ]
    for gpu in usage.gpus[:2]:
        watts = f"  {gpu.watts:.0f} W" if gpu.watts is not None else ""
        name = plain_text(gpu.name, 40).removeprefix("NVIDIA ").removeprefix("GeForce ")
        busy = f"{gpu.percent:.0f}%  " if gpu.percent is not None else ""
        parts.append(
            (
                (f"gpu {shorten(name, 12, state.signs.ellipsis)} ", "quiet"),
                (busy, "strong"),
                (f"{gpu.used / gigabyte:.0f} GB{watts}", "quiet"),
            )
        )
    return join(parts)
