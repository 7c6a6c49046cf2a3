"""Who plays the self-play games: weights and game numbers in, samples out.

`SelfPlayExecutor` is the border behind which anything may stand: this process, worker processes,
one day a cluster. A game depends on the run's seed, its number and the weights alone, so who
plays it, and in which order, changes nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from azul_tui.config import create_training_config
from azul_tui.network import NetworkEvaluator, create_azul_network
from azul_tui.training.self_play import SelfPlay, play_settings, search_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt
    from torch import Tensor

    from azul_tui.config import TrainingConfig
    from azul_tui.network import AzulNetwork
    from azul_tui.network.compute import Compute
    from azul_tui.training.game_batch import GameBatch, SelfPlayProgress

_MOST_AUTOMATIC_WORKERS = 16
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
    """What the network is evaluated with; None lets the process decide that hands out the games."""


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

    def play(
        self,
        task: SelfPlayTask,
        weights: Mapping[str, Tensor],
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GameBatch | None:
        """See `SelfPlayExecutor.play`."""
        self_play = self._prepare(task.config, weights)
        return self_play.play(task.numbers, on_progress=on_progress, should_stop=should_stop)

    def close(self) -> None:
        """Forget the network and the trees."""
        self._config = self._evaluator = self._self_play = None

    def _prepare(self, config: TrainingConfig, weights: Mapping[str, Tensor]) -> SelfPlay:
        """Evaluator and trees for `config`, made again only when it changed."""
        if self._config is None or _network_settings(self._config) != _network_settings(config):
            self._config = self._self_play = None
            network = create_azul_network(config.network_config, config.num_players)
            self._evaluator = NetworkEvaluator(
                network, config.parallel_games, config.device, config.inference_precision
            )
        assert self._evaluator is not None
        self._evaluator.load_weights(weights)
        if self._self_play is None or self._config != config:
            self._self_play = SelfPlay(
                self._evaluator,
                search_settings(config),
                play_settings(config),
                config.num_players,
                margins=config.margin_loss_weight > 0.0,
                afterstate_samples=(
                    config.afterstate_samples if config.chance == "afterstate" else 0
                ),
            )
            self._config = config
        return self._self_play


def _network_settings(config: TrainingConfig) -> tuple[object, ...]:
    """What an evaluator is made from; it serves any settings that agree in these."""
    return (
        config.network_config,
        config.num_players,
        config.parallel_games,
        config.device,
        config.inference_precision,
    )


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_count(config: TrainingConfig) -> int:
    """Worker processes for `config`: as asked, else one a core; a game needs no more than one."""
    wanted = config.self_play_workers or min(usable_cores(), _MOST_AUTOMATIC_WORKERS)
    return max(1, min(wanted, config.self_play_games_per_iteration))


def create_executor(
    config: TrainingConfig, on_fault: Callable[[str], None] | None = None
) -> SelfPlayExecutor:
    """Inline for one worker, else worker processes.

    Args:
        config: Settings of the run.
        on_fault: Told, in one sentence, of a worker that had to be replaced.
    """
    workers = worker_count(config)
    if workers == 1:
        return InlineExecutor()
    from azul_tui.training.worker_processes import WorkerExecutor

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
    """
    config = create_training_config(
        num_players=model.description.players,
        network_config=model.description.preset,
        mcts_simulations=simulations,
        parallel_games=max(1, min(games, _PLACES)),
        seed=seed,
        device="cpu",
    )
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return InlineExecutor().play(
        SelfPlayTask(0, np.arange(games), config), weights, on_progress, should_stop
    )
