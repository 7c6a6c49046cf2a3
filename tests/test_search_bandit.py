"""Searches whose answer is known: bandits of one move, and late rounds solved line by line."""

import numpy as np
import pytest
from plain_search import solved_move
from search_lab import (
    FixedEvaluator,
    ScatteredEvaluator,
    ScoreEvaluator,
    after,
    last_moves_of_rounds,
    moves_of,
    opening,
    random_game,
    root_q,
    score_values,
    search_trees,
    shown_scores,
)

from azul_tui.game.constants import TO_MOVE, observation_size
from azul_tui.game.observation import write_observation
from azul_tui.game.state import GameState
from azul_tui.search.search import LockstepSearch
from azul_tui.search.select import SearchSettings, choose_edge

GUMBEL = SearchSettings(c_scale=1.0, max_considered_actions=8)
PUCT = SearchSettings(gumbel=False)


def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def bandits(count):
    """Positions whose every move ends the round, with the afterstates behind their moves."""
    states = last_moves_of_rounds(count)
    return [(state, [after(state, move) for move in moves_of(state)]) for state in states]


def observed(states):
    rows = np.zeros((len(states), observation_size(2)), np.int8)
    for state, row in zip(states, rows, strict=True):
        write_observation(state, row)
    return rows


def true_q(evaluator, state, ends):
    """Q of each move by asking about its end directly."""
    rows = np.zeros((evaluator.batch_size, observation_size(2)), np.int8)
    rows[: len(ends)] = observed(ends)
    values = evaluator(rows)[1][: len(ends), 0].astype(np.float64)
    return values * [1.0 if end[TO_MOVE] == state[TO_MOVE] else -1.0 for end in ends]


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("settings", [GUMBEL, PUCT], ids=["gumbel", "puct"])
def test_the_last_move_of_a_round_is_the_best_one(settings, noise):
    """A perfect evaluator of the position after the round: the bandit converges on the best.

    Each end is asked about once, and the root: no more for thousands of visits.
    """
    found = bandits(30)
    evaluator = ScoreEvaluator(30, scale=10.0)
    states = np.stack([state for state, _ in found])
    seeds = np.arange(30, dtype=np.uint64)
    result = LockstepSearch(30, 4000, settings).run(states, evaluator, seeds=seeds, noise=noise)
    for game, (state, ends) in enumerate(found):
        q = true_q(evaluator, state, ends)
        moves = moves_of(state)
        assert q[moves.index(int(result.actions[game]))] == pytest.approx(q.max(), abs=1e-6)
        assert result.policies[game, moves] @ q == pytest.approx(q.max(), abs=0.1)
    if noise == 0.0:
        assert result.evaluations <= sum(1 + len(ends) for _, ends in found)


class KnownRoot(ScatteredEvaluator):
    """Gives the first row of each game, its root, values that the test has chosen."""

    def __init__(self, batch_size, values):
        super().__init__(batch_size)
        self.root_values = values

    def __call__(self, observations):
        logits, values = super().__call__(observations)
        if self.calls == 1:
            values = self.root_values.astype(np.float32)[:, None]
        return logits, values


def test_untried_actions_do_not_spoil_the_improvement():
    """When v_mix is the prior's true value, completing with it still never loses."""
    games, tried = 64, 16
    states = np.stack([opening(2, seed) for seed in range(games)])
    plain = ScatteredEvaluator(256)
    logits = plain(np.concatenate([observed(states), np.zeros((192, 256), np.int8)]))[0]
    wanted, known = [], []
    for game, state in enumerate(states):
        moves = moves_of(state)
        priors = softmax(logits[game, moves].astype(np.float64))
        q = true_q(ScatteredEvaluator(256), state, [after(state, move) for move in moves])
        first = np.argsort(-priors, kind="stable")[:tried]
        seen = (priors * q)[first].sum() / priors[first].sum()
        known.append((moves, priors, q))
        wanted.append((1 + tried) * (priors @ q) - tried * seen)
    settings = SearchSettings(c_scale=0.1, max_considered_actions=tried)
    result = LockstepSearch(games, tried, settings).run(states, KnownRoot(games, np.array(wanted)))
    for game, (moves, priors, q) in enumerate(known):
        assert result.values[game] == pytest.approx(priors @ q, abs=1e-5)
        assert result.policies[game, moves] @ q >= priors @ q - 1e-5


def test_playing_with_gumbel_noise_is_better_than_the_prior():
    """Section 3.4: in expectation over the noise. A fair search fails for 1 seed in 1000."""
    games = 2000
    state, ends = bandits(1)[0]
    moves = moves_of(state)
    rng = np.random.default_rng(0)
    logits = rng.normal(size=180)
    mark = rng.normal(size=observation_size(2))  # tells observations apart
    marks = observed(ends) @ mark
    signs = np.array([1.0 if end[TO_MOVE] == state[TO_MOVE] else -1.0 for end in ends])
    settings = SearchSettings(c_scale=0.02, max_considered_actions=2)
    for _ in range(5):
        worth = rng.uniform(-1, 1, len(moves))

        def values(observations, worth=worth):
            move = np.abs((observations @ mark)[:, None] - marks).argmin(axis=1)
            return worth[move] * signs[move]

        evaluator = FixedEvaluator(games, logits, values)
        tree = search_trees(np.tile(state, (games, 1)), evaluator, 4, settings, noise=1.0).tree
        edges = [choose_edge(tree, settings, game, 1.0) for game in range(games)]
        actions = [int(tree.edges[game, edge]["action"]) for game, edge in enumerate(edges)]
        gained = worth[[moves.index(action) for action in actions]]
        before = softmax(logits[moves]) @ worth
        assert gained.mean() > before - 3.1 * gained.std() / np.sqrt(games)


# Late rounds against exhaustive truth

POSITIONS = 12
SIMULATIONS = 20_000
SCALE = 8.0
# sigma grows with the visits. At the scale that is good for play, a node deep in the tree stops
# trying what its first visits spoke against, and no number of simulations brings it back; at this
# one everything is tried before sigma grows hard.
DEEP = {
    "gumbel": SearchSettings(c_scale=0.02, max_considered_actions=12),
    "puct": SearchSettings(gumbel=False, c_puct=1.0),
}


def truth_of_afterstate(state):
    """What ScoreEvaluator says of an afterstate, from the scores as people read them."""
    game = GameState(state)
    seats = [(game.to_move + turn) % game.players for turn in range(game.players)]
    scores = np.array([[min(game.scores[seat], 127) for seat in seats]], float)
    row = score_values(scores, SCALE)[0]
    values = np.empty(game.players)
    values[seats] = [row[0], -row[0]] if game.players == 2 else row
    return values


def ends_game(state):
    """Whether a wall row is about to be complete, so that this round is the last."""
    view = GameState(state).view()
    return any(
        sum(cells) == 4 and line.tiles == row + 1
        for board in view.boards
        for row, (cells, line) in enumerate(zip(board.wall, board.lines, strict=True))
    )


def solvable(players, last_round):
    """Positions with one clearly best move, found by walking back from the ends of rounds."""
    found = []
    slack = 0.0 if players == 2 else 0.05
    for seed in range(400):
        for state in reversed(random_game(players, seed, on_lines=1.0)):
            if state[7] > 12 or ends_game(state) != last_round:
                continue
            solved = solved_move(state, truth_of_afterstate, 600, slack=slack)
            if solved is not None:
                found.append((state, *solved))
                break
        if len(found) == POSITIONS:
            break
    return found


@pytest.mark.parametrize(("players", "last_round"), [(2, False), (2, True), (3, False), (4, True)])
def test_search_finds_the_best_move_and_its_value(players, last_round):
    found = solvable(players, last_round)
    assert len(found) == POSITIONS
    observation = np.zeros((1, observation_size(players)), np.int8)
    for state, _, _ in found:  # the evaluator tells the truth about afterstates
        game = GameState(state)
        while game.phase == "moving":
            game.apply(int(game.legal_actions()[0]), refill=False)
        if game.phase == "afterstate":
            write_observation(game.array, observation[0])
            seen = score_values(shown_scores(observation, players), SCALE)[0]
            assert seen[0] == pytest.approx(truth_of_afterstate(game.array)[game.to_move])
    states = np.stack([state for state, _, _ in found])
    evaluator = ScoreEvaluator(POSITIONS, players, scale=SCALE)
    for settings in DEEP.values():
        search = LockstepSearch(POSITIONS, SIMULATIONS, settings, players)
        result = search.run(states, evaluator)
        best = [best for _, best, _ in found]
        assert result.actions.tolist() == result.policies.argmax(axis=1).tolist() == best
        for game, (_, action, value) in enumerate(found):
            assert root_q(search.tree, game)[action] == pytest.approx(value, abs=0.03)
