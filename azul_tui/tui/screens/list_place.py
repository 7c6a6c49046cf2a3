"""What Runs and Checkpoints have in common: a table that is sorted, filtered, marked and kept true.

One worker reads the folder, in a thread, while the place is shown: at most 1% of its time.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, OptionList, Static

from azul_tui.errors import AzulError
from azul_tui.tui.modals import Choose
from azul_tui.tui.screens.place import Place
from azul_tui.tui.spans import content, entitle, lines, say
from azul_tui.tui.widgets.frame import Panel
from azul_tui.tui.widgets.listing import Listing
from azul_tui.views import resuming
from azul_tui.views.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.views.words import Spans

FIRST_S, NEXT_S = 0.06, 0.5
"""Seconds of reading until the first rows are shown, and until more are."""
AGES_S = 30.0
"""Seconds after which ages are said anew."""
REST_S = 0.12
"""Rest of the keys after which the filter is heeded and the chosen row looked at closely."""
OF_A_RUN = frozenset({"open", "resume", "resume_new", "delete"})


class ListPlace(Place):
    """A table over what is known of its rows."""

    NOUN = ""
    EMPTY = ""
    """One sentence, and the key that makes the first one."""
    INDEX: type
    MOST_MARKED = 2
    ON_A_ROW: ClassVar = {"open", "mark", "resume", "resume_new"}
    """Actions that need a row."""
    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar = [
        Binding("escape", "clear", "clear the filter", show=False),
        Binding("s", "sort(1)", "sort by the next column", show=False),
        Binding("S", "sort(0)", "sort the other way", show=False),
        Binding("o", "opponent", "scores against another opponent", show=False),
        Binding("u", "unmark", "unmark all", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listing = Listing("age", id="rows")
        self.index: Any
        """What reads the folder: a `RunIndex` or a `CheckpointIndex`."""
        self.opponent = ""
        """Whom the scores of the table are against."""
        self.wanted = ""
        """The row that the cursor goes to as soon as it is there."""
        self._wake = asyncio.Event()
        self._drawn: object = None
        self._timer: Timer | None = None
        self._complete = self._all_shown = False

    # -- showing

    def compose_body(self) -> ComposeResult:
        """A line with the count and the filter, and the table; what lies under it is `#chosen`."""
        with Horizontal(id="list-head"):
            yield Static("", id="count", markup=False)
            yield Input(placeholder="/ filter", id="filter", compact=True)
        yield Static(f"reading the {self.NOUN}s", id="no-rows", classes="empty", markup=False)
        yield self.listing

    def on_mount(self) -> None:
        """Begin to read."""
        self.index = self.INDEX(self.azul.runs_root, self.azul.clock)
        self.run_worker(self._work, name="list")

    def on_screen_resume(self) -> None:
        """Look at once when the place comes up."""
        super().on_screen_resume()
        self._wake.set()

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            begun, pause_s = time.perf_counter(), 0.02
            budget_s = NEXT_S if self.listing.items else FIRST_S
            if await asyncio.to_thread(self.index.refresh, budget_s):
                self._complete = True
                pause_s = min(6.0, max(2.0, (time.perf_counter() - begun) * 100))
            if not self.query(Listing):
                return  # the app is ending
            if self.is_current:
                self.show_all()
            with suppress(TimeoutError):  # nothing is read that nobody sees
                await asyncio.wait_for(self._wake.wait(), pause_s if self.is_current else None)

    def on_resize(self) -> None:
        """Everything fits its new place."""
        self.call_after_refresh(self.show_all)

    def show_all(self) -> None:
        """The table, and what lies under it."""
        self.show()
        self.call_after_refresh(self.look)

    @on(Panel.Laid)
    def _look_again(self) -> None:
        if self.is_current:
            self.look()

    def look(self) -> None:
        """Bring what lies under the table up to date."""
        raise NotImplementedError

    @on(OptionList.OptionHighlighted)
    @on(Input.Changed, "#filter")
    def _rest(self) -> None:
        self.refresh_bindings()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(REST_S, self.show_all)

    def show(self) -> None:
        """The table, where something in it changed."""
        listing, index = self.listing, self.index
        wanted = self.query_one("#filter", Input).value.lower().split()
        known = self.opponents()
        if self.opponent not in known:
            self.opponent = known[0] if known else ""
        drawn = (
            index.version, self.azul.clock() // AGES_S, wanted, self.opponent,
            list(listing.marked), self._complete, self.wanted,
        )  # fmt: skip
        if drawn == self._drawn:
            return
        self._drawn = drawn
        everything = {item.key: item for item in index.rows}
        listing.marked = [key for key in listing.marked if key in everything]
        found = {
            key: item
            for key, item in everything.items()
            if all(word in f"{item.name} {item.state}".lower() for word in wanted)
        }
        columns = index.columns(self.opponent, self.azul.signs)
        listing.fill(columns, found, self.wanted, top=not self._all_shown)
        self._all_shown = self._complete
        if self.wanted in found:
            self.wanted = ""
        listing.styles.max_height = max(7, len(everything) + 1)  # the rest is for the panels
        self.set_class(not everything, "-no-rows")
        if self._complete:
            self.query_one("#no-rows", Static).update(self.EMPTY)
        some = f"{len(found):,} of " if wanted else ""
        said = [(f" {some}{plural(index.total, self.NOUN)}", "strong")]
        if wanted and not found:
            said.append(("   none matches; escape clears the filter", "warning"))
        elif len(everything) < index.total:
            said.append(("   reading the others", "quiet"))
        if listing.marked:
            said.append((f"   {len(listing.marked)} marked", "series.0"))
        self.query_one("#count", Static).update(content(tuple(said)))
        self.refresh_bindings()

    def facts(self, item: Any, more: dict[str, str]) -> dict[str, str]:
        """More, and what the columns say that may not fit."""
        columns = [each for each in self.listing.columns if each.gives_way and each.key != "score"]
        said = more | {c.title: c.cell(item).text for c in columns if c.title not in more}
        return {name: text for name, text in said.items() if text.strip("–")}

    def say(self, panel: str, title: str, rows: list[Spans]) -> None:
        """Change what stands in a panel and its title, where they are other ones."""
        box = self.query_one(panel)
        say(box.query_one(Static), lines(rows))
        if entitle(box, title):
            box.scroll_home(animate=False)

    def room(self, panel: str) -> int:
        """Cells of a line in a panel."""
        return self.query_one(panel, Panel).room

    # -- filter, order, marks

    def action_filter(self) -> None:
        """Type what the rows are to hold."""
        self.set_focus(self.query_one("#filter"))  # at once: the next key is typed there

    @on(Input.Submitted, "#filter")
    def _filtered(self) -> None:
        self.listing.rows.focus()

    def action_clear(self) -> None:
        """All rows again."""
        self.query_one("#filter", Input).value = ""
        self.listing.rows.focus()

    def action_sort(self, step: int) -> None:
        """Sort by the next column, or by the same one the other way round."""
        self.listing.sort_next(step)

    def opponents(self) -> list[str]:
        """Whom scores are known against, the most frequent first, of those the one named last.

        A training names its opponents from the weakest to the strongest.
        """
        counted = Counter(name for item in self.index.rows for name in item.results)
        named = [*counted][::-1]
        return sorted(named, key=lambda name: -counted[name])

    def action_opponent(self) -> None:
        """Scores against the next opponent that some are known against."""
        known = self.opponents()
        if len(known) < 2:
            self.notify("there are scores against no other opponent")
            return
        self.opponent = known[(known.index(self.opponent) + 1) % len(known)]
        self.show_all()

    def action_mark(self) -> None:
        """Mark the chosen row, or unmark it, and go on to the next; the oldest mark makes room."""
        listing, key = self.listing, self.listing.chosen.key
        if key in listing.marked:
            listing.marked.remove(key)
        else:
            listing.marked = [*listing.marked, key][-self.MOST_MARKED :]
        if key != listing.keys[-1]:
            self.listing.rows.action_cursor_down()
        self.show_all()

    def action_unmark(self) -> None:
        """Mark nothing."""
        self.listing.marked = []
        self.show_all()

    # -- what is done with the chosen one

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be done without a row, nor to the run of what came with the program."""
        if action in self.ON_A_ROW:
            item = self.listing.chosen
            return item is not None and not (item.shipped and action in OF_A_RUN)
        return super().check_action(action, parameters)

    def action_open(self) -> None:
        """Look at the run."""
        self.azul.open_run(self.listing.chosen.paths)

    def action_resume(self) -> None:
        """Go on with the run, from the chosen checkpoint or its newest, after asking.

        What cannot be resumed says so, and what has finished asks how far.
        """
        item, now = self.listing.chosen, self.azul.clock()
        newest = resuming.newest_iteration(item.paths)
        at = newest if item.file is None else item.iteration

        def resume() -> None:
            self.azul.resume(item.paths, item.file, at)

        reason = resuming.why_not(item.paths, now)
        finished = at >= newest and resuming.further_limit(item.paths, at, now) is not None
        if finished or (reason and not reason.endswith(resuming.ENDING)):
            resume()
            return
        begins = f"from the checkpoint of iteration {at:,}" if at else "from its beginning"
        most = resuming.config_of(item.paths).max_iterations
        detail = f"It goes on {begins}, to {most:,} iterations, with the settings that it had."
        deeds = {"y": ("resume it", resume)}
        if at < newest:
            detail = (
                f"It goes back there: what came after it, up to iteration {newest:,}, is given up. "
                "A new run keeps both."
            )
            new = self.action_resume_new
            deeds = {"y": ("go back", resume), "R": ("begin a new run from it", new)}
        self.ask(f"Resume {item.name}?", detail, deeds, "back")

    def action_resume_new(self) -> None:
        """Start a new run from a checkpoint, in the menu: under a name, with settings."""
        self.azul.go_with("menu", self.listing.chosen)

    def ask(
        self, question: str, detail: str, deeds: dict[str, tuple[str, Callable[[], Any]]], no: str
    ) -> None:
        """Ask; the letters of `deeds` do theirs, `n` nothing."""
        answers = [*((letter, words) for letter, (words, _) in deeds.items()), ("n", no)]

        def answered(letter: str | None) -> None:
            if letter in deeds:
                self.did(deeds[letter][1])

        self.azul.push_screen(Choose(question, detail, answers, "n"), answered)

    def did(self, deed: Callable[[], Any]) -> bool:
        """Do something to the disk, or say why not; whether it was done."""
        try:
            deed()
        except (AzulError, OSError) as error:
            disk = isinstance(error, OSError)
            words = f"{error.filename}: {error.strerror}" if disk else str(error)
            self.notify(words, severity="error")
            return False
        self._wake.set()
        return True
