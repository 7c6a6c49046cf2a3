"""Who plays the self-play games: weights and game numbers in, samples out.

`SelfPlayExecutor` is the border behind which anything may stand: this process, worker processes,
one day a cluster. A game depends on the run's seed, its number and the weights alone, so who
plays it, and in which order, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from azul_tui.config import create_training_config
from azul_tui.config.setting import check_instance, check_int
from azul_tui.network import AzulNetwork, NetworkEvaluator, create_azul_network
from azul_tui.network.compute import resolve_device
from azul_tui.runs.machine import usable_cores, usable_memory
from azul_tui.training.resources import fitting_workers, memory_problem
from azul_tui.training.self_play import SelfPlay, play_settings, search_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt
    from torch import Tensor

    from azul_tui.config import TrainingConfig
    from azul_tui.network.compute import Compute
    from azul_tui.training.game_batch import GameBatch, SelfPlayProgress

_PLACES = 256


@dataclass(frozen=True, slots=True)
class SelfPlayTask:
    """Games to play with one version of the weights."""

    version: int
    """Iteration whose weights these are."""
    numbers: npt.NDArray[np.int64]
    """`(N,)` game numbers."""
    config: TrainingConfig
    """Settings in force; simulations may change while a run is live."""
    compute: Compute | None = None
    """What the network is evaluated with; None leaves it to `config` and, where that says "auto",
    to what timing found on this machine. A run always names it: workers time nothing."""

    def share(self, index: int, of: int) -> SelfPlayTask:
        """The games of worker `index` of `of`."""
        return replace(self, numbers=self.numbers[index::of])


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
    """Plays in this process, on its device."""

    def __init__(self) -> None:
        """Nothing is allocated before the first task."""
        self._config: TrainingConfig | None = None
        self._evaluator: NetworkEvaluator | None = None
        self._self_play: SelfPlay | None = None
        self._made_from: tuple[object, ...] = ()

    def play(
        self,
        task: SelfPlayTask,
        weights: Mapping[str, Tensor],
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GameBatch | None:
        """See `SelfPlayExecutor.play`."""
        self_play = self._prepare(task, weights)
        return self_play.play(task.numbers, on_progress=on_progress, should_stop=should_stop)

    def close(self) -> None:
        """Forget the network and the trees."""
        self._config = self._evaluator = self._self_play = None

    def _prepare(self, task: SelfPlayTask, weights: Mapping[str, Tensor]) -> SelfPlay:
        """Evaluator and trees for the task, made again only when it asks for others."""
        config = task.config
        made_from = (
            config.network_config,
            config.num_players,
            config.parallel_games,
            task.compute or (config.device, config.inference_precision),
        )
        if self._evaluator is None or self._made_from != made_from:
            self._config = self._self_play = None
            self._evaluator = _new_evaluator(config, task.compute)
            self._made_from = made_from
        self._evaluator.load_weights(weights)
        if self._self_play is None or self._config != config:
            self._self_play = SelfPlay(
                self._evaluator,
                search_settings(config),
                play_settings(config),
                config.num_players,
                afterstate_samples=(
                    config.afterstate_samples if config.chance == "afterstate" else 0
                ),
            )
            self._config = config
        return self._self_play


def _new_evaluator(config: TrainingConfig, compute: Compute | None) -> NetworkEvaluator:
    """For self-play with `compute`, else with what `config` says and timing finds."""
    network = create_azul_network(config.network_config, config.num_players)
    if compute is None:
        return NetworkEvaluator(
            network, config.parallel_games, config.device, config.inference_precision
        )
    return NetworkEvaluator(
        network,
        config.parallel_games,
        compute.device,
        compute.inference_precision,
        compute.inference,
    )


def worker_count(config: TrainingConfig, device: str = "") -> int:
    """Worker processes for `config`: as asked, else as many as cores, memory and GPU serve.

    Args:
        config: Settings of the run.
        device: Where the network is evaluated, once that is decided; "" goes by the settings.
    """
    wanted = config.self_play_workers or fitting_workers(
        config,
        usable_cores(),
        usable_memory(),
        gpu=resolve_device(device or config.device).type == "cuda",
    )
    return max(1, min(wanted, config.self_play_games_per_iteration))


def create_executor(
    config: TrainingConfig, on_fault: Callable[[str], None] | None = None, device: str = ""
) -> SelfPlayExecutor:
    """Inline for one worker, else worker processes.

    Args:
        config: Settings of the run.
        on_fault: Told, in one sentence, of a worker that had to be replaced, and of memory that
            will not do.
        device: See `worker_count`.
    """
    workers = worker_count(config, device)
    problem = memory_problem(config, workers, usable_memory())
    if problem and on_fault is not None:
        on_fault(problem)
    if workers == 1:
        return InlineExecutor()
    from azul_tui.training.workers import WorkerExecutor

    return WorkerExecutor(workers, on_fault)


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
        parallel_games=min(games, _PLACES),
        seed=seed,
        device="cpu",
    )
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return InlineExecutor().play(
        SelfPlayTask(0, np.arange(games), config), weights, on_progress, should_stop
    )
