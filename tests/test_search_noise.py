"""Noise: it is there, it is fresh, it repeats with its seed, and it has the right distribution."""

import numpy as np
import pytest
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
from azul_tui.search.select import SearchSettings, choose_edge

GAMES = 4000
FALSE_ALARM = 1e-4
"""Each statistical test here rejects a right search for one seed in ten thousand."""
PUCT = SearchSettings(gumbel=False)


def priors_of(logits, moves):
    weights = np.exp(logits[moves] - logits[moves].max())
    return weights / weights.sum()


def chosen_actions(tree, settings, temperature, games=GAMES):
    edges = [choose_edge(tree, settings, game, temperature) for game in range(games)]
    return np.array([tree.edges[game, edge]["action"] for game, edge in enumerate(edges)])


def counted(actions, moves):
    return np.array([(actions == move).sum() for move in moves])


@pytest.mark.parametrize(("considered", "simulations"), [(1, 1), (2, 4), (4, 8), (16, 5)])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_without_a_value_signal_actions_are_drawn_from_the_prior(considered, simulations, scale):
    """The Gumbel-top-k trick (Kool et al. 2019): at noise scale T from the prior to the 1 / T."""
    state = last_moves_of_rounds(1, seed=2)[0]
    moves = moves_of(state)
    logits = np.random.default_rng(considered).normal(size=180)
    settings = SearchSettings(max_considered_actions=considered)
    states = np.tile(state, (GAMES, 1))
    tree = search_trees(
        states, FixedEvaluator(GAMES, logits), simulations, settings, noise=scale
    ).tree
    priors = priors_of(logits / scale, moves)
    counts = counted(chosen_actions(tree, settings, 1.0), moves)
    assert chisquare(counts, priors * GAMES).pvalue > FALSE_ALARM


def test_considered_actions_are_drawn_without_replacement():
    """The second considered one follows the prior among those that are left."""
    state = last_moves_of_rounds(1, seed=2)[0]
    moves = moves_of(state)
    logits = np.random.default_rng(8).normal(size=180)
    settings = SearchSettings(max_considered_actions=2)
    tree = search_trees(
        np.tile(state, (GAMES, 1)), FixedEvaluator(GAMES, logits), 2, settings, noise=1.0
    ).tree
    pairs = [tuple(tree.edges[game, :2]["action"].tolist()) for game in range(GAMES)]
    priors = dict(zip(moves, priors_of(logits, moves), strict=True))
    wanted = {
        (one, two): priors[one] * priors[two] / (1 - priors[one])
        for one in moves
        for two in moves
        if one != two
    }
    counts = np.array([pairs.count(pair) for pair in wanted])
    assert counts.sum() == GAMES
    expected = np.array(list(wanted.values())) * GAMES
    assert chisquare(counts, expected).pvalue > FALSE_ALARM


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
    return search_trees(
        states,
        ScatteredEvaluator(len(seeds)),
        simulations,
        settings,
        noise=noise,
        seeds=np.asarray(seeds, np.uint64),
    ).tree


@pytest.mark.parametrize("settings", [SearchSettings(), PUCT], ids=["gumbel", "puct"])
def test_noise_repeats_with_its_seed_and_differs_without(settings):
    tree = searched(settings, [1, 2, 3, 1])
    used = int(tree.games[0]["edges"])
    for field in ("prior", "action"):
        assert tree.edges[0, :used][field].tolist() == tree.edges[3, :used][field].tolist()
    assert tree.states[0, :17].tobytes() == tree.states[3, :17].tobytes()
    assert root_visits(tree, 0) == root_visits(tree, 3)
    distinct = {tuple(sorted(root_visits(tree, game).items())) for game in range(3)}
    assert len(distinct) == 3
    silent = searched(settings, [1, 2, 3], noise=0.0)
    assert root_visits(silent, 0) == root_visits(silent, 1) == root_visits(silent, 2)


@pytest.mark.parametrize("settings", [SearchSettings(), PUCT], ids=["gumbel", "puct"])
def test_a_search_leaves_its_stream_further_on(settings):
    """So that the next move of the same game does not get the same noise."""
    states = opening(2, 5)[None]
    search = search_trees(states, ScatteredEvaluator(1), 16, settings, noise=1.0, seeds=[7])
    before = root_visits(search.tree)
    stream = search.tree.stream[0].copy()
    assert stream[0] != 7
    search_trees(
        states, ScatteredEvaluator(1), 16, settings, noise=1.0, seeds=stream, search=search
    )
    assert root_visits(search.tree) != before


@pytest.mark.parametrize("alpha", [0.03, 0.3, 1.0, 10.0])
@pytest.mark.parametrize("fraction", [0.25, 1.0])
def test_dirichlet_noise_has_the_right_mean_and_variance(alpha, fraction):
    """K equal shares: mean 1 / K, variance (1/K)(1 - 1/K) / (K alpha + 1)."""
    state = last_moves_of_rounds(1, seed=2)[0]
    moves = moves_of(state)
    count = len(moves)
    logits = np.random.default_rng(1).normal(size=180)
    settings = PUCT._replace(dirichlet_alpha=alpha, dirichlet_fraction=fraction)
    tree = search_trees(
        np.tile(state, (GAMES, 1)), FixedEvaluator(GAMES, logits), 1, settings, noise=1.0
    ).tree
    shares = np.empty((GAMES, count))
    priors = priors_of(logits, moves)
    for game in range(GAMES):
        edges = np.sort(root_edges(tree, game), order="action")
        assert edges["prior"].sum() == pytest.approx(1.0, abs=1e-5)
        shares[game] = (edges["prior"] - (1 - fraction) * priors) / fraction
    assert shares.min() > -1e-6
    variance = (1 / count) * (1 - 1 / count) / (count * alpha + 1)
    # 4.5 standard errors of a mean: one false alarm in 100,000 for each of `count` means.
    np.testing.assert_allclose(shares.mean(axis=0), 1 / count, atol=4.5 * np.sqrt(variance / GAMES))
    np.testing.assert_allclose(shares.var(axis=0), variance, rtol=0.2)
    # Each share alone is Beta(alpha, (K - 1) alpha), to within what single precision can tell.
    exact = beta(alpha, (count - 1) * alpha)
    if alpha >= 0.3:
        for move in range(count):
            assert kstest(shares[:, move], exact.cdf).pvalue > FALSE_ALARM
    # Equal marginals that are as dependent as shares of one whole are.
    together = np.cov(shares.T)[0, 1]
    assert together == pytest.approx(-variance / (count - 1), rel=0.35)


@pytest.mark.parametrize("scale", [0.25, 10.0])
def test_the_share_of_dirichlet_noise_does_not_hang_on_the_temperature(scale):
    """Self-play hands its temperature to the search; above 4 that would make priors negative."""
    once = searched(PUCT, [1, 2, 3])
    scaled = searched(PUCT, [1, 2, 3], noise=scale)
    for game in range(3):
        priors = root_edges(scaled, game)["prior"]
        assert priors.tolist() == root_edges(once, game)["prior"].tolist()
        assert priors.min() > 0.0


@pytest.mark.parametrize("alpha", [0.001, 0.01])
def test_the_most_concentrated_dirichlet_noise_is_still_a_distribution(alpha):
    """Gamma numbers of so small a shape are below every float; their ratios are not."""
    states = [state for seed in range(40) for state in random_game(2, seed)]
    states = np.stack([state for state in states if len(moves_of(state)) == 2][:60])
    settings = PUCT._replace(dirichlet_alpha=alpha, dirichlet_fraction=1.0)
    tree = search_trees(states, ScatteredEvaluator(len(states)), 1, settings, noise=1.0).tree
    for game in range(len(states)):
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
    counts = counted(chosen_actions(tree, PUCT, temperature), moves)
    assert counts[visits == 0].sum() == 0
    likely = expected >= 1.0  # rarer ones are taken together, as the test wants
    groups = [*counts[likely], counts[~likely].sum()]
    wanted = [*expected[likely], expected[~likely].sum()]
    if wanted[-1] == 0.0:
        groups, wanted = groups[:-1], wanted[:-1]
    assert chisquare(groups, np.array(wanted) * sum(groups) / sum(wanted)).pvalue > FALSE_ALARM


def test_puct_at_temperature_zero_takes_the_most_visited_and_the_lowest_of_equals():
    states = np.stack([state for seed in range(4) for state in random_game(2, seed)[::4]])
    tree = search_trees(states, ScatteredEvaluator(len(states)), 24, PUCT).tree
    for game in range(len(states)):
        visits = root_visits(tree, game)
        edge = choose_edge(tree, PUCT, game, 0.0)
        most = max(visits.values())
        lowest = min(action for action, count in visits.items() if count == most)
        assert tree.edges[game, edge]["action"] == lowest


def test_a_very_low_temperature_does_not_overflow():
    tree = searched(PUCT, [1], simulations=200)
    visits = root_visits(tree)
    edge = choose_edge(tree, PUCT, 0, 0.001)
    assert visits[int(tree.edges[0, edge]["action"])] == max(visits.values())


def test_without_seeds_and_noise_a_search_repeats_whatever_came_before():
    """Also where it draws refills: nothing of an earlier call may be left in the streams."""
    settings = SearchSettings(sampled_chance=True, c_scale=1.0)
    states = np.stack([random_game(2, seed)[-12] for seed in range(8)])
    search = LockstepSearch(8, 60, settings)
    evaluator = ScatteredEvaluator(8)
    first = search.run(states, evaluator)
    again = search.run(states, evaluator)
    np.testing.assert_array_equal(first.policies, again.policies)
    np.testing.assert_array_equal(first.values, again.values)
