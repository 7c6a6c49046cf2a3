"""Every kind of network plays from its checkpoint: evaluated, exported, asked by the engine."""

from __future__ import annotations

import json

import pytest
from engine_talk import Talk
from safetensors import safe_open

from azul_tui.cli import main
from azul_tui.network import create_azul_network
from azul_tui.training.checkpoint_manager import ModelCheckpointManager
from azul_tui.training.checkpoints import load_network


@pytest.fixture(
    scope="module",
    params=[("small", True), ("sets", False), ("sets", True)],
    ids=["small with margins", "sets", "sets with margins"],
)
def saved(request, tmp_path_factory):
    """A folder of runs, the checkpoint in it, and whether it foretells margins."""
    preset, margin = request.param
    root = tmp_path_factory.mktemp("runs")
    network = create_azul_network(preset, margin=margin)
    extra = {"acting_state": network.state_dict()}
    path = ModelCheckpointManager(root / "run").save_checkpoint(network, None, 7, {}, extra=extra)
    return root, path, margin


def test_it_comes_back_as_it_was(saved):
    _, path, margin = saved
    network, _ = load_network(path)
    assert network.description.margin is margin
    assert ("margin_output.weight" in network.state_dict()) is margin


def test_it_is_evaluated(saved, capsys):
    root, path, _ = saved
    settings = [f"checkpoint={path}", "opponent=random", "games=4", "simulations=4"]
    overrides = [part for setting in settings for part in ("--set", setting)]
    assert main(["--run", "evaluate", "--dir", str(root), "--json", *overrides]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["ok"], result["games"]) == (True, 4)


def test_it_is_exported(saved, tmp_path):
    root, path, margin = saved
    output = tmp_path / "weights.safetensors"
    settings = ["--set", f"checkpoint={path}", "--set", f"output={output}"]
    assert main(["--run", "export", "--dir", str(root), *settings]) == 0
    with safe_open(output, "pt") as file:
        assert ("margin_output.weight" in file.keys()) is margin  # noqa: SIM118 - no mapping
        assert json.loads(file.metadata()["network"])["margin"] is margin


def test_the_engine_asks_it(saved):
    root, _, _ = saved
    talk = Talk(root)
    assert talk.last("load player=run")["network"] is True
    chosen = talk.last("position new seed=1", "choose player=run simulations=4")
    assert chosen["event"] != "error", chosen
    told = talk.last("analyse player=run simulations=8 margins=2")
    assert told["event"] == "analysis", told
    assert told["moves"]
