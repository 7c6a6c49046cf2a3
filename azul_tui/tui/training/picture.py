"""The training screen as a picture: pure, at any size.

Order of the eye: is it alive and how long (first lines), is it learning (charts), what
is it doing (phases, board), details (log).
"""

from __future__ import annotations

from azul_tui.tui.picture import Picture, beside, crop
from azul_tui.tui.training.alerts import alert_lines
from azul_tui.tui.training.game import board_lines, board_title
from azul_tui.tui.training.log import log_lines, log_title
from azul_tui.tui.training.phases import facts_line, phase_line, phase_lines
from azul_tui.tui.training.progress import progress_line
from azul_tui.tui.training.state import TrainingState, is_crashed

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
        picture.append(((" ", ""), *facts_line(state, width - 2)))
    picture.extend(log_lines(state, width, log_rows))
    return picture
