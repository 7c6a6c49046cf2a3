"""Sixty recorded games that two other engines agree with, replayed move by move."""

import numpy as np
import pytest
from azul_positions import traces

from azul_tui.game.constants import (
    BAG,
    BOARD_SIZE,
    BOARDS,
    LID,
    NEXT_FIRST,
    OVER,
    PHASE,
    TABLE_TILES,
    action_count,
    encode_action,
    factory_count,
    state_size,
)
from azul_tui.game.rules import (
    apply_move,
    begin_round,
    clear_game,
    end_bonus,
    is_legal,
    legal_count,
    list_legal,
    score_of,
)
from azul_tui.game.state import GameState
from azul_tui.game.view import view_position
from azul_tui.game.violations import unreachable, violations


def deal(state, players, record):
    """Begin a round as recorded, after checking that our bag and lid could have given it."""
    begin_round(state)
    before_bag, before_lid = state[BAG : BAG + 5].copy(), state[LID : LID + 5].copy()
    factories = np.array(record["factories"])
    dealt = factories.sum(axis=0)
    at = BOARDS + BOARD_SIZE * players
    state[at : at + factories.size] = factories.ravel()
    state[TABLE_TILES] = factories.sum()
    if before_bag.sum() >= 4 * len(factories):
        bag, lid = before_bag - dealt, before_lid
    else:
        bag, lid = before_bag + before_lid - dealt, np.zeros(5)
        assert (dealt >= before_bag).all(), "the whole bag is drawn before the lid is poured"
    assert (bag >= 0).all()
    assert bag.tolist() == record["bag"]
    assert lid.tolist() == record["lid"]
    state[BAG : BAG + 5], state[LID : LID + 5] = bag, lid


def replay(game):
    players = game["players"]
    state = np.zeros(state_size(players), np.int8)
    actions = np.empty(action_count(players), np.int32)
    clear_game(state, players)
    state[NEXT_FIRST] = game["first_player"]
    moves = iter(zip(game["moves"], game["n_legal"], strict=True))
    for record, scores in zip(game["rounds"], game["scores_after_round"], strict=True):
        deal(state, players, record)
        while legal_count(state):
            move, legal = next(moves)
            action = encode_action(*move)
            assert list_legal(state, actions, False) == legal_count(state) == legal
            assert is_legal(state, action)
            assert action in actions[:legal]
            apply_move(state, action)
            assert violations(state.tolist()) == []
            assert unreachable(view_position(state.tolist())) == []
        bonus = [end_bonus(state, seat) * (state[PHASE] == OVER) for seat in range(players)]
        assert [score_of(state, seat) - bonus[seat] for seat in range(players)] == scores
    assert next(moves, None) is None, "all moves were played"
    return state


GAMES = traces()


def test_there_are_sixty_games():
    assert [sum(game["players"] == n for game in GAMES) for n in (2, 3, 4)] == [40, 10, 10]


@pytest.mark.parametrize("number", range(60))
def test_a_recorded_game_replays_exactly(number):
    game = GAMES[number]
    state = GameState(replay(game))
    assert state.is_over
    assert list(state.scores) == game["final_scores"]
    assert list(state.winners) == game["winners"]
    assert len(game["rounds"][0]["factories"]) == factory_count(game["players"])
