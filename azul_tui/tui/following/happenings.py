"""What happens in a run, as values: matches, checkpoints, changes, compilation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One match against a named opponent; score, low and high in [0, 1]."""

    t: float
    iteration: int
    step: float
    opponent: str
    games: int
    wins: int
    draws: int
    losses: int
    score: float
    low: float
    high: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCheckpoint:
    """A checkpoint as its event tells it."""

    t: float
    iteration: int
    step: float
    file: str
    score: float | None
    best: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A changed setting, an alert or an answer to a request, in words."""

    t: float
    iteration: int
    step: float
    kind: str
    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile:
    """Progress of the first-time compilation."""

    done: int
    total: int
    name: str
    seconds: float
