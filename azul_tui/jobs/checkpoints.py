"""Job 4: checkpoints written, cleaned up, and the best one loaded again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from azul_tui.jobs.demonstration import new_network, play_games
from azul_tui.training.components import create_training_components

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext

ITERATIONS = (5, 10, 15)
_STEPS = 20
_BATCH = 64


def run(context: JobContext) -> dict[str, Any]:
    """Save at 5, 10 and 15; show the history; load the best and say what came back."""
    say = context.reporter.say
    demo = play_games(context, 8)
    with tempfile.TemporaryDirectory(prefix="azul-tui-") as folder:
        step, manager = create_training_components(
            model=demo.network,
            replay_buffer=demo.buffer,
            batch_size=_BATCH,
            save_dir=folder,
            save_frequency=5,
            keep_latest=context.integer("keep_latest_checkpoints"),
        )
        for iteration in range(1, ITERATIONS[-1] + 1):
            stats = step.train_for_steps(_STEPS)
            if not manager.should_save_checkpoint(iteration):
                continue
            # The demo has no opponent at hand: a lower loss counts as a better score.
            score = -stats["total_loss"]
            path = manager.save_checkpoint(step.model, step.optimizer, iteration, stats, score)
            say(f"saved {path.name}: {path.stat().st_size / 1e6:.1f} MB, score {score:.4f}")
            context.reporter.record(
                "checkpoint",
                iteration=iteration,
                file=path.name,
                score=score,
                best=manager.best_score == score,
                bytes=path.stat().st_size,
            )
        files = sorted(path.name for path in Path(folder).glob("*.pt"))
        say("files: " + ", ".join(files))
        best = manager.get_best_checkpoint()
        if best is None:
            return {"ok": False, "files": files}
        fresh = new_network(context)
        restored = manager.load_checkpoint(best, fresh)
        same = all(
            torch.equal(mine, loaded)
            for mine, loaded in zip(
                step.model.state_dict().values(), fresh.state_dict().values(), strict=True
            )
        )
        say(
            f"loaded {best.name}: iteration {restored['iteration']}, score "
            f"{restored['score']:.4f}, {fresh.parameter_count:,} parameters restored"
            + (", equal to those in memory" if same else "")
        )
        history = [
            {"iteration": entry.iteration, "score": entry.score, "file": entry.file}
            for entry in manager.checkpoint_history
        ]
        return {
            "files": files,
            "history": history,
            "best_score": manager.best_score,
            "restored_iteration": restored["iteration"],
            "parameters": fresh.parameter_count,
        }
