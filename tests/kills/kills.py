"""A run that is killed again and again ends as if nothing had happened: `make kills`.

A small run is trained straight through, then again while its process is killed (SIGKILL) at
moments drawn from a seed: at any time, in the middle of an event record, of a checkpoint, of the
list of checkpoints or of the status, before and after a file is renamed into place. After each
kill it is resumed, now and then with another number of workers. In the end weights, optimizer,
generators, replay buffer and best model must be those of the uninterrupted run, bit by bit, and
so must the results that a reader of the event log is left with. When a run ends before all kills
are spent, another one begins. The last line printed is one JSON object; the exit code is 1 when
anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from fingerprint import fingerprint  # noqa: E402
from killed_run import NEVER, Moment  # noqa: E402

from azul_tui.errors import AzulError  # noqa: E402
from azul_tui.runs.control import job_environment  # noqa: E402
from azul_tui.runs.paths import RunPaths  # noqa: E402
from azul_tui.runs.status import read_status  # noqa: E402

SETTINGS = {
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
_SHARE_WITH_TWO_WORKERS = 0.1
_SHARE_OF_FRESH_PROCESSES = 0.2
"""The others are forked from one that has loaded everything: starting takes longest."""
_LONGEST_LIFE_S = 300.0
_WEIGHTS = {
    "time": 8,
    "append": 4,
    "checkpoint": 4,
    "manifest": 1,
    "rename": 2,
    "shard": 1,
    "status": 1,
}


@dataclass(slots=True)
class Tally:
    """What has been found so far."""

    kills: int = 0
    runs: int = 0
    lost: int = 0
    """Runs that could not be resumed."""
    moments: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    """Runs that ended in another state, with the parts that differ."""


class KilledRuns:
    """Runs in a folder of their own, each a row of short-lived processes."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root = root
        self._seed = seed
        self._draw = random.Random(seed)
        self._iteration_s = 0.5
        self._log = root / "log.txt"
        self._server: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the process that the others are forked from."""
        if self._server is not None:
            self._end(self._server)

    def straight(self) -> dict[str, str]:
        """The uninterrupted run's state."""
        code = self._live(Moment(NEVER), "train", "straight", workers=1)
        paths = RunPaths(self._root / "straight")
        status = read_status(paths.status)
        if code != 0 or status is None or status.state != "finished":
            sys.exit(f"the uninterrupted run ended with code {code}: {self._last()}")
        self._iteration_s = max(0.05, (status.heartbeat - status.started) / status.iteration)
        return fingerprint(paths.directory)

    def train_while_killing(self, tally: Tally, wanted: int, reference: dict[str, str]) -> None:
        """One run from its beginning to its end, and what became of it."""
        name = f"killed-{tally.runs + 1}"
        paths = RunPaths(self._root / name)
        job = "train"
        while True:
            moment = self._moment() if tally.kills < wanted else Moment(NEVER)
            workers = 2 if self._draw.random() < _SHARE_WITH_TWO_WORKERS else 1
            code = self._live(moment, job, name, workers)
            status = read_status(paths.status)
            if code == -signal.SIGKILL:
                tally.kills += 1
                tally.moments[moment.kind] += 1
            elif code != 0:
                tally.lost += 1
                say(f"{name} could not go on after {moment}: {self._last()}")
                return
            if status is not None and status.state == "finished":
                break
            job = "resume" if paths.events.exists() else "train"
        tally.runs += 1
        self._compare(name, tally, reference)

    def _compare(self, name: str, tally: Tally, reference: dict[str, str]) -> None:
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
        say(f"differs: {tally.differences[-1]}")

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
        if fresh or sys.platform != "linux":
            process = self._start(arguments)
            return process.returncode if _ended(process.poll) else self._end(process)
        server = self._server = self._server or self._start(["serve"])
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(json.dumps(arguments).encode() + b"\n")
        server.stdin.flush()
        answer = server.stdout
        if not _ended(lambda: select.select([answer], [], [], 0.02)[0] or None):
            return self._end(server)
        line = answer.readline()
        return int(line) if line else self._end(server)

    def _start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        served = arguments == ["serve"]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(HERE / "killed_run.py"), *arguments],
                stdin=subprocess.PIPE if served else subprocess.DEVNULL,
                stdout=subprocess.PIPE if served else log,
                stderr=log,
                start_new_session=True,
                env=job_environment(),
            )

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        """Kill a process with all that it started; 124, the code of one that hangs."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        if process is self._server:
            self._server = None
        return 124

    def _last(self) -> str:
        """The last lines that the processes printed."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return " | ".join(text.splitlines()[-3:])


def _ended(poll) -> bool:
    """Wait until `poll` says something; False when that takes too long."""
    deadline = time.monotonic() + _LONGEST_LIFE_S
    while poll() is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def say(text: str) -> None:
    """Tell what happens, beside the result."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Train, kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    root = Path(tempfile.mkdtemp(prefix="azul-kills-"))
    runs = KilledRuns(root, options.seed)
    tally = Tally()
    try:
        reference = runs.straight()
        say(f"trained straight through: weights {reference['weights'][:16]}")
        while tally.kills < options.kills and tally.lost == 0:
            runs.train_while_killing(tally, options.kills, reference)
    finally:
        runs.close()
    identical = not tally.differences and tally.lost == 0 and tally.kills > 0 < tally.runs
    if identical:
        shutil.rmtree(root, ignore_errors=True)
    else:
        say(f"what differs is kept in {root}")
    result = {
        "event": "result",
        "job": "kills",
        "kills": tally.kills,
        "identical": identical,
        "lost": tally.lost,
        "runs": tally.runs,
        "moments": dict(sorted(tally.moments.items())),
        "differences": tally.differences,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(result))
    return 0 if identical else 1


if __name__ == "__main__":
    sys.exit(main())
