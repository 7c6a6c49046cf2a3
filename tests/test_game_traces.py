"""Sixty recorded games that two other engines agree with, replayed move by move."""

import numpy as np
import pytest
from azul_positions import traces

from azul_tui.game.record import parse_recorded, replay_recorded

GAMES = traces()


def test_there_are_sixty_games():
    assert [sum(game["players"] == n for game in GAMES) for n in (2, 3, 4)] == [40, 10, 10]


@pytest.mark.parametrize("number", range(60))
def test_a_recorded_game_replays_exactly(number):
    game = GAMES[number]
    assert replay_recorded(parse_recorded(game)) == (len(game["moves"]), [])


def test_a_wrong_number_anywhere_is_a_disagreement():
    """So that agreeing says something; at a place of the record that the seed chooses."""
    rng = np.random.default_rng(0)
    for game in GAMES[::12]:
        for key in ("n_legal", "final_scores", "scores_after_round", "rounds"):
            value = list(game[key])
            at = int(rng.integers(len(value)))
            if key == "rounds":
                value[at] = {**value[at], "bag": [n + 1 for n in value[at]["bag"]]}
            else:
                value[at] = value[at] + 1 if isinstance(value[at], int) else [-1] * game["players"]
            _, wrong = replay_recorded(parse_recorded({**game, key: value}))
            assert len(wrong) == 1, (key, wrong)
