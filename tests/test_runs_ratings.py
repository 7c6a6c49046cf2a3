"""Ratings kept with a run: written whole, read with doubt."""

from __future__ import annotations

import pytest

from azul_tui.runs.paths import run_paths
from azul_tui.runs.ratings import (
    LADDER_RATINGS_FILE,
    RATINGS_FILE,
    RatingRow,
    read_ratings,
    write_ratings,
)

ROWS = (
    RatingRow("laptop/checkpoint_iter_000010@32", 512.5, 480.0, 540.25, 800, 0.75, 10),
    RatingRow("random", 0.0, -90.0, 90.0, 400, 0.01),
)


def test_what_is_written_is_read(tmp_path):
    paths = run_paths(tmp_path, "laptop")
    paths.directory.mkdir()
    assert read_ratings(paths) == ()
    write_ratings(paths, ROWS, anchor="random", players=2, fitted=1.0)
    assert read_ratings(paths) == ROWS


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"ratings": [{}]}', '{"ratings": [{"name": "a", "elo": "x"}]}', "[" * 100_000],
)
def test_what_is_damaged_reads_as_nothing(tmp_path, text):
    paths = run_paths(tmp_path, "laptop")
    paths.directory.mkdir()
    (paths.directory / RATINGS_FILE).write_text(text)
    assert read_ratings(paths) == ()


def test_names_are_harmless_to_show(tmp_path):
    paths = run_paths(tmp_path, "laptop")
    paths.directory.mkdir()
    row = RatingRow("a\x1b[2Jb", 0.0, 0.0, 0.0, 1, 0.5)
    write_ratings(paths, [row], anchor="a", players=2, fitted=1.0)
    assert "\x1b" not in read_ratings(paths)[0].name


OWN = (
    RatingRow("iteration 20", 700.0, 650.0, 750.0, 400, 0.8, 20),
    RatingRow("iteration 10", 500.0, 450.0, 550.0, 400, 0.7, 10),
    RatingRow("random", 0.0, -90.0, 90.0, 400, 0.01),
)
LADDER = (
    RatingRow("planner", 900.0, 850.0, 950.0, 400, 0.9),
    RatingRow("laptop/checkpoint_iter_000015@100", 800.0, 750.0, 850.0, 400, 0.8, 15),
    RatingRow("laptop/checkpoint_iter_000010@100", 610.0, 560.0, 660.0, 400, 0.6, 10),
    RatingRow("random", 0.0, -40.0, 40.0, 400, 0.01),
)


@pytest.mark.parametrize("ladder_first", [True, False])
def test_training_and_ladder_never_overwrite_each_other(tmp_path, ladder_first):
    paths = run_paths(tmp_path, "laptop")
    paths.directory.mkdir()
    both = [(OWN, RATINGS_FILE), (LADDER, LADDER_RATINGS_FILE)]
    for rows, file in both[:: -1 if ladder_first else 1]:
        write_ratings(paths, rows, anchor="random", players=2, fitted=1.0, file=file)
    assert read_ratings(paths) == (LADDER[0], LADDER[1], *OWN), "the ladder adds what is missing"


def test_ratings_told_from_another_player_are_not_mixed(tmp_path):
    paths = run_paths(tmp_path, "laptop")
    paths.directory.mkdir()
    write_ratings(paths, LADDER, anchor="greedy", players=2, fitted=1.0, file=LADDER_RATINGS_FILE)
    assert read_ratings(paths) == LADDER
    write_ratings(paths, OWN, anchor="random", players=2, fitted=2.0)
    assert read_ratings(paths) == OWN
