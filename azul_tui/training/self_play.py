"""Self-play: games in lockstep, and the samples that they leave."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import (
    AFTERSTATE,
    MAX_ROUNDS,
    OVER,
    PHASE,
    PLAYERS,
    TILES_PER_FACTORY,
    TO_MOVE,
    action_count,
    factory_count,
    observation_size,
    state_size,
    value_count,
)
from azul_tui.game.kernel import Float32Array, Int8Array, integer, lean_kernel
from azul_tui.game.observation import write_observation
from azul_tui.game.random import GAME, SEARCH, derive, next_unit
from azul_tui.game.rules import (
    apply_canonical,
    clear_game,
    copy_state,
    list_legal,
    refill_canonical,
)
from azul_tui.search.search import advance, begin, final_values, receive
from azul_tui.search.select import (
    SearchSettings,
    choose_edge,
    root_value,
    write_improved_policy,
    write_visit_policy,
)
from azul_tui.search.tree import NO_NODE, Tree, allocate_tree
from azul_tui.training.afterstate_targets import afterstate_rows, average_refills, place_in_game
from azul_tui.training.game_records import (
    GameBatch,
    PlayedGame,
    SelfPlayProgress,
    SelfPlayTally,
    merge_batches,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.config import TrainingConfig
    from azul_tui.search.search import Evaluator
    from azul_tui.search.tree import Records


# -- how a network searches when strength counts, in evaluation, play and analysis


def playing_search(config: TrainingConfig) -> SearchSettings:
    """The search of self-play, with the weight of the values that plays best.

    Self-play wants variety and a policy that is not too sure of few visits; a game that is
    measured wants the best move. EXPERIMENTS.md has the figures.
    """
    return search_settings(config)._replace(c_scale=config.eval_c_scale)


# -- what self-play of G games at once works with: places, settings, sums and an outbox, as arrays
#
# Letters: G places, T most samples kept of one game, M most moves that one can have (a tile each),
# S bytes a position, A actions, V values, C samples that fit into the outbox.

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


# -- self-play of G games at once as one kernel: search, move, record, next game
#
# Each of G places plays one game after another. `play_on` gives every place the evaluation it
# waits for and carries on until it needs the next, so nothing happens a game in Python. What a game
# becomes depends on the run's seed, its number and the weights alone, never on its neighbours.
#
# Letters: G places, T most samples kept of one game, M most moves that one can have (a tile each),
# S bytes a position, A actions, V values, C samples that fit into the outbox.


@lean_kernel
def _next_game(Desk: Desk, Tree: Tree, rules: PlaySettings, place: int) -> bool:
    """Deal the next game of the queue at `place`; False when none is left."""
    here = Desk.places[place]
    if Desk.cursor[0] >= len(Desk.queue):
        here.number = IDLE
        return False
    number = integer(Desk.queue[Desk.cursor[0]])
    Desk.cursor[0] += 1
    here.number = number
    here.moves = 0
    here.samples = 0
    here.finished = 0
    seed = derive(rules.seed, GAME, number)
    Desk.game_seeds[place] = seed
    Tree.stream[place, 0] = derive(seed, SEARCH, 0)
    state = Desk.states[place]
    clear_game(state, integer(state[PLAYERS]))
    refill_canonical(state, seed, Tree.deal)
    return True


@lean_kernel
def _clear(policy: Float32Array) -> None:
    """Fill a policy `(A,)` with zeros: no policy to learn."""
    for action in range(len(policy)):
        policy[action] = 0.0


@lean_kernel
def _keep_value_sample(Desk: Desk, place: int) -> None:
    """Record the position of `place` for its value alone."""
    here = Desk.places[place]
    if here.samples < Desk.sample_states.shape[1]:
        copy_state(Desk.states[place], Desk.sample_states[place, here.samples])
        _clear(Desk.sample_policies[place, here.samples])
        Desk.sample_values[place, here.samples] = np.nan
        here.samples += 1


@lean_kernel
def _make_move(Desk: Desk, Tree: Tree, place: int, action: int) -> None:
    """Play `action`; after a round keep the afterstate as a sample and deal the next round."""
    here = Desk.places[place]
    state = Desk.states[place]
    Desk.actions[place, here.moves] = action
    here.moves += 1
    apply_canonical(state, action)
    if state[PHASE] == AFTERSTATE:
        _keep_value_sample(Desk, place)
        refill_canonical(state, Desk.game_seeds[place], Tree.deal)


@lean_kernel
def _entropy(policy: Float32Array) -> float:
    """Entropy, in nats, of a policy `(A,)`."""
    total = 0.0
    for action in range(len(policy)):
        if policy[action] > 0.0:
            total -= policy[action] * np.log(policy[action])
    return total


@lean_kernel
def _play_searched_move(
    Desk: Desk, Tree: Tree, settings: SearchSettings, rules: PlaySettings, place: int
) -> None:
    """Play the move that the finished search of `place` chose, and record its sample."""
    here = Desk.places[place]
    tally = Desk.tally[0]
    tally.simulations += Tree.games[place].done
    if here.samples < Desk.sample_states.shape[1]:
        copy_state(Desk.states[place], Desk.sample_states[place, here.samples])
        policy = Desk.sample_policies[place, here.samples]
        if here.full:
            if settings.gumbel:
                write_improved_policy(Tree, settings, place, policy)
            else:
                write_visit_policy(Tree, place, policy)
            tally.entropy += _entropy(policy)
            tally.policies += 1
        else:
            _clear(policy)
        Desk.sample_values[place, here.samples] = root_value(Tree, place)
        here.samples += 1
    warm = here.moves < rules.temperature_threshold
    edge = choose_edge(Tree, settings, place, rules.temperature if warm else 0.0)
    _make_move(Desk, Tree, place, integer(Tree.edges[place, edge].action))


@lean_kernel
def _post(Desk: Desk, rules: PlaySettings, place: int) -> bool:
    """Move the finished game of `place` to the outbox; False when it has no room."""
    here = Desk.places[place]
    state = Desk.states[place]
    players = np.int64(state[PLAYERS])
    at = Desk.cursor[1]
    if at + here.samples > len(Desk.out_states) or Desk.cursor[2] >= len(Desk.out_games):
        return False
    final = Desk.final
    final_values(state, final)
    tally = Desk.tally[0]
    tally.games += 1
    tally.moves += here.moves
    tally.first_seat_wins += 0.5 * (np.float64(final[0]) + 1.0)
    for seat in range(players):
        if -1.0 < final[seat] < 1.0:
            tally.draws += 1
            break
    # From here on `final` holds what the rest of the game says for every seat: TD(lambda),
    # Sutton 1988, read backwards. A position bootstraps from its own search's value, not from
    # the next one's: the search has looked ahead from it.
    mix = np.float32(rules.value_target_mix)
    share = np.float32(1.0 - rules.value_target_lambda)
    values = 1 if players == 2 else players
    for index in range(here.samples - 1, -1, -1):
        copy_state(Desk.sample_states[place, index], Desk.out_states[at + index])
        for action in range(Desk.out_policies.shape[1]):
            Desk.out_policies[at + index, action] = Desk.sample_policies[place, index, action]
        mover = np.int64(Desk.sample_states[place, index, TO_MOVE])
        searched = Desk.sample_values[place, index]
        found = not np.isnan(searched)
        if found and share > 0.0:  # else the outcome stays as it is, to the sign of a draw's zero
            final[mover] += share * (searched - final[mover])
            if players == 2:
                final[1 - mover] = -final[mover]
        for turn in range(values):
            seat = (mover + turn) % players
            Desk.out_outcomes[at + index, turn] = final[seat]
        if found:
            outcome = final[mover]
            Desk.out_outcomes[at + index, 0] = outcome + mix * (searched - outcome)
    game = Desk.cursor[2]
    Desk.out_games[game, 0] = here.number
    Desk.out_games[game, 1] = here.samples
    Desk.out_games[game, 2] = here.moves
    for move in range(here.moves):
        Desk.out_actions[game, move] = Desk.actions[place, move]
    Desk.cursor[1] = at + here.samples
    Desk.cursor[2] = game + 1
    return True


@lean_kernel
def _begin_search(
    Desk: Desk, Tree: Tree, rules: PlaySettings, place: int, observations: Int8Array
) -> None:
    """Start searching the position of `place`, in full or fast."""
    here = Desk.places[place]
    full = True
    if rules.full_search_fraction < 1.0:
        full = next_unit(Tree.stream[place]) < rules.full_search_fraction
    here.full = 1 if full else 0
    Tree.games[place].noise = np.float32(rules.temperature if full else 0.0)
    if full:
        begin(Tree, place, Desk.states[place], FULL_PLAN, rules.simulations)
    else:
        begin(Tree, place, Desk.states[place], FAST_PLAN, rules.fast_simulations)
    write_observation(Desk.states[place], observations[place])


@lean_kernel
def _next_search(
    Desk: Desk, Tree: Tree, rules: PlaySettings, place: int, observations: Int8Array
) -> bool:
    """Carry the game of `place` to the next position worth a search and begin it.

    Forced moves are played without one. Finished games are posted and the next is dealt.
    Returns False when nothing is left to play here, or the outbox is full.
    """
    here = Desk.places[place]
    while True:
        state = Desk.states[place]
        if here.finished or here.number == IDLE or state[PHASE] == OVER:
            if here.number != IDLE:
                here.finished = 1
                if not _post(Desk, rules, place):
                    return False
                here.finished = 0
            if not _next_game(Desk, Tree, rules, place):
                return False
            continue
        if list_legal(state, Tree.legal, True) == 1:
            _make_move(Desk, Tree, place, integer(Tree.legal[0]))
            continue
        _begin_search(Desk, Tree, rules, place, observations)
        return True


@lean_kernel
def play_on(
    Desk: Desk,
    Tree: Tree,
    settings: SearchSettings,
    rules: PlaySettings,
    logits: Float32Array,
    values: Float32Array,
    observations: Int8Array,
) -> int:
    """Hand out one batch of evaluations and play until every place waits for the next.

    Logits are `(G, A)` and values `(G, V)`; of the observations `(G, F)` a row is filled for each
    place that waits.

    Returns:
        How many places wait; 0 when all games are done or the outbox must be emptied first.
    """
    waiting = 0
    for place in range(Desk.states.shape[0]):
        if Tree.games[place].pending != NO_NODE:
            receive(Tree, settings, place, logits[place], values[place])
            if advance(Tree, settings, place):
                leaf = Tree.states[place, Tree.games[place].pending]
                write_observation(leaf, observations[place])
                waiting += 1
                continue
            _play_searched_move(Desk, Tree, settings, rules, place)
            if _next_search(Desk, Tree, rules, place, observations):
                waiting += 1
        elif _next_search(Desk, Tree, rules, place, observations):
            waiting += 1
    return waiting


# -- self-play with one evaluator: game numbers in, samples out
#
# Letters: N samples, S bytes a position, A actions, V values.

MOST_SAMPLES: int = 512
"""Samples kept of one game; a real one has about 60, a stalling one might never end."""
_OUTBOX_GAMES: int = 64
CALLS_BETWEEN_REPORTS: int = 64


def search_settings(config: TrainingConfig) -> SearchSettings:
    """The search that `config` asks for."""
    return SearchSettings(
        gumbel=config.search == "gumbel",
        max_considered_actions=config.max_considered_actions,
        c_visit=config.c_visit,
        c_scale=config.c_scale,
        c_puct=config.c_puct,
        dirichlet_alpha=config.dirichlet_alpha,
        dirichlet_fraction=config.dirichlet_fraction,
        sampled_chance=config.chance == "sampled",
    )


def play_settings(config: TrainingConfig) -> PlaySettings:
    """The way of playing games that `config` asks for."""
    return PlaySettings(
        seed=np.uint64(config.seed),
        simulations=config.mcts_simulations,
        fast_simulations=config.fast_simulations,
        full_search_fraction=config.full_search_fraction,
        temperature=config.temperature,
        temperature_threshold=config.temperature_threshold,
        value_target_mix=config.value_target_mix,
        value_target_lambda=config.value_target_lambda,
    )


class SelfPlay:
    """Places, trees and an outbox for playing many games at once with one evaluator."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        rules: PlaySettings,
        players: int = 2,
        *,
        afterstate_samples: int = 0,
    ) -> None:
        """Allocate for `evaluator.batch_size` games at once.

        Args:
            evaluator: The network that plays.
            settings: Constants of the search.
            rules: How games are played.
            players: P.
            afterstate_samples: Refills whose mean value is an afterstate's target; 0 takes the
                outcome.
        """
        places = evaluator.batch_size
        budgets = (rules.simulations, rules.fast_simulations)
        self.evaluator = evaluator
        self._settings = settings
        self._rules = rules
        self._tree = allocate_tree(places, players, budgets, settings.max_considered_actions)
        self._players = players
        self._afterstate_samples = afterstate_samples
        outbox = max(MOST_SAMPLES, _OUTBOX_GAMES * 64)
        self._desk = allocate_desk(places, players, MOST_SAMPLES, outbox)
        self._observations = np.zeros((places, observation_size(players)), np.int8)

    def play(
        self,
        numbers: npt.NDArray[np.int64],
        *,
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        report_every_s: float = 0.5,
    ) -> GameBatch | None:
        """Play the games of these numbers to their ends.

        Args:
            numbers: `(N,)` game numbers; each with the run's seed decides a whole game.
            on_progress: Called about every `report_every_s` seconds.
            should_stop: Asked often; when it says True the games under way are dropped.
            report_every_s: Seconds between two reports of progress.

        Returns:
            Their samples, or None when stopped.
        """
        desk = self._desk._replace(queue=np.ascontiguousarray(numbers, np.int64))
        self._reset()
        batches: list[GameBatch] = []
        logits, values = self.evaluator(self._observations)
        calls = 0
        reported = time.monotonic()
        while True:
            waiting = play_on(
                desk, self._tree, self._settings, self._rules, logits, values, self._observations
            )
            if desk.cursor[1] > len(desk.out_states) // 2 or waiting == 0:
                if desk.cursor[2] > 0:
                    batches.append(self._drain())
                elif waiting == 0:
                    break
            calls += 1
            if calls % CALLS_BETWEEN_REPORTS == 0:
                if should_stop is not None and should_stop():
                    return None
                if on_progress is not None and time.monotonic() - reported >= report_every_s:
                    reported = time.monotonic()
                    on_progress(self._progress())
            if waiting:
                logits, values = self.evaluator(self._observations)
        merged = merge_batches(batches or [self._drain()])
        if self._afterstate_samples:
            self._average_afterstates(merged)
        tally = np.asarray(desk.tally)[0]
        return GameBatch(
            merged.states,
            merged.policies,
            merged.outcomes,
            merged.games,
            merged.samples,
            SelfPlayTally(*(value.item() for value in tally)),
        )

    def _average_afterstates(self, batch: GameBatch) -> None:
        """Put mean values of sampled refills in the place of afterstates' outcomes."""
        rows = afterstate_rows(batch.states)
        played = np.asarray([game.number for game in batch.games], np.int64)
        numbers = np.repeat(played, batch.samples)[rows]
        values = average_refills(
            batch.states[rows],
            numbers,
            place_in_game(numbers),
            int(self._rules.seed),
            self._afterstate_samples,
            self.evaluator,
            self._players,
        )
        batch.outcomes[rows, : values.shape[1]] = values

    def _reset(self) -> None:
        """Forget whatever was under way."""
        places = np.asarray(self._desk.places)
        places["number"] = -1
        places["finished"] = 0
        np.asarray(self._tree.games)["pending"] = -1
        np.asarray(self._desk.tally)[0] = 0
        self._desk.cursor[:] = 0

    def _drain(self) -> GameBatch:
        """Copy the outbox out and empty it."""
        desk = self._desk
        samples, games = int(desk.cursor[1]), int(desk.cursor[2])
        desk.cursor[1:] = 0
        headers = desk.out_games[:games]
        return GameBatch(
            states=desk.out_states[:samples].copy(),
            policies=desk.out_policies[:samples].astype(np.float16),
            outcomes=desk.out_outcomes[:samples].copy(),
            games=tuple(
                PlayedGame(int(number), tuple(desk.out_actions[index, :moves].tolist()))
                for index, (number, _, moves) in enumerate(headers.tolist())
            ),
            samples=headers[:, 1].copy(),
        )

    def _progress(self) -> SelfPlayProgress:
        """What there is to see now."""
        tally = np.asarray(self._desk.tally)[0]
        place = np.asarray(self._desk.places)[0]
        moves, samples = int(place["moves"]), int(place["samples"])
        shown = 0 < moves <= self._desk.actions.shape[1]
        value = self._desk.sample_values[0, samples - 1] if samples else np.nan
        return SelfPlayProgress(
            games=int(tally["games"]),
            simulations=int(tally["simulations"]),
            position=self._desk.states[0].tobytes(),
            number=int(place["number"]),
            moves=moves,
            last_action=int(self._desk.actions[0, moves - 1]) if shown else -1,
            value=None if np.isnan(value) else float(value),
        )
