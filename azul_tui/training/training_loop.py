"""The loop: an iteration is self-play, training, now and then an evaluation and a checkpoint.

What is done and what is left stands in `RunProgress`, so that a resumed process enters the
iteration where the checkpoint left it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.errors import DivergedError
from azul_tui.training.evaluation import EvaluationPhase, opponents_due
from azul_tui.training.learning_phase import LearningPhase
from azul_tui.training.run_progress import LOSSES
from azul_tui.training.self_play_phase import SelfPlayPhase

if TYPE_CHECKING:
    from azul_tui.training.checkpoint_keeper import CheckpointKeeper
    from azul_tui.training.executors import SelfPlayExecutor
    from azul_tui.training.open_run import OpenRun
    from azul_tui.training.settings_file import SettingsFile


class TrainingLoop:
    """Iterations of one run, until a limit is reached or somebody asks to leave."""

    def __init__(
        self,
        run: OpenRun,
        executor: SelfPlayExecutor,
        keeper: CheckpointKeeper,
        settings_file: SettingsFile,
    ) -> None:
        """Put the phases together."""
        self._run = run
        self._keeper = keeper
        self._settings_file = settings_file
        self._self_play = SelfPlayPhase(run, executor, keeper)
        self._learning = LearningPhase(run, keeper)
        self._evaluation = EvaluationPhase(run, keeper)

    def run(self) -> bool:
        """Train; whether somebody asked to leave before the limits were reached.

        Raises:
            DivergedError: A loss or a weight is not finite; the last good checkpoint is named.
        """
        try:
            while self._is_wanted():
                finished = self._iterate()
                if not finished or self._run.steering.stop_after_iteration:
                    self._keeper.save_unsaved()
                    return True
            self._keeper.save_unsaved()
        except DivergedError as error:
            self._keeper.settle()
            text = f"{error}; {self._keeper.last_good()}"
            self._run.journal.alert(text, level="error")
            raise DivergedError(text) from None
        return False

    def _is_wanted(self) -> bool:
        """Whether the limits leave something to do."""
        config, progress = self._run.config, self._run.progress
        if progress.opponents_left:
            return True
        if config.max_minutes and self._run.stopwatch.seconds >= 60.0 * config.max_minutes:
            return False
        return progress.iteration < config.max_iterations

    def _iterate(self) -> bool:
        """One iteration, or what a checkpoint left of it; False when somebody asked to leave."""
        run, progress = self._run, self._run.progress
        run.iteration_began_s = run.stopwatch.seconds
        if not progress.opponents_left:
            iteration = progress.iteration + 1
            run.steering.iteration = iteration
            self._self_play.seconds = 0.0
            if not progress.played and not self._self_play.play(iteration):
                return False
            if not self._learning.learn(iteration):
                return False
            self._finish_iteration()
        if not self._evaluation.evaluate():
            return False
        run.time_left.finished(run.stopwatch.seconds - run.iteration_began_s)
        self._settings_file.bring_up_to_date(run.config)
        if self._keeper.is_due():
            # Somebody who asked for it is told of it at once.
            self._keeper.save(beside=not run.steering.checkpoint_wanted)
        return not run.steering.leaving

    def _finish_iteration(self) -> None:
        """Record the iteration and turn to the next."""
        run, progress = self._run, self._run.progress
        steps = progress.steps_done
        losses: dict[str, Any] = {
            name: progress.loss_sums[name] / steps if steps else None for name in LOSSES
        }
        progress.finish_iteration(opponents_due(run.config, progress.iteration + 1))
        record: dict[str, Any] = run.journal.record(
            "iteration",
            iteration=progress.iteration,
            **losses,
            successful_steps=steps,
            training_time=round(self._learning.seconds, 3),
            self_play_time=round(self._self_play.seconds, 3),
            buffer_size=len(run.learner.buffer),
            buffer_capacity=run.learner.buffer.capacity,
            games_total=progress.games_total,
            elapsed_s=round(run.stopwatch.seconds, 3),
        )
        run.history.append(record)
        run.journal.status(iteration=progress.iteration, step=run.learner.step.step, **losses)
