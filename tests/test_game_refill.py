"""The refill: where tiles come from, how evenly, and that nobody can know them before."""

import numpy as np
import pytest
from azul_positions import games, players, seeds
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, hypergeom

from azul_tui.game.constants import (
    BAG,
    BOARD_SIZE,
    BOARDS,
    LID,
    TILES_PER_FACTORY,
    factory_count,
    state_size,
)
from azul_tui.game.rules import clear_game, refill
from azul_tui.game.state import GameState


def deals(bag, lid, players, count, seed=0):
    """`(count, F, 5)` factories of that many refills with other seeds, and the bags after them."""
    state = np.zeros(state_size(players), np.int8)
    stream = np.zeros(1, np.uint64)
    at = BOARDS + BOARD_SIZE * players
    size = 5 * factory_count(players)
    factories = np.empty((count, size), np.int8)
    bags = np.empty((count, 5), np.int8)
    for index in range(count):
        clear_game(state, players)
        state[BAG : BAG + 5] = bag
        state[LID : LID + 5] = lid
        refill(state, np.uint64(seed + index), stream)
        factories[index] = state[at : at + size]
        bags[index] = state[BAG : BAG + 5]
    return factories.reshape(count, -1, 5), bags


counts = st.lists(st.integers(0, 12), min_size=5, max_size=5)


@given(counts, counts, players, seeds)
def test_the_lid_is_poured_only_when_the_bag_is_empty(bag, lid, players, seed):
    state = np.zeros(state_size(players), np.int8)
    clear_game(state, players)
    state[BAG : BAG + 5] = bag
    state[LID : LID + 5] = lid
    refill(state, np.uint64(seed), np.zeros(1, np.uint64))
    bag, lid = np.array(bag), np.array(lid)
    after_bag, after_lid = state[BAG : BAG + 5], state[LID : LID + 5]
    wanted = TILES_PER_FACTORY * factory_count(players)
    at = BOARDS + BOARD_SIZE * players
    dealt = state[at : at + 5 * factory_count(players)].reshape(-1, 5).sum(axis=0)
    assert dealt.sum() == min(wanted, bag.sum() + lid.sum())
    if bag.sum() >= wanted:
        assert (after_bag == bag - dealt).all()
        assert (after_lid == lid).all()
    else:
        assert (dealt >= bag).all(), "what was in the bag comes first"
        assert (after_bag == bag + lid - dealt).all()
        assert not after_lid.any()


@pytest.mark.parametrize("factory", [0, 4])
@pytest.mark.parametrize("bag", [(8, 8, 8, 8, 8), (5, 20, 10, 1, 4)])
def test_pairs_on_a_factory_are_as_likely_as_drawing_without_replacement_makes_them(factory, bag):
    """Four blue tiles, three, ...: chi-square; each fails for 1 seed in 1000."""
    factories, _ = deals(bag, [0] * 5, 2, 20_000, seed=99)
    observed = np.bincount(factories[:, factory, 0], minlength=5)
    expected = hypergeom(40, bag[0], 4).pmf(np.arange(5)) * len(factories)
    assert chisquare(observed, expected).pvalue > 1e-3


def test_tiles_poured_from_the_lid_are_drawn_fairly_too():
    """Chi-square over what stays in the bag after the lid was poured; 1 seed in 1000 fails."""
    factories, bags = deals([2, 0, 0, 0, 0], [0, 10, 10, 5, 0], 2, 20_000, seed=7)
    assert (factories.sum(axis=1)[:, 0] == 2).all()
    observed = np.bincount(bags[:, 3], minlength=6)
    expected = hypergeom(25, 5, 7).pmf(np.arange(6)) * len(bags)
    assert chisquare(observed, expected).pvalue > 1e-3


@given(games, seeds)
def test_the_hidden_order_of_the_bag_shows_in_nothing_that_a_player_sees(state, other_seed):
    """Another future, the same present: observation, legal moves and notation are equal."""
    other = GameState.parse(state.notation(), seed=other_seed)
    assert other.observation().tolist() == state.observation().tolist()
    assert other.legal_actions().tolist() == state.legal_actions().tolist()
    assert other.notation() == state.notation()
    assert other.array.tobytes() == state.array.tobytes()


@given(seeds, st.integers(1, 50))
def test_a_refill_depends_on_seed_and_round_and_counts_alone(seed, round_number):
    """Not on who moved where: positions with other boards get the same factories."""
    state = np.zeros(state_size(2), np.int8)
    clear_game(state, 2)
    state[4] = round_number
    other = state.copy()
    other[BOARDS + 21] = 7  # a score
    for position in (state, other):
        refill(position, np.uint64(seed), np.zeros(1, np.uint64))
    at = BOARDS + 2 * BOARD_SIZE
    assert (state[at:] == other[at:]).all()
    third = other.copy()
    clear_game(third, 2)
    third[4] = round_number + 1
    refill(third, np.uint64(seed), np.zeros(1, np.uint64))
    assert (third[at:] != state[at:]).any(), "another round, another deal"
