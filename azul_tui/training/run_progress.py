"""Where a run stands, and how long the rest will take."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, cast

from azul_tui.errors import CheckpointError
from azul_tui.training.replay import Shard, shard_from_dict

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig

LOSSES: Final = ("total_loss", "policy_loss", "value_loss")
_REMEMBERED_ITERATIONS = 5
_LARGEST_COUNT = 1 << 53


@dataclass(slots=True)
class RunProgress:
    """Counters of a run that a checkpoint carries, apart from weights and optimizer.

    An iteration plays, trains, and may be evaluated. What is written between two of these is
    enough to go on exactly there.
    """

    iteration: int = 0
    """Iterations whose training is finished."""
    played: bool = False
    """Whether the games of the iteration after that are in the buffer."""
    steps_done: int = 0
    """Training steps made in the iteration after that."""
    steps_wanted: int = 0
    """Training steps of that iteration, once it has been played."""
    opponents_left: list[str] = field(default_factory=list[str])
    """Whom the last finished iteration has still to be measured against."""
    score: float | None = None
    """Score of the last finished iteration against its last opponent, once all is measured."""
    measured: float | None = None
    """The same while other parts of the evaluation are left."""
    accepted: bool | None = None
    """What the gate said of the last finished iteration; None where it was not asked."""
    best_iteration: int | None = None
    """Whose weights are the best so far."""
    rated_bytes: int = 0
    """Bytes of the run's rated games that were played before."""
    games_total: int = 0
    samples_total: int = 0
    """Samples ever added to the replay buffer."""
    elapsed_s: float = 0.0
    """Seconds of training, pauses left out, over all processes."""
    best_score: float | None = None
    loss_sums: dict[str, float] = field(default_factory=dict[str, float])
    """Sums of the losses over `steps_done` steps."""
    shards: list[Shard] = field(default_factory=list[Shard])
    """Files of the replay buffer, oldest first."""
    oldest_shards: dict[int, str] = field(default_factory=dict[int, str])
    """First shard that each kept checkpoint names, by the number of the checkpoint."""

    @property
    def partial(self) -> bool:
        """Whether an iteration is under way whose games are in the buffer."""
        return self.played

    @property
    def checkpoint_number(self) -> int:
        """Number of a checkpoint written now: that of the iteration under way, if there is one."""
        return self.iteration + (1 if self.partial else 0)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for a checkpoint."""
        plain = asdict(self)
        plain["shards"] = [shard.as_dict() for shard in self.shards]
        return plain

    def begin_training(self, steps: int) -> None:
        """The games of an iteration are in the buffer; `steps` training steps follow."""
        self.played = True
        self.steps_done = 0
        self.steps_wanted = steps
        self.loss_sums = {}

    def finish_iteration(self, opponents: tuple[str, ...]) -> None:
        """The training of an iteration is done; it is to be measured against `opponents`."""
        self.iteration += 1
        self.played = False
        self.steps_done = 0
        self.loss_sums = {}
        self.opponents_left = list(opponents)
        self.score = self.measured = self.accepted = None

    def judge_best(self, number: int, score: float) -> None:
        """Weights with a score are about to be saved as `number`: are they the best?

        The gate has said so, if there is one; else a score no lower than any before does.
        """
        accepted = self.accepted
        if accepted is None:
            accepted = self.best_score is None or score >= self.best_score
        if accepted:
            self.best_score = score
            self.best_iteration = number


def progress_from_dict(fields: object) -> RunProgress:
    """The progress that a checkpoint describes; fields that older ones lack keep their defaults.

    Raises:
        CheckpointError: It is damaged.
    """
    try:
        if not isinstance(fields, Mapping):
            raise TypeError("no table")
        return _checked(cast("Mapping[object, object]", fields))
    except (TypeError, ValueError, KeyError) as error:
        raise CheckpointError(f"the checkpoint's progress is damaged ({error})") from None


def _checked(fields: Mapping[object, object]) -> RunProgress:
    """`progress_from_dict`, raising whatever a damaged table leads to."""
    progress = RunProgress()
    counts = ("iteration", "steps_done", "steps_wanted", "games_total", "samples_total")
    for name in (*counts, "rated_bytes"):
        setattr(progress, name, _count(fields.get(name, 0), name))
    if "iteration" not in fields:
        raise ValueError("iteration is missing")
    progress.played = fields.get("played", False) is True
    progress.elapsed_s = max(0.0, _real(fields.get("elapsed_s", 0.0), "elapsed_s"))
    accepted, best = fields.get("accepted"), fields.get("best_iteration")
    progress.accepted = accepted if isinstance(accepted, bool) else None
    progress.best_iteration = None if best is None else _count(best, "best_iteration")
    for name in ("score", "measured", "best_score"):
        found = fields.get(name)
        setattr(progress, name, None if found is None else _real(found, name))
    sums = _table(fields.get("loss_sums", {}), "loss_sums")
    progress.loss_sums = {_word(key): _real(value, "loss_sums") for key, value in sums.items()}
    if (progress.steps_done or progress.loss_sums) and set(progress.loss_sums) != set(LOSSES):
        raise ValueError("loss_sums are not those of the losses")
    oldest = _table(fields.get("oldest_shards", {}), "oldest_shards")
    progress.oldest_shards = {
        _count(key, "oldest_shards"): _word(value) for key, value in oldest.items()
    }
    progress.opponents_left = [_word(name) for name in _list(fields.get("opponents_left", []))]
    progress.shards = [shard_from_dict(entry) for entry in _list(fields["shards"])]
    return progress


def _count(value: object, name: str) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST_COUNT:
        raise ValueError(f"{name} is not a count")
    return value


def _real(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is not a number")
    return float(value)


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a name is not a text")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("a list is missing")
    return cast("list[object]", value)


def _table(value: object, name: str) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is not a table")
    return cast("Mapping[object, object]", value)


class TimeLeft:
    """Estimates from the last few iterations of this process."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED_ITERATIONS)

    def finished(self, seconds: float) -> None:
        """An iteration took so long."""
        self._seconds.append(seconds)

    def estimate(
        self, config: TrainingConfig, progress: RunProgress, elapsed_s: float, spent_s: float
    ) -> float | None:
        """Seconds until the run ends by its limits; None before the first iteration is done.

        Args:
            config: Limits in force.
            progress: Where the run stands.
            elapsed_s: Seconds of training so far.
            spent_s: Those in the iteration under way.
        """
        limits: list[float] = []
        if config.max_minutes:
            limits.append(max(0.0, 60.0 * config.max_minutes - elapsed_s))
        if self._seconds:
            mean = sum(self._seconds) / len(self._seconds)
            left = (config.max_iterations - progress.iteration) * mean - spent_s
            limits.append(max(0.0, left))
        elif not limits:
            return None
        return min(limits)
