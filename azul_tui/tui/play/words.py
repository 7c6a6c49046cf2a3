"""What the Play place says: whose turn it is, what may be chosen, how a round and a game ended."""

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
from azul_tui.tui import phrases
from azul_tui.tui.board.marks import fallen
from azul_tui.tui.play.settings import short_name

if TYPE_CHECKING:
    from azul_tui.game.view import BoardView
    from azul_tui.tui.picture import Line, Segment
    from azul_tui.tui.play.game import PlayGame, Turn
    from azul_tui.tui.play.pick import Pick
    from azul_tui.tui.play.session import PlaySession
    from azul_tui.tui.play.settings import PlaySettings


def seat_names(settings: PlaySettings, players: int) -> list[str]:
    """A name for every seat; those that would be equal carry their seat."""
    names = [
        "you" if player is None else short_name(player)
        for player in map(settings.player_at, range(players))
    ]
    return [
        f"{name} {seat + 1}" if names.count(name) > 1 else name for seat, name in enumerate(names)
    ]


def move_words(move: str, players: int) -> str:
    """A move at length: `R from 2 to line 3`."""
    return describe_move(parse_move(move, players), players)


def verdict(game: PlayGame, settings: PlaySettings) -> str:
    """How the game ended."""
    names = seat_names(settings, game.now.view.players)
    winners = game.now.record.winners
    scores = sorted(game.now.record.scores, reverse=True)
    told = " to ".join(str(score) for score in scores)
    if len(winners) > 1:
        who = " and ".join(names[seat] for seat in winners)
        return f"{who} share the victory, {told}"
    if not winners:
        return f"the game is over, {told}"
    verb = "win" if winners[0] == settings.seat else "wins"
    return f"{names[winners[0]]} {verb}, {told}"


def round_words(turn: Turn, names: list[str], *, brief: bool = False) -> str:
    """How a round ended: `round 2 is over: you 12 (+9), planner 15 (+6)`.

    A name that ends in a number is set off: `greedy 2: 4 (+4)`.
    """
    scores = ", ".join(
        f"{name}{':' if name[-1:].isdigit() else ''} {score} ({gain:+d})"
        for name, score, gain in zip(names, turn.after.record.scores, turn.gains, strict=True)
    )
    number = turn.before.record.round
    return f"round {number}: {scores}" if brief else f"round {number} is over: {scores}"


def bonus_words(board: BoardView) -> str:
    """What the end of the game added for a wall: `rows +4, columns +7, colours +10`."""
    wall = board.wall
    rows = sum(all(row) for row in wall)
    columns = sum(all(column) for column in zip(*wall, strict=True))
    colors = sum(
        all(wall[row][wall_column(row, color)] for row in range(len(wall)))
        for color in range(len(COLOR_LETTERS))
    )
    found = (
        ("rows", rows * ROW_BONUS),
        ("columns", columns * COLUMN_BONUS),
        ("colours", colors * COLOR_BONUS),
    )
    return ", ".join(f"{name} +{points}" for name, points in found if points) or "no bonus"


def round_scores(turn: Turn) -> str:
    """The same without names: `round 2: 12 (+9), 15 (+6)`."""
    pairs = zip(turn.after.record.scores, turn.gains, strict=True)
    scores = ", ".join(f"{score} ({gain:+d})" for score, gain in pairs)
    return f"round {turn.before.record.round}: {scores}"


def ended_round(game: PlayGame, settings: PlaySettings) -> Turn | None:
    """The turn that ended a round, as long as the person has not moved since.

    Who watches has some moves' time to read it.
    """
    for turn in reversed(game.turns if settings.seat is not None else game.turns[-4:]):
        if turn.round_ended:
            return turn
        if turn.seat == settings.seat:
            return None
    return None


def state_words(session: PlaySession, now: float) -> Line:
    """What is going on, at the left of the first line."""
    seconds = phrases.duration(max(0.0, now - session.since))
    if session.phase == "starting":
        done = session.talk.progress
        share = ""
        if done is not None:
            share = f", step {min(done[0] + 1, done[1]):,.0f} of {done[1]:,.0f}"
        return ((f"{session.talk.words or 'starting the engine'}{share}, {seconds}", "strong"),)
    game = session.game
    if session.phase == "broken":
        what = "the engine is gone" if session.engine_died else "that did not work"
        return ((what, "alert"),)
    if game is None:
        return ()
    names = seat_names(session.settings, game.now.view.players)
    if session.phase == "over":
        return ((verdict(game, session.settings), "strong"),)
    if session.phase == "thinking":
        return ((f"{names[game.to_move]} thinks, {seconds}", ""),)
    if session.phase == "paused":
        return (("the game stands still", "strong"),)
    if session.is_sending:
        return ((f"your move is on its way, {seconds}", ""),)
    if session.hinting:
        return ((f"asking for a hint, {seconds}", ""),)
    return (("your turn", "player.now"),)


def prompt(session: PlaySession) -> Line:
    """What can be done now, in the last line."""
    if session.phase == "broken":
        again = "starts it again, the game is kept" if session.engine_died else "tries again"
        return (("enter", "key"), (f" {again}   ", ""), ("esc", "key"), (" setup", ""))
    if session.phase == "over":
        return (
            *(("n", "key"), (" new game   ", "")),
            *(("s", "key"), (" again on another seat   ", "")),
            *(("a", "key"), (" analyse   ", "")),
            *(("u", "key"), (" take back", "")),
        )
    if session.phase == "paused":
        return (("space", "key"), (" goes on   ", ""), ("right", "key"), (" one move", ""))
    if session.pick is None or session.phase != "yours":
        return ()
    return _pick_words(session.pick)


def _pick_words(pick: Pick) -> Line:
    refusal: Line = ((f"   {pick.refusal}", "warning"),) if pick.refusal else ()
    if pick.source is not None and pick.color is not None:
        color = COLOR_NAMES[pick.color]
        head = f"{color} {_from(pick)} to line "
        return ((head, ""), *_lines(pick, pick.source, pick.color), *refusal)
    if pick.source is not None:
        letters = [COLOR_LETTERS[color] for color in pick.colors()]
        return ((f"{_from(pick)}: ", ""), *_either(letters), *refusal)
    places = [_place(pick, source) for source in pick.sources()]
    head = "take from " if pick.color is None else f"{COLOR_NAMES[pick.color]} from "
    return ((head, ""), *_either(places), *refusal)


def _place(pick: Pick, source: int) -> str:
    return "C" if source == len(pick.position.factories) else str(source + 1)


def _from(pick: Pick) -> str:
    place = _place(pick, pick.source or 0)
    return "from the centre" if place == "C" else f"from {place}"


def _either(words: list[str]) -> Line:
    """Keys one after the other."""
    line: list[Segment] = []
    for index, word in enumerate(words):
        if index:
            line.append((" or " if index == len(words) - 1 else " ", "quiet"))
        line.append((word, "key"))
    return tuple(line)


def _lines(pick: Pick, source: int, color: int) -> Line:
    """The lines that take the tiles in hand, with how many would fall."""
    line: list[Segment] = []
    for row in pick.rows():
        if line:
            line.append(("  ", ""))
        line.append(("F" if row == FLOOR_ROW else str(row + 1), "key"))
        falling = fallen(pick.position, source, color, row)
        if falling and row != FLOOR_ROW:
            line.append((f" ({falling} fall{'s' if falling == 1 else ''})", "warning"))
    return tuple(line)
