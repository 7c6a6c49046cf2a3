"""The Analyse place in words: the value, who looked how deep, the chosen move, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.errors import NotationError
from azul_tui.game.notation import describe_move, parse_move
from azul_tui.tui import phrases
from azul_tui.tui.analyse.entries import best_move
from azul_tui.tui.bars import progress_bar
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Line, Picture, shorten, text_line, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.analyse.state import AnalyseState


def value_words(state: AnalyseState) -> Line:
    """The mean of all simulations for the player to move, as the first network sees it."""
    session = state.session
    found = session.analysis(session.players[0])
    if found is None:
        return ()
    return (("mean value ", "title"), (f"{found.value:+.2f}", "strong"))


def side_panel(state: AnalyseState, width: int, height: int) -> Picture:
    """The words in a frame whose title is the value of the position."""
    inner = width - 4
    lines = _side_lines(state, inner, height - 2)
    content: Picture = [((" ", ""), *line) for line in lines]
    title = value_words(state) or text_line("value", "title")
    if width >= 34 and value_words(state):
        title = (*title, (f" for player {state.session.here.view.to_move + 1}", "quiet"))
    return panel(content, title, _progress(state, width), width, height, state.signs)


def _progress(state: AnalyseState, width: int) -> Line:
    session = state.session
    found = session.analysis(session.players[-1])
    done = found.simulations if found is not None else 0
    if session.here.view.phase != "moving":
        return ()
    if width < 34:
        return ((f"{done:,}/{session.target:,} sims", "quiet"),)
    return ((f"{done:,} of {session.target:,} simulations", "quiet"),)


def _side_lines(state: AnalyseState, width: int, height: int) -> Picture:
    session = state.session
    lines: Picture = [*value_bars(state, width)]
    for index, player in enumerate(session.players):
        lines.append(_network_line(state, index, player, width))
    below: Picture = []
    if state.message:
        below.extend(wrapped(state.message, width, "warning" if state.bad else "good"))
    if state.trouble:
        below.extend(wrapped(state.trouble, width, "alert"))
    elif state.activity:
        below.extend(wrapped(state.activity, width, "quiet")[:3])
    room = height - len(lines) - len(below)
    middle = _chosen_lines(state, width)
    if session.moves:
        middle = [*wrapped_moves("line", session.moves, width, "quiet")[-2:], *middle]
    if len(session.players) > 1:
        middle = [*wrapped(_disagreement(state), width), *middle]
    if room > len(middle) + 1:
        middle = [(), *middle]
    middle = middle[: max(0, room)]
    gap: Picture = [()] * max(0, room - len(middle))
    return [*lines, *middle, *gap, *below]


def value_bars(state: AnalyseState, width: int) -> Picture:
    """The value from one side to the other; a bar for every seat where there are more than two."""
    session, signs = state.session, state.signs
    view = session.here.view
    lines: Picture = []
    for index, player in enumerate(session.players):
        found = session.analysis(player)
        role = "bar.full" if len(session.players) == 1 else f"series.{index}"
        if view.players > 2:
            values = found.values if found is not None else ()
            letter = "" if len(session.players) == 1 else "AB"[index]
            lines.extend(_seat_bars(values, letter, role, width, state))
            continue
        value = found.value if found is not None else None
        first = None if value is None else (value if view.to_move == 0 else -value)
        letter = "" if len(session.players) == 1 else f"{'AB'[index]} "
        size = max(4, width - 4 - len(letter))
        share = None if first is None else (first + 1) / 2
        bar = progress_bar(share, size, signs)
        styled = tuple((text, role if style == "bar.full" else style) for text, style in bar)
        lines.append(((letter, role), ("1 ", "strong"), *styled, (" 2", "strong")))
    return lines


def _seat_bars(
    values: Sequence[float], letter: str, role: str, width: int, state: AnalyseState
) -> Picture:
    lines: Picture = []
    view = state.session.here.view
    for seat in range(view.players):
        value = values[seat] if seat < len(values) else None
        share = None if value is None else (value + 1) / 2
        bar = progress_bar(share, max(4, width - 9 - len(letter)), state.signs)
        styled = tuple((text, role if style == "bar.full" else style) for text, style in bar)
        told = "–" if value is None else f"{value:+.2f}"
        name = (f"{seat + 1} ", "strong" if seat == view.to_move else "quiet")
        lines.append(((letter, role), name, *styled, (f" {told:>5}", "")))
    return lines


def _network_line(state: AnalyseState, index: int, player: str, width: int) -> Line:
    """A network's name, and how deep it has looked."""
    session, signs = state.session, state.signs
    found = session.analysis(player)
    told = ""
    if found is not None:
        time = f" {found.seconds:.1f} s"
        value = f" {found.value:+.2f}"
        told = time if len(session.players) == 1 or width >= 30 else ""
        told = f"{value}{told}" if len(session.players) > 1 else told
    letter = "" if len(session.players) == 1 else f"{'AB'[index]} "
    role = "series.0" if index == 0 else "series.1"
    room = max(4, width - len(letter) - len(told) - 1)
    name = shorten(player, room, signs.ellipsis)
    gap = " " * max(0, width - len(letter) - len(name) - len(told))
    return ((letter, role), (name, ""), (gap, ""), (told, "quiet"))


def _chosen_lines(state: AnalyseState, width: int) -> Picture:
    """The chosen move at length, its continuation and its margin."""
    chosen = state.chosen
    if chosen is None:
        return []
    view = state.session.here.view
    try:
        told = describe_move(parse_move(chosen.move, view.players), view.players)
    except NotationError:
        told = chosen.move
    if chosen.a is None and chosen.b is None and state.trouble:
        return []  # nobody has looked, so nothing is recommended
    lines: Picture = [text_line(told, "strong")]
    if len(chosen.twins) > 1:
        lines.append(text_line(f"the same: {', '.join(chosen.twins[1:])}", "quiet"))
    for found, margin, name in (
        (chosen.a, chosen.margin_a, "A "),
        (chosen.b, chosen.margin_b, "B "),
    ):
        if found is None:
            continue
        letter = name if len(state.session.players) > 1 else ""
        if len(found.line) > 1:
            lines.extend(wrapped_moves(f"{letter}then", found.line[1:], width)[:3])
        if margin is not None:
            points, error = margin
            at_the_end = " at the end" if width >= 30 else ""
            spread = f" {state.signs.plus_minus} {error:.1f}" if error is not None else ""
            lines.append(text_line(f"{letter}{points:+.1f}{spread} points{at_the_end}", ""))
    return lines


def wrapped_moves(head: str, moves: Sequence[str], width: int, role: str = "") -> Picture:
    """Moves in lines of at most `width` cells, none of them broken."""
    lines = [head]
    for move in moves:
        if len(lines[-1]) + 2 + len(move) > width and lines[-1] != head:
            lines.append(move)
        else:
            lines[-1] += f"  {move}"
    return [text_line(line, role) for line in lines]


def _disagreement(state: AnalyseState) -> str:
    session = state.session
    first, second = (session.analysis(player) for player in session.players[:2])
    if first is None or second is None:
        return "B is asked next"
    apart = sum(entry.disagrees for entry in state.rows)
    far = f"far apart on {phrases.plural(apart, 'move')}" if apart else "close on every move"
    if best_move(first) == best_move(second):
        return f"both play {best_move(first)}; {far}"
    return f"A plays {best_move(first)}, B plays {best_move(second)}; {far}"
