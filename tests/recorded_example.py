"""One recorded game as a run keeps it, made from its seed."""

from __future__ import annotations

import json

import numpy as np

from azul_tui.game.constants import AFTERSTATE, OVER, PHASE, state_size
from azul_tui.game.rules import apply_canonical, clear_game, list_legal, refill_canonical
from azul_tui.training.game_records import trace_game


def example_actions(players=2, seed=5):
    """Canonical moves of a game without sense, always the same."""
    state = np.zeros(state_size(players), np.int8)
    scratch, legal = np.zeros(1, np.uint64), np.zeros(300, np.int32)
    clear_game(state, players)
    refill_canonical(state, np.uint64(seed), scratch)
    actions = []
    while state[PHASE] != OVER:
        count = list_legal(state, legal, True)
        actions.append(int(legal[(7 * len(actions)) % count]))
        apply_canonical(state, actions[-1])
        if state[PHASE] == AFTERSTATE:
            refill_canonical(state, np.uint64(seed), scratch)
    return actions


def write_example_game(path, players=2, seed=5, **meta):
    """A file with that one game."""
    trace = trace_game(players, seed, example_actions(players, seed))
    trace["meta"] = {"policy": "self-play", "tag": "game 9984", "events": {}, **meta}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(trace) + "\n")
