"""Measuring a network against scripted players while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.arena.match import MatchResult, play_match
from azul_tui.network import NetworkEvaluator
from azul_tui.players.network_player import NetworkPlayer
from azul_tui.players.registry import create_player
from azul_tui.training.self_play import search_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from azul_tui.config import TrainingConfig
    from azul_tui.network import AzulNetwork

_GAMES_AT_ONCE = 256
_SEED_STRIDE = 1_000_003


class Evaluation:
    """Evaluator and player for measuring one run's network again and again."""

    def __init__(self, network: AzulNetwork, config: TrainingConfig) -> None:
        """Copy the network once; `play` brings newer weights."""
        self._evaluator = NetworkEvaluator(
            network,
            min(_GAMES_AT_ONCE, config.parallel_games),
            config.device,
            config.inference_precision,
        )

    def play(
        self,
        config: TrainingConfig,
        weights: Mapping[str, Tensor],
        opponent: str,
        iteration: int,
        *,
        on_progress: Callable[[float, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> MatchResult:
        """Play `config.eval_games` paired games against `opponent`, without noise.

        The deals are the same for every iteration of a run: differences between iterations
        are then differences between networks.
        """
        self._evaluator.load_weights(weights)
        player = NetworkPlayer(
            self._evaluator,
            config.eval_simulations,
            search_settings(config),
            config.num_players,
            name=f"iteration {iteration}",
        )
        return play_match(
            player,
            create_player(opponent, config.num_players),
            config.eval_games,
            config.seed * _SEED_STRIDE + 1,
            config.num_players,
            on_progress=on_progress,
            stop=stop,
        )
