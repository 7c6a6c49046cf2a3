"""`make gpu-check` where there is no GPU: refused, and each of its steps taken on the processor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

CHECK = Path(__file__).parent / "gpu" / "check.py"
without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")


def check(*arguments):
    return subprocess.run(
        [sys.executable, CHECK, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@without_cuda
def test_without_cuda_it_says_so_in_one_sentence(tmp_path):
    done = check(tmp_path / "out")
    assert done.returncode == 2
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert "finds no CUDA device" in done.stderr
    assert not (tmp_path / "out").exists()


@without_cuda
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_step_is_taken_and_told(tmp_path):
    done = check(tmp_path / "out", "--dry-run")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert done.returncode == 0 and summary["ok"], (done.stdout, done.stderr, summary)
    steps = {step["step"]: step for step in summary["steps"]}
    assert list(steps) == ["doctor", "tests", "train", "status", "bench"]
    assert "skipped" in steps["tests"]["figures"]["told"], "there is no GPU for them"
    losses = steps["train"]["figures"]
    assert losses["last"] < losses["first"]
    assert "playouts_per_s" in " ".join(steps["bench"]["figures"])
    again = check(tmp_path / "out", "--dry-run")
    assert again.returncode == 2 and "is not empty" in again.stderr


def test_a_step_that_fails_or_takes_too_long_is_told_and_the_rest_still_run(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(CHECK.parent)
    from check import Check

    made = Check(tmp_path, dry=True)
    made.step("absent", 30, lambda left: made.call("absent", left, "no_such_module"))
    made.step(
        "slow", 1.5, lambda left: made.call("slow", left, "timeit", "-n1", "while True: pass")
    )
    made.step("broken", 30, lambda left: 1 / 0)
    made.step("well", 30, lambda left: {"figure": 1})
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [step["ok"] for step in summary["steps"]] == [False, False, False, True]
    assert not summary["ok"]
    reasons = [step.get("reason", "") for step in summary["steps"]]
    assert "ended with code 1" in reasons[0] and "longer than 2 s" in reasons[1]
    assert "ZeroDivisionError" in reasons[2]


def test_losses_that_rise_are_a_failure(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(CHECK.parent)
    from check import StepError, loss_figures

    log = tmp_path / "events.jsonl"
    for losses, message in (([1.0] * 4 + [2.0] * 8, "did not fall"), ([3.0, 1.0], "only 2")):
        log.write_text(
            "".join(json.dumps({"event": "step", "total_loss": loss}) + "\n" for loss in losses)
        )
        with pytest.raises(StepError, match=message):
            loss_figures(log)
