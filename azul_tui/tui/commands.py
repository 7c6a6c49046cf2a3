"""What the command palette finds beside the library's own commands: jobs, runs, checkpoints."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Provider

from azul_tui.runs.text import plain_text
from azul_tui.views import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.command import Hits

    from azul_tui.tui.app import AzulApp

MOST_RUNS = 200
Command = tuple[str, str, "Callable[[], object]"]


class AzulProvider(Provider):
    """Commands with a name, a help and what they do."""

    @property
    def azul(self) -> AzulApp:
        """The app, by its own type."""
        return cast("AzulApp", self.app)

    def commands(self) -> list[Command]:
        """All commands there are now."""
        raise NotImplementedError

    async def discover(self) -> Hits:
        """The commands before anything is typed."""
        for name, help_text, callback in self.commands():
            yield DiscoveryHit(name, callback, help=help_text)

    async def search(self, query: str) -> Hits:
        """The commands that fit what is typed."""
        matcher = self.matcher(query)
        for name, help_text, callback in self.commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), callback, help=help_text)


class PlaceProvider(AzulProvider):
    """The seven places, and the keys of the present screen."""

    def commands(self) -> list[Command]:
        """Places, then keys."""
        from azul_tui.tui.widgets.frame import PLACES

        found: list[Command] = [
            (f"Go to {title}", f"key {key}", partial(self.azul.action_place, mode))
            for key, mode, title in PLACES
        ]
        seen: set[str] = set()
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if not active.enabled or not binding.description or binding.action in seen:
                continue
            seen.add(binding.action)
            name = self.app.get_key_display(binding)
            run = partial(self.app.simulate_key, key)
            found.append((binding.description.capitalize(), f"key {name}", run))
        return found


class JobProvider(AzulProvider):
    """Every job that can be started, and those that were."""

    def commands(self) -> list[Command]:
        """What was started first, for a person wants to see what became of it."""
        from azul_tui.jobs.registry import jobs

        found: list[Command] = []
        for job in reversed(self.azul.jobs.all.values()):
            how = "running" if job.running else "ended"
            found.append((f"Show {job.title}", how, partial(self.azul.show_job, job)))
        for spec in jobs():
            if not spec.for_programs:
                opened = partial(self.azul.open_job_form, spec.name)
                found.append((f"Start: {spec.title}", spec.description, opened))
        return found


class RunProvider(AzulProvider):
    """Runs and their checkpoints."""

    def commands(self) -> list[Command]:
        """The newest runs first."""
        import time

        from azul_tui.runs.listing import checkpoint_files
        from azul_tui.views.run_list import recent_runs

        found: list[Command] = []
        for paths, changed in recent_runs(self.azul.runs_root)[:MOST_RUNS]:
            name = plain_text(paths.name, 64)
            aged = words.ago(time.time() - changed)
            found.append((f"Run {name}", aged, partial(self.azul.open_run, paths)))
            if len(found) < MOST_RUNS:
                found += [
                    (
                        f"Checkpoint {name} iteration {iteration:,}",
                        aged,
                        partial(self.azul.open_checkpoint, file),
                    )
                    for iteration, file in reversed(checkpoint_files(paths))
                ]
        return found
