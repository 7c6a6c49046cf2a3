"""Boards drawn large when there is room, compactly when not, as one line at the least."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.game.constants import COLOR_LETTERS, FLOOR_PENALTIES
from azul_tui.game.view import BoardView, Counts, PositionView, wall_color
from azul_tui.tui.picture import Line, Picture, beside, crop, fit, line_width, text_line
from azul_tui.tui.signs import UNICODE, Signs

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPACT_PLAYER = 23
LARGE_PLAYER = 37


def draw_board(
    position: PositionView,
    width: int,
    height: int,
    *,
    names: Sequence[str] = (),
    signs: Signs = UNICODE,
) -> Picture:
    """The position in at most `width` x `height` cells, as large as fits."""
    for build in (_large, _compact, _tight):
        picture = build(position, width, names, signs)
        if len(picture) <= height and all(line_width(line) <= width for line in picture):
            return picture
    return crop(_tight(position, width, names, signs), width, height)


def tile(letter: str, *, wide: bool = False) -> tuple[str, str]:
    """A tile (or the marker) as a coloured cell with its letter."""
    return (f" {letter} " if wide else letter, f"tile.{letter}")


def letters(counts: Counts) -> str:
    """Counts of the five colours as letters in order: (2, 1, 0, 1, 0) is `BBYK`."""
    return "".join(letter * count for letter, count in zip(COLOR_LETTERS, counts, strict=True))


def _floor_tiles(board: BoardView) -> str:
    """The floor line's slots as letters, the marker first: where it lies is not remembered."""
    return (("1" if board.marker else "") + letters(board.floor))[:7]


def _name(names: Sequence[str], seat: int) -> str:
    return names[seat] if seat < len(names) else f"player {seat + 1}"


def _spaced(text: str, gap: str = " ") -> Line:
    parts: list[tuple[str, str]] = []
    for letter in text:
        if parts:
            parts.append((gap, ""))
        parts.append(tile(letter))
    return tuple(parts)


def _compact(position: PositionView, width: int, names: Sequence[str], signs: Signs) -> Picture:
    picture: Picture = [*_factory_lines(position, width, signs), ()]
    per_row = max(1, (width + 1) // (COMPACT_PLAYER + 2))
    seats = list(range(position.players))
    for start in range(0, len(seats), per_row):
        block: Picture = []
        for order, seat in enumerate(seats[start : start + per_row]):
            drawn = _compact_player(position, seat, names, signs)
            block = drawn if order == 0 else beside(block, order * (COMPACT_PLAYER + 3), drawn)
        picture.extend(block)
    return picture


def _tight(position: PositionView, width: int, names: Sequence[str], signs: Signs) -> Picture:
    """Factories, and one line for each player: score, laid tiles, floor."""
    picture = _factory_lines(position, width, signs)
    for seat, player in enumerate(position.boards):
        here = seat == position.to_move
        laid = sum(map(sum, player.wall))
        line: Line = (
            (f"{signs.pointer if here else ' '} ", "player.now"),
            (f"{_name(names, seat)[:10]:<10} {player.score:>3}  ", "strong" if here else ""),
            (f"{laid:>2} tiles  ", "quiet"),
            *_spaced(_floor_tiles(player), ""),
        )
        picture.append(line)
    return picture


def _factory_lines(position: PositionView, width: int, signs: Signs) -> Picture:
    lines: list[list[tuple[str, str]]] = [[("factories  ", "quiet")]]
    used = 11
    for number, counts in enumerate(position.factories, start=1):
        text = letters(counts)
        size = 9
        if used + size > width and used > 11:
            lines.append([(" " * 11, "")])
            used = 11
        lines[-1].append((f"{number} ", "quiet"))
        lines[-1].extend(tile(letter) for letter in text)
        if not text:
            lines[-1].append((signs.empty_cell, "quiet"))
        lines[-1].append((" " * (size - 2 - max(1, len(text))), ""))
        used += size
    centre: list[tuple[str, str]] = [("centre     ", "quiet")]
    for count, letter in zip(position.centre, COLOR_LETTERS, strict=True):
        if count:
            centre.extend([tile(letter)] * count)
            centre.append((" ", ""))
    if position.marker_in_centre:
        centre.extend([tile("1"), (" first", "quiet")])
    elif not any(position.centre):
        centre.append((signs.empty_cell, "quiet"))
    return [*(tuple(line) for line in lines), tuple(centre)]


def _compact_player(
    position: PositionView, seat: int, names: Sequence[str], signs: Signs
) -> Picture:
    player = position.boards[seat]
    here = seat == position.to_move
    head: Line = (
        (f"{signs.pointer if here else ' '} ", "player.now"),
        (f"{_name(names, seat)[:14]:<14}", "strong" if here else ""),
        (f"{player.score:>6}", "strong"),
    )
    picture: Picture = [head]
    for row in range(5):
        color, count = player.lines[row]
        parts: list[tuple[str, str]] = [("  " + "  " * (4 - row), "")]
        for slot in range(row + 1):
            filled = slot > row - count
            parts.append(tile(COLOR_LETTERS[color or 0]) if filled else (signs.empty_cell, "quiet"))
            if slot < row:
                parts.append((" ", ""))
        parts.append((f" {signs.pointer} " if count == row + 1 else "   ", "key"))
        for column in range(5):
            letter = COLOR_LETTERS[wall_color(row, column)]
            laid = player.wall[row][column]
            parts.append(tile(letter) if laid else (letter.lower(), f"wall.{letter}"))
            if column < 4:
                parts.append((" ", ""))
        picture.append(tuple(parts))
    picture.append(_floor_line(player, signs))
    return picture


def _floor_line(player: BoardView, signs: Signs) -> Line:
    floor_letters = _floor_tiles(player)
    parts: list[tuple[str, str]] = [("  floor ", "quiet")]
    parts.extend(
        tile(floor_letters[slot]) if slot < len(floor_letters) else (signs.empty_cell, "quiet")
        for slot in range(7)
    )
    cost = player.floor_cost
    parts.append((f"   -{cost}" if cost else "", "warning"))
    return tuple(parts)


def _large(position: PositionView, width: int, names: Sequence[str], signs: Signs) -> Picture:
    """Factories as squares of four, boards with tiles three cells wide."""
    picture: Picture = [*_large_factories(position, width, signs), _large_centre(position, signs)]
    picture.append(())
    per_row = max(1, (width + 3) // (LARGE_PLAYER + 4))
    seats = list(range(position.players))
    for start in range(0, len(seats), per_row):
        block: Picture = []
        for order, seat in enumerate(seats[start : start + per_row]):
            drawn = _large_player(position, seat, names, signs)
            block = drawn if order == 0 else beside(block, order * (LARGE_PLAYER + 4), drawn)
        picture.extend(block)
    return picture


def _large_factories(position: PositionView, width: int, signs: Signs) -> Picture:
    per_row = max(1, width // 11)
    picture: Picture = []
    h, v, corners = signs.horizontal, signs.vertical, signs.corners
    for start in range(0, len(position.factories), per_row):
        block: Picture = []
        shown = position.factories[start : start + per_row]
        for order, counts in enumerate(shown):
            text = f"{letters(counts):<4}"
            number = str(start + order + 1)
            cell: Picture = [
                (
                    (corners[0], "frame"),
                    (number, "quiet"),
                    (h * (8 - len(number)) + corners[1], "frame"),
                )
            ]
            for pair in (text[:2], text[2:]):
                line: list[tuple[str, str]] = [(v + " ", "frame")]
                line.extend(
                    (f" {signs.empty_cell} ", "frame") if letter == " " else tile(letter, wide=True)
                    for letter in pair
                )
                line.append((" " + v, "frame"))
                cell.append(tuple(line))
            cell.append(((corners[2] + h * 8 + corners[3], "frame"),))
            block = cell if order == 0 else beside(block, order * 11, cell)
        picture.extend(block)
    return picture


def _large_centre(position: PositionView, signs: Signs) -> Line:
    parts: list[tuple[str, str]] = [(" centre  ", "quiet")]
    if position.marker_in_centre:
        parts.extend([tile("1", wide=True), ("  ", "")])
    for count, letter in zip(position.centre, COLOR_LETTERS, strict=True):
        if count > 3:
            parts.extend([tile(letter, wide=True), (f"{signs.times}{count}  ", "strong")])
        elif count:
            parts.extend([tile(letter, wide=True)] * count)
            parts.append(("  ", ""))
    if not any(position.centre) and not position.marker_in_centre:
        parts.append((signs.empty_cell, "quiet"))
    return tuple(parts)


def _large_player(position: PositionView, seat: int, names: Sequence[str], signs: Signs) -> Picture:
    player = position.boards[seat]
    here = seat == position.to_move
    score = f"{player.score} points"
    head: Line = fit(
        (
            (f"{signs.pointer if here else ' '} ", "player.now"),
            (f"{_name(names, seat)[:20]:<20}", "strong" if here else ""),
            (f"{score:>14}", "strong"),
        ),
        LARGE_PLAYER,
    )
    picture: Picture = [head]
    for row in range(5):
        color, count = player.lines[row]
        parts: list[tuple[str, str]] = [("  " + "   " * (4 - row), "")]
        for slot in range(row + 1):
            filled = slot > row - count
            parts.append(
                tile(COLOR_LETTERS[color or 0], wide=True)
                if filled
                else (f" {signs.empty_cell} ", "quiet")
            )
        parts.append((f" {signs.pointer} " if count == row + 1 else "   ", "key"))
        for column in range(5):
            letter = COLOR_LETTERS[wall_color(row, column)]
            laid = player.wall[row][column]
            parts.append(
                tile(letter, wide=True) if laid else (f" {letter.lower()} ", f"wall.{letter}")
            )
        picture.append(tuple(parts))
    picture.append(())
    floor_letters = _floor_tiles(player)
    floor: list[tuple[str, str]] = [("  floor   ", "quiet")]
    costs: list[tuple[str, str]] = [("          ", "")]
    for slot, cost in enumerate(FLOOR_PENALTIES):
        floor.append(
            tile(floor_letters[slot], wide=True)
            if slot < len(floor_letters)
            else (f" {signs.empty_cell} ", "quiet")
        )
        costs.append((f"-{cost} ", "quiet"))
    if player.floor_cost:
        floor.append((f"  -{player.floor_cost}", "warning"))
    picture.extend([tuple(floor), tuple(costs), text_line("")])
    return picture
