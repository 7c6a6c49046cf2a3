"""A sample of self-play games, kept in the trace format that `--run replay` checks.

Traces are described in the rules' README: factories, bag and lid of each round, moves, legal
counts, scores and winners. Each round's factories are listed in canonical order.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.canonical import apply_canonical, refill_canonical
from azul_tui.game.constants import (
    COLOR_COUNT,
    decode_action,
    factory_count,
    state_size,
)
from azul_tui.game.dealing import clear_game
from azul_tui.game.layout import BAG, LID, MOVING, OVER, PHASE, score_of, sources_offset
from azul_tui.game.moves import legal_count
from azul_tui.game.random import GAME, derive
from azul_tui.game.scoring import end_bonus, winner_mask
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.search.reading.factory_order import FactoryOrder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.config import TrainingConfig
    from azul_tui.training.game_batch import GameBatch

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
