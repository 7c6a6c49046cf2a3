"""Series, smoothing, ticks and views of charts: what they keep and what they never do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.views.charts import (
    Curve,
    View,
    smooth,
    stable_limits,
    tick_label,
    ticks,
    time_label,
    to_columns,
)
from azul_tui.views.following import BucketTable

finite = st.floats(-1e6, 1e6, allow_nan=False)


def curve(y, x=None, **fields):
    y = np.asarray(y, dtype=float)
    x = np.arange(len(y), dtype=float) if x is None else np.asarray(x, dtype=float)
    return Curve(**{"name": "loss", "x": x, "y": y} | fields)


# -- buckets


@given(st.lists(finite, min_size=1, max_size=300), st.integers(1, 40))
def test_buckets_keep_every_spike_and_the_newest_place(values, chunk):
    table = BucketTable(["step"], ["loss"], capacity=16)
    for start in range(0, len(values), chunk):
        part = values[start : start + chunk]
        table.extend({"step": list(range(start, start + len(part))), "loss": part})
    x, mean, low, high = table.columns("step", "loss")
    assert low.min() == min(values)
    assert high.max() == max(values)
    assert x[-1] == len(values) - 1
    assert (np.diff(x) > 0).all()
    assert (low <= mean + 1e-6).all()
    assert (mean <= high + 1e-6).all()


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12))
def test_buckets_do_not_depend_on_how_records_arrive(chunks):
    together, apart = (BucketTable(["step"], ["loss"], capacity=8) for _ in range(2))
    values = [math.sin(i) for i in range(sum(chunks))]
    together.extend({"step": list(range(len(values))), "loss": values})
    start = 0
    for size in chunks:
        block = values[start : start + size]
        apart.extend({"step": list(range(start, start + size)), "loss": block})
        start += size
    for a, b in zip(together.columns("step", "loss"), apart.columns("step", "loss"), strict=True):
        assert a == pytest.approx(b)


def test_a_million_records_need_bounded_memory():
    table = BucketTable(["step", "time"], ["loss"], capacity=4096)
    for start in range(0, 1_000_000, 50_000):
        steps = np.arange(start, start + 50_000)
        table.extend({"step": steps, "time": steps * 0.1, "loss": np.ones(50_000)})
    assert table.records == 1_000_000
    assert len(table) <= 4096


def test_what_is_not_finite_leaves_a_hole():
    table = BucketTable(["step"], ["loss"])
    table.extend({"step": [1, 2, 3], "loss": [1.0, math.inf, math.nan]})
    assert np.isnan(table.columns("step", "loss")[1]).tolist() == [False, True, True]


# -- smoothing


@given(st.lists(finite, min_size=1, max_size=200), st.floats(0.0, 0.999))
def test_smoothing_is_the_recurrence_of_the_paper(values, weight):
    expected, total = [], 0.0
    for t, value in enumerate(values, start=1):
        total = weight * total + (1 - weight) * value
        expected.append(total / (1 - weight**t))
    assert smooth(np.array(values), weight) == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_smoothing_steps_over_holes():
    smoothed = smooth(np.array([math.nan, 2.0, math.nan, 2.0]), 0.5)
    assert math.isnan(smoothed[0])
    assert smoothed[1:] == pytest.approx([2.0, 2.0, 2.0])


# -- ticks and axes


def test_ticks_are_round():
    assert [*ticks(0.13, 0.87, 4)] == [0.2, 0.4, 0.6, 0.8]
    assert [*ticks(-3, 12, 5)] == [0, 5, 10]
    assert [*ticks(0.01, 100, 5, "log")] == [0.01, 0.1, 1, 10, 100]
    assert [*ticks(0, 3600, 4, "time")] == [0, 900, 1800, 2700, 3600]


def test_tick_labels_are_short():
    labels = [tick_label(v, 0.5) for v in (0, 0.5, 1.0)]
    assert labels == ["0", "0.5", "1.0"]
    assert tick_label(20_000, 5_000) == "20k"
    assert tick_label(2_500_000, 500_000) == "2.5M"
    assert tick_label(0.0003, 0.0001) == "3e-4"
    labels = [time_label(s) for s in (0, 45, 90, 600, 5400, 90_000)]
    assert labels == ["0", "45s", "1m30", "10m", "1h30", "1d1h"]


@given(finite, st.floats(1e-3, 1e6), st.integers(1, 12))
def test_ticks_lie_inside_and_ascend(low, span, count):
    found = [*ticks(low, low + span, count)]
    assert found == sorted(found)
    assert len(found) <= count + 1
    margin = (abs(low) + span) * 1e-6
    assert all(low - margin <= tick <= low + span + margin for tick in found)


@given(st.floats(0.01, 1e5), st.floats(0.01, 1e5))
def test_limits_hold_the_data_and_stay_while_it_fits(low, span):
    limits = stable_limits(None, low, low + span)
    assert limits[0] <= low
    assert low + span <= limits[1]
    assert stable_limits(limits, low + 0.05 * span, low + 0.95 * span) == limits


def test_the_right_edge_moves_seldom_while_a_run_grows():
    edges = {View().window((0.0, float(last)), growing=True)[1] for last in range(8000, 8400, 50)}
    assert len(edges) <= 2
    assert View().window((0.0, 8000.0)) == (0.0, 8000.0)


# -- views


def test_a_zoomed_view_that_sticks_to_the_newest_follows_it():
    view = View().zoomed(0.5, (0, 1000))
    assert view.window((0, 1000)) == (500, 1000)
    assert view.window((0, 1200)) == (700, 1200)


def test_a_view_that_was_moved_back_stays_put():
    view = View().zoomed(0.5, (0, 1000)).panned(-0.5, (0, 1000))
    before = view.window((0, 1000))
    assert before == (250, 750)
    assert view.window((0, 5000)) == before
    assert view.panned(9, (0, 1000)).end is None


@given(st.lists(st.sampled_from("+-<>"), max_size=30))
def test_any_walk_through_the_keys_keeps_the_window_inside(keys):
    view, extent = View(), (10.0, 500.0)
    for key in keys:
        if key in "+-":
            view = view.zoomed(0.5 if key == "+" else 2.0, extent)
        else:
            view = view.panned(-0.25 if key == "<" else 0.25, extent)
        left, right = view.window(extent)
        assert extent[0] <= left < right <= extent[1]


def test_zooming_keeps_the_cursor_where_it_is():
    view = replace(View(), cursor=300.0).zoomed(0.5, (0, 1000))
    left, right = view.window((0, 1000))
    assert (300 - left) / (right - left) == pytest.approx(0.3)


def test_columns_keep_the_extremes_of_what_they_hold():
    many = curve(np.tile([0.0, 9.0, 1.0], 1000))
    many = Curve(name="x", x=many.x, y=many.y, low=many.y, high=many.y)
    _, low, high = to_columns(many, np.linspace(0, 19, 3000), 20)
    assert np.nanmin(low) == 0
    assert np.nanmax(high) == 9
