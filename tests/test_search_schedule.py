"""Sequential halving: the order of visits, against sequences worked out by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_search import halving_sequence

from azul_tui.search.tree import considered_visits, halving_schedules

BY_HAND = {
    # One action: it gets them all.
    (1, 5): [0, 1, 2, 3, 4],
    # One phase of 6 / (1 x 2) = 3 rounds.
    (2, 6): [0, 0, 1, 1, 2, 2],
    # Two phases: 8 / (2 x 4) = 1 round of four, 8 / (2 x 2) = 2 rounds of two.
    (4, 8): [0, 0, 0, 0, 1, 1, 2, 2],
    # ceil(log2 3) = 2 phases; what is left over goes to the last two.
    (3, 10): [0, 0, 0, 1, 1, 2, 2, 3, 3, 4],
    # Fewer simulations than actions.
    (5, 3): [0, 0, 0],
    # Four phases, rounds 1 (at least), 32 / (4 x 8) = 1, 32 / (4 x 4) = 2.
    (16, 32): [0] * 16 + [1] * 8 + [2] * 4 + [3] * 4,
    # Three phases: 2 rounds of eight, 4 of four, 8 of two, and two left over.
    (8, 50): [0] * 8
    + [1] * 8
    + [visits for visits in (2, 3, 4, 5) for _ in range(4)]
    + [visits for visits in range(6, 14) for _ in range(2)]
    + [14, 14],
}


@pytest.mark.parametrize("case", BY_HAND)
def test_sequences_worked_out_by_hand(case):
    considered, simulations = case
    assert considered_visits(considered, simulations).tolist() == BY_HAND[case]


@given(st.integers(1, 300), st.integers(1, 400))
def test_every_schedule_can_be_played_and_halves(considered, simulations):
    sequence = considered_visits(considered, simulations)
    assert len(sequence) == simulations
    assert sequence.tolist() == halving_sequence(considered, simulations)
    visits = [0] * considered
    for wanted in sequence:
        visits[visits.index(wanted)] += 1  # fails if no action has so many
    assert sum(visits) == simulations
    reached = np.bincount(sequence)  # actions that had each number of visits and got one more
    if simulations >= considered:
        assert reached[0] == considered
    whole = reached[:-1]  # the last round may be cut short
    assert (np.diff(whole) <= 0).all()
    for before, following in itertools.pairwise(whole):
        assert following in {before, max(2, before // 2)} or before == 1


def test_the_table_holds_the_schedule_of_every_budget():
    table = halving_schedules(7, (12, 5))
    assert table.shape == (2, 8, 12)
    for considered in range(1, 8):
        assert table[0, considered].tolist() == halving_sequence(considered, 12)
        assert table[1, considered, :5].tolist() == halving_sequence(considered, 5)
