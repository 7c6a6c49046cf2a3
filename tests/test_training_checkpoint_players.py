"""Names of players: which file a name stands for."""

from __future__ import annotations

import pytest

from azul_tui.errors import CheckpointError, RunError
from azul_tui.network import create_azul_network
from azul_tui.runs.paths import check_run_name, existing_run, is_shipped, pretrained_directory
from azul_tui.training.checkpoint import ModelCheckpointManager
from azul_tui.training.checkpoint_players import find_checkpoint, find_player


def test_pretrained_is_the_player_made_for_the_table(tmp_path):
    two, three, four = (pretrained_directory(seats) / "best_model.pt" for seats in (2, 3, 4))
    assert find_checkpoint("pretrained", tmp_path) == two
    assert find_checkpoint("", tmp_path) == two, "no run is there"
    assert find_player("pretrained", tmp_path, players=2) == two
    assert find_player("pretrained", tmp_path, players=3) == three
    assert find_player("pretrained-3", tmp_path, players=3) == three
    assert find_player("pretrained", tmp_path, players=4) == four
    assert find_player("greedy", tmp_path, players=3) is None
    assert is_shipped(two)
    assert is_shipped(three)
    assert not is_shipped(tmp_path / "best_model.pt")


def test_no_run_is_called_as_a_shipped_player_and_a_name_of_nobody_is_refused(tmp_path):
    for name in ("pretrained", "pretrained-3", "pretrained-4"):
        with pytest.raises(RunError, match="taken by the program"):
            check_run_name(name)
        with pytest.raises(RunError, match=f"{name} came with the program"):
            existing_run(tmp_path, name)
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        find_checkpoint("pretrained-5", tmp_path)


@pytest.mark.parametrize(
    ("scores", "best", "save_best"),
    [
        ([0.7, 0.7, 0.6], 2, True),  # of equals the latest
        ([0.7, 0.7, 0.6], 2, False),
        ([0.7, 0.8, None], 2, False),
        ([0.7, 0.0, 0.0], 1, True),
        ([None, None, None], 3, True),  # without scores the newest
    ],
)
def test_a_run_stands_for_its_best_weights_as_its_manager_names_them(
    tmp_path, scores, best, save_best
):
    network = create_azul_network("small")
    manager = ModelCheckpointManager(tmp_path / "run", keep_latest=1, save_best=save_best)
    for iteration, score in enumerate(scores, start=1):
        manager.save_checkpoint(network, None, iteration, {}, score)
    found = find_checkpoint("run", tmp_path)
    assert manager.load_checkpoint(found)["iteration"] == best
    assert manager.get_best_checkpoint() == (None if scores[0] is None else found)
