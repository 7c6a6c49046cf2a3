"""What is left on the terminal after the dashboard has gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from azul_tui.tui.leaving import told


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "night goes on training; come back with: azul-tui --attach night\n"),
        ("d", "night goes on training; come back with: azul-tui --attach night\n"),
        ("s", "night stops after this iteration and saves; look at it with"),
        ("c", "night is cancelled, its checkpoints stay; look at it with"),
    ],
)
def test_one_line_says_what_goes_on_and_the_way_back(answer, words):
    assert words in told(["night"], answer, Path("checkpoints"), {})


def test_the_way_back_names_the_folder_where_it_is_not_the_usual_one():
    assert "--attach night --dir '/my runs'" in told(["night"], "", Path("/my runs"), {})
    assert "--dir" not in told(["night"], "", Path("/runs"), {"AZUL_TUI_DIR": "/runs"})
    assert told([], "", Path("/runs"), {}) == ""
