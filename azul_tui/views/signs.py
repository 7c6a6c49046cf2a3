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
    """One set of characters, each one cell wide."""

    ascii: bool
    horizontal: str
    vertical: str
    corner: str
    """Bottom left."""
    tee: str
    """A tick of the y axis."""
    tick: str
    """A tick of the x axis."""
    bar_full: str
    bar_half: str
    bar_empty: str
    running: str
    paused: str
    finished: str
    crashed: str
    stopped: str
    empty_cell: str
    pointer: str
    best: str
    shipped: str
    point: str
    error_bar: str
    dash: str
    mark_checkpoint: str
    mark_setting: str
    last_move: str
    separator: str

    def of_state(self, state: str) -> str:
        """The sign before a run's state."""
        return {
            "running": self.running,
            "paused": self.paused,
            "finished": self.finished,
            "crashed": self.crashed,
            "stopped": self.stopped,
        }.get(state, self.empty_cell)


UNICODE = Signs(
    ascii=False,
    horizontal="─",
    vertical="│",
    corner="└",
    tee="┤",
    tick="┴",
    bar_full="━",
    bar_half="╸",
    bar_empty="─",
    running="●",
    paused="‖",
    finished="✓",
    crashed="✗",
    stopped="■",
    empty_cell="·",
    pointer="▸",
    best="★",
    shipped="◆",
    point="●",
    error_bar="│",
    dash="╌",
    mark_checkpoint="▴",
    mark_setting="◆",
    last_move="◂",
    separator="·",
)

ASCII = Signs(
    ascii=True,
    horizontal="-",
    vertical="|",
    corner="+",
    tee="+",
    tick="+",
    bar_full="=",
    bar_half=">",
    bar_empty="-",
    running="*",
    paused="=",
    finished="+",
    crashed="x",
    stopped="#",
    empty_cell=".",
    pointer=">",
    best="*",
    shipped="#",
    point="o",
    error_bar="|",
    dash="-",
    mark_checkpoint="^",
    mark_setting="#",
    last_move="<",
    separator="-",
)


def locale_has_unicode(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the locale of `environment` (default: the process) can show Unicode.

    Python coerces the C locale to UTF-8 (PEP 538); the terminal may not follow.
    """
    values = os.environ if environment is None else environment
    for key in ("LC_ALL", "LC_CTYPE", "LANG"):
        if values.get(key):
            return "UTF8" in values[key].upper().replace("-", "")
    return environment is None and locale.getpreferredencoding(False).upper().startswith("UTF")


def bar(share: float | None, width: int, signs: Signs) -> tuple[str, str]:
    """The filled and the empty part of a bar of `width` cells; all empty for None."""
    halves = round((min(max(share, 0.0), 1.0) if share is not None else 0.0) * width * 2)
    full = signs.bar_full * (halves // 2) + (signs.bar_half if halves % 2 else "")
    return full[:width], signs.bar_empty * max(0, width - len(full))
