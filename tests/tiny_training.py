"""Runs of a second, for tests of the trainer: everything happens in them, and little of it."""

from __future__ import annotations

import json

from fingerprint import fingerprint

from azul_tui.config import create_training_config
from azul_tui.runs.events import decode_lines
from azul_tui.runs.paths import RunPaths
from azul_tui.training.trainer import AzulTrainer

SETTINGS = {
    "network_config": "small",
    "max_iterations": 4,
    "self_play_games_per_iteration": 6,
    "parallel_games": 6,
    "self_play_workers": 1,
    "mcts_simulations": 3,
    "max_considered_actions": 4,
    "training_steps_per_iteration": 6,
    "batch_size": 16,
    "min_buffer_size": 32,
    "buffer_capacity": 900,
    "warmup_steps": 4,
    "ema_decay": 0.9,
    "dropout": 0.1,
    "eval_frequency": 2,
    "eval_games": 4,
    "gate": "off",
    "eval_simulations": 2,
    "eval_opponents": ("random", "greedy"),
    "save_frequency": 1,
    "keep_latest_checkpoints": 2,
    "log_every_steps": 2,
}


def tiny(**changes):
    return create_training_config(**{**SETTINGS, **changes})


def overrides(**changes):
    """The same settings as arguments of the command line."""
    arguments = []
    for name, value in tiny(**changes).to_dict().items():
        arguments += ["--set", f"{name}={json.dumps(value)}"]
    return arguments


def train(folder, config=None, **options):
    return AzulTrainer(config or tiny(), folder, **options).train()


def resume(folder, config=None, **options):
    return AzulTrainer(config, folder, folder, **options).train()


def records(folder, kind=None):
    found, skipped, _ = decode_lines(RunPaths(folder).events.read_bytes())
    assert skipped == 0
    return [record for record in found if kind is None or record["event"] == kind]


def alerts(folder):
    return [record["text"] for record in records(folder, "alert")]


def state_of(folder):
    """The run as digests."""
    return fingerprint(folder)


class StopAt:
    """Asks a training to leave at its n-th question."""

    def __init__(self, question):
        self.left = question

    def __call__(self):
        self.left -= 1
        return self.left <= 0
