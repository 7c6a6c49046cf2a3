"""What a network sees of a position: F small integers, relative to the player to move.

Only what a player may know goes in: bag contents as counts, never an order. Seats are rotated so
that the mover comes first; factories are in canonical order (see `canonical`), which the caller
keeps. In an afterstate "the mover" is the seat that will start the next round.

Fields, in this order, with Q = 2P + 2 sources:

| field | size | meaning |
|---|---|---|
| `has` | Q x 5 | 1 if the source holds the colour and is not equal to the factory before it |
| `tiles` | Q x 5 | tiles of the colour on the source |
| `marker` | 1 | 1 while the first-player marker lies in the centre |
| `round` | 1 | round, at most 10 |
| `afterstate` | 1 | 1 between the scoring and the refill |
| `bag` | 5 | tiles of each colour in the bag |
| `lead` | 2 | mover's score, then earned points, less the best other's, within +-100 |
| then for the mover: `accepts` | 5 x 5 | 1 if line r takes colour c, at c * 5 + r |
| then for each seat from the mover: | | |
| `wall` | 5 x 5 | 1 if a tile lies at row, column |
| `lines` | 5 x 5 | tiles of the colour on line r, at r * 5 + c |
| `points` | 5 x 5 | points for a tile laid now at row, column; 0 if one lies there |
| `floor` | 2 | filled slots, points they cost |
| `score` | 2 | score, earned points (full lines, floor, bonuses as if tiled now), within 0..127 |
| `next` | 1 | 1 for the seat that starts the next round as things stand |

and zeros up to a multiple of 32. A legal, distinct move takes colour c from source s to line r
with `has[s, c]` and (`accepts[c, r]` or r the floor): `legal_fields` says where these stand.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from azul_tui.game.constants import (
    AFTERSTATE,
    BAG,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_WALL,
    COLOR_COUNT,
    LINE_COUNT,
    MARKER_IN_CENTRE,
    NEXT_FIRST,
    PHASE,
    PLAYERS,
    ROUND,
    TO_MOVE,
    observation_size,
    source_count,
)
from azul_tui.game.kernel import Float32Array, Int8Array, integer, kernel, lean_kernel
from azul_tui.game.rules import (
    FLOOR_COST,
    FULL_ROW,
    RUN_POINTS,
    accepting_colors,
    board_offset,
    earned_points,
    floor_slots,
    packed_column,
    score_of,
    sources_offset,
)

_GLOBALS: Final = 10
_SEEN_ROUNDS: Final = 10
_LEAD_LIMIT: Final = 100
_BYTE_LIMIT: Final = 127


class LegalFields(NamedTuple):
    """Where the legality of moves stands in an observation."""

    has: slice
    """`Q x 5` flags: source holds colour (distinct factories only)."""
    accepts: slice
    """`5 x 5` flags at c * 5 + r: the mover's line r takes colour c."""


def legal_fields(players: int) -> LegalFields:
    """Slices of the fields `has` and `accepts` for that many players."""
    cells = source_count(players) * COLOR_COUNT
    start = 2 * cells + _GLOBALS
    return LegalFields(slice(0, cells), slice(start, start + 25))


def observation_scales(players: int) -> Float32Array:
    """`(F,)` factors that bring every feature near [0, 1]; a network's first step."""
    cells = source_count(players) * COLOR_COUNT
    lines = np.repeat(1.0 / np.arange(1, LINE_COUNT + 1), COLOR_COUNT)
    board = [np.ones(25), lines, np.full(25, 0.1), [1 / 7, 1 / 14, 1 / 50, 1 / 50, 1.0]]
    parts = [
        np.ones(cells),
        np.full(cells, 0.25),
        [1.0, 0.2, 1.0],
        np.full(COLOR_COUNT, 0.05),
        [1 / 20, 1 / 20],
        np.ones(25),
        *(board * players),
    ]
    scales = np.ones(observation_size(players), dtype=np.float32)
    joined = np.concatenate([np.asarray(part, dtype=np.float32) for part in parts])
    scales[: len(joined)] = joined
    return scales


@lean_kernel
def _write_sources(state: Int8Array, out: Int8Array) -> int:
    """Fields `has` and `tiles`; returns where the next field begins."""
    centre = 2 * integer(state[PLAYERS]) + 1
    cells = (centre + 1) * COLOR_COUNT
    start = sources_offset(state)
    sources = state[start : start + cells]
    has = out[:cells]
    tiles = out[cells : 2 * cells]
    for cell in range(cells):
        tiles[cell] = sources[cell]
        has[cell] = sources[cell] > 0
    for source in range(1, centre):
        different = 0
        for cell in range(COLOR_COUNT * source, COLOR_COUNT * (source + 1)):
            different |= sources[cell] ^ sources[cell - COLOR_COUNT]
        if different == 0:
            for cell in range(COLOR_COUNT * source, COLOR_COUNT * (source + 1)):
                has[cell] = 0
    return 2 * cells


@lean_kernel
def _write_wall(wall: int, filled: Int8Array, points: Int8Array) -> None:
    """Fields `wall` and `points`, `(25,)` each, of a wall packed five bits a row."""
    for column in range(COLOR_COUNT):
        down = packed_column(wall, column)
        for row in range(LINE_COUNT):
            here = wall >> (5 * row + column) & 1
            across = RUN_POINTS[wall >> (5 * row) & FULL_ROW, column]
            both = across + RUN_POINTS[down, row]
            filled[5 * row + column] = here
            points[5 * row + column] = 0 if here else max(both, 1)


@lean_kernel
def _write_board(state: Int8Array, seat: int, earned: int, out: Int8Array, at: int) -> int:
    """The fields of one seat from `wall` to `next`; returns where the next field begins."""
    board = board_offset(seat)
    wall = 0
    for row in range(LINE_COUNT):
        wall |= integer(state[board + BOARD_WALL + row]) << (5 * row)
    # Views and not offsets: an index that is known to be positive needs no check for wrapping.
    _write_wall(wall, out[at : at + 25], out[at + 50 : at + 75])
    lines = out[at + 25 : at + 50]
    colors = state[board + BOARD_LINE_COLOR : board + BOARD_LINE_COLOR + LINE_COUNT]
    tiles = state[board + BOARD_LINE_TILES : board + BOARD_LINE_TILES + LINE_COUNT]
    for row in range(LINE_COUNT):
        for color in range(COLOR_COUNT):
            lines[5 * row + color] = tiles[row] if colors[row] == color + 1 else 0
    rest = out[at + 75 : at + 80]
    slots = floor_slots(state, seat)
    rest[0] = slots
    rest[1] = FLOOR_COST[slots]
    rest[2] = min(score_of(state, seat), _BYTE_LIMIT)
    rest[3] = min(max(earned, 0), _BYTE_LIMIT)
    rest[4] = 1 if state[NEXT_FIRST] == seat else 0
    return at + 80


@lean_kernel
def write_observation(state: Int8Array, out: Int8Array) -> None:
    """Fill `out` `(F,)` with the observation of `state` `(S,)`, seen by the seat to move."""
    players = integer(state[PLAYERS])
    mover = integer(state[TO_MOVE])
    at = _write_sources(state, out)
    out[at] = state[MARKER_IN_CENTRE]
    out[at + 1] = min(integer(state[ROUND]), _SEEN_ROUNDS)
    out[at + 2] = 1 if state[PHASE] == AFTERSTATE else 0
    for color in range(COLOR_COUNT):
        out[at + 3 + color] = state[BAG + color]
    lead = at + 8
    at += _GLOBALS
    accepts = out[at : at + 25]
    for row in range(LINE_COUNT):
        colors = accepting_colors(state, mover, row)
        for color in range(COLOR_COUNT):
            accepts[5 * color + row] = colors >> color & 1
    at += 25
    best_score = -1000
    best_earned = -1000
    own_earned = 0
    for turn in range(players):
        seat = mover + turn
        if seat >= players:
            seat -= players
        earned = earned_points(state, seat)
        at = _write_board(state, seat, earned, out, at)
        if turn == 0:
            own_earned = earned
        else:
            best_score = max(best_score, score_of(state, seat))
            best_earned = max(best_earned, earned)
    out[lead] = min(max(score_of(state, mover) - best_score, -_LEAD_LIMIT), _LEAD_LIMIT)
    out[lead + 1] = min(max(own_earned - best_earned, -_LEAD_LIMIT), _LEAD_LIMIT)
    for field in range(at, len(out)):
        out[field] = 0


@kernel
def write_observations(states: np.ndarray, out: np.ndarray) -> None:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType] - two dimensions
    """`write_observation` for each row: states `(B, S)`, out `(B, F)`."""
    for index in range(states.shape[0]):
        write_observation(states[index], out[index])
