"""What is said on the terminal after the dashboard has gone: what goes on, and the way back."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from azul_tui.jobs.registry import find_job
from azul_tui.runs.paths import runs_root
from azul_tui.runs.status import ACTIVE
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from azul_tui.tui.app import AzulApp

STOP, CANCEL = "s", "c"
"""Answers of the question that leaving asks."""


def goodbye(app: AzulApp) -> str:
    """One line for each training that goes on, or that was asked to end; empty for none.

    Args:
        app: The dashboard, after it has ended.
    """
    names = {
        name: app.job_names.get(name, "")
        for name, process in app.processes.items()
        if process.poll() is None
    }
    judgement = app.judgement()
    followed = app.feed.name if app.feed is not None else ""
    if followed and followed not in names and judgement is not None and judgement.state in ACTIVE:
        names[followed] = "train"
    trainings = [name for name, job in names.items() if job and find_job(job).trains]
    return told(trainings, app.left_with, app.runs_root, os.environ)


def told(names: Sequence[str], answer: str, root: Path, environment: Mapping[str, str]) -> str:
    """The lines themselves.

    Args:
        names: Runs that go on.
        answer: What the person answered when asked how to leave; empty when nothing was asked.
        root: The folder of runs.
        environment: May name that folder, so that nobody has to.
    """
    where = "" if runs_root(None, environment) == root else f" --dir {shlex.quote(str(root))}"
    words = {
        STOP: "stops after this iteration and saves; look at it with",
        CANCEL: "is cancelled, its checkpoints stay; look at it with",
    }.get(answer, "goes on training; come back with")
    return "".join(
        f"{plain_text(name, 64)} {words}: azul-tui --attach {shlex.quote(plain_text(name, 64))}"
        f"{plain_text(where, 400)}\n"
        for name in names
    )
