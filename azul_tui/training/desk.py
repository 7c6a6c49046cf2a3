"""What self-play of G games at once works with: places, settings, sums and an outbox, as arrays.

Letters: G places, T most samples kept of one game, M most moves that one can have (a tile each),
S bytes a position, A actions, V values, C samples that fit into the outbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import (
    MAX_ROUNDS,
    TILES_PER_FACTORY,
    action_count,
    factory_count,
    state_size,
    value_count,
)
from azul_tui.game.dealing import clear_game

if TYPE_CHECKING:
    from azul_tui.search.tree import Records

IDLE: Final = -1
"""Game number of a place that has nothing to play."""
FULL_PLAN: Final = 0
FAST_PLAN: Final = 1


class PlaySettings(NamedTuple):
    """How games are played, as plain numbers that kernels can read."""

    seed: np.uint64
    simulations: int
    fast_simulations: int
    full_search_fraction: float
    """Share of moves searched in full, whose policy is learnt (playout cap, Wu 2019, 3.1)."""
    temperature: float
    """Scale of the root noise (Gumbel), or exponent of the visits (PUCT); 0 plays without noise."""
    temperature_threshold: int
    """Moves of a game after which the best move of the search is played. The noise at the root
    stays: what a search considers is drawn to the end of a game, as the improved policy of Gumbel
    and the noise of PUCT want it. EXPERIMENTS.md compares."""
    value_target_mix: float
    """Share of the search's root value in the value target; the rest is what the game says."""
    value_target_lambda: float
    """What the game says of a position: this share of what it says of the next one, the rest is
    the root value that the search of the position itself found; 1 is the outcome alone. Textbook
    TD(lambda) bootstraps from the next position's value; here the search has looked ahead from
    this one already."""


class Place(Protocol):
    """One place's game."""

    number: int
    """Game number, or `IDLE`."""
    moves: int
    samples: int
    full: int
    """1 while the search under way is a full one."""
    finished: int
    """1 when the game is over and waits for room in the outbox."""


PLACE: Final = np.dtype(
    [("number", "i8")] + [(name, "i4") for name in ("moves", "samples", "full", "finished")]
)


class Tally(Protocol):
    """Sums over everything played so far."""

    games: int
    moves: int
    simulations: int
    first_seat_wins: np.float64
    draws: int
    """Games that several seats won together."""
    entropy: np.float64
    """Sum of the entropies, in nats, of the learnt policies."""
    policies: int


TALLY: Final = np.dtype(
    [
        ("games", "i8"),
        ("moves", "i8"),
        ("simulations", "i8"),
        ("first_seat_wins", "f8"),
        ("draws", "i8"),
        ("entropy", "f8"),
        ("policies", "i8"),
    ]
)


class Desk(NamedTuple):
    """Arrays of G places and one outbox. Named like the variable that holds it, for numba."""

    places: Records[Place]
    """`(G,)`."""
    states: npt.NDArray[np.int8]
    """`(G, S)` positions under play."""
    game_seeds: npt.NDArray[np.uint64]
    """`(G,)`."""
    sample_states: npt.NDArray[np.int8]
    """`(G, T, S)`."""
    sample_policies: npt.NDArray[np.float32]
    """`(G, T, A)`; a row of zeros is learnt for its value alone."""
    sample_values: npt.NDArray[np.float32]
    """`(G, T)` root values; NaN where there was no search."""
    actions: npt.NDArray[np.int16]
    """`(G, M)` moves made, in canonical order."""
    queue: npt.NDArray[np.int64]
    """`(N,)` numbers of the games to play."""
    cursor: npt.NDArray[np.int64]
    """`(3,)`: next entry of the queue, samples in the outbox, games in the outbox."""
    out_states: npt.NDArray[np.int8]
    """`(C, S)`."""
    out_policies: npt.NDArray[np.float32]
    """`(C, A)`."""
    out_outcomes: npt.NDArray[np.float32]
    """`(C, V)`."""
    out_games: npt.NDArray[np.int64]
    """`(C, 3)`: number, samples and moves of each finished game."""
    out_actions: npt.NDArray[np.int16]
    """`(C, M)`: its moves."""
    final: npt.NDArray[np.float32]
    """`(P,)`: scratch for the values of a finished game."""
    tally: Records[Tally]
    """`(1,)`."""


def allocate_desk(places: int, players: int, samples: int, outbox: int) -> Desk:
    """Arrays for G = `places`, T = `samples` and C = `outbox`, which is at least T."""
    shape = (places, samples)
    moves = MAX_ROUNDS * TILES_PER_FACTORY * factory_count(players)
    records = np.zeros(places, PLACE)
    records["number"] = IDLE
    states = np.zeros((places, state_size(players)), np.int8)
    for state in states:
        clear_game(state, players)
    return Desk(
        places=cast("Records[Place]", records),
        states=states,
        game_seeds=np.zeros(places, np.uint64),
        sample_states=np.empty((*shape, state_size(players)), np.int8),
        sample_policies=np.empty((*shape, action_count(players)), np.float32),
        sample_values=np.empty(shape, np.float32),
        actions=np.empty((places, moves), np.int16),
        queue=np.empty(0, np.int64),
        cursor=np.zeros(3, np.int64),
        out_states=np.empty((outbox, state_size(players)), np.int8),
        out_policies=np.empty((outbox, action_count(players)), np.float32),
        out_outcomes=np.empty((outbox, value_count(players)), np.float32),
        out_games=np.empty((max(1, outbox // 16), 3), np.int64),
        out_actions=np.empty((max(1, outbox // 16), moves), np.int16),
        final=np.empty(players, np.float32),
        tally=cast("Records[Tally]", np.zeros(1, TALLY)),
    )
