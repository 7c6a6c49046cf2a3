"""How the best score so far was measured, and setting it back when it does not compare any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.training.measure import in_words, measure_of

if TYPE_CHECKING:
    from azul_tui.training.measure import Measure
    from azul_tui.training.open_run import OpenRun


class BestMeasure:
    """The measure of one run's best score."""

    def __init__(self, run: OpenRun) -> None:
        """There is no score before the first evaluation."""
        self._run = run
        self._measure: Measure | None = None

    def as_plain(self) -> list[object] | None:
        """For a checkpoint; `read_measure` reads it."""
        return None if self._measure is None else list(self._measure)

    def take(self, measure: Measure) -> None:
        """Know how the scores so far were measured."""
        self._measure = measure

    def take_current(self) -> None:
        """The settings in force measure from now on."""
        self._measure = measure_of(self._run.config)

    def forget_incomparable(self) -> bool:
        """Set the run's best score back when scores are measured otherwise by now, and say so.

        Returns whether it was.
        """
        run, best = self._run, self._run.progress.best_score
        old, new = self._measure, measure_of(run.config)
        if best is None or old is None or old == new or not run.config.eval_frequency:
            return False
        run.journal.alert(
            f"the best score so far, {100 * best:.1f}% {in_words(old)}, does not compare with "
            f"scores {in_words(new)}: it begins anew with the next best weights"
        )
        self._measure = None
        run.progress.best_score = None
        return True
