"""Roles of text and the styles they have: the one place that knows colours.

Three palettes: full colour (which the terminal library reduces to 256 when it must),
16 colours by their names, and none, where weight, dimness and letters carry the meaning.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from rich.style import Style

Depth = Literal["full", "16", "none"]

BACKGROUND = "#10151b"
FOREGROUND = "#d3d9e0"

_FULL: dict[str, str] = {
    "": FOREGROUND,
    "strong": "bold #f2f5f8",
    "quiet": "#7c8894",
    "frame": "#3a4652",
    "frame.focus": "#6f8aa6",
    "axis": "#65717d",
    "title": "bold #aebdcc",
    "level": "#65717d",
    "cursor": "#e6edf3",
    "key": "bold #8fb8e8",
    "place": "#8996a3",
    "place.here": "bold #10151b on #8fb8e8",
    "chosen": "bold #f2f5f8 on #24405c",
    "chosen.quiet": "#b9c7d4 on #24405c",
    "good": "#62c98f",
    "warning": "#f0b83d",
    "alert": "bold #ff7b72",
    "alert.block": "bold #ffffff on #a8323a",
    "bar.full": "#8fb8e8",
    "bar.empty": "#303b46",
    "field": "#f2f5f8 on #1f2935",
    "caret": "#10151b on #d3d9e0",
    "notice": "#d3d9e0 on #24405c",
    "notice.warning": "bold #2b2100 on #f0b83d",
    "notice.error": "bold #ffffff on #a8323a",
    "mark": "#8fb8e8",
    "mark.setting": "#f0b83d",
    "changed": "bold #f0b83d",
    "series.0": "bold #5eb0ff",
    "series.1": "#f0b83d",
    "series.2": "#5fd39a",
    "series.3": "#dd8cf0",
    "series.4": "#ff8f80",
    "series.5": "#7fdbe6",
    "band.0": "#234463",
    "band.1": "#55451f",
    "band.2": "#24503b",
    "band.3": "#523659",
    "band.4": "#5b3834",
    "band.5": "#2f5156",
    "tile.B": "bold #ffffff on #2f6fd0",
    "tile.Y": "bold #2b2100 on #f2c230",
    "tile.R": "bold #ffffff on #cf3b3b",
    "tile.K": "bold #e8e8e8 on #3c4650",
    "tile.W": "bold #21505a on #dff1f2",
    "tile.1": "bold #10151b on #c9a86a",
    "wall.B": "#3f6fb5",
    "wall.Y": "#93803a",
    "wall.R": "#a04a4a",
    "wall.K": "#6a747e",
    "wall.W": "#86a5aa",
    "wall.B.ground": "#4a74b0 on #151f2f",
    "wall.Y.ground": "#8a7a3c on #231f10",
    "wall.R.ground": "#9a5050 on #281719",
    "wall.K.ground": "#656f79 on #1a1f25",
    "wall.W.ground": "#7f9a9e on #1b2728",
    "slot": "#7c8894",
    "slot.ground": "#3a4652 on #181f27",
    "faint.B": "#6f93c4 on #1b2b44",
    "faint.Y": "#a8985c on #332d17",
    "faint.R": "#b06a6a on #3a2020",
    "faint.K": "#7d868f on #22282e",
    "faint.W": "#8fa5a8 on #2a3536",
    "ghost.B": "bold #9cc4ff on #23426b",
    "ghost.Y": "bold #ffe08a on #594a1a",
    "ghost.R": "bold #ffb0a8 on #6a2828",
    "ghost.K": "bold #c0c8d0 on #2b333b",
    "ghost.W": "bold #e8f6f7 on #4b6264",
    "player.now": "bold #8fb8e8",
}

_SIXTEEN: dict[str, str] = {
    "": "default",
    "strong": "bold",
    "quiet": "bright_black",
    "frame": "bright_black",
    "frame.focus": "default",
    "axis": "bright_black",
    "title": "bold",
    "level": "bright_black",
    "cursor": "default",
    "key": "bold bright_blue",
    "place": "default",
    "place.here": "reverse bold",
    "chosen": "reverse bold",
    "chosen.quiet": "reverse",
    "good": "green",
    "warning": "yellow",
    "alert": "bold bright_red",
    "alert.block": "bold reverse red",
    "bar.full": "bright_blue",
    "bar.empty": "bright_black",
    "field": "underline",
    "caret": "reverse",
    "notice": "reverse",
    "notice.warning": "reverse bold yellow",
    "notice.error": "bold reverse red",
    "mark": "bright_blue",
    "mark.setting": "yellow",
    "changed": "bold yellow",
    "series.0": "bold bright_blue",
    "series.1": "bright_yellow",
    "series.2": "bright_green",
    "series.3": "bright_magenta",
    "series.4": "bright_red",
    "series.5": "bright_cyan",
    "band.0": "dim blue",
    "band.1": "dim yellow",
    "band.2": "dim green",
    "band.3": "dim magenta",
    "band.4": "dim red",
    "band.5": "dim cyan",
    "tile.B": "bold bright_white on blue",
    "tile.Y": "bold black on yellow",
    "tile.R": "bold bright_white on red",
    "tile.K": "bold bright_white on bright_black",
    "tile.W": "bold black on white",
    "tile.1": "reverse bold",
    "wall.B": "blue",
    "wall.Y": "yellow",
    "wall.R": "red",
    "wall.K": "bright_black",
    "wall.W": "white",
    "slot": "bright_black",
    "faint.B": "blue",
    "faint.Y": "yellow",
    "faint.R": "red",
    "faint.K": "bright_black",
    "faint.W": "white",
    "ghost.B": "bold bright_blue",
    "ghost.Y": "bold bright_yellow",
    "ghost.R": "bold bright_red",
    "ghost.K": "bold",
    "ghost.W": "bold bright_white",
    "player.now": "bold bright_blue",
}

_NONE: dict[str, str] = {
    "strong": "bold",
    "quiet": "dim",
    "frame": "dim",
    "axis": "dim",
    "title": "bold",
    "level": "dim",
    "key": "bold",
    "place.here": "reverse",
    "chosen": "reverse",
    "chosen.quiet": "reverse",
    "alert": "bold",
    "alert.block": "reverse bold",
    "field": "underline",
    "caret": "reverse",
    "notice": "reverse",
    "notice.warning": "reverse bold",
    "notice.error": "reverse bold",
    "changed": "bold",
    "bar.empty": "dim",
    "series.0": "bold",
    "tile.B": "bold",
    "tile.Y": "bold",
    "tile.R": "bold",
    "tile.K": "bold",
    "tile.W": "bold",
    "tile.1": "bold",
    "player.now": "bold",
}


@lru_cache(maxsize=1024)
def role_style(role: str, depth: Depth) -> Style:
    """The style of `role`; an unknown role looks like plain text.

    `block.ROLE` writes in the colour of the ground of ROLE: half blocks that end its square.
    A role without a ground has an outline in its own colour instead.
    """
    if role.startswith("block."):
        inner = role_style(role.removeprefix("block."), depth)
        ground = BACKGROUND if depth == "full" else None
        return Style(color=inner.bgcolor or inner.color, bgcolor=ground)
    if depth == "none":
        words = _NONE.get(role)
        if words is None:
            words = "dim" if role.startswith(("band.", "wall.", "faint.", "slot")) else ""
        return Style.parse(words) if words else Style.null()
    words = (_FULL if depth == "full" else _SIXTEEN).get(role)
    if words is None:
        words = (_FULL if depth == "full" else _SIXTEEN)[""]
    style = Style.parse(words)
    if depth == "full" and style.bgcolor is None:
        style += Style(bgcolor=BACKGROUND)
    return style


def depth_of(color_system: str | None, *, no_color: bool) -> Depth:
    """The palette for a terminal with rich's `color_system` name."""
    if no_color or color_system is None:
        return "none"
    return "16" if color_system in {"standard", "windows"} else "full"
