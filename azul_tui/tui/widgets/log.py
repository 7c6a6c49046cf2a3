"""A log that grows: wrapped, scrolled by wheel and keys, selected and copied by the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.highlighter import RegexHighlighter
from textual.widgets import Log

from azul_tui.runs.text import plain_text
from azul_tui.views.words import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text
    from textual import events

MOST_LINES = 5000
LONGEST_LINE = 2000


class _Errors(RegexHighlighter):
    """Lines that tell of an error."""

    def highlight(self, text: Text) -> None:
        """Colour the whole line."""
        text.highlight_regex(r"^(Traceback|[Ee]rror).*|.*Error:.*", "red")


class GrowingLog(Log):
    """The lines of a growing text; stays at the end unless somebody has scrolled back."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(highlight=True, max_lines=MOST_LINES, id=id, classes=classes)
        self.highlighter = _Errors()
        self._shown: tuple[Sequence[str], int, object] = ((), 0, None)
        self._wrapped_at = 0

    def show_lines(self, texts: Sequence[str], total: int, source: object = None) -> None:
        """Show `texts`, the last of `total` lines that `source` has had so far."""
        width: int = self.scrollable_content_region.width
        _, shown, before = self._shown
        same, fresh = source == before and width == self._wrapped_at, total - shown
        if same and fresh == 0:
            return
        stays = source == before and not self.is_vertical_scroll_end
        self._shown, self._wrapped_at = (texts, total, source), width
        anew = not (same and 0 < fresh <= len(texts))
        if anew:
            self.clear()
        self.write_lines(
            row
            for text in (texts if anew else texts[len(texts) - fresh :])
            for row in wrapped(plain_text(text, LONGEST_LINE), max(8, width))
        )
        if anew and not stays:
            self.call_after_refresh(self.scroll_end, animate=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap anew."""
        self.show_lines(*self._shown)
