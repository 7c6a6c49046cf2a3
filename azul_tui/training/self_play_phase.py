"""The first half of an iteration: its games are played and kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from azul_tui.game.notation import describe_move, format_position
from azul_tui.game.view import view_position
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.training.workers import SelfPlayTask

if TYPE_CHECKING:
    from azul_tui.training.game_records import GameBatch, SelfPlayProgress
    from azul_tui.training.resuming import OpenRun
    from azul_tui.training.saving import CheckpointKeeper
    from azul_tui.training.workers import SelfPlayExecutor

_SHOW_EVERY_S = 1.0


class SelfPlayPhase:
    """Plays the games of one iteration after another."""

    def __init__(self, run: OpenRun, executor: SelfPlayExecutor, keeper: CheckpointKeeper) -> None:
        """Remember who plays and who keeps what was played."""
        self._run = run
        self._executor = executor
        self._keeper = keeper
        self._shown_s = -_SHOW_EVERY_S
        self._began_s = 0.0
        self.seconds = 0.0
        """Seconds that the last iteration's games took; 0 when they were played before."""

    def play(self, iteration: int) -> bool:
        """Play the iteration's games into the buffer; False when leaving before they are in."""
        run = self._run
        config = run.config
        first = run.progress.games_total
        task = SelfPlayTask(
            iteration - 1,
            np.arange(first, first + config.self_play_games_per_iteration),
            config,
            run.compute,
        )
        weights = run.learner.acting_weights()
        batch: GameBatch | None = None
        while batch is None:
            run.steering.wait_while_paused("self-play", self._keeper.save)
            if run.steering.leaving:
                return False
            run.begin_phase("self-play", iteration)
            self._began_s = run.stopwatch.seconds
            batch = self._executor.play(
                task,
                weights,
                on_progress=lambda seen: self._show(seen, len(task.numbers)),
                should_stop=run.steering.interrupts,
            )
        self.seconds = max(1e-9, run.stopwatch.seconds - self._began_s)
        if not self._keeper.keep_games(iteration, batch):
            return False
        run.progress.begin_training(config.training_steps_per_iteration)
        self._record(iteration, batch, config.mcts_simulations)
        return True

    def _record(self, iteration: int, batch: GameBatch, simulations: int) -> None:
        """The games in numbers.

        Sums over games are rounded: their last bits depend on who played which game.
        """
        run, tally = self._run, batch.tally
        entropy = round(tally.entropy / max(1, tally.policies), 6)
        rates: dict[str, Any] = {
            "games_per_s": tally.games / self.seconds,
            "sims_per_s": tally.simulations / self.seconds,
        }
        run.journal.record(
            "self_play",
            iteration=iteration,
            games=tally.games,
            positions=len(batch.states),
            seconds=round(self.seconds, 3),
            **rates,
            mean_moves=tally.moves / max(1, tally.games),
            first_seat_share=round(tally.first_seat_wins / max(1, tally.games), 6),
            policy_entropy=entropy,
            games_total=run.progress.games_total,
            simulations=simulations,
        )
        run.journal.status(
            games_total=run.progress.games_total,
            **rates,
            buffer_size=len(run.learner.buffer),
            buffer_capacity=run.learner.buffer.capacity,
            policy_entropy=entropy,
            mcts_simulations=simulations,
        )

    def _show(self, seen: SelfPlayProgress, games: int) -> None:
        """Status and the game to look at."""
        run = self._run
        now_s = run.stopwatch.seconds
        seconds = max(1e-9, now_s - self._began_s)
        run.journal.status(games_per_s=seen.games / seconds, sims_per_s=seen.simulations / seconds)
        run.tell(seen.games, games, "games")
        if now_s - self._shown_s < _SHOW_EVERY_S:
            return
        self._shown_s = now_s
        data = json.dumps(_live(seen, run.config.num_players)).encode() + b"\n"
        run.journal.show(lambda: write_bytes_atomically(run.paths.live, data, durable=False))


def _live(seen: SelfPlayProgress, players: int) -> dict[str, object]:
    """The content of `live.json`."""
    return {
        "game": seen.number,
        "move": seen.moves,
        "players": players,
        "position": format_position(view_position(np.frombuffer(seen.position, np.int8))),
        "last_move": describe_move(seen.last_action, players) if seen.last_action >= 0 else "",
        "value": seen.value,
    }
