"""Where a run stands, and how long the rest will take."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from azul_tui.errors import CheckpointError
from azul_tui.training.replay_shards import Shard, shard_from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azul_tui.config import TrainingConfig

_REMEMBERED_ITERATIONS = 5


@dataclass(slots=True)
class RunProgress:
    """Counters of a run that a checkpoint carries, apart from weights and optimizer."""

    iteration: int = 0
    """Iterations finished."""
    steps_done: int = 0
    """Training steps made in the iteration after that; its games are in the buffer if above 0
    or if `played` is set."""
    played: bool = False
    """Whether the games of the iteration after the last finished one are in the buffer."""
    games_total: int = 0
    samples_total: int = 0
    """Samples ever added to the replay buffer."""
    elapsed_s: float = 0.0
    """Seconds of training, pauses left out, over all processes."""
    best_score: float | None = None
    loss_sums: dict[str, float] = field(default_factory=lambda: dict[str, float]())
    """Sums of the losses over `steps_done` steps."""
    shards: list[Shard] = field(default_factory=lambda: list[Shard]())

    def as_dict(self) -> dict[str, object]:
        """Plain values, for a checkpoint."""
        plain = asdict(self)
        plain["shards"] = [shard.as_dict() for shard in self.shards]
        return plain


def progress_from_dict(fields: Mapping[str, object]) -> RunProgress:
    """The progress that a checkpoint describes.

    Raises:
        CheckpointError: It is damaged.
    """
    try:
        progress = RunProgress(**{**fields, "shards": []})  # pyright: ignore[reportArgumentType] - checked below
        shards = fields["shards"]
        assert isinstance(shards, list)
        progress.shards = [shard_from_dict(entry) for entry in shards]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - refused there
        assert isinstance(progress.iteration, int)
        assert isinstance(progress.samples_total, int)
    except (TypeError, KeyError, AssertionError):
        raise CheckpointError("the checkpoint's progress is damaged") from None
    return progress


class TimeLeft:
    """Estimates from the last few iterations of this process."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED_ITERATIONS)

    def finished(self, seconds: float) -> None:
        """An iteration took so long."""
        self._seconds.append(seconds)

    def estimate(
        self, config: TrainingConfig, progress: RunProgress, spent_s: float
    ) -> float | None:
        """Seconds until the run ends by its limits; None before the first iteration is done.

        Args:
            config: Limits in force.
            progress: Where the run stands.
            spent_s: Seconds already spent in the iteration under way.
        """
        limits: list[float] = []
        if config.max_minutes:
            limits.append(max(0.0, 60.0 * config.max_minutes - progress.elapsed_s - spent_s))
        if self._seconds:
            mean = sum(self._seconds) / len(self._seconds)
            left = (config.max_iterations - progress.iteration) * mean - spent_s
            limits.append(max(0.0, left))
        elif not limits:
            return None
        return min(limits)
