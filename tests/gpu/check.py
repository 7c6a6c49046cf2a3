"""Everything that needs a CUDA device, in at most eight minutes: `make gpu-check`.

Tests marked `gpu`, three minutes of the preset `gpu` whose losses have to fall, figures of
nvidia-ml-py in the run's status, and bench with CUDA beside the processor. Each step has a limit
of time; one that fails is told and the others still run. Everything lies in one folder, with a
`summary.json`. `--dry-run` takes the same steps on a processor, with next to nothing to do.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
LIMIT_S = 480.0
"""Of all steps together."""
RUN = "gpu-check"
SMALLER = {
    "max_minutes": 3,
    # The preset's own iterations take longer than the check.
    "self_play_games_per_iteration": 2_048,
    "training_steps_per_iteration": 200,
    "min_buffer_size": 20_000,
    "eval_frequency": 0,
}
DRY = {
    "device": "cpu",
    "network_config": "small",
    "max_minutes": 0.3,
    "self_play_games_per_iteration": 32,
    "self_play_workers": 1,
    "parallel_games": 32,
    "mcts_simulations": 24,
    "training_steps_per_iteration": 60,
    "batch_size": 64,
    "learning_rate": 0.003,
    "warmup_steps": 10,
    "buffer_capacity": 50_000,
    "min_buffer_size": 500,
    "log_every_steps": 5,
}
LEAST_RECORDS = 6


class StepError(Exception):
    """Says in one sentence why a step failed."""


class Check:
    """The steps, what they found, and the time that is left."""

    def __init__(self, folder: Path, *, dry: bool):
        self.folder, self.dry = folder, dry
        self.deadline = time.monotonic() + LIMIT_S
        self.steps: list[dict[str, object]] = []

    def step(self, name, limit_s, work):
        """Do one step and write the summary anew."""
        began = time.monotonic()
        found: dict[str, object] = {"step": name, "ok": True}
        try:
            found["figures"] = work(min(limit_s, self.deadline - began))
        except StepError as error:
            found |= {"ok": False, "reason": str(error)}
        except Exception as error:  # a step that breaks must not end the others
            found |= {"ok": False, "reason": f"{type(error).__name__}: {error}"}
        found["seconds"] = round(time.monotonic() - began, 1)
        self.steps.append(found)
        print(
            f"{name:<10} {'ok' if found['ok'] else 'FAILED: ' + str(found['reason'])}", flush=True
        )
        summary = {"ok": all(step["ok"] for step in self.steps), "steps": self.steps}
        (self.folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")

    def call(self, name, limit_s, *command):
        """Run a program with its output in the folder; returns that output.

        Raises:
            StepError: It took too long or ended with another code than 0.
        """
        if limit_s <= 1:
            raise StepError(f"no time was left of {LIMIT_S:.0f} s")
        output = self.folder / f"{name}.out"
        with output.open("wb") as file, (self.folder / f"{name}.err").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdout=file,
                stderr=errors,
                start_new_session=True,
                cwd=TESTS.parent,
            )
            try:
                code = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise StepError(f"took longer than {limit_s:.0f} s; see {output.name}") from None
        if code != 0:
            raise StepError(f"ended with code {code}; see {output.name} and {name}.err")
        return output.read_text("utf-8", "replace")

    def doctor(self, limit_s):
        """What the machine is."""
        told = self.call("doctor", limit_s, "azul_tui", "--run", "doctor", "--json")
        return last_record(told)["findings"]

    def tests(self, limit_s):
        """Tests marked `gpu`; skipping is not passing."""
        told = self.call("tests", limit_s, "pytest", "-n", "0", "-m", "gpu", "-rs", str(TESTS))
        line = told.strip().splitlines()[-1]
        if "skipped" in told.lower() and not self.dry:
            raise StepError("some were skipped; see tests.out")
        return {"told": line}

    def train(self, limit_s):
        """Minutes of the preset, whose losses have to fall."""
        changes = {**SMALLER, **(DRY if self.dry else {})}
        settings = [f"--set={name}={json.dumps(value)}" for name, value in changes.items()]
        runs = ["--dir", str(self.folder / "runs"), "--name", RUN]
        self.call(
            "train", limit_s, "azul_tui", "--run", "train", "--config", "gpu", "--yes", "--json",
            *runs, *settings,
        )  # fmt: skip
        return loss_figures(self.folder / "runs" / RUN / "events.jsonl")

    def status(self, limit_s):
        """What the driver told of the GPU while the run went on."""
        status = json.loads((self.folder / "runs" / RUN / "status.json").read_text())
        figures = {name: value for name, value in status.items() if name.startswith("gpu")}
        if not self.dry and not figures.get("gpu_memory_used"):
            raise StepError("status.json has no figures of the GPU: is nvidia-ml-py installed?")
        return figures

    def bench(self, limit_s):
        """CUDA beside the processor."""
        only = '["playouts"]' if self.dry else '["small", "medium", "step"]'
        runs = ["--dir", str(self.folder)]
        told = self.call(
            "bench", limit_s, "azul_tui", "--run", "bench", "--json", f"--set=only={only}", *runs
        )
        figures = last_record(told)["figures"]
        if not self.dry and not any("cuda" in name for name in figures):
            raise StepError("bench measured nothing on CUDA; see bench.out")
        return figures


def last_record(text):
    """The last JSON line of a job's output."""
    return json.loads(text.strip().splitlines()[-1])


def loss_figures(events):
    """Losses at the beginning and the end of a run.

    Raises:
        StepError: They did not fall, or there are too few to tell.
    """
    steps = [json.loads(line) for line in events.read_text().splitlines() if line.strip()]
    losses = [step["total_loss"] for step in steps if step["event"] == "step"]
    if len(losses) < LEAST_RECORDS:
        raise StepError(f"only {len(losses)} records of training steps were written")
    # Losses fall fastest in the first steps, and waver later with what was played last.
    figures = {
        "records": len(losses),
        "first": round(statistics.fmean(losses[:2]), 4),
        "last": round(statistics.fmean(losses[-max(2, len(losses) // 10) :]), 4),
    }
    if figures["last"] >= figures["first"]:
        raise StepError(f"the losses did not fall: {figures['first']} to {figures['last']}")
    return figures


def main():
    """Take every step; 0 when all are well, 1 when one failed, 2 without a CUDA device."""
    parser = argparse.ArgumentParser(description="Checks all that needs a CUDA device.")
    parser.add_argument("folder", type=Path, help="where everything that is found goes")
    parser.add_argument("--dry-run", action="store_true", help="the same steps on a processor")
    arguments = parser.parse_args()
    if not arguments.dry_run and (reason := why_not()):
        print(f"gpu-check: {reason}", file=sys.stderr)
        return 2
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        print(f"gpu-check: {arguments.folder} is not empty; name another folder", file=sys.stderr)
        return 2
    check = Check(folder, dry=arguments.dry_run)
    check.step("doctor", 40, check.doctor)
    check.step("tests", 130, check.tests)
    check.step("train", 250, check.train)
    check.step("status", 5, check.status)
    check.step("bench", 100, check.bench)
    failed = [step for step in check.steps if not step["ok"]]
    print(f"{len(check.steps) - len(failed)} of {len(check.steps)} steps are well; see {folder}")
    return 1 if failed else 0


def why_not():
    """Why nothing can be checked here, in one sentence; "" when it can."""
    try:
        import torch
    except Exception as error:
        return f"torch does not work here ({error}); azul-tui --run doctor says more"
    if torch.cuda.is_available():
        return ""
    return (
        f"torch {torch.__version__} finds no CUDA device here; run this on a machine with one and "
        "a build of torch for CUDA"
    )


if __name__ == "__main__":
    sys.exit(main())
