"""A player that compiles for long is explained; a quick one is not mentioned."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from azul_tui.jobs import waking


def _wake(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(waking, "PATIENCE_S", 0.05)

    def choose(states: np.ndarray, seeds: np.ndarray, deterministic: bool) -> np.ndarray:
        assert states.shape[0] == seeds.shape[0] == 1
        assert deterministic
        until = time.monotonic() + 20.0
        while seconds and not told and time.monotonic() < until:
            time.sleep(seconds)
        return np.zeros(1, np.int32)

    context = SimpleNamespace(reporter=SimpleNamespace(say=told.append))
    waking.wake_player(context, SimpleNamespace(name="planner", choose=choose), 2)
    if not seconds:
        time.sleep(0.2)
    return told


def test_a_long_wait_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _wake(monkeypatch, 0.01) == ["compiling planner, only the first time"]


def test_a_quick_player_is_not_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _wake(monkeypatch, 0.0) == []
