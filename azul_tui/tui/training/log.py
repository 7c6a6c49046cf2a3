"""The log of a run, as the last lines that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.picture import Line, Picture, hanging, text_line
from azul_tui.tui.training.state import is_over

if TYPE_CHECKING:
    from azul_tui.tui.training.state import TrainingState


def log_title(state: TrainingState) -> Line:
    """The log's title, with what could not be read."""
    title: list[tuple[str, str]] = [("log", "title")]
    if state.data.skipped:
        title.append((f"  {state.data.skipped:,} unreadable records skipped", "warning"))
    if state.sampled:
        title.append(("  reading every record, a sample is shown", "quiet"))
    return tuple(title)


def log_lines(state: TrainingState, width: int, height: int) -> Picture:
    """The last lines of the log, and failing that the last happenings."""
    if height <= 0:
        return []
    texts = [plain_text(line, 400) for line in state.log[-height:]]
    texts = texts or [happening.text for happening in list(state.data.happenings)[-height:]]
    if not texts:
        return [
            text_line(" it said nothing" if is_over(state) else " nothing was said yet", "quiet")
        ]
    lines: Picture = []
    for text in texts:
        # What a line tells, and what a traceback ends in, stands at its end: nothing is cut.
        role = "alert" if _sounds_bad(text) else ""
        lines.extend(text_line(f" {piece}", role) for piece in hanging(text, max(8, width - 2)))
    return lines[-height:]


def _sounds_bad(text: str) -> bool:
    return text.startswith(("Traceback", "error", "Error")) or "Error:" in text
