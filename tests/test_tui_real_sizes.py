"""The real program in terminals of every size, resized at every place and box, while it works."""

from __future__ import annotations

import os
import random
import time

import pytest
from dashboard import dashboard
from fake_run import make_run
from real_terminal import RealTerminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
USUAL = (120, 40)
CTRL_P = "\x10"
PLACES = {
    "1": "[1 Menu]",
    "2": "[2 Training]",
    "3": "[3 Runs]",
    "4": "[4 Checkpoints]",
    "5": "[5 Evaluate]",
    "6": "[6 Play]",
    "7": "[7 Analyse]",
}
BOXES = {
    "1": (["tab"], ["tab", "tab", "3"], ["tab", "/", "x"]),
    "2": (["enter"], ["b"], ["e"], ["g"], ["x"], ["r"]),
    "3": ([" ", "down", " "], ["/", "o"], ["\x1b[3~"], ["r"], ["R"], ["n"], ["d"]),
    "4": (["/", "o"], ["\x1b[3~"], ["R"], ["c"]),
    "5": (["down", "enter"],),
    "6": (["down", "e"], ["enter"]),
    "7": (["e"], ["N"], ["m"], ["c"], ["p"]),
}
"""Keys that open what covers a place, each begun anew."""
NARROW = [(width, 24) for width in range(1, 26)] + [(80, height) for height in range(1, 13)]
ODD = [(1, 1), (2, 1), (1, 2), (3, 90), (300, 1), (19, 4), (20, 5), (300, 90), (12, 40), (0, 0)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory, monkeypatch):
    """What keys happen to export goes there."""
    monkeypatch.chdir(tmp_path_factory.mktemp("folder"))


def squeezed(terminal, sizes, keys=""):
    """Make the terminal these sizes, typing `keys` one by one meanwhile, and then usual again."""
    for number, (width, height) in enumerate(sizes):
        terminal.resize(width, height)
        terminal.read(0.02)
        if keys:
            terminal.child.send(keys[number % len(keys)])
    terminal.resize(*USUAL)
    terminal.settled(0.25)
    assert terminal.child.isalive(), f"it ended in\n{terminal.text}\n{terminal.written[-3000:]}"
    assert "Traceback" not in terminal.written
    terminal.written = ""


@pytest.fixture(params=["no runs", "runs"])
def root(request, tmp_path):
    if request.param == "runs":
        make_run(tmp_path / "one", 6, seed=2, state="finished")
        make_run(tmp_path / "two", 13)
        # Ages of files stay the same words for as long as a test takes.
        for path in [*tmp_path.rglob("*"), tmp_path]:
            os.utime(path, (time.time() - 3 * 86400,) * 2)
    return tmp_path


@pytest.mark.parametrize("place", PLACES)
def test_every_place_and_box_is_squeezed_and_comes_back(root, place):
    seeded = random.Random(f"{root.name} {place}")
    arguments = ["--attach", "two"] if (root / "two").exists() else []
    terminal = RealTerminal("--dir", str(root), *arguments)
    try:
        terminal.until("[1 Menu]", "[2 Training]")
        terminal.type(place)
        terminal.until(PLACES[place])
        squeezed(terminal, NARROW + ODD)
        terminal.settled(4.0 if place == "4" else 0.1)  # until every file has been verified
        for opened in ([], ["?"], [CTRL_P, "g"], *BOXES[place]):
            terminal.type(*opened)
            covered = terminal.settled(1.0)
            squeezed(terminal, seeded.sample(NARROW + ODD, 12))
            # The library's palette may scroll its list meanwhile.
            if place in "134" and CTRL_P not in opened:  # what rests looks as before
                terminal.shows(covered)
            terminal.type("escape", "escape")
        # Whatever opens, is typed and closes in a terminal that is too small for it.
        squeezed(
            terminal,
            NARROW,
            # Where enter starts a job it is not among them.
            keys="\tx?\x1b \r\x1b[B\x1bn+e\x1b" if place not in "15" else "\tx\x1b",
        )
    finally:
        terminal.close()


@pytest.mark.parametrize("width", [1, 4, 6, 9])
async def test_the_palette_opens_in_a_pane_of_any_width(tmp_path, width):
    make_run(tmp_path / "one", 6, state="finished")
    async with dashboard(tmp_path, attach="one", size=(width, 24)) as shown:
        await shown.press("ctrl+p")
        await shown.pilot.pause(0.3)
        await shown.press("g")
        await shown.pilot.pause(0.3)
        assert shown.app.is_running


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (12, 40), (300, 3)])
@pytest.mark.parametrize("arguments", [[], ["--attach", "two"], ["--attach", "one"]])
def test_it_starts_in_a_terminal_of_any_size(tmp_path, size, arguments):
    make_run(tmp_path / "one", 6, seed=2, state="finished")
    make_run(tmp_path / "two", 13)
    terminal = RealTerminal("--dir", str(tmp_path), *arguments, width=80, height=24)
    try:
        terminal.resize(*size)
        terminal.settled(1.0)
        terminal.resize(*USUAL)
        terminal.until("[2 Training]" if arguments else "[1 Menu]")
        assert terminal.child.isalive()
        terminal.type("q")
        assert terminal.ended() == 0
    finally:
        terminal.close()


@pytest.mark.parametrize("columns", ["0", "1", "12", "300"])
def test_a_picture_in_passing_fits_any_width(tmp_path, columns):
    make_run(tmp_path / "one", 6, seed=2, state="finished")
    terminal = RealTerminal("--once", "one", "--dir", str(tmp_path), COLUMNS=columns)
    try:
        terminal.until("finished")
        assert terminal.ended() == 0
        assert "Traceback" not in terminal.written
    finally:
        terminal.close()


def test_a_job_that_runs_is_watched_in_a_terminal_that_is_dragged_about(tmp_path):
    terminal = RealTerminal("--dir", str(tmp_path))
    try:
        terminal.until("Quick training")
        terminal.type(*["\x1b[A"] * 6, "enter")
        for _ in range(4):
            squeezed(terminal, NARROW[::3] + ODD)
        terminal.until("Loss functions")
    finally:
        terminal.close()
