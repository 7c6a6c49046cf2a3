"""Workers that die or hang during a real training: replaced, and nothing is different."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from tiny_training import alerts, state_of, tiny, train

pytestmark = pytest.mark.timeout(300)  # processes have to start, on a busy machine

SILENCE = "azul_tui.training.workers.SILENT_AFTER_S"


def workers():
    """Self-play processes of this process."""
    children = psutil.Process().children()
    return [child for child in children if "azul_tui.training.workers" in " ".join(child.cmdline())]


@pytest.mark.parametrize(
    ("number", "told"), [(signal.SIGKILL, "ended with code -9"), (signal.SIGSTOP, "said nothing")]
)
def test_a_worker_that_dies_or_hangs_is_replaced_and_the_run_ends_the_same(
    tmp_path, monkeypatch, number, told
):
    config = tiny(max_iterations=3, eval_frequency=0)
    train(tmp_path / "straight", config)
    hit = []

    def strike(record):
        """Hit a worker while it waits for the second iteration's games."""
        if record["event"] == "iteration" and record["iteration"] == 1:
            victim = workers()[0]
            os.kill(victim.pid, number)
            hit.append(victim.pid)
            monkeypatch.setattr(SILENCE, 5.0)
        elif record["event"] == "alert" and not psutil.pid_exists(hit[0]):
            monkeypatch.setattr(SILENCE, 180.0)  # the next one has to start, on a busy machine

    train(tmp_path / "run", config.replace(self_play_workers=2), listener=strike)
    assert len(hit) == 1
    assert [text for text in alerts(tmp_path / "run") if told in text]
    assert "its games are played again" in alerts(tmp_path / "run")[0]
    assert state_of(tmp_path / "run") == state_of(tmp_path / "straight")
    assert not workers()
