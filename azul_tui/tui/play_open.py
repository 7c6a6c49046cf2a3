"""The ways into the Play place from elsewhere: a checkpoint to play against, a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from azul_tui.tui.app import AzulApp


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRequest:
    """What the Play place is asked to begin with."""

    opponent: str = ""
    """A player as `evaluate` takes it; empty keeps the one that is chosen."""
    notation: str = ""
    """A position on one line, to play on from; empty for a new game."""
    seed: int = 0
    """Decides what is dealt; 0 draws a new one."""
    start: bool = False
    """Begin at once instead of showing the setup."""


class PlayAsked(Message):
    """The Play place is shown already and has a request to look at."""


def open_play(
    app: AzulApp, *, opponent: str = "", notation: str = "", seed: int = 0, start: bool = False
) -> None:
    """Go to the Play place with an opponent, a position or both.

    A game that is on stays until the person starts the other one, unless `start` is set.
    """
    app.play_request = PlayRequest(opponent=opponent, notation=notation, seed=seed, start=start)
    if app.current_mode == "play":
        app.screen.post_message(PlayAsked())
    else:
        app.action_go("play")  # which looks for requests when it comes back
