"""Positions to test on: reached by playing, from a few numbers that Hypothesis can shrink."""

import gzip
import json
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from azul_tui.game.constants import FLOOR_ROW
from azul_tui.game.state import GameState

TRACES = Path(__file__).parent / "data" / "traces.jsonl.gz"
STYLES = ("any", "lines", "floor")
"""Random moves; lines while one accepts (walls grow); the floor (the lid grows, games are long)."""


def traces():
    """The recorded games, as dictionaries."""
    with gzip.open(TRACES, "rt") as lines:
        return [json.loads(line) for line in lines]


def choose(state, style, rng):
    """A legal action in that style."""
    actions = state.legal_actions()
    if style != "any":
        on_floor = actions % 6 == FLOOR_ROW
        wanted = actions[on_floor if style == "floor" else ~on_floor]
        actions = wanted if len(wanted) else actions
    return int(actions[rng.integers(len(actions))])


def play(state, moves, style="any", seed=0):
    """Play up to `moves` moves in that style; return the actions."""
    rng = np.random.default_rng(seed)
    played = []
    while len(played) < moves and not state.is_over:
        played.append(choose(state, style, rng))
        state.apply(played[-1])
    return played


def reached(players, seed, moves, style, stop_at_afterstate=False):
    """The game after `moves` moves, or the last afterstate on the way there."""
    state = GameState.new(players, seed)
    rng = np.random.default_rng(seed)
    last = None
    for _ in range(moves):
        if state.is_over:
            break
        state.apply(choose(state, style, rng), refill=False)
        if state.phase == "afterstate":
            last = state.copy()
            state.refill()
    return last if stop_at_afterstate and last is not None else state


seeds = st.integers(0, 2**32 - 1)
players = st.sampled_from((2, 3, 4))
games = st.builds(
    reached, players, seeds, st.integers(0, 110), st.sampled_from(STYLES), st.booleans()
)
"""Games in any phase."""
moving = st.builds(reached, players, seeds, st.integers(0, 110), st.sampled_from(STYLES)).filter(
    lambda state: state.phase == "moving"
)
"""Games in which somebody is to move."""
