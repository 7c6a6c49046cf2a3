"""A network as a player: searched, by its bare policy, and drawn from that to the end of a game."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare
from search_lab import FixedEvaluator, ScatteredEvaluator, after, moves_of, opening, random_game

from azul_tui.arena.games import play_games
from azul_tui.game.constants import AFTERSTATE, PHASE
from azul_tui.players.network import NetworkPlayer
from azul_tui.search.select import SearchSettings

SETTINGS = SearchSettings(c_scale=0.3, sampled_chance=True)


def seeds(*numbers):
    return np.asarray(numbers, np.uint64)


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("simulations", [0, 12])
def test_a_choice_does_not_depend_on_how_the_games_are_batched(simulations, deterministic):
    states = np.stack([state for seed in range(3) for state in random_game(2, seed)[::6]])
    numbers = seeds(*range(len(states)))
    whole, *others = (
        NetworkPlayer(ScatteredEvaluator(size), simulations, SETTINGS)
        .choose(states, numbers, deterministic)
        .tolist()
        for size in (64, 5, 12)
    )
    assert others == [whole, whole]
    assert all(move in moves_of(state) for move, state in zip(whole, states, strict=True))
    few = NetworkPlayer(ScatteredEvaluator(16), simulations, SETTINGS)
    for at in range(0, len(states), 2):
        part = slice(at, at + 2)
        assert few.choose(states[part], numbers[part], deterministic).tolist() == whole[part]


def test_the_bare_policy_is_followed_or_drawn_in_proportion():
    """Chi-square at a fixed seed: a fair draw fails it for 1 seed in 10,000."""
    state = opening(2, 3)
    moves = moves_of(state)
    games = 8000
    logits = np.random.default_rng(1).normal(size=180)
    player = NetworkPlayer(FixedEvaluator(games, logits), 0, SETTINGS)
    states, numbers = np.tile(state, (games, 1)), seeds(*range(games))
    best = player.choose(states[:3], numbers[:3], deterministic=True)
    assert best.tolist() == [moves[int(np.argmax(logits[moves]))]] * 3
    drawn = player.choose(states, numbers)
    counts = [(drawn == move).sum() for move in moves]
    weights = np.exp(logits[moves])
    assert chisquare(counts, games * weights / weights.sum()).pvalue > 1e-4


def played_out(states, deals, batch):
    """Final scores of games that go on from `states`, drawn from the policy."""
    players = int(states[0, 0])
    player = NetworkPlayer(ScatteredEvaluator(batch, players), 0, SETTINGS, players)
    seating = np.zeros((len(states), players), np.int64)
    return play_games([player], seating, deals, deals, deterministic=False, starts=states)


def test_games_go_on_from_any_position_each_by_its_own_seed():
    states = np.stack(random_game(3, 5)[::4])
    while states[0, PHASE] != AFTERSTATE:
        states[0] = after(states[0], moves_of(states[0])[0])
    before = states.copy()
    deals = seeds(*range(len(states)))
    together = played_out(states, deals, 64)
    assert together.finished.all()
    np.testing.assert_array_equal(states, before)
    for batch in (1, 3):
        order = np.random.default_rng(batch).permutation(len(states))
        other = played_out(states[order], deals[order], batch)
        np.testing.assert_array_equal(other.scores, together.scores[order])
    same = played_out(np.stack([states[1]] * 3), seeds(7, 7, 8), 4).scores.tolist()
    assert same[0] == same[1] != same[2]
