"""Themes: Textual's and one of ours, dark and light; the colours of tiles and curves.

The first start follows the terminal's own background; what a person chooses is kept.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from contextlib import suppress
from pathlib import Path

from textual.theme import Theme

AZUL_DARK = Theme(
    name="azul-dark", dark=True, primary="#8fb8e8", secondary="#5eb0ff", accent="#f0b83d",
    warning="#f0b83d", error="#ff7b72", success="#62c98f", foreground="#d3d9e0",
    background="#10151b", surface="#151c24", panel="#1f2935",
)  # fmt: skip
AZUL_LIGHT = Theme(
    name="azul-light", dark=False, primary="#1d5fae", secondary="#2f77c9", accent="#a86a00",
    warning="#a86a00", error="#c0262d", success="#1f7a48", foreground="#1d2733",
    background="#f6f3ec", surface="#fbf9f5", panel="#e8e3d8",
)  # fmt: skip

SERIES = {
    True: ("#5eb0ff", "#f0b83d", "#5fd39a", "#dd8cf0", "#ff8f80", "#7fdbe6"),
    False: ("#1463b8", "#a86a00", "#1f8a55", "#9338b0", "#c63d2b", "#14808c"),
}
"""Colours of curves, on dark and on light."""
_TILES = {
    "blue": ("#2f6fd0", "#ffffff"),
    "yellow": ("#f2c230", "#2b2100"),
    "red": ("#cf3b3b", "#ffffff"),
    "black": ("#3c4650", "#f0f0f0"),
    "white": ("#dff1f2", "#21505a"),
    "marker": ("#c9a86a", "#10151b"),
}
"""Ground and letter: a tile has the same colour in every theme."""


def variables(*, dark: bool) -> dict[str, str]:
    """Variables of the stylesheet that every theme gets besides its own."""
    found = {f"series-{index}": color for index, color in enumerate(SERIES[dark])}
    found["ink"] = "#ffffff" if dark else "#000000"
    for name, (ground, letter) in _TILES.items():
        found |= {f"tile-{name}": ground, f"tile-{name}-letter": letter}
    return found


def _theme_file() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "azul-tui" / "theme"


def kept_theme() -> str:
    """The theme chosen before; empty when none was."""
    # RuntimeError: there is no home; ValueError: the file is not ours.
    with suppress(OSError, RuntimeError, ValueError):
        return _theme_file().read_text(encoding="utf-8")[:80].strip()
    return ""


def keep_theme(name: str) -> None:
    """Remember the theme for the next start; a home that cannot be written is no news."""
    with suppress(OSError, RuntimeError):
        file = _theme_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name}\n", encoding="utf-8")


def first_theme(wait_s: float = 0.15) -> str:
    """The theme of a first start: light on a terminal that says so, dark when it says nothing.

    Asks by OSC 11 (xterm, "Operating System Commands") and for the terminal's name after it,
    which every terminal answers, so that one which does not know colours costs no wait.
    """
    hint = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    if hint.isdigit():
        return AZUL_LIGHT.name if int(hint) in {7, 15} else AZUL_DARK.name
    answer = b""
    with suppress(OSError, ValueError, ImportError):  # no terminal: dark
        answer = _ask_terminal(b"\x1b]11;?\x1b\\\x1b[c", wait_s)
    found = re.search(rb"\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)", answer)
    parts = found.groups() if found else (b"0", b"0", b"0")
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5
    return AZUL_LIGHT.name if light else AZUL_DARK.name


def _ask_terminal(question: bytes, wait_s: float) -> bytes:
    """What the terminal answers within `wait_s`, up to the end of its name."""
    import termios
    import tty

    handle = sys.stdin.fileno()
    answer = b""
    if not (os.isatty(handle) and os.isatty(sys.stdout.fileno())):
        return answer
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle, termios.TCSANOW)
        os.write(sys.stdout.fileno(), question)
        end = time.monotonic() + wait_s
        while not re.search(rb"\x1b\[\?[0-9;]*c", answer):
            if not select.select([handle], [], [], max(0.0, end - time.monotonic()))[0]:
                break
            answer += os.read(handle, 256)
    finally:
        termios.tcsetattr(handle, termios.TCSANOW, before)
    return answer
