"""What the command palette finds beside the library's own commands: keys, jobs, runs."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Provider

from azul_tui.jobs.registry import jobs
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.text import plain_text
from azul_tui.tui.widgets.frame import PLACES
from azul_tui.views import words
from azul_tui.views.run_list import recent_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.command import Hits

    from azul_tui.tui.app import AzulApp

MOST_FOUND, MOST_SHOWN = 200, 5
"""Runs and checkpoints that are found by typing, and runs that are shown before.

What is shown before anything is typed is kept short: opening it costs a millisecond for each."""


class AzulCommands(Provider):
    """Places, the keys of the present screen, jobs, runs and their checkpoints."""

    async def startup(self) -> None:
        """Look once for what there is; not at every letter that is typed."""
        self._found = [*self._keys(), *self._jobs(), *self._runs()]

    async def discover(self) -> Hits:
        """The commands before anything is typed."""
        for name, help_text, callback, discover in self._found:
            if discover:
                yield DiscoveryHit(name, callback, help=help_text)

    async def search(self, query: str) -> Hits:
        """The commands that fit what is typed."""
        matcher = self.matcher(query)
        for name, help_text, callback, _ in self._found:
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), callback, help=help_text)

    @property
    def _azul(self) -> AzulApp:
        return cast("AzulApp", self.app)

    def _keys(self) -> Iterator[SystemCommand]:
        for key, mode, title in PLACES:
            run = partial(self._azul.action_place, mode)
            yield SystemCommand(f"Go to {title}", f"key {key}", run)
        seen: set[str] = set()
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if active.enabled and binding.description and binding.action not in seen:
                seen.add(binding.action)
                name = self.app.get_key_display(binding)
                run = partial(self.app.simulate_key, key)
                told = binding.description.capitalize()
                yield SystemCommand(told, f"key {name}", run, discover=False)

    def _jobs(self) -> Iterator[SystemCommand]:
        """Those that were started first: a person wants to see what became of them."""
        for job in reversed(self._azul.jobs.all.values()):
            how = "running" if job.running else "ended"
            yield SystemCommand(f"Show {job.title}", how, partial(self._azul.show_job, job))
        for spec in jobs():
            if not spec.for_programs:
                run = partial(self._azul.go_with, "menu", spec.name)
                yield SystemCommand(f"Start: {spec.title}", spec.description, run)

    def _runs(self) -> Iterator[SystemCommand]:
        """The newest first."""
        left = MOST_FOUND
        for number, (paths, changed) in enumerate(recent_runs(self._azul.runs_root)[:MOST_FOUND]):
            name, aged = plain_text(paths.name, 64), words.ago(time.time() - changed)
            run = partial(self._azul.open_run, paths)
            yield SystemCommand(f"Run {name}", aged, run, number < MOST_SHOWN)
            files = checkpoint_files(paths)[::-1] if left > 0 else []
            left -= len(files)
            for iteration, file in files:
                run = partial(self._azul.go_with, "checkpoints", file)
                told = f"Checkpoint {name} iteration {iteration:,}"
                yield SystemCommand(told, aged, run, discover=False)
