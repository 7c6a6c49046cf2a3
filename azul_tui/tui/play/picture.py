"""The Play place as a picture: the table, who is ahead, what was played, what may be chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.game.constants import COLOR_LETTERS
from azul_tui.tui.bars import progress_bar
from azul_tui.tui.board.marks import Marks, Move
from azul_tui.tui.board.scale import Brush
from azul_tui.tui.board.table import DrawnTable, draw_whole_boards
from azul_tui.tui.picture import (
    Line,
    Picture,
    crop,
    fit,
    shorten,
    text_line,
    wrapped,
)
from azul_tui.tui.play.lines import headline, prompt_line
from azul_tui.tui.play.value import value_line
from azul_tui.tui.play.words import (
    bonus_words,
    move_words,
    prompt,
    round_scores,
    round_words,
    seat_names,
    state_words,
    verdict,
)

if TYPE_CHECKING:
    from azul_tui.game.view import Counts
    from azul_tui.tui.play.game import PlayGame
    from azul_tui.tui.play.session import PlaySession
    from azul_tui.tui.play.view import PlayView
    from azul_tui.tui.signs import Signs

PROMPT_LINES = 2
"""Lines under the table: the value, and what can be chosen."""


@dataclass(frozen=True, slots=True)
class PlayPicture:
    """The picture, and the table on it for whoever clicks; None without one."""

    picture: Picture
    table: DrawnTable | None
    top: int
    """Line at which the table begins."""
    others: tuple[int, ...] = ()
    """Seats besides the own one whose boards are shown."""


def play_body(view: PlayView, width: int, height: int) -> PlayPicture:
    """The body of the screen while a game is on."""
    session = view.session
    game = session.game
    if game is None:
        return PlayPicture(crop(_waiting(view, width), width, height), None, 0)
    top = 1
    room = max(1, height - top - PROMPT_LINES)
    table = _table(view, game, width, room)
    others = table.seats[1:]
    free, second = table.free, table.second_free
    apart = second.height >= 7
    if free.height:
        lines = free.height - (free.bottom < room and free.height > 4)  # a gap to what follows
        words = _aside(view, game, free.width, lines, bag=not apart)
        table.surface.put_picture(free.left, free.top, words)
    if apart:
        bag = _bag(game, view.signs)
        air = int(second.height > len(bag))
        table.surface.put_picture(second.left, second.top + air, bag)
    picture = [headline(view, game, width), *table.surface.picture()]
    told = value_line(session, game, width - 2, show_value=view.show_value, signs=view.signs)
    if not table.complete:
        told = text_line("the boards are cut: too little room", "warning")
    picture.append(fit(((" ", ""), *told), width))
    picture.append(fit(((" ", ""), *prompt_line(view, game, others, width - 2)), width))
    return PlayPicture(crop(picture, width, height), table, top, others)


def _table(view: PlayView, game: PlayGame, width: int, height: int) -> DrawnTable:
    """The table: who is to move stands beside the person, or who moves next after them."""
    session, position = view.session, game.now.view
    own = session.settings.seat or 0
    follows = position.to_move if position.to_move != own else (own + 1) % position.players
    return draw_whole_boards(
        position,
        width,
        height,
        names=seat_names(session.settings, position.players),
        own=own,
        wanted=follows if view.other is None else view.other,
        marks=_marks(session, game),
        brush=Brush(view.signs, view.depth),
    )


def _waiting(view: PlayView, width: int) -> Picture:
    """Before the first position: what is being waited for, or what went wrong."""
    session, signs = view.session, view.signs
    picture: Picture = [(), ((" ", ""), *state_words(session, view.now))]
    if session.phase == "broken":
        picture.append(())
        picture.extend(((" ", ""), *line) for line in wrapped(session.problem, width - 2))
        picture.extend([(), ((" ", ""), *prompt(session))])
        return picture
    if session.talk.progress is not None:
        done, total = session.talk.progress
        # Nobody knows how long a step takes: the bar nears its end and does not reach it.
        waited = max(0.0, view.now - session.talk.progress_since)
        share = min(1.0, (done + 1 - math.exp(-waited / 10)) / total)
        picture.append(((" ", ""), *progress_bar(share, min(60, width - 2), signs)))
    picture.append(())
    words = (
        "The engine is a process of its own. The first time it compiles the rules, "
        "which can take a minute; later it starts in seconds. Other places stay usable."
    )
    picture.extend(((" ", ""), *line) for line in wrapped(words, min(76, width - 2), "quiet"))
    return picture


def _marks(session: PlaySession, game: PlayGame) -> Marks:
    last, seat = game.last_move()
    pick = session.pick
    players = game.now.view.players
    hint = Move.parse(session.hint.move, players) if session.hint is not None else None
    if pick is None or session.phase != "yours":
        return Marks(last=last, last_seat=seat)
    held = (pick.source, pick.color) if pick.source is not None and pick.color is not None else None
    return Marks(
        takeable=pick.takeable(),
        held=held,
        rows=frozenset(pick.rows()) if held is not None else frozenset(),
        last=last,
        last_seat=seat,
        hint=hint if held is None else None,
    )


def _bag(game: PlayGame, signs: Signs) -> Picture:
    """What is left in the bag and the lid, a line for each colour."""
    position = game.now.view
    picture: Picture = [(("       bag  ", "quiet"), ("lid", "quiet"))]
    for letter, bag, lid in zip(COLOR_LETTERS, position.bag, position.lid, strict=True):
        picture.append(
            (
                (f" {letter} ", f"tile.{letter}"),
                (f"  {bag:>4} ", "" if bag else "quiet"),
                (f" {lid or signs.empty_cell:>3}", "" if lid else "quiet"),
            )
        )
    total = f" {sum(position.lid) or signs.empty_cell:>3}"
    picture.append(((f" all {sum(position.bag):>4} ", "quiet"), (total, "quiet")))
    return picture


def _aside(view: PlayView, game: PlayGame, width: int, height: int, *, bag: bool) -> Picture:
    """How it ended, what is left in the bag and the lid if `bag`, and the moves."""
    position, signs = game.now.view, view.signs
    picture: Picture = [()] if height >= 9 else []
    if game.over and height >= 6:
        words = verdict(game, view.session.settings)
        picture.append(text_line(shorten(words, width, signs.ellipsis), "strong"))
        if height >= 6 + position.players:
            names = seat_names(view.session.settings, position.players)
            for name, board in zip(names, position.boards, strict=True):
                told = shorten(f"{name}: {bonus_words(board)}", width, signs.ellipsis)
                picture.append(text_line(told))
    if bag:
        picture.append(_counts("bag", position.bag, width))
        picture.append(_counts("lid", position.lid, width))
    room = height - len(picture)
    if bag and room >= 5:
        picture.append(())
        room -= 1
    picture.extend(_moves(view, game, width, room))
    return picture


def _counts(word: str, counts: Counts, width: int) -> Line:
    """`bag B12 Y13 R14 K15 W16 = 70`."""
    line: list[tuple[str, str]] = [(f"{word} ", "quiet")]
    for letter, count in zip(COLOR_LETTERS, counts, strict=True):
        line.extend([(letter, f"tile.{letter}"), (f"{count:<3}", "" if count else "quiet")])
    total = f" {sum(counts)} tiles"
    if width >= 24 + len(total):
        line.append((total, "quiet"))
    return tuple(line)


def _moves(view: PlayView, game: PlayGame, width: int, height: int) -> Picture:
    """The newest moves, the last one at the bottom."""
    players = game.now.view.players
    names = seat_names(view.session.settings, players)
    size = min(16, max(len(name) for name in names))
    lines: Picture = []
    number = len(game.turns)
    for index in range(number - 1, -1, -1):
        if len(lines) >= height:
            break
        turn = game.turns[index]
        newest = index == number - 1
        if turn.round_ended:
            words = round_words(turn, names, brief=True)
            told = wrapped(words, max(8, width - 4), "title")
            if len(lines) + len(told) > height:
                told = wrapped(round_scores(turn), max(8, width - 4), "title")[:1]
            lines.extend((("    ", ""), *line) for line in reversed(told))
        words = move_words(turn.move, players) if width >= size + 36 else turn.move
        told = f"  {turn.value:+.2f}" if turn.value is not None and view.show_value else ""
        told = told if width >= 8 + size + len(words) + len(told) else ""
        name = shorten(names[turn.seat], size, view.signs.ellipsis)
        lines.append(
            (
                (f"{index + 1:>3} ", "quiet"),
                (f"{name:<{size}}  ", "strong" if newest else "quiet"),
                (words, "strong" if newest else ""),
                (told, "quiet"),
            )
        )
    lines = lines[:height]
    lines.reverse()
    return lines
