"""The menu: every job, what it does, its settings, and starting it.

The wish that it takes is the name of a job, or the row of a checkpoint that a new run begins from.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, ContentSwitcher, Input, OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.config import SettingSpec, preset_names, training_settings
from azul_tui.errors import AzulError
from azul_tui.jobs.registry import GROUP_TITLES, find_job, job_settings, jobs
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import FormChanged, JobChanged
from azul_tui.tui.screens.place import Place
from azul_tui.tui.widgets.form import SettingsForm
from azul_tui.views import resuming, words
from azul_tui.views.settings import toml_value

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.config import SettingValue
    from azul_tui.jobs.registry import JobSpec
    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.checkpoint_list import CheckpointRow

PRESET = SettingSpec(
    name="preset", kind="choice", default="quick", choices=preset_names(),
    help="The settings that a training starts from; what you change stays changed.",
)  # fmt: skip
NEW_RUN = SettingSpec(
    name="new_run", kind="str", default="",
    help="Name of a new run that begins from there; empty goes on with the run itself.",
)  # fmt: skip
_BEGINNING = (spec.name for spec in training_settings() if spec.first)
FIRST = ("preset", "run", "checkpoint", "new_run", *_BEGINNING)
"""Settings of a training that are not folded away."""
REST_S, TYPING_REST_S = 0.08, 0.6
"""Rest of the cursor, and of the keys, after which a form is made or shows another run."""
WELCOME = "Welcome. Enter trains a first small network, in under two minutes."
QUIET = "$foreground 60%"


class JobList(OptionList):
    """The entries: a click chooses one, enter starts it."""

    BINDINGS: ClassVar = [Binding("enter", "screen.start", "start")]


class MenuScreen(Place):
    """Every job that a person may start."""

    AUTO_FOCUS = "#jobs"
    BINDINGS: ClassVar = [
        Binding("o", "show_job", "show it"),
        Binding("x", "cancel", "cancel it"),
        Binding("u", "undo", "undo changes"),
        Binding("s", "save", "save settings as a file", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.job = "quick"
        self.forms: dict[str, SettingsForm] = {}
        """Those made so far, by job: another entry's is hidden with what was changed in it."""
        self.row: CheckpointRow | None = None
        """The checkpoint that the form is to begin a new run from."""
        self._timer: Timer | None = None
        self._jobs_state: object = []

    def compose_body(self) -> ComposeResult:
        """The entries left, the chosen one right."""
        yield Static(WELCOME, id="welcome", classes="line hidden", markup=False)
        with Horizontal(id="menu"):
            options: list[Option] = []
            for group, title in GROUP_TITLES.items():
                options.append(Option(Content.styled(title, f"bold {QUIET}"), disabled=True))
                options += [
                    Option(spec.title, id=spec.name)
                    for spec in jobs()
                    if spec.group == group and not spec.for_programs and not spec.needs_terminal
                ]
            yield JobList(*options, id="jobs", classes="panel", markup=False)
            with Vertical(id="entry", classes="panel"):
                yield Static("", id="about", markup=False)
                yield ContentSwitcher(id="forms")
                yield Button("Start", variant="primary", compact=True, classes="start")

    def on_mount(self) -> None:
        """The first start begins with the quick training."""
        from azul_tui.runs.paths import run_folders

        self.query_one("#welcome").set_class(bool(run_folders(self.azul.runs_root)), "hidden")
        self._choose(self.job)

    # -- showing

    def on_resize(self) -> None:
        """The rows fill their new width."""
        self.call_after_refresh(self._fill)

    @on(JobChanged)
    def show(self) -> None:
        """What runs, and what somebody wished to see."""
        wished = self.azul.wish("menu")
        if isinstance(wished, str):
            self._choose(wished)
        elif wished is not None:
            self.row = wished
            self._choose("resume")
            self._show_form_after(REST_S)
        state = [(job.spec.name, job.code, job.seen) for job in self.azul.jobs.all.values()]
        if state != self._jobs_state:
            self._jobs_state = state
            self._fill()
            self._about()

    def _choose(self, job: str) -> None:
        listing = self.query_one(JobList)
        listing.highlighted = listing.get_option_index(job)

    def _fill(self) -> None:
        """The rows, with a sign beside what runs or ended unseen."""
        listing, signs = self.query_one(JobList), self.azul.signs
        width = max(20, listing.scrollable_content_region.width or 36)
        for option in listing.options:
            if option.id is None:
                continue
            spec, job = find_job(option.id), self.azul.jobs.latest(option.id)
            mark, style = " ", ""
            if job is not None and (job.running or not job.seen):
                good = job.running or job.code == 0
                mark = signs.running if job.running else signs.finished if good else signs.crashed
                style = "$text-success" if good else "$text-error"
            number = f"no. {spec.number}" if spec.number is not None and width >= 34 else ""
            room = width - len(number) - 3
            row = Content.styled(f"{mark} ", style)
            row += Content(f"{words.shortened(spec.title, room - 1):<{room}}")
            listing.replace_option_prompt(option.id, row + Content.styled(number, "dim"))

    def _about(self) -> None:
        """What the chosen entry does, and what became of it."""
        spec, job = find_job(self.job), self.azul.jobs.latest(self.job)
        about = Content.styled(spec.title, "bold") + Content.styled(f"   {spec.duration}", QUIET)
        about += Content(f"\n{spec.description}")
        about += Content.styled(f"\nazul-tui --run {spec.name}", QUIET)
        if job is not None:
            told = "is running; o shows it" if job.running else "has ended; o shows what it made"
            about += Content.styled(f"\n{job.title} {told}", "$text-success")
        # Eight lines hold it from 80 columns on: then nothing below moves or is laid out anew.
        self.query_one("#about", Static).update(about, layout=self.size.width < 80)
        self.refresh_bindings()

    @on(OptionList.OptionHighlighted, "#jobs")
    async def highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another entry: its words at once, its form when the cursor rests."""
        if event.option_id is not None:
            self.job = event.option_id
            self._about()
            self._show_form_after(REST_S)

    def _show_form_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(seconds, self._show_form)

    async def _show_form(self) -> None:
        """The form of the chosen entry, made when it is shown first."""
        spec, form = find_job(self.job), self.forms.get(self.job)
        changes: dict[str, SettingValue] = form.changes() if form else {}
        paths, row = None, self.row if spec.resumes else None
        if row is not None:
            self.row, paths = None, row.paths
            changes = {"checkpoint": str(row.file), "new_run": resuming.free_name(paths)}
            limit = resuming.further_limit(paths, row.iteration, self.azul.clock())
            changes |= {limit.setting: limit.done + limit.more} if limit else {}
        switcher = self.query_one("#forms", ContentSwitcher)
        if form is None:
            form = SettingsForm(id=spec.name)
            await switcher.add_content(form)
            specs = [PRESET] * spec.makes_run + [*job_settings(spec)]
            if spec.resumes:
                specs = [setting for setting in specs if setting.name not in resuming.FIXED]
                specs.insert(2, NEW_RUN)
            first, choices = FIRST if spec.trains else (), pickers(self.azul.runs_root)
            base = self._base(spec, paths)
            await form.show(specs, base, first=first, changes=changes, pickers=choices)
            self.forms[spec.name] = form
        elif spec.resumes:
            form.show_values(self._base(spec, paths), changes)
        if spec.name == self.job:
            switcher.current = spec.name

    def _base(self, spec: JobSpec, paths: RunPaths | None) -> dict[str, SettingValue]:
        """What the settings are before anything is changed: a preset's, those of the run."""
        if spec.preset is not None:
            return preset_values(spec.preset)
        form, paths = self.forms.get(spec.name), paths or self._run_to_resume(spec)
        if paths is None:
            return {}
        known = form is not None and form.base["run"] == paths.name
        stored = resuming.config_of if known else self.azul.stored_settings
        return asdict(stored(paths)) | {"run": paths.name}

    def _run_to_resume(self, spec: JobSpec) -> RunPaths | None:
        """The run that the form names, else the newest that can go on; None for no such."""
        from azul_tui.runs.listing import run_to_resume
        from azul_tui.runs.paths import existing_run

        root, form = self.azul.runs_root, self.forms.get("resume")
        named = str(form.values["run"]) if form else ""
        try:
            if spec.resumes:
                return existing_run(root, named) if named else run_to_resume(root, {}, time.time())
        except AzulError:
            pass  # starting says what is wrong
        return None

    @on(FormChanged)
    def form_changed(self, event: FormChanged) -> None:
        """Another preset, or another run to resume, has other values."""
        form = self.forms[self.job]
        if event.name == PRESET.name:
            form.show_values(preset_values(str(form.values[PRESET.name])), form.changes())
        elif event.name == "run" and self.job == "resume":
            self._show_form_after(TYPING_REST_S)
        self.refresh_bindings()

    # -- starting

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What may be done with the chosen entry."""
        job, form = self.azul.jobs.latest(self.job), self.forms.get(self.job)
        return {
            "show_job": job is not None,
            "cancel": job is not None and job.running,
            "undo": form is not None and bool(form.changes()),
            "save": form is not None and find_job(self.job).makes_run,
        }.get(action, super().check_action(action, parameters))

    def action_show_job(self) -> None:
        """Look at the newest job of the chosen entry."""
        if (job := self.azul.jobs.latest(self.job)) is not None:
            self.azul.show_job(job)

    @on(Button.Pressed, ".start")
    @on(Input.Submitted)
    def action_start(self) -> None:
        """Start the chosen entry; one that runs is shown, hours of work are asked about."""
        from azul_tui.tui.modals import Choose

        spec, form = find_job(self.job), self.forms.get(self.job)
        if problem := form.problem() if form else "":
            self.notify(problem, severity="error")
            return
        job = self.azul.jobs.latest(spec.name)
        running = job is not None and job.running
        values = form.values if form else {}
        preset = str(values[PRESET.name]) if PRESET.name in values else None
        overrides = form.overrides(but=(PRESET.name, NEW_RUN.name)) if form else []

        def answered(answer: str | None) -> None:
            if answer == "s" and job is not None:
                self.azul.show_job(job)
            elif answer == "y":
                self._start(spec, overrides, preset, str(values.get(NEW_RUN.name, "")))

        if running and not spec.makes_run:
            answered("s")
        elif running and job is not None:
            answers = [("s", "show it"), ("y", "start another one"), ("n", "back")]
            self.azul.push_screen(Choose(f"{job.title} is running.", "", answers, "n"), answered)
        elif spec.asks:
            question = f"{spec.title}: it takes {spec.duration}."
            detail = f"Preset {preset}: {', '.join(overrides) or 'nothing changed'}."
            answers = [("y", "start it"), ("n", "back")]
            self.azul.push_screen(Choose(question, detail, answers, "n"), answered)
        else:
            answered("y")

    def _start(self, spec: JobSpec, overrides: list[str], preset: str | None, new: str) -> None:
        if new and (problem := resuming.name_problem(self.azul.runs_root, new)):
            self.notify(problem, severity="error")
            return
        if (paths := self._run_to_resume(spec)) is not None:
            overrides = [text for text in overrides if not text.startswith("run=")]
            if not overrides and not new:
                self.azul.resume(paths)  # as it was; one that has finished is asked how far
                return
            if not any(text.startswith("checkpoint=") for text in overrides):
                overrides.insert(0, f"run={toml_value(paths.name)}")
        job = self.azul.jobs.start(spec, overrides, preset=preset, name=new or None)
        if job is not None:
            self.query_one("#welcome").add_class("hidden")
            self.azul.show_job(job)

    def action_cancel(self) -> None:
        """End the chosen entry's job."""
        job = self.azul.jobs.latest(self.job)
        if job is not None and job.running:
            self.azul.jobs.cancel(job)
            self.notify(f"{job.title}: cancelling")

    def action_undo(self) -> None:
        """All settings as the preset has them."""
        form = self.forms[self.job]
        form.show_values(form.base, {})
        self.refresh_bindings()

    def action_save(self) -> None:
        """Write the settings as a TOML file for `--config`."""
        from azul_tui.config import create_training_config, dump_config
        from azul_tui.tui.modals import AskValue

        values = {k: v for k, v in self.forms[self.job].values.items() if k != PRESET.name}

        def entered(text: str | None) -> None:
            if not text:
                return
            path = Path(text).expanduser().absolute()
            path = path if path.suffix == ".toml" else path.with_name(f"{path.name}.toml")
            try:
                path.write_text(dump_config(create_training_config(**values)), encoding="utf-8")
            except (AzulError, OSError) as error:
                why = getattr(error, "strerror", "") or error
                self.notify(f"{path}: {why}", severity="error")
            else:
                self.notify(f"saved; --config {path} uses it")

        self.azul.push_screen(AskValue("Save these settings as", "my-settings.toml"), entered)


def preset_values(preset: str) -> dict[str, SettingValue]:
    """What a preset sets, and its name."""
    from azul_tui.config import find_preset, load_config

    return asdict(load_config(find_preset(preset))) | {PRESET.name: preset}


def pickers(root: Path) -> dict[str, Any]:
    """What may be picked for runs, checkpoints and players, `(value, words)` each."""
    from azul_tui.players.names import scripted_players
    from azul_tui.runs.listing import checkpoint_files
    from azul_tui.views.run_list import recent_runs

    def runs() -> list[tuple[str, str]]:
        return [(paths.name, plain_text(paths.name, 64)) for paths, _ in recent_runs(root)[:500]]

    def checkpoints() -> list[tuple[str, str]]:
        return [
            (str(file), f"{plain_text(paths.name, 64)} iteration {iteration:,}")
            for paths, _ in recent_runs(root)[:100]
            for iteration, file in reversed(checkpoint_files(paths))
        ]

    def players() -> list[tuple[str, str]]:
        return [(name, name) for name in scripted_players(2)] + checkpoints()

    return {
        "run": runs, "checkpoint": checkpoints, "opponent": players, "a": players, "b": players,
    }  # fmt: skip
