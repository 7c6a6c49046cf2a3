"""Job verify-resume: a run that is killed again and again ends as if nothing had happened.

A small run is trained straight through, then again while its process is killed (SIGKILL) at
moments drawn from a seed: at any time, in the middle of an event record, of a checkpoint, of the
list of checkpoints or of the status, before and after a file is renamed into place. After each
kill it is resumed, now and then with another number of workers. In the end weights, optimizer,
generators, replay buffer, best model and event log must be those of the uninterrupted run, bit
by bit. When a run ends before all kills are spent, another one begins.
"""

from __future__ import annotations

import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from azul_tui.errors import AzulError, JobFailedError
from azul_tui.jobs.describe import in_words
from azul_tui.jobs.killed_run import NEVER, Moment
from azul_tui.jobs.nursery import Nursery
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status
from azul_tui.training.fingerprint import fingerprint

if TYPE_CHECKING:
    from azul_tui.jobs.context import JobContext

SETTINGS: Final = {
    "network_config": '"small"',
    "max_iterations": "8",
    "self_play_games_per_iteration": "8",
    "parallel_games": "8",
    "mcts_simulations": "4",
    "fast_simulations": "2",
    "full_search_fraction": "0.5",
    "max_considered_actions": "4",
    "training_steps_per_iteration": "8",
    "batch_size": "32",
    "min_buffer_size": "64",
    "buffer_capacity": "1500",
    "buffer_growth_iterations": "4",
    "learning_rate_schedule": '"cosine"',
    "warmup_steps": "5",
    "ema_decay": "0.9",
    "dropout": "0.1",
    "eval_frequency": "2",
    "eval_games": "4",
    "eval_simulations": "2",
    "eval_opponents": '["random", "greedy"]',
    "save_frequency": "2",
    "keep_latest_checkpoints": "2",
    "log_every_steps": "3",
}
"""A run of seconds in which everything happens that a checkpoint must remember."""
_SHARE_WITH_TWO_WORKERS: Final = 0.1
_SHARE_OF_FRESH_PROCESSES: Final = 0.2
"""The others are forked from one that has loaded everything: starting takes longest."""
_WEIGHTS: Final = {
    "time": 8,
    "append": 4,
    "checkpoint": 4,
    "manifest": 1,
    "rename": 2,
    "shard": 1,
    "status": 1,
}


@dataclass(slots=True)
class _Tally:
    """What has been found so far."""

    kills: int = 0
    runs: int = 0
    lost: int = 0
    """Runs that could not be resumed."""
    moments: Counter[str] = field(default_factory=Counter[str])
    differences: list[str] = field(default_factory=list[str])
    """Runs that ended in another state, with the parts that differ."""


def run(context: JobContext) -> dict[str, Any]:
    """Train, kill, resume, compare."""
    began = time.monotonic()
    wanted, seed = context.integer("kills"), context.integer("seed")
    root = Path(tempfile.mkdtemp(prefix="azul-verify-resume-"))
    runs = _KilledRuns(context, root, seed)
    tally = _Tally()
    try:
        reference = runs.straight()
        context.reporter.say(f"trained straight through: weights {reference['weights'][:16]}")
        while tally.kills < wanted and tally.lost == 0 and not context.stop.is_set():
            runs.train_while_killing(tally, wanted, reference)
    finally:
        runs.close()
    identical = not tally.differences and tally.lost == 0 and tally.kills > 0 < tally.runs
    if identical or context.stop.is_set():
        shutil.rmtree(root, ignore_errors=True)
    else:
        context.reporter.say(f"what differs is kept in {root}")
    seconds = time.monotonic() - began
    verdict = "all ended bit-identical" if identical else "NOT all ended the same"
    context.reporter.say(
        f"{tally.kills} kills in {tally.runs} runs: {verdict}, {tally.lost} lost, "
        f"{in_words(seconds)}"
    )
    return {
        "ok": identical,
        "kills": tally.kills,
        "identical": identical,
        "lost": tally.lost,
        "runs": tally.runs,
        "moments": dict(sorted(tally.moments.items())),
        "differences": tally.differences,
        "seconds": round(seconds, 1),
    }


class _KilledRuns:
    """Runs in a folder of their own, each a row of short-lived processes."""

    def __init__(self, context: JobContext, root: Path, seed: int) -> None:
        self._context = context
        self._root = root
        self._seed = seed
        self._draw = random.Random(seed)
        self._iteration_s = 0.5
        self._nursery = Nursery(root / "log.txt")

    def close(self) -> None:
        """End what is left of the processes."""
        self._nursery.close()

    def straight(self) -> dict[str, str]:
        """The uninterrupted run's state.

        Raises:
            JobFailedError: It did not end well.
        """
        code = self._live(Moment(NEVER), "train", "straight", workers=1)
        paths = RunPaths(self._root / "straight")
        status = read_status(paths.status)
        if code != 0 or status is None or status.state != "finished":
            raise JobFailedError(f"the uninterrupted run ended with code {code}: {self._last()}")
        self._iteration_s = max(0.05, (status.heartbeat - status.started) / status.iteration)
        return fingerprint(paths.directory)

    def train_while_killing(self, tally: _Tally, wanted: int, reference: dict[str, str]) -> None:
        """One run from its beginning to its end, and what became of it."""
        name = f"killed-{tally.runs + 1}"
        paths = RunPaths(self._root / name)
        job = "train"
        while not self._context.stop.is_set():
            moment = self._moment() if tally.kills < wanted else Moment(NEVER)
            workers = 2 if self._draw.random() < _SHARE_WITH_TWO_WORKERS else 1
            code = self._live(moment, job, name, workers)
            status = read_status(paths.status)
            if code == -signal.SIGKILL:
                tally.kills += 1
                tally.moments[moment.kind] += 1
                self._context.reporter.progress(tally.kills, wanted, "kills")
            elif self._context.stop.is_set():
                return
            elif code != 0:
                tally.lost += 1
                self._context.reporter.say(f"{name} could not go on after {moment}: {self._last()}")
                return
            if status is not None and status.state == "finished":
                break
            job = "resume" if paths.events.exists() else "train"
        else:
            return
        tally.runs += 1
        self._compare(name, tally, reference)

    def _compare(self, name: str, tally: _Tally, reference: dict[str, str]) -> None:
        """Hold the state of a finished run against the uninterrupted one's."""
        try:
            found = fingerprint(self._root / name)
        except AzulError as error:
            tally.differences.append(f"{name}: {error}")
        else:
            differing = [part for part, digest in reference.items() if found[part] != digest]
            if not differing:
                shutil.rmtree(self._root / name, ignore_errors=True)
                return
            tally.differences.append(f"{name}: {', '.join(differing)}")
        self._context.reporter.say(f"differs: {tally.differences[-1]}")

    def _moment(self) -> Moment:
        """When the next process is killed."""
        draw = self._draw
        kind = draw.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if kind == "time":
            return Moment(kind, round(draw.uniform(0.0, 3.0 * self._iteration_s), 3))
        most = {"append": 30, "shard": 3, "status": 12}.get(kind, 3)
        return Moment(kind, draw.randint(1, most), round(draw.random(), 3))

    def _live(self, moment: Moment, job: str, name: str, workers: int) -> int:
        """Run one process to its end; its exit code, negative for a signal."""
        overrides = [f"self_play_workers={workers}"]
        if job == "train":
            overrides += [f"{key}={value}" for key, value in SETTINGS.items()]
            overrides.append(f"seed={self._seed}")
        arguments = [str(moment), job, str(self._root), name, *overrides]
        fresh = self._draw.random() < _SHARE_OF_FRESH_PROCESSES
        return self._nursery.live(arguments, fresh=fresh, stop=self._context.stop.is_set)

    def _last(self) -> str:
        """The last lines that the processes printed."""
        text = self._nursery.log.read_text(encoding="utf-8", errors="replace")
        return " | ".join(text.splitlines()[-3:])
