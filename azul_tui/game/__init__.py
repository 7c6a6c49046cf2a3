"""The rules of Azul: pure, compiled, and ignorant of search and learning.

`GameState` is one game behind checked methods; `notation` writes and reads positions and moves
without the compiler; `rules` and its neighbours are kernels over bare arrays. The names below
are looked up when they are first used, so that importing a pure part stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azul_tui.game.notation import (
        describe_move,
        draw_position,
        format_move,
        format_position,
        parse_move,
        parse_position,
    )
    from azul_tui.game.state import GameState
    from azul_tui.game.view import PositionView, view_position

__all__ = [
    "GameState",
    "PositionView",
    "describe_move",
    "draw_position",
    "format_move",
    "format_position",
    "parse_move",
    "parse_position",
    "view_position",
]

_HOME = {"GameState": "state", "PositionView": "view", "view_position": "view"}


def __getattr__(name: str) -> Any:
    """Import a public name from its module, the first time it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOME.get(name, "notation")
    value = getattr(importlib.import_module(f"azul_tui.game.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, those not yet imported included."""
    return sorted(__all__)
