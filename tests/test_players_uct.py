"""UCT: positions that playouts decide, and what the tree may never do."""

from __future__ import annotations

import numpy as np
import pytest
from small_positions import board, choices, position, random_position, steady_choice

from azul_tui.game.constants import MOVING, PHASE
from azul_tui.players import create_player
from azul_tui.players.registry import StoppablePlayer
from azul_tui.players.uct import (
    CHILDREN,
    FIRST_CHILD,
    MADE_BY,
    PLAYOUTS_A_SLICE,
    REFILLS_KEPT,
    SIBLING,
    VISITS,
    grow,
)

NEARLY_A_ROW = "BYRK. ..... ..... ..... ....."


def tree_of(state: np.ndarray, playouts: int, seed: int = 3) -> np.ndarray:
    """The tree after a search, one row a node."""
    tree = np.full((playouts + 1, 5), -9, np.int32)
    values, stream = np.zeros(playouts + 1), np.zeros(1, np.uint64)
    path, actions = np.zeros((64, 2), np.int64), np.zeros(300, np.int32)
    grow(state, playouts, 0, np.uint64(seed), tree, values, path, actions, stream)
    return tree


def children(tree: np.ndarray, node: int) -> list[int]:
    found = []
    child = tree[node, FIRST_CHILD]
    while child >= 0:
        found.append(int(child))
        child = tree[child, SIBLING]
    return found


def test_it_ends_the_game_when_that_wins():
    state = position("", "W1", board(wall=NEARLY_A_ROW, score=5), board(score=9))
    assert choices(create_player("uct-500"), state, 8) == {"W C>1"}


def test_it_keeps_the_game_open_when_ending_it_loses():
    lines = "- W1 K1 W2 W2"
    mine = board(lines, wall=NEARLY_A_ROW, score=0)
    state = position("", "W1", mine, board(score=60), round_number=4)
    assert "W C>1" not in choices(create_player("uct-256"), state, 8)


@pytest.mark.parametrize("players", [3, 4])
def test_every_seat_looks_after_itself_at_a_larger_table(players):
    boards = [board(wall=NEARLY_A_ROW, score=5), *[board(score=9)] * (players - 1)]
    state = position("", "W1", *boards, players=players)
    assert choices(create_player("uct-500", players), state, 8) == {"W C>1"}


def test_every_playout_adds_one_node_and_visits_add_up():
    tree = tree_of(random_position(1, 6), 500)
    assert (tree[:, VISITS] > 0).all()
    assert tree[0, VISITS] == 501
    for node in range(501):
        below = children(tree, node)
        assert len(below) == tree[node, CHILDREN]
        assert len({int(tree[child, MADE_BY]) for child in below}) == len(below)
        assert tree[node, VISITS] == 1 + sum(tree[child, VISITS] for child in below)


def test_a_chance_node_keeps_ten_refills_and_picks_evenly_among_them():
    """Chi-square over ten refills at a fixed seed: even picks fail for 1 seed in 10,000."""
    full = "W1 W1 W1 W1 W1"
    state = position("", "B1", board(full), board(full))
    tree = tree_of(state, 2000)
    (chance,) = children(tree, 0)
    refills = children(tree, chance)
    assert len(refills) == REFILLS_KEPT
    visits = tree[refills, VISITS].astype(float) - 1
    expected = visits.sum() / REFILLS_KEPT
    assert ((visits - expected) ** 2 / expected).sum() < 33.7


def test_more_playouts_than_moves_left_do_no_harm():
    state = position("", "W1", board(wall=NEARLY_A_ROW, score=40), round_number=5)
    assert state[PHASE] == MOVING
    assert steady_choice(create_player("uct-1"), state) in {"W C>1", "W C>2", "W C>F"} | {
        f"W C>{row}" for row in "345"
    }


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("playouts", [1, 1000, 1500])
def test_thinking_in_slices_chooses_what_thinking_at_once_does(players, playouts):
    player = create_player(f"uct-{playouts}", players)
    for seed in range(2):
        state = random_position(seed, 6, players)
        seeds = np.array([seed], np.uint64)
        at_once = int(player.choose(state[None, :], seeds, deterministic=True)[0])
        assert player.choose_until(state, seed, lambda: False) == (at_once, False)


def test_a_player_that_is_stopped_plays_what_it_likes_best_so_far():
    state = random_position(3, 6)
    asked = []

    def stopped():
        asked.append(None)
        return len(asked) == 2

    player = create_player("uct-1000000")
    assert isinstance(player, StoppablePlayer)
    after_two_slices = create_player(f"uct-{2 * PLAYOUTS_A_SLICE}").choose_until(
        state, 7, lambda: False
    )[0]
    assert player.choose_until(state, 7, stopped) == (after_two_slices, True)
    assert len(asked) == 2
