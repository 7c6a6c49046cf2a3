"""How far a run is: the first line of the training screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.bars import progress_bar
from azul_tui.tui.picture import Line, join, line_width, text_line
from azul_tui.tui.training.state import TrainingState, is_active, is_over

if TYPE_CHECKING:
    from azul_tui.runs.status import Status


def progress_line(state: TrainingState, width: int) -> Line:
    """Iteration, a bar, the share done, time left, games and simulations a second."""
    status = state.status
    if status is None and state.data.last_step:
        words = f" iteration {state.data.last_iteration:,}, step {state.data.last_step:,.0f}"
        return (*text_line(words, "strong"), *text_line("   it left no status", "quiet"))
    if status is None:
        return text_line(f" {waiting_text(state)}", "quiet")
    share = done_share(state, status)
    ended_early = state.judgement is not None and state.judgement.state == "finished"
    of = f"/{status.max_iterations:,}" if status.max_iterations and not ended_early else ""
    head: Line = ((f" iteration {status.iteration:,}{of} ", "strong"),)
    tails: list[Line] = []
    if share is not None:
        tails.append(text_line(f" {share * 100:.0f}%", "strong"))
    if status.left_s is not None and is_active(state):
        tails.append((("left ", "quiet"), (phrases.duration(status.left_s), "strong")))
    if status.games_total:
        tails.append(((f"{status.games_total:,}", "strong"), (" games", "quiet")))
    if status.sims_per_s is not None and is_active(state):
        tails.append(((phrases.amount(status.sims_per_s), "strong"), (" sims/s", "quiet")))
    while tails and line_width(head) + line_width(join(tails)) + 8 > width:
        tails.pop()
    tail = join(tails)
    bar = progress_bar(share, max(0, width - line_width(head) - line_width(tail) - 1), state.signs)
    return (*head, *bar, *tail)


def done_share(state: TrainingState, status: Status) -> float | None:
    """How much of the run is done, in [0, 1]: of its iterations, unless it ends by the clock.

    A run may be told to end long before its last iteration; the time left knows that.
    """
    if state.judgement is not None and state.judgement.state == "finished":
        return 1.0
    share = status.iteration / status.max_iterations if status.max_iterations else None
    if status.left_s is not None and is_active(state):
        spent = max(0.0, status.heartbeat - status.started)
        by_clock = spent / max(spent + status.left_s, 1.0)
        if share is None or by_clock > 2 * share + 0.02:
            return by_clock
    return share


def waiting_text(state: TrainingState) -> str:
    """Why there is nothing to show yet."""
    if state.problem:
        return state.problem
    if is_over(state):
        return "it ended before the first losses"
    compiling = state.data.compile
    if compiling is not None and compiling.total:
        return (
            f"compiling the rules, {compiling.done} of {compiling.total} "
            f"({plain_text(compiling.name, 40)}), only the first time"
        )
    if state.status is None and not state.opened:
        return f"opening {state.name}"
    if state.data.is_empty and state.status is None:
        return f"nothing was recorded in {state.name} yet, and no process is known to be at work"
    status = state.status
    if status is not None and status.phase == "compile":
        seconds = phrases.duration(max(0.0, status.heartbeat - status.started))
        return f"compiling the rules, {seconds}, only the first time"
    if status is not None and (status.state == "paused" or status.phase == "paused"):
        return "paused; the first losses come with the first training steps"
    if status is not None and status.phase:
        return f"{status.phase} goes on; the first losses come with the first training steps"
    return "no losses yet"
