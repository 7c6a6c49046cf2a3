"""The search against exhaustive truth: late-round positions solved by looking at every line."""

import numpy as np
import pytest
from plain_search import solved_move
from search_lab import (
    ScoreEvaluator,
    random_game,
    root_q,
    score_values,
    search_trees,
    shown_scores,
)

from azul_tui.game.constants import observation_size
from azul_tui.game.observation import write_observation
from azul_tui.game.state import GameState
from azul_tui.search.search import LockstepSearch
from azul_tui.search.select import SearchSettings

POSITIONS = 16
SIMULATIONS = 20_000
SCALE = 8.0
# sigma grows with the visits. At the scale that is good for play, a node deep in the tree stops
# trying what its first visits spoke against, and no number of simulations brings it back; at this
# one everything is tried before sigma grows hard.
GUMBEL = SearchSettings(c_scale=0.02, max_considered_actions=12)
PUCT = SearchSettings(gumbel=False, c_puct=1.0)


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


def solvable(players, last_round, slack):
    """Positions with one clearly best move, found by walking back from the ends of rounds."""
    found = []
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


@pytest.fixture(scope="module", params=[(2, False), (2, True), (3, False), (4, True)])
def solved(request):
    players, last_round = request.param
    found = solvable(players, last_round, slack=0.0 if players == 2 else 0.05)
    assert len(found) == POSITIONS
    return players, found


def test_the_fake_evaluator_tells_the_truth_about_afterstates(solved):
    players, found = solved
    observation = np.zeros((1, observation_size(players)), np.int8)
    checked = 0
    for state, _, _ in found:
        game = GameState(state)
        while game.phase == "moving":
            game.apply(int(game.legal_actions()[0]), refill=False)
        if game.phase == "afterstate":
            write_observation(game.array, observation[0])
            seen = score_values(shown_scores(observation, players), SCALE)[0]
            mover = game.to_move
            assert seen[0] == pytest.approx(truth_of_afterstate(game.array)[mover])
            checked += 1
    assert checked or all(ends_game(state) for state, _, _ in found)


@pytest.mark.parametrize("settings", [GUMBEL, PUCT], ids=["gumbel", "puct"])
def test_search_finds_the_best_move_and_its_value(solved, settings):
    players, found = solved
    states = np.stack([state for state, _, _ in found])
    evaluator = ScoreEvaluator(POSITIONS, players, scale=SCALE)
    search = search_trees(states, evaluator, SIMULATIONS, settings, players=players)
    for game, (_, best, value) in enumerate(found):
        q = root_q(search.tree, game)
        assert q[best] == pytest.approx(value, abs=0.03)
    result = LockstepSearch(POSITIONS, SIMULATIONS, settings, players).run(states, evaluator)
    assert result.actions.tolist() == [best for _, best, _ in found]
    likeliest = result.policies.argmax(axis=1)
    assert likeliest.tolist() == [best for _, best, _ in found]
