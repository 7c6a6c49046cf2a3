"""Job 0: every component demo, one after the other."""

from __future__ import annotations

import dataclasses
import importlib
import time
from typing import TYPE_CHECKING, Any

from azul_tui.errors import AzulError
from azul_tui.jobs.registry import find_job

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext

PARTS = ("losses", "sampling", "step", "checkpoints", "selfplay", "components")


def run(context: JobContext) -> dict[str, Any]:
    """Run each demo with its defaults and this job's seed; `ok` when all of them are."""
    reporter = context.reporter
    outcomes: dict[str, Any] = {}
    for index, name in enumerate(PARTS):
        title = find_job(name).title
        reporter.record("part", name=name, title=title, state="waiting", number=index + 1)
    for index, name in enumerate(PARTS):
        spec = find_job(name)
        if context.stop.is_set():
            break
        reporter.say(f"── {index + 1} of {len(PARTS)}: {spec.title} ──")
        reporter.record("part", name=name, title=spec.title, state="running", number=index + 1)
        settings = {setting.name: setting.default for setting in spec.settings}
        settings["seed"] = context.settings["seed"]
        started = time.monotonic()
        try:
            module = importlib.import_module(spec.module)
            outcome = module.run(dataclasses.replace(context, spec=spec, settings=settings))
            good = bool(outcome.get("ok", True))
        except AzulError as error:
            reporter.say(str(error))
            outcome, good = {"error": str(error)}, False
        seconds = time.monotonic() - started
        outcomes[name] = outcome
        reporter.record(
            "part",
            name=name,
            title=spec.title,
            state="done" if good else "failed",
            seconds=round(seconds, 2),
            number=index + 1,
        )
        reporter.say("")
    failed = [name for name in PARTS if "error" in outcomes.get(name, {"error": "not run"})]
    if failed:
        reporter.say(f"failed: {', '.join(failed)}")
    else:
        reporter.say(f"all {len(PARTS)} components work")
    return {"ok": not failed, "failed": failed, "parts": outcomes}
