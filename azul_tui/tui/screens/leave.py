"""Leaving while jobs that were started here are still running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.screens.ask import AskScreen

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """Detach, stop after a checkpoint, or cancel; then leave.

    Args:
        running: Folder and job of what still runs.
    """

    def __init__(self, running: Mapping[str, str]) -> None:
        from azul_tui.jobs.registry import find_job

        specs = {name: find_job(job) for name, job in running.items()}
        trainings = [name for name, spec in specs.items() if spec.trains]
        # The folder of a job that keeps no run has a name that nobody chose.
        shown = [plain_text(n, 40) if n in trainings else s.title for n, s in specs.items()]
        is_one = len(specs) == 1
        names = ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
        super().__init__(
            f"{names} {'is' if is_one else 'are'} still running.",
            "",
            _choices(bool(trainings), len(trainings) < len(specs), is_one),
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


def _choices(trainings: bool, others: bool, is_one: bool) -> tuple[tuple[str, str], ...]:
    """The answers: only a training ends at an iteration, and only it leaves checkpoints."""
    it = "it" if is_one else "they"
    s = "s" if is_one else ""
    ends = f"{it} end{s} at once"
    stop = f"stop: {it} end{s} after this iteration, saved"
    if others:
        stop = "stop: trainings end after this iteration, saved; the rest at once"
    kept = f"; {'its' if is_one else 'their'} checkpoints stay" if trainings else ""
    return (
        ("d", f"detach: leave, and {it} go{'es' if is_one else ''} on"),
        *((("s", stop),) if trainings else ()),
        ("c", f"cancel: {ends}{kept}"),
        ("n", "stay here"),
    )
