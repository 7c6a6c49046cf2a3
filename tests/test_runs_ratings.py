"""Ratings kept with a run: written whole, read with doubt."""

from __future__ import annotations

import pytest

from azul_tui.runs.paths import run_paths
from azul_tui.runs.ratings import RATINGS_FILE, RatingRow, read_ratings, write_ratings

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
