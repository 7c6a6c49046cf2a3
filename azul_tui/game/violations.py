"""Everything that is wrong with a position, in words: what the rules cannot go on with, and why.

A position that the rules can reach has no violations; one that has none can be played on from.
Plain Python over the bytes laid out in `offsets`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    COLOR_BONUS,
    COLOR_COUNT,
    COLOR_NAMES,
    COLUMN_BONUS,
    FLOOR_PENALTIES,
    FLOOR_SLOTS,
    LINE_COUNT,
    MAX_ROUNDS,
    ROW_BONUS,
    TILES_PER_COLOR,
    TILES_PER_FACTORY,
    factory_count,
    state_size,
)
from azul_tui.game.offsets import BOARD_SCORE, BOARD_SIZE, BOARDS, TABLE_TILES
from azul_tui.game.view import signed_bytes, view_position, wall_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from azul_tui.game.view import BoardView, PositionView


def violations(state: Iterable[int]) -> list[str]:
    """What is wrong with the position in `state` (int8 array or bytes), one sentence each."""
    values = signed_bytes(state)
    try:
        view = view_position(values)
    except NotationError as error:
        return [str(error)]
    return [*_byte_violations(values, view), *position_violations(view)]


def position_violations(view: PositionView) -> list[str]:
    """What is wrong with a position as it is shown, one sentence each."""
    found = [*_table_violations(view), *_tile_violations(view)]
    for seat, board in enumerate(view.boards):
        found += [f"player {seat + 1}: {what}" for what in _board_violations(view, board)]
    return [*found, *_turn_violations(view), *_phase_violations(view)]


def _byte_violations(values: list[int], view: PositionView) -> Iterator[str]:
    """What the bytes say twice, or should not say at all."""
    on_table = sum(map(sum, view.sources))
    if values[TABLE_TILES] != on_table:
        yield f"the count of tiles on the table is {values[TABLE_TILES]}, but {on_table} lie there"
    for seat in range(view.players):
        at = BOARDS + BOARD_SIZE * seat + BOARD_SCORE
        if not 0 <= values[at] < 100 or values[at + 1] < 0:
            yield f"player {seat + 1}: the score is written as {values[at]} and {values[at + 1]}"
    used = BOARDS + BOARD_SIZE * view.players + COLOR_COUNT * len(view.sources)
    if any(values[used : state_size(view.players)]):
        yield f"the bytes from {used} on mean nothing and must be 0"


def _table_violations(view: PositionView) -> Iterator[str]:
    for number, factory in enumerate(view.factories, start=1):
        if sum(factory) > TILES_PER_FACTORY:
            yield f"factory {number} holds {sum(factory)} tiles, more than {TILES_PER_FACTORY}"
        if min(factory) < 0:
            yield f"factory {number} holds a negative number of tiles"
    for name, counts in (("centre", view.centre), ("bag", view.bag), ("lid", view.lid)):
        if min(counts) < 0:
            yield f"the {name} holds a negative number of tiles"


def tiles_in_play(view: PositionView) -> list[int]:
    """Tiles of each colour, wherever they lie; in a game 20 each."""
    totals: list[int] = []
    for color in range(COLOR_COUNT):
        tiles = sum(counts[color] for counts in (*view.sources, view.bag, view.lid))
        for board in view.boards:
            tiles += board.floor[color]
            tiles += sum(line.tiles for line in board.lines if line.color == color)
            tiles += sum(cells[wall_column(row, color)] for row, cells in enumerate(board.wall))
        totals.append(tiles)
    return totals


def _tile_violations(view: PositionView) -> Iterator[str]:
    """Tiles made or lost."""
    for name, tiles in zip(COLOR_NAMES, tiles_in_play(view), strict=True):
        if tiles != TILES_PER_COLOR:
            yield f"there are {tiles} {name} tiles instead of {TILES_PER_COLOR}"


def _board_violations(view: PositionView, board: BoardView) -> Iterator[str]:
    if board.score < 0:
        yield f"the score is {board.score}, and scores never fall below 0"
    for row, line in enumerate(board.lines):
        if line.tiles < 0:
            yield f"line {row + 1} holds {line.tiles} tiles"
        if line.tiles > row + 1:
            yield f"line {row + 1} holds {line.tiles} tiles, more than its {row + 1} places"
        if line.color is None:
            if line.tiles:
                yield f"line {row + 1} holds tiles of no colour"
            continue
        if not line.tiles:
            yield f"line {row + 1} is empty and yet has the colour {COLOR_NAMES[line.color]}"
        if board.wall[row][wall_column(row, line.color)]:
            yield (
                f"line {row + 1} holds {COLOR_NAMES[line.color]}, "
                f"which wall row {row + 1} already has"
            )
        if view.phase != "moving" and line.tiles == row + 1:
            yield f"line {row + 1} is full after the round was scored"
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
    places = [f"with player {seat + 1}" for seat in holders]
    if view.marker_in_centre:
        places.insert(0, "in the centre")
    if len(places) > 1:
        yield f"the first-player marker lies {' and '.join(places)} at once"
    if view.phase == "moving" and not places:
        yield "the first-player marker is nowhere"
    if view.phase != "moving" and holders:
        yield "the first-player marker lies on a floor line after the round was scored"
    if view.phase != "moving" and view.marker_in_centre and view.end_reason != "no tiles":
        yield "the first-player marker lies in the centre after the round was scored"
    if view.phase == "moving" and len(places) == len(holders) == 1 and holders != [view.next_first]:
        yield (
            f"player {holders[0] + 1} has the first-player marker, "
            f"but player {view.next_first + 1} is to start the next round"
        )
    if view.phase != "moving" and view.to_move != view.next_first:
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
    if view.phase != "over" and view.end_reason:
        yield f"the game goes on, but its end has a reason: {view.end_reason}"
    complete = any(all(cells) for board in view.boards for cells in board.wall)
    if view.phase != "over":
        if complete:
            yield "a wall row is complete, but the game goes on"
        return
    if not view.end_reason:
        yield "the game is over for no reason"
    if view.end_reason == "row complete" and not complete:
        yield "the game is over for a complete wall row, but there is none"
    if view.end_reason == "round limit" and view.round != MAX_ROUNDS:
        yield f"the game is over for the limit of {MAX_ROUNDS} rounds in round {view.round}"
    if view.end_reason == "no tiles" and any(map(any, (view.bag, view.lid))):
        yield "the game is over for want of tiles, but bag or lid hold some"


# -- why a position that the rules can play on cannot arise in a game, in words
#
# `violations` names what the rules cannot go on with: tiles made or lost, a full line after the
# scoring. Here stands what only the history forbids: 92 tiles in the bag in round 2, a wall that
# needs more rounds than were played, a score that its wall cannot have earned, a seat to move that
# is not its turn. Every position of every game passes; what fails cannot arise. Most that cannot
# arise fail, but not all: which colours a player could have taken, say, is not asked.
#
# Letters: P players, F = 2P + 1 factories, k rounds that are over. Plain Python over a view.

ALL_TILES: Final = COLOR_COUNT * TILES_PER_COLOR
_UNFINISHED: Final = sum(range(LINE_COUNT))
"""Most tiles on the pattern lines of one board between rounds: line i holds i - 1 at most."""
Stocks = dict[int, tuple[int, int]]
"""By tiles in the bag between rounds, fewest and most tiles that lie on walls and lines."""


def unreachable(view: PositionView) -> list[str]:
    """Why no game comes to `view`, one sentence each; it must have no `violations`."""
    found = [*_wall_faults(view), *_score_faults(view)]
    return found or [*_stock_faults(view)]


def rounds_over(view: PositionView) -> int:
    """k: rounds whose walls have been tiled."""
    return view.round - (view.phase == "moving" or view.end_reason == "no tiles")


def _wall_faults(view: PositionView) -> Iterator[str]:
    """A row takes one tile a round, and the tile of row i costs i tiles."""
    rounds = rounds_over(view)
    for seat, board in enumerate(view.boards):
        for row, cells in enumerate(board.wall):
            if sum(cells) > rounds:
                yield (
                    f"player {seat + 1}: wall row {row + 1} holds {_tiles(sum(cells))}, and a row"
                    f" takes one a round; by round {view.round} it can be {rounds}"
                )
    spent = [_spent_by_color(view, color) for color in range(COLOR_COUNT)]
    dealt = rounds * _most_dealt(view) + _taken_now(view, _most_dealt(view))
    used = sum(spent) + sum(sum(board.floor) + _on_lines(board) for board in view.boards)
    if used > dealt:
        yield (
            f"walls, pattern lines and floors took {used} tiles, but by now at most {dealt} were"
            " dealt; take tiles off the walls, or choose a later round"
        )
    if (rounds + (view.phase == "moving")) * _most_dealt(view) > ALL_TILES:
        return  # the lid may have been poured into the bag
    for color, name in enumerate(COLOR_NAMES):
        laid = sum(_lies(board, row, color) for board in view.boards for row in range(LINE_COUNT))
        if view.lid[color] < spent[color] - laid:
            yield (
                f"the lid holds {view.lid[color]} {name} tiles; the {name} wall tiles left"
                f" {spent[color] - laid} there, and the lid is not used before the bag is empty"
            )


def _score_faults(view: PositionView) -> Iterator[str]:
    rounds = rounds_over(view)
    for seat, board in enumerate(view.boards):
        bonus = _bonus(board) if view.phase == "over" else 0
        low, high = _placement_bounds(board)
        low = max(0, low - sum(FLOOR_PENALTIES) * rounds) + bonus
        if not low <= board.score <= high + bonus:
            span = f"{low} to {high + bonus}" if low < high + bonus else f"{low}"
            yield (
                f"player {seat + 1}: the score is {board.score}; this wall earns {span}"
                f" by round {view.round}"
            )


def _stock_faults(view: PositionView) -> Iterator[str]:
    """Bag, lid and table against the tiles that left the bag; then whose turn it is."""
    rounds = rounds_over(view)
    walls = sum(sum(map(sum, board.wall)) for board in view.boards)
    stocks = _stocks(view.players, walls, rounds)
    placed = sum(map(_on_board, view.boards))
    if view.phase != "moving":
        low, high = stocks.get(sum(view.bag), (1, 0))
        if view.round and view.end_reason != "no tiles" and not low <= placed <= high:
            yield _stock_sentence(view, sorted(stocks))
        elif not view.round and (placed or any(view.lid) or any(b.score for b in view.boards)):
            yield "round 0 is before the first deal: every tile is in the bag"
        elif view.end_reason == "no tiles" and 0 not in stocks:
            yield _stock_sentence(view, sorted(stocks))
        return
    yield from _centre_faults(view)
    complaints: list[str] = []
    for bag, (low, high) in stocks.items():
        for before in range(max(low, walls), min(high, placed) + 1):
            refill = _refill(bag, ALL_TILES - bag - before, _most_dealt(view))
            if refill.bag != sum(view.bag):
                continue
            wrong = _round_fault(view, refill, placed - before)
            if not wrong:
                return
            complaints.append(wrong)
    if complaints:
        yield complaints[0]
    else:
        bags = {
            _refill(bag, ALL_TILES - bag - before, _most_dealt(view)).bag
            for bag, (low, high) in stocks.items()
            for before in range(low, high + 1)
        }
        yield _stock_sentence(view, sorted(bags))


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
def _stocks(players: int, walls: int, rounds: int) -> Stocks:
    """What may lie in the bag and on the boards after `rounds` rounds of some game.

    The walls only grow, at most by a tile a row and round, up to `walls` tiles in all.
    """
    wanted = TILES_PER_FACTORY * factory_count(players)
    lines = _UNFINISHED * players
    stocks: Stocks = {ALL_TILES: (0, 0)}
    for over in range(1, rounds + 1):
        least = walls - LINE_COUNT * players * (rounds - over)
        most = min(walls, LINE_COUNT * players * over) + lines
        after: Stocks = {}
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


def _round_fault(view: PositionView, refill: _Refill, put: int) -> str:
    """What speaks against the round having begun with this refill; "" when nothing does.

    Args:
        view: Somebody is to move.
        refill: The refill that began the round.
        put: Tiles that the pattern lines have gained since, if it was that one.
    """
    on_table = sum(map(sum, view.sources))
    if on_table > refill.dealt:
        return (
            f"{_tiles(on_table)} lie on the table, but round {view.round} began with {refill.dealt}"
        )
    taken = refill.dealt - on_table
    floors = [sum(board.floor) for board in view.boards]
    spilled = taken - put - sum(floors)
    lines = sum(map(_on_lines, view.boards))
    full = [_full_lines(board) for board in view.boards]
    if sum(floors) > taken:
        return (
            f"{_tiles(sum(floors))} lie on the floor lines, but {_were(taken)} taken in this round"
        )
    spills = any(
        tiles + b.marker >= FLOOR_SLOTS for tiles, b in zip(floors, view.boards, strict=True)
    )
    if put < 0 or spilled < 0 or put > lines or (spilled > 0 and not spills):
        return (
            f"{_were(taken)} taken from the table in round {view.round}, and lines, floors and lid"
            f" hold other numbers; fill the bag or change lines, floors, lid or table"
        )
    if sum(full) > put:
        return f"{sum(full)} pattern lines are full, but {_tiles(put)} came to lines in this round"
    whole, rest = divmod(refill.dealt, TILES_PER_FACTORY)
    sizes = sorted(sum(factory) for factory in view.factories if any(factory))
    # Only one factory can have been filled with fewer, with the last tiles there were.
    if sizes and (
        sizes[0] not in {rest, TILES_PER_FACTORY} or min(sizes[1:], default=4) < TILES_PER_FACTORY
    ):
        return (
            f"a factory holds {_tiles(sizes[0])}; it holds {TILES_PER_FACTORY} until somebody"
            " takes from it, and none after that"
        )
    emptied = whole + (rest > 0) - len(sizes)
    if emptied < 0:
        return f"{len(sizes)} factories hold tiles, but {whole + (rest > 0)} were filled"
    return _turn_fault(view, emptied, taken, spilled)


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
                f" after {_moves(emptied)} it is player {due + 1}'s turn"
            )
    else:
        fewest, most = emptied + 1, taken
        if not emptied or fewest > most:
            return (
                "somebody took the first-player marker from the centre, which takes a move after"
                f" one that emptied a factory; {emptied} are empty, {_were(taken)} taken"
            )
    for seat, board in enumerate(view.boards):
        colors = sum(tiles > 0 for tiles in board.floor)
        needed = max(_full_lines(board), colors, int(board.marker))
        made = _moves_of(seat, view, most)
        if needed > made:
            return (
                f"player {seat + 1} has full lines or floor tiles of {_moves(needed)}, and moved"
                f" {made} times at most in this round"
            )
    for seat, board in enumerate(view.boards):
        made = _moves_of(seat, view, fewest)
        spills = spilled if sum(board.floor) + board.marker >= FLOOR_SLOTS else 0
        if made > _on_lines(board) + sum(board.floor) + spills:
            return f"player {seat + 1} made {_moves(made)} in this round and has fewer tiles"
    return ""


def _moves_of(seat: int, view: PositionView, moves: int) -> int:
    """How many of the round's `moves` a seat made: the last was that of the seat before."""
    behind = (view.to_move - 1 - seat) % view.players
    return -(-max(0, moves - behind) // view.players)


def _centre_faults(view: PositionView) -> Iterator[str]:
    """A move takes at least one tile of its factory; the others go to the centre."""
    empty = sum(not any(factory) for factory in view.factories)
    most = (TILES_PER_FACTORY - 1) * empty
    if sum(view.centre) > most:
        yield (
            f"the centre holds {_tiles(sum(view.centre))}, but {empty} emptied factories left"
            f" {most} there at most"
        )


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
        f"the bag holds {_tiles(held)}; in round {view.round} of {view.players} players it can be"
        f" {shown}"
    )


def _most_dealt(view: PositionView) -> int:
    return TILES_PER_FACTORY * len(view.factories)


def _taken_now(view: PositionView, dealt: int) -> int:
    """Tiles taken from the table in the round that goes on, at most."""
    return max(0, dealt - sum(map(sum, view.sources))) if view.phase == "moving" else 0


def _on_lines(board: BoardView) -> int:
    return sum(line.tiles for line in board.lines)


def _on_board(board: BoardView) -> int:
    """Tiles on the wall and on the pattern lines."""
    return sum(map(sum, board.wall)) + _on_lines(board)


def _full_lines(board: BoardView) -> int:
    return sum(line.tiles == row + 1 for row, line in enumerate(board.lines))


def _lies(board: BoardView, row: int, color: int) -> bool:
    return board.wall[row][wall_column(row, color)]


def _spent_by_color(view: PositionView, color: int) -> int:
    """Tiles that the wall tiles of a colour took to be laid."""
    return sum(
        row + 1 for board in view.boards for row in range(LINE_COUNT) if _lies(board, row, color)
    )


def _placement_bounds(board: BoardView) -> tuple[int, int]:
    """Fewest and most points that laying this wall can have earned, floors left out.

    The j-th tile laid of a run that is n long in the end scores at most j, and at least what
    it scores when those before it lie as far apart as possible. A tile laid alone scores 1.
    """
    across = [length for cells in board.wall for length in _runs(cells)]
    down = [length for cells in zip(*board.wall, strict=True) for length in _runs(cells)]
    most = sum(length * (length + 1) // 2 - 1 for length in (*across, *down))
    least = sum(_FEWEST_POINTS[length] for length in (*across, *down))
    alone = sum(
        cell and not any(_neighbours(board, row, column))
        for row, cells in enumerate(board.wall)
        for column, cell in enumerate(cells)
    )
    return least + alone, most + min(len(across), len(down))


_FEWEST_POINTS: Final = (0, 0, 2, 3, 6, 8)
"""By length n of a run: n for the last tile, which joins runs of a and b = n - 1 - a."""


def _runs(cells: tuple[bool, ...]) -> list[int]:
    """Lengths of the unbroken runs in a row or a column."""
    return [len(run) for run in "".join("x" if cell else " " for cell in cells).split()]


def _neighbours(board: BoardView, row: int, column: int) -> Iterator[bool]:
    for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        if 0 <= row + down < LINE_COUNT and 0 <= column + across < COLOR_COUNT:
            yield board.wall[row + down][column + across]


def _bonus(board: BoardView) -> int:
    """Points at the end of the game for complete rows, columns and colours."""
    rows = sum(map(all, board.wall))
    columns = sum(map(all, zip(*board.wall, strict=True)))
    colors = sum(
        all(_lies(board, row, color) for row in range(LINE_COUNT)) for color in range(COLOR_COUNT)
    )
    return ROW_BONUS * rows + COLUMN_BONUS * columns + COLOR_BONUS * colors


def _tiles(count: int) -> str:
    return f"{count} tile{'' if count == 1 else 's'}"


def _moves(count: int) -> str:
    return f"{count} move{'' if count == 1 else 's'}"


def _were(count: int) -> str:
    return f"{_tiles(count)} {'was' if count == 1 else 'were'}"
