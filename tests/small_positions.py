"""Positions for the tests of players, said in few words.

Only what a test is about is given; the rest of the table is empty. Walls are five words, such as
`"BY... ..... ..... ..... ....."`, lines five such as `"- B2 - - -"`, in the game's notation.
"""

from __future__ import annotations

import numpy as np

from azul_tui.game.constants import AFTERSTATE, OVER, PHASE, TABLE_TILES, factory_count, state_size
from azul_tui.game.notation import format_move, parse_position
from azul_tui.game.playout import random_action
from azul_tui.game.rules import apply_canonical, clear_game, refill_canonical, sort_factories
from azul_tui.game.view import position_bytes

NO_WALL = "..... ..... ..... ..... ....."
NO_LINES = "- - - - -"


def board(lines: str = NO_LINES, wall: str = NO_WALL, floor: str = "-", score: int = 10) -> str:
    """One player's board in notation."""
    return f"{score},{'/'.join(lines.split())},{'/'.join(wall.split())},{floor}"


def position(
    factories: str = "",
    centre: str = "-",
    *boards: str,
    bag: str = "B8Y8R8K8W8",
    round_number: int = 2,
    players: int = 2,
) -> np.ndarray:
    """`(S,)` state, player 1 to move, its factories in canonical order; `centre` `*` is the marker.

    Boards that are not given are empty.
    """
    dealt = factories.split()
    dealt += ["-"] * (factory_count(players) - len(dealt))
    shown = [*boards, *[board()] * (players - len(boards))]
    text = (
        f"azul{players} r{round_number} move:1 next:1 {'/'.join(dealt)} {centre}"
        f" bag:{bag} lid:- {' '.join(shown)}"
    )
    state = np.frombuffer(position_bytes(parse_position(text)), np.int8).copy()
    sort_factories(state, np.empty(factory_count(players) + 1, np.int64))
    return state


def choices(player, state: np.ndarray, seeds: int = 64) -> set[str]:
    """Every move that `player` makes in `state` under that many seeds, in notation."""
    actions = player.choose(np.tile(state, (seeds, 1)), np.arange(seeds, dtype=np.uint64))
    return {format_move(int(action), int(state[0])) for action in actions}


def steady_choice(player, state: np.ndarray) -> str:
    """The one move that `player` makes without chance, in notation."""
    actions = player.choose(state[None, :], np.zeros(1, np.uint64), True)
    return format_move(int(actions[0]), int(state[0]))


def random_position(seed: int, moves: int, players: int = 2, small: bool = False) -> np.ndarray:
    """`(S,)` canonical position after that many random moves, somebody to move.

    Args:
        small: Play on until at most four tiles are left to take.
    """
    state = np.zeros(state_size(players), np.int8)
    scratch = np.zeros(1, np.uint64)
    stream = np.array([seed + 1], np.uint64)
    clear_game(state, players)
    refill_canonical(state, np.uint64(seed), scratch)
    made = 0
    while made < moves or (small and state[TABLE_TILES] > 4):
        apply_canonical(state, random_action(state, stream))
        made += 1
        if state[PHASE] == AFTERSTATE:
            refill_canonical(state, np.uint64(seed), scratch)
        if state[PHASE] == OVER:
            return random_position(seed + 1000, moves // 2, players, small)
    return state
