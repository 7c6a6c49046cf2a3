"""Everything that is wrong with a position, in words: `violations`, and `unreachable` beyond them.

Plain Python over a view. Letters: P players, F = 2P + 1 factories.
"""

from __future__ import annotations

from functools import lru_cache
from operator import sub
from typing import TYPE_CHECKING, Final, NamedTuple

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    BOARD_SCORE,
    BOARD_SIZE,
    BOARDS,
    COLOR_BONUS,
    COLOR_COUNT,
    COLOR_NAMES,
    COLUMN_BONUS,
    FLOOR_PENALTIES,
    FLOOR_SLOTS,
    LINE_COUNT,
    MAX_ROUNDS,
    ROW_BONUS,
    TABLE_TILES,
    TILES_PER_COLOR,
    TILES_PER_FACTORY,
    factory_count,
)
from azul_tui.game.view import signed_bytes, view_position, wall_color, wall_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from azul_tui.game.view import BoardView, PositionView

    Wall = tuple[tuple[bool, ...], ...]


# -- what is wrong with a position, in words
#
# A position that the rules can reach has no violations; one that has none can be played on from.


def violations(state: Iterable[int]) -> list[str]:
    """What is wrong with the position in `state` (int8 array or bytes), one sentence each."""
    values = signed_bytes(state)
    try:
        view = view_position(values)
    except NotationError as error:
        return [str(error)]
    found: list[str] = []
    on_table = sum(map(sum, view.sources))
    if values[TABLE_TILES] != on_table:
        found.append(
            f"the count of tiles on the table is {values[TABLE_TILES]}, but {on_table} lie there"
        )
    for seat in range(view.players):
        low, high = values[BOARDS + BOARD_SIZE * seat + BOARD_SCORE :][:2]
        if not 0 <= low < 100 or high < 0:
            found.append(f"player {seat + 1}: the score is written as {low} and {high}")
    used = BOARDS + BOARD_SIZE * view.players + COLOR_COUNT * len(view.sources)
    if any(values[used:]):
        found.append(f"the bytes from {used} on mean nothing and must be 0")
    return [*found, *position_violations(view)]


def position_violations(view: PositionView) -> list[str]:
    """What is wrong with a position as it is shown, one sentence each."""
    found = [*_tile_violations(view)]
    for seat, board in enumerate(view.boards):
        found += [f"player {seat + 1}: {what}" for what in _board_violations(view, board)]
    return [*found, *_turn_violations(view), *_phase_violations(view)]


def tiles_in_play(view: PositionView) -> list[int]:
    """Tiles of each colour, wherever they lie; in a game 20 each."""
    places = [*view.sources, view.bag, view.lid, *(board.floor for board in view.boards)]
    return [
        sum(counts[color] for counts in places)
        + sum(
            (line.tiles if line.color == color else 0) + cells[wall_column(row, color)]
            for board in view.boards
            for row, (line, cells) in enumerate(zip(board.lines, board.wall, strict=True))
        )
        for color in range(COLOR_COUNT)
    ]


def _tile_violations(view: PositionView) -> Iterator[str]:
    for number, factory in enumerate(view.factories, start=1):
        if sum(factory) > TILES_PER_FACTORY:
            yield f"factory {number} holds {sum(factory)} tiles, more than {TILES_PER_FACTORY}"
        if min(factory) < 0:
            yield f"factory {number} holds a negative number of tiles"
    for name, counts in (("centre", view.centre), ("bag", view.bag), ("lid", view.lid)):
        if min(counts) < 0:
            yield f"the {name} holds a negative number of tiles"
    for name, tiles in zip(COLOR_NAMES, tiles_in_play(view), strict=True):
        if tiles != TILES_PER_COLOR:
            yield f"there are {tiles} {name} tiles instead of {TILES_PER_COLOR}"


def _board_violations(view: PositionView, board: BoardView) -> Iterator[str]:
    if board.score < 0:
        yield f"the score is {board.score}, and scores never fall below 0"
    for row, (color, tiles) in enumerate(board.lines):
        line = f"line {row + 1}"
        if tiles < 0:
            yield f"{line} holds {tiles} tiles"
        if tiles > row + 1:
            yield f"{line} holds {tiles} tiles, more than its {row + 1} places"
        if color is None:
            if tiles:
                yield f"{line} holds tiles of no colour"
            continue
        if not tiles:
            yield f"{line} is empty and yet has the colour {COLOR_NAMES[color]}"
        if board.wall[row][wall_column(row, color)]:
            yield f"{line} holds {COLOR_NAMES[color]}, which wall row {row + 1} already has"
        if view.phase != "moving" and tiles == row + 1:
            yield f"{line} is full after the round was scored"
    if min(board.floor) < 0:
        yield "the floor line holds a negative number of tiles"
    if sum(board.floor) > FLOOR_SLOTS:
        yield f"the floor line holds {sum(board.floor)} tiles, more than its {FLOOR_SLOTS} slots"
    if view.phase != "moving" and any(board.floor):
        yield "the floor line holds tiles after the round was scored"


def _turn_violations(view: PositionView) -> Iterator[str]:
    """Seats, and the first-player marker."""
    for what, seat in (("to move", view.to_move), ("to start the next round", view.next_first)):
        if not 0 <= seat < view.players:
            yield f"player {seat + 1} is {what}, but there are {view.players} players"
    holders = [seat for seat, board in enumerate(view.boards) if board.marker]
    places = ["in the centre"] * view.marker_in_centre
    places += [f"with player {seat + 1}" for seat in holders]
    if len(places) > 1:
        yield f"the first-player marker lies {' and '.join(places)} at once"
    if view.phase == "moving":
        if not places:
            yield "the first-player marker is nowhere"
        if len(places) == len(holders) == 1 and holders != [view.next_first]:
            yield (
                f"player {holders[0] + 1} has the first-player marker, "
                f"but player {view.next_first + 1} is to start the next round"
            )
        return
    if holders:
        yield "the first-player marker lies on a floor line after the round was scored"
    if view.marker_in_centre and view.end_reason != "no tiles":
        yield "the first-player marker lies in the centre after the round was scored"
    if view.to_move != view.next_first:
        yield (
            f"player {view.to_move + 1} is to move between rounds, "
            f"but player {view.next_first + 1} is to start the next one"
        )


def _phase_violations(view: PositionView) -> Iterator[str]:
    """Phase, round and end, against what lies on the table."""
    on_table = any(map(any, view.sources))
    # Round 0 is the time before the first deal, and nothing follows the scoring of the last one.
    first, last = (0, MAX_ROUNDS - 1) if view.phase == "afterstate" else (1, MAX_ROUNDS)
    if not first <= view.round <= last:
        yield f"the round is {view.round}; here it can be {first} to {last}"
    if view.phase == "moving" and not on_table:
        yield "somebody is to move, but no tile lies on the table"
    if view.phase != "moving" and on_table:
        yield "the round was scored, but tiles lie on the table"
    complete = any(all(cells) for board in view.boards for cells in board.wall)
    if view.phase != "over":
        if view.end_reason:
            yield f"the game goes on, but its end has a reason: {view.end_reason}"
        if complete:
            yield "a wall row is complete, but the game goes on"
    elif not view.end_reason:
        yield "the game is over for no reason"
    elif view.end_reason == "row complete" and not complete:
        yield "the game is over for a complete wall row, but there is none"
    elif view.end_reason == "round limit" and view.round != MAX_ROUNDS:
        yield f"the game is over for the limit of {MAX_ROUNDS} rounds in round {view.round}"
    elif view.end_reason == "no tiles" and any(map(any, (view.bag, view.lid))):
        yield "the game is over for want of tiles, but bag or lid hold some"


# -- why no game comes to a position that the rules can play on
#
# What only the history forbids: 92 tiles in the bag in round 2, a wall that needs more rounds than
# were played, a score that its wall cannot have earned, a seat to move that is not its turn. Every
# position of every game passes; most that cannot arise fail, but not all: which colours a player
# could have taken, say, is not asked.

ALL_TILES: Final = COLOR_COUNT * TILES_PER_COLOR
_LINE_ROOM: Final = sum(range(LINE_COUNT))
"""Most tiles on the pattern lines of one board between rounds: line i holds i - 1 at most."""
_FEWEST_POINTS: Final = (0, 0, 2, 3, 6, 8)
"""By length n of a run: n for the last tile, which joins runs of a and b = n - 1 - a."""


def unreachable(view: PositionView) -> list[str]:
    """Why no game comes to `view`, one sentence each; it must have no `violations`."""
    # Rounds whose walls have been tiled.
    rounds = view.round - (view.phase == "moving" or view.end_reason == "no tiles")
    found = [*_wall_faults(view, rounds), *_score_faults(view, rounds)]
    return found or [*_stock_faults(view, rounds)]


def _wall_faults(view: PositionView, rounds: int) -> Iterator[str]:
    """A row takes one tile a round, and the tile of row i costs i tiles."""
    spent, laid = [0] * COLOR_COUNT, [0] * COLOR_COUNT
    for seat, board in enumerate(view.boards):
        for row, cells in enumerate(board.wall):
            if sum(cells) > rounds:
                yield (
                    f"player {seat + 1}: wall row {row + 1} holds {_count(sum(cells), 'tile')}, and"
                    f" a row takes one a round; {_count(rounds, 'round')} ended"
                )
            for column, cell in enumerate(cells):
                spent[wall_color(row, column)] += cell * (row + 1)
                laid[wall_color(row, column)] += cell
    each = TILES_PER_FACTORY * len(view.factories)
    moving = view.phase == "moving"
    dealt = rounds * each + moving * max(0, each - sum(map(sum, view.sources)))
    used = sum(spent) + sum(sum(board.floor) + _on_lines(board) for board in view.boards)
    if used > dealt:
        yield f"walls, lines and floors took {used} tiles, but by now at most {dealt} were dealt"
    if (rounds + moving) * each > ALL_TILES:
        return  # the lid may have been poured into the bag
    for name, in_lid, left in zip(COLOR_NAMES, view.lid, map(sub, spent, laid), strict=True):
        if in_lid < left:
            yield f"the lid holds {in_lid} {name} tiles; the {name} wall tiles left {left} there"


def _score_faults(view: PositionView, rounds: int) -> Iterator[str]:
    for seat, board in enumerate(view.boards):
        low, high = _placement_bounds(board.wall)
        bonus = _bonus(board.wall) if view.phase == "over" else 0
        low, high = max(0, low - sum(FLOOR_PENALTIES) * rounds) + bonus, high + bonus
        if not low <= board.score <= high:
            span = f"{low} to {high}" if low < high else f"{low}"
            yield f"player {seat + 1}: the score is {board.score}; this wall earns {span} by now"


def _placement_bounds(wall: Wall) -> tuple[int, int]:
    """Fewest and most points that laying this wall can have earned, floors left out.

    The j-th tile laid of a run that is n long in the end scores at most j, and at least what
    it scores when those before it lie as far apart as possible. A tile laid alone scores 1.
    """
    across, down = (
        [len(run) for cells in lines for run in "".join(" x"[cell] for cell in cells).split()]
        for lines in (wall, zip(*wall, strict=True))
    )
    framed = [(False,) * 7, *((False, *cells, False) for cells in wall), (False,) * 7]
    alone = sum(
        framed[row][column]
        and not (framed[row - 1][column] or framed[row + 1][column])
        and not (framed[row][column - 1] or framed[row][column + 1])
        for row in range(1, 6)
        for column in range(1, 6)
    )
    most = sum(length * (length + 1) // 2 - 1 for length in (*across, *down))
    least = sum(_FEWEST_POINTS[length] for length in (*across, *down))
    return least + alone, most + min(len(across), len(down))


def _bonus(wall: Wall) -> int:
    """Points at the end of the game for complete rows, columns and colours."""
    rows = sum(map(all, wall))
    columns = sum(map(all, zip(*wall, strict=True)))
    colors = sum(
        all(wall[row][wall_column(row, color)] for row in range(LINE_COUNT))
        for color in range(COLOR_COUNT)
    )
    return ROW_BONUS * rows + COLUMN_BONUS * columns + COLOR_BONUS * colors


class _Refill(NamedTuple):
    """What a refill leaves, in tiles."""

    bag: int
    lid: int
    dealt: int


def _refill(bag: int, lid: int, wanted: int) -> _Refill:
    """Draw from the bag until it is empty, only then pour the lid into it and go on."""
    if wanted <= bag:
        return _Refill(bag - wanted, lid, wanted)
    dealt = min(wanted, bag + lid)
    return _Refill(bag + lid - dealt, 0, dealt)


@lru_cache(maxsize=256)
def _stocks(players: int, walls: int, rounds: int) -> dict[int, tuple[int, int]]:
    """By tiles in the bag after `rounds` rounds: fewest and most tiles on walls and lines.

    The walls only grow, at most by a tile a row and round, up to `walls` tiles in all.
    """
    wanted = TILES_PER_FACTORY * factory_count(players)
    lines = _LINE_ROOM * players
    stocks = {ALL_TILES: (0, 0)}
    for over in range(1, rounds + 1):
        least = walls - LINE_COUNT * players * (rounds - over)
        most = min(walls, LINE_COUNT * players * over) + lines
        after: dict[int, tuple[int, int]] = {}
        for bag, (low, high) in stocks.items():
            # The number on the boards only decides how many come out of the lid.
            spans = [(low, high)] if bag >= wanted else [(n, n) for n in range(low, high + 1)]
            for first, last in spans:
                bag_left, _, dealt = _refill(bag, ALL_TILES - bag - first, wanted)
                # A complete line keeps one of its tiles, on the wall.
                fewest = max(least, first - lines, min(first, 1))
                highest = min(most, last + dealt, ALL_TILES - bag_left)
                if dealt and fewest <= highest:
                    known = after.get(bag_left, (fewest, highest))
                    after[bag_left] = (min(known[0], fewest), max(known[1], highest))
        stocks = after
    return stocks


def _stock_faults(view: PositionView, rounds: int) -> Iterator[str]:
    """Bag, lid and table against the tiles that left the bag; then whose turn it is."""
    walls = sum(sum(map(sum, board.wall)) for board in view.boards)
    placed = walls + sum(map(_on_lines, view.boards))
    stocks = _stocks(view.players, walls, rounds)
    if view.phase != "moving":
        low, high = stocks.get(sum(view.bag), (1, 0))
        if not view.round:
            if placed or any(view.lid) or any(board.score for board in view.boards):
                yield "round 0 is before the first deal: every tile is in the bag"
        elif 0 not in stocks if view.end_reason == "no tiles" else not low <= placed <= high:
            yield _stock_sentence(view, sorted(stocks))
        return
    emptied = sum(not any(factory) for factory in view.factories)
    most = (TILES_PER_FACTORY - 1) * emptied
    if sum(view.centre) > most:
        held = _count(sum(view.centre), "tile")
        yield f"the centre holds {held}, but {emptied} emptied factories left {most} at most"
    wanted = TILES_PER_FACTORY * len(view.factories)
    complaints: list[str] = []
    for bag, (low, high) in stocks.items():
        for before in range(max(low, walls), min(high, placed) + 1):
            refill = _refill(bag, ALL_TILES - bag - before, wanted)
            if refill.bag == sum(view.bag):
                complaints.append(_round_fault(view, refill.dealt, placed - before))
                if not complaints[-1]:
                    return
    bags = {
        _refill(bag, ALL_TILES - bag - before, wanted).bag
        for bag, (low, high) in stocks.items()
        for before in range(low, high + 1)
    }
    yield complaints[0] if complaints else _stock_sentence(view, sorted(bags))


def _stock_sentence(view: PositionView, bags: list[int]) -> str:
    """What is wrong with the tiles in the bag, or else with where the others lie."""
    held = sum(view.bag)
    if held in bags or not bags:
        return (
            f"bag, lid and boards do not go together in round {view.round} of {view.players}"
            f" players: with {held} tiles in the bag the lid cannot hold {sum(view.lid)}"
        )
    shown = f"{bags[0]}" if len(bags) == 1 else f"{bags[0]} to {bags[-1]}"
    return (
        f"the bag holds {_count(held, 'tile')}; in round {view.round} of {view.players} players"
        f" it can be {shown}"
    )


def _round_fault(view: PositionView, dealt: int, put: int) -> str:
    """What speaks against this course of the round that goes on; "" when nothing does.

    Args:
        view: Somebody is to move.
        dealt: Tiles with which the round began.
        put: Tiles that the pattern lines have gained since.
    """
    on_table = sum(map(sum, view.sources))
    taken = dealt - on_table
    on_floors = sum(sum(board.floor) for board in view.boards)
    spilled = taken - put - on_floors
    if on_table > dealt:
        return f"{on_table} tiles lie on the table, but round {view.round} began with {dealt}"
    if on_floors > taken:
        return f"{_count(on_floors, 'tile')} on floor lines, but {_were(taken)} taken in this round"
    may_spill = any(sum(board.floor) + board.marker >= FLOOR_SLOTS for board in view.boards)
    if not 0 <= put <= sum(map(_on_lines, view.boards)) or not 0 <= spilled <= taken * may_spill:
        return f"{_were(taken)} taken in this round, but lines, floors and lid hold other numbers"
    full = sum(map(_full_lines, view.boards))
    if full > put:
        return (
            f"{full} pattern lines are full, but {_count(put, 'tile')} came to lines in this round"
        )
    whole, rest = divmod(dealt, TILES_PER_FACTORY)
    sizes = sorted(sum(factory) for factory in view.factories if any(factory))
    # Only one factory can have been filled with fewer, with the last tiles there were.
    if sizes and (sizes[0] not in {rest, 4} or min(sizes[1:], default=4) < 4):
        size = _count(sizes[0], "tile")
        return f"a factory holds {size}; it holds 4 until somebody takes from it, and none then"
    filled = whole + (rest > 0)
    if filled < len(sizes):
        return f"{len(sizes)} factories hold tiles, but {filled} were filled"
    return _turn_fault(view, filled - len(sizes), taken, spilled)


def _turn_fault(view: PositionView, emptied: int, taken: int, spilled: int) -> str:
    """Whether the moves that emptied the factories can have led here, seat by seat.

    With the marker in the centre nobody took from there: one move for each emptied factory, and
    the round's first seat is known. Otherwise between one more and one a tile.
    """
    players = view.players
    if view.marker_in_centre:
        fewest = most = emptied
        due = (view.next_first + emptied) % players
        if view.to_move != due:
            return (
                f"player {view.to_move + 1} is to move; player {view.next_first + 1} began, and"
                f" after {_count(emptied, 'move')} it is player {due + 1}'s turn"
            )
    else:
        fewest, most = emptied + 1, taken
        if not emptied or fewest > most:
            return (
                "somebody took the first-player marker, which takes a move after one that emptied"
                f" a factory; {emptied} are empty, {_were(taken)} taken"
            )
    for seat, board in enumerate(view.boards):
        # The last move was that of the seat before the one to move.
        behind = (view.to_move - 1 - seat) % players
        at_least, at_most = (-(-max(0, n - behind) // players) for n in (fewest, most))
        colors = sum(tiles > 0 for tiles in board.floor)
        needed = max(_full_lines(board), colors, int(board.marker))
        if needed > at_most:
            moves = _count(needed, "move")
            return f"player {seat + 1} has full lines or floor tiles of {moves}, and made {at_most}"
        spills = spilled if sum(board.floor) + board.marker >= FLOOR_SLOTS else 0
        if at_least > _on_lines(board) + sum(board.floor) + spills:
            return f"player {seat + 1} made {_count(at_least, 'move')} and has fewer tiles"
    return ""


def _on_lines(board: BoardView) -> int:
    return sum(line.tiles for line in board.lines)


def _full_lines(board: BoardView) -> int:
    return sum(line.tiles == row + 1 for row, line in enumerate(board.lines))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _were(tiles: int) -> str:
    return f"{_count(tiles, 'tile')} {'was' if tiles == 1 else 'were'}"
