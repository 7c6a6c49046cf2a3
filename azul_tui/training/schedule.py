"""What changes over a run: the learning rate by the step, simulations by the iteration."""

from __future__ import annotations

import dataclasses
import math

from azul_tui.config.setting import check_float
from azul_tui.errors import ConfigError


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LearningRateSchedule:
    """A linear rise, then the peak, or a cosine down from it when an end is named."""

    peak: float = 1e-3
    warmup_steps: int = 0
    """Steps of linear rise, from peak / warmup_steps."""
    total_steps: int | None = None
    """Step at which the cosine arrives (Loshchilov and Hutter 2017); None: stay at the peak."""
    final_share: float = 0.0
    """What is left of the peak at `total_steps` and after."""

    def __post_init__(self) -> None:
        """Refuse rates that cannot train."""
        object.__setattr__(self, "peak", check_float("learning_rate", self.peak, 0.0))
        if self.peak == 0.0:
            raise ConfigError("learning_rate must be above 0, got 0")

    def rate_at(self, step: int) -> float:
        """Learning rate of step `step`, from 0."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        if self.total_steps is None:
            return self.peak
        span = max(1, self.total_steps - self.warmup_steps)
        progress = min(1.0, (step - self.warmup_steps) / span)
        share = 0.5 * (1.0 + math.cos(math.pi * progress))
        return self.peak * (self.final_share + (1.0 - self.final_share) * share)
