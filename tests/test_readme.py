"""The README's Python examples run as they are printed, at a size that suits a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import azul_tui
from azul_tui import config as config_room
from azul_tui import training
from azul_tui.jobs import registry
from azul_tui.training import executors

ROOT = Path(__file__).parents[1]
SMALL = {
    "max_iterations": 1,
    "training_steps_per_iteration": 4,
    "self_play_games_per_iteration": 4,
    "parallel_games": 4,
    "self_play_workers": 1,
    "mcts_simulations": 2,
    "min_buffer_size": 64,
    "eval_games": 2,
    "eval_simulations": 1,
    "eval_frequency": 1,
    "save_frequency": 1,
}


def examples() -> list[str]:
    """Every block of Python in the README."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def run_example(marker: str) -> dict[str, object]:
    """Execute the one example that contains `marker`; its variables."""
    (code,) = [example for example in examples() if marker in example]
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.fixture
def in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_quick_start_trains_and_saves(in_tmp_path, monkeypatch):
    real = config_room.create_training_config

    def smaller(**settings):
        assert settings["training_steps_per_iteration"] == 1000
        return real(**{**settings, **SMALL})

    monkeypatch.setattr(azul_tui, "create_training_config", smaller)
    names = run_example("AzulTrainer(config=config")
    assert [entry["successful_steps"] for entry in names["results"]["history"]] == [4]
    assert (in_tmp_path / "checkpoints/my_run/checkpoint_iter_000001.pt").is_file()
    assert names["results"]["best_evaluation_score"] is not None


def test_the_loop_of_ones_own_trains_and_saves(in_tmp_path, monkeypatch):
    real_games, real_steps = executors.self_play_games, training.TrainingStep.train_for_steps
    monkeypatch.setattr(
        azul_tui,
        "self_play_games",
        lambda model, games, seed: real_games(model, 3, seed=seed, simulations=2),
    )
    monkeypatch.setattr(
        training.TrainingStep, "train_for_steps", lambda self, steps: real_steps(self, 2)
    )
    names = run_example("create_training_components(")
    assert names["stats"]["successful_steps"] == 2
    assert (in_tmp_path / "checkpoints/components/checkpoint_iter_000010.pt").is_file()


def test_the_game_is_played_to_its_end():
    game = run_example("GameState.new")["game"]
    assert game.is_over
    assert game.winners


def test_every_example_is_run_by_a_test():
    assert len(examples()) == 3


def test_the_table_of_settings_is_the_one_that_the_program_knows():
    assert config_room.settings_table().strip() in (ROOT / "README.md").read_text()


def test_every_job_is_in_the_table_of_jobs():
    text = (ROOT / "README.md").read_text()
    missing = [spec.name for spec in registry.jobs() if f"`{spec.name}`" not in text]
    assert not missing
