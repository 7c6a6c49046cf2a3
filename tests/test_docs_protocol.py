"""docs/protocol.md: every command is said as it is printed, and answers as it is printed.

Times are never compared, nor what a network thinks, whose last digits differ between processors: of
those only the form.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from engine_talk import Talk
from recorded_example import write_example_game

from azul_tui.jobs.engine.commands import Commands

TEXT = (Path(__file__).parents[1] / "docs" / "protocol.md").read_text()
MORE = "…"
OPINIONS = {"analysis", "review", "reviewed", "choice"}


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


@pytest.mark.parametrize("verb", [*Commands(Path())._known, "stop", "quit"])
def test_every_command_has_an_example(verb):
    assert any(re.match(rf"(#\w+ )?{verb}\b", command) for command, _ in conversations())
    assert f"`{verb}" in TEXT or f"## {verb}" in TEXT or f", {verb}" in TEXT


def test_every_option_is_told():
    for option in ("players", "seed", "simulations", "seconds", "first", "margins", "player"):
        assert f"{option}=" in TEXT
