"""Measuring a network against scripted players while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from azul_tui.arena.match import play_match
from azul_tui.network import NetworkEvaluator
from azul_tui.players.network_player import NetworkPlayer
from azul_tui.players.registry import create_player
from azul_tui.training.playing_search import playing_search

if TYPE_CHECKING:
    from azul_tui.arena.match import MatchResult
    from azul_tui.config import TrainingConfig
    from azul_tui.training.checkpoint_keeper import CheckpointKeeper
    from azul_tui.training.open_run import OpenRun

_GAMES_AT_ONCE: Final = 256
_SEED_STRIDE: Final = 1_000_003


def opponents_due(config: TrainingConfig, iteration: int) -> tuple[str, ...]:
    """Whom the weights of an iteration are to be measured against; nobody most of the time."""
    if not config.eval_frequency:
        return ()
    due = iteration % config.eval_frequency == 0 or iteration >= config.max_iterations
    return config.eval_opponents if due else ()


class EvaluationPhase:
    """Plays the evaluation games that an iteration has left."""

    def __init__(self, run: OpenRun, keeper: CheckpointKeeper) -> None:
        """Nothing is allocated before the first game.

        Args:
            run: Whose weights are measured.
            keeper: Saves, for people who ask for a checkpoint while the run is paused.
        """
        self._run = run
        self._keeper = keeper
        self._evaluator: NetworkEvaluator | None = None

    def evaluate(self) -> bool:
        """Measure the acting weights against everybody left; False when leaving before the end."""
        run, progress = self._run, self._run.progress
        if not progress.opponents_left:
            return True
        run.begin_phase("evaluation", progress.iteration)
        opponents = len(progress.opponents_left)
        while progress.opponents_left:
            run.steering.wait_while_paused("evaluation", self._keeper.save)
            if run.steering.leaving:
                return False
            opponent = progress.opponents_left[0]
            result = self._play(opponent, opponents - len(progress.opponents_left), opponents)
            if result.stopped:
                continue
            self._record(opponent, result)
            del progress.opponents_left[0]
            if not progress.opponents_left:
                progress.score = result.score
        return True

    def _play(self, opponent: str, before: int, opponents: int) -> MatchResult:
        """Play `eval_games` paired games against `opponent`, without noise.

        The deals are the same for every iteration of a run: differences between iterations
        are then differences between networks.
        """
        run, config = self._run, self._run.config
        if self._evaluator is None:
            self._evaluator = NetworkEvaluator(
                run.learner.model,
                min(_GAMES_AT_ONCE, config.parallel_games),
                config.device,
                config.inference_precision,
            )
        self._evaluator.load_weights(run.learner.acting_weights())
        player = NetworkPlayer(
            self._evaluator,
            config.eval_simulations,
            playing_search(config),
            config.num_players,
            name=f"iteration {run.progress.iteration}",
        )
        return play_match(
            player,
            create_player(opponent, config.num_players),
            config.eval_games,
            config.seed * _SEED_STRIDE + 1,
            config.num_players,
            on_progress=lambda done, total: run.tell(
                before * total + done, opponents * total, "games"
            ),
            stop=run.steering.interrupts,
        )

    def _record(self, opponent: str, result: MatchResult) -> None:
        """The result in numbers."""
        self._run.journal.record(
            "evaluation",
            iteration=self._run.progress.iteration,
            opponent=opponent,
            games=result.games,
            wins=result.wins,
            draws=result.draws,
            losses=result.losses,
            score=result.score,
            low=result.low,
            high=result.high,
            margin=result.margin,
            simulations=self._run.config.eval_simulations,
        )
