"""The job `arena`: matches and ladders as a person starts them."""

from __future__ import annotations

import json

import numba
import numpy as np
import pytest
from heard_job import HeardJob

from azul_tui.errors import AzulError, CheckpointError, JobError, PlayerError
from azul_tui.jobs import matches
from azul_tui.network import create_azul_network
from azul_tui.runs.listing import ladder_file, read_ratings
from azul_tui.runs.paths import run_paths
from azul_tui.training.checkpoint import ModelCheckpointManager


def arena(root, **settings):
    heard = HeardJob("arena", root, **settings).run()
    heard.pairs = [
        (record["player_a"], record["player_b"])
        for record in heard.records
        if record["event"] == "match"
    ]
    return heard


def saved(root, *iterations):
    """A run with a checkpoint of each iteration."""
    paths = run_paths(root, "laptop-1")
    manager = ModelCheckpointManager(paths.directory)
    for iteration in iterations:
        manager.save_checkpoint(create_azul_network("small"), None, iteration, {})
    return paths


def test_a_match_tells_who_is_stronger_in_whole_pairs(tmp_path):
    heard = arena(tmp_path, a="greedy", b="random", games=19)
    assert (heard.result["score"], heard.result["games"]) == (1.0, 20)
    assert "19 games are rounded up to 20, paired" in heard.text
    assert "greedy is stronger: 100.0% (" in heard.text and " to 100.0)" in heard.text
    assert "would decide it" not in heard.text
    json.dumps(heard.result, allow_nan=False)


def test_a_sequential_test_ends_a_match_early(tmp_path):
    heard = arena(tmp_path, a="greedy", b="random", games=1000, sequential_elo=50.0)
    assert heard.result["verdict"] == "better"
    assert heard.result["games"] < 200
    assert "sequential test for +50 Elo: better after" in heard.text


@pytest.mark.parametrize("name", ["gredy", "no/such.pt", "pretrained@x", "greedy@-1", "@many"])
def test_names_that_mean_nobody_are_refused_in_one_sentence(tmp_path, name):
    with pytest.raises(AzulError) as caught:
        arena(tmp_path, a=name, b="random", games=2)
    assert "\n" not in str(caught.value)


def test_a_ladder_is_refused_before_anything_is_played(tmp_path, monkeypatch):
    monkeypatch.setattr(matches, "play_match", None)
    with pytest.raises(PlayerError, match="nobody"):
        arena(tmp_path, players=("random", "naive", "nobody"))
    with pytest.raises(PlayerError, match="two only"):
        arena(tmp_path, players=("random", "naive", "alphabeta-easy"), num_players=3)
    with pytest.raises(JobError, match="two players or more, got greedy:"):
        arena(tmp_path, players=("greedy", "Greedy", " greedy"))
    file = str(saved(tmp_path, 5).checkpoint(5))
    with pytest.raises(JobError, match=r"two players or more, got .*checkpoint_iter_000005.pt:"):
        arena(tmp_path, players=(file,), run="laptop-1")
    with pytest.raises(CheckpointError, match="for 2 players, not 3"):
        arena(tmp_path, players=("random", "naive"), run="laptop-1", num_players=3)


def test_a_ladder_rates_everybody(tmp_path):
    heard = arena(tmp_path, games=40)
    names = [row["name"] for row in heard.result["ratings"]]
    assert names == ["heuristic", "greedy", "naive", "random"]
    assert len(heard.pairs) == heard.result["matches"] == 6
    assert heard.result["ratings"][-1]["elo"] == 0.0
    assert "Elo above random" in heard.text
    three = arena(tmp_path, players=("random", "greedy"), games=5, num_players=3)
    assert "5 games are rounded up to 6, 3 on each bag" in three.text
    assert "1 match of 6 games" in three.text
    assert len(three.result["seat_elo"]) == 3


def test_one_table_seats_everybody_everywhere(tmp_path):
    names = ("greedy", "naive", "random")
    heard = arena(tmp_path, players=names, num_players=3, games=20, one_table=True)
    assert [row["name"] for row in heard.result["standings"]] == list(names)
    assert "20 games are rounded up to 24, 6 on each bag" in heard.text
    with pytest.raises(JobError, match="takes 4 players, got 3"):
        arena(tmp_path, players=names, num_players=4, one_table=True)


def test_a_ladder_is_kept_with_its_run_and_only_new_matches_are_played(tmp_path):
    paths = saved(tmp_path, 5, 10, 15)
    asked = {"run": "laptop-1", "players": ("random", "naive"), "games": 6, "simulations": 0}
    first = arena(tmp_path, **asked, checkpoints=2)
    rows = {row.iteration: row for row in read_ratings(paths)}
    assert set(rows) == {None, 5, 15}
    assert all(row.low <= row.elo <= row.high for row in rows.values())
    assert rows[15].name == "laptop-1/checkpoint_iter_000015@0"
    assert (rows[5].name, rows[15].name) in first.pairs and len(first.pairs) == 6
    again = arena(tmp_path, **asked, checkpoints=3)
    assert {row.iteration for row in read_ratings(paths)} == {None, 5, 10, 15}
    assert again.pairs and not set(again.pairs) & set(first.pairs)
    assert all("laptop-1/checkpoint_iter_000010@0" in pair for pair in again.pairs)
    assert arena(tmp_path, **asked, checkpoints=3).pairs == []
    assert len(arena(tmp_path, **asked, checkpoints=3, seed=1).pairs) == 10


def test_a_damaged_ladder_is_told_and_played_again(tmp_path):
    paths = run_paths(tmp_path, "laptop-1")
    paths.directory.mkdir()
    ladder_file(paths).write_text('{"players": ["random"\n[]\n' + "[" * 100_000 + "\n")
    heard = arena(tmp_path, run="laptop-1", players=("random", "naive"), games=4)
    for line in (1, 2, 3):
        assert f"line {line} is damaged" in heard.text
    assert len(heard.pairs) == 1


def test_checkpoints_meet_each_other_at_growing_distances():
    pairs = matches.ladder_pairings(["random", "greedy"], ["c1", "c2", "c3", "c4", "c5"])
    assert {("random", "greedy"), ("c3", "random"), ("c3", "greedy")} <= set(pairs)
    assert {("c1", "c2"), ("c1", "c3"), ("c1", "c5")} <= set(pairs)
    assert ("c1", "c4") not in pairs
    assert len(set(pairs)) == len(pairs)


def test_stopping_at_once_says_so(tmp_path):
    heard = HeardJob("arena", tmp_path, games=20)
    heard.context.stop.set(15)
    result = heard.run().result
    assert (result["ok"], result["stopped"]) == (False, True)


@pytest.mark.parametrize("compiles", [True, False])
def test_only_a_player_whose_kernels_are_compiled_is_announced(tmp_path, compiles):
    class Planner:
        name = "planner"

        @staticmethod
        def choose(states, seeds, deterministic):
            assert states.shape[0] == seeds.shape[0] == 1
            if compiles:
                numba.njit(lambda: 1)()
                numba.njit(lambda: 2)()
            return np.zeros(1, np.int32)

    heard = HeardJob("arena", tmp_path)
    matches.compile_player(heard.context, Planner, 2)
    assert heard.text == ("compiling planner, only the first time\n" if compiles else "")
