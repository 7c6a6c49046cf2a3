"""A table of one line a row: titles that sort by a click, rows that are marked and chosen.

Textual's DataTable measures and renders every cell: 1,500 runs took it 0.7 to 1 s, an OptionList
of one `Content` a row 0.1 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.tui.messages import RowChosen, RowOpened
from azul_tui.tui.spans import STYLES
from azul_tui.tui.widgets.frame import link
from azul_tui.tui.widgets.rows import Rows
from azul_tui.views.table import GAP, fitting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult

    from azul_tui.tui.app import AzulApp
    from azul_tui.views.table import Column, Row


class RowList(Rows):
    """The rows; a click chooses one, a double click or enter opens it."""

    BINDINGS: ClassVar = [
        Binding("enter", "select", "look at it"),
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]
    clicks = 0
    """Clicks in a row of the mouse's last one; 0 for a key."""

    async def on_click(self, event: events.Click) -> None:
        """Remember whether it was a double click before the list tells of it."""
        self.clicks = event.chain


class Listing(Vertical):
    """Rows under titles. Posts `RowChosen` and `RowOpened`; its screen has `action_sort_by`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns: Sequence[Column] = ()
        self.keys: list[str] = []
        self._wanted: dict[str, Row] = {}
        self._marked: Sequence[str] = ()
        self._sort = ("", True)
        self._sizes: dict[int, int] = {}
        self._made: dict[str, tuple[object, Option]] = {}

    def compose(self) -> ComposeResult:
        """Titles over rows."""
        yield Static("", classes="titles line", markup=False)
        yield RowList(markup=False)

    @property
    def rows(self) -> RowList:
        """The list itself."""
        return self.query_one(RowList)

    @property
    def chosen(self) -> str:
        """The key of the row under the cursor; empty where there is none."""
        at = self.rows.highlighted
        return self.keys[at] if at is not None and at < len(self.keys) else ""

    def fill(
        self, columns: Sequence[Column], rows: Sequence[Row], *,
        marked: Sequence[str], sort: str, falls: bool, chosen: str = "",
    ) -> None:  # fmt: skip
        """Show these rows instead of those before; the cursor stays on its row.

        Args:
            columns: What the cells are.
            rows: In the order in which they are shown.
            marked: Keys of marked rows, in the order of their colours.
            sort: The column that they are sorted by.
            falls: Whether the largest is on top.
            chosen: The row that the cursor goes to; empty leaves it where it is.
        """
        self.columns, self._marked, self._sort = columns, marked, (sort, falls)
        self._wanted = {row.key: row for row in rows}
        before = chosen or self.chosen
        self._lay_out()
        prompts = [self._option(row) for row in self._wanted.values()]
        listing = self.rows
        keys = list(self._wanted)
        if keys == self.keys:
            # The options that are shown already are the same objects wherever nothing changed.
            changed = [i for i, option in enumerate(prompts) if option is not listing.options[i]]
            if len(changed) <= 3:
                for index in changed:
                    listing.replace_option_prompt_at_index(index, prompts[index].prompt)
                    key = keys[index]
                    self._made[key] = (self._made[key][0], listing.options[index])
                if chosen and chosen != self.chosen:
                    listing.highlighted = keys.index(chosen)
                return
        top = listing.scroll_offset.y
        follow = bool(chosen) or keys != self.keys
        at = keys.index(before) if before in self._wanted else 0
        if before not in self._wanted and listing.highlighted is not None:
            at = min(listing.highlighted, max(0, len(keys) - 1))  # the next one, where it was
        self.keys = keys
        with listing.prevent(OptionList.OptionHighlighted):
            listing.clear_options()
            listing.add_options(prompts)
        listing.highlighted = at if keys else None
        if not follow:
            listing.scroll_to(y=top, animate=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Columns fit the new width."""
        rows = list(self._wanted.values())
        if self.columns:
            sort, falls = self._sort
            self.fill(self.columns, rows, marked=self._marked, sort=sort, falls=falls)

    def _lay_out(self) -> None:
        """Widths of the columns, and their titles."""
        ascii_only = cast("AzulApp", self.app).signs.ascii
        down, up = ("v", "^") if ascii_only else ("▾", "▴")
        sort, falls = self._sort
        titles = [
            f"{c.title}{(down if falls else up) if c.key == sort else ''}" for c in self.columns
        ]
        widths = [
            cell_len(title) + (c.key != sort) for title, c in zip(titles, self.columns, strict=True)
        ]
        for row in self._wanted.values():
            for i, (text, _) in enumerate(row.cells):
                if len(text) > widths[i] or not text.isascii():
                    widths[i] = max(widths[i], cell_len(text))
        room = max(10, self.size.width - 5)  # beside the marks and the scrollbar
        self._sizes = fitting(self.columns, widths, room)
        parts = [Content("   ")]
        for i, size in self._sizes.items():
            column = self.columns[i]
            style = "bold $primary" if column.key == sort else "bold $foreground 60%"
            title = link(titles[i], f"screen.sort_by('{column.key}')", style)
            gap = Content(" " * max(0, size - cell_len(titles[i])))
            parts += [gap + title if column.right else title + gap, Content(" " * GAP)]
        line = Content("").join(parts)
        head = self.query_one(".titles", Static)
        if head.content != line:
            head.update(line, layout=False)

    def _option(self, row: Row) -> Option:
        """The row as an option, the one that was made before where it says the same."""
        mark = self._marked.index(row.key) if row.key in self._marked else -1
        says = (row.cells, mark, tuple(self._sizes.items()))
        made = self._made.get(row.key)
        if made is not None and made[0] == says:
            return made[1]
        sign = "*" if cast("AzulApp", self.app).signs.ascii else "●"
        pieces = [(f" {sign if mark >= 0 else ' '}", f"$series-{mark % 6}" if mark >= 0 else "")]
        for i, size in self._sizes.items():
            text, role = row.cells[i]
            gap = " " * (GAP if len(pieces) > 1 else 1)
            shown = gap + _fitted(text, size, right=self.columns[i].right)
            pieces.append((shown, STYLES.get(role, "")))
        option = Option(Content.assemble(*pieces))
        self._made[row.key] = (says, option)
        if len(self._made) > 2 * len(self._wanted) + 100:
            self._made = {key: self._made[key] for key in self._wanted if key in self._made}
        return option

    @on(OptionList.OptionHighlighted)
    def tell_chosen(self, event: OptionList.OptionHighlighted) -> None:
        """The cursor is on another row."""
        event.stop()
        self.post_message(RowChosen(self.chosen))

    @on(OptionList.OptionSelected)
    def tell_opened(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click: only the second of a double click opens."""
        event.stop()
        listing = self.rows
        clicks, listing.clicks = listing.clicks, 0
        if clicks != 1:
            self.post_message(RowOpened(self.chosen))


def _fitted(text: str, size: int, *, right: bool) -> str:
    """`text` in exactly `size` cells, the middle of a longer one left out."""
    length = cell_len(text)
    if length > size:
        if size < 5:
            return set_cell_size(text, size)
        end = (size - 1) // 3
        tail = text[-end:]
        while cell_len(tail) > end:
            tail = tail[1:]
        head = set_cell_size(text, size - 1 - end).rstrip("\0")
        return head + "…" + " " * (end - cell_len(tail)) + tail
    gap = " " * (size - length)
    return gap + text if right else text + gap
