"""docs/traces.md: its game is one, written as it says, and the command replays it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from azul_tui.cli import main
from azul_tui.game.record import parse_recorded

TEXT = (Path(__file__).parents[1] / "docs" / "traces.md").read_text()
GAME = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)[1]


def replay(path, *more):
    return main(["--run", "replay", "--set", f"games={path}", *more])


def test_every_key_of_the_game_is_in_the_table_and_needed():
    rows = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))
    assert rows == set(json.loads(GAME)) == set(parse_recorded(json.loads(GAME)).__slots__)


def test_the_game_agrees_and_exit_codes_are_as_told(tmp_path, capsys):
    game = json.loads(GAME)
    file = tmp_path / "game.jsonl"
    file.write_text("\n" + GAME.replace("\n", "") + "\n\n")
    assert replay(file) == 0
    assert "1 game, 48 moves replayed: every number agrees" in capsys.readouterr().out
    file.write_text(json.dumps({**game, "winners": [1]}))
    assert replay(file, "--json") == 1
    mismatch = next(map(json.loads, capsys.readouterr().out.splitlines()))
    told = json.loads(re.search(r'`(\{"event": "mismatch".*\})`', TEXT)[1].replace("...", "0"))
    assert mismatch.keys() - {"t"} == told.keys()
    file.write_text("\n" + json.dumps({**game, "players": 7}))
    assert replay(file) == 2
    assert (
        capsys.readouterr().err == f"azul-tui: {file}, line 2: players must be 2, 3 or 4, got 7\n"
    )
