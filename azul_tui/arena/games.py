"""Many games in lockstep: every game makes one move, then every game makes the next.

Shapes: G games, P seats, S bytes of a position, N the games in which one player is to move.
A game is decided by its deal seed (the refills), its decision seed (the ties that its players
break) and its players; never by the games beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from azul_tui.errors import PlayerError
from azul_tui.game.constants import (
    AFTERSTATE,
    MOVING,
    OVER,
    PHASE,
    ROUND,
    TABLE_TILES,
    TO_MOVE,
    state_size,
)
from azul_tui.game.kernel import Int8Array, Int32Array, Int64Array, Uint64Array, integer, kernel
from azul_tui.game.random import PLAYER, derive
from azul_tui.game.rules import (
    apply_canonical,
    clear_game,
    complete_rows,
    is_legal,
    refill_canonical,
    score_of,
    winner_mask,
)

if TYPE_CHECKING:
    from azul_tui.players.registry import Player

ProgressReport = Callable[[float, int], None]
"""Called with games done (a game under way counts as a part of one) and games in all."""
EndedReport = Callable[[npt.NDArray[np.float64]], None]
"""Called with the win shares `(N,)` of player 0 in the games that have ended so far."""
StopRequest = Callable[[], bool]
"""Whether to stop playing; asked once a move."""

_USUAL_ROUNDS: Final = 5
_LONG_GAME: Final = 30
"""Moves a game kept at first for each seat; room is added when a game turns out longer."""


@dataclass(frozen=True, kw_only=True)
class GameResults:
    """What happened in G games. A game that was not finished has `finished` False."""

    players: tuple[str, ...]
    """Names of the players that `seating` counts."""
    seating: Int64Array
    """`(G, P)`: which player sat on each seat."""
    deals: Uint64Array
    """`(G,)`: deal seed of each game; games with the same deal share a bag."""
    finished: npt.NDArray[np.bool_]
    """`(G,)`."""
    scores: Int64Array
    """`(G, P)` points of each seat."""
    shares: npt.NDArray[np.float64]
    """`(G, P)`: 1 for a winner, 1/n for each of n winners, 0 for the others."""
    ranks: npt.NDArray[np.float64]
    """`(G, P)`: 1 for the first place; seats level in points and complete rows share theirs."""
    moves: Int64Array
    """`(G,)` moves made."""
    actions: npt.NDArray[np.int16]
    """`(G, M)` actions in canonical factory order, -1 behind the last one."""
    seconds: npt.NDArray[np.float64]
    """`(number of players,)`: time each spent choosing."""
    decisions: Int64Array
    """`(number of players,)`: moves each chose."""


@kernel
def _refill(states: Int8Array, deals: Uint64Array) -> None:
    """Deal the next round, the first of a cleared game too, wherever one has ended."""
    stream = np.zeros(1, np.uint64)
    for game in range(states.shape[0]):
        if states[game, PHASE] == AFTERSTATE:
            refill_canonical(states[game], deals[game], stream)


@kernel
def _decision_seeds(
    games: Int64Array, streams: Uint64Array, moves: Int64Array, seeds: Uint64Array
) -> None:
    """Write the seed of the next decision in each of `games` `(N,)` into `seeds` `(N,)`."""
    for index in range(games.shape[0]):
        game = integer(games[index])
        seeds[index] = derive(streams[game], PLAYER, integer(moves[game]))


@kernel
def _make_moves(
    states: Int8Array, games: Int64Array, actions: Int32Array, deals: Uint64Array
) -> int:
    """Apply `actions` `(N,)` in `games` `(N,)`, refilling where a round has ended.

    Returns the index of the first illegal action, before which all were applied, or -1.
    """
    stream = np.zeros(1, np.uint64)
    for index in range(games.shape[0]):
        game = integer(games[index])
        state = states[game]
        action = integer(actions[index])
        if not is_legal(state, action):
            return index
        apply_canonical(state, action)
        if state[PHASE] == AFTERSTATE:
            refill_canonical(state, deals[game], stream)
    return -1


@kernel
def _read_scores(
    states: Int8Array,
    seats: int,
) -> tuple[Int64Array, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Points, win share and rank, each `(G, P)`, of every seat of `states` `(G, S)`."""
    scores = np.zeros((states.shape[0], seats), np.int64)
    shares = np.zeros((states.shape[0], seats))
    ranks = np.zeros((states.shape[0], seats))
    order = np.empty(seats, np.int64)
    for game in range(states.shape[0]):
        state = states[game]
        mask = winner_mask(state)
        winners = 0
        for seat in range(seats):
            winners += mask >> seat & 1
            scores[game, seat] = score_of(state, seat)
            order[seat] = score_of(state, seat) * 8 + complete_rows(state, seat)
        for seat in range(seats):
            shares[game, seat] = (mask >> seat & 1) / winners
            ranks[game, seat] = 0.5
            for other in range(seats):
                if order[other] > order[seat]:
                    ranks[game, seat] += 1.0
                elif order[other] == order[seat]:
                    ranks[game, seat] += 0.5
    return scores, shares, ranks


def _games_done(states: Int8Array, seats: int) -> float:
    """Games finished, each one under way counted by the tiles it has used of five rounds."""
    full = 8 * seats + 4
    left = states[:, TABLE_TILES].astype(np.float64) / full
    part = np.clip((states[:, ROUND] - left) / _USUAL_ROUNDS, 0.0, 0.95)
    return float(np.where(states[:, PHASE] == OVER, 1.0, part).sum())


def play_games(
    players: Sequence[Player],
    seating: Int64Array,
    deals: Uint64Array,
    streams: Uint64Array,
    *,
    deterministic: bool = True,
    on_progress: ProgressReport | None = None,
    on_ended: EndedReport | None = None,
    stop: StopRequest | None = None,
    starts: Int8Array | None = None,
) -> GameResults:
    """Play G games at once, to their end or until `stop` answers True.

    Args:
        players: Who plays; a player is asked once a move for all games in which it is to move.
        seating: `(G, P)`: index in `players` of who sits on each seat.
        deals: `(G,)` seeds of the refills.
        streams: `(G,)` seeds of the decisions.
        deterministic: No noise, ties by the lowest action index.
        on_progress: Called after every move.
        on_ended: Called after every move with which a game ended.
        stop: Asked before every move.
        starts: `(G, S)` canonical positions, afterstates too, to go on from instead of a deal.

    Raises:
        PlayerError: A player chose a move that the rules do not allow.
    """
    games, seats = seating.shape
    if starts is None:
        cleared = np.zeros(state_size(seats), np.int8)
        clear_game(cleared, seats)
        starts = np.tile(cleared, (games, 1))
    states = starts.copy()
    _refill(states, deals)
    moves = np.zeros(games, np.int64)
    actions = np.full((games, _LONG_GAME * seats), -1, np.int16)
    seconds = np.zeros(len(players))
    decisions = np.zeros(len(players), np.int64)
    rows = np.arange(games, dtype=np.int64)
    ended = 0
    while bool((states[:, PHASE] == MOVING).any()):
        if stop is not None and stop():
            break
        mover = seating[rows, states[:, TO_MOVE]]
        mover[states[:, PHASE] != MOVING] = -1
        if actions.shape[1] <= int(moves.max()):
            actions = np.pad(actions, ((0, 0), (0, actions.shape[1])), constant_values=-1)
        for number, player in enumerate(players):
            live = np.flatnonzero(mover == number)
            if len(live) == 0:
                continue
            seeds = np.empty(len(live), np.uint64)
            _decision_seeds(live, streams, moves, seeds)
            began = time.perf_counter()
            chosen = player.choose(states[live], seeds, deterministic)
            seconds[number] += time.perf_counter() - began
            decisions[number] += len(live)
            illegal = _make_moves(states, live, chosen, deals)
            if illegal >= 0:
                raise PlayerError(
                    f"{player.name} chose action {int(chosen[illegal])}, which is not legal"
                    f" after {int(moves[live[illegal]])} moves of deal {int(deals[live[illegal]])}"
                )
            actions[live, moves[live]] = chosen
            moves[live] += 1
        if on_progress is not None:
            on_progress(_games_done(states, seats), games)
        over = states[:, PHASE] == OVER
        if on_ended is not None and over.sum() > ended:
            ended = over.sum()
            on_ended(_read_scores(states[over], seats)[1][seating[over] == 0])
    scores, shares, ranks = _read_scores(states, seats)
    return GameResults(
        players=tuple(player.name for player in players),
        seating=seating,
        deals=deals,
        finished=np.asarray(states[:, PHASE] == OVER),
        scores=scores,
        shares=shares,
        ranks=ranks,
        moves=moves,
        actions=actions,
        seconds=seconds,
        decisions=decisions,
    )


def join_games(parts: Sequence[GameResults]) -> GameResults:
    """The games of several batches between the same players, one batch after another."""
    longest = max(part.actions.shape[1] for part in parts)
    actions = [
        np.pad(part.actions, ((0, 0), (0, longest - part.actions.shape[1])), constant_values=-1)
        for part in parts
    ]
    of_games: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("seating", "deals", "finished", "scores", "shares", "ranks", "moves")
    }
    return GameResults(
        players=parts[0].players,
        actions=np.concatenate(actions),
        seconds=np.sum([part.seconds for part in parts], axis=0),
        decisions=np.sum([part.decisions for part in parts], axis=0),
        **of_games,
    )
