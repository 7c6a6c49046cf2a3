"""Where everything lies in a position: an int8 vector of S = `state_size(P)` bytes.

| bytes | meaning |
|---|---|
| 0 | P, the number of players |
| 1 | seat to move; in an afterstate the seat that will start the next round |
| 2 | seat that starts the next round: the marker's holder, else whoever started this one |
| 3 | 1 while the first-player marker lies in the centre |
| 4 | round, from 1 |
| 5 | phase: `MOVING`, `AFTERSTATE` (round scored, factories not refilled) or `OVER` |
| 6 | why the game ended: `NOT_ENDED`, `ROW_COMPLETE`, `ROUND_LIMIT`, `NO_TILES` |
| 7 | tiles on the table (factories and centre) |
| 8-12, 13-17 | tiles of each colour in the bag, in the box lid |
| 18 + 23p ... | board of seat p, see the `BOARD_*` offsets |
| 18 + 23P ... | tiles on factory 0, ..., F - 1 and the centre, five colours each |

The bag is counts only: the order of its tiles exists nowhere in a position. Plain numbers, so
that a position can be read and written without a compiler; `layout` adds the kernels.
"""

from __future__ import annotations

from typing import Final

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

NOT_ENDED: Final = 0
ROW_COMPLETE: Final = 1
ROUND_LIMIT: Final = 2
NO_TILES: Final = 3
