"""One call of `AzulTrainer.train`: what all of its phases work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azul_tui.training.run_progress import RunProgress, TimeLeft

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.network.compute import Compute
    from azul_tui.runs.paths import RunPaths
    from azul_tui.training.journal import Journal
    from azul_tui.training.learner import Learner
    from azul_tui.training.steering import Steering
    from azul_tui.training.stopwatch import Stopwatch

ProgressListener = Callable[[float, float, str, float | None], None]
"""`(done, total, unit, seconds left in the run)`."""


@dataclass(kw_only=True, slots=True)
class OpenRun:
    """A run while a process trains it."""

    paths: RunPaths
    journal: Journal
    steering: Steering
    compute: Compute
    """Decided when the process began; never changes."""
    learner: Learner
    progress: RunProgress
    stopwatch: Stopwatch
    on_progress: ProgressListener | None = None
    time_left: TimeLeft = field(default_factory=TimeLeft)
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Records of the iterations that this process finished."""
    phase: str = ""
    iteration_began_s: float = 0.0
    """By the stopwatch."""

    @property
    def config(self) -> TrainingConfig:
        """Settings in force."""
        return self.steering.config

    def begin_phase(self, phase: str, iteration: int) -> None:
        """Say what begins."""
        self.phase = phase
        self.journal.record("phase", phase=phase, iteration=iteration)
        self.journal.status(
            phase=phase,
            iteration=self.progress.iteration,
            max_iterations=self.config.max_iterations,
            done=0,
            total=None,
            force=True,
        )

    def tell(self, done: float, total: float, unit: str) -> None:
        """How far the phase is, to the status and to whoever listens; also polls for requests."""
        self.steering.poll()
        elapsed_s = self.stopwatch.seconds
        left_s = self.time_left.estimate(
            self.config, self.progress, elapsed_s, elapsed_s - self.iteration_began_s
        )
        self.journal.status(
            done=done,
            total=total,
            unit=unit,
            left_s=left_s,
            step=self.learner.step.step,
            learning_rate=self.learner.learning_rate,
        )
        if self.on_progress is not None:
            self.on_progress(done, total, unit, left_s)
