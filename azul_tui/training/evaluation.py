"""Measuring a network while it trains: scripted players, the best weights so far, ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from azul_tui.arena.match import play_match
from azul_tui.network import NetworkEvaluator
from azul_tui.players.network import NetworkPlayer
from azul_tui.players.registry import create_player
from azul_tui.training.gate import (
    BEST,
    GAMES_BETWEEN_LOOKS,
    accepts,
    evaluation_seed,
    has_gate,
    play_gate,
    record_gate,
    weights_of_best,
)
from azul_tui.training.match_records import match_file, write_match_games
from azul_tui.training.playing_search import playing_search
from azul_tui.training.run_ratings import RunRatings

if TYPE_CHECKING:
    from azul_tui.arena.match import MatchResult
    from azul_tui.config import TrainingConfig
    from azul_tui.training.checkpoint_keeper import CheckpointKeeper
    from azul_tui.training.open_run import OpenRun

_GAMES_AT_ONCE: Final = 256
RATINGS: Final = "ratings"
"""Stands last among what an evaluation has left: the fit of all games so far."""


def opponents_due(config: TrainingConfig, iteration: int) -> tuple[str, ...]:
    """Whom the weights of an iteration are to be measured against; nobody most of the time.

    Behind the players come the gate, if there is one, and the ratings. Without a player to
    measure against there is no score, and nothing that these two could build on.
    """
    if not (config.eval_frequency and config.eval_opponents):
        return ()
    if iteration % config.eval_frequency and iteration < config.max_iterations:
        return ()
    gate = (BEST,) if has_gate(config) else ()
    return (*config.eval_opponents, *gate, RATINGS)


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
        self._of_gate: tuple[NetworkEvaluator, NetworkEvaluator] | None = None
        self._ratings: RunRatings | None = None
        self._began_s = run.stopwatch.seconds
        self._gates_s = 0.0

    def evaluate(self) -> bool:
        """Measure the acting weights against everybody left; False when leaving before the end."""
        run, progress = self._run, self._run.progress
        if not progress.opponents_left:
            return True
        run.begin_phase("evaluation", progress.iteration)
        if self._ratings is None:
            self._ratings = RunRatings(run)
        opponents = len(progress.opponents_left)
        while progress.opponents_left:
            run.steering.wait_while_paused("evaluation", self._keeper.save)
            if run.steering.leaving:
                return False
            before = opponents - len(progress.opponents_left)
            if self._take(progress.opponents_left[0], self._ratings, before, opponents):
                del progress.opponents_left[0]
        progress.score = progress.measured
        return True

    def _take(self, opponent: str, ratings: RunRatings, before: int, opponents: int) -> bool:
        """One part of an evaluation; False when it was interrupted."""
        if opponent == RATINGS:
            return ratings.rate()
        if opponent == BEST:
            return self._pass_gate(ratings, before, opponents)
        config = self._run.config
        # The deals are the same for every iteration of a run: differences between iterations
        # are then differences between networks.
        result = play_match(
            self._candidate(),
            create_player(opponent, config.num_players),
            config.eval_games,
            evaluation_seed(config),
            config.num_players,
            on_progress=lambda done, total: self._run.tell(
                before * total + done, opponents * total, "games"
            ),
            stop=self._run.steering.interrupts,
        )
        if result.stopped or not ratings.keep(result):
            return False
        self._record(opponent, result)
        self._keep_games(opponent, result)
        self._run.progress.measured = result.score
        return True

    def _pass_gate(self, ratings: RunRatings, before: int, opponents: int) -> bool:
        """Test the acting weights against the best so far; False when interrupted."""
        run, progress = self._run, self._run.progress
        began_s = run.stopwatch.seconds
        found = weights_of_best(run)
        if found is None:
            progress.accepted = True
            record_gate(run, 0, None, 0.0, 0.0)
            return True
        iteration, weights = found
        if self._of_gate is None:
            # Its games are few at once: larger batches would be evaluated half empty.
            rows = GAMES_BETWEEN_LOOKS
            self._of_gate = (self._new_evaluator(rows), self._new_evaluator(rows))
        newest_evaluator, best_evaluator = self._of_gate
        newest_evaluator.load_weights(run.learner.acting_weights())
        best_evaluator.load_weights(weights)
        result = play_gate(
            run,
            self._player(newest_evaluator, progress.iteration),
            self._player(best_evaluator, iteration),
            before,
            opponents,
        )
        if result.stopped or not ratings.keep(result):
            return False
        progress.accepted = accepts(result)
        seconds = run.stopwatch.seconds - began_s
        self._gates_s += seconds
        share = self._gates_s / max(1e-9, run.stopwatch.seconds - self._began_s)
        record_gate(run, iteration, result, seconds, share)
        return True

    def _candidate(self) -> NetworkPlayer:
        """The acting weights, as a player."""
        if self._evaluator is None:
            self._evaluator = self._new_evaluator(_GAMES_AT_ONCE)
        self._evaluator.load_weights(self._run.learner.acting_weights())
        return self._player(self._evaluator, self._run.progress.iteration)

    def _new_evaluator(self, rows: int) -> NetworkEvaluator:
        """Room for batches of so many positions, or of as many as self-play has."""
        config, compute = self._run.config, self._run.compute
        return NetworkEvaluator(
            self._run.learner.model,
            min(rows, config.parallel_games),
            compute.device,
            compute.inference_precision,
            compute.inference,
        )

    def _player(self, evaluator: NetworkEvaluator, iteration: int) -> NetworkPlayer:
        config = self._run.config
        return NetworkPlayer(
            evaluator,
            config.eval_simulations,
            playing_search(config),
            config.num_players,
            name=f"iteration {iteration}",
        )

    def _record(self, opponent: str, result: MatchResult) -> None:
        """The result in numbers."""
        self._run.journal.record(
            "evaluation",
            iteration=self._run.progress.iteration,
            opponent=opponent,
            **result.tally(),
            simulations=self._run.config.eval_simulations,
        )

    def _keep_games(self, opponent: str, result: MatchResult) -> None:
        """A few of its games, to replay."""
        run, iteration = self._run, self._run.progress.iteration
        file = match_file(run.paths.games, f"eval_{iteration:06d}", opponent)
        title = f"iteration {iteration} against {opponent}"
        run.journal.persistently(lambda: write_match_games(file, title, result.results))
