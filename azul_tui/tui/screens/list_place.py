"""What Runs and Checkpoints have in common: a table that is sorted, filtered, marked and kept true.

One worker reads the folder, in a thread, while the place is shown: at most 1% of its time.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from azul_tui.tui.messages import RowChosen
from azul_tui.tui.screens.place import Place
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.frame import TopBar
from azul_tui.tui.widgets.listing import Listing, RowList
from azul_tui.views.table import matching, sorted_by
from azul_tui.views.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer
    from textual.widget import Widget

    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.views.table import Column, Row
    from azul_tui.views.words import Spans

FIRST_S, NEXT_S = 0.06, 0.5
"""Seconds of reading until the first rows are shown, and until more are."""
LEAST_PAUSE_S, MOST_PAUSE_S = 2.0, 6.0
SHARE = 0.01
"""Of a core that looking at an unchanged folder may take, as long as the pauses allow it."""
AGES_S = 30.0
"""Seconds after which ages are said anew."""
TYPING_S = 0.12
REST_S = 0.12
"""Rest of the cursor after which the chosen row is looked at closely."""


class Index(Protocol):
    """What is known of a folder."""

    rows: Any
    total: int
    """Rows that there are, those included that were not read yet."""
    version: int


class ListPlace(Place):
    """A table over what is known of its rows."""

    NOUN = ""
    EMPTY = ""
    """One sentence, and the key that makes the first one."""
    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar = [
        Binding("escape", "clear", "clear the filter", show=False),
        Binding("s", "sort(1)", "sort by the next column", show=False),
        Binding("S", "reverse", "sort the other way", show=False),
        Binding("o", "opponent", "scores against another opponent", show=False),
        Binding("u", "unmark", "unmark all", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.index: Index
        self.items: dict[str, Any] = {}
        """What is shown, by key, in its order."""
        self.marked: list[str] = []
        self.sort, self.falls = "age", True
        self.opponent = ""
        """Whom the scores of the table are against."""
        self.filter = ""
        self._shown = asyncio.Event()
        self._wake = asyncio.Event()
        self._drawn: object = None
        self._timer: Timer | None = None
        self._read_once = self._settled = False

    # -- what a place says of its rows; an item has a `key`, `words` and `opponents`

    def make_index(self) -> Index:
        """What reads the folder."""
        raise NotImplementedError

    def read(self, now: float, seconds: float) -> bool:
        """Read what changed, for about so long, in a thread; whether all has been read."""
        raise NotImplementedError

    def columns(self) -> Sequence[Column]:
        """The columns at present."""
        raise NotImplementedError

    def rank_of(self, item: Any, column: str) -> Any:
        """What a column sorts by."""
        raise NotImplementedError

    def row_of(self, item: Any, columns: Sequence[Column], now: float) -> Row:
        """The cells of an item under these columns."""
        raise NotImplementedError

    def look(self) -> None:
        """Bring what lies beside the table up to date."""
        raise NotImplementedError

    def compose_rest(self) -> ComposeResult:
        """The table and what lies beside it."""
        raise NotImplementedError

    def version(self) -> object:
        """Another one whenever a row says something else."""
        return self.index.version

    def wished(self) -> bool:
        """Whether somebody wished to see a row; the cursor goes there."""
        return False

    def opponents(self) -> list[str]:
        """Whom scores are known against, the most frequent first, of those the one named last.

        A training names its opponents from the weakest to the strongest.
        """
        counted = Counter(name for item in self.index.rows for name in item.opponents)
        names = list(counted)[::-1]
        names.sort(key=lambda name: -counted[name])
        return names

    # -- showing

    def compose_body(self) -> ComposeResult:
        """A line with the count and the filter, the table, and the rest."""
        with Horizontal(id="list-head"):
            yield Static("", id="count", markup=False)
            yield Input(placeholder="filter: words of the name or the state", id="filter",
                        compact=True, classes="hidden")  # fmt: skip
        yield Static(f"reading the {self.NOUN}s", id="no-rows", classes="empty", markup=False)
        yield from self.compose_rest()

    def on_mount(self) -> None:
        """Begin to read."""
        self.index = self.make_index()
        self.run_worker(self._work, name="list")

    def on_screen_resume(self) -> None:
        """Look at once when the place comes up."""
        self._shown.set()
        self._wake.set()
        super().on_screen_resume()

    def on_screen_suspend(self) -> None:
        """Nothing is read that nobody sees."""
        self._shown.clear()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """The line of places follows the run; the table has its own pace."""
        if self.wished():
            self._drawn = None
            self.show()
        self.query_one(TopBar).show_run()

    async def _work(self) -> None:
        seconds = FIRST_S
        while True:
            await self._shown.wait()
            self._wake.clear()
            begun = time.perf_counter()
            done = await asyncio.to_thread(self.read, self.azul.clock(), seconds)
            seconds = NEXT_S
            spent = time.perf_counter() - begun
            self._read_once = self._read_once or done
            if not self.query(RowList):
                return  # the app is ending
            if self._shown.is_set():
                self.show()
                self.look()
            if done:
                pause_s = min(MOST_PAUSE_S, max(LEAST_PAUSE_S, spent / SHARE))
                try:
                    await asyncio.wait_for(self._wake.wait(), pause_s)
                except TimeoutError:
                    continue
            else:
                await asyncio.sleep(0.02)

    def read_soon(self) -> None:
        """The folder is another now: look without waiting."""
        self._wake.set()

    def show(self) -> None:
        """The table, where something in it changed."""
        self.wished()
        now = self.azul.clock()
        if self.opponent not in (known := self.opponents()):
            self.opponent = known[0] if known else ""
        key = (
            self.version(), now // AGES_S, self.filter, self.sort, self.falls, self.opponent,
            tuple(self.marked), self._read_once, self.chosen_first,
        )  # fmt: skip
        if key == self._drawn:
            return
        self._drawn = key
        everything = self.index.rows
        present = {item.key for item in everything}
        self.marked = [key for key in self.marked if key in present]
        found = [i for i in everything if not self.filter or matching(i.words, self.filter)]
        found = sorted_by(found, lambda item: self.rank_of(item, self.sort), falls=self.falls)
        self.items = {item.key: item for item in found}
        chosen = self.chosen_first if self.chosen_first in self.items else ""
        listing = self.query_one(Listing)
        if chosen:
            self.chosen_first = ""
        elif not self._settled and not listing.rows.highlighted:
            chosen = next(iter(self.items), "")  # rows come in parts: stay on top of them
        self._settled = self._read_once
        columns = self.columns()
        listing.fill(
            columns, [self.row_of(item, columns, now) for item in found],
            marked=self.marked, sort=self.sort, falls=self.falls, chosen=chosen,
        )  # fmt: skip
        self.set_class(not everything, "-no-rows")
        words = self.EMPTY if self._read_once else f"reading the {self.NOUN}s"
        empty = self.query_one("#no-rows", Static)
        if empty.content != words:
            empty.update(words)
        self._say_count(len(found))
        self.refresh_bindings()

    chosen_first = ""
    """The row that the cursor goes to as soon as it is there."""

    def _say_count(self, found: int) -> None:
        total = self.index.total
        some = f"{found:,} of " if self.filter else ""
        parts = [(f" {some}{plural(total, self.NOUN)}", "strong")]
        if not found and self.filter:
            parts.append(("   none matches; escape clears the filter", "warning"))
        elif len(self.index.rows) < total:
            parts.append(("   reading the others", "quiet"))
        if self.marked:
            parts.append((f"   {len(self.marked)} marked", "series.0"))
        line = content(tuple(parts))
        count = self.query_one("#count", Static)
        if count.content != line:
            count.update(line)

    def chosen(self) -> Any:
        """The item under the cursor; None where there is none."""
        return self.items.get(self.query_one(Listing).chosen) if self.is_mounted else None

    @on(RowChosen)
    def row_chosen(self) -> None:
        """Another row: looked at closely once the cursor rests."""
        self.refresh_bindings()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(REST_S, self.look)

    # -- filter, order, marks

    def action_filter(self) -> None:
        """Type what the rows are to hold."""
        line = self.query_one("#filter", Input)
        line.remove_class("hidden")
        line.focus()

    @on(Input.Changed, "#filter")
    def filter_typed(self, event: Input.Changed) -> None:
        """Narrow the table once the typing rests."""
        self.filter = event.value.strip()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(TYPING_S, self._narrow)

    def _narrow(self) -> None:
        self.show()
        self.look()

    @on(Input.Submitted, "#filter")
    def filter_entered(self) -> None:
        """Back to the rows that were found."""
        self.query_one("#filter").set_class(not self.filter, "hidden")
        self.query_one(RowList).focus()

    def action_clear(self) -> None:
        """All rows again."""
        line = self.query_one("#filter", Input)
        line.value = self.filter = ""
        line.add_class("hidden")
        self.query_one(RowList).focus()
        self._narrow()

    def action_sort_by(self, column: str) -> None:
        """Sort by a column; by the present one the other way round."""
        if column == self.sort:
            self.falls = not self.falls
        else:
            self.sort = column
            self.falls = next(c.falls for c in self.columns() if c.key == column)
        self.show()

    def action_sort(self, direction: int) -> None:
        """Sort by the next column."""
        keys = [column.key for column in self.columns()]
        at = keys.index(self.sort) if self.sort in keys else -1
        self.action_sort_by(keys[(at + direction) % len(keys)])

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self.action_sort_by(self.sort)

    def action_opponent(self) -> None:
        """Scores against the next opponent that some are known against."""
        known = self.opponents()
        if len(known) > 1:
            self.opponent = known[(known.index(self.opponent) + 1) % len(known)]
            self._narrow()
        else:
            self.notify("there are scores against no other opponent", markup=False)

    def action_unmark(self) -> None:
        """Mark nothing."""
        self.marked.clear()
        self._narrow()

    # -- what may fail

    def did(self, deed: Any) -> bool:
        """Do something to the disk, or say why not; whether it was done."""
        from azul_tui.errors import AzulError

        try:
            deed()
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False, timeout=8)
        except OSError as error:
            words = f"{error.filename}: {error.strerror}"
            self.notify(words, severity="error", markup=False, timeout=8)
        else:
            self.read_soon()
            return True
        return False

    def say_panel(self, panel: Widget, title: str, rows: list[Spans]) -> None:
        """Change what stands in a panel and its title, where they are other ones."""
        text = lines(rows)
        words = panel.query_one(Static)
        if words.content != text:
            words.update(text)
            panel.scroll_home(animate=False)
        styled = Content.styled(title, "bold")
        if panel.border_title != styled.markup:
            panel.border_title = styled
