"""The games of one iteration as data: to the learner, and as a sample for people."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import (
    BAG,
    COLOR_COUNT,
    LID,
    MOVING,
    OVER,
    PHASE,
    decode_action,
    factory_count,
    state_size,
)
from azul_tui.game.random import GAME, derive
from azul_tui.game.rules import (
    apply_canonical,
    clear_game,
    end_bonus,
    legal_count,
    refill_canonical,
    score_of,
    sources_offset,
    winner_mask,
)
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.search.reading import FactoryOrder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.config import TrainingConfig


# -- what self-play hands over: samples of finished games, their moves, and how far a batch is
#
# Letters: N samples, S bytes a position, A actions, V values.


@dataclass(frozen=True, slots=True)
class PlayedGame:
    """One game's moves, enough to replay it with the run's seed."""

    number: int
    actions: tuple[int, ...]
    """In canonical factory order."""


class SelfPlayTally(NamedTuple):
    """Sums over a batch of games."""

    games: int = 0
    moves: int = 0
    simulations: int = 0
    first_seat_wins: float = 0.0
    """Shared victories count by their share."""
    draws: int = 0
    entropy: float = 0.0
    """Sum over the learnt policies, in nats."""
    policies: int = 0


@dataclass(frozen=True, slots=True)
class GameBatch:
    """The samples of finished games, in order of game number."""

    states: npt.NDArray[np.int8]
    """`(N, S)`."""
    policies: npt.NDArray[np.float16]
    """`(N, A)`; zeros where only the value is learnt."""
    outcomes: npt.NDArray[np.float32]
    """`(N, V)` in [-1, 1], seen by the mover."""
    games: tuple[PlayedGame, ...]
    samples: npt.NDArray[np.int64]
    """`(len(games),)` samples of each game."""
    tally: SelfPlayTally = field(default_factory=SelfPlayTally)


@dataclass(frozen=True, slots=True)
class SelfPlayProgress:
    """How far a batch of games is, for people to look at."""

    games: int
    simulations: int
    position: bytes
    """The position under play at the first place."""
    number: int
    """Its game number."""
    moves: int
    """Moves made in it."""
    last_action: int = -1
    """The last of them, -1 before the first."""
    value: float | None = None
    """What the last search thought of the position it moved from, seen by its mover."""


def merge_batches(batches: Sequence[GameBatch]) -> GameBatch:
    """All games of `batches` in order of number, whoever played them and whenever."""
    games = [game for batch in batches for game in batch.games]
    samples = np.concatenate([batch.samples for batch in batches])
    numbers = np.asarray([game.number for game in games], np.int64)
    # Rows keep their order within a game, so sorting them by game is all there is to do.
    rows = np.argsort(np.repeat(numbers, samples), kind="stable")
    order: list[int] = np.argsort(numbers, kind="stable").tolist()
    return GameBatch(
        states=np.concatenate([batch.states for batch in batches])[rows],
        policies=np.concatenate([batch.policies for batch in batches])[rows],
        outcomes=np.concatenate([batch.outcomes for batch in batches])[rows],
        games=tuple(games[game] for game in order),
        samples=samples[order],
        tally=SelfPlayTally(*map(sum, zip(*(batch.tally for batch in batches), strict=True))),
    )


# -- A sample of self-play games, kept in the trace format that `--run replay` checks
#
# Traces are described in the rules' README: factories, bag and lid of each round, moves, legal
# counts, scores and winners. Each round's factories are listed in canonical order.

GAMES_KEPT = 2
"""Games of an iteration that are kept."""


def trace_game(players: int, game_seed: int, actions: Sequence[int]) -> dict[str, object]:
    """One self-play game as a trace.

    Args:
        players: P.
        game_seed: Seed of the game's refills.
        actions: Its moves, in canonical order.
    """
    state = np.zeros(state_size(players), np.int8)
    stream = np.zeros(1, np.uint64)
    clear_game(state, players)
    rounds: list[dict[str, object]] = []
    moves: list[tuple[int, int, int]] = []
    counts: list[int] = []
    scores: list[list[int]] = []
    sources = sources_offset(state)
    order = FactoryOrder(range(factory_count(players)))
    for action in actions:
        if state[PHASE] != MOVING:
            order = FactoryOrder(range(factory_count(players)))
            refill_canonical(state, np.uint64(game_seed), stream)
            end = sources + factory_count(players) * COLOR_COUNT
            rounds.append(
                {
                    "factories": state[sources:end].reshape(-1, COLOR_COUNT).tolist(),
                    "bag": state[BAG : BAG + COLOR_COUNT].tolist(),
                    "lid": state[LID : LID + COLOR_COUNT].tolist(),
                }
            )
        counts.append(int(legal_count(state)))
        moves.append(decode_action(order.follow(action)))
        apply_canonical(state, action)
        if state[PHASE] != MOVING:
            over = state[PHASE] == OVER
            scores.append(
                [
                    int(score_of(state, seat) - (end_bonus(state, seat) if over else 0))
                    for seat in range(players)
                ]
            )
    mask = int(winner_mask(state)) if state[PHASE] == OVER else 0
    return {
        "players": players,
        "first_player": 0,
        "rounds": rounds,
        "moves": moves,
        "scores_after_round": scores,
        "final_scores": [int(score_of(state, seat)) for seat in range(players)],
        "winners": [seat for seat in range(players) if mask >> seat & 1],
        "n_legal": counts,
    }


def write_games(folder: Path, iteration: int, batch: GameBatch, config: TrainingConfig) -> None:
    """Keep the first games of an iteration as `iter_000005.jsonl`."""
    lines: list[str] = []
    for game in batch.games[:GAMES_KEPT]:
        seed = int(derive(np.uint64(config.seed), GAME, game.number))
        trace = trace_game(config.num_players, seed, game.actions)
        trace["meta"] = {"policy": "self-play", "tag": f"game {game.number}", "events": {}}
        lines.append(json.dumps(trace, separators=(",", ":")) + "\n")
    folder.mkdir(exist_ok=True)
    write_bytes_atomically(
        folder / f"iter_{iteration:06d}.jsonl", "".join(lines).encode(), durable=False
    )
