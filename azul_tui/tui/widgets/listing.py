"""A table of one line a row: titles that sort by a click, rows that are marked and chosen.

An `OptionList` of one `Content` a row: 1,500 runs take it 0.1 s, a `DataTable`, which measures
and renders every cell, 0.7 to 1 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import OptionList, Static

from azul_tui.tui.spans import STYLES, say
from azul_tui.tui.widgets.frame import link
from azul_tui.views.table import GAP, fitting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.selection import Selection

    from azul_tui.tui.app import AzulApp
    from azul_tui.views.table import Cell, Column


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


class RowList(Rows):
    """The rows. Enter and a double click do the `open` of the screen."""

    BINDINGS: ClassVar = [
        Binding("enter", "screen.open", "look at it"),
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.rows: dict[str, Content] = {}

    async def on_click(self, event: events.Click) -> None:
        """A double click opens the row that the first one chose."""
        if event.chain == 2 and event.y < len(self.rows):
            await self.run_action("screen.open")

    def fill(self, rows: dict[str, Content], chosen: str, *, top: bool) -> None:
        """Show these rows; the cursor goes to the chosen one, or stays on its own or where it was.

        At the top it stays at the `top` instead, while rows are still being read.
        Only rows that say something else are made anew, so that nothing scrolls by itself.
        """
        before, keys, at = self.rows, list(rows), self.highlighted or 0
        key = chosen if chosen in rows else list(before)[at] if before and (at or not top) else ""
        at = keys.index(key) if key in rows else min(at, len(keys) - 1)
        self.rows = rows
        if keys == list(before):
            for index, key in enumerate(keys):
                if rows[key] != before[key]:
                    self.replace_option_prompt_at_index(index, rows[key])
        else:
            with self.prevent(OptionList.OptionHighlighted):
                self.set_options(rows.values())
        self.highlighted = at if rows else None


class Titles(Static):
    """The titles of the columns; a click on one sorts."""

    def action_sort_by(self, key: str) -> None:
        """Sort by a column."""
        cast("Listing", self.parent).sort_by(key)


class Listing(Vertical):
    """Rows under titles that sort them; its screen has the action `open`."""

    def __init__(self, sort: str, *, id: str | None = None) -> None:
        """Sorted by that column at first, the largest on top."""
        super().__init__(id=id)
        self.sort, self.falls = sort, True
        self.columns: Sequence[Column] = ()
        self.items: dict[str, Any] = {}
        """What is shown, by key, in its order."""
        self.marked: list[str] = []
        """Keys of marked rows, in the order of their colours."""
        self.titles, self.rows = Titles("", classes="titles line", markup=False), RowList()

    def compose(self) -> ComposeResult:
        """Titles over rows."""
        yield self.titles
        yield self.rows

    @property
    def keys(self) -> list[str]:
        """What tells the rows apart, from top to bottom."""
        return list(self.items)

    @property
    def chosen(self) -> Any:
        """The item under the cursor; None where there is none."""
        at = self.rows.highlighted
        return None if at is None else self.items[self.keys[at]]

    def sort_by(self, key: str) -> None:
        """Sort by a column; by the present one the other way round."""
        falls = {column.key: column.falls for column in self.columns}
        self.falls = not self.falls if key == self.sort else falls[key]
        self.sort = key
        self.fill(self.columns, self.items)

    def sort_next(self, step: int) -> None:
        """Sort by the column so many further on, 0 by the same the other way round."""
        keys = [column.key for column in self.columns]
        at = keys.index(self.sort) if self.sort in keys else 0
        self.sort_by(keys[(at + step) % len(keys)])

    def fill(
        self, columns: Sequence[Column], items: Mapping[str, Any], chosen: str = "", *,
        top: bool = False,
    ) -> None:  # fmt: skip
        """Show these items instead of those before, sorted, in columns that fit.

        The cursor goes to the `chosen` row where there is one of that key; one that is at the `top`
        stays there, while rows are still being read.
        """
        self.columns = columns
        found = {key: [column.cell(item) for column in columns] for key, item in items.items()}
        keys = [column.key for column in columns]
        by = keys.index(self.sort) if self.sort in keys else 0
        order = [key for key, cells in found.items() if cells[by].rank is not None]
        order.sort(key=lambda key: found[key][by].rank, reverse=self.falls)
        order += [key for key, cells in found.items() if cells[by].rank is None]
        self.items = {key: items[key] for key in order}
        self._draw({key: found[key] for key in order}, chosen, top=top)

    def on_resize(self) -> None:
        """Columns fit the new width."""
        if self.columns:
            self.fill(self.columns, self.items)

    def _draw(self, rows: dict[str, list[Cell]], chosen: str, *, top: bool) -> None:
        columns, ascii_only = self.columns, cast("AzulApp", self.app).signs.ascii
        down, up, sign = ("v", "^", "*") if ascii_only else ("▾", "▴", "●")
        widths = [cell_len(c.title) + 1 for c in columns]
        for cells in rows.values():
            widths = [max(w, cell_len(c.text)) for w, c in zip(widths, cells, strict=True)]
        sizes = fitting(columns, widths, max(10, self.size.width - 6))
        head = Content("   ")
        for i, size in sizes.items():
            column, sorts = columns[i], columns[i].key == self.sort
            style = "bold $primary" if sorts else "bold $foreground 60%"
            title = column.title + (down if self.falls else up) * sorts
            title = _fitted(title, size, column.right)
            head += link(title, f"sort_by('{column.key}')", style) + Content(" " * GAP)
        say(self.titles, head, layout=False)
        said: dict[str, Content] = {}
        for key, cells in rows.items():
            mark = self.marked.index(key) if key in self.marked else -1
            parts = [(f" {sign} ", f"$series-{mark % 6}") if mark >= 0 else ("   ", "")]
            for i, size in sizes.items():
                text = _fitted(cells[i].text, size, columns[i].right)
                parts.append((text + " " * GAP, STYLES.get(cells[i].role, "")))
            said[key] = Content.assemble(*parts)
        self.rows.fill(said, chosen, top=top)


def _fitted(text: str, size: int, right: bool) -> str:
    """`text` in exactly `size` cells, the middle of a longer one left out."""
    gap = " " * (size - cell_len(text))
    if cell_len(text) > size:
        tail = text[len(text) - (size - 1) // 3 :] if size > 3 else ""
        text = set_cell_size(text, size - 1 - cell_len(tail)) + "…" + tail
    return gap + text if right else text + gap
