"""A number for a position, for tables of positions met before."""

from __future__ import annotations

import numpy as np

from azul_tui.game.kernel import Int8Array, kernel
from azul_tui.game.random import mix


@kernel
def position_key(state: Int8Array) -> np.uint64:
    """64-bit hash of every byte of a position."""
    words = state.view(np.uint64)
    key = np.uint64(0)
    for index in range(words.shape[0]):
        key = mix(key ^ words[index])
    return key
