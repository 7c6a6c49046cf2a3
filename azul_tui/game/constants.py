"""Sizes that follow from the rules of Azul, as plain numbers.

Knows nothing of arrays or compilers, so that any room may import it. Letters: P players,
F factories = 2P + 1, A actions = (2P + 2) sources x 5 colours x 6 lines.
Rules: Azul rulebook (Plan B Games, 2017).
"""

from __future__ import annotations

from typing import Final

from azul_tui.config.setting import as_int, shown
from azul_tui.errors import GameError

COLOR_COUNT: Final = 5
"""Blue, yellow, red, black, white: 0 to 4."""
COLOR_LETTERS: Final = "BYRKW"
COLOR_NAMES: Final = ("blue", "yellow", "red", "black", "white")
LINE_COUNT: Final = 5
FLOOR_ROW: Final = 5
"""The "line" of an action that sends every tile to the floor."""
ROW_COUNT: Final = 6
"""Five pattern lines and the floor."""
TILES_PER_COLOR: Final = 20
TILES_PER_FACTORY: Final = 4
FLOOR_SLOTS: Final = 7
FLOOR_PENALTIES: Final = (1, 1, 2, 2, 2, 3, 3)
"""Points lost for each floor slot, leftmost first."""
ROW_BONUS: Final = 2
COLUMN_BONUS: Final = 7
COLOR_BONUS: Final = 10
MAX_ROUNDS: Final = 60
"""A game is ended, bonuses counted, after this many rounds.

The rules set no bound: players who only ever fill their floors never finish. Practically every
real game lasts 5 rounds, so 60 is far above any of them.
"""
MIN_PLAYERS: Final = 2
MAX_PLAYERS: Final = 4

_HEADER: Final = 18
_BOARD: Final = 23
_ROW_BYTES: Final = 32


def check_players(players: int) -> int:
    """Return `players` when Azul can be played by that many; raise GameError otherwise."""
    number = as_int(players)
    if number is None or not MIN_PLAYERS <= number <= MAX_PLAYERS:
        raise GameError(f"players must be 2, 3 or 4, got {shown(players)}")
    return number


def factory_count(players: int) -> int:
    """F: factory displays on the table."""
    return 2 * players + 1


def source_count(players: int) -> int:
    """Factories and the centre, which is source F."""
    return 2 * players + 2


def action_count(players: int) -> int:
    """A: 180, 240 or 300 actions, legal or not."""
    return source_count(players) * COLOR_COUNT * ROW_COUNT


def state_size(players: int) -> int:
    """S: bytes of one position, 96, 128 or 160, a multiple of 32."""
    used = _HEADER + _BOARD * players + source_count(players) * COLOR_COUNT
    return -(-used // _ROW_BYTES) * _ROW_BYTES


def observation_size(players: int) -> int:
    """Features of one observation, a multiple of 32: 256, 384 or 480."""
    used = 2 * source_count(players) * COLOR_COUNT + 10 + 105 + 80 * (players - 1)
    return -(-used // _ROW_BYTES) * _ROW_BYTES


def value_count(players: int) -> int:
    """V: 1 for two players, whose game is zero-sum, else one value a seat."""
    return 1 if players == 2 else players


def encode_action(source: int, color: int, row: int) -> int:
    """Number of the action that takes `color` from `source` to `row` (5 is the floor)."""
    return (source * COLOR_COUNT + color) * ROW_COUNT + row


def decode_action(action: int) -> tuple[int, int, int]:
    """`(source, color, row)` of an action number."""
    return action // 30, action // ROW_COUNT % COLOR_COUNT, action % ROW_COUNT
