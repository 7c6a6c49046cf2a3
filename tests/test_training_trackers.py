"""TensorBoard and Weights & Biases beside a run: what they get, and that training never minds."""

from __future__ import annotations

import json

import pytest
from fingerprint import fingerprint
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_training import alerts, records, tiny, train

from azul_tui.cli import main
from azul_tui.runs.events import number
from azul_tui.training import trackers

KINDS = ("step", "iteration", "self_play", "evaluation", "rating")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(folder)
    return folder


def test_tensorboard_reads_every_number_of_the_log_and_the_settings(tmp_path, plain):
    run = tmp_path / "run"
    train(run, tiny(trackers=("tensorboard",)))
    read = EventAccumulator(str(run / "tensorboard"), {"scalars": 0, "tensors": 0}).Reload()
    told = {}
    for record in (record for record in records(run) if record["event"] in KINDS):
        kind = record["event"]
        place = f"evaluation/{record['opponent']}" if kind == "evaluation" else kind
        at = record["step" if kind == "step" else "iteration"]
        for key in record.keys() - {"t", "step", "iteration"}:
            if (value := number(record, key)) is not None:
                told.setdefault(f"{place}/{key}", []).append((at, pytest.approx(value)))
    assert {"step/total_loss", "rating/elo", "evaluation/greedy/score"} <= set(told)
    for name, points in told.items():
        assert [(seen.step, seen.value) for seen in read.Scalars(name)] == points
    (settings,) = read.Tensors("settings/text_summary")
    assert "mcts_simulations = 3" in settings.tensor_proto.string_val[0].decode()
    assert fingerprint(run)["weights"] == fingerprint(plain)["weights"], "nothing was touched"


def test_wandb_stays_offline_and_keeps_numbers_and_settings(tmp_path, plain, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    run = tmp_path / "run"
    train(run, tiny(trackers=("wandb",)))
    (file,) = run.glob("wandb/offline-run-*/*.wandb")
    kept = file.read_bytes()
    for word in (b"step/total_loss", b"rating/elo", b"mcts_simulations", b"azul-tui"):
        assert word in kept
    assert not any("tracker" in text for text in alerts(run))


@pytest.mark.parametrize("record", [0, 9])
def test_a_tracker_that_fails_is_told_once_and_never_touches_training(
    record, tmp_path, plain, monkeypatch
):
    def broken(folder, tracked):
        for heard, _ in enumerate(tracked):
            if heard == record:
                raise ValueError("no room for charts")

    monkeypatch.setattr(trackers, "_tensorboard", broken)
    run = tmp_path / "run"
    train(run, tiny(trackers=("tensorboard",)))
    assert sum("tensorboard failed and is left out (no room" in text for text in alerts(run)) == 1
    assert fingerprint(run)["weights"] == fingerprint(plain)["weights"]


def test_an_absent_package_is_one_sentence_before_training_starts(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    asked = f"trackers={json.dumps(['wandb'])}"
    assert main(["--run", "quick", "--dir", str(tmp_path), "--name", "x", "--set", asked]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "pip install 'azul-tui[wandb]'" in told
    assert not (tmp_path / "x").exists()
