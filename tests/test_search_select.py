"""What a search looks at next: exp and log, schedules, formulas, and noise of the right kind."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_search import halving_sequence
from scipy.stats import beta, chisquare, kstest
from search_lab import (
    FixedEvaluator,
    ScatteredEvaluator,
    last_moves_of_rounds,
    moves_of,
    opening,
    random_game,
    root_edges,
    root_visits,
    search_trees,
)

from azul_tui.search.search import LockstepSearch
from azul_tui.search.select import (
    SearchSettings,
    choose_edge,
    exp_negative,
    log_positive,
    root_value,
    select_completed_q,
    select_puct,
    write_improved_policy,
)
from azul_tui.search.tree import EDGE, NODE, allocate_tree, considered_visits

GAMES = 4000
FALSE_ALARM = 1e-4
"""Each statistical test here rejects a right search for one seed in ten thousand."""
GUMBEL = SearchSettings()
PUCT = SearchSettings(gumbel=False)


def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


# The cheap exponential and logarithm


def test_the_exponential_is_exact_to_four_millionths_down_to_its_clamp():
    rng = np.random.default_rng(0)
    arguments = np.concatenate([-np.geomspace(1e-9, 80.0, 4000), -80.0 * rng.random(4000)])
    arguments = arguments.astype(np.float32)
    found = np.array([exp_negative(x) for x in arguments], np.float64)
    exact = np.exp(arguments.astype(np.float64))
    np.testing.assert_allclose(found, exact, rtol=4e-6)
    small = arguments > -1.0
    np.testing.assert_allclose(found[small], exact[small], rtol=4e-7)
    assert exp_negative(np.float32(0.0)) == 1.0
    for x in (-81.0, -1e4, -1e30, -np.inf):
        assert exp_negative(np.float32(x)) == exp_negative(np.float32(-80.0)) > 0.0


def test_the_logarithm_is_exact_to_single_precision_and_so_is_the_rarest_noise():
    """Gumbel noise is -log(-log u) for u in (0, 1): its ends are where logarithms go wrong."""
    near = np.geomspace(6e-8, 0.5, 1000)
    arguments = np.concatenate([np.geomspace(1.2e-38, 3e38, 3000), 1 + near, 1 - near])
    arguments = arguments.astype(np.float32)
    found = np.array([log_positive(x) for x in arguments], np.float64)
    exact = np.log(arguments.astype(np.float64))
    assert (np.abs(found - exact) <= 2e-7 * np.maximum(np.abs(exact), 1.0)).all()
    assert log_positive(np.float32(1.0)) == 0.0
    ends = np.array([2.0**-24, 1e-6, 0.5, 1.0 - 1e-6, 1.0 - 2.0**-24], np.float32)
    noise = np.array([-log_positive(-log_positive(u)) for u in ends])
    np.testing.assert_allclose(noise, -np.log(-np.log(ends.astype(np.float64))), rtol=1e-5)


# Sequential halving

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
    (8, 50): [
        *[visits for visits in (0, 1) for _ in range(8)],
        *[visits for visits in (2, 3, 4, 5) for _ in range(4)],
        *[visits for visits in range(6, 15) for _ in range(2)],
    ],
}


@pytest.mark.parametrize("case", BY_HAND)
def test_sequences_worked_out_by_hand(case):
    considered, simulations = case
    assert considered_visits(considered, simulations).tolist() == BY_HAND[case]


@given(st.integers(1, 300), st.integers(1, 400))
def test_every_schedule_can_be_played_and_halves(considered, simulations):
    sequence = considered_visits(considered, simulations)
    assert sequence.tolist() == halving_sequence(considered, simulations)
    if considered <= 9:
        table = allocate_tree(1, 2, (401, simulations), 9).schedule[1, considered]
        assert table[:simulations].tolist() == sequence.tolist()
    visits = [0] * considered
    for wanted in sequence:
        visits[visits.index(wanted)] += 1  # fails if no action has so many
    assert sum(visits) == simulations
    reached = np.bincount(sequence)  # actions that had each number of visits and got one more
    assert reached[0] == min(considered, simulations)
    for before, following in itertools.pairwise(reached[:-1]):  # the last may be cut short
        assert following in {before, max(2, before // 2)} or before == 1


# Formulas


def completed(priors, q, visits, value):
    """v_mix and completed Q (Danihelka et al. 2022, equations 10 and 33) in float64."""
    seen = visits > 0
    average = (priors * q)[seen].sum() / priors[seen].sum() if seen.any() else 0.0
    mixed = (value + visits.sum() * average) / (1 + visits.sum())
    return mixed, np.where(seen, q, mixed)


def tree_of(priors, visits, q, value):
    """A tree of a root and one inner node, both with these edges."""
    tree = allocate_tree(1, 2, (8,), 16)
    nodes, edges = np.zeros((1, 9), NODE), np.zeros((1, 9 * 120), EDGE)
    count = len(priors)
    nodes["edges"] = count
    nodes["first"][0, 1] = count
    nodes["known"] = (visits > 0).sum()
    nodes["visits"] = visits.sum()
    nodes["value"] = value
    for first in (0, count):
        here = edges[0, first : first + count]
        here["prior"], here["visits"], here["value"] = priors, visits, q * visits
        here["action"] = 7 * np.arange(count)
    tree.games["considered"] = count
    tree.gumbel[0, :count] = np.log(priors)
    return tree._replace(nodes=nodes, edges=edges)


def test_golden_improved_policy():
    """By hand: v_mix = (0.1 + 4 x (0.4 x 0.2 - 0.3 x 0.5) / 0.7) / 5 = -0.06, sigma = 53 x 0.1."""
    priors, visits = np.array([0.4, 0.3, 0.2, 0.1]), np.array([3, 1, 0, 0])
    tree = tree_of(priors, visits, np.array([0.2, -0.5, 0, 0]), 0.1)
    assert root_value(tree, 0) == pytest.approx(-0.06, abs=1e-6)
    policy = np.full(180, np.nan, np.float32)
    write_improved_policy(tree, SearchSettings(c_visit=50.0, c_scale=0.1), 0, policy)
    # 0.4 e^(5.3 x 0.2), 0.3 e^(-5.3 x 0.5), 0.2 e^(-5.3 x 0.06), 0.1 e^(-5.3 x 0.06), over the sum:
    # 1.154549, 0.021195, 0.145520, 0.072760 over 1.394024.
    golden = [0.828213, 0.015204, 0.104389, 0.052194]
    np.testing.assert_allclose(policy[[0, 7, 14, 21]], golden, atol=2e-6)
    assert np.delete(policy, [0, 7, 14, 21]).tolist() == [0.0] * 176


def test_choices_inside_the_tree_are_those_of_the_formulas():
    """Against float64 on random nodes; a chosen edge may only lose by rounding."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        count = int(rng.integers(2, 20))
        known = int(rng.integers(0, count + 1))
        priors = rng.dirichlet(np.full(count, 0.5)) * 0.999 + 0.001 / count
        priors = np.concatenate([priors[:known], np.sort(priors[known:])[::-1]])
        visits = np.where(np.arange(count) < known, rng.integers(1, 40, count), 0)
        q = np.where(visits > 0, rng.uniform(-1, 1, count), 0.0)
        value = rng.uniform(-1, 1)
        tree = tree_of(priors, visits, q, value)
        settings = SearchSettings(c_scale=float(rng.choice([0.01, 0.1, 1.0])), c_puct=1.3)
        _, full_q = completed(priors, q, visits, value)
        sigma = (settings.c_visit + visits.max()) * settings.c_scale
        scores = softmax(np.log(priors) + sigma * full_q) - visits / (1 + visits.sum())
        chosen = select_completed_q(tree, settings, 0, 1) - count
        assert scores[chosen] >= scores.max() - 1e-5
        bonus = settings.c_puct * priors * np.sqrt(visits.sum()) / (1 + visits)
        scores = np.where(visits > 0, q, value) + bonus
        chosen = select_puct(tree, settings, 0, 1) - count
        assert scores[chosen] >= scores.max() - 1e-5


# Noise: it is there, it is fresh, it repeats with its seed, and it has the right distribution


def chosen_actions(tree, settings, temperature):
    edges = [choose_edge(tree, settings, game, temperature) for game in range(GAMES)]
    return np.array([tree.edges[game, edge]["action"] for game, edge in enumerate(edges)])


def bandit_trees(logits, simulations, settings, noise=1.0):
    """Moves of one position that each end the round, searched many times; and its moves."""
    state = last_moves_of_rounds(1, seed=2)[0]
    states = np.tile(state, (GAMES, 1))
    evaluator = FixedEvaluator(GAMES, logits)
    return search_trees(states, evaluator, simulations, settings, noise=noise).tree, moves_of(state)


@pytest.mark.parametrize(
    ("considered", "simulations", "scale"), [(1, 1, 1.0), (2, 4, 0.5), (4, 8, 1.0), (16, 5, 0.5)]
)
def test_without_a_value_signal_actions_are_drawn_from_the_prior(considered, simulations, scale):
    """The Gumbel-top-k trick (Kool et al. 2019): at noise scale T from the prior to the 1 / T."""
    logits = np.random.default_rng(considered).normal(size=180)
    settings = SearchSettings(max_considered_actions=considered)
    tree, moves = bandit_trees(logits, simulations, settings, scale)
    actions = chosen_actions(tree, settings, 1.0)
    counts = [(actions == move).sum() for move in moves]
    assert chisquare(counts, softmax(logits[moves] / scale) * GAMES).pvalue > FALSE_ALARM


def test_gumbel_noise_is_gumbel_noise():
    """Score less log prior of every move, over many openings: P(g < x) = exp(-exp(-x))."""
    states = np.stack([opening(2, seed) for seed in range(60)])
    settings = SearchSettings(max_considered_actions=300)
    tree = search_trees(states, ScatteredEvaluator(60), 1, settings, noise=1.0).tree
    noise = np.concatenate(
        [
            tree.gumbel[game, : len(moves_of(state))] - np.log(root_edges(tree, game)["prior"])
            for game, state in enumerate(states)
        ]
    )
    assert len(noise) > 3000
    assert kstest(noise, lambda x: np.exp(-np.exp(-x))).pvalue > FALSE_ALARM
    assert len(np.unique(noise)) > 0.99 * len(noise)


def searched(settings, seeds, noise=1.0, simulations=16):
    states = np.stack([opening(2, 5)] * len(seeds))
    numbers = np.asarray(seeds, np.uint64)
    return search_trees(
        states, ScatteredEvaluator(len(seeds)), simulations, settings, noise=noise, seeds=numbers
    )


@pytest.mark.parametrize("settings", [GUMBEL, PUCT], ids=["gumbel", "puct"])
def test_noise_repeats_with_its_seed_differs_without_and_leaves_its_stream_further_on(settings):
    search = searched(settings, [1, 2, 3, 1])
    tree = search.tree
    used = int(tree.games[0]["edges"])
    for field in ("prior", "action"):
        assert tree.edges[0, :used][field].tolist() == tree.edges[3, :used][field].tolist()
    visits = [sorted(root_visits(tree, game).items()) for game in range(4)]
    assert visits[0] == visits[3]
    assert visits[0] != visits[1] != visits[2] != visits[0]
    # So the next move of the same game does not get the same noise.
    streams = tree.stream[:4, 0].copy()
    assert streams[0] != 1
    states = np.stack([opening(2, 5)] * 4)
    search_trees(
        states, ScatteredEvaluator(4), 16, settings, noise=1.0, seeds=streams, search=search
    )
    assert sorted(root_visits(tree, 0).items()) != visits[0]
    silent = searched(settings, [1, 2, 3], noise=0.0).tree
    assert root_visits(silent, 0) == root_visits(silent, 1) == root_visits(silent, 2)


@pytest.mark.parametrize(
    ("alpha", "fraction"), [(0.03, 1.0), (0.3, 0.25), (1.0, 1.0), (10.0, 0.25)]
)
def test_dirichlet_noise_has_the_right_mean_and_variance(alpha, fraction):
    """K equal shares: mean 1 / K, variance (1/K)(1 - 1/K) / (K alpha + 1)."""
    logits = np.random.default_rng(1).normal(size=180)
    settings = PUCT._replace(dirichlet_alpha=alpha, dirichlet_fraction=fraction)
    tree, moves = bandit_trees(logits, 1, settings)
    count = len(moves)
    edges = np.stack([np.sort(root_edges(tree, game), order="action") for game in range(GAMES)])
    assert edges["prior"].sum(axis=1) == pytest.approx(np.ones(GAMES), abs=1e-5)
    shares = (edges["prior"] - (1 - fraction) * softmax(logits[moves])) / fraction
    assert shares.min() > -1e-6
    variance = (1 / count) * (1 - 1 / count) / (count * alpha + 1)
    # 4.5 standard errors of a mean: one false alarm in 100,000 for each of `count` means.
    np.testing.assert_allclose(shares.mean(axis=0), 1 / count, atol=4.5 * np.sqrt(variance / GAMES))
    np.testing.assert_allclose(shares.var(axis=0), variance, rtol=0.2)
    # Each share alone is Beta(alpha, (K - 1) alpha), to within what single precision can tell.
    if alpha >= 0.3:
        exact = beta(alpha, (count - 1) * alpha)
        for move in range(count):
            assert kstest(shares[:, move], exact.cdf).pvalue > FALSE_ALARM
    # Equal marginals that are as dependent as shares of one whole are.
    together = np.cov(shares.T)[0, 1]
    assert together == pytest.approx(-variance / (count - 1), rel=0.35)


def test_dirichlet_noise_keeps_its_share_at_any_temperature_and_the_smallest_alpha():
    """A temperature above 4 would make priors negative; gamma numbers underflow, not their ratios.

    Self-play hands its temperature to the search.
    """
    once = searched(PUCT, [1, 2, 3]).tree
    for scale in (0.25, 10.0):
        scaled = searched(PUCT, [1, 2, 3], noise=scale).tree
        for game in range(3):
            priors = root_edges(scaled, game)["prior"]
            assert priors.tolist() == root_edges(once, game)["prior"].tolist()
            assert priors.min() > 0.0
    for alpha in (0.001, 0.01):
        settings = PUCT._replace(dirichlet_alpha=alpha, dirichlet_fraction=1.0)
        tree = searched(settings, range(60), simulations=1).tree
        for game in range(60):
            priors = root_edges(tree, game)["prior"]
            assert priors.sum() == pytest.approx(1.0, abs=1e-5)
            assert (priors >= 0.0).all()


@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0])
def test_puct_draws_moves_in_proportion_to_visits_to_the_one_over_temperature(temperature):
    state = next(state for state in random_game(2, 4) if 6 <= len(moves_of(state)) <= 12)
    moves = moves_of(state)
    evaluator = FixedEvaluator(GAMES, np.random.default_rng(3).normal(size=180))
    tree = search_trees(np.tile(state, (GAMES, 1)), evaluator, 30, PUCT).tree
    visits = np.array([root_visits(tree, 0)[move] for move in moves], float)
    assert (visits > 1).sum() >= 4
    expected = visits ** (1 / temperature)
    expected *= GAMES / expected.sum()
    actions = chosen_actions(tree, PUCT, temperature)
    counts = np.array([(actions == move).sum() for move in moves])
    assert counts[visits == 0].sum() == 0
    likely = expected >= 1.0  # rarer ones are taken together, as the test wants
    groups = [*counts[likely], counts[~likely].sum()]
    wanted = [*expected[likely], expected[~likely].sum()]
    if wanted[-1] == 0.0:
        groups, wanted = groups[:-1], wanted[:-1]
    assert chisquare(groups, np.array(wanted) * sum(groups) / sum(wanted)).pvalue > FALSE_ALARM


def test_puct_takes_the_most_visited_and_the_lowest_of_equals_when_it_is_cold():
    states = np.stack([state for seed in range(4) for state in random_game(2, seed)[::4]])
    tree = search_trees(states, ScatteredEvaluator(len(states)), 24, PUCT).tree
    for game in range(len(states)):
        visits = root_visits(tree, game)
        most = max(visits.values())
        lowest = min(action for action, count in visits.items() if count == most)
        assert tree.edges[game, choose_edge(tree, PUCT, game, 0.0)]["action"] == lowest
        edge = choose_edge(tree, PUCT, game, 0.001)  # which must not overflow
        assert visits[int(tree.edges[game, edge]["action"])] == most


def test_without_seeds_and_noise_a_search_repeats_whatever_came_before():
    """Also where it draws refills: nothing of an earlier call may be left in the streams."""
    settings = SearchSettings(sampled_chance=True, c_scale=1.0)
    states = np.stack([random_game(2, seed)[-12] for seed in range(8)])
    search = LockstepSearch(8, 60, settings)
    first, again = (search.run(states, ScatteredEvaluator(8)) for _ in range(2))
    np.testing.assert_array_equal(first.policies, again.policies)
    np.testing.assert_array_equal(first.values, again.values)
