"""Evaluate: choose two sides, watch the score with its interval, look at earlier results.

The wish that it takes is a checkpoint file as A, or two of them as A and B. The form says what
the next match will be; what is shown beside it is told from the records of that match alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.config import SettingSpec
from azul_tui.jobs.registry import find_job
from azul_tui.tui.messages import FormChanged, MatchesListed, PanelResized
from azul_tui.tui.screens.place import Place
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.form import Setting, SettingsForm
from azul_tui.tui.widgets.rows import Rows
from azul_tui.views import match as matches
from azul_tui.views import words

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.config import SettingValue
    from azul_tui.tui.jobs import StartedJob
    from azul_tui.tui.messages import JobEnded, JobStarted, RunSwitched
    from azul_tui.views.match import Match

FIRST = ("A", "B", "games", "simulations")
LOOK_S = 1.0
"""Seconds between two looks at a match that is being played."""
NONE_YET = "No match was played here yet. g starts the one on the form."


def match_settings() -> tuple[SettingSpec, ...]:
    """What the form of a match asks for."""
    job = {spec.name: spec for spec in find_job("evaluate").settings}
    return (
        SettingSpec(
            name="A", kind="player", default="",
            help="A checkpoint, a run (its best weights) or a scripted player; empty is "
            f"{matches.NEWEST}.",
        ),
        SettingSpec(
            name="B", kind="player", default=job["opponent"].default,
            help="Its opponent, of the same kinds.",
        ),
        job["games"],
        job["simulations"],
        SettingSpec(
            name="seats", kind="int", default=2, minimum=2, maximum=4,
            help="At the table of two scripted players; a checkpoint has its own number.",
        ),
        job["seed"],
        job["device"],
    )  # fmt: skip


class EarlierMatches(Rows):
    """What was played, a line each; enter is named in the line of keys."""

    BINDINGS: ClassVar = [Binding("enter", "select", "show it")]


class ResultPanel(VerticalScroll):
    """The shown match, which scrolls where it is longer than its place."""

    def on_resize(self) -> None:
        """Its lines fit its new width."""
        self.post_message(PanelResized())


class EvaluateScreen(Place):
    """A match of two players, and the matches before it."""

    AUTO_FOCUS = "#start"
    BINDINGS: ClassVar = [
        Binding("g", "start", "start"),
        Binding("x", "cancel", "cancel the match"),
        Binding("w", "swap", "swap sides"),
        Binding("a", "pick('A')", "choose A"),
        Binding("b", "pick('B')", "choose B"),
        Binding("escape", "leave_field", "leave the field", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listed: list[Match] = []
        self.chosen = ""
        """Key of the match that is shown."""
        self.cancelling: set[str] = set()
        self._index: matches.MatchList | None = None
        self._timer: Timer | None = None
        self._looks = 0
        self._shown_job: StartedJob | None = None
        self._drawn: object = None
        self._drawn_list: object = None

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
                with ResultPanel(id="match", classes="panel"):
                    yield Static("", id="match-lines", markup=False)
                with Vertical(id="earlier", classes="panel") as earlier:
                    earlier.border_title = Content.styled("matches", "bold")
                    yield Static("", id="earlier-head", classes="line", markup=False)
                    yield EarlierMatches(id="earlier-list", markup=False)

    async def on_mount(self) -> None:
        """The form with its defaults."""
        await self.fill_form({})

    async def fill_form(self, changes: dict[str, SettingValue]) -> None:
        """The form, with these values instead of the defaults."""
        await self.query_one(SettingsForm).show(
            match_settings(), {}, first=FIRST, changes=changes, pickers=self._pickers()
        )
        for setting in self.query(Setting):
            if setting.spec.name == "A":
                setting.query_one(Input).placeholder = matches.NEWEST
        self._say_plan()

    def _pickers(self) -> dict[str, Any]:
        from azul_tui.tui.screens.menu import pickers

        found = pickers(self.azul.runs_root)["opponent"]

        def players() -> list[tuple[str, str]]:
            return [
                ("", matches.NEWEST),
                *((self._name_of(key), said) for key, said in found()),
                ("pretrained", "pretrained: the player that came with the program"),
            ]

        return {"A": players, "B": lambda: players()[1:]}

    def _name_of(self, file: Path | str) -> str:
        """A checkpoint as the form has it: from the folder of runs where it lies in there."""
        return str(file).removeprefix(f"{self.azul.runs_root}/")

    # -- showing

    def on_screen_resume(self) -> None:
        """See what was started elsewhere, and what has ended meanwhile."""
        super().on_screen_resume()
        self.look()

    def on_screen_suspend(self) -> None:
        """Nobody looks: nothing is read."""
        self._stop_looking()

    def show(self) -> None:
        """Take over what somebody wished to evaluate, and bring the words up to date."""
        wished = self.azul.wish("evaluate")
        if wished is not None:
            files = cast("tuple[Path, ...]", wished if isinstance(wished, tuple) else (wished,))
            sides = dict(zip(("A", "B"), map(self._name_of, files), strict=False))
            values = self._values() if self.query_one(SettingsForm).specs else {}
            self.run_worker(self.fill_form({**values, **sides}), group="form", exclusive=True)
        self._take_up_started()
        self._draw()

    def on_run_switched(self, message: RunSwitched) -> None:
        """Another run has other evaluations."""
        super().on_run_switched(message)
        self.look()

    def on_job_started(self, _message: JobStarted) -> None:
        """A match may have begun."""
        self._take_up_started()
        self.look()

    def on_job_ended(self, _message: JobEnded) -> None:
        """A match may have ended."""
        self.look()

    @on(PanelResized)
    def fit(self) -> None:
        """The lines fit their new places."""
        self._draw()

    def _own_jobs(self) -> list[StartedJob]:
        """Matches that this dashboard started, the newest last."""
        return [
            job for job in self.azul.jobs.all.values()
            if job.spec.name == "evaluate"
            or (job.spec.name == "arena" and any(o.startswith("a=") for o in job.overrides))
        ]  # fmt: skip

    def _take_up_started(self) -> None:
        """Show the match that was started last, once."""
        jobs = self._own_jobs()
        if jobs and jobs[-1] is not self._shown_job:
            self._shown_job = jobs[-1]
            self.chosen = jobs[-1].paths.name

    @property
    def job(self) -> StartedJob | None:
        """The job of the shown match, where it was started here."""
        return next((job for job in self._own_jobs() if job.paths.name == self.chosen), None)

    def look(self) -> None:
        """Read what has changed, in a thread."""
        self._looks += 1
        if self._index is None:
            self._index = matches.MatchList(self.azul.runs_root)
        index, number, now = self._index, self._looks, self.azul.clock()

        def read() -> None:
            found = index.refresh(now)
            self.post_message(MatchesListed(found, number))

        self.run_worker(read, thread=True, group="matches", exit_on_error=False)

    @on(MatchesListed)
    def take_list(self, message: MatchesListed) -> None:
        """Show what was found."""
        message.stop()
        if message.number != self._looks:
            return
        self.listed = message.found
        if not self.chosen or not self.shown_match():
            self.chosen = next((match.key for match in self.listed), "")
        self.cancelling &= {match.key for match in self.matches() if match.running}
        self._draw()
        playing = self.playing() is not None
        if playing and self._timer is None and self.azul.screen is self:
            self._timer = self.set_interval(max(LOOK_S, self.azul.follower.every_s), self.look)
        elif not playing:
            self._stop_looking()

    def _stop_looking(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def matches(self) -> list[Match]:
        """All that are shown: those listed, those just started, those of the run looked at."""
        # One that has not said yet who plays is told by what it was started with.
        named = {match.key for match in self.listed if match.a}
        said = {match.key: match.doing for match in self.listed if match.running}
        fresh = [
            self._of_job(job, said.get(job.paths.name, "starting"))
            for job in reversed(self._own_jobs())
            if job.paths.name not in named
        ]
        started = {match.key for match in fresh}
        listed = [match for match in self.listed if match.key not in started]
        feed = self.azul.feed
        trained: list[Match] = []
        if feed is not None:
            config = feed.data.started.get("config")
            trained = matches.of_training(feed.name, list(feed.data.evaluations)[-100:], config)
        return [*fresh, *listed, *trained]

    def _of_job(self, job: StartedJob, doing: str) -> Match:
        """A match that has recorded nothing, told by what it was started with."""
        from azul_tui.tui.jobs import last_words

        asked = dict(text.split("=", 1) for text in job.overrides)
        a, b = (asked.get(x, asked.get(y, "")).strip('"') for x, y in
                (("checkpoint", "a"), ("opponent", "b")))  # fmt: skip
        games = asked.get("games", "")
        return matches.Match(
            key=job.paths.name,
            t=job.started,
            state="running" if job.running else "crashed",
            a=matches.named(a) if asked else "",
            b=matches.named(b),
            record={},
            planned=int(games) if games.isdigit() else 0,
            doing=doing,
            problem="" if job.running else last_words(job),
            paths=job.paths,
        )

    def shown_match(self) -> Match | None:
        """The chosen match."""
        return next((match for match in self.matches() if match.key == self.chosen), None)

    def playing(self) -> Match | None:
        """The match that is being played, wherever it was started."""
        return next((match for match in self.matches() if match.running), None)

    def _draw(self) -> None:
        """The shown match and the list, where they changed."""
        if not self.is_mounted:
            return
        match, now, signs = self.shown_match(), self.azul.clock(), self.azul.signs
        panel = self.query_one("#match")
        width = max(20, panel.scrollable_content_region.width - 2)
        rows: list[words.Spans] = [((NONE_YET, "quiet"),)]
        title = "result"
        if match is not None:
            stops = match.key in self.cancelling
            small = panel.size.height < 12
            rows = matches.lines_of(match, width, now, signs, cancelling=stops, compact=small)
            title = matches.both(match, max(20, width - 4))
        playing = self.playing()
        if (key := (rows, title)) != self._drawn:
            self._drawn = key
            self.query_one("#match-lines", Static).update(lines(rows))
            panel.border_title = Content.styled(title, "bold")
        listing = self.query_one("#earlier-list", OptionList)
        wide = max(24, listing.scrollable_content_region.width - 1)
        entries = self.matches()[: matches.MOST_LISTED]
        texts = [matches.row(match, wide, now, signs) for match in entries]
        if (key := (texts, [match.key for match in entries], wide)) != self._drawn_list:
            self._drawn_list = key
            self._fill_list(listing, entries, texts)
            head = matches.heading(wide) if entries else ""
            self.query_one("#earlier-head", Static).update(Content.styled(head, "$foreground 60%"))
        going = playing is not None
        self.query_one("#start", Button).display = not going
        self.query_one("#cancel", Button).display = going
        if going is not self._going:
            self._going = going
            self.refresh_bindings()

    _going: bool = False

    def _fill_list(
        self, listing: OptionList, entries: list[Match], texts: list[words.Spans]
    ) -> None:
        keys = [match.key for match in entries]
        if [option.id for option in listing.options] == [f"m{i}" for i in range(len(keys))]:
            for number, text in enumerate(texts):
                listing.replace_option_prompt_at_index(number, content(text))
        else:
            at = listing.highlighted
            listing.clear_options()
            listing.add_options(
                [Option(content(text), id=f"m{number}") for number, text in enumerate(texts)]
            )
            listing.highlighted = min(at, len(keys) - 1) if at is not None and keys else None
        self._keys = keys

    _keys: list[str]

    @on(OptionList.OptionSelected, "#earlier-list")
    def choose(self, event: OptionList.OptionSelected) -> None:
        """Show the match of that line."""
        event.stop()
        self.chosen = self._keys[event.option_index]
        self._draw()

    # -- the form

    def _values(self) -> dict[str, SettingValue]:
        form = self.query_one(SettingsForm)
        changes = form.changes()
        return {name: changes.get(name, value) for name, value in form.base.items()}

    @on(FormChanged)
    def form_changed(self, event: FormChanged) -> None:
        """Only the plan follows the form."""
        event.stop()
        self._say_plan()

    def _say_plan(self) -> None:
        values = self._values()
        a, b = (words.shortened(matches.named(str(values[side])), 30) for side in ("A", "B"))
        self.query_one("#plan", Static).update(
            Content.styled(f"{a}\nagainst {b}", "$foreground 60%")
        )

    @on(Button.Pressed, "#swap")
    async def action_swap(self) -> None:
        """A becomes B."""
        values = self._values()
        if values["A"]:
            await self.fill_form({**values, "A": values["B"], "B": values["A"]})
        else:
            self.notify("choose A first: an empty side cannot be B", markup=False)

    def action_pick(self, side: str) -> None:
        """Choose a side from what there is."""
        for setting in self.query(Setting):
            if setting.spec.name == side:
                setting.query_one(".pick", Button).press()

    def action_leave_field(self) -> None:
        """From a field back to the keys."""
        self.query_one("#earlier-list" if self.playing() else "#start").focus()

    # -- starting and ending

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start while nothing is played, cancel while something is."""
        if action == "start":
            return not self._going
        if action == "cancel":
            return self._going
        return super().check_action(action, parameters)

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """Start the match of the form, unless one is being played."""
        form = self.query_one(SettingsForm)
        if self.playing() is not None or not form.specs:
            return
        problem = form.problem()
        if problem:
            self.notify(problem, severity="error", markup=False)
            return
        name, overrides = matches.match_job(self._values(), self.azul.runs_root)
        if self.azul.jobs.start(find_job(name), overrides) is not None:
            self._take_up_started()
            self._draw()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """End the match that is played; the games that have ended are its result.

        Asked again it ends at once, which compiling code can keep it from.
        """
        match = self.playing()
        if match is None:
            return
        jobs = self.azul.jobs
        if match.key not in jobs.all:
            jobs.find_again()  # another dashboard, still open, started it
        job = jobs.all.get(match.key)
        if job is None or not job.running:
            return
        jobs.cancel(job)
        self.cancelling.add(match.key)
        self.chosen = match.key
        self._draw()
