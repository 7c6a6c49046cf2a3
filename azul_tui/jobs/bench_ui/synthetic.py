"""A run that is written as a training writes it, once a second, and one of a million steps."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING

from azul_tui.runs.events import EventLog, encode
from azul_tui.runs.status import StatusWriter

if TYPE_CHECKING:
    from azul_tui.runs.paths import RunPaths


class SyntheticRun:
    """Writes a run as a training does: fifty steps a second, status and position once."""

    def __init__(self, paths: RunPaths, steps: int) -> None:
        self.paths = paths
        self.random = random.Random(1)
        self.step = 0
        paths.create()
        paths.config.write_text("max_iterations = 100\n", encoding="utf-8")
        self.log = EventLog(paths.events)
        self.log.append("run_started", name=paths.name, iteration=0, config={})
        for _ in range(steps):
            self._one_step()
        self.status = StatusWriter(paths.status, name=paths.name, job="train", interval_s=0.0)
        self.second()

    def _one_step(self) -> None:
        self.step += 1
        self.log.append("step", **losses(self.step, self.random))

    def second(self) -> None:
        """Everything that a training writes in a second."""
        for _ in range(50):
            self._one_step()
        iteration = self.step // 1000
        if self.step % 1000 < 50:
            rates = {"games_per_s": 6.0 + self.random.random(), "sims_per_s": 4e5}
            self.log.append("self_play", iteration=iteration, games=256, **rates)
            self.log.append("iteration", iteration=iteration, buffer_size=self.step * 10)
        self.status.update(
            force=True,
            phase="training",
            iteration=iteration,
            max_iterations=100,
            step=self.step,
            done=float(self.step % 1000),
            total=1000.0,
            unit="steps",
            left_s=3600.0,
            games_total=self.step,
            sims_per_s=4e5 + self.random.random() * 1e4,
            buffer_size=self.step * 10,
            buffer_capacity=500_000,
            learning_rate=1e-3,
            mcts_simulations=32,
            policy_entropy=1.9,
            total_loss=2.0,
        )
        with self.paths.log.open("a", encoding="utf-8") as log:
            log.write(f"step {self.step} done\n")
        positions = (
            "BBYK/RRWW/-/KKKY/- B1R2*",
            "BBYK/-/-/KKKY/- B1R4W2",
            "-/-/-/KKKY/- B3Y1R4K1W2",
        )
        wall = "...../...../...../...../....."
        tail = f"bag:B9K8 lid:- 24,-/Y2/-/-/W1,{wall},- 9,-/-/-/-/-,{wall},-"
        second = self.step // 50
        live = {
            "game": 9_000,
            "move": second,
            "position": f"azul2 r3 move:1 next:2 {positions[second % 3]} {tail}",
            "last_move": "R from 2 to line 3",
            "value": 0.3,
        }
        new = self.paths.directory / "live.new"
        new.write_text(json.dumps(live), encoding="utf-8")
        new.replace(self.paths.live)


def losses(step: int, source: random.Random) -> dict[str, float]:
    """The fields of a step record."""
    policy = 1.6 + 2.5 * math.exp(-step / 8000) + source.gauss(0, 0.05)
    value = 0.25 + 0.5 * math.exp(-step / 6000) + source.gauss(0, 0.02)
    return {
        "iteration": step // 1000,
        "step": step,
        "total_loss": policy + value,
        "policy_loss": policy,
        "value_loss": value,
        "learning_rate": 1e-3,
        "gradient_norm": abs(source.gauss(1, 0.2)),
    }


def write_steps(paths: RunPaths, count: int) -> None:
    """An event file of `count` steps (a multiple of 1,000), as fast as the disk takes it."""
    paths.create()
    source = random.Random(2)
    base = [losses(step, source) for step in range(1, 1001)]
    with paths.events.open("wb") as file:
        file.write(encode("run_started", 0.0, {"name": paths.name, "iteration": 0}))
        for start_step in range(0, count, 1000):
            lines = [
                encode("step", (start_step + i) * 0.02, values | {"step": start_step + i + 1})
                for i, values in enumerate(base)
            ]
            file.write(b"".join(lines))
