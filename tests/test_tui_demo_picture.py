"""What a demo job records, as pictures."""

from __future__ import annotations

import math
import re

import pytest
from fake_run import POSITION

from azul_tui.tui.demo.picture import demo_body
from azul_tui.tui.demo.state import DemoState
from azul_tui.tui.following.data import RunData
from azul_tui.tui.picture import line_width, plain
from azul_tui.tui.signs import ASCII, UNICODE

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


def picture(records, size=(120, 40), signs=UNICODE):
    data = RunData()
    data.absorb([{"t": 1.0 + n, **record} for n, record in enumerate(records)])
    state = DemoState(
        title="Demo",
        description="Shows something.",
        data=data,
        status=None,
        judgement=None,
        log=["one line"],
        first_line=None,
        chart=lambda width, height: [((f"chart {width}x{height}", ""),)],
        signs=signs,
    )
    lines = demo_body(state, *size)
    assert len(lines) == size[1]
    assert max(line_width(line) for line in lines) <= size[0]
    return plain(lines)


def part(title, state, **more):
    return {"event": "part", "title": title, "name": title, "state": state, **more}


@pytest.mark.parametrize("size", SIZES)
def test_every_part_is_listed_with_its_state_from_the_start(size):
    records = [part(f"part {n}", "waiting") for n in range(6)]
    records += [part("part 0", "done", seconds=1.25), part("part 1", "running")]
    text = picture(records, size)
    assert all(f"part {n}" in text for n in range(6))
    assert "done  1.2 s" in text
    assert text.count("waiting") == 4


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_a_bar_for_each_temperature(signs):
    losses = {0.1: 5.0, 1.0: 2.5, 2.0: 1.25}
    records = [
        {"event": "loss", "temperature": t, "policy_loss": loss} for t, loss in losses.items()
    ]
    lines = [x for x in picture(records, signs=signs).splitlines() if "nats" in x]
    lengths = [line.count(signs.block) for line in lines]
    assert len(lengths) == 3
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=1)
    assert lengths[1] == pytest.approx(2 * lengths[2], abs=1)


def test_checkpoints_are_a_growing_table_with_the_best_marked():
    saved = [
        {
            "event": "checkpoint",
            "iteration": n,
            "file": f"c{n}.pt",
            "score": n / 20,
            "best": n == 10,
        }
        for n in (5, 10, 15)
    ]
    assert "c10.pt" not in picture(saved[:1])
    text = picture(saved)
    assert all(name in text for name in ("c5.pt", "c10.pt", "c15.pt"))
    assert "c10.pt" in next(line for line in text.splitlines() if "★ best" in line)


@pytest.mark.parametrize("size", SIZES)
def test_steps_are_a_falling_line(size):
    steps = [
        {"event": "step", "iteration": 1, "step": n, "total_loss": math.exp(-n / 20)}
        for n in range(1, 51)
    ]
    assert "chart " in picture(steps, size)
    assert "chart " not in picture(steps[:1], size), "one point is no line"


def test_what_a_job_says_is_wrapped_not_cut():
    from azul_tui.tui.picture import hanging

    line = "round 2  2:R 4>F 1:Y 3>1 5:K 2>F"
    pieces = hanging(line, 14)
    assert all(len(piece) <= 14 for piece in pieces)
    assert " ".join(" ".join(pieces).split()) == " ".join(line.split())


@pytest.mark.parametrize("size", SIZES)
def test_moves_before_are_shown_whole_the_newest_last(size):
    moves = [
        {"event": "move", "position": POSITION, "move": f"B {n % 5 + 1}>F", "number": n, "game": 0}
        for n in range(40)
    ]
    text = picture(moves, size)
    line = next(line for line in text.splitlines() if line.count(">F") > 3).strip("│ ")
    assert line.startswith("… ")
    assert line.endswith("B 5>F")
    assert not re.search(r"(?<!B )\d>F", line)
