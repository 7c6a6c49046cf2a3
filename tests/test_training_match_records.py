"""Games of matches are kept with the run, and the rules agree with them."""

from __future__ import annotations

import json

import pytest

from azul_tui.arena.match import play_match
from azul_tui.game.record import parse_recorded, replay_recorded
from azul_tui.players.registry import create_player
from azul_tui.runs.paths import pretrained_directory
from azul_tui.training.evaluation import (
    checkpoint_match_file,
    match_file,
    telling_games,
    write_match_games,
)


@pytest.mark.parametrize("players", [2, 3])
def test_kept_games_follow_the_rules_and_name_their_players(tmp_path, players):
    result = play_match(
        create_player("random", players), create_player("greedy", players), 12, 5, players
    )
    file = tmp_path / "games" / "eval_000003_greedy.jsonl"
    write_match_games(file, "iteration 3 against greedy", result.results)
    games = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(games) == 4
    for game in games:
        assert replay_recorded(parse_recorded(game)).disagreements == []
        assert sorted(game["meta"]["names"]) == ["greedy"] * (players - 1) + ["random"]
    numbers = telling_games(result.results)
    assert numbers[:players] == list(range(players))
    kept = [result.results.scores[number].tolist() for number in numbers]
    assert [game["final_scores"] for game in games] == kept
    # Whoever is first in the match lost every game that was added to the first bag's.
    for number in numbers[players:]:
        assert result.results.shares[number][result.results.seating[number] == 0].sum() == 0


def test_where_games_of_a_checkpoint_are_kept(tmp_path):
    run = tmp_path / "night"
    run.mkdir()
    checkpoint = run / "checkpoint_iter_000040.pt"
    assert checkpoint_match_file(checkpoint, "greedy") is None, "the file belongs to no run"
    (run / "events.jsonl").touch()
    named = checkpoint_match_file(checkpoint, "night/best_model@100")
    assert named == run / "games" / "eval_000040_night-best-model-100.jsonl"
    assert (
        checkpoint_match_file(run / "best_model.pt", "greedy").name
        == "eval_best_model_greedy.jsonl"
    )
    assert checkpoint_match_file(pretrained_directory() / "best_model.pt", "greedy") is None
    assert match_file(tmp_path, "eval_1", "///").name == "eval_1_opponent.jsonl"
