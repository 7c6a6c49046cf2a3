"""Whether and how a run can go on: why not, which limit has to be raised, under which name."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from azul_tui.config import TrainingConfig, load_stored_config
from azul_tui.errors import AzulError
from azul_tui.runs.listing import checkpoint_files, has_work_left, more_iterations, summarize
from azul_tui.runs.paths import check_run_name, run_paths
from azul_tui.runs.status import ACTIVE, writer_lives
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths

ENDING = "is still ending"
"""Said of a run whose process has written its last state and has not gone."""
FIXED = frozenset({"num_players", "network_config", "seed"})
"""Settings that the weights, or the games they learnt from, depend on: no resume changes them."""


class Further(NamedTuple):
    """The limit that keeps a run from going on."""

    setting: str
    unit: str
    done: float
    """Where the limit is reached."""
    more: float
    """What could sensibly be added."""


def why_not(paths: RunPaths, now: float) -> str:
    """Why a run cannot be resumed `now` (unix seconds), in words; empty when it can."""
    run = summarize(paths, now)
    name = plain_text(paths.name, 64)
    held = writer_lives(paths) is True
    if held and run.state not in ACTIVE:
        return f"{name} {ENDING}"
    if held or (run.state in ACTIVE and not run.stalled):
        paused = f"{name} is paused; p on the training screen lets it go on"
        busy = f"{name} is training already; e on the training screen changes its limits"
        return paused if run.state == "paused" else busy
    if not checkpoint_files(paths) and not paths.events.exists():
        return f"{name} has no checkpoint to resume from"
    return ""


def further_limit(paths: RunPaths, iteration: int, now: float) -> Further | None:
    """The limit that has to be raised before a run goes on from `iteration`; None for none."""
    config = config_of(paths)
    if iteration >= config.max_iterations:
        most = more_iterations(iteration, config.max_iterations)
        return Further("max_iterations", "iterations", iteration, most - iteration)
    run = summarize(paths, now)
    if run.state not in ACTIVE and not has_work_left(run, {}) and config.max_minutes:
        return Further("max_minutes", "minutes", config.max_minutes, config.max_minutes)
    return None


def newest_iteration(paths: RunPaths) -> int:
    """Iterations of the newest regular checkpoint; 0 without one."""
    files = checkpoint_files(paths)
    return files[-1][0] if files else 0


def stored_settings(paths: RunPaths) -> tuple[TrainingConfig, tuple[str, ...]]:
    """The run's settings, defaults where they cannot be read, and what a person should know."""
    try:
        return load_stored_config(paths.config)
    except AzulError as error:
        return TrainingConfig(), (str(error),)


def config_of(paths: RunPaths) -> TrainingConfig:
    """The run's settings; the defaults where they cannot be read, as the job itself will say."""
    return stored_settings(paths)[0]


def free_name(paths: RunPaths) -> str:
    """The run's name with the next number that is free: `night-2`."""
    stem, last = paths.name, "1"
    if found := re.fullmatch(r"(.+)-(\d{1,3})", paths.name):
        stem, last = found.groups()
    names = (f"{stem[:50]}-{number}" for number in count(int(last) + 1))
    return next(name for name in names if not paths.directory.with_name(name).exists())


def name_problem(root: Path, name: str) -> str:
    """Why a new run cannot have this name, in words; empty when it can."""
    try:
        taken = run_paths(root, check_run_name(name)).directory.exists()
    except AzulError as error:
        return str(error)
    return "a run of that name already exists" if taken else ""
