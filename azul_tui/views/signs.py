"""The characters beyond letters that screens are made of, in Unicode and in plain ASCII."""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Signs:
    """One set of characters, each one cell wide; as declared, the one in Unicode."""

    ascii: bool = False
    horizontal: str = "─"
    vertical: str = "│"
    corner: str = "└"  # bottom left
    tee: str = "┤"  # a tick of the y axis
    tick: str = "┴"  # a tick of the x axis
    bar_full: str = "━"
    bar_half: str = "╸"
    bar_empty: str = "─"
    running: str = "●"
    paused: str = "‖"
    finished: str = "✓"
    crashed: str = "✗"
    stopped: str = "■"
    empty_cell: str = "·"
    pointer: str = "▸"
    best: str = "★"
    shipped: str = "◆"
    point: str = "●"
    error_bar: str = "│"
    dash: str = "╌"
    mark_checkpoint: str = "▴"
    mark_setting: str = "◆"
    separator: str = "·"

    def of_state(self, state: str) -> str:
        """The sign before a run's state."""
        known = state in {"running", "paused", "finished", "crashed", "stopped"}
        return getattr(self, state) if known else self.empty_cell


UNICODE = Signs()
ASCII = Signs(
    ascii=True, horizontal="-", vertical="|", corner="+", tee="+", tick="+",
    bar_full="=", bar_half=">", bar_empty="-",
    running="*", paused="=", finished="+", crashed="x", stopped="#",
    empty_cell=".", pointer=">", best="*", shipped="#", point="o", error_bar="|", dash="-",
    mark_checkpoint="^", mark_setting="#", separator="-",
)  # fmt: skip


def signs_here(environment: Mapping[str, str] = os.environ) -> Signs:
    """ASCII where it is asked for, or where the locale can show nothing else.

    Python coerces the C locale to UTF-8 (PEP 538); the terminal may not follow.
    """
    locales = (environment.get(key) for key in ("LC_ALL", "LC_CTYPE", "LANG"))
    named = next(filter(None, locales), None) or locale.getpreferredencoding(False)
    has_unicode = "UTF8" in named.upper().replace("-", "")
    return UNICODE if has_unicode and not environment.get("AZUL_TUI_ASCII") else ASCII


def bar(share: float | None, width: int, signs: Signs) -> tuple[str, str]:
    """The filled and the empty part of a bar of `width` cells; all empty for None."""
    halves = round(min(max(share or 0.0, 0.0), 1.0) * width * 2)
    full = signs.bar_full * (halves // 2) + (signs.bar_half if halves % 2 else "")
    return full[:width], signs.bar_empty * max(0, width - len(full))
