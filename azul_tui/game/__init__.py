"""The rules of Azul: pure, compiled, and ignorant of search and learning.

`GameState` is one game behind checked methods, imported when it is first used, so that importing
a pure part stays cheap; `notation` writes and reads positions and moves without the compiler;
`rules` and its neighbours are kernels over bare arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azul_tui.game.state import GameState

__all__ = ["GameState"]


def __getattr__(name: str) -> Any:
    """Import `GameState` the first time it is asked for."""
    if name != "GameState":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from azul_tui.game.state import GameState

    return GameState
