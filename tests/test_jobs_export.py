"""Weights that leave the program are those that play."""

from __future__ import annotations

import json

import pytest
import torch
from heard_job import HeardJob
from safetensors import safe_open

from azul_tui.errors import JobError
from azul_tui.network import create_azul_network
from azul_tui.training.checkpoint import ModelCheckpointManager


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint whose averaged weights are all ones, its trained ones random."""
    network = create_azul_network("small")
    acting = {name: torch.ones_like(value) for name, value in network.state_dict().items()}
    manager = ModelCheckpointManager(tmp_path / "run")
    return manager.save_checkpoint(network, None, 5, {}, extra={"acting_state": acting})


def export(root, checkpoint, output):
    return HeardJob("export", root, checkpoint=str(checkpoint), output=str(output)).run().result


def test_the_weights_that_play_are_written_with_the_network_beside_them(tmp_path, checkpoint):
    output = tmp_path / "weights.safetensors"
    result = export(tmp_path, checkpoint, output)
    with safe_open(output, "pt") as file:
        names = set(file.keys())
        assert names == set(create_azul_network("small").state_dict())
        assert all(bool((file.get_tensor(name) == 1).all()) for name in names)
        assert json.loads(file.metadata()["network"])["widths"] == [256, 256]
    assert result["bytes"] == output.stat().st_size


def test_without_a_name_it_lies_beside_the_checkpoint(tmp_path, checkpoint):
    result = export(tmp_path, checkpoint, "")
    assert result["file"] == str(checkpoint.with_suffix(".safetensors"))


def test_the_shipped_player_is_exported_to_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = export(tmp_path, "pretrained", "")
    assert (tmp_path / result["file"]).is_file()


def test_a_folder_that_is_not_there_is_named(tmp_path, checkpoint):
    with pytest.raises(JobError, match=r"nowhere/w\.safetensors cannot be written.*output="):
        export(tmp_path, checkpoint, tmp_path / "nowhere" / "w.safetensors")
