"""Five small counts in one number, a byte each, lowest first: one operation does five.

The five are the colours of a source. Counts stay in [0, 127], so that no sum spills into the next
byte.
"""

from __future__ import annotations

from typing import Final

from azul_tui.game.constants import COLOR_COUNT
from azul_tui.game.kernel import Int8Array, lean_kernel, small, unsigned

ONES: Final = 0x0101010101
"""One in each of the five."""
_HIGHEST: Final = 0x7F7F7F7F7F


@lean_kernel
def read_five(values: Int8Array, at: int) -> int:
    """The five counts from byte `at` on."""
    five = 0
    for place in range(COLOR_COUNT):
        five |= small(values[unsigned(at + place)]) << (8 * place)
    return five


@lean_kernel
def present(five: int) -> int:
    """1 for each count that is not 0."""
    return (five + _HIGHEST) >> 7 & ONES


@lean_kernel
def sum_of_five(five: int) -> int:
    """The sum of the five, if it is below 256."""
    return (five * ONES) >> 32 & 255
