"""What a run computes with: chosen by timing, remembered, and kept on resume."""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
import torch

from azul_tui.config import TrainingConfig
from azul_tui.network import Compute, NetworkEvaluator, create_azul_network, resolve_compute
from azul_tui.network import compute as module
from azul_tui.network.compute import (
    Timing,
    choose_inference,
    inference_candidates,
    time_calls,
    time_inference,
    time_training,
)
from azul_tui.network.model import describe_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CPU = torch.device("cpu")
SMALL = describe_network("small")
TOOK = {"folded-float32": 2e-3, "vectors-float32": 3e-3, "folded-bfloat16": 1e-3}


class Clock:
    """Seconds that pass only while a call computes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def call(self, *seconds: float) -> Callable[[], None]:
        """A call that takes so long the first time, so long the second, and so on in a circle."""
        calls = 0

        def run() -> None:
            nonlocal calls
            self.now += seconds[calls % len(seconds)]
            calls += 1

        return run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which choices are remembered."""
    monkeypatch.setattr("azul_tui.network.compute.cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "choices"


@pytest.fixture
def two_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both number formats are candidates, also where the processor emulates one."""
    monkeypatch.setattr(module, "has_bfloat16", lambda device: True)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The winners to come, last first; each timing takes one away."""
    winners: list[str] = []

    def decide(*_arguments: object, **_settings: object) -> Timing:
        return Timing(winners.pop(), TOOK)

    monkeypatch.setattr(module, "has_tiles", lambda: False)
    monkeypatch.setattr(module, "time_inference", decide)
    return winners


def test_the_fastest_candidate_wins_whichever_it_is():
    for fastest in ("a", "b", "c"):
        clock = Clock()
        took = {name: 1e-3 if name == fastest else 2e-3 for name in "abc"}
        calls = {name: clock.call(seconds) for name, seconds in took.items()}
        timing = time_calls(calls, threads=1, device=CPU, seconds=0.0, clock=clock)
        assert timing.chosen == fastest
        assert timing.seconds == pytest.approx(took)
    calls = {"plain": clock.call(1.0e-3), "other": clock.call(0.98e-3)}
    timing = time_calls(calls, threads=1, device=CPU, seconds=0.0, clock=clock)
    assert timing.chosen == "plain", "within noise"


def test_one_slow_round_decides_nothing():
    clock = Clock()
    calls = {"plain": clock.call(0.02), "other": clock.call(0.01, 0.01, 0.1)}
    timing = time_calls(calls, threads=1, device=CPU, seconds=0.02, clock=clock)
    assert timing.chosen == "other"


def test_timing_leaves_torch_as_it_was():
    before = torch.get_num_threads()
    state = torch.get_rng_state()
    time_inference(SMALL, 64, CPU)
    time_training(SMALL, 512, CPU, threads=1)
    assert torch.get_num_threads() == before
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.usefixtures("two_formats")
def test_what_was_chosen_is_remembered(cache: Path, timed: list[str]):
    timed += ["folded-float32", "folded-bfloat16"]
    first = choose_inference(SMALL, 64, CPU)
    assert first.chosen == "folded-bfloat16"
    assert choose_inference(SMALL, 64, CPU) == first
    assert choose_inference(SMALL, 32, CPU).chosen == "folded-float32", "another batch"
    assert len(list(cache.iterdir())) == 2
    assert not list(cache.glob(".*")), "nothing unfinished is left"


@pytest.mark.usefixtures("two_formats")
@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"\x00\xff", b"[" * 5000, b"[]", b"null", b"x" * 100_000),
        ({"key": {"processor": "another"}}, {"key": {"torch": "1.0"}}),
        ({"chosen": "folded-float16"}, {"chosen": ["folded-float32"]}),
        ({"seconds": {"folded-float32": 1.0}}, {"seconds": {**TOOK, "folded-float32": "fast"}}),
        ({"seconds": {**TOOK, "folded-float32": -1.0}},),
    ],
)
def test_a_file_that_is_damaged_or_another_machine_s_is_written_anew(
    cache: Path, timed: list[str], damage: bytes | tuple[dict[str, Any], ...]
):
    timed += ["folded-bfloat16"]
    choose_inference(SMALL, 64, CPU)
    (file,) = cache.iterdir()
    content = json.loads(file.read_bytes())
    for changes in (damage,) if isinstance(damage, bytes) else damage:
        if isinstance(changes, dict):
            key = {**content["key"], **changes.get("key", {})}
            changes = json.dumps({**content, **changes, "key": key}).encode()
        file.write_bytes(changes)
        timed += ["folded-bfloat16"]
        assert choose_inference(SMALL, 64, CPU).chosen == "folded-bfloat16"
        assert not timed and json.loads(file.read_bytes())["chosen"] == "folded-bfloat16"


@pytest.mark.usefixtures("two_formats", "cache")
def test_a_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, timed: list[str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    unwritable = tmp_path / "file" / "below"
    monkeypatch.setattr("azul_tui.network.compute.cache_folder", lambda: unwritable)
    timed += ["folded-float32", "folded-bfloat16"]
    assert choose_inference(SMALL, 64, CPU).chosen == "folded-bfloat16"
    assert choose_inference(SMALL, 64, CPU).chosen == "folded-float32", "nothing is remembered"


@pytest.mark.usefixtures("two_formats", "cache")
def test_of_those_that_decide_at_once_all_follow_the_first(monkeypatch: pytest.MonkeyPatch):
    both = threading.Barrier(2)
    winners = ["folded-float32", "folded-bfloat16"]

    def decide(*_arguments: object) -> Timing:
        chosen = winners.pop()
        both.wait(timeout=30)
        return Timing(chosen, TOOK)

    monkeypatch.setattr(module, "has_tiles", lambda: False)
    monkeypatch.setattr(module, "time_inference", decide)
    found: list[str] = []
    deciding = [
        threading.Thread(target=lambda: found.append(choose_inference(SMALL, 64, CPU).chosen))
        for _ in range(2)
    ]
    for thread in deciding:
        thread.start()
    for thread in deciding:
        thread.join(timeout=60)
    assert found[0] == found[1] == choose_inference(SMALL, 64, CPU).chosen


@pytest.mark.usefixtures("cache")
def test_a_run_is_told_what_it_computes_with_and_keeps_it():
    config = TrainingConfig()
    compute = resolve_compute(config, SMALL)
    assert compute == resolve_compute(config, SMALL)
    assert compute.summary.startswith("inference: ")
    assert "; training: " in compute.summary
    assert compute.summary.endswith(("with 1 thread", "float32", "bfloat16"))
    assert Compute.from_plain(json.loads(json.dumps(compute.to_plain()))) == compute
    network = create_azul_network("small")
    evaluator = NetworkEvaluator(
        network, 8, compute.device, compute.inference_precision, compute.inference
    )
    assert evaluator.candidate == (compute.inference, compute.inference_precision)


def test_settings_decide_where_they_are_not_auto(cache: Path):
    config = TrainingConfig(inference_precision="bfloat16", training_precision="float32")
    compute = resolve_compute(config, SMALL)
    assert (compute.inference_precision, compute.training_precision) == ("bfloat16", "float32")
    if len(inference_candidates(SMALL, CPU, "bfloat16")) == 1:
        assert not cache.exists(), "nothing was left to choose"


@pytest.mark.usefixtures("cache", "two_formats")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_resumed_run_keeps_what_it_began_with(precision: str):
    before = Compute(
        device="cpu",
        inference="folded",
        inference_precision=precision,
        training_precision=precision,
        threads=3,
        processor="another",
        torch="2.11.0",
    )
    compute = resolve_compute(TrainingConfig(), SMALL, threads=1, remembered=before)
    assert compute.inference_precision == compute.training_precision == precision
    assert compute.threads == 3
    assert compute.torch == torch.__version__
    assert compute.processor != "another"
    assert "as before" in compute.summary
    changed = resolve_compute(
        TrainingConfig(training_precision="float32"), SMALL, remembered=before
    )
    assert changed.training_precision == "float32"
    if not torch.cuda.is_available():
        gone = dataclasses.replace(before, device="cuda:7", inference="graph")
        compute = resolve_compute(TrainingConfig(), SMALL, remembered=gone)
        assert compute.device == "cpu" and compute.inference in ("folded", "vectors", "amx")


@pytest.mark.parametrize(
    "damage",
    [{"threads": 0}, {"threads": "2"}, {"device": ""}, {"torch": None}, {"inference": "x" * 500}],
)
def test_a_damaged_description_is_none(damage: dict[str, object]):
    compute = resolve_compute(TrainingConfig(), SMALL)
    assert Compute.from_plain({**compute.to_plain(), **damage}) is None
    assert Compute.from_plain(None) is None
    assert Compute.from_plain({"device": "cpu"}) is None
