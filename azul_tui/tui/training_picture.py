"""The training screen as a picture: pure, at any size.

Order of the eye: is it alive and how long (first lines), is it learning (charts), what
is it doing (phases, board), details (log).
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.bars import progress_bar
from azul_tui.tui.picture import (
    Line,
    Picture,
    beside,
    crop,
    fit,
    join,
    line_width,
    shorten,
    text_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.runs.status import Judgement, Status
    from azul_tui.tui.machine import Usage
    from azul_tui.tui.run_data import RunData
    from azul_tui.tui.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """Everything that the picture depends on besides its size."""

    name: str
    data: RunData
    status: Status | None
    judgement: Judgement | None
    live: dict[str, object]
    log: list[str]
    usage: Usage | None
    now: float
    signs: Signs
    chart: Callable[[str, int, int], Picture]
    """Draws the panel of a chart of the given name, width and height."""
    main_chart: str = "loss"
    side_chart: str = "score"
    alerts_seen: int = 0
    sampled: bool = False
    problem: str = ""


BIG = (100, 27)
"""Width and height of the body from which the full layout is shown."""


def training_body(state: TrainingState, width: int, height: int) -> Picture:
    """The body of the screen, exactly `height` lines of `width` cells."""
    picture: Picture = [progress_line(state, width), *alert_lines(state, width)]
    room = height - len(picture)
    if width >= BIG[0] and room >= BIG[1] - 1:
        picture.extend(_big(state, width, room))
    else:
        picture.extend(_small(state, width, room))
    return crop(picture, width, height)


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
    compiling = state.data.compile
    if compiling is not None and compiling.total:
        return (
            f"compiling the rules, {compiling.done} of {compiling.total} "
            f"({plain_text(compiling.name, 40)}), only the first time"
        )
    if state.data.is_empty and state.status is None:
        return f"waiting for the first record of {state.name}"
    status = state.status
    if status is not None and status.phase == "compile":
        seconds = phrases.duration(max(0.0, status.heartbeat - status.started))
        return f"compiling the rules, {seconds}, only the first time"
    if status is not None and status.phase:
        return f"{status.phase} goes on; the first losses come with the first training steps"
    return "no losses yet"


def is_active(state: TrainingState) -> bool:
    """Whether the run goes on or waits to go on."""
    return state.judgement is not None and state.judgement.state in {"running", "paused"}


def is_over(state: TrainingState) -> bool:
    """Whether the run has ended in whatever way."""
    return state.judgement is not None and not is_active(state)


def is_crashed(state: TrainingState) -> bool:
    """Whether the run ended without saying so."""
    return state.judgement is not None and state.judgement.state == "crashed"


def alert_lines(state: TrainingState, width: int) -> Picture:
    """Alerts that were not seen yet, the newest first, at most two lines."""
    texts = [alert.text for alert in list(state.data.alerts)[state.alerts_seen :]]
    judgement = state.judgement
    if judgement is not None and judgement.stalled and state.status is not None:
        silent = phrases.duration(state.now - state.status.heartbeat)
        texts.append(f"no sign of life for {silent}")
    if is_crashed(state) and judgement is not None:
        file = state.status.last_checkpoint if state.status is not None else ""
        way = f"; r resumes from {file}" if file else "; r starts again"
        why = judgement.reason or "the log says why"
        texts.append(f"crashed: {why}{way}")
    if state.problem:
        texts.append(state.problem)
    if not texts:
        return []
    more = f"  (and {len(texts) - 2} more)" if len(texts) > 2 else ""
    lines: Picture = []
    for number, text in enumerate(reversed(texts[-2:])):
        hint = (
            f"{more}   a seen" if number == 0 and len(state.data.alerts) > state.alerts_seen else ""
        )
        body = shorten(text, max(8, width - len(hint) - 4), state.signs.ellipsis)
        lines.append(
            fit(((f" {state.signs.alert} {body}", "alert.block"), (hint, "alert.block")), width)
        )
    return lines


def _big(state: TrainingState, width: int, height: int) -> Picture:
    left = width * 62 // 100
    lower = _lower_height(state, height)
    upper = height - lower
    if width >= 160 and upper >= 26:
        first = upper * 58 // 100
        picture = _row(state, [state.main_chart, state.side_chart], [left, width - left], first)
        others = [
            name
            for name in ("score", "simulations/s", "buffer", "learning rate", "gradient norm")
            if name not in {state.main_chart, state.side_chart}
        ][:3]
        third = width // 3
        widths = [third, third, width - 2 * third]
        picture.extend(_row(state, others, widths, upper - first))
    else:
        picture = _row(state, [state.main_chart, state.side_chart], [left, width - left], upper)
    picture.extend(_lower(state, width, lower))
    return picture


def _lower_height(state: TrainingState, height: int) -> int:
    if is_crashed(state):
        return max(12, height * 45 // 100)
    if height >= 50:
        return 20
    return min(16, max(14, height * 45 // 100))


def _row(state: TrainingState, names: list[str], widths: list[int], height: int) -> Picture:
    picture: Picture = []
    used = 0
    for name, width in zip(names, widths, strict=True):
        drawn = state.chart(name, width, height)
        picture = drawn if used == 0 else beside(picture, used, drawn)
        used += width
    return picture


def _lower(state: TrainingState, width: int, height: int) -> Picture:
    from azul_tui.tui.charts.frame import panel

    phases = phase_lines(state, max(20, width - width // 2 - 2))
    phase_height = len(phases) + 2
    if is_crashed(state) or not state.live:
        left = width - max(58, width * 45 // 100)
        log = panel(
            log_lines(state, left - 2, height - 2), log_title(state), (), left, height, state.signs
        )
        right = panel(phases, (("this iteration", "title"),), (), width - left, height, state.signs)
        return beside(log, left, right)
    left = width // 2
    board = panel(
        board_lines(state, left - 4, height - 2),
        board_title(state.live),
        (),
        left,
        height,
        state.signs,
    )
    right_width = width - left
    right = panel(
        phases, (("this iteration", "title"),), (), right_width, phase_height, state.signs
    )
    log_height = height - phase_height
    right.extend(
        panel(
            log_lines(state, right_width - 2, log_height - 2),
            log_title(state),
            (),
            right_width,
            log_height,
            state.signs,
        )
    )
    return beside(board, left, right)


def _small(state: TrainingState, width: int, height: int) -> Picture:
    log_rows = 0 if height < 8 else min(6, max(2, height // 6))
    if is_crashed(state):
        log_rows = max(log_rows, height // 3)
    phase_rows = 1 if height >= 6 else 0
    usage_rows = 1 if height >= 16 else 0
    chart_rows = height - log_rows - phase_rows - usage_rows
    picture: Picture = []
    if chart_rows >= 3:
        picture.extend(state.chart(state.main_chart, width, chart_rows))
    if phase_rows:
        picture.append(phase_line(state, width))
    if usage_rows:
        picture.append(((" ", ""), *facts_line(state)))
    picture.extend(log_lines(state, width, log_rows))
    return picture


def board_title(live: dict[str, object]) -> Line:
    """Which game is shown."""
    game, move = live.get("game"), live.get("move")
    if not isinstance(game, int) or not isinstance(move, int):
        return (("game", "title"),)
    return (("game ", "title"), (f"{game:,}", "strong"), (f"  move {move:,}", "quiet"))


def board_lines(state: TrainingState, width: int, height: int) -> Picture:
    """The position being played, and its last move."""
    from azul_tui.errors import AzulError
    from azul_tui.game.notation import parse_position
    from azul_tui.tui.board.draw import draw_board

    notation = state.live.get("position")
    if not isinstance(notation, str):
        return [text_line("no game is shown while none is played", "quiet")]
    try:
        position = parse_position(notation[:2000])
    except AzulError as error:
        return [text_line(shorten(plain_text(str(error)), width), "warning")]
    board = draw_board(position, width, height - 2, signs=state.signs)
    lines: Picture = [((" ", ""), *line) for line in board]
    spare = height - len(lines) - 1
    lines.extend([()] * min(1, max(0, spare)))
    last = plain_text(str(state.live.get("last_move") or ""), 60)
    value = state.live.get("value")
    parts: list[Line] = []
    if last:
        parts.append(((" last move  ", "quiet"), (last, "strong")))
    if isinstance(value, (int, float)):
        parts.append((("value ", "quiet"), (f"{value:+.2f}", "strong")))
    lines.append(join(parts))
    return lines


def phase_lines(state: TrainingState, width: int) -> Picture:
    """Bars of this iteration's phases, the buffer, and the facts."""
    status = state.status
    if status is None:
        return [text_line(f" {shorten(waiting_text(state), width - 2)}", "quiet")]
    bar_width = max(6, min(24, width - 38))
    lines: Picture = []
    for phase, unit in (("self-play", "games"), ("training", "steps")):
        share, text = _phase_progress(status, phase, unit)
        here = status.phase == phase and is_active(state)
        lines.append(
            (
                (f" {phase:<10} ", "strong" if here else "quiet"),
                *progress_bar(share, bar_width, state.signs),
                (f" {text}", "strong" if here else "quiet"),
            )
        )
    if status.phase not in {"self-play", "training", ""}:
        share, text = _phase_progress(status, status.phase, status.unit)
        lines[-1] = (
            (f" {status.phase[:10]:<10} ", "strong"),
            *progress_bar(share, bar_width, state.signs),
            (f" {text}", "strong"),
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
    lines.append(((" ", ""), *facts_line(state)))
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


def facts_line(state: TrainingState) -> Line:
    """Learning rate, simulations and policy entropy."""
    status = state.status
    if status is None:
        return ()
    parts: list[Line] = []
    if status.learning_rate is not None:
        parts.append(
            (("learn rate ", "quiet"), (phrases.short_float(status.learning_rate), "strong"))
        )
    if status.mcts_simulations is not None:
        parts.append((("simulations ", "quiet"), (f"{status.mcts_simulations:,}", "strong")))
    if status.policy_entropy is not None:
        parts.append((("policy entropy ", "quiet"), (f"{status.policy_entropy:.2f}", "strong")))
    if status.best_score is not None:
        parts.append((("best ", "quiet"), (phrases.percent(status.best_score), "strong")))
    return join(parts)


def usage_line(state: TrainingState) -> Line:
    """Processor, memory and the first GPU."""
    usage = state.usage
    if usage is None:
        return ()
    gigabyte = 1e9
    known = usage.cpu_percent is not None
    parts: list[Line] = [
        (("cpu ", "quiet"), (f"{usage.cpu_percent:.0f}%", "strong")) if known else (),
        (
            ("memory ", "quiet"),
            (f"{usage.memory_used / gigabyte:.1f}", "strong"),
            (f" of {usage.memory_total / gigabyte:.0f} GB", "quiet"),
        ),
    ]
    for gpu in usage.gpus[:2]:
        watts = f"  {gpu.watts:.0f} W" if gpu.watts is not None else ""
        name = plain_text(gpu.name, 40).removeprefix("NVIDIA ").removeprefix("GeForce ")
        busy = f"{gpu.percent:.0f}%  " if gpu.percent is not None else ""
        parts.append(
            (
                (f"gpu {shorten(name, 12, state.signs.ellipsis)} ", "quiet"),
                (busy, "strong"),
                (f"{gpu.used / gigabyte:.0f} GB{watts}", "quiet"),
            )
        )
    return join(parts)


def phase_line(state: TrainingState, width: int) -> Line:
    """The current phase in one line."""
    status = state.status
    if status is None:
        return text_line(f" {shorten(waiting_text(state), max(1, width - 2))}", "quiet")
    fill = _fill(status)
    if status.phase or not is_over(state):
        share, text = _phase_progress(status, status.phase, status.unit)
        head: Line = ((f" {plain_text(status.phase, 20) or 'starting'} ", "strong"),)
    else:
        # What was under way when the run ended is no news any more: only that it ended.
        share, text = None, ""
        word = state.judgement.state if state.judgement is not None else ""
        head = ((f" {word}", "strong"),)
    buffer = f"   buffer {phrases.percent(fill)}" if fill is not None else ""
    busy = state.usage.cpu_percent if state.usage is not None else None
    usage = f"   cpu {busy:.0f}%" if busy is not None else ""
    tail: Line = ((f" {text}", "strong" if text else ""), (buffer + usage, "quiet"))
    if not text:
        return (*head, *tail)
    bar = progress_bar(share, min(40, width - line_width(head) - line_width(tail) - 1), state.signs)
    return (*head, *bar, *tail)


def log_title(state: TrainingState) -> Line:
    """The log's title, with what could not be read."""
    title: list[tuple[str, str]] = [("log", "title")]
    if state.data.skipped:
        title.append((f"  {state.data.skipped:,} unreadable records skipped", "warning"))
    if state.sampled:
        title.append(("  reading every record, a sample is shown", "quiet"))
    return tuple(title)


def log_lines(state: TrainingState, width: int, height: int) -> Picture:
    """The last lines of the log, and failing that the last happenings."""
    if height <= 0:
        return []
    texts = [plain_text(line, 400) for line in state.log[-height:]]
    if is_crashed(state) or state.status is None:
        # The end of a traceback is what matters, and its last line must be whole.
        texts = [piece for text in texts for piece in _pieces(text, max(8, width - 2))][-height:]
    if not texts:
        texts = [happening.text for happening in list(state.data.happenings)[-height:]]
    if not texts:
        return [text_line(" nothing was said yet", "quiet")]
    lines: Picture = []
    for text in texts:
        role = "alert" if _sounds_bad(text) else ""
        lines.append(text_line(" " + shorten(text, max(1, width - 2), state.signs.ellipsis), role))
    return lines


def _pieces(text: str, width: int) -> list[str]:
    """A long line cut between words into pieces of at most `width` characters."""
    return textwrap.wrap(text, width, replace_whitespace=False) or [""]


def _sounds_bad(text: str) -> bool:
    return text.startswith(("Traceback", "error", "Error")) or "Error:" in text
