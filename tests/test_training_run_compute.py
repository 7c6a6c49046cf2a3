"""A GPU against the processor: decided at self-play, with devices that only pretend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from azul_tui.config import TrainingConfig
from azul_tui.network import compute as module
from azul_tui.network.compute import choose_device
from azul_tui.network.model import describe_network
from azul_tui.training.workers import compute_of, self_play_s

if TYPE_CHECKING:
    from pathlib import Path

SMALL = describe_network("small")
TINY = TrainingConfig(
    parallel_games=8, mcts_simulations=4, self_play_workers=1, network_config="small"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azul_tui.network.compute.cache_folder", lambda: tmp_path)
    kind = "a processor"
    monkeypatch.setattr(
        module, "processor_kind", lambda device: kind if device.type == "cpu" else "a GPU"
    )


def chosen(gpu_s: float, workers: int = 1) -> str:
    """What wins when a call takes so long on a GPU, and a hundredth of a second without it."""
    seconds = {"cpu": lambda: 0.01, "cuda": lambda: gpu_s}
    return choose_device(SMALL, 64, torch.device("cuda"), workers, seconds).chosen


@pytest.mark.parametrize(("gpu_s", "winner"), [(0.005, "cuda"), (0.02, "cpu"), (0.0099, "cpu")])
def test_the_device_that_plays_faster_wins_and_within_noise_the_processor(
    gpu_s: float, winner: str
):
    assert chosen(gpu_s) == winner


def test_the_choice_is_remembered_for_that_number_of_workers():
    assert chosen(0.005) == "cuda"
    assert chosen(0.02) == "cuda"
    assert chosen(0.02, workers=2) == "cpu"


def test_workers_share_the_work_on_a_processor():
    """Seconds are told by a clock that moves by one at each look."""
    looks = iter(range(1000))
    one = self_play_s(TINY, SMALL, torch.device("cpu"), lambda: float(next(looks)))
    four = TINY.replace(self_play_workers=4)
    shared = self_play_s(four, SMALL, torch.device("cpu"), lambda: float(next(looks)))
    assert shared == pytest.approx(one / 4)


def test_without_a_gpu_the_processor_computes():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    compute = compute_of(TINY, threads=2)
    assert (compute.device, compute.threads) == ("cpu", 2)
