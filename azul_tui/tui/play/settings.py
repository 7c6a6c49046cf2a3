"""Who plays whom, and how strong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from azul_tui.errors import PlayerError
from azul_tui.players.names import parse_player_name

SIMULATIONS: Final = (1, 8, 16, 32, 64, 100, 200, 400, 800, 1_600, 3_200, 6_400)
"""Strengths that + and - go through."""
SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaySettings:
    """Everything that decides a game besides the moves."""

    opponent: str = "pretrained"
    """A scripted player, a run, a checkpoint: whatever evaluate takes."""
    seat: int | None = 0
    """The person's seat; None watches."""
    partner: str = "greedy"
    """Who sits on the first seat while the person watches."""
    players: int = 2
    by_time: bool = False
    """Whether the strength is measured in seconds a move instead of simulations."""
    simulations: int = 100
    seconds: float = 2.0
    seed: int = 1
    notation: str = ""
    """The position to play on from; empty for a new game."""

    @property
    def base(self) -> str:
        """The first position in the words of the engine's protocol."""
        if self.notation:
            return f"{self.notation} seed={self.seed} setup=1"
        return f"new players={self.players} seed={self.seed}"

    def player_at(self, seat: int) -> str | None:
        """Name of the player that the engine plays on `seat`; None for the person's."""
        if self.seat is None:
            return self.partner if seat == 0 else self.opponent
        return None if seat == self.seat else self.opponent

    def engine_players(self) -> tuple[str, ...]:
        """Every player that the engine has to load, each once."""
        return tuple(dict.fromkeys([self.opponent] + ([self.partner] * (self.seat is None))))

    @property
    def strength(self) -> str:
        """The strength in the words of the protocol."""
        return f"seconds={self.seconds:g}" if self.by_time else f"simulations={self.simulations}"

    @property
    def strength_words(self) -> str:
        """The strength for a person."""
        if self.by_time:
            return f"{self.seconds:g} s a move"
        return f"{self.simulations:,} simulation" + ("s" if self.simulations != 1 else "")

    def stronger(self, step: int) -> PlaySettings:
        """The next (1) or previous (-1) strength."""
        if self.by_time:
            return replace(self, seconds=next_step(SECONDS, self.seconds, step))
        return replace(self, simulations=int(next_step(SIMULATIONS, self.simulations, step)))


def next_step(steps: tuple[float, ...] | tuple[int, ...], now: float, step: int) -> float:
    """The neighbour of `now` among ascending `steps`; the ends stay where they are."""
    if step > 0:
        return next((value for value in steps if value > now), steps[-1])
    return next((value for value in reversed(steps) if value < now), steps[0])


def short_name(player: str) -> str:
    """A player's name as it stands on the board: the last two parts of a path."""
    parts = player.removesuffix(".pt").rstrip("/").split("/")
    return "/".join(parts[-2:]).replace("checkpoint_iter_", "")


def is_scripted(player: str) -> bool:
    """Whether `player` follows a rule instead of a network: it has no strength and no value."""
    try:
        parse_player_name(player)
    except PlayerError:
        return False
    return True
