"""The job `arena`: matches and ladders as a person starts them."""

from __future__ import annotations

import io
import json

import pytest

from azul_tui.arena.store import decode_match
from azul_tui.errors import AzulError, CheckpointError, JobError, PlayerError
from azul_tui.jobs import arena
from azul_tui.jobs.arena import _pairings, split_contestant
from azul_tui.jobs.registry import find_job, job_settings
from azul_tui.jobs.reporter import Reporter
from azul_tui.jobs.start import JobContext
from azul_tui.network import create_azul_network
from azul_tui.runs.listing import ladder_file, read_ratings
from azul_tui.runs.paths import run_paths
from azul_tui.training.checkpoint_manager import ModelCheckpointManager


class Heard:
    """A finished job: its result, its records and its lines."""

    def __init__(self, root, stopped=False, **settings):
        output, errors = io.StringIO(), io.StringIO()
        spec = find_job("arena")
        context = JobContext(
            spec=spec,
            settings={item.name: item.default for item in job_settings(spec)} | settings,
            config=None,
            changes={},
            reporter=Reporter(output, errors, json_lines=True),
            runs_root=root,
            directory=root,
        )
        if stopped:
            context.stop.set(15)
        self.result = arena.run(context)
        self.records = [json.loads(line) for line in output.getvalue().splitlines()]
        self.text = errors.getvalue()

    def matches(self):
        return [record for record in self.records if record["event"] == "match"]


def test_a_match_tells_who_is_stronger(tmp_path):
    heard = Heard(tmp_path, a="greedy", b="random", games=20)
    assert heard.result["score"] == 1.0
    assert heard.result["games"] == 20
    assert "greedy is stronger: 100.0%" in heard.text
    json.dumps(heard.result, allow_nan=False)


def test_games_are_rounded_up_to_pairs_and_said_so_with_an_interval_that_is_one(tmp_path):
    heard = Heard(tmp_path, a="greedy", b="random", games=3)
    assert heard.result["games"] == 4
    assert "3 games are rounded up to 4, paired" in heard.text
    assert "100.0% (" in heard.text and " to 100.0)" in heard.text
    assert "would decide it" not in heard.text


def test_a_sequential_test_ends_a_match_early(tmp_path):
    heard = Heard(tmp_path, a="greedy", b="random", games=1000, sequential_elo=50.0)
    assert heard.result["verdict"] == "better"
    assert heard.result["games"] < 200
    assert "sequential test for +50 Elo: better after" in heard.text


def test_one_name_is_not_enough_for_a_match(tmp_path):
    with pytest.raises(JobError, match="--set b=NAME"):
        Heard(tmp_path, a="greedy")
    with pytest.raises(JobError, match="two players or more"):
        Heard(tmp_path, players=("greedy",))


@pytest.mark.parametrize("name", ["gredy", "no/such.pt", "pretrained@x", "greedy@-1"])
def test_names_that_mean_nobody_are_refused_in_one_sentence(tmp_path, name):
    with pytest.raises(AzulError) as caught:
        Heard(tmp_path, a=name, b="random", games=2)
    assert "\n" not in str(caught.value)


def test_a_ladder_is_refused_before_anything_is_played(tmp_path, monkeypatch):
    monkeypatch.setattr("azul_tui.jobs.arena.play_match", None)
    with pytest.raises(PlayerError, match="nobody"):
        Heard(tmp_path, players=("random", "naive", "nobody"))
    with pytest.raises(PlayerError, match="two only"):
        Heard(tmp_path, players=("random", "naive", "alphabeta-easy"), num_players=3)
    with pytest.raises(JobError, match="two players or more, got greedy:"):
        Heard(tmp_path, players=("greedy", "Greedy", " greedy"))
    manager = ModelCheckpointManager(run_paths(tmp_path, "laptop-1").directory)
    file = str(manager.save_checkpoint(create_azul_network("small"), None, 5, {}))
    with pytest.raises(JobError, match=r"two players or more, got .*checkpoint_iter_000005.pt:"):
        Heard(tmp_path, players=(file,), run="laptop-1")
    with pytest.raises(CheckpointError, match="for 2 players, not 3"):
        Heard(tmp_path, players=("random", "naive"), run="laptop-1", num_players=3)


def test_simulations_may_stand_in_the_name():
    assert split_contestant("laptop-1122@100", 32) == ("laptop-1122", 100)
    assert split_contestant("best_model.pt", 32) == ("best_model.pt", 32)
    assert split_contestant("a@b.pt@0", 32) == ("a@b.pt", 0)
    with pytest.raises(PlayerError, match="as in NAME@100"):
        split_contestant("@many", 32)


def test_a_ladder_rates_everybody(tmp_path):
    heard = Heard(tmp_path, games=40)
    names = [row["name"] for row in heard.result["ratings"]]
    assert names == ["heuristic", "greedy", "naive", "random"]
    assert len(heard.matches()) == heard.result["matches"] == 6
    assert heard.result["ratings"][-1]["elo"] == 0.0
    assert "Elo above random" in heard.text


def test_a_ladder_for_three(tmp_path):
    heard = Heard(tmp_path, players=("random", "greedy"), games=5, num_players=3)
    assert "5 games are rounded up to 6, 3 on each bag" in heard.text
    assert "1 match of 6 games" in heard.text
    assert heard.result["ratings"][0]["name"] == "greedy"
    assert len(heard.result["seat_elo"]) == 3


def test_one_table_seats_everybody_everywhere(tmp_path):
    names = ("greedy", "naive", "random")
    heard = Heard(tmp_path, players=names, num_players=3, games=20, one_table=True)
    assert heard.result["games"] == 24
    assert [row["name"] for row in heard.result["standings"]] == list(names)
    assert "20 games are rounded up to 24, 6 on each bag" in heard.text
    assert "24 games, every seating on each of 4 bags" in heard.text
    with pytest.raises(JobError, match="takes 4 players, got 3"):
        Heard(tmp_path, players=names, num_players=4, one_table=True)


def test_a_ladder_is_kept_with_its_run_and_only_new_matches_are_played(tmp_path):
    paths = run_paths(tmp_path, "laptop-1")
    paths.directory.mkdir()
    first = Heard(tmp_path, run="laptop-1", players=("random", "naive"), games=20)
    second = Heard(tmp_path, run="laptop-1", players=("random", "naive", "greedy"), games=20)
    assert len(first.matches()) == 1
    assert [(m["player_a"], m["player_b"]) for m in second.matches()] == [
        ("random", "greedy"), ("naive", "greedy"),
    ]  # fmt: skip
    kept = [decode_match(line) for line in ladder_file(paths).read_text().splitlines()]
    assert [(len(match.shares), match.seed) for match in kept] == [(20, 0)] * 3, "the same bags"
    rows = read_ratings(paths)
    assert [row.name for row in rows] == ["greedy", "naive", "random"]
    assert rows[-1].elo == 0.0
    assert all(row.low <= row.elo <= row.high and row.iteration is None for row in rows)
    other_seed = Heard(tmp_path, run="laptop-1", players=("random", "naive"), games=20, seed=1)
    assert len(other_seed.matches()) == 1


def test_a_ladder_of_a_runs_checkpoints_rates_each_by_its_iteration(tmp_path):
    paths = run_paths(tmp_path, "laptop-1")
    manager = ModelCheckpointManager(paths.directory)
    for iteration in (5, 10, 15):
        manager.save_checkpoint(create_azul_network("small"), None, iteration, {})
    asked = {"run": "laptop-1", "players": ("random", "naive"), "games": 6, "simulations": 0}
    heard = Heard(tmp_path, **asked, checkpoints=2)
    rows = {row.iteration: row for row in read_ratings(paths)}
    assert set(rows) == {None, 5, 15}
    assert rows[15].name == "laptop-1/checkpoint_iter_000015@0"
    met = {frozenset((match["player_a"], match["player_b"])) for match in heard.matches()}
    assert frozenset((rows[5].name, rows[15].name)) in met
    assert len(met) == 6
    again = Heard(tmp_path, **asked, checkpoints=3)
    played = {name for match in again.matches() for name in (match["player_a"], match["player_b"])}
    assert "laptop-1/checkpoint_iter_000010@0" in played
    assert frozenset((rows[5].name, "random")) not in {
        frozenset((match["player_a"], match["player_b"])) for match in again.matches()
    }
    assert {row.iteration for row in read_ratings(paths)} == {None, 5, 10, 15}


def test_a_damaged_ladder_is_told_and_played_again(tmp_path):
    paths = run_paths(tmp_path, "laptop-1")
    paths.directory.mkdir()
    ladder_file(paths).write_text('{"key": ["random"\n[]\n' + "[" * 100_000 + "\n")
    heard = Heard(tmp_path, run="laptop-1", players=("random", "naive"), games=4)
    assert "line 1 is damaged" in heard.text
    assert "line 2 is damaged" in heard.text
    assert "line 3 is damaged" in heard.text
    assert len(heard.matches()) == 1


def test_checkpoints_meet_each_other_at_growing_distances():
    pairs = _pairings(["random", "greedy"], ["c1", "c2", "c3", "c4", "c5"])
    assert ("random", "greedy") in pairs
    assert {("c3", "random"), ("c3", "greedy")} <= set(pairs)
    assert {("c1", "c2"), ("c1", "c3"), ("c1", "c5")} <= set(pairs)
    assert ("c1", "c4") not in pairs
    assert len(set(pairs)) == len(pairs)


def test_stopping_at_once_says_so(tmp_path):
    heard = Heard(tmp_path, stopped=True, games=20)
    assert heard.result["ok"] is False
    assert heard.result["stopped"] is True
