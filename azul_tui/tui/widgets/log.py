"""A log that grows: wrapped, scrolled by wheel and keys, selected and copied by the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.highlighter import Highlighter
from textual.widgets import Log

from azul_tui.runs.text import plain_text
from azul_tui.views.words import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text
    from textual import events

MOST_LINES = 5000
LONGEST_LINE = 2000


class _Bad(Highlighter):
    """Lines that tell of an error."""

    def highlight(self, text: Text) -> None:
        """Colour the whole line."""
        words = text.plain
        if words.startswith(("Traceback", "error", "Error")) or "Error:" in words:
            text.stylize("red")


class GrowingLog(Log):
    """The lines of a growing text; stays at the end unless somebody has scrolled back."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(highlight=True, max_lines=MOST_LINES, id=id, classes=classes)
        self.highlighter = _Bad()
        self._texts: Sequence[str] = ()
        self._source: object = None
        self._total = 0
        self._wrapped_at: int = 0

    def show_lines(self, texts: Sequence[str], total: int, source: object = None) -> None:
        """Show `texts`, the last of `total` lines that `source` has had so far."""
        width: int = self.scrollable_content_region.width
        fresh = total - self._total
        same = source == self._source and width == self._wrapped_at
        if same and fresh == 0:
            return
        stays = source == self._source and not self.is_vertical_scroll_end
        self._texts, self._total, self._source, self._wrapped_at = texts, total, source, width
        if not (same and 0 < fresh <= len(texts)):
            self.clear()
            fresh = len(texts)
        rows: list[str] = []
        for text in texts[len(texts) - fresh :]:
            rows.extend(wrapped(plain_text(text, LONGEST_LINE), max(8, width)))
        self.write_lines(rows)
        if fresh == len(texts) and not stays:
            self.call_after_refresh(self.scroll_end, animate=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap anew."""
        self.show_lines(self._texts, self._total, self._source)
