"""Self-play: a network plays many games at once against itself, and their positions are samples.

A game depends on the run's seed, its number and the weights alone, never on the games beside it:
who plays it, and in which order, changes nothing. So a `SelfPlayExecutor` may be this process,
worker processes (`workers`), or a cluster.

Letters: G slots, N games to play, P players, S bytes a position, A actions, V values, M most moves
of a game (a tile each), C samples that the slots can hold.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from azul_tui.config import create_training_config
from azul_tui.config.setting import check_instance, check_int
from azul_tui.game.constants import (
    AFTERSTATE,
    MAX_ROUNDS,
    OVER,
    PHASE,
    PLAYERS,
    TILES_PER_FACTORY,
    action_count,
    factory_count,
    observation_size,
    state_size,
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
from azul_tui.network import AzulNetwork, NetworkEvaluator, create_azul_network
from azul_tui.search.search import advance, begin, final_values, receive
from azul_tui.search.select import (
    SearchSettings,
    choose_edge,
    root_value,
    write_improved_policy,
    write_visit_policy,
)
from azul_tui.search.tree import Tree, allocate_tree
from azul_tui.training.game_records import (
    GameBatch,
    PlayedGame,
    SelfPlayProgress,
    SelfPlayTally,
)
from azul_tui.training.targets import average_afterstates, value_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from azul_tui.config import TrainingConfig
    from azul_tui.network.compute import Compute
    from azul_tui.search.search import Evaluator


# -- what the settings say of searches and games


class PlaySettings(NamedTuple):
    """Settings of how games are played and valued, as plain numbers that kernels can read."""

    seed: np.uint64
    mcts_simulations: int
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
    value_target_lambda: float
    """See `targets.value_targets`."""
    afterstate_samples: int = 0
    """Refills whose mean value is an afterstate's target; 0 takes the outcome."""


def play_settings(config: TrainingConfig) -> PlaySettings:
    """The way of playing games that `config` asks for."""
    named = {name: getattr(config, name) for name in PlaySettings._fields}
    named["seed"] = np.uint64(config.seed)
    if config.chance != "afterstate":
        named["afterstate_samples"] = 0
    return PlaySettings(**named)


def search_settings(config: TrainingConfig) -> SearchSettings:
    """The search that `config` asks for."""
    return SearchSettings(
        gumbel=config.search == "gumbel",
        max_considered_actions=config.max_considered_actions,
        c_scale=config.c_scale,
        c_puct=config.c_puct,
        dirichlet_alpha=config.dirichlet_alpha,
        dirichlet_fraction=config.dirichlet_fraction,
        sampled_chance=config.chance == "sampled",
    )


def playing_search(config: TrainingConfig) -> SearchSettings:
    """The same where strength counts: in evaluation, play and analysis.

    Self-play wants variety and a policy that is not too sure of few visits; a game that is
    measured wants the best move, and another weight of the values. EXPERIMENTS.md has the figures.
    """
    return search_settings(config)._replace(c_scale=config.eval_c_scale)


# -- G slots play one game after another, as one kernel: search, move, sample, next game
#
# `play_on` gives every slot the evaluation it waits for and carries on until it needs the next, so
# nothing happens a game in Python.

MOST_SAMPLES: Final = 512
"""Samples kept of one game; a real one has about 60, a stalling one ten times as many."""
_NO_GAME: Final = -1
_NOT_SEARCHED: Final = np.float32(np.nan)
_FULL_PLAN: Final = 0
_FAST_PLAN: Final = 1

# What `Slots.counts` counts.
DEALT: Final = 0
FINISHED: Final = 1
SAMPLES: Final = 2
SIMULATIONS: Final = 3
POLICIES: Final = 4


class Slots(NamedTuple):
    """Games under way and what they have left. Named like the variable that holds it, for numba."""

    game: npt.NDArray[np.int64]
    """`(G,)` which of the N games a slot plays, or `_NO_GAME`."""
    full: npt.NDArray[np.bool_]
    """`(G,)` whether the search under way is a full one."""
    states: npt.NDArray[np.int8]
    """`(G, S)` positions under play."""
    seeds: npt.NDArray[np.uint64]
    """`(G,)` of the refills."""
    numbers: npt.NDArray[np.int64]
    """`(N,)` numbers of the games to play."""
    moves: npt.NDArray[np.int64]
    """`(N,)` made in each."""
    samples: npt.NDArray[np.int64]
    """`(N,)` kept of each."""
    actions: npt.NDArray[np.int16]
    """`(N, M)` the moves, in canonical order."""
    results: npt.NDArray[np.float32]
    """`(N, P)` of the finished games, in [-1, 1] by seat."""
    sample_states: npt.NDArray[np.int8]
    """`(C, S)`."""
    sample_policies: npt.NDArray[np.float32]
    """`(C, A)`; a row of zeros is learnt for its value alone."""
    sample_values: npt.NDArray[np.float32]
    """`(C,)` root values; NaN where there was no search."""
    sample_games: npt.NDArray[np.int64]
    """`(C,)` which of the N games."""
    counts: npt.NDArray[np.int64]
    """`(5,)`: games dealt and finished, samples waiting here, simulations, learnt policies."""
    entropy: npt.NDArray[np.float64]
    """`(1,)`: sum over the learnt policies, in nats."""


@lean_kernel
def _deal_next_game(Slots: Slots, Tree: Tree, rules: PlaySettings, slot: int) -> bool:
    """Deal the next of the N games in `slot`; False when none is left."""
    game = integer(Slots.counts[DEALT])
    if game >= len(Slots.numbers):
        return False
    Slots.counts[DEALT] += 1
    Slots.game[slot] = game
    seed = derive(rules.seed, GAME, integer(Slots.numbers[game]))
    Slots.seeds[slot] = seed
    Tree.stream[slot, 0] = derive(seed, SEARCH, 0)
    state = Slots.states[slot]
    clear_game(state, integer(state[PLAYERS]))
    refill_canonical(state, seed, Tree.deal)
    return True


@lean_kernel
def _keep_sample(Slots: Slots, slot: int, value: np.float32) -> int:
    """Keep the position of `slot`, still without a policy; its row, -1 if its game has enough."""
    game = Slots.game[slot]
    if Slots.samples[game] == MOST_SAMPLES:
        return -1
    row = integer(Slots.counts[SAMPLES])
    Slots.counts[SAMPLES] += 1
    Slots.samples[game] += 1
    copy_state(Slots.states[slot], Slots.sample_states[row])
    Slots.sample_values[row] = value
    Slots.sample_games[row] = game
    for action in range(Slots.sample_policies.shape[1]):
        Slots.sample_policies[row, action] = 0.0
    return row


@lean_kernel
def _make_move(Slots: Slots, Tree: Tree, slot: int, action: int) -> None:
    """Play `action`; after a round keep the afterstate as a sample and deal the next round."""
    state = Slots.states[slot]
    game = Slots.game[slot]
    Slots.actions[game, Slots.moves[game]] = action
    Slots.moves[game] += 1
    apply_canonical(state, action)
    if state[PHASE] == AFTERSTATE:
        _keep_sample(Slots, slot, _NOT_SEARCHED)
        refill_canonical(state, Slots.seeds[slot], Tree.deal)


@lean_kernel
def _play_searched_move(
    Slots: Slots, Tree: Tree, settings: SearchSettings, rules: PlaySettings, slot: int
) -> None:
    """Play the move that the finished search of `slot` chose, and keep its sample."""
    Slots.counts[SIMULATIONS] += Tree.games[slot].done
    row = _keep_sample(Slots, slot, root_value(Tree, slot))
    if row >= 0 and Slots.full[slot]:
        policy = Slots.sample_policies[row]
        if settings.gumbel:
            write_improved_policy(Tree, settings, slot, policy)
        else:
            write_visit_policy(Tree, slot, policy)
        entropy = 0.0
        for action in range(len(policy)):
            if policy[action] > 0.0:
                entropy -= policy[action] * np.log(policy[action])
        Slots.entropy[0] += entropy
        Slots.counts[POLICIES] += 1
    warm = Slots.moves[Slots.game[slot]] < rules.temperature_threshold
    edge = choose_edge(Tree, settings, slot, rules.temperature if warm else 0.0)
    _make_move(Slots, Tree, slot, integer(Tree.edges[slot, edge].action))


@lean_kernel
def _next_search(
    Slots: Slots, Tree: Tree, rules: PlaySettings, slot: int, observations: Int8Array
) -> bool:
    """Carry `slot` to the next position worth a search, in full or fast, and begin that.

    Forced moves are played without one, and after a finished game the next is dealt. Returns
    False when nothing is left to play here, or the samples must be taken away first.
    """
    state = Slots.states[slot]
    while True:
        game = Slots.game[slot]
        if game != _NO_GAME and state[PHASE] == OVER:
            final_values(state, Slots.results[game])
            Slots.counts[FINISHED] += 1
            Slots.game[slot] = _NO_GAME
        if Slots.game[slot] == _NO_GAME and not _deal_next_game(Slots, Tree, rules, slot):
            return False
        # A searched move leaves up to two samples, and every slot may make one before the next
        # look at this.
        if Slots.counts[SAMPLES] + 2 * len(Slots.game) > len(Slots.sample_games):
            return False
        if list_legal(state, Tree.legal, True) > 1:
            break
        _make_move(Slots, Tree, slot, integer(Tree.legal[0]))
    full = True
    if rules.full_search_fraction < 1.0:
        full = next_unit(Tree.stream[slot]) < rules.full_search_fraction
    Slots.full[slot] = full
    Tree.games[slot].noise = np.float32(rules.temperature if full else 0.0)
    if full:
        begin(Tree, slot, state, _FULL_PLAN, rules.mcts_simulations)
    else:
        begin(Tree, slot, state, _FAST_PLAN, rules.fast_simulations)
    write_observation(state, observations[slot])
    return True


@lean_kernel
def play_on(
    Slots: Slots,
    Tree: Tree,
    settings: SearchSettings,
    rules: PlaySettings,
    logits: Float32Array,
    values: Float32Array,
    observations: Int8Array,
) -> int:
    """Hand out one batch of evaluations and play until every slot waits for the next.

    Logits are `(G, A)` and values `(G, V)`; of the observations `(G, F)` a row is filled for each
    slot that waits.

    Returns:
        How many slots wait; 0 when all games are done or the samples must be taken away first.
    """
    waiting = 0
    for slot in range(len(Slots.game)):
        if Tree.games[slot].waiting > 0:
            node = integer(Tree.pending[slot, 0])
            receive(Tree, settings, slot, node, logits[slot], values[slot])
            if advance(Tree, settings, slot):
                leaf = Tree.states[slot, Tree.pending[slot, 0]]
                write_observation(leaf, observations[slot])
                waiting += 1
                continue
            _play_searched_move(Slots, Tree, settings, rules, slot)
        if _next_search(Slots, Tree, rules, slot, observations):
            waiting += 1
    return waiting


# -- self-play with one evaluator: game numbers in, samples out

_SAMPLES_HELD: Final = 4096
"""Least C; half of it is taken away at once."""
CALLS_BETWEEN_REPORTS: Final = 64
Samples = tuple[npt.NDArray[np.int8], npt.NDArray[np.float16], Float32Array, npt.NDArray[np.int64]]
"""States, policies, root values and which of the N games."""


class SelfPlay:
    """Slots and trees for playing many games at once with one evaluator."""

    def __init__(
        self, evaluator: Evaluator, settings: SearchSettings, rules: PlaySettings, players: int = 2
    ) -> None:
        """Allocate for G = `evaluator.batch_size` games at once."""
        slots, held = evaluator.batch_size, max(_SAMPLES_HELD, 8 * evaluator.batch_size)
        budgets = (rules.mcts_simulations, rules.fast_simulations)
        self.evaluator = evaluator
        self._settings = settings
        self._rules = rules
        self._players = players
        self._tree = allocate_tree(slots, players, budgets, settings.max_considered_actions)
        self._observations = np.zeros((slots, observation_size(players)), np.int8)
        states = np.zeros((slots, state_size(players)), np.int8)
        for state in states:
            clear_game(state, players)
        self._slots = Slots(
            game=np.full(slots, _NO_GAME, np.int64),
            full=np.zeros(slots, np.bool_),
            states=states,
            seeds=np.zeros(slots, np.uint64),
            **self._games_to_play(np.empty(0, np.int64)),
            sample_states=np.empty((held, state_size(players)), np.int8),
            sample_policies=np.empty((held, action_count(players)), np.float32),
            sample_values=np.empty(held, np.float32),
            sample_games=np.empty(held, np.int64),
            counts=np.zeros(5, np.int64),
            entropy=np.zeros(1),
        )

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
            Their samples in order of number, or None when stopped.
        """
        games = self._games_to_play(np.ascontiguousarray(numbers, np.int64))
        self._slots = slots = self._slots._replace(**games)
        slots.game[:] = _NO_GAME
        slots.counts[:] = 0
        slots.entropy[:] = 0.0
        np.asarray(self._tree.games)["waiting"] = 0
        parts: list[Samples] = []
        logits, values = self.evaluator(self._observations)
        calls, reported = 0, time.monotonic()
        while True:
            waiting = play_on(
                slots, self._tree, self._settings, self._rules, logits, values, self._observations
            )
            if not waiting and not slots.counts[SAMPLES]:
                break
            if not waiting or slots.counts[SAMPLES] > len(slots.sample_games) // 2:
                parts.append(_take_samples(slots))
            calls += 1
            if calls % CALLS_BETWEEN_REPORTS == 0:
                if should_stop is not None and should_stop():
                    return None
                if on_progress is not None and time.monotonic() - reported >= report_every_s:
                    reported = time.monotonic()
                    on_progress(_progress(slots))
            if waiting:
                logits, values = self.evaluator(self._observations)
        return self._batch(slots, parts or [_take_samples(slots)])

    def _games_to_play(self, numbers: npt.NDArray[np.int64]) -> dict[str, Any]:
        """The arrays of `Slots` that have a row of each game."""
        moves = MAX_ROUNDS * TILES_PER_FACTORY * factory_count(self._players)
        return {
            "numbers": numbers,
            "moves": np.zeros(len(numbers), np.int64),
            "samples": np.zeros(len(numbers), np.int64),
            "actions": np.empty((len(numbers), moves), np.int16),
            "results": np.empty((len(numbers), self._players), np.float32),
        }

    def _batch(self, slots: Slots, parts: list[Samples]) -> GameBatch:
        """Samples of finished games in order of number, with their targets."""
        states, policies, values, games = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        # Samples of a game are in order, so sorting them by game is all there is to do.
        order = np.argsort(slots.numbers[games], kind="stable")
        states, games = states[order], games[order]
        rules, results = self._rules, slots.results
        outcomes = value_targets(
            states,
            values[order],
            games,
            results,
            rules.value_target_mix,
            rules.value_target_lambda,
        )
        if rules.afterstate_samples:
            average_afterstates(
                outcomes,
                states,
                slots.numbers[games],
                int(rules.seed),
                rules.afterstate_samples,
                self.evaluator,
                self._players,
            )
        by_number = np.argsort(slots.numbers)
        played = tuple(
            PlayedGame(
                int(slots.numbers[game]),
                tuple(slots.actions[game, : slots.moves[game]].tolist()),
            )
            for game in by_number
        )
        drawn = ((results > -1.0) & (results < 1.0)).any(axis=1)
        return GameBatch(
            states=states,
            policies=policies[order],
            outcomes=outcomes,
            games=played,
            samples=slots.samples[by_number],
            tally=SelfPlayTally(
                games=len(played),
                moves=int(slots.moves.sum()),
                simulations=int(slots.counts[SIMULATIONS]),
                first_seat_wins=float((0.5 * (results[:, 0].astype(np.float64) + 1.0)).sum()),
                draws=int(drawn.sum()),
                entropy=float(slots.entropy[0]),
                policies=int(slots.counts[POLICIES]),
            ),
        )


def _take_samples(slots: Slots) -> Samples:
    """Copy the samples that wait in the slots, and forget them there."""
    count = slots.counts[SAMPLES]
    slots.counts[SAMPLES] = 0
    return (
        slots.sample_states[:count].copy(),
        slots.sample_policies[:count].astype(np.float16),
        slots.sample_values[:count].copy(),
        slots.sample_games[:count].copy(),
    )


def _progress(slots: Slots) -> SelfPlayProgress:
    """What there is to see now, in the first slot."""
    game = int(slots.game[0])
    moves = int(slots.moves[game]) if game != _NO_GAME else 0
    mine = np.flatnonzero(slots.sample_games[: slots.counts[SAMPLES]] == game)
    value = slots.sample_values[mine[-1]] if len(mine) else np.nan
    return SelfPlayProgress(
        games=int(slots.counts[FINISHED]),
        simulations=int(slots.counts[SIMULATIONS]),
        position=slots.states[0].tobytes(),
        number=int(slots.numbers[game]) if game != _NO_GAME else _NO_GAME,
        moves=moves,
        last_action=int(slots.actions[game, moves - 1]) if moves else -1,
        value=None if np.isnan(value) else float(value),
    )


# -- who plays: this process, or whatever else has the same interface


@dataclass(frozen=True, slots=True)
class SelfPlayTask:
    """Games to play with one version of the weights."""

    numbers: npt.NDArray[np.int64]
    """`(N,)` game numbers."""
    config: TrainingConfig
    """Settings in force; simulations may change while a run is live."""
    compute: Compute | None = None
    """What the network is evaluated with; None leaves it to `config` and, where that says "auto",
    to what timing found on this machine. A run always names it: workers time nothing."""


class SelfPlayExecutor(Protocol):
    """Plays games; close it when done."""

    def play(
        self,
        task: SelfPlayTask,
        weights: Mapping[str, Tensor],
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GameBatch | None:
        """The samples of all games in order of number, or None when stopped.

        Args:
            task: What to play.
            weights: State of the network that plays, on the CPU.
            on_progress: Told now and then how far all games together are.
            should_stop: Asked often; the games under way are dropped once it says True.

        Raises:
            JobFailedError: The games could not be played.
        """
        ...

    def close(self) -> None:
        """Let go of processes and memory."""
        ...


class InlineExecutor:
    """Plays in this process."""

    def __init__(self) -> None:
        """Nothing is allocated before the first task."""
        self._made_for: tuple[TrainingConfig, Compute | None] | None = None
        self._made: tuple[NetworkEvaluator, SelfPlay] | None = None

    def play(
        self,
        task: SelfPlayTask,
        weights: Mapping[str, Tensor],
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GameBatch | None:
        """See `SelfPlayExecutor.play`."""
        config, compute = task.config, task.compute
        if self._made is None or self._made_for != (config, compute):
            self.close()  # before memory is taken again
            evaluator = NetworkEvaluator(
                create_azul_network(config.network_config, config.num_players),
                config.parallel_games,
                compute.device if compute else config.device,
                compute.inference_precision if compute else config.inference_precision,
                compute.inference if compute else "auto",
            )
            settings, rules = search_settings(config), play_settings(config)
            self._made = evaluator, SelfPlay(evaluator, settings, rules, config.num_players)
            self._made_for = config, compute
        evaluator, self_play = self._made
        evaluator.load_weights(weights)
        return self_play.play(task.numbers, on_progress=on_progress, should_stop=should_stop)

    def close(self) -> None:
        """Forget the network and the trees."""
        self._made = None


def self_play_games(
    model: AzulNetwork,
    games: int,
    *,
    simulations: int = 32,
    seed: int = 0,
    on_progress: Callable[[SelfPlayProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> GameBatch | None:
    """Let a network play games against itself in this process, for a loop of one's own.

    Args:
        model: The network; not changed.
        games: How many.
        simulations: Simulations a move.
        seed: Decides the games together with the weights.
        on_progress: Told now and then how far it is.
        should_stop: Asked often; True drops the games.

    Returns:
        States, policies and outcomes for `ReplayBuffer.add`, or None when stopped.

    Raises:
        ConfigError: An argument is of the wrong type or out of range.
    """
    check_instance("model", model, AzulNetwork)
    games = check_int("games", games, 1)
    config = create_training_config(
        num_players=model.description.players,
        network_config=model.description.preset,
        mcts_simulations=simulations,
        parallel_games=min(games, 256),
        seed=seed,
        device="cpu",
    )
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    task = SelfPlayTask(np.arange(games), config)
    return InlineExecutor().play(task, weights, on_progress, should_stop)
