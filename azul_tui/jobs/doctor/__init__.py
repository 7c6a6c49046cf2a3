"""Job `doctor`: what this machine offers, and in words what is wrong with it.

Every check looks at one thing and yields a `Finding`. None changes anything; two write a few
bytes into a nameless file to see whether they can.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from azul_tui.jobs.doctor import hardware, place, software
from azul_tui.runs.machine import cache_place, speak_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from azul_tui.jobs.doctor.finding import Finding
    from azul_tui.jobs.start import JobContext


def run(context: JobContext) -> dict[str, Any]:
    """Print every finding, then what is wrong; `ok` is False when anything is."""
    speak_with(lambda _: None)  # it is told here, as a finding
    findings: list[Finding] = []
    recorded = context.directory != context.runs_root  # as only a dashboard wants it
    for finding in _look(context.runs_root, os.environ, of_dashboard=recorded):
        findings.append(finding)
        context.reporter.say(f"{finding.subject:<13} {finding.told}")
        context.reporter.record(
            "finding",
            subject=finding.subject,
            told=finding.told,
            problem=finding.problem,
            advice=finding.advice,
        )
    problems = [finding.problem for finding in findings if finding.problem]
    advice = [finding.advice for finding in findings if finding.advice]
    context.reporter.say()
    for number, problem in enumerate(problems, start=1):
        context.reporter.say(f"problem {number}: {problem}")
    for line in advice:
        context.reporter.say(f"advice: {line}")
    if not problems:
        context.reporter.say("Everything that training and the dashboard need is here.")
    return {
        "ok": not problems,
        "findings": {finding.subject: finding.told for finding in findings},
        "problems": problems,
        "advice": advice,
    }


def _look(root: Path, environment: Mapping[str, str], *, of_dashboard: bool) -> Iterator[Finding]:
    yield from software.python()
    yield from place.cache(cache_place())
    yield from software.torch()
    yield from software.numba()
    yield from software.compute()
    yield from software.packages()
    yield from hardware.processor()
    yield from hardware.threads(environment)
    yield from hardware.memory()
    yield from hardware.gpus()
    yield from place.terminal(environment, of_dashboard=of_dashboard)
    yield from place.runs_folder(root)
