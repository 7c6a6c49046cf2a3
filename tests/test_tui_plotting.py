"""Charts as lines of text: what is drawn, at every size and of any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from azul_tui.tui.plotting import draw_chart
from azul_tui.tui.spans import framed
from azul_tui.views.charts import ChartContent, Curve, Level, Mark, View
from azul_tui.views.signs import ASCII


def curve(y, x=None, **fields):
    y = np.asarray(y, dtype=float)
    x = np.arange(len(y), dtype=float) if x is None else np.asarray(x, dtype=float)
    return Curve(**{"name": "loss", "x": x, "y": y} | fields)


def content(*curves, **fields):
    fields = {"name": "loss", "title": (("loss", "title"),)} | fields
    return ChartContent(curves=[*curves], **fields)


def plain(lines):
    return "\n".join("".join(text for text, _ in line) for line in lines)


def roles(drawing):
    return {role for line in drawing.lines for _, role in line}


def test_a_straight_line_goes_from_corner_to_corner():
    text = plain(draw_chart(content(curve(range(21))), View(smoothing=0), 40, 12).lines)
    rows = text.splitlines()
    first = [next((x for x, char in enumerate(row) if char > "\u2800"), None) for row in rows[:-2]]
    known = [x for x in first if x is not None]
    assert known == sorted(known, reverse=True) and len(known) >= 7
    assert rows[-1].split()[0] == "0"


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (2.84, 2.90), (-40, 812), (0, 412_000), (1e-4, 3e-3)]
)
def test_ticks_of_y_are_an_even_number_of_rows_apart(low, high):
    for rows in range(5, 40):
        drawing = draw_chart(content(curve(np.linspace(low, high, 50))), View(), 60, rows)
        lines = plain(drawing.lines).splitlines()
        ticks = [row for row, line in enumerate(lines) if "┤" in line]
        assert len(set(np.diff(ticks).tolist())) <= 1


def test_a_fall_from_2_90_to_2_84_is_seen():
    text = plain(draw_chart(content(curve(np.linspace(2.90, 2.84, 200))), View(), 60, 14).lines)
    drawn = [row for row in text.splitlines()[:-2] if any(char > "\u2800" for char in row)]
    assert len(drawn) >= 6


def test_the_ascii_form_has_nothing_else():
    both = content(
        curve(range(30)),
        curve(range(30, 0, -1), name="other", series=1),
        levels=[Level("even", 15.0)],
        marks=[Mark(3.0, "setting")],
    )
    text = plain(draw_chart(both, View(), 60, 12, signs=ASCII).lines)
    assert text.isascii() and "*" in text and "+" in text and "even" in text


def test_the_band_lies_behind_the_line_and_points_have_error_bars():
    y = np.full(40, 5.0)
    banded = content(curve(y, low=y - 2, high=y + 2))
    assert {"series.0", "band.0"} <= roles(draw_chart(banded, View(), 40, 12))
    assert "band.0" not in roles(draw_chart(banded, View(show_band=False), 40, 12))
    ends = {"low": np.array([40.0]), "high": np.array([60.0])}
    text = plain(draw_chart(content(curve([50.0], kind="points", **ends)), View(), 30, 12).lines)
    assert "●" in text and "│" in text


def test_an_outlier_is_hidden_when_asked():
    y = np.ones(200)
    y[50] = 1000.0
    assert draw_chart(content(curve(y)), View(), 40, 10).calm[1] > 900
    assert draw_chart(content(curve(y)), View(hide_outliers=True), 40, 10).calm[1] < 10


def test_a_logarithmic_axis_survives_zero_and_less():
    view = View(log_y=True, log_x=True)
    drawing = draw_chart(content(curve([-1, 0, 0.01, 1, 100])), view, 40, 12)
    assert "0.01" in plain(drawing.lines)
    assert len(draw_chart(content(curve([-1, -2, -3])), View(log_y=True), 40, 12).lines) == 12


def test_marks_stand_on_the_axis_and_do_not_crowd():
    marks = [Mark(x=float(x), kind="checkpoint") for x in range(100)]
    text = plain(draw_chart(content(curve(range(100)), marks=marks), View(), 60, 10).lines)
    assert 10 <= text.count("▴") <= 25


def test_the_cursor_reads_the_nearest_point_of_every_curve():
    both = content(curve([1, 2, 3]), curve([10, 20], x=[0, 1.2], name="other", series=1))
    drawing = draw_chart(both, View(cursor=1.1), 40, 10)
    assert [(curve.name, y) for curve, y in drawing.readings] == [("loss", 2.0), ("other", 20.0)]
    assert "cursor" in roles(drawing)


def test_what_lies_under_a_column_is_what_is_drawn_there():
    drawing = draw_chart(content(curve(range(101))), View(), 60, 12)
    left, right = drawing.window
    assert drawing.x_at(0) is None
    assert drawing.x_at(drawing.plot_left) == pytest.approx(left, abs=1)
    assert drawing.x_at(59) == pytest.approx(right, abs=1)


def test_without_data_the_reason_is_said():
    drawing = draw_chart(content(empty="compiling the rules, 12 s"), View(), 40, 9)
    assert "compiling the rules" in plain(drawing.lines)


@settings(deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 30),
    st.lists(st.floats(allow_nan=True, allow_infinity=False, width=32), max_size=60),
    st.builds(
        View,
        log_x=st.booleans(),
        log_y=st.booleans(),
        hide_outliers=st.booleans(),
        smoothing=st.sampled_from([0.0, 0.9]),
        span=st.none() | st.floats(0.1, 100),
        cursor=st.none() | st.floats(-10, 100),
    ),
    st.booleans(),
)
def test_a_chart_is_exactly_as_large_as_asked(width, height, values, view, plain_lines):
    chart = content(curve(values)) if values else content()
    drawing = draw_chart(chart, view, width, height, plain=plain_lines)
    assert len(drawing.lines) == height
    assert {sum(cell_len(text) for text, _ in line) for line in drawing.lines} == {width}
    if width >= 4:
        rows = framed(drawing.lines, (("a title", ""),), (("foot", ""),), width + 2,
                      ascii_only=False, role="frame")  # fmt: skip
        assert len(rows) == height + 2
        assert {sum(cell_len(text) for text, _ in row) for row in rows} == {width + 2}
