"""A list whose rows are text as any other: selected by a drag of the mouse, and copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.strip import Strip
from textual.widgets import OptionList

if TYPE_CHECKING:
    from textual import events
    from textual.selection import Selection


class Rows(OptionList):
    """An `OptionList` of lines; the library's own has no text that could be selected."""

    ALLOW_SELECT: ClassVar[bool] = True

    def render_line(self, y: int) -> Strip:
        """One line, which knows where it stands in the text, its selected part marked."""
        strip, row = super().render_line(y), y + self.scroll_offset.y
        span = self.text_selection.get_span(row) if self.text_selection is not None else None
        if span is not None:
            start, end = span[0], span[1] if span[1] >= 0 else strip.cell_length
            marked = self.screen.get_component_rich_style("screen--selection")
            parts = (strip.crop(0, start), strip.crop(start, end).apply_style(marked))
            strip = Strip.join([*parts, strip.crop(end)])
        return strip.apply_offsets(0, row)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text; only the rows that it touches are drawn for it."""
        first = selection.start.y if selection.start is not None else 0
        last = selection.end.y if selection.end is not None else self.virtual_size.height
        text = "\n".join(
            super(Rows, self).render_line(row - self.scroll_offset.y).text.rstrip()
            if first <= row <= last
            else ""
            for row in range(self.virtual_size.height)
        )
        return selection.extract(text), "\n"

    async def on_click(self, event: events.Click) -> None:
        """The end of a drag is no click on a row."""
        if self.text_selection is not None:
            event.prevent_default()
