"""Settings of a run: changing those of one that goes on, and a new run with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from azul_tui.config import SettingSpec, training_settings
from azul_tui.errors import AzulError
from azul_tui.runs.paths import RunPaths
from azul_tui.tui.modals import AskValue, Pick
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.widgets.form import SettingsForm
from azul_tui.views import resuming
from azul_tui.views.settings import parse_value, shown_value, toml_value, typed_value

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.config import SettingValue, TrainingConfig
    from azul_tui.tui.app import AzulApp
    from azul_tui.views.checkpoint_list import CheckpointRow

FIRST = ("name", "max_iterations", "max_minutes", "learning_rate", "mcts_simulations")
NAME = SettingSpec(
    name="name", kind="str", default="", help="Name of the new run, and of its folder."
)


def stored_settings(app: AzulApp, paths: RunPaths) -> TrainingConfig:
    """The run's settings; what this version could not take from its file is told."""
    config, notes = resuming.stored_settings(paths)
    for note in notes:
        app.notify(note, severity="warning", markup=False, timeout=20)
    return config


def edit_live_settings(app: AzulApp) -> None:
    """Pick one of the settings that may change, enter its value, send it to the run."""
    feed = app.feed
    if feed is None:
        return
    specs = {spec.name: spec for spec in training_settings() if spec.live}
    config = stored_settings(app, feed.paths)
    values: dict[str, SettingValue] = {name: getattr(config, name) for name in specs}
    for record in feed.data.changed_settings:
        values.update({key: value for key, value in record.items() if key in specs})

    def picked(name: str | None) -> None:
        if name is None:
            return
        spec = specs[name]

        def check(text: str) -> str:
            try:
                parse_value(spec, text)
            except AzulError as error:
                return str(error)
            return ""

        def entered(text: str | None) -> None:
            if text is not None:
                new = parse_value(spec, text)
                app.request("set", key=name, value=list(new) if isinstance(new, tuple) else new)
                app.notify(f"{name} {shown_value(new)}: sent to the run", markup=False)

        now = typed_value(spec, values[name])
        app.push_screen(AskValue(name, now, help_text=spec.help, check=check), entered)

    longest = max(map(len, specs))
    choices = [(name, f"{name:<{longest}}  {shown_value(values[name])}") for name in specs]
    app.push_screen(Pick("Change a setting from the next iteration on", choices), picked)


class ResumeForm(FramedScreen[None]):
    """A new run from a checkpoint: the settings of its run, to be changed for the new one."""

    BINDINGS: ClassVar = [Binding("enter", "start", "start"), Binding("escape", "back", "back")]

    def __init__(self, row: CheckpointRow) -> None:
        super().__init__()
        self.row = row

    def compose_body(self) -> ComposeResult:
        """What will happen, the form, the button."""
        words = (
            f"A new run from {self.row.name}. {self.row.run} stays as it is; the new one begins "
            "with these weights and the settings below."
        )
        yield Static(words, classes="empty", markup=False)
        yield SettingsForm()
        with Horizontal(id="buttons"):
            yield Button("Start", id="start", compact=True, variant="primary")
            yield Button("Back", id="back", compact=True)

    async def on_mount(self) -> None:
        """The run's own values; a limit that is reached is raised."""
        paths = RunPaths(self.row.file.parent)
        config = stored_settings(self.azul, paths)
        specs = [spec for spec in training_settings() if spec.name not in resuming.FIXED]
        base: dict[str, SettingValue] = {spec.name: getattr(config, spec.name) for spec in specs}
        base["name"] = resuming.free_name(paths)
        changes: dict[str, SettingValue] = {}
        further = resuming.further_limit(paths, self.row.iteration, self.azul.clock())
        if further is not None:
            limit = further.done + further.more
            whole = further.setting == "max_iterations"
            changes[further.setting] = int(limit) if whole else float(limit)
        form = self.query_one(SettingsForm)
        await form.show([NAME, *specs], base, first=FIRST, changes=changes)
        form.query(Input).first().focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """Start the new run and look at it."""
        from azul_tui.jobs.registry import find_job

        form = self.query_one(SettingsForm)
        name = str(form.values["name"])
        problem = form.problem() or resuming.name_problem(self.azul.runs_root, name)
        if problem:
            self.notify(problem, severity="error", markup=False)
            return
        overrides = [*form.overrides(but=("name",)), f"checkpoint={toml_value(str(self.row.file))}"]
        job = self.azul.jobs.start(find_job("resume"), overrides, name=name)
        if job is not None:
            self.dismiss()
            self.azul.open_run(job.paths)

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        """Leave without starting."""
        self.dismiss()
