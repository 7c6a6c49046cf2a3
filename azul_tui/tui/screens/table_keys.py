"""The keys of a table: a pointer, a filter, an order, marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from textual.binding import Binding

from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.messages import RunAdvanced

LIST_EVERY_S = 4.0
"""Seconds between two looks at the folder."""

R = TypeVar("R")


class TableKeysScreen(PictureScreen, Generic[R]):
    """A screen whose rows come from a folder. Subclasses say what a row is."""

    FILTER_TITLE: ClassVar[str] = ""
    FILTER_NOTE: ClassVar[str] = ""
    BINDINGS: ClassVar = [
        Binding("slash", "filter", "filter", show=False),
        Binding("s", "sort", "sort by the next column", show=False),
        Binding("S", "reverse", "reverse the order", show=False),
        Binding("u", "unmark", "unmark all", show=False),
        Binding("escape", "clear", "clear the filter", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
        Binding("home", "move(-100000)", "to the first", show=False),
        Binding("end", "move(100000)", "to the last", show=False),
    ]

    def __init__(self, sorted_by: int) -> None:
        """Begin with the largest in the column of that number."""
        super().__init__()
        self.chosen_key = ""
        self.first = 0
        self.marked: list[str] = []
        """Keys of rows."""
        self.filter = ""
        self.sorted_by = sorted_by
        self.descending = True
        self.listed_at = -1e9

    # -- what a subclass says

    def rows(self) -> Sequence[R]:
        """All rows, in any order."""
        raise NotImplementedError

    def read_rows(self, now: float) -> None:
        """Read the folder; `now` is the unix time."""
        raise NotImplementedError

    def key_of(self, row: R) -> str:
        """What a row keeps when the order changes."""
        raise NotImplementedError

    def words_of(self, row: R) -> str:
        """What the filter looks in."""
        raise NotImplementedError

    def rank_of(self, row: R) -> Any:
        """What the column in `sorted_by` sorts by."""
        raise NotImplementedError

    def shown_columns(self) -> Sequence[int]:
        """Numbers of the columns that are shown, ascending."""
        raise NotImplementedError

    def pointer_moved(self) -> None:
        """Another row is chosen."""

    # -- what is listed

    def shown(self) -> list[R]:
        """The rows that match the filter, in order."""
        words = self.filter.lower().split()
        found = [
            row for row in self.rows() if all(word in self.words_of(row).lower() for word in words)
        ]
        return sorted(found, key=self.rank_of, reverse=self.descending)

    def chosen_index(self, rows: Sequence[R]) -> int:
        """Where the pointer is; it stays with its row when the order changes."""
        for index, row in enumerate(rows):
            if self.key_of(row) == self.chosen_key:
                return index
        if rows:
            self.chosen_key = self.key_of(rows[0])
        return 0

    def chosen(self) -> R | None:
        """The row under the pointer."""
        rows = self.shown()
        return rows[self.chosen_index(rows)] if rows else None

    def list_again(self, *, force: bool = False) -> None:
        """Read the folder again when it is time."""
        now = self.azul.clock()
        if force or now - self.listed_at >= LIST_EVERY_S or now < self.listed_at:
            self.listed_at = now
            self.read_rows(now)

    def on_screen_resume(self) -> None:
        """Read the folder when the place is entered."""
        self.list_again(force=True)
        self.redraw()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """List again now and then."""
        self.list_again()
        self.redraw()

    # -- keys

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        rows = self.shown()
        if rows:
            index = min(max(self.chosen_index(rows) + step, 0), len(rows) - 1)
            self.chosen_key = self.key_of(rows[index])
            self.pointer_moved()
            self.redraw()

    def action_unmark(self) -> None:
        """Unmark all."""
        self.marked.clear()
        self.redraw()

    def action_sort(self) -> None:
        """Sort by the next column."""
        shown = self.shown_columns()
        later = [column for column in shown if column > self.sorted_by]
        self.sorted_by = later[0] if later else shown[0]
        self.redraw()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self.descending = not self.descending
        self.redraw()

    def action_clear(self) -> None:
        """Clear the filter."""
        self.filter = ""
        self.redraw()

    def action_filter(self) -> None:
        """Filter as one types."""
        from azul_tui.tui.screens.prompt import PromptScreen

        def typed(text: str) -> None:
            self.filter = text
            self.redraw()

        self.azul.push_screen(
            PromptScreen(self.FILTER_TITLE, self.FILTER_NOTE, self.filter, None, typed)
        )
