"""Evaluate: choose two sides, watch the score with its interval, look at earlier results.

The wish that it takes is a checkpoint file as A, or two of them as A and B. The form says what
the next match will be; what is shown beside it is told from the records of that match alone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import ScreenResume
from textual.widgets import Button, Input, OptionList, Static

from azul_tui.jobs.registry import find_job
from azul_tui.tui.messages import FormChanged, JobChanged
from azul_tui.tui.screens.place import Place
from azul_tui.tui.spans import entitle, lines, say
from azul_tui.tui.widgets.form import SettingsForm
from azul_tui.tui.widgets.frame import Panel
from azul_tui.tui.widgets.listing import Listing
from azul_tui.views import match as matches
from azul_tui.views import words
from azul_tui.views.play_settings import short_name

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult

    from azul_tui.config import SettingSpec, SettingValue
    from azul_tui.tui.jobs import StartedJob
    from azul_tui.views.match import Match

AGES_S = 30.0
"""Seconds after which ages are said anew."""


def match_settings() -> list[SettingSpec]:
    """What the form of a match asks for; see `match_job`."""
    job = {spec.name: spec for spec in find_job("evaluate").settings}
    b = replace(job["opponent"], name="B", help="Its opponent, of the same kinds.")
    who = "A checkpoint, a run (its best weights) or a scripted player"
    return [
        replace(b, name="A", default="", help=f"{who}; empty is {matches.NEWEST}."),
        b,
        job["games"],
        job["simulations"],
        replace(
            job["games"], name="seats", default=2, minimum=2, maximum=4,
            help="At the table of a scripted A; a checkpoint has its own number.",
        ),
        job["seed"],
        job["device"],
    ]  # fmt: skip


class EvaluateScreen(Place):
    """A match of two players, and the matches before it."""

    AUTO_FOCUS = "#start"
    BINDINGS: ClassVar = [
        Binding("g", "start", "start"),
        Binding("x", "cancel", "cancel the match"),
        Binding("w", "swap", "swap sides"),
        Binding("a", "pick(0)", "choose A"),
        Binding("b", "pick(1)", "choose B"),
        Binding("escape", "leave_field", "leave the field", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listing = Listing("age", id="earlier-list")
        self.matches: dict[str, Match] = {}
        """All that are listed, by key."""
        self.found: list[Match] | None = None
        """Those of the folder, as they were read last; None before."""
        self.cancelling = ""
        """Key of the match that was asked to end."""
        self._news = asyncio.Event()
        self._drawn: object = None

    def compose_body(self) -> ComposeResult:
        """The form left, the match and those before it right."""
        with Horizontal(id="evaluate"):
            with Vertical(id="next", classes="panel") as form:
                form.border_title = Content.styled("next match", "bold")
                yield SettingsForm(id="sides")
                yield Static("", id="plan", markup=False)
                with Horizontal(id="match-buttons"):
                    yield Button("Start", id="start", variant="primary", compact=True)
                    yield Button("Swap sides", id="swap", compact=True)
                    yield Button("Cancel", id="cancel", compact=True)
            with Vertical(id="played"):
                with Panel(id="match", classes="panel"):
                    yield Static("", id="match-lines", markup=False)
                with Vertical(id="earlier", classes="panel") as earlier:
                    earlier.border_title = Content.styled("matches", "bold")
                    yield self.listing

    async def on_mount(self) -> None:
        """The form with its defaults, and the matches."""
        await self.fill_form({})
        self.run_worker(self._read(), group="matches")

    # -- showing

    @on(ScreenResume)
    @on(JobChanged)
    def _look_again(self) -> None:
        self._news.set()

    async def _read(self) -> None:
        """Read the folder when there are news, and every second while a match is watched."""
        while True:
            self._news.clear()
            asked = {name: matches.asked(job.overrides) for name, job in self.azul.jobs.all.items()}
            root, now = self.azul.runs_root, self.azul.clock()
            self.found = await asyncio.to_thread(matches.read_matches, root, now, asked)
            self._drawn = None
            self._draw()
            watched = self.is_current and self.playing()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.azul.refresh_s if watched else None):
                    await self._news.wait()

    def show(self) -> None:
        """Take over what somebody wished to evaluate, and bring the words up to date."""
        wished = self.azul.wish("evaluate")
        if wished is not None:
            files = cast("tuple[Path, ...]", wished if isinstance(wished, tuple) else (wished,))
            sides = dict(zip(("A", "B"), map(self._name_of, files), strict=False))
            self.run_worker(self.fill_form({**self._values(), **sides}), group="form")
        self._draw()

    @property
    def job(self) -> StartedJob | None:
        """The job of the shown match, where this dashboard watches over it."""
        match: Match | None = self.listing.chosen
        return self.azul.jobs.all.get(match.key) if match is not None else None

    def playing(self) -> str:
        """The key of the match that is being played, wherever it was started; empty for none."""
        own = [(name, job.running) for name, job in self.azul.jobs.all.items()
               if name not in self.matches and matches.asked(job.overrides)]  # fmt: skip
        known = [(match.key, match.running) for match in self.matches.values()]
        return next((key for key, running in own + known if running), "")

    def _draw(self) -> None:
        if self.found is None or not self.is_current or not self.query(Listing):
            return  # nothing was read yet, nobody looks, or the app is ending
        feed, now, listing = self.azul.feed, self.azul.clock(), self.listing
        trained = (feed.name, len(feed.data.evaluations), len(feed.data.others)) if feed else None
        key = (trained, now // AGES_S)
        if key != self._drawn:
            self._drawn = key
            found = [*self.found, *(matches.of_training(feed.name, feed.data) if feed else ())]
            own = (m.key for m in self.found if m.key in self.azul.jobs.all)
            new = next((key for key in own if key not in self.matches), "")
            self.matches = {match.key: match for match in found}
            listing.fill(matches.columns(now), self.matches, new)
        playing = self.playing()
        if bool(playing) is not self.has_class("-playing"):
            self.set_class(bool(playing), "-playing")
            self.refresh_bindings()
        self._show_match()

    @on(Panel.Laid)
    @on(OptionList.OptionHighlighted)
    def _show_match(self) -> None:
        match, panel = self.listing.chosen, self.query_one(Panel)
        text = Content("No match was played here yet. g starts the one on the form.")
        title = "result"
        if match is not None:
            title = words.shortened(match.title, max(20, panel.room - 4))
            text = lines(matches.lines_of(
                match, panel.room, self.azul.clock(), self.azul.signs,
                cancelling=match.key == self.cancelling, compact=panel.laid.height < 12,
            ))  # fmt: skip
        say(self.query_one("#match-lines", Static), text)
        entitle(panel, title)

    def action_open(self) -> None:
        """Let the keys scroll the chosen match."""
        self.query_one("#match").focus()

    # -- the form

    async def fill_form(self, changes: dict[str, SettingValue]) -> None:
        """The form, with these values instead of the defaults."""
        from azul_tui.tui.screens.menu import pickers

        def players() -> list[tuple[str, str]]:
            found = pickers(self.azul.runs_root)["opponent"]()
            shipped = ("pretrained", "pretrained: the player that came with the program")
            return [*((self._name_of(key), said) for key, said in found), shipped]

        form = self.query_one(SettingsForm)
        await form.show(
            match_settings(), {}, first=("A", "B", "games", "simulations"), changes=changes,
            pickers={"A": lambda: [("", matches.NEWEST), *players()], "B": players},
        )  # fmt: skip
        form.query(Input).first().placeholder = matches.NEWEST
        self._say_plan()

    def _name_of(self, file: Path | str) -> str:
        """A checkpoint as the form has it: from the folder of runs where it lies in there."""
        return str(file).removeprefix(f"{self.azul.runs_root}/")

    def _values(self) -> dict[str, SettingValue]:
        form = self.query_one(SettingsForm)
        return form.base | form.changes()

    @on(FormChanged)
    def _say_plan(self) -> None:
        sides = (short_name(str(self._values()[side])) for side in ("A", "B"))
        a, b = (words.shortened(side or matches.NEWEST, 30) for side in sides)
        plan = Content.styled(f"{a}\nagainst {b}", "$foreground 60%")
        self.query_one("#plan", Static).update(plan)

    @on(Button.Pressed, "#swap")
    async def action_swap(self) -> None:
        """A becomes B."""
        values = self._values()
        if values["A"]:
            await self.fill_form({**values, "A": values["B"], "B": values["A"]})
        else:
            self.notify("choose A first: an empty side cannot be B")

    def action_pick(self, side: int) -> None:
        """Choose a side, A or B, from what there is."""
        list(self.query(".pick").results(Button))[side].press()

    def action_leave_field(self) -> None:
        """From a field back to the keys."""
        (self.listing.rows if self.playing() else self.query_one("#start")).focus()

    # -- starting and ending

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start while nothing is played, cancel while something is."""
        if action in {"start", "cancel"}:
            return self.has_class("-playing") is (action == "cancel")
        return super().check_action(action, parameters)

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """Start the match of the form, unless one is being played."""
        problem = self.query_one(SettingsForm).problem()
        if problem:
            self.notify(problem, severity="error")
        elif not self.playing():
            name, overrides = matches.match_job(self._values())
            self.azul.jobs.start(find_job(name), overrides)
            self._draw()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """End the match that is played; the games that have ended are its result.

        Asked again it ends at once, which compiling code can keep it from.
        """
        key, jobs = self.playing(), self.azul.jobs
        if key not in jobs.all:
            jobs.find_again()  # another dashboard, still open, started it
        if (job := jobs.all.get(key)) is not None and job.running:
            jobs.cancel(job)
            self.cancelling = key
            self._draw()
