"""From a name to a player, and back to a sentence when there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from azul_tui.errors import GameError, PlayerError
from azul_tui.players import create_player
from azul_tui.players.names import SCRIPTED_PLAYERS, parse_player_name, scripted_players


@pytest.mark.parametrize("players", [2, 3, 4])
def test_every_listed_player_can_be_made(players):
    for name in scripted_players(players):
        assert create_player(name, players).name == name


def test_a_name_is_taken_apart():
    assert parse_player_name("alphabeta-hard") == ("alphabeta", "hard", 0)
    assert parse_player_name(" UCT-64 ") == ("uct", "", 64)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gredy", "greedy"),
        ("alphabeta", "alphabeta-medium"),
        ("uct", "uct-1000"),
        ("planer", "planner"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, hint):
    with pytest.raises(PlayerError, match=f"did you mean {hint}\\?") as caught:
        create_player(name)
    assert "\n" not in str(caught.value)


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(PlayerError, match="Players are random, naive"):
        create_player("zzzzz")


def test_players_that_cannot_sit_at_the_table_are_refused():
    with pytest.raises(PlayerError, match="for 3 players take one of random"):
        create_player("alphabeta-easy", 3)
    with pytest.raises(PlayerError, match="1 to 1000000 playouts"):
        create_player("uct-0")
    with pytest.raises(GameError, match="2, 3 or 4"):
        create_player("greedy", 5)
    assert "alphabeta-easy" not in scripted_players(4)


def test_a_list_of_players_compiles_nothing():
    code = (
        "import sys, azul_tui.players.names, azul_tui.players.registry;"
        "assert not {'numba', 'numpy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert len(SCRIPTED_PLAYERS) == 10
