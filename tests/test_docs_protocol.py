"""docs/protocol.md: every command is said as it is printed, and answers as it is printed.

Times are never compared, nor what a network thinks, whose last digits differ between processors: of
those only the form.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from azul_positions import choose
from engine_talk import Talk
from recorded_example import write_example_game

from azul_tui.game.state import GameState
from azul_tui.jobs.engine.commands import Commands

TEXT = (Path(__file__).parents[1] / "docs" / "protocol.md").read_text()
MORE = "…"
OPINIONS = {"analysis", "review", "reviewed", "choice"}


@pytest.fixture(scope="module")
def talk():
    return Talk()


def conversations():
    """Each command of the document with the records printed under it."""
    said = []
    for block in re.findall(r"```\n(.*?)```", TEXT, re.DOTALL):
        for line in block.splitlines():
            sign, _, rest = line.partition(" ")
            if sign == ">":
                said.append((rest, []))
            else:
                assert sign == "<", line
                said[-1][1].append(rest if rest == MORE else json.loads(rest))
    return said


def check(printed, heard, place, *, form_only):
    if isinstance(printed, dict):
        assert printed.keys() == heard.keys(), place
        for key, value in printed.items():
            loose = form_only or key in {"seconds", "version"}
            check(value, heard[key], f"{place}.{key}", form_only=loose)
    elif isinstance(printed, list):
        if printed and printed[-1] == MORE:
            printed, heard = printed[:-1], heard[: len(printed) - 1]
        if not form_only:
            assert len(printed) == len(heard), place
        for one, other in zip(printed, heard, strict=False):
            check(one, other, place, form_only=form_only)
    elif not form_only:
        assert printed == heard, place
    elif isinstance(printed, float):
        assert isinstance(heard, (int, float)), place
    elif printed is not None and heard is not None:
        assert type(printed) is type(heard), place


def test_every_example_answers_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_example_game(Path("checkpoints/night/games/iter_000040.jsonl"))
    talk = Talk(tmp_path / "checkpoints")
    for command, printed in conversations():
        heard = [record for record in talk.all(command) if record["event"] != "progress"]
        shown = [record for record in printed if record != MORE]
        if MORE not in printed:
            assert len(heard) == len(printed), command
        else:
            heard = heard[: len(shown) - 1] + heard[-1:] if shown else []
        for one, other in zip(shown, heard, strict=True):
            check(one, other, command, form_only=one["event"] in OPINIONS)
            assert one["event"] == other["event"]


@pytest.mark.parametrize("verb", [*Commands(Path()).known, "stop", "quit"])
def test_every_command_has_an_example(verb):
    assert any(re.match(rf"(#\w+ )?{verb}\b", command) for command, _ in conversations())
    assert f"`{verb}" in TEXT or f"## {verb}" in TEXT or f", {verb}" in TEXT


def test_every_option_is_told():
    for option in (
        "players",
        "seed",
        "simulations",
        "seconds",
        "first",
        "margins",
        "player",
        "setup",
    ):
        assert f"{option}=" in TEXT


def test_the_position_of_the_document_can_arise_and_its_fields_are_explained(talk):
    (text,) = re.findall(r"^    (azul2 .*)$", TEXT, re.MULTILINE)
    assert talk.last(f"position {text}")["notation"] == text
    explained = re.findall(r"^\| `(.*?)`", TEXT, re.MULTILINE)
    for field in explained[:5]:
        assert field.split("...")[0] in text.split()[len(explained[: explained.index(field)])]


@pytest.mark.parametrize(
    ("phase", "notation"),
    [
        ("tiled:2", "azul2 r0 tiled:2 next:2 -/-/-/-/- - bag:B20Y20R20K20W20 lid:- {0} {0}"),
        ("over-row:1", "azul2 r5 over-row:1 next:1 -/-/-/-/- - bag:- lid:B19Y19R19K19W19 {1} {0}"),
        ("over-rounds:1", "azul2 r60 over-rounds:1 next:1 -/-/-/-/- - bag:- lid:{2} {0} {0}"),
    ],
)
def test_every_phase_of_the_table_is_read(talk, phase, notation):
    empty = "0,-/-/-/-/-,...../...../...../...../.....,-"
    row = "4,-/-/-/-/-,BYRKW/...../...../...../.....,-"
    assert f"`{phase.split(':')[0]}:N`" in TEXT
    text = notation.format(empty, row, "B20Y20R20K20W20")
    record = talk.last(f"position {text}")
    assert record["event"] == "position", record
    assert record["over"] is phase.startswith("over")
    assert record["winners"] == ([0, 1] if "rounds" in phase else [0] if "row" in phase else [])


@pytest.mark.parametrize(("players", "same"), [(2, 5), (3, 3), (4, 2)])
def test_games_of_one_seed_have_the_same_refills_as_long_as_the_bag_lasts(players, same):
    assert "rounds 1 to 5 with two players, 1 to 3 with three, 1 and 2 with four" in TEXT
    deals = []
    for style in ("any", "floor"):
        game, rng, dealt = GameState.new(players, 3), np.random.default_rng(1), []
        while game.round <= same and not game.is_over:
            if len(dealt) < game.round:
                dealt.append(game.view().factories)
            game.apply(choose(game, style, rng))
        deals.append(dealt)
    assert len(deals[0]) == same
    assert deals[0] == deals[1]


def test_what_the_document_says_of_simulations_and_seconds(talk):
    talk.last("position new seed=3")
    first = talk.last("choose player=pretrained simulations=60 seconds=60")
    assert first["simulations"] == 60
    assert first["seconds"] < 30
    assert talk.last("choose player=pretrained simulations=0 seconds=60")["simulations"] == 0
    again = [talk.last("choose player=pretrained simulations=60 seed=8") for _ in range(2)]
    for record in again:
        record.pop("seconds")
    assert again[0] == again[1], "no noise"


def test_a_position_set_up_by_hand_is_taken_on_demand(talk):
    empty = "0,-/-/-/-/-,...../...../...../...../.....,-"
    text = f"azul2 r2 move:1 next:1 -/-/-/-/- B1* bag:B19Y20R20K20W13 lid:W7 {empty} {empty}"
    refused = talk.last(f"position {text}")["text"]
    assert refused.startswith("the position cannot arise: the bag holds 92 tiles; in round 2")
    assert "setup=1" in refused
    assert talk.last(f"position {text} setup=1")["notation"] == text
    assert "19 white" in talk.last(f"position {text.replace('W7', 'W6')} setup=1")["text"]


def test_blank_lines_are_passed_over():
    done = subprocess.run(
        [sys.executable, "-m", "azul_tui", "--run", "engine"],
        input="\n  \n\nlegal\n\n",
        capture_output=True,
        text=True,
        check=True,
    )
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events == ["position", "result"]
