"""Games played out by a bare policy: legal, seeded, each its own, and drawn as often as it says."""

from __future__ import annotations

import numpy as np
from search_lab import ScatteredEvaluator, after, moves_of, opening, random_game

from azul_tui.arena.policy_playouts import play_out
from azul_tui.game.constants import AFTERSTATE, PHASE
from azul_tui.search.settings import ConstantEvaluator


def seeds(*numbers):
    return np.asarray(numbers, np.uint64)


def test_a_game_does_not_depend_on_the_games_beside_it():
    states = np.stack(random_game(2, 5)[::4])
    deals = seeds(*range(len(states)))
    together = play_out(states, deals, ScatteredEvaluator(64))
    for batch in (1, 3):
        order = np.random.default_rng(batch).permutation(len(states))
        other = play_out(states[order], deals[order], ScatteredEvaluator(batch))
        np.testing.assert_array_equal(other, together[order])


def test_equal_seeds_give_equal_games_and_other_seeds_others():
    states = np.stack([opening(3, 1)] * 3)
    scores = play_out(states, seeds(7, 7, 8), ScatteredEvaluator(4, 3))
    assert scores.shape == (3, 3)
    assert scores[0].tolist() == scores[1].tolist()
    assert scores[0].tolist() != scores[2].tolist()


def test_positions_given_are_not_changed_and_afterstates_are_refilled():
    state = random_game(2, 6)[0]
    while state[PHASE] != AFTERSTATE:
        state = after(state, moves_of(state)[0])
    before = state.copy()
    scores = play_out(state[None, :], seeds(1), ScatteredEvaluator(1))
    np.testing.assert_array_equal(state, before)
    assert scores.min() >= 0


def test_somebody_may_stop_it():
    assert play_out(opening()[None, :], seeds(1), ConstantEvaluator(1), lambda: True) is None


class Preferring(ConstantEvaluator):
    """Gives one action of the opening three times the weight of every other."""

    def __init__(self, batch_size, action):
        super().__init__(batch_size)
        self._logits[:, action] = np.log(3.0)


def test_moves_are_drawn_in_proportion_to_the_policy(monkeypatch):
    """A binomial test at a fixed seed: a fair draw fails it for 1 seed in 1000."""
    from azul_tui.arena import policy_playouts

    state = opening(2, 3)
    moves = moves_of(state)
    games = 4000
    states = np.stack([state] * games)
    deals = np.arange(games, dtype=np.uint64)
    streams = np.empty(games, np.uint64)
    policy_playouts._streams(deals, streams)
    logits, _ = Preferring(games, moves[5])(None)
    legal = np.empty(180, np.int32)
    rows = np.arange(games)
    policy_playouts._draw_moves(states, rows, logits, deals, streams, legal)
    wanted = after(state, moves[5])
    share = (states == wanted).all(axis=1).mean()
    expected = 3 / (len(moves) + 2)
    assert abs(share - expected) < 3.3 * np.sqrt(expected * (1 - expected) / games)
