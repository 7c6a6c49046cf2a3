"""Buckets, smoothing, ticks and views of charts: what they keep and what they never do."""

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


@given(st.lists(finite, min_size=1, max_size=300), st.lists(st.integers(1, 40), min_size=1))
def test_buckets_keep_every_spike_however_the_records_arrive(values, sizes):
    together, apart = (BucketTable(["step"], ["loss"], capacity=16) for _ in range(2))
    together.extend({"step": range(len(values)), "loss": values})
    start = 0
    while start < len(values):
        end = start + sizes[start % len(sizes)]
        part = values[start:end]
        apart.extend({"step": range(start, start + len(part)), "loss": part})
        start = end
    x, mean, low, high = apart.columns("step", "loss")
    for a, b in zip(together.columns("step", "loss"), (x, mean, low, high), strict=True):
        assert a == pytest.approx(b)
    assert len(apart) <= 16 and apart.records == len(values)
    assert (low.min(), high.max(), x[-1]) == (min(values), max(values), len(values) - 1)
    assert (np.diff(x) > 0).all()
    assert (low <= mean + 1e-6).all() and (mean <= high + 1e-6).all()


def test_what_is_not_finite_leaves_a_hole():
    table = BucketTable(["step"], ["loss"])
    table.extend({"step": [1, 2, 3], "loss": [1.0, math.inf, math.nan]})
    assert np.isnan(table.columns("step", "loss")[1]).tolist() == [False, True, True]


@given(st.lists(finite | st.just(math.nan), min_size=1, max_size=200), st.floats(0.001, 0.999))
def test_smoothing_is_the_recurrence_of_the_paper_and_steps_over_holes(values, weight):
    expected, total, t = [], 0.0, 0
    for value in values:
        if not math.isnan(value):
            total, t = weight * total + (1 - weight) * value, t + 1
        expected.append(total / (1 - weight**t) if t else math.nan)
    found = smooth(np.array(values), weight)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-3, nan_ok=True)


def test_ticks_are_round_and_their_labels_short():
    assert [*ticks(0.13, 0.87, 4)] == [0.2, 0.4, 0.6, 0.8]
    assert [*ticks(-3, 12, 5)] == [0, 5, 10]
    assert [*ticks(0.01, 100, 5, "log")] == [0.01, 0.1, 1, 10, 100]
    assert [*ticks(0, 3600, 4, "time")] == [0, 900, 1800, 2700, 3600]
    told = {(0, 0.5): "0", (0.5, 0.5): "0.5", (1.0, 0.5): "1.0", (20_000, 5_000): "20k",
            (2_500_000, 500_000): "2.5M", (0.0003, 0.0001): "3e-4"}  # fmt: skip
    assert {key: tick_label(*key) for key in told} == told
    labels = [time_label(s) for s in (0, 45, 90, 600, 5400, 90_000)]
    assert labels == ["0", "45s", "1m30", "10m", "1h30", "1d1h"]


@given(finite, st.floats(1e-3, 1e6), st.integers(1, 12))
def test_ticks_lie_inside_and_ascend(low, span, count):
    found = [*ticks(low, low + span, count)]
    assert found == sorted(found) and len(found) <= count + 1
    margin = (abs(low) + span) * 1e-6
    assert all(low - margin <= tick <= low + span + margin for tick in found)


@given(st.floats(0.01, 1e5), st.floats(0.01, 1e5))
def test_limits_hold_the_data_and_stay_while_it_fits(low, span):
    limits = stable_limits(None, low, low + span)
    dust = 1e-8 * (low + span)  # what lies so near a round value counts as on it
    assert limits[0] <= low + dust and low + span <= limits[1] + dust
    assert stable_limits(limits, low + 0.05 * span, low + 0.95 * span) == limits


def test_the_right_edge_moves_seldom_while_a_run_grows():
    edges = {View().window((0.0, float(last)), growing=True)[1] for last in range(8000, 8400, 50)}
    assert len(edges) <= 2
    assert View().window((0.0, 8000.0)) == (0.0, 8000.0)


def test_a_zoomed_view_follows_the_newest_until_it_is_moved_back():
    view = View().zoomed(0.5, (0, 1000))
    assert view.window((0, 1000)) == (500, 1000)
    assert view.window((0, 1200)) == (700, 1200)
    moved = view.panned(-0.5, (0, 1000))
    assert moved.window((0, 1000)) == moved.window((0, 5000)) == (250, 750)
    assert moved.panned(9, (0, 1000)).end is None
    left, right = replace(View(), cursor=300.0).zoomed(0.5, (0, 1000)).window((0, 1000))
    assert (300 - left) / (right - left) == pytest.approx(0.3), "the cursor stays where it is"


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


def test_columns_keep_the_extremes_of_what_they_hold():
    y = np.tile([0.0, 9.0, 1.0], 1000)
    many = Curve(name="x", x=np.arange(3000.0), y=y, low=y, high=y)
    _, low, high = to_columns(many, np.linspace(0, 19, 3000), 20)
    assert np.nanmin(low) == 0 and np.nanmax(high) == 9
