"""Searches whose answer is known: bandits of one move, and late rounds solved line by line."""

import numpy as np
import pytest
from plain_search import solved_move
from search_lab import (
    ScoreEvaluator,
    after,
    last_moves_of_rounds,
    moves_of,
    random_game,
    root_q,
    score_values,
    shown_scores,
)

from azul_tui.game.constants import TO_MOVE, observation_size
from azul_tui.game.observation import write_observation
from azul_tui.game.state import GameState
from azul_tui.search.search import LockstepSearch
from azul_tui.search.select import SearchSettings

GUMBEL = SearchSettings(c_scale=1.0, max_considered_actions=8)
PUCT = SearchSettings(gumbel=False)


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
