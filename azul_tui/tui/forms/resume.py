"""What a resume would do, as a form: the run's own settings, and a sensible larger limit.

A run that has ended needs a reason to go on: more iterations or more minutes are filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.config import SettingSpec, TrainingConfig, load_stored_config, training_settings
from azul_tui.errors import AzulError
from azul_tui.runs.paths import check_run_name, run_paths
from azul_tui.runs.resumable import more_iterations
from azul_tui.runs.text import plain_text
from azul_tui.tui.forms.settings import SettingsForm
from azul_tui.tui.picture import Picture, text_line, wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.config import SettingValue
    from azul_tui.runs.paths import RunPaths

FIXED = frozenset({"num_players", "network_config", "seed"})
"""Settings that the weights, or the games they learnt from, depend on."""
FIRST = ("max_iterations", "max_minutes", "learning_rate")
NAME = SettingSpec(
    name="name", kind="str", default="", help="Name of the new run, and of its folder."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePlan:
    """From where to where."""

    paths: RunPaths
    """The run that the checkpoint belongs to."""
    checkpoint: Path | None
    """The file; None takes the newest that verifies."""
    iteration: int
    """Iterations that are done there."""
    finished: bool
    """Whether the run has reached its limits."""
    newest: int
    """Iterations that the run has done; above `iteration` for an older checkpoint."""
    as_new: bool


def resume_form(plan: ResumePlan) -> SettingsForm:
    """The form over the run's own settings, with what it needs to go on filled in."""
    config = config_of(plan.paths)
    specs = [spec for spec in training_settings() if spec.name not in FIXED]
    specs.sort(key=lambda spec: FIRST.index(spec.name) if spec.name in FIRST else len(FIRST))
    base: dict[str, SettingValue] = {spec.name: getattr(config, spec.name) for spec in specs}
    if plan.as_new:
        specs.insert(0, NAME)
        base["name"] = free_name(plan.paths)
    form = SettingsForm.of(specs, base)
    further = further_of(plan)
    if further is not None:
        form.set(further.setting, further.done + further.more)
    return form


@dataclass(frozen=True, slots=True)
class Further:
    """The limit that keeps a run from going on."""

    setting: str
    unit: str
    done: float
    """Where the limit is reached."""
    more: float
    """What could sensibly be added."""


def further_of(plan: ResumePlan) -> Further | None:
    """The limit that has to be raised; None when the run may go on as it is."""
    config = config_of(plan.paths)
    if plan.iteration >= config.max_iterations:
        most = more_iterations(plan.iteration, config.max_iterations)
        return Further("max_iterations", "iterations", plan.iteration, most - plan.iteration)
    if plan.finished and config.max_minutes:
        return Further("max_minutes", "minutes", config.max_minutes, config.max_minutes)
    return None


def config_of(paths: RunPaths) -> TrainingConfig:
    """The run's settings; the defaults where they cannot be read, as the job itself will say."""
    try:
        return load_stored_config(paths.config)[0]
    except AzulError:
        return TrainingConfig()


def free_name(paths: RunPaths) -> str:
    """The run's name with the next number that is free: `night-2`."""
    stem, _, last = paths.name.rpartition("-")
    if not stem or not last.isdigit() or len(last) > 3:
        stem, last = paths.name, "1"
    number = int(last) + 1
    while (paths.directory.parent / f"{stem[:50]}-{number}").exists():
        number += 1
    return f"{stem[:50]}-{number}"


def name_problem(root: Path, name: str) -> str | None:
    """Why a new run cannot have this name, in words."""
    try:
        taken = run_paths(root, check_run_name(name)).directory.exists()
    except AzulError as error:
        return str(error)
    return "there is a run of that name" if taken else None


def plan_lines(plan: ResumePlan, width: int) -> Picture:
    """What will happen, above the form."""
    name = plain_text(plan.paths.name, 64)
    file = plan.checkpoint.name if plan.checkpoint is not None else "its newest checkpoint"
    title = f"a new run from {name}" if plan.as_new else f"go on with {name}"
    if plan.as_new:
        words = f"{name} stays as it is; the new run begins with the weights of {file}."
    elif plan.iteration < plan.newest:
        words = (
            f"It goes back to iteration {plan.iteration:,} ({file}); what came after it, up to "
            f"iteration {plan.newest:,}, is given up. R starts a new run instead."
        )
    elif plan.finished:
        words = (
            f"It has finished its {plan.newest:,} iterations; it goes on from {file} "
            "with the settings below."
        )
    else:
        words = f"It goes on from {file}, after {plan.iteration:,} iterations."
    role = "warning" if not plan.as_new and plan.iteration < plan.newest else ""
    lines: Picture = [text_line(f" {title}", "title")]
    lines.extend(((" ", ""), *line) for line in wrapped(words, max(10, width - 2), role))
    return [*lines, ()]
