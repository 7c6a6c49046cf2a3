"""The ways into the Play place from elsewhere: a checkpoint to play against, a position."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.message import Message

from azul_tui.game.notation import parse_position

if TYPE_CHECKING:
    from azul_tui.tui.app import AzulApp
    from azul_tui.tui.play.settings import PlaySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRequest:
    """What the Play place is asked to begin with."""

    opponent: str = ""
    """A player as `evaluate` takes it; empty keeps the one that is chosen."""
    notation: str = ""
    """A position on one line, to play on from; empty for a new game."""
    seed: int = 0
    """Decides what is dealt; 0 draws a new one."""
    simulations: int = 0
    """Strength of a network; 0 keeps the one that is chosen."""
    seat: int | None = None
    """The person's seat, from 0; None keeps the one that is chosen."""
    players: int = 0
    """Seats at the table; 0 keeps them. A position brings its own."""
    start: bool = False
    """Begin at once instead of showing the setup."""

    def applied_to(self, settings: PlaySettings) -> PlaySettings:
        """`settings` with what is asked for.

        Raises:
            NotationError: The position is none.
        """
        players = self.players or settings.players
        if self.notation:
            players = parse_position(self.notation).players
        seat = settings.seat if self.seat is None else self.seat
        return replace(
            settings,
            opponent=self.opponent or settings.opponent,
            notation=self.notation,
            seed=self.seed or settings.seed,
            simulations=self.simulations or settings.simulations,
            by_time=settings.by_time and not self.simulations,
            players=players,
            seat=None if seat is None else min(seat, players - 1),
        )


class PlayAsked(Message):
    """The Play place is shown already and has a request to look at."""


def open_play(
    app: AzulApp,
    *,
    opponent: str = "",
    notation: str = "",
    seed: int = 0,
    simulations: int = 0,
    seat: int | None = None,
    players: int = 0,
    start: bool = False,
) -> None:
    """Go to the Play place with an opponent, a position or both (see `PlayRequest`).

    A game that is on stays until the person deals, unless the request begins at once.
    """
    app.play_request = PlayRequest(
        opponent=opponent,
        notation=notation,
        seed=seed,
        simulations=simulations,
        seat=seat,
        players=players,
        start=start,
    )
    if app.current_mode == "play":
        app.screen.post_message(PlayAsked())
    else:
        app.action_go("play")  # which looks for requests when it comes back
