"""The measuring of the dashboard measures what it says."""

from __future__ import annotations

import math
import os
import sys
import time

import pytest

from azul_tui.errors import JobFailedError
from azul_tui.jobs.bench_ui.cells import Cells
from azul_tui.jobs.bench_ui.keys import TOUR, percentile
from azul_tui.jobs.bench_ui.processor import processor_time
from azul_tui.jobs.bench_ui.terminal import terminal
from azul_tui.tui.frame import PLACES

PROGRAM = """
import os, sys, time, tty
tty.setraw(0)
os.write(1, b"\\x1b[?2026$p")
while os.read(0, 1) != b"y":
    pass
os.write(1, b"\\x1b[3;2HREADY")
while key := os.read(0, 1):
    os.write(1, b"\\x1b]22;default\\x07")
    time.sleep(0.1)
    os.write(1, b"\\x1b[?2026h\\x1b[3;2H\\x1b[0;1m" + key * 5 + b"\\x1b[?20")
    time.sleep(0.05)
    os.write(1, b"26l")
"""


def test_a_press_ends_with_the_frame_that_shows_what_was_asked_for():
    with terminal([sys.executable, "-c", PROGRAM]) as app:
        app.read_until("READY", 10)
        assert app.press(b"a", "aaaaa") >= 0.15, "neither the first byte nor half a frame counts"
        assert app.press(b"b", "aaaaa", shows=False) >= 0.15
        assert math.isnan(app.press(b"c", "nothing of that kind", wait_s=0.3))


def test_a_program_that_ends_is_said_so():
    with terminal([sys.executable, "-c", "pass"]) as app, pytest.raises(JobFailedError):
        app.drain(5.0)


def test_processor_time_counts_computing_and_not_sleeping():
    before = processor_time(os.getpid())
    time.sleep(0.05)
    slept = processor_time(os.getpid()).since(before)
    end = time.thread_time() + 0.05
    while time.thread_time() < end:
        pass
    computed = processor_time(os.getpid()).since(before)
    assert slept.computed_s < 0.04
    assert computed.computed_s >= 0.049


def test_the_cells_follow_moves_and_skip_styles():
    cells = Cells(20, 3)
    for piece in (b"\x1b[2;3", b"H\x1b[0;38;2;1;2;3mh", "ä\x1b]22;x\x07!".encode()):
        cells.feed(piece)
    assert "".join(cells.rows[1]).rstrip() == "  hä!"
    assert cells.shows("hä!")


def test_percentiles_are_values_that_were_measured():
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.95) == 95.0
    assert percentile(values, 0.5) == 50.0
    assert percentile([7.0], 0.95) == 7.0


def test_the_tour_visits_every_place_and_takes_back_what_it_opens():
    opened = [press.text for press in TOUR if press.shows]
    for key, _, title in PLACES:
        assert f"[{key} {title}]" in opened
    for text in {press.text for press in TOUR if not press.shows}:
        assert text in opened
