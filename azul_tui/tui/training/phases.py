"""What a run is doing now: the phases of its iteration, its buffer and its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.bars import progress_bar
from azul_tui.tui.picture import Line, Picture, join, line_width, shorten, text_line
from azul_tui.tui.training.progress import waiting_text
from azul_tui.tui.training.state import TrainingState, is_active, is_over
from azul_tui.tui.training.usage import usage_line

if TYPE_CHECKING:
    from azul_tui.runs.status import Status


def phase_lines(state: TrainingState, width: int) -> Picture:
    """Bars of this iteration's phases, the buffer, and the facts."""
    status = state.status
    if status is None:
        return [text_line(f" {shorten(waiting_text(state), width - 2)}", "quiet")]
    bar_width = max(6, min(24, width - 38))
    lines: Picture = []
    for phase, unit in (("self-play", "games"), ("training", "steps")):
        share, text = _phase_progress(status, phase, unit) if is_active(state) else (None, "")
        here = status.phase == phase and is_active(state)
        lines.append(
            (
                (f" {phase:<10} ", "strong" if here else "quiet"),
                *progress_bar(share, bar_width, state.signs),
                (f" {text}", "strong" if here else "quiet"),
            )
        )
    if is_active(state) and status.phase not in {"self-play", "training", ""}:
        share, text = _phase_progress(status, status.phase, status.unit)
        # While it is paused the bar is that of the phase it paused in.
        if status.phase == "paused":
            lines = [] if "game" in status.unit else lines[:1]
        else:
            lines = lines[:-1]
        lines.append(
            (
                (f" {status.phase[:10]:<10} ", "strong"),
                *progress_bar(share, bar_width, state.signs),
                (f" {text}", "strong"),
            )
        )
    fill = _fill(status)
    lines.append(
        (
            (" buffer     ", "quiet"),
            *progress_bar(fill, bar_width, state.signs),
            (f" {phrases.percent(fill)}", "strong"),
            (f"  {phrases.amount(status.buffer_size)} positions", "quiet"),
        )
    )
    lines.append(((" ", ""), *facts_line(state, width - 2)))
    if is_active(state):  # how busy the machine is says nothing of a run that has ended
        lines.append(((" ", ""), *usage_line(state)))
    return lines


def _phase_progress(status: Status, phase: str, unit: str) -> tuple[float | None, str]:
    if status.phase != phase:
        done_before = phase == "self-play" and status.phase in {"training", "evaluation"}
        return (1.0, "done") if done_before else (None, "")
    if status.done is None or not status.total:
        return None, ""
    text = f"{status.done:,.0f}/{status.total:,.0f} {plain_text(status.unit or unit, 20)}"
    return status.done / status.total, text


def _fill(status: Status) -> float | None:
    if status.buffer_size is None or not status.buffer_capacity:
        return None
    return status.buffer_size / status.buffer_capacity


def facts_line(state: TrainingState, width: int) -> Line:
    """Learning rate, simulations and policy entropy: as many whole facts as `width` cells hold."""
    status = state.status
    if status is None:
        return ()
    parts: list[Line] = []
    if status.learning_rate is not None and is_active(state):
        parts.append(
            (("learn rate ", "quiet"), (phrases.short_float(status.learning_rate), "strong"))
        )
    if status.mcts_simulations is not None:
        parts.append((("simulations ", "quiet"), (f"{status.mcts_simulations:,}", "strong")))
    if status.policy_entropy is not None:
        parts.append((("policy entropy ", "quiet"), (f"{status.policy_entropy:.2f}", "strong")))
    if status.best_score is not None:
        parts.append((("best ", "quiet"), (phrases.percent(status.best_score), "strong")))
    while parts and line_width(join(parts)) > width:
        parts.pop()
    return join(parts)


def phase_line(state: TrainingState, width: int) -> Line:
    """The current phase in one line."""
    status = state.status
    if status is None:
        return text_line(f" {shorten(waiting_text(state), max(1, width - 2))}", "quiet")
    fill = _fill(status)
    if not is_over(state):
        share, text = _phase_progress(status, status.phase, status.unit)
        head: Line = ((f" {plain_text(status.phase, 20) or 'starting'} ", "strong"),)
    else:
        # What was under way when the run ended is no news any more: only that it ended.
        share, text = None, ""
        word = state.judgement.state if state.judgement is not None else ""
        head = ((f" {word}", "strong"),)
    buffer = f"   buffer {phrases.percent(fill)}" if fill is not None else ""
    busy = state.usage.cpu_percent if state.usage is not None and is_active(state) else None
    usage = f"   cpu {busy:.0f}%" if busy is not None else ""
    tail: Line = ((f" {text}", "strong" if text else ""), (buffer + usage, "quiet"))
    if not text:
        return (*head, *tail)
    bar = progress_bar(share, min(40, width - line_width(head) - line_width(tail) - 1), state.signs)
    return (*head, *bar, *tail)
