"""Planner and alphabeta: values by hand, plain searches, positions where looking pays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_positions import board, choices, position, random_position, steady_choice

from azul_tui.game.constants import TABLE_TILES, TO_MOVE
from azul_tui.game.notation import format_move
from azul_tui.game.rules import apply_canonical, earned_points, list_legal, sources_offset
from azul_tui.players import create_player
from azul_tui.players.planner import (
    BUDGET,
    LEVELS,
    NODES,
    PlannerPlayer,
    create_workspace,
    make_child,
    make_root,
    plan,
)
from azul_tui.players.planner_value import describe_board, lead, list_replies, seat_values


def values_of(state: np.ndarray) -> np.ndarray:
    """What `state` is worth to each seat, from the position alone."""
    work = create_workspace(int(state[0]))
    make_root(work, state)
    return values_at(work, state, 0)


def values_at(work, state: np.ndarray, ply: int) -> np.ndarray:
    out = np.zeros(int(state[0]))
    seat_values(state, work.boards, work.worth, ply, work.available, out)
    return out


def test_an_empty_board_is_worth_its_score():
    assert values_of(position("BBBB", "-", board(score=7), board(score=5))).tolist() == [7, 5]


def test_a_begun_line_is_worth_its_chance_by_hand():
    state = position("BBBB", "-", board("- - B2 - -", score=10), round_number=2)
    power = (2 / 3) ** 1.5
    chance = 0.7 * power * 1.0
    promise = (1 + 0.7) * (chance + 0.45 * power * (1 - chance))
    risk = 0.65 * (1 - chance) * 1 / 3
    assert values_of(state)[0] == pytest.approx(10 + promise - risk)


def test_a_rival_halves_the_chance_and_the_last_round_has_no_later():
    theirs = board("- B1 - - -", score=0)
    state = position("BYYY", "-", board("- - B2 - -", score=10), theirs, round_number=5)
    power = (2 / 3) ** 1.5
    chance = 0.7 * power * (1 / (1 * 2))
    assert values_of(state)[0] == pytest.approx(10 + 1.7 * chance - 0.65 * (1 - chance) / 3)


def test_a_line_that_the_table_cannot_complete_has_no_chance():
    state = position("BYYY", "-", board("- - - B2 -", score=10), round_number=5)
    assert values_of(state)[0] == pytest.approx(10 - 0.65 * 2 / 4)


def test_a_full_line_is_laid_and_makes_sets_and_neighbours():
    # blue at the start of row 1, then yellow beside it: 2 points and a run of two
    wall = "B.... ..... ..... ..... ....."
    state = position("KKKK", "-", board("Y1 - - - -", wall, score=10))
    sets = 2 * (2 / 5) ** 4 + 2 * 7 * (1 / 5) ** 3 + 2 * 10 * (1 / 5) ** 4
    near = 0.25 * 1 + 0.25 * 2 / 1.3  # one empty cell beside, two below
    assert values_of(state)[0] == pytest.approx(12 + sets + near)


def test_a_complete_row_ends_the_game_with_its_bonuses():
    wall = "BYRK. W.... K.... R.... Y...."
    mine = board("W1 - - - -", wall, score=10)
    state = position("", "K1", mine, board("- - B2 - -", score=8, floor="B1"))
    # a run of five, a column, a row; the unfinished line of the other is worth nothing any more
    assert values_of(state).tolist() == [10 + 5 + 7 + 2, 7]


def test_the_marker_and_the_floor_count_and_a_score_stays_above_zero():
    mine = board(score=5, floor="B1*")
    theirs = board(score=3, floor="B4")
    assert values_of(position("KKKK", "-", mine, theirs)).tolist() == pytest.approx([3.6, 0])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 80), st.sampled_from([2, 3, 4]))
def test_what_is_carried_from_ply_to_ply_is_what_a_fresh_look_finds(seed, moves, players):
    state = random_position(seed, moves, players)
    work = create_workspace(players)
    make_root(work, state)
    rng = np.random.default_rng(seed)
    actions = np.empty(300, np.int32)
    for ply in range(12):
        here = work.line[ply]
        if here[TABLE_TILES] == 0:
            break
        count = list_legal(here, actions, True)
        make_child(work, ply, int(actions[rng.integers(count)]))
        child = work.line[ply + 1]
        carried = values_at(work, child, ply + 1)
        fresh = create_workspace(players)
        for seat in range(players):
            describe_board(child, fresh.boards, fresh.worth, 0, seat)
        assert np.allclose(carried, values_at(fresh, child, 0), atol=1e-9)


def plain_values(state: np.ndarray, depth: int) -> np.ndarray:
    """Max-n over the same replies without bounds, table or order: values of every seat."""
    if depth == 0 or state[TABLE_TILES] == 0:
        return values_of(state)
    seat = int(state[TO_MOVE])
    found = [plain_values(child, depth - 1) for child in reply_positions(state)]
    return max(found, key=lambda values: round(1000 * lead(values, seat)))


def replies_to(state: np.ndarray) -> list[int]:
    actions, ranks = np.zeros(300, np.int32), np.zeros(300, np.int64)
    return actions[: list_replies(state, actions, ranks, -1, False)].tolist()


def reply_positions(state: np.ndarray) -> list[np.ndarray]:
    return [after(state, action) for action in replies_to(state)]


@pytest.mark.parametrize("players", [2, 3])
def test_the_search_finds_the_value_that_a_plain_one_finds(players):
    checked = 0
    for seed in range(12):
        state = random_position(seed, 4 * seed, players, small=True)
        if len(replies_to(state)) * int(state[TABLE_TILES]) > 60:
            continue
        work = create_workspace(players)
        make_root(work, state)
        values = np.zeros(300, np.int64)
        count = plan(work, 0, values, values.copy())
        seat = int(state[TO_MOVE])
        leads = [round(1000 * lead(plain_values(c, 99), seat)) for c in reply_positions(state)]
        assert count == len(leads)
        assert values[0] == max(leads)
        best = {a for a, found in zip(replies_to(state), leads, strict=True) if found == values[0]}
        assert {int(a) for a, v in zip(work.actions[0], values[:count], strict=False)
                if v == values[0]} == best  # fmt: skip
        checked += 1
    assert checked >= 6


def test_replies_keep_every_floor_and_every_completed_line():
    state = random_position(11, 0)
    actions = np.empty(300, np.int32)
    legal = actions[: list_legal(state, actions, True)].tolist()
    kept = set(replies_to(state))
    assert len(kept) < len(legal), "the rest is left out while factories hold tiles"
    assert {action for action in legal if action % 6 == 5} <= kept
    assert {action for action in legal if action % 6 == 0} <= kept, "any tile fills line 1"


def test_nothing_is_left_out_once_only_the_centre_holds_tiles():
    state = position("", "B3Y3R3K3W3*")
    actions = np.empty(300, np.int32)
    assert len(replies_to(state)) == list_legal(state, actions, True)


def test_it_takes_what_the_other_needs():
    theirs = board("- - - - W3", "...K. ...R. ...Y. ...B. YRK.B")
    state = position("WWKK BYRK YYRR RRKK BBYY", "-", board("- Y1 - - -"), theirs)
    assert all(move[0] == "W" for move in choices(PlannerPlayer(2, 20_000), state, 2))


def test_it_ends_the_game_only_when_that_is_good():
    wall = "BYRK. ..... ..... ..... ....."
    ahead = position("", "W1", board(wall=wall, score=30), board("- - - - Y4", score=20))
    assert steady_choice(PlannerPlayer(2, 5_000), ahead) == "W C>1"


def test_a_choice_does_not_depend_on_the_batch():
    states = np.stack([random_position(seed, 5 * seed) for seed in range(10)])
    seeds = np.arange(10, dtype=np.uint64)
    for player in (PlannerPlayer(2, 3_000), create_player("alphabeta-hard")):
        together = player.choose(states, seeds)
        alone = [int(player.choose(states[i : i + 1], seeds[i : i + 1])[0]) for i in range(10)]
        assert together.tolist() == alone


def test_the_budget_is_kept():
    state = random_position(4, 0)
    work = create_workspace(2)
    make_root(work, state)
    values = np.zeros(300, np.int64)
    work.effort[BUDGET] = 5_000
    plan(work, 0, values, values.copy())
    assert 5_000 <= work.effort[NODES] <= 5_001
    assert create_player("planner").budget == 256_000
    assert create_player("planner", 3).budget == 4_000


# Alphabeta: points alone, against a plain search that shares only the rules


def after(state: np.ndarray, action: int) -> np.ndarray:
    """The position after `action`, the round left open even when it takes the last tile."""
    child = state.copy()
    child[TABLE_TILES] += 1
    apply_canonical(child, action)
    child[TABLE_TILES] -= 1
    return child


def plain_changes(state: np.ndarray, depth: int) -> dict[int, int]:
    """Of each move the change of earned points, the best that the other can then do taken off."""
    seat = int(state[TO_MOVE])
    actions = np.empty(300, np.int32)
    changes = {}
    for action in actions[: list_legal(state, actions, True)].tolist():
        child = after(state, action)
        changes[action] = earned_points(child, seat) - earned_points(state, seat)
        if depth > 1 and child[TABLE_TILES]:
            changes[action] -= max(plain_changes(child, depth - 1).values())
    return changes


def plain_best(state: np.ndarray, depth: int) -> set[str]:
    changes = plain_changes(state, depth)
    best = max(changes.values())
    return {format_move(action, 2) for action, change in changes.items() if change == best}


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_alphabeta_finds_the_moves_that_a_plain_search_finds(level):
    depth, threshold = LEVELS[level]
    player = create_player(f"alphabeta-{level}")
    checked = 0
    for seed in range(20):
        state = random_position(seed, 5 + 3 * seed % 50, small=True)
        at = sources_offset(state)
        pairs = np.count_nonzero(state[at : at + 30])
        if pairs > 5:
            continue
        best = plain_best(state, 99 if pairs <= threshold else depth)
        assert choices(player, state, 16) <= best
        assert steady_choice(player, state) in best
        checked += 1
    assert checked >= 14
    state = random_position(2, 0)
    if depth < 3:
        assert steady_choice(player, state) in plain_best(state, depth), "not the whole round"


def test_alphabeta_breaks_ties_at_random_among_all_that_are_best():
    state = position("", "B1Y1", board("W1 - W1 W1 W1"), board("W1 W1 W1 W1 W1"))
    best = plain_best(state, 9)
    assert choices(create_player("alphabeta-medium"), state, 200) == best
    assert len(best) > 1


def test_two_moves_ahead_take_from_the_other_what_one_does_not_see():
    # two white would complete the other's line 5, its row and its column: 19 points
    theirs = board("- - - - W3", "...K. ...R. ...Y. ...B. YRK.B")
    state = position("WWKK BYRK YYRR RRKK BBYY", "-", board("- Y1 - - -"), theirs)
    easy = choices(create_player("alphabeta-easy"), state)
    assert not any(move.startswith("W") for move in easy), "a single tile on line 1 earns a point"
    for level in ("medium", "hard", "extreme"):
        assert all(move[0] == "W" for move in choices(create_player(f"alphabeta-{level}"), state))


def test_easy_searches_to_the_end_of_the_round_once_four_pairs_are_left():
    theirs = board("- W1 W1 W1 W1", "BY... ..... ..... ..... .....")
    state = position("", "B1Y1R1", board("W1 W1 W1 W1 W1"), theirs)
    assert choices(create_player("greedy"), state) == {"B C>F", "Y C>F", "R C>F"}
    assert choices(create_player("alphabeta-easy"), state) == {"R C>F"}, "red earns them a point"


def test_a_round_is_never_looked_past():
    """The last tile of a round: nothing but the change it makes at once may count."""
    state = position("", "B1", board("- B1 - - -"))
    assert choices(create_player("alphabeta-extreme"), state) == {"B C>1", "B C>2"}
