"""Ratings kept with a run: as a chart with error bars, in the list of checkpoints and its panel."""

from __future__ import annotations

import os

import numpy as np
import pytest
from fake_run import START, make_run
from test_tui_screens import Drive

from azul_tui.runs.paths import RunPaths
from azul_tui.runs.ratings import LADDER_RATINGS_FILE, RATINGS_FILE, RatingRow, write_ratings
from azul_tui.tui.charts.curves import Curve, Level
from azul_tui.tui.charts.draw import draw_chart
from azul_tui.tui.charts.view import View
from azul_tui.tui.following.feed import RunFeed
from azul_tui.tui.picture import plain
from azul_tui.tui.run_ratings import RatingsFile, over_training, rating_curves, rating_title
from azul_tui.tui.signs import ASCII, UNICODE

pytestmark = pytest.mark.timeout(60)
LATER = START + 100_000


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
    assert plain([rating_title(ROWS, UNICODE)]) == "rating  1,100 ± 30 over random"
    assert "+-" in plain([rating_title(ROWS, ASCII)])
    assert plain([rating_title((), UNICODE)]) == "rating"


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
    rated_run(tmp_path)
    file = RatingsFile(RunPaths(tmp_path / "run"))
    assert len(file.refresh()) == len(ROWS)
    write_ratings(RunPaths(tmp_path / "run"), ROWS[2:], anchor="random", players=2, fitted=2.0)
    os.utime(tmp_path / "run" / RATINGS_FILE, ns=(1, 1))
    assert len(file.refresh()) == len(ROWS) - 2
    write_ratings(
        RunPaths(tmp_path / "run"),
        ROWS[:1],
        anchor="random",
        players=2,
        fitted=3.0,
        file=LADDER_RATINGS_FILE,
    )
    assert len(file.refresh()) == len(ROWS) - 1, "a ladder adds the iteration that it rated"
    (tmp_path / "run" / RATINGS_FILE).unlink()
    assert file.refresh() == ROWS[:1]
    (tmp_path / "run" / LADDER_RATINGS_FILE).unlink()
    assert file.refresh() == ()


async def test_the_training_screen_shows_the_rating_beside_the_loss(tmp_path):
    rated_run(tmp_path)
    async with Drive(tmp_path, "run", now=LATER) as d:
        await d.until("rating  1,100 ± 30 over random")
        assert "greedy 820" in d.text
        await d.press("tab")
        await d.until("games/s")
        await d.press("shift+tab", "shift+tab")
        await d.until("score  random")


async def test_a_run_without_ratings_shows_its_score(tmp_path):
    make_run(tmp_path / "run", 12, state="stopped")
    async with Drive(tmp_path, "run", now=LATER) as d:
        await d.until("score  random")
        assert "rating" not in d.text
        await d.press("4")
        await d.until("10 new")
        own = [line for line in d.text.splitlines() if "run  " in line]
        assert own
        assert not any("±" in line for line in own), "only the shipped player is rated"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_checkpoints_show_their_rating(tmp_path, size):
    rated_run(tmp_path)
    async with Drive(tmp_path, size=size, now=LATER) as d:
        await d.press("4")
        await d.until("1,100 ± 30")
        while d.app.screen.chosen().iteration != 10:
            await d.press("down")
        await d.until("1,100 ± 30 over random")
        titles = []
        for _ in range(12):
            await d.press("s")
            titles.append(next(line for line in d.text.splitlines() if "iteration" in line))
        assert any("rating▼" in title for title in titles), "it can be sorted by"


def test_the_name_of_a_level_makes_way_for_points():
    x = np.linspace(0, 100, 40)
    curve = Curve(name="rating", x=x, y=np.where(x > 40, 50.0, 0.0), kind="points")
    levels = [Level(name="planner", y=50.0)]
    drawing = draw_chart([curve], View(), 70, 14, levels=levels, signs=UNICODE)
    line = next(line for line in plain(drawing.picture).splitlines() if "planner" in line)
    assert line.index("planner") < 15
