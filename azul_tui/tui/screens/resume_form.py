"""A new run from a checkpoint, under a name and with settings of one's choice."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.widgets import Button, Input, Static

from azul_tui.config import SettingSpec, training_settings
from azul_tui.jobs.registry import find_job
from azul_tui.runs.paths import RunPaths
from azul_tui.tui.screens.live_settings import stored_settings
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.widgets.form import SettingsForm
from azul_tui.views import resuming
from azul_tui.views.settings import toml_value

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.views.checkpoint_list import CheckpointRow

FIRST = ("name", "max_iterations", "max_minutes", "learning_rate", "mcts_simulations")
NAME = SettingSpec(name="name", kind="str", default="", help="The new run's, and its folder's.")


class ResumeForm(FramedScreen[None]):
    """The settings of the checkpoint's run, to be changed for the new one."""

    BINDINGS: ClassVar = [Binding("enter", "start", "start"), Binding("escape", "dismiss", "back")]

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
        yield Button("Start", compact=True, variant="primary", classes="start")

    async def on_mount(self) -> None:
        """The run's own values; a limit that is reached is raised."""
        paths, form = RunPaths(self.row.file.parent), self.query_one(SettingsForm)
        config = stored_settings(self.azul, paths)
        specs = [spec for spec in training_settings() if spec.name not in resuming.FIXED]
        base = asdict(config) | {"name": resuming.free_name(paths)}
        limit = resuming.further_limit(paths, self.row.iteration, self.azul.clock())
        changes = {limit.setting: limit.done + limit.more} if limit else {}
        await form.show([NAME, *specs], base, first=FIRST, changes=changes)
        form.query(Input).first().focus()

    @on(Input.Submitted)
    @on(Button.Pressed, ".start")
    def action_start(self) -> None:
        """Start the new run and look at it."""
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
