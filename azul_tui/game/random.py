"""Random numbers as data: a stream is one uint64 that the caller holds.

SplitMix64 (Steele, Lea and Flood, 2014): tiny, splittable, the same on every machine. A stream
for any purpose is derived from `(seed, purpose, index)`, so that no result depends on the order
in which things happen to be computed.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.kernel import Uint64Array, integer, lean_kernel

REFILL: Final = 1
GAME: Final = 2
SEARCH: Final = 3
PLAYER: Final = 4
PLAYOUT: Final = 5

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_S30: Final = np.uint64(30)
_S27: Final = np.uint64(27)
_S31: Final = np.uint64(31)
_S32: Final = np.uint64(32)
_S11: Final = np.uint64(11)
_S41: Final = np.uint64(41)
_HALF: Final = np.float32(0.5)
_UNIT_SINGLE: Final = np.float32(1.0 / (1 << 23))
_UNIT: Final = 1.0 / (1 << 53)


@lean_kernel
def mix(value: np.uint64) -> np.uint64:
    """Bits of `value` scattered: SplitMix64's finaliser, a bijection."""
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)


@lean_kernel
def derive(seed: np.uint64, purpose: int, index: int) -> np.uint64:
    """Start of the stream for `(seed, purpose, index)`."""
    first = mix(np.uint64(seed) + _GOLDEN)
    second = mix(first ^ (np.uint64(purpose) * _MIX_1 + _GOLDEN))
    return mix(second ^ (np.uint64(index) * _GOLDEN + _MIX_2))


@lean_kernel
def next_bits(stream: Uint64Array) -> np.uint64:
    """64 random bits; advances `stream`, an array of one uint64."""
    stream[0] += _GOLDEN
    return mix(stream[0])


@lean_kernel
def next_below(stream: Uint64Array, bound: int) -> int:
    """Uniform integer in [0, bound) for bound < 2^31; off by less than bound / 2^32."""
    return integer(((next_bits(stream) >> _S32) * np.uint64(bound)) >> _S32)


@lean_kernel
def next_unit(stream: Uint64Array) -> float:
    """Uniform float in (0, 1)."""
    return (np.float64(next_bits(stream) >> _S11) + 0.5) * _UNIT


@lean_kernel
def next_unit_single(stream: Uint64Array) -> np.float32:
    """Uniform single-precision float in (0, 1): one of 2^23, none of them 0 or 1."""
    return (np.float32(next_bits(stream) >> _S41) + _HALF) * _UNIT_SINGLE
