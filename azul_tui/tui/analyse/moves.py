"""The list of moves as the reader handles it: order, filter, pointer, and when it stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from azul_tui.tui.analyse.columns import columns, sorted_entries
from azul_tui.tui.analyse.entries import entries, matches
from azul_tui.tui.table import first_visible

if TYPE_CHECKING:
    from azul_tui.tui.analyse.columns import Column
    from azul_tui.tui.analyse.entries import Entry
    from azul_tui.tui.analyse.session import AnalyseSession

HOLD_S: Final = 4.0
"""Seconds after the reader's last step in the table in which its order stands still."""
NEVER: Final = -1e9


@dataclass(slots=True)
class MoveList:
    """Which moves of a session are shown, in which order, and where the pointer is."""

    session: AnalyseSession
    filter: str = ""
    sorted_by: str = "visits"
    descending: bool = True
    first: int = 0
    """The first row that is drawn."""
    moved_at: float = NEVER
    """When the reader last moved in the list."""
    order: list[str] = field(default_factory=list[str])
    """The moves as they stood when they were last sorted."""

    @property
    def is_compared(self) -> bool:
        """Whether two networks are asked."""
        return len(self.session.players) > 1

    def columns(self) -> list[Column]:
        """The columns of the table."""
        return columns(compared=self.is_compared)

    def sort_column(self) -> Column:
        """The column that it is sorted by; with one network it is called `Q`, with two `Q A`."""
        by = {column.key: column for column in self.columns()}
        alone = self.sorted_by.removesuffix(" A").removesuffix(" B")
        names = (self.sorted_by, f"{alone} A", alone, "visits", "visits A")
        return next(by[name] for name in names if name in by)

    def is_held(self, now: float) -> bool:
        """Whether the reader has just moved."""
        return 0 <= now - self.moved_at < HOLD_S

    def rows(self, now: float) -> list[Entry]:
        """The moves that match the filter, in order."""
        players = self.session.here.view.players
        found = [entry for entry in entries(self.session) if matches(entry, players, self.filter)]
        if self.is_held(now) and {entry.move for entry in found} <= set(self.order):
            place = {move: number for number, move in enumerate(self.order)}
            return sorted(found, key=lambda entry: place[entry.move])
        found = sorted_entries(found, self.sort_column(), descending=self.descending)
        self.order = [entry.move for entry in found]
        return found

    def chosen_index(self, rows: list[Entry]) -> int:
        """Where the pointer is: on the reader's move, otherwise on the first."""
        chosen = self.session.here.chosen
        return next((i for i, entry in enumerate(rows) if chosen in entry.twins), 0)

    def chosen(self, now: float) -> Entry | None:
        """The move under the pointer."""
        rows = self.rows(now)
        return rows[self.chosen_index(rows)] if rows else None

    def choose(self, entry: Entry, now: float) -> None:
        """Put the pointer on a move."""
        self.session.here.chosen = entry.move
        self.moved_at = now

    def move(self, step: int, now: float) -> None:
        """Move the pointer."""
        rows = self.rows(now)
        if rows:
            index = min(max(self.chosen_index(rows) + step, 0), len(rows) - 1)
            self.choose(rows[index], now)

    def sort_by(self, key: str) -> None:
        """Sort by a column, moves from the first, numbers from the largest; again: reversed."""
        if key == self.sort_column().key:
            self.descending = not self.descending
        else:
            self.descending = key != "move"
        self.sorted_by = key
        self.moved_at = NEVER

    def sort_by_next(self, step: int, shown: list[str]) -> None:
        """Sort by the next of the columns that are shown."""
        here = self.sort_column().key
        at = shown.index(here) if here in shown else -1
        self.sort_by(shown[(at + step) % len(shown)])

    def reverse(self) -> None:
        """The other way round."""
        self.descending = not self.descending
        self.moved_at = NEVER

    def scroll(self, chosen: int, count: int, room: int) -> int:
        """First row to draw when `room` of `count` rows fit, so that the chosen one is seen."""
        self.first = first_visible(chosen, count, max(1, room), self.first)
        return self.first

    def begin(self) -> None:
        """Another position: the list begins at its top, with all moves."""
        self.filter, self.first, self.moved_at, self.order = "", 0, NEVER, []

    def clear(self) -> None:
        """All moves again, the pointer on the best."""
        self.filter, self.moved_at = "", NEVER
        self.session.here.chosen = ""
