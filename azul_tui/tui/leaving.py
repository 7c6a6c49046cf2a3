"""Leaving: what becomes of the jobs that run, and what is said on the terminal afterwards."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, cast

from azul_tui.runs.paths import runs_root
from azul_tui.runs.status import ACTIVE
from azul_tui.runs.text import plain_text
from azul_tui.tui.modals import Choose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from azul_tui.tui.app import AzulApp
    from azul_tui.tui.jobs import StartedJob


class LeaveBox(Choose):
    """Detach, stop, cancel, or stay."""

    def __init__(self, running: Sequence[StartedJob], stakes: Sequence[str] = ()) -> None:
        self.running = list(running)
        lost = " ".join(stakes)
        if not running:
            super().__init__(lost, "", (("d", "leave"), ("n", "stay here")), "n")
            return
        trains = [job.spec.trains for job in running]
        one = len(running) == 1
        names = ", ".join(job.title for job in running[:3])
        names += f" and {len(running) - 3} more" if len(running) > 3 else ""
        it, s = ("it", "s") if one else ("they", "")
        stop = f"stop: {it} end{s} after this iteration, saved"
        if not all(trains):
            stop = "stop: trainings end after this iteration, saved; the rest at once"
        kept = "; checkpoints stay" if any(trains) else ""
        answers = [("d", f"detach: leave, and {it} go{'es' if one else ''} on")]
        if any(trains):
            answers.append(("s", stop))
        answers += [("c", f"cancel: {it} end{s} at once{kept}"), ("n", "stay here")]
        super().__init__(f"{names} {'is' if one else 'are'} still running.", lost, answers, "n")

    def dismiss(self, result: str | None = None):  # type: ignore[override]
        """Act on the answer."""
        app = cast("AzulApp", self.app)
        waiting = super().dismiss(result)
        if result in {"s", "c"}:
            app.left_with = result
            for job in self.running:
                if result == "s" and job.spec.trains:
                    app.request("stop", job.paths)
                else:
                    app.jobs.cancel(job)
        if result in {"d", "s", "c"}:
            app.exit(0)
        return waiting


def goodbye(app: AzulApp) -> str:
    """One line for each training that goes on, or was asked to end; empty for none."""
    names = [job.paths.name for job in app.jobs.running if job.spec.trains and job.at_work]
    feed, run = app.feed, app.run_now()
    if feed is not None and run is not None and run.state in ACTIVE and feed.name not in names:
        names.append(feed.name)
    return told(names, app.left_with, app.runs_root, os.environ)


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
        "s": "stops after this iteration and saves; look at it with",
        "c": "is cancelled, its checkpoints stay; look at it with",
    }.get(answer, "goes on training; come back with")
    return "".join(
        f"{plain_text(name, 64)} {words}: azul-tui --attach {shlex.quote(plain_text(name, 64))}"
        f"{plain_text(where, 400)}\n"
        for name in names
    )
