"""A number for a position, for tables of positions met before."""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.kernel import Int8Array, lean_kernel
from azul_tui.game.random import mix

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


@lean_kernel
def position_key(state: Int8Array) -> np.uint64:
    """64-bit hash of every byte of a position: scattered words, each with its place, added up."""
    words = state.view(np.uint64)
    key = np.uint64(0)
    place = np.uint64(0)
    for index in range(words.shape[0]):
        place += _ODD
        key += mix(words[index] ^ place)
    return mix(key)
