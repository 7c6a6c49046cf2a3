"""The menu: every job, what it does, its settings, and starting it.

The wish that it takes is the name of a job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from azul_tui.config import preset_names
from azul_tui.jobs.registry import GROUP_TITLES, find_job, job_settings, jobs
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import FormChanged
from azul_tui.tui.screens.place import Place
from azul_tui.tui.widgets.form import SettingsForm
from azul_tui.views import words

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.config import SettingValue
    from azul_tui.jobs.registry import JobSpec
    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.jobs import StartedJob

FIRST = (
    "run", "checkpoint", "network_config", "num_players", "self_play_games_per_iteration",
    "mcts_simulations", "training_steps_per_iteration", "learning_rate", "max_iterations",
    "max_minutes",
)  # fmt: skip
"""Settings of a training that are not folded away."""
ORDER = ("see", "train", "measure", "tool")
FORM_AFTER_S = 0.08
"""Rest of the cursor after which the form of an entry is made: moving on must not wait for it."""
WELCOME = "Welcome. Enter trains a first small network, in under two minutes."


class JobList(OptionList):
    """The entries; enter is named in the line of keys."""

    BINDINGS: ClassVar = [Binding("enter", "select", "start")]

    before_click: int | None = None
    """The row under the cursor when a button of the mouse went down."""

    def on_mouse_down(self) -> None:
        """A first click chooses an entry, one on the chosen entry starts it."""
        self.before_click = self.highlighted


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
        self.specs: list[JobSpec] = []
        """The job of each row; rows of titles are not among them."""
        self.rows: list[str] = []
        self.job = "quick"
        self.preset: str | None = None
        self.run_paths: RunPaths | None = None
        """The run that a resume goes on with, as the form has it."""
        self._changes: dict[str, dict[str, SettingValue]] = {}
        """What was changed in the forms of the other entries."""
        self._presets: dict[str, str | None] = {}
        self._timer: Timer | None = None
        self._shown_job = ""

    def compose_body(self) -> ComposeResult:
        """The entries left, the chosen one right."""
        yield Static("", id="welcome", classes="line hidden", markup=False)
        with Horizontal(id="menu"):
            yield JobList(id="jobs", classes="panel", markup=False)
            with Vertical(id="entry", classes="panel"):
                yield Static("", id="about", markup=False)
                with Horizontal(id="preset-line"):
                    yield Static("start from", classes="name", markup=False)
                    yield Select[str](
                        [(name, name) for name in preset_names()],
                        id="preset", value="quick", allow_blank=False, compact=True,
                    )  # fmt: skip
                yield SettingsForm(id="form")
                with Horizontal(id="buttons"):
                    yield Button("Start", id="start", variant="primary", compact=True)
                    yield Button("Show it", id="show", compact=True)

    def on_mount(self) -> None:
        """List the jobs; the first start begins with the quick training."""
        from azul_tui.runs.paths import run_folders

        by_group = {
            group: [
                spec for spec in jobs()
                if spec.group == group and not spec.for_programs and not spec.needs_terminal
            ]
            for group in ORDER
        }  # fmt: skip
        for group in ORDER:
            self.rows.append("")
            for spec in by_group[group]:
                self.specs.append(spec)
                self.rows.append(spec.name)
        if not run_folders(self.azul.runs_root):
            welcome = self.query_one("#welcome", Static)
            welcome.update(WELCOME)
            welcome.remove_class("hidden")
        self._fill()
        self._choose(self.job)

    def on_resize(self) -> None:
        """The rows fill their new width."""
        self.call_after_refresh(self._fill)

    # -- showing

    def _fill(self) -> None:
        """The rows, with a sign beside what runs or ended unseen."""
        listing = self.query_one("#jobs", OptionList)
        options: list[Option] = []
        group = iter(ORDER)
        width = max(20, listing.scrollable_content_region.width or 36)
        for name in self.rows:
            if not name:
                title = GROUP_TITLES[next(group)]
                options.append(Option(Content.styled(title, "bold $foreground 60%"), disabled=True))
                continue
            options.append(Option(self._row(find_job(name), width), id=name))
        at = listing.highlighted
        listing.clear_options()
        listing.add_options(options)
        if at is not None:
            listing.highlighted = at

    def _row(self, spec: JobSpec, width: int) -> Content:
        signs = self.azul.signs
        job = self.azul.jobs.latest(spec.name)
        mark, style = " ", ""
        if job is not None and job.running:
            mark, style = signs.running, "$text-success"
        elif job is not None and not job.seen:
            mark = signs.finished if job.code == 0 else signs.crashed
            style = "$text-success" if job.code == 0 else "$text-error"
        wide = width >= 34
        number = f"no. {spec.number}" if spec.number is not None and wide else ""
        title = words.shortened(spec.title, width - len(number) - 4)
        gap = " " * max(1, width - len(title) - len(number) - 3)
        return (
            Content.styled(f"{mark} ", style)
            + Content(title)
            + Content.styled(f"{gap}{number}", "$foreground 60%")
        )

    def show(self) -> None:
        """What runs, and what somebody wished to see."""
        wished = self.azul.wish("menu")
        if isinstance(wished, str):
            self._choose(wished)
        self._show_jobs()

    def on_job_started(self) -> None:
        """A job began."""
        self._show_jobs()

    def on_job_ended(self) -> None:
        """A job ended."""
        self._show_jobs()

    def _show_jobs(self) -> None:
        state = tuple((j.spec.name, j.code, j.seen) for j in self.azul.jobs.all.values())
        if state != self._jobs_state:
            self._jobs_state = state
            self._fill()
            self._about()
            self.refresh_bindings()

    _jobs_state: object = ()

    def _choose(self, job: str) -> None:
        self.query_one("#jobs", OptionList).highlighted = self.rows.index(job)

    @on(OptionList.OptionHighlighted, "#jobs")
    def highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another entry: its words at once, its form when the cursor rests."""
        if event.option_id is None or event.option_id == self._shown_job:
            return
        self._keep_changes()
        self.job = event.option_id
        self._about()
        self.refresh_bindings()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(FORM_AFTER_S, self._show_form)

    def _about(self) -> None:
        spec = find_job(self.job)
        job = self.azul.jobs.latest(spec.name)
        about = Content.styled(spec.title, "bold") + Content.styled(
            f"   {spec.duration}", "$foreground 60%"
        )
        about += Content(f"\n{spec.description}")
        about += Content.styled(f"\nazul-tui --run {spec.name}", "$foreground 60%")
        if job is not None:
            told = "is running; o shows it" if job.running else "has ended; o shows what it made"
            about += Content.styled(f"\n{job.title} {told}", "$text-success")
        self.query_one("#about", Static).update(about)
        self.query_one("#show", Button).display = job is not None

    async def _show_form(self) -> None:
        """The form of the chosen entry."""
        spec = find_job(self.job)
        self._shown_job = spec.name
        line = self.query_one("#preset-line")
        line.display = spec.makes_run
        base: dict[str, SettingValue] = {}
        specs = job_settings(spec)
        if spec.makes_run:
            self.preset = self._presets.setdefault(spec.name, spec.preset)
            base = preset_values(self.preset)
            self._offer_presets()
        elif spec.resumes:
            base = self._resume_values()
            from azul_tui.views.resuming import FIXED

            specs = tuple(s for s in specs if s.name not in FIXED)
        await self.query_one(SettingsForm).show(
            specs,
            base,
            first=FIRST if spec.trains else (),
            changes=self._changes.get(spec.name),
            pickers=pickers(self.azul.runs_root),
        )

    def _offer_presets(self) -> None:
        select = cast("Select[str]", self.query_one("#preset"))
        if self.preset is not None and select.value != self.preset:
            with select.prevent(Select.Changed):
                select.value = self.preset

    @on(Select.Changed, "#preset")
    async def change_preset(self, event: Select.Changed) -> None:
        """Other base values; what was changed stays changed."""
        chosen = event.value
        ready = self._shown_job == self.job
        if ready and isinstance(chosen, str) and chosen != self.preset:
            self._keep_changes()
            self._presets[self.job] = chosen
            await self._show_form()

    def _resume_values(self) -> dict[str, SettingValue]:
        """The values that the run has which is gone on with."""
        from azul_tui.config import training_settings
        from azul_tui.errors import AzulError
        from azul_tui.runs.paths import existing_run
        from azul_tui.tui.jobs import run_to_go_on
        from azul_tui.views.resuming import config_of
        from azul_tui.views.settings import toml_value

        named = str(self._changes.get("resume", {}).get("run", ""))
        try:
            if named:
                self.run_paths = existing_run(self.azul.runs_root, named)
            else:
                self.run_paths = run_to_go_on(self.azul.runs_root, [f"run={toml_value('')}"])
        except AzulError:
            self.run_paths = None
            return {}
        config = config_of(self.run_paths)
        base = {spec.name: getattr(config, spec.name) for spec in training_settings()}
        return base | ({} if named else {"run": self.run_paths.name})

    @on(FormChanged)
    def form_changed(self, event: FormChanged) -> None:
        """Another run to resume has other values."""
        self.refresh_bindings()
        if self.job == "resume" and event.name == "run":
            self._keep_changes()
            run = self._changes.get("resume", {}).get("run", "")
            if self.run_paths is None or run not in {"", self.run_paths.name}:
                if self._timer is not None:
                    self._timer.stop()
                self._timer = self.set_timer(0.6, self._show_form)

    def _keep_changes(self) -> None:
        if self._shown_job:
            self._changes[self._shown_job] = self.query_one(SettingsForm).changes()

    # -- starting

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What may be done with the chosen entry."""
        if not self.is_mounted:
            return True
        job = self.azul.jobs.latest(self.job)
        if action == "show_job":
            return job is not None
        if action == "cancel":
            return job is not None and job.running
        if action == "undo":
            return self._shown_job == self.job and bool(self.query_one(SettingsForm).changes())
        return super().check_action(action, parameters)

    @on(OptionList.OptionSelected, "#jobs")
    def entry_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click on the entry that was chosen before."""
        listing = self.query_one(JobList)
        before, listing.before_click = listing.before_click, None
        if before is None or before == event.option_index:
            self.action_start()

    @on(Button.Pressed, "#start")
    @on(Input.Submitted)
    def start_pressed(self, event: Button.Pressed | Input.Submitted) -> None:
        """Enter in a field, or the entry's button."""
        event.stop()
        self.action_start()

    @on(Button.Pressed, "#show")
    def action_show_job(self) -> None:
        """Look at the newest job of the chosen entry."""
        job = self.azul.jobs.latest(self.job)
        if job is not None:
            self.azul.show_job(job)

    def action_start(self) -> None:
        """Start the chosen entry; one that runs is shown, hours of work are asked about."""
        from azul_tui.tui.modals import Choose

        spec = find_job(self.job)
        form = self.query_one(SettingsForm)
        ready = self._shown_job == self.job
        problem = form.problem() if ready else ""
        if problem:
            self.notify(problem, severity="error", markup=False)
            return
        overrides = form.overrides() if ready else []
        job = self.azul.jobs.latest(spec.name)
        if job is not None and job.running:
            if not spec.makes_run:
                self.azul.show_job(job)
                return
            answers = (("s", "show it"), ("n", "start another one"), ("b", "back"))
            question = f"{job.title} is running."

            def chosen(answer: str | None) -> None:
                if answer == "s":
                    self.azul.show_job(job)
                elif answer == "n":
                    self._start(spec, overrides)

            self.azul.push_screen(Choose(question, "", answers, "b"), chosen)
            return
        if spec.asks:
            changed = ", ".join(overrides) or "nothing changed"

            def answered(answer: str | None) -> None:
                if answer == "y":
                    self._start(spec, overrides)

            self.azul.push_screen(
                Choose(
                    f"{spec.title}: it takes {spec.duration}.",
                    f"Preset {self.preset}: {changed}.",
                    (("y", "start it"), ("n", "back")),
                    "n",
                ),
                answered,
            )
            return
        self._start(spec, overrides)

    def _start(self, spec: JobSpec, overrides: list[str]) -> None:
        if spec.resumes:
            self._resume(overrides)
            return
        preset = self._presets.get(spec.name, spec.preset)
        job = self.azul.jobs.start(spec, overrides, preset=preset)
        if job is not None:
            self._started(job)

    def _started(self, job: StartedJob) -> None:
        self.query_one("#welcome").add_class("hidden")
        self.azul.show_job(job)

    def _resume(self, overrides: list[str]) -> None:
        """Go on with the run that the form names; one that has finished needs a larger limit."""
        from azul_tui.views import resuming
        from azul_tui.views.settings import toml_value

        paths = self.run_paths
        if paths is not None and not any(o.startswith(("run=", "checkpoint=")) for o in overrides):
            overrides = [f"run={toml_value(paths.name)}", *overrides]
        limits = ("max_iterations=", "max_minutes=")
        if paths is not None and not any(o.startswith(("checkpoint=", *limits)) for o in overrides):
            newest = resuming.newest_iteration(paths)
            if resuming.further_limit(paths, newest, self.azul.clock()) is not None:
                self.azul.resume(paths)
                return
        job = self.azul.jobs.start(find_job("resume"), overrides)
        if job is not None:
            self._started(job)

    def action_cancel(self) -> None:
        """End the chosen entry's job."""
        job = self.azul.jobs.latest(self.job)
        if job is not None and job.running:
            self.azul.jobs.cancel(job)
            self.notify(f"{job.title}: cancelling", markup=False)

    async def action_undo(self) -> None:
        """All settings as the preset has them."""
        self._changes.pop(self.job, None)
        await self._show_form()

    def action_save(self) -> None:
        """Write the settings as a TOML file for `--config`."""
        from pathlib import Path

        from azul_tui.config import create_training_config, dump_config
        from azul_tui.errors import AzulError
        from azul_tui.tui.modals import AskValue

        spec, form = find_job(self.job), self.query_one(SettingsForm)
        if not spec.makes_run or self._shown_job != self.job:
            return
        values = form.base | form.changes()

        def entered(text: str | None) -> None:
            if not text:
                return
            path = Path(text).expanduser().absolute()
            path = path if path.suffix == ".toml" else path.with_name(f"{path.name}.toml")
            try:
                path.write_text(dump_config(create_training_config(**values)), encoding="utf-8")
            except (AzulError, OSError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                self.notify(f"{path}: {why}", severity="error", markup=False)
            else:
                self.notify(f"saved; --config {path} uses it", markup=False)

        self.azul.push_screen(AskValue("Save these settings as", "my-settings.toml"), entered)


def preset_values(preset: str | None) -> dict[str, SettingValue]:
    """What a preset sets; nothing for one that cannot be read."""
    from azul_tui.config import find_preset, load_config, training_settings
    from azul_tui.errors import AzulError

    if preset is None:
        return {}
    try:
        config = load_config(find_preset(preset))
    except AzulError:
        return {}  # starting says what is wrong
    return {spec.name: getattr(config, spec.name) for spec in training_settings()}


def pickers(root: Any) -> dict[str, Any]:
    """What may be picked for runs, checkpoints and players."""
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
        from azul_tui.players.names import scripted_players

        return [(name, name) for name in scripted_players(2)] + checkpoints()

    return {
        "run": runs, "checkpoint": checkpoints, "opponent": players, "a": players, "b": players,
    }  # fmt: skip
