"""Ratings kept with a run, as its chart shows them."""

from __future__ import annotations

import os

import numpy as np
import pytest
from fake_run import make_run

from azul_tui.runs.listing import LADDER_RATINGS_FILE, RATINGS_FILE, RatingRow, write_ratings
from azul_tui.runs.paths import RunPaths
from azul_tui.views.charts import View, rating_curves, run_chart
from azul_tui.views.following import RunData, RunFeed
from azul_tui.views.ratings import RatingsFile, over_training


def row(name, elo, iteration=None, half=30.0):
    return RatingRow(name, elo, elo - half, elo + half, 400, 0.5, iteration)


ROWS = (
    row("run/checkpoint_iter_000010@100", 1100.0, 10),
    row("iteration 10", 1000.0, 10),
    row("greedy", 820.0),
    row("iteration 5", 410.0, 5),
    row("random", 0.0, half=90.0),  # so it is in a real file
)


def rated_run(root, rows=ROWS):
    run = make_run(root / "run", 12, state="stopped")
    write_ratings(RunPaths(root / "run"), rows, anchor="random", players=2, fitted=run.t)
    return run


def test_one_rating_an_iteration_the_oldest_first():
    assert [(r.iteration, r.elo) for r in over_training(ROWS)] == [(5, 410.0), (10, 1100.0)]


def test_the_title_says_the_newest_rating_and_over_whom():
    title = "".join(text for text, _ in run_chart(RunData(), "rating", View(), ROWS).title)
    assert title == "rating  1,100 ± 30 Elo over random"


@pytest.mark.parametrize(("kind", "x"), [("iteration", [5, 10]), ("step", [500, 1000])])
def test_points_have_error_bars_and_stand_where_their_iteration_ended(tmp_path, kind, x):
    rated_run(tmp_path)
    data = RunFeed(tmp_path / "run").read_all()
    (curve,), levels = rating_curves(ROWS, data, kind)
    assert curve.kind == "points"
    np.testing.assert_allclose(curve.x, x)
    np.testing.assert_allclose(curve.high - curve.low, 60)
    assert [level.name for level in levels] == ["greedy 820"], "neither itself nor who stands at 0"


def test_ratings_are_read_again_when_they_change(tmp_path):
    paths = RunPaths(tmp_path / "run")
    rated_run(tmp_path)
    file = RatingsFile(paths)
    assert len(file.refresh()) == len(ROWS)
    known = {"anchor": "random", "players": 2, "fitted": 2.0}
    write_ratings(paths, ROWS[2:], **known)
    os.utime(paths.directory / RATINGS_FILE, ns=(1, 1))
    assert len(file.refresh()) == len(ROWS) - 2
    write_ratings(paths, ROWS[:1], **known, file=LADDER_RATINGS_FILE)
    assert len(file.refresh()) == len(ROWS) - 1, "a ladder adds the iteration that it rated"
    (paths.directory / RATINGS_FILE).unlink()
    assert file.refresh() == ROWS[:1]
    (paths.directory / LADDER_RATINGS_FILE).unlink()
    assert file.refresh() == ()
