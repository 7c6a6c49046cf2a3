"""Factories in canonical order: sorted, kept sorted, and never another game."""

from dataclasses import replace

import numpy as np
from azul_positions import games, moving, seeds
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game.constants import decode_action, factory_count
from azul_tui.game.observation import legal_fields
from azul_tui.game.rules import apply_canonical, refill_canonical
from azul_tui.game.state import GameState


def in_order(view):
    """The factories sorted, the empty ones last."""
    return tuple(sorted(view.factories, reverse=True))


def test_empty_factories_come_last_and_order_tells_where_each_came_from():
    state = GameState.parse(
        "azul2 r1 move:1 next:1 -/WWWW/-/BBYK/KKKK BRW* bag:- lid:- "
        + " ".join(["0,-/-/-/-/-,...../...../...../...../.....,-"] * 2)
    )
    canonical, order = state.canonical()
    assert " BBYK/KKKK/WWWW/-/- B1R1W1* " in canonical.notation()
    assert order.tolist() == [3, 4, 1, 0, 2, 5]


@given(games)
def test_the_canonical_position_is_the_same_game_sorted(state):
    canonical, order = state.canonical()
    before, after = state.view(), canonical.view()
    assert after.factories == in_order(before)
    assert replace(before, factories=after.factories) == after
    assert [before.sources[source] for source in order] == list(after.sources)
    assert sorted(order) == list(range(factory_count(state.players) + 1))


@given(moving, st.randoms(use_true_random=False))
def test_a_canonical_move_is_the_move_and_leaves_the_position_canonical(state, random):
    canonical, _ = state.canonical()
    while canonical.phase == "moving":
        action = random.choice(canonical.legal_actions(distinct=True).tolist())
        plain = canonical.copy()
        plain.apply(action, refill=False)
        apply_canonical(canonical.array, action)
        assert canonical == plain.canonical()[0]
        assert canonical.view().factories == in_order(canonical.view())


@given(games, seeds)
def test_a_canonical_refill_is_the_refill_sorted(state, seed):
    if state.phase != "afterstate":
        return
    plain = GameState(state.array, seed)
    plain.refill()
    refill_canonical(state.array, np.uint64(seed), np.zeros(1, np.uint64))
    assert state == plain.canonical()[0]


@given(moving)
def test_distinct_moves_name_every_different_move_once(state):
    """Each legal move has exactly one distinct move to an equal position."""
    canonical, _ = state.canonical()
    sources = canonical.view().sources

    def essence(action):
        source, color, row = decode_action(int(action))
        return source == len(sources) - 1, sources[source], color, row

    distinct = list(map(essence, canonical.legal_actions(distinct=True)))
    assert len(set(distinct)) == len(distinct)
    assert set(distinct) == set(map(essence, canonical.legal_actions()))


def test_the_centre_is_never_a_repeat_of_the_last_factory():
    """It brings the marker, so it is another move; `has` of the observation says the same."""
    state = GameState.parse(
        "azul2 r1 move:1 next:1 BBYY/BBYY/BBYY/BBYY/BBYY B2Y2* bag:- lid:- "
        + " ".join(["0,-/-/-/-/-,...../...../...../...../.....,-"] * 2)
    )
    sources = {decode_action(int(action))[0] for action in state.legal_actions(distinct=True)}
    assert sources == {0, 5}
    has = state.observation()[legal_fields(2).has].reshape(6, 5)
    assert has.sum(axis=1).tolist() == [2, 0, 0, 0, 0, 2]
