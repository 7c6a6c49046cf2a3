"""The sizes that follow from the rules of Azul, and where everything lies in a position.

Plain numbers, so that any room may read a position without a compiler. Letters: P players,
F factories = 2P + 1, A actions = (2P + 2) sources x 5 colours x 6 lines.
Rules: Azul rulebook (Plan B Games, 2017).

A position is an int8 vector of S = `state_size(P)` bytes:

| bytes | meaning |
|---|---|
| 0 | P, the number of players |
| 1 | seat to move; in an afterstate the seat that will start the next round |
| 2 | seat that starts the next round: the marker's holder, else whoever started this one |
| 3 | 1 while the first-player marker lies in the centre |
| 4 | round, from 1 |
| 5 | phase: `MOVING`, `AFTERSTATE` (round scored, factories not refilled) or `OVER` |
| 6 | why the game ended: 0 while it has not, `ROW_COMPLETE`, `ROUND_LIMIT`, `NO_TILES` |
| 7 | tiles on the table (factories and centre) |
| 8-12, 13-17 | tiles of each colour in the bag, in the box lid |
| 18 + 23p ... | board of seat p, see the `BOARD_*` offsets |
| 18 + 23P ... | tiles on factory 0, ..., F - 1 and the centre, five colours each |

The bag is counts only: the order of its tiles exists nowhere in a position.
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

PLAYERS: Final = 0
TO_MOVE: Final = 1
NEXT_FIRST: Final = 2
MARKER_IN_CENTRE: Final = 3
ROUND: Final = 4
PHASE: Final = 5
END_REASON: Final = 6
TABLE_TILES: Final = 7
BAG: Final = 8
LID: Final = 13
BOARDS: Final = 18

BOARD_SIZE: Final = 23
BOARD_LINE_COLOR: Final = 0
"""Five bytes: 0 for an empty pattern line, else colour + 1."""
BOARD_LINE_TILES: Final = 5
BOARD_WALL: Final = 10
"""Five bytes: one bit a column, bit (colour + row) % 5."""
BOARD_FLOOR: Final = 15
"""Five bytes: tiles of each colour on the floor line."""
BOARD_MARKER: Final = 20
"""1 when this seat took the marker in this round."""
BOARD_SCORE: Final = 21
"""Two bytes: score % 100, score // 100 (a score may pass what one byte holds)."""

MOVING: Final = 0
AFTERSTATE: Final = 1
OVER: Final = 2

ROW_COMPLETE: Final = 1
ROUND_LIMIT: Final = 2
NO_TILES: Final = 3


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
    used = BOARDS + BOARD_SIZE * players + source_count(players) * COLOR_COUNT
    return -(-used // 32) * 32


def observation_size(players: int) -> int:
    """Features of one observation, a multiple of 32: 256, 384 or 480."""
    used = 2 * source_count(players) * COLOR_COUNT + 10 + 105 + 80 * (players - 1)
    return -(-used // 32) * 32


def value_count(players: int) -> int:
    """V: 1 for two players, whose game is zero-sum, else one value a seat."""
    return 1 if players == 2 else players


def encode_action(source: int, color: int, row: int) -> int:
    """Number of the action that takes `color` from `source` to `row` (5 is the floor)."""
    return (source * COLOR_COUNT + color) * ROW_COUNT + row


def decode_action(action: int) -> tuple[int, int, int]:
    """`(source, color, row)` of an action number."""
    return action // 30, action // ROW_COUNT % COLOR_COUNT, action % ROW_COUNT
