"""What the place Play says: whose turn it is, what can be chosen, how rounds and games ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.game.constants import (
    COLOR_BONUS,
    COLOR_LETTERS,
    COLOR_NAMES,
    COLUMN_BONUS,
    FLOOR_ROW,
    ROW_BONUS,
)
from azul_tui.game.notation import describe_move, parse_move
from azul_tui.game.view import wall_column
from azul_tui.views import words
from azul_tui.views.play_settings import short_name
from azul_tui.views.signs import bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.game.view import BoardView
    from azul_tui.views.play import Game, Session, Turn
    from azul_tui.views.play_settings import PlaySettings
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans


def seat_names(settings: PlaySettings) -> list[str]:
    """A name for every seat; those that would be equal carry their seat."""
    names = [
        "you" if player is None else short_name(player)
        for player in map(settings.player_at, range(settings.players))
    ]
    return [
        f"{name} {seat + 1}" if names.count(name) > 1 else name for seat, name in enumerate(names)
    ]


def move_words(move: str, players: int) -> str:
    """A move at length: `R from 2 to line 3`."""
    return describe_move(parse_move(move, players), players)


def verdict(game: Game, settings: PlaySettings) -> str:
    """How the game ended."""
    names, record = seat_names(settings), game.now
    told = " to ".join(str(score) for score in sorted(record.scores, reverse=True))
    if len(record.winners) > 1:
        return f"{' and '.join(names[s] for s in record.winners)} share the victory, {told}"
    if not record.winners:
        return f"the game is over, {told}"
    verb = "win" if record.winners[0] == settings.seat else "wins"
    return f"{names[record.winners[0]]} {verb}, {told}"


def bonus_words(board: BoardView) -> str:
    """What the end of the game added for a wall: `rows +4, columns +7, colours +10`."""
    wall = board.wall
    colors = sum(all(wall[row][wall_column(row, color)] for row in range(5)) for color in range(5))
    found = (
        ("rows", sum(all(row) for row in wall) * ROW_BONUS),
        ("columns", sum(all(column) for column in zip(*wall, strict=True)) * COLUMN_BONUS),
        ("colours", colors * COLOR_BONUS),
    )
    return ", ".join(f"{name} +{points}" for name, points in found if points) or "no bonus"


def round_words(turn: Turn, names: Sequence[str]) -> str:
    """How a round ended: `round 2: you 12 (+9), planner 15 (+6)`; without names where none are."""
    told = (
        f"{name}{':' if name[-1:].isdigit() else ''} {score} ({gain:+d})".lstrip()
        for name, score, gain in zip(
            names or [""] * len(turn.gains), turn.after.scores, turn.gains, strict=True
        )
    )
    return f"round {turn.before.round}: {', '.join(told)}"


def state_words(session: Session, now: float) -> tuple[str, str]:
    """What is going on, and its role."""
    waited = words.duration(max(0.0, now - session.since))
    game = session.game
    if session.phase == "starting":
        return f"{session.loading}, {waited}", "strong"
    if session.phase == "broken":
        return "that did not work", "alert"
    if game is None:
        return "no game yet", "quiet"
    if session.phase == "over":
        return verdict(game, session.settings), "strong"
    if session.phase == "thinking":
        return f"{seat_names(session.settings)[game.to_move]} thinks, {waited}", ""
    if session.phase == "paused":
        return "the game stands still", "strong"
    if session.hinting:
        return f"asking for a hint, {waited}", ""
    return ("your turn", "good") if session.pick is not None else ("your move is sent", "")


def last_round(game: Game, settings: PlaySettings) -> Turn | None:
    """The turn that ended a round, until the person moves; who watches has some moves' time."""
    for turn in reversed(game.turns if settings.seat is not None else game.turns[-4:]):
        if turn.after.round_ended:
            return turn
        if turn.seat == settings.seat:
            return None
    return None


Prompt = list[tuple[str, str]]
"""Pieces of text, each with the key that a click on it presses; empty for plain words."""


def prompt(session: Session) -> Prompt:
    """What can be done now, in the last line."""
    pick = session.pick
    if session.phase == "broken":
        return [
            ("enter tries again", "enter"),
            ("; the game is kept   " if session.game is not None else "   ", ""),
            ("esc setup", "escape"),
        ]
    if session.phase == "over":
        return [("n new game", "n"), ("   ", ""), ("s on the next seat", "s"), ("   ", ""),
                ("a analyse", "a"), ("   ", ""), ("u take back", "u")]  # fmt: skip
    if session.phase == "paused":
        return [("space goes on", "space"), ("   ", ""), ("right one move", "right")]
    if pick is None or session.phase != "yours":
        return []
    centre = len(pick.position.factories)
    taken = pick.takeable()
    place = "" if pick.source is None else (
        " from the centre" if pick.source == centre else f" from {pick.source + 1}"
    )  # fmt: skip
    if pick.source is not None and pick.color is not None:
        told: Prompt = [(f"{COLOR_NAMES[pick.color]}{place} to line", "")]
        for row in pick.rows():
            falls = pick.falls(row) if row != FLOOR_ROW else 0
            key = "F" if row == FLOOR_ROW else str(row + 1)
            told += [("  ", ""), (key, key.lower())]
            told += [(f" ({falls} fall{'s' if falls == 1 else ''})", "")] if falls else []
        return told
    if pick.source is not None:
        told = [(f"{place.strip()}: colour", "")]
        keys = [COLOR_LETTERS[color] for color in sorted({color for _, color in taken})]
    else:
        told = [(f"{COLOR_NAMES[pick.color]} from" if pick.color is not None else "take from", "")]
        sources = sorted({source for source, _ in taken})
        keys = ["C" if source == centre else str(source + 1) for source in sources]
    for key in keys:
        told += [(" ", ""), (key, key.lower())]
    return told


def value_spans(session: Session, game: Game, width: int, signs: Signs, *, shown: bool) -> Spans:
    """Who is ahead by the newest thought of a network, in one line of at most `width` cells.

    Two players share one bar; of three and four each has its own.
    """
    if session.phase == "broken":
        return ((words.shortened(session.problem, width), "alert"),)
    if not shown:
        return (("the value is hidden, v shows it", "quiet"),)
    settings = session.settings
    names = seat_names(settings)
    values = [value for seat in range(len(names)) if (value := game.expected(seat)) is not None]
    if len(values) < len(names):
        told = "no value yet: it comes with the first move of a network"
        return (("scripted players tell no value" if settings.scripted else told, "quiet"),)
    own = settings.seat or 0
    shares = [min(max((value + 1) / 2, 0.0), 1.0) for value in values]
    if len(names) == 2:
        room = max(10, width // 4)
        left = f"{words.shortened(names[own], room)} {shares[own]:.0%} "
        right = f" {shares[1 - own]:.0%} {words.shortened(names[1 - own], room)}"
        told = f"   value {values[own]:+.2f}"
        full, empty = bar(shares[own], max(4, width - len(left + right + told)), signs)
        return ((left, "strong"), (full, "bar"), (empty, "bar.empty"), (right, ""), (told, "quiet"))
    room = (width + 2) // len(names) - 2
    longest = max(map(len, names))
    if longest + 10 > room:  # the boards carry the numbers
        names = ["you" if s == settings.seat else str(s + 1) for s in range(len(names))]
        longest = 3
    spans: list[tuple[str, str]] = []
    for turn in range(len(names)):
        seat = (own + turn) % len(names)
        full, empty = bar(shares[seat], max(0, room - longest - 6), signs)
        spans += [(f"{names[seat]:<{longest}} ", "" if turn else "strong"), (full, "bar"),
                  (empty, "bar.empty"), (f"{shares[seat]:>4.0%}  ", "quiet")]  # fmt: skip
    return tuple(spans)
