"""The Evaluate place as a picture: two sides, a bar from both ends, the score in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.runs.events import number, text
from azul_tui.runs.text import plain_text
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.forms.settings import SettingsForm, draw_form
from azul_tui.tui.picture import Line, Picture, beside, crop, last_lines, text_line, wrapped
from azul_tui.tui.score_words import games_for_firmer, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azul_tui.runs.status import Judgement, Status
    from azul_tui.tui.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateState:
    """Everything that the picture depends on besides its size."""

    form: SettingsForm
    side_a: str
    side_b: str
    record: Mapping[str, object]
    """The newest result so far, empty while there is none."""
    status: Status | None
    judgement: Judgement | None
    running: bool
    finished: bool
    log: Sequence[str]
    earlier: Sequence[str]
    signs: Signs


def evaluate_body(state: EvaluateState, width: int, height: int) -> Picture:
    """The body of the screen, exactly `height` lines of `width` cells."""
    form_height = min(len(state.form.specs) + 4, max(5, height // 2))
    match = match_lines(state, width - 4)
    if width >= 100:
        left = 46
        form = panel(
            draw_form(state.form, left - 2, height - 2, focused=True, signs=state.signs),
            (("match", "title"),),
            (),
            left,
            height,
            state.signs,
        )
        right = _result_panel(state, match, width - left, height)
        return crop(beside(form, left, right), width, height)
    form = panel(
        draw_form(state.form, width - 2, form_height - 2, focused=True, signs=state.signs),
        (("match", "title"),),
        (),
        width,
        form_height,
        state.signs,
    )
    return crop([*form, *_result_panel(state, match, width, height - form_height)], width, height)


def _result_panel(state: EvaluateState, match: Picture, width: int, height: int) -> Picture:
    match = match_lines(state, width - 4)
    content: Picture = [((" ", ""), *line) for line in match]
    room = height - 3 - len(content)
    if room > 1:
        lines = [plain_text(line, 300) for line in state.log[-room:]]
        if not lines and state.earlier:
            content.append(text_line(" earlier results", "quiet"))
            lines = list(state.earlier[-(room - 1) :])
        else:
            content.append(())
        content.extend(
            text_line(f" {line}", "quiet") for line in last_lines(lines, width - 4, room - 1)
        )
    title: Line = ((f"{state.side_a} against {state.side_b}", "title"),)
    return panel(content, title, (), width, height, state.signs)


def match_lines(state: EvaluateState, width: int) -> Picture:
    """The bar and what it means."""
    record = state.record
    games = int(number(record, "games") or 0)
    status = state.status
    total = status.total if status is not None and status.total else None
    died: Picture = []
    if state.judgement is not None and state.judgement.state == "crashed":
        why = state.judgement.reason or "what it said last is below"
        died = wrapped(f"The match ended early: {why}.", width, "alert")
    if not games:
        if state.running:
            done = status.done if status is not None and status.done is not None else 0
            of = f" of {total:,.0f}" if total else ""
            return [(), text_line(f"playing: {done:,.0f}{of} games", "strong")]
        words = "Enter changes the chosen setting, g starts the match."
        return [(), *died, *wrapped(words, width, "strong")]
    wins, draws, losses = (int(number(record, key) or 0) for key in ("wins", "draws", "losses"))
    planned = int(number(record, "planned") or total or games)
    lines: Picture = [
        (),
        *died,
        two_ended_bar(wins, draws, losses, planned, min(width, 80), state.signs),
    ]
    ends: Line = (
        (f"A won {wins:,}", "series.0"),
        (f"   drawn {draws:,}   ", "quiet"),
        (f"B won {losses:,}", "series.1"),
        (f"   of {planned:,}", "quiet"),
    )
    lines.append(ends)
    players = min(4, max(2, int(number(record, "players") or 2)))
    sides = f"A is {state.side_a}, B is {state.side_b}"
    if players > 2:
        sides += f" on all other seats of {players}: {100 / players:.0f}% is level"
    lines.extend(wrapped(sides, width, "quiet"))
    lines.append(())
    score, low, high = (number(record, key) for key in ("score", "low", "high"))
    if score is not None and low is not None and high is not None:
        lines.extend(wrapped(verdict(score, low, high, players), width, "strong"))
        more = games_for_firmer(score, low, high, games, players)
        if more:
            lines.extend(wrapped(more, width, "quiet"))
    lines.append(())
    margin = number(record, "margin")
    if margin is not None:
        lines.append((("margin     ", "quiet"), (f"{margin:+.1f} points a game", "strong")))
    lines.extend(_extra_lines(record))
    return lines


def _extra_lines(record: Mapping[str, object]) -> Picture:
    """By seat, moves and time, where the job tells them."""
    lines: Picture = []
    first, second = number(record, "score_first"), number(record, "score_second")
    if first is not None and second is not None:
        words = f"{first * 100:.1f}% moving first, {second * 100:.1f}% moving second"
        lines.append((("by seat    ", "quiet"), (words, "strong")))
    moves, seconds = number(record, "mean_moves"), number(record, "seconds_per_game")
    if moves is not None:
        lines.append((("a game     ", "quiet"), (f"{moves:.0f} moves", "strong")))
    if seconds is not None:
        lines.append((("a game     ", "quiet"), (f"{seconds:.2f} s", "strong")))
    simulations = number(record, "simulations")
    if simulations is not None:
        lines.append((("search     ", "quiet"), (f"{simulations:,.0f} simulations", "strong")))
    opponent = text(record, "opponent", 60)
    if opponent:
        lines.append((("opponent   ", "quiet"), (opponent, "strong")))
    return lines


def two_ended_bar(
    wins: int, draws: int, losses: int, planned: int, width: int, signs: Signs
) -> Line:
    """A's wins from the left, B's from the right, what is not played between them."""
    planned = max(planned, wins + draws + losses, 1)
    left = round(wins / planned * width)
    right = round(losses / planned * width)
    middle = min(round(draws / planned * width), width - left - right)
    rest = width - left - right - middle
    block = signs.block
    half = middle // 2
    other = "-" if signs.ascii else "▒"
    return (
        (("A" if signs.ascii else block) * left, "series.0"),
        (other * half, "quiet"),
        ((" " if signs.ascii else "░") * rest, "bar.empty"),
        (other * (middle - half), "quiet"),
        (("B" if signs.ascii else block) * right, "series.1"),
    )
