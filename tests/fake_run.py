"""A run directory with seeded numbers, as a training job would write it."""

from __future__ import annotations

import json
import math
import os
import random
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

START = 1_700_000_000.0
POSITION = (
    "azul2 r3 move:1 next:2 BBYK/RRWW/-/YKKK/- B1Y1R2W1* bag:B9K8 lid:- "
    "24,-/Y2/R1/-/W3,B..../.B.../...../...../..K..,K2 "
    "19,B1/-/-/K2/-,.Y.../...../..B../...../Y....,-"
)


@dataclass
class FakeRun:
    """Writes the files of one run; every number follows from the seed."""

    directory: Path
    seed: int = 0
    steps_per_iteration: int = 100
    step_s: float = 0.5

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.t = START
        self.step = 0
        self.iteration = 0
        self.games = 0
        for folder in (self.directory, self.directory / "control", self.directory / "games"):
            folder.mkdir(parents=True, exist_ok=True)

    def event(self, kind: str, **fields: Any) -> None:
        record = {"event": kind, "t": round(self.t, 3), **fields}
        with (self.directory / "events.jsonl").open("a") as file:
            file.write(json.dumps(record, separators=(",", ":")) + "\n")

    def say(self, text: str) -> None:
        with (self.directory / "log.txt").open("a") as file:
            file.write(text + "\n")

    def start(self, **config: Any) -> None:
        settings = {"batch_size": 256, "learning_rate": 0.001, "max_iterations": 100} | config
        (self.directory / "config.toml").write_text(
            "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        )
        self.event(
            "run_started",
            name=self.directory.name,
            version="0.1.0",
            host="box",
            pid=4242,
            config=settings,
            resumed_from=None,
            iteration=0,
        )
        self.say("training starts")

    def losses(self) -> dict[str, float]:
        r, progress = self.random, self.step / 3000
        policy = 1.55 + 3.0 * math.exp(-progress * 1.5) + r.gauss(0, 0.05)
        value = 0.22 + 0.7 * math.exp(-progress * 2.0) + r.gauss(0, 0.03)
        return {
            "total_loss": round(policy + value, 5),
            "policy_loss": round(policy, 5),
            "value_loss": round(value, 5),
        }

    def one_step(self) -> None:
        self.step += 1
        self.t += self.step_s
        self.event(
            "step",
            iteration=self.iteration,
            step=self.step,
            **self.losses(),
            learning_rate=0.001,
            gradient_norm=round(abs(self.random.gauss(1, 0.2)), 4),
        )

    def checkpoint_file(self, name: str) -> None:
        """A container like the real one: whole, and small on the disk."""
        with zipfile.ZipFile(self.directory / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{name[:-3]}/data.pkl", b"no weights")
            archive.writestr(f"{name[:-3]}/data/0", bytes(200_000))

    def one_iteration(self) -> None:
        self.iteration += 1
        n, r = self.iteration, self.random
        self.event("phase", phase="self-play", iteration=n)
        self.t += 40
        self.games += 256
        self.event(
            "self_play",
            iteration=n,
            games=256,
            positions=14000,
            seconds=40.0,
            games_per_s=round(6.4 + r.gauss(0, 0.2), 3),
            sims_per_s=round(412_000 + r.gauss(0, 8000)),
            mean_moves=round(54 + r.gauss(0, 1), 2),
            first_seat_share=round(0.54 + r.gauss(0, 0.02), 3),
            policy_entropy=round(2.2 - 0.01 * n, 3),
            games_total=self.games,
        )
        self.event("phase", phase="training", iteration=n)
        for _ in range(self.steps_per_iteration):
            self.one_step()
        self.event(
            "iteration",
            iteration=n,
            **self.losses(),
            successful_steps=self.steps_per_iteration,
            training_time=20.0,
            self_play_time=40.0,
            buffer_size=min(500_000, 14000 * n),
            buffer_capacity=500_000,
            games_total=self.games,
            elapsed_s=self.t - START,
        )
        score = None
        if n % 5 == 0:
            self.event("phase", phase="evaluation", iteration=n)
            for opponent, pace in (("random", 3), ("greedy", 25)):
                score = round(min(0.99, 1 - math.exp(-n / pace)), 4)
                self.event(
                    "evaluation",
                    iteration=n,
                    opponent=opponent,
                    games=200,
                    wins=int(200 * score),
                    draws=0,
                    losses=200 - int(200 * score),
                    score=score,
                    low=max(0.0, score - 0.05),
                    high=min(1.0, score + 0.05),
                    margin=round(score * 40 - 20, 1),
                    simulations=32,
                )
            name = f"checkpoint_iter_{n:06d}.pt"
            self.checkpoint_file(name)
            self.event("checkpoint", iteration=n, file=name, score=score, best=True, seconds=0.1)
            self.say(f"{name}  best so far")
        self.say(f"iteration {n} done in 1 min 52 s")

    def status(self, state: str = "running", **fields: Any) -> None:
        values = {
            "name": self.directory.name,
            "job": "train",
            "pid": os.getpid(),
            "host": "elsewhere",
            "started": START,
            "heartbeat": self.t,
            "state": state,
            "phase": "self-play",
            "iteration": self.iteration,
            "max_iterations": 100,
            "step": self.step,
            "done": 171,
            "total": 256,
            "unit": "games",
            "left_s": 4320.0,
            "games_total": self.games,
            "games_per_s": 6.4,
            "sims_per_s": 412_000.0,
            "buffer_size": min(500_000, 14000 * self.iteration),
            "buffer_capacity": 500_000,
            "learning_rate": 0.001,
            "mcts_simulations": 32,
            "policy_entropy": 1.9,
            **self.losses(),
            "best_score": 0.78,
            "last_checkpoint": f"checkpoint_iter_{self.iteration // 5 * 5:06d}.pt",
        } | fields
        self._replace("status.json", values)

    def live(self, move: int = 23) -> None:
        self._replace(
            "live.json",
            {
                "game": self.games + 4,
                "move": move,
                "players": 2,
                "position": POSITION,
                "last_move": "R from 2 to line 3",
                "value": 0.31,
            },
        )

    def _replace(self, name: str, values: dict[str, Any]) -> None:
        path = self.directory / name
        path.with_suffix(".new").write_text(json.dumps(values))
        path.with_suffix(".new").replace(path)


def make_run(directory: Path, iterations: int = 37, *, seed: int = 0, **options: Any) -> FakeRun:
    """A run of `iterations` that is still going on at `run.t`."""
    state = options.pop("state", "running")
    run = FakeRun(directory, seed=seed)
    run.start(**options)
    for _ in range(iterations):
        run.one_iteration()
    if iterations > 12:
        run.event(
            "setting", key="learning_rate", old=0.002, new=0.001, iteration=12, takes_effect="next"
        )
    run.status(state)
    run.live()
    return run
