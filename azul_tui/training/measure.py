"""How a score was measured: scores compare only when that is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig

Measure = tuple[str, int]
"""The opponent, and the simulations a move of the weights that are measured."""


def measure_of(config: TrainingConfig) -> Measure:
    """How these settings measure the score of a checkpoint: against their last opponent."""
    return (config.eval_opponents[-1] if config.eval_opponents else "", config.eval_simulations)


def read_measure(value: object, config: TrainingConfig) -> Measure:
    """What a checkpoint says of its best score's measure, else that of its settings."""
    fields = cast("list[object]", value) if isinstance(value, list) else []
    if len(fields) == 2 and isinstance(fields[0], str) and type(fields[1]) is int:
        return fields[0], fields[1]
    return measure_of(config)


def in_words(measure: Measure) -> str:
    """`against greedy with 64 simulations`."""
    opponent, simulations = measure
    how = f"with {simulations:,} simulations" if simulations else "by the bare policy"
    return f"against {plain_text(opponent, 60)} {how}"
