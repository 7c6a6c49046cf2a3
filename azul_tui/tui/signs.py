"""The characters that drawings are made of, in Unicode and in plain ASCII."""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """One set of characters; every member is one cell wide unless it says otherwise."""

    ascii: bool
    horizontal: str
    vertical: str
    corners: str
    """Top left, top right, bottom left, bottom right."""
    tee_left: str
    tee_right: str
    bar_full: str
    bar_half: str
    bar_empty: str
    running: str
    paused: str
    finished: str
    crashed: str
    stopped: str
    alert: str
    empty_cell: str
    pointer: str
    best: str
    shipped: str
    mark: str
    up: str
    down: str
    above: str
    """There is more that way."""
    below: str
    plus_minus: str
    ellipsis: str
    point: str
    error_bar: str
    dash: str
    times: str
    thin: str
    """What separates thousands."""
    mark_checkpoint: str
    mark_setting: str
    tick: str
    block: str
    middle: str
    """A separator between words."""
    last: str
    """What marks the place of the last move."""


UNICODE = Signs(
    ascii=False,
    horizontal="─",
    vertical="│",
    corners="┌┐└┘",
    tee_left="├",
    tee_right="┤",
    bar_full="━",
    bar_half="╸",
    bar_empty="─",
    running="●",
    paused="‖",
    finished="✓",
    crashed="✗",
    stopped="■",
    alert="!",
    empty_cell="·",
    pointer="▸",
    best="★",
    shipped="◆",
    mark="✓",
    up="▲",
    down="▼",
    above="↑",
    below="↓",
    plus_minus="±",
    ellipsis="…",
    point="●",
    error_bar="│",
    dash="╌",
    times="×",
    thin=",",
    mark_checkpoint="▴",
    mark_setting="◆",
    tick="┴",
    block="█",
    middle="·",
    last="◂",
)

ASCII = Signs(
    ascii=True,
    horizontal="-",
    vertical="|",
    corners="++++",
    tee_left="+",
    tee_right="+",
    bar_full="=",
    bar_half=">",
    bar_empty="-",
    running="*",
    paused="=",
    finished="+",
    crashed="x",
    stopped="#",
    alert="!",
    empty_cell=".",
    pointer=">",
    best="*",
    shipped="#",
    mark="+",
    up="^",
    down="v",
    above="^",
    below="v",
    plus_minus="+-",
    ellipsis="..",
    point="o",
    error_bar="|",
    dash="-",
    times="x",
    thin=",",
    mark_checkpoint="^",
    mark_setting="#",
    tick="+",
    block="#",
    middle="-",
    last="<",
)


def locale_has_unicode(environment: dict[str, str] | None = None) -> bool:
    """Whether the locale of `environment` (default: the process) can show Unicode."""
    values = dict(os.environ) if environment is None else environment
    for key in ("LC_ALL", "LC_CTYPE", "LANG"):
        if values.get(key):
            name = values[key].upper().replace("-", "")
            if "UTF8" in name:
                return True
            if name in {"C", "POSIX"}:
                # Python coerces the C locale to UTF-8 (PEP 538); the terminal may not follow.
                return False
            return False
    return environment is None and locale.getpreferredencoding(False).upper().startswith("UTF")


def choose_signs(*, ascii_only: bool) -> Signs:
    """ASCII when asked for, otherwise Unicode."""
    return ASCII if ascii_only else UNICODE
