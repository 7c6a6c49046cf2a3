"""Leaving while jobs that were started here are still running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.screens.ask import AskScreen

if TYPE_CHECKING:
    from collections.abc import Sequence


class LeaveGameScreen(AskScreen):
    """Leave in the middle of a game, or stay."""

    def __init__(self) -> None:
        super().__init__(
            "The game in Play is not over.",
            "Its file cannot be written, so it is not kept when you leave.",
            (("q", "leave, the game is given up"), ("n", "stay here")),
            safe="n",
        )

    def dismiss(self, result: str | None = None):  # type: ignore[override]
        """Act on the answer."""
        waiting = super().dismiss(result)
        if result == "q":
            self.azul.exit(0)
        return waiting


class LeaveScreen(AskScreen):
    """Detach, stop after a checkpoint, or cancel; then leave."""

    def __init__(self, running: Sequence[str]) -> None:
        names = ", ".join(plain_text(name, 40) for name in running[:3])
        super().__init__(
            f"{names} is still running." if len(running) == 1 else f"{names} are still running.",
            "",
            (
                ("d", "detach: leave, and it goes on"),
                ("s", "stop: it ends after this iteration, saved"),
                ("c", "cancel: it ends at once; its checkpoints stay"),
                ("n", "stay here"),
            ),
            safe="d",
        )
        self.running = tuple(running)

    def dismiss(self, result: str | None = None):  # type: ignore[override]
        """Act on the answer."""
        waiting = super().dismiss(result)
        self.azul.left_with = result or ""
        requests = {"s": "stop", "c": "cancel"}
        if result in requests:
            self._ask_all(requests[result])
        if result in {"d", "s", "c"}:
            self.azul.exit(0)
        return waiting

    def _ask_all(self, request: str) -> None:
        from azul_tui.errors import AzulError
        from azul_tui.jobs.registry import find_job
        from azul_tui.runs.control import drop_request

        for name, paths in self.azul.job_paths.items():
            if name not in self.running:
                continue
            if not find_job(self.azul.job_names[name]).trains:
                self.azul.processes[name].terminate()  # only a training reads requests
                continue
            try:
                drop_request(paths, request)
            except AzulError as error:
                self.azul.notify(str(error), severity="error", markup=False)
