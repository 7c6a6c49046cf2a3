"""What a person may do to a run as a whole: rename, archive, delete. Never a live one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from azul_tui.errors import RunError
from azul_tui.runs.lock import gives_signs, lock_holder, writer_lives
from azul_tui.runs.paths import run_paths
from azul_tui.runs.processes import is_held
from azul_tui.runs.status import ACTIVE, judge, read_status
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths

ARCHIVE = ".archive"
"""Folder for archived runs, hidden from every list."""


def refuse_live(paths: RunPaths, now: float, verb: str) -> None:
    """Refuse to touch a run that is going on.

    Raises:
        RunError: It is live; the message says who holds it.
    """
    status, holder = read_status(paths.status), lock_holder(paths)
    live = status is not None and judge(status, now, paths.lock).state in ACTIVE
    held = is_held(paths.lock) or writer_lives(paths)
    if held is None:  # what another machine does is not undone by a clock that differs
        held = gives_signs(paths, now)
    if live or held:
        who = f" by {holder}" if holder is not None else ""
        raise RunError(
            f"the run {plain_text(paths.name, 64)} is going on{who}; stop it before you {verb} it"
        )


def rename_run(paths: RunPaths, name: str, now: float) -> RunPaths:
    """Give a run another name; returns its new paths.

    Raises:
        RunError: The name is refused or taken, or the run is live.
    """
    refuse_live(paths, now, "rename")
    renamed = run_paths(paths.directory.parent, name)
    _move(paths, renamed.directory, "renamed")
    return renamed


def archive_run(paths: RunPaths, now: float) -> Path:
    """Move a run into the hidden archive beside it; returns where it is now.

    Raises:
        RunError: The run is live, or one of that name is already archived.
    """
    refuse_live(paths, now, "archive")
    archive = paths.directory.parent / ARCHIVE
    try:
        archive.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{archive}: cannot be made ({error.strerror})") from None
    _move(paths, archive / paths.name, "archived")
    return archive / paths.name


def delete_run(paths: RunPaths, now: float) -> None:
    """Delete a run with everything in it.

    Raises:
        RunError: The run is live, or a file resists.
    """
    refuse_live(paths, now, "delete")
    if paths.directory.is_symlink():
        raise RunError(f"{plain_text(paths.name, 64)} is a link; remove it by hand")
    try:
        shutil.rmtree(paths.directory)
    except OSError as error:
        raise RunError(
            f"{plain_text(str(error.filename), 120)}: cannot be deleted ({error.strerror})"
        ) from None


def _move(paths: RunPaths, target: Path, how: str) -> None:
    if target.exists():
        raise RunError(f'"{plain_text(target.name, 64)}" is taken; choose another name')
    try:
        paths.directory.rename(target)
    except OSError as error:
        raise RunError(f"{plain_text(paths.name, 64)} cannot be {how} ({error.strerror})") from None
