"""What `r` and `R` mean for a run: go on at once, ask first, or say why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from azul_tui.runs.listing import checkpoint_files, summarize
from azul_tui.runs.lock import writer_lives
from azul_tui.runs.resumable import has_work_left
from azul_tui.runs.status import ACTIVE
from azul_tui.runs.text import plain_text
from azul_tui.tui.forms.resume import ResumePlan

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.app import AzulApp

_NUMBER = re.compile(r"([0-9]{6,12})\.pt$")


def plan_for(
    paths: RunPaths, checkpoint: Path | None, now: float, *, as_new: bool = False
) -> ResumePlan:
    """What going on from a checkpoint would be.

    Args:
        paths: The run.
        checkpoint: One of its files; None for its newest.
        now: Unix seconds.
        as_new: Whether another run begins from it.
    """
    run = summarize(paths, now)
    files = checkpoint_files(paths)
    newest = files[-1][0] if files else 0
    found = _NUMBER.search(checkpoint.name) if checkpoint is not None else None
    return ResumePlan(
        paths=paths,
        checkpoint=checkpoint,
        iteration=int(found[1]) if found else max(newest, 0),
        finished=run.state not in ACTIVE and not has_work_left(run, {}),
        newest=newest,
        as_new=as_new,
    )


def why_not(paths: RunPaths, now: float) -> str:
    """Why a run cannot be resumed now, in words; empty when it can."""
    run = summarize(paths, now)
    if writer_lives(paths) or (run.state in ACTIVE and not run.stalled):
        name = plain_text(paths.name, 64)
        if run.state == "paused":
            return f"{name} is paused; p on the training screen lets it go on"
        return f"{name} is going on; e on the training screen changes its limits"
    if not checkpoint_files(paths) and not paths.events.exists():
        return f"{plain_text(paths.name, 64)} holds nothing to go on from"
    return ""


async def go_on(app: AzulApp, paths: RunPaths, checkpoint: Path | None = None) -> None:
    """Resume a run: at once when it was interrupted, asked how far when it has finished.

    An older checkpoint is asked about with the whole form, for what came after it is given up.
    """
    from azul_tui.tui.starting import look_at, start_resume

    reason = why_not(paths, app.clock())
    if reason:
        app.notify(reason, severity="warning", markup=False)
        return
    plan = plan_for(paths, checkpoint, app.clock())
    if plan.iteration < plan.newest:
        _ask(app, plan)
        return
    if plan.finished:
        _ask_how_many_more(app, plan)
        return
    started = await start_resume(app, paths, checkpoint)
    if started is not None:
        look_at(app, started)


def go_on_as_new(app: AzulApp, paths: RunPaths, checkpoint: Path | None) -> None:
    """Ask for name and settings of a new run from a checkpoint."""
    _ask(app, plan_for(paths, checkpoint, app.clock(), as_new=True))


def _ask_how_many_more(app: AzulApp, plan: ResumePlan) -> None:
    """One number, or the whole form for whoever wants it."""
    from azul_tui.tui.forms.resume import further_of
    from azul_tui.tui.screens.how_many_more import WHOLE_FORM, HowManyMoreScreen
    from azul_tui.tui.starting import look_at, start_resume

    further = further_of(plan)
    if further is None:
        _ask(app, plan)
        return
    screen = HowManyMoreScreen(plan, further)

    async def go(overrides: list[str]) -> None:
        started = await start_resume(app, plan.paths, plan.checkpoint, overrides)
        if started is not None:
            look_at(app, started)

    def answered(text: str | None) -> None:
        if text == WHOLE_FORM:
            _ask(app, plan)
        elif text is not None:
            app.run_worker(go([f"{further.setting}={screen.limit(text)}"]), name="resume")

    app.push_screen(screen, answered)


def _ask(app: AzulApp, plan: ResumePlan) -> None:
    """Show the form, and the run once it has been started."""
    from azul_tui.tui.screens.resume import ResumeScreen
    from azul_tui.tui.starting import look_at

    def answered(started: RunPaths | None) -> None:
        if started is not None:
            look_at(app, started)

    app.push_screen(ResumeScreen(plan), answered)
