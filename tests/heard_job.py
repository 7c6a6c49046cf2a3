"""A job started inside the process of a test, with its result, its records and its lines."""

from __future__ import annotations

import io
import json
from pkgutil import resolve_name

from azul_tui.jobs.registry import find_job, job_settings
from azul_tui.jobs.reporter import Reporter
from azul_tui.jobs.start import JobContext


class HeardJob:
    """`settings` besides the defaults; `text` is what a person reads."""

    def __init__(self, name, root, *, json_lines=True, **settings):
        spec = find_job(name)
        self.output, self.errors = io.StringIO(), io.StringIO()
        self.context = JobContext(
            spec=spec,
            settings={item.name: item.default for item in job_settings(spec)} | settings,
            reporter=Reporter(self.output, self.errors, json_lines=json_lines),
            runs_root=root,
            directory=root,
        )

    def run(self):
        self.result = resolve_name(f"azul_tui.jobs.{self.context.spec.entry}")(self.context)
        return self

    @property
    def text(self):
        return (self.errors if self.context.reporter.json_lines else self.output).getvalue()

    @property
    def records(self):
        return [json.loads(line) for line in self.output.getvalue().splitlines()]
