"""An analysis in words: the value, who looked how deep, the chosen move, what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.errors import NotationError
from azul_tui.game.notation import describe_move, parse_move
from azul_tui.runs.text import plain_text
from azul_tui.views.analysed_moves import in_ascii, margin_words
from azul_tui.views.analysis import best_move
from azul_tui.views.signs import bar
from azul_tui.views.words import plural, shortened, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.views.analysed_moves import Row
    from azul_tui.views.analysis import Study, Thinking
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans


def position_title(study: Study, *, brief: bool = False) -> str:
    """Which position this is."""
    view = study.here.view
    if brief:
        return f"player {view.to_move + 1}" if view.phase == "moving" else "nobody to move"
    turn = f"player {view.to_move + 1} to move" if view.phase == "moving" else "nobody to move"
    where = f"   move {len(study.moves)} of the line" if study.moves else ""
    if not where and study.seeded:
        where = f"   seed {study.seed}"
    return f"round {view.round}   {turn}{where}"


def value_title(study: Study, *, brief: bool = False) -> str:
    """What the player to move may expect, as the first network sees it."""
    found = study.analysis(study.players[0])
    if found is None:
        return "value"
    whose = "" if brief else f" for player {study.here.view.to_move + 1}"
    return f"value {found.value:+.2f}{whose}"


def depth_words(study: Study, *, brief: bool = False) -> str:
    """How far the search is."""
    found = study.analysis(study.players[-1])
    if study.here.view.phase != "moving":
        return ""
    done = f"{found.simulations if found else 0:,}"
    return f"{done}/{study.target:,} sims" if brief else f"{done} of {study.target:,} simulations"


def state_words(study: Study, thinking: Thinking) -> tuple[str, str]:
    """What is in the way or being done, and the role of the words."""
    if thinking.trouble:
        return thinking.trouble, "alert"
    if study.stopped and not study.is_done:
        return "stopped; space goes on", "warning"
    return thinking.activity, "quiet"


def value_bars(study: Study, width: int, signs: Signs) -> list[Spans]:
    """The value from one side to the other; a bar for every seat where there are more than two."""
    view = study.here.view
    rows: list[Spans] = []
    for index, player in enumerate(study.players):
        found = study.analysis(player)
        letter = "" if len(study.players) == 1 else f"{'AB'[index]} "
        role = f"series.{index}" if letter else "bar"
        values: list[float | None] = [None] * view.players
        if found is not None:
            values = [*found.values[: view.players]]
            values = values if len(values) == view.players else [None] * view.players
        if view.players == 2:
            if found is not None:
                own = found.value if view.to_move == 0 else -found.value
                values = [own, -own]
            share = None if values[0] is None else (values[0] + 1) / 2
            full, empty = bar(share, max(4, width - 4 - len(letter)), signs)
            rows.append(
                ((letter, role), ("1 ", "strong"), (full, role), (empty, "bar.empty"),
                 (" 2", "strong"))
            )  # fmt: skip
            continue
        for seat, value in enumerate(values):
            share = None if value is None else (value + 1) / 2
            full, empty = bar(share, max(4, width - 8 - len(letter)), signs)
            told = "–" if value is None else f"{value:+.2f}"
            rows.append(
                ((letter, role), (f"{seat + 1} ", "strong" if seat == view.to_move else "quiet"),
                 (full, role), (empty, "bar.empty"), (f" {told:>5}", ""))
            )  # fmt: skip
    return rows


def network_rows(study: Study, width: int) -> list[Spans]:
    """Each network's name, what it says and how long it took."""
    rows: list[Spans] = []
    for index, player in enumerate(study.players):
        found = study.analysis(player)
        letter = "" if len(study.players) == 1 else f"{'AB'[index]} "
        told = ""
        if found is not None:
            told = f"{found.seconds:.1f} s" if not letter else f"{found.value:+.2f}"
        room = max(4, width - len(letter) - len(told) - 1)
        name = f"{shortened(plain_text(player, 300), room):<{room}} "
        rows.append(((letter, f"series.{index}"), (name, ""), (told, "quiet")))
    return rows


def side_rows(
    study: Study, thinking: Thinking, rows: Sequence[Row], chosen: Row | None,
    width: int, height: int, signs: Signs,
) -> list[Spans]:  # fmt: skip
    """Everything that is said beside the board, the state at the foot of `height` lines."""
    above = [*value_bars(study, width, signs), *network_rows(study, width), ()]
    told, role = state_words(study, thinking)
    foot: list[Spans] = [((line, role),) for line in wrapped(told, width, 0)] if told else []
    middle: list[Spans] = []
    if study.moves:
        middle += [((line, "quiet"),) for line in _moves("line", study.moves, width)[-2:]]
    if len(study.players) == 2:
        middle += [((line, ""),) for line in wrapped(_disagreement(study, rows), width, 0)]
    if chosen is not None:
        middle += _chosen_rows(study, chosen, width)
    middle = middle[: max(0, height - len(above) - len(foot))]
    gap: list[Spans] = [()] * max(0, height - len(above) - len(middle) - len(foot))
    said = [*above, *middle, *gap, *foot][: max(0, height)]
    if signs.ascii:
        said = [tuple((in_ascii(text), role) for text, role in row) for row in said]
    return said


def _chosen_rows(study: Study, chosen: Row, width: int) -> list[Spans]:
    """The chosen move at length, how it goes on, and its margin."""
    players = study.here.view.players
    try:
        told = describe_move(parse_move(chosen.move, players), players)
    except NotationError:
        told = chosen.move
    rows: list[Spans] = [((told, "strong"),)]
    if len(chosen.twins) > 1:
        rows.append(((f"the same: {', '.join(chosen.twins[1:])}", "quiet"),))
    for number, (found, margin) in enumerate(zip(chosen.found, chosen.margins, strict=True)):
        letter = "" if len(study.players) == 1 else f"{'AB'[number]} "
        if found is not None and len(found.line) > 1:
            rows += [((line, ""),) for line in _moves(f"{letter}then", found.line[1:], width)[:2]]
        if margin is not None:
            rows.append(((f"{letter}{margin_words(margin)} points at the end", ""),))
    return rows


def _moves(head: str, moves: Sequence[str], width: int) -> list[str]:
    """Moves in lines of at most `width` cells, none of them broken."""
    lines = [head]
    for move in moves:
        if len(lines[-1]) + 2 + len(move) > width:
            lines.append(move)
        else:
            lines[-1] += f"  {move}"
    return lines


def _disagreement(study: Study, rows: Sequence[Row]) -> str:
    first, second = (best_move(study.analysis(player)) for player in study.players)
    if not first or not second:
        return "B is asked next"
    apart = sum(row.disagrees for row in rows)
    far = f"far apart on {plural(apart, 'move')}" if apart else "close on every move"
    return f"both play {first}; {far}" if first == second else f"A: {first}, B: {second}; {far}"
