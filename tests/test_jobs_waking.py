"""A player whose kernels are compiled is explained; one that only loads them is not mentioned."""

from types import SimpleNamespace

import numba
import numpy as np
import pytest

from azul_tui.jobs import waking


@pytest.mark.parametrize("compiles", [True, False])
def test_only_compiling_is_told(compiles: bool) -> None:
    told: list[str] = []

    def choose(states: np.ndarray, seeds: np.ndarray, deterministic: bool) -> np.ndarray:
        assert states.shape[0] == seeds.shape[0] == 1
        assert deterministic
        if compiles:
            numba.njit(lambda: 1)()
            numba.njit(lambda: 2)()
        return np.zeros(1, np.int32)

    context = SimpleNamespace(reporter=SimpleNamespace(say=told.append))
    waking.wake_player(context, SimpleNamespace(name="planner", choose=choose), 2)
    assert told == (["compiling planner, only the first time"] if compiles else [])
