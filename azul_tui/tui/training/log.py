"""The log of a run, as the last lines that fit."""

from __future__ import annotations

import textwrap

from azul_tui.runs.text import plain_text
from azul_tui.tui.picture import Line, Picture, shorten, text_line
from azul_tui.tui.training.state import TrainingState, is_crashed


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
    if is_crashed(state) or state.status is None:
        # The end of a traceback is what matters, and its last line must be whole.
        texts = [piece for text in texts for piece in _pieces(text, max(8, width - 2))][-height:]
    if not texts:
        texts = [happening.text for happening in list(state.data.happenings)[-height:]]
    if not texts:
        return [text_line(" nothing was said yet", "quiet")]
    lines: Picture = []
    for text in texts:
        role = "alert" if _sounds_bad(text) else ""
        lines.append(text_line(" " + shorten(text, max(1, width - 2), state.signs.ellipsis), role))
    return lines


def _pieces(text: str, width: int) -> list[str]:
    """A long line cut between words into pieces of at most `width` characters."""
    return textwrap.wrap(text, width, replace_whitespace=False) or [""]


def _sounds_bad(text: str) -> bool:
    return text.startswith(("Traceback", "error", "Error")) or "Error:" in text
