"""The second half of an iteration: training steps on what the buffer holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.training.run_progress import LOSSES

if TYPE_CHECKING:
    from azul_tui.training.checkpoint_keeper import CheckpointKeeper
    from azul_tui.training.open_run import OpenRun
    from azul_tui.training.training_step import StepReport


class LearningPhase:
    """Makes the training steps of one iteration after another."""

    def __init__(self, run: OpenRun, keeper: CheckpointKeeper) -> None:
        """Remember who saves, for people who ask for a checkpoint meanwhile."""
        self._run = run
        self._keeper = keeper
        self.seconds = 0.0
        """Seconds of the steps that this process made in the last iteration."""

    def learn(self, iteration: int) -> bool:
        """Make the steps that are left; False when leaving before the last.

        Raises:
            DivergedError: A loss or the gradient is not finite.
        """
        run, progress = self._run, self._run.progress
        self.seconds = 0.0
        run.begin_phase("training", iteration)
        while progress.steps_done < progress.steps_wanted:
            chunk = min(run.config.log_every_steps, progress.steps_wanted - progress.steps_done)
            report = run.learner.train(chunk, run.config, lambda seen: self._show(seen, iteration))
            done = int(report["successful_steps"])
            if done == 0:  # the buffer is still too small
                break
            self.seconds += report["training_time"]
            progress.steps_done += done
            for name in LOSSES:
                progress.loss_sums[name] = progress.loss_sums.get(name, 0.0) + done * report[name]
            run.tell(progress.steps_done, progress.steps_wanted, "steps")
            run.steering.wait_while_paused("training", self._keeper.save)
            if run.steering.checkpoint_wanted:
                self._keeper.save()
            if run.steering.leaving and progress.steps_done < progress.steps_wanted:
                return False
        return True

    def _show(self, seen: StepReport, iteration: int) -> None:
        """Record the means over the last steps."""
        losses = {name: getattr(seen, name) for name in LOSSES}
        self._run.journal.record(
            "step",
            iteration=iteration,
            step=seen.step,
            **losses,
            learning_rate=seen.learning_rate,
            gradient_norm=seen.gradient_norm,
        )
        self._run.journal.status(**losses)
