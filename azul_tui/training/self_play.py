"""Self-play with one evaluator: game numbers in, samples out.

Letters: N samples, S bytes a position, A actions, V values.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import observation_size
from azul_tui.search.settings import SearchSettings
from azul_tui.search.tree import allocate_tree
from azul_tui.training.afterstate_targets import afterstate_rows, average_refills, place_in_game
from azul_tui.training.desk import PlaySettings, allocate_desk
from azul_tui.training.game_batch import (
    GameBatch,
    PlayedGame,
    SelfPlayProgress,
    SelfPlayTally,
    merge_batches,
)
from azul_tui.training.recording import play_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.config import TrainingConfig
    from azul_tui.search.evaluator import Evaluator

MOST_SAMPLES: int = 512
"""Samples kept of one game; a real one has about 60, a stalling one might never end."""
_OUTBOX_GAMES: int = 64
CALLS_BETWEEN_REPORTS: int = 64


def search_settings(config: TrainingConfig) -> SearchSettings:
    """The search that `config` asks for."""
    return SearchSettings(
        gumbel=config.search == "gumbel",
        max_considered_actions=config.max_considered_actions,
        c_visit=config.c_visit,
        c_scale=config.c_scale,
        c_puct=config.c_puct,
        dirichlet_alpha=config.dirichlet_alpha,
        dirichlet_fraction=config.dirichlet_fraction,
        sampled_chance=config.chance == "sampled",
    )


def play_settings(config: TrainingConfig) -> PlaySettings:
    """The way of playing games that `config` asks for."""
    return PlaySettings(
        seed=np.uint64(config.seed),
        simulations=config.mcts_simulations,
        fast_simulations=config.fast_simulations,
        full_search_fraction=config.full_search_fraction,
        temperature=config.temperature,
        temperature_threshold=config.temperature_threshold,
        value_target_mix=config.value_target_mix,
        value_target_lambda=config.value_target_lambda,
    )


class SelfPlay:
    """Places, trees and an outbox for playing many games at once with one evaluator."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        rules: PlaySettings,
        players: int = 2,
        *,
        afterstate_samples: int = 0,
    ) -> None:
        """Allocate for `evaluator.batch_size` games at once.

        Args:
            evaluator: The network that plays.
            settings: Constants of the search.
            rules: How games are played.
            players: P.
            afterstate_samples: Refills whose mean value is an afterstate's target; 0 takes the
                outcome.
        """
        places = evaluator.batch_size
        budgets = (rules.simulations, rules.fast_simulations)
        self.evaluator = evaluator
        self._settings = settings
        self._rules = rules
        self._tree = allocate_tree(places, players, budgets, settings.max_considered_actions)
        self._players = players
        self._afterstate_samples = afterstate_samples
        outbox = max(MOST_SAMPLES, _OUTBOX_GAMES * 64)
        self._desk = allocate_desk(places, players, MOST_SAMPLES, outbox)
        self._observations = np.zeros((places, observation_size(players)), np.int8)

    def play(
        self,
        numbers: npt.NDArray[np.int64],
        *,
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        report_every_s: float = 0.5,
    ) -> GameBatch | None:
        """Play the games of these numbers to their ends.

        Args:
            numbers: `(N,)` game numbers; each with the run's seed decides a whole game.
            on_progress: Called about every `report_every_s` seconds.
            should_stop: Asked often; when it says True the games under way are dropped.
            report_every_s: Seconds between two reports of progress.

        Returns:
            Their samples, or None when stopped.
        """
        desk = self._desk._replace(queue=np.ascontiguousarray(numbers, np.int64))
        self._reset()
        batches: list[GameBatch] = []
        logits, values = self.evaluator(self._observations)
        calls = 0
        reported = time.monotonic()
        while True:
            waiting = play_on(
                desk, self._tree, self._settings, self._rules, logits, values, self._observations
            )
            if desk.cursor[1] > len(desk.out_states) // 2 or waiting == 0:
                if desk.cursor[2] > 0:
                    batches.append(self._drain())
                elif waiting == 0:
                    break
            calls += 1
            if calls % CALLS_BETWEEN_REPORTS == 0:
                if should_stop is not None and should_stop():
                    return None
                if on_progress is not None and time.monotonic() - reported >= report_every_s:
                    reported = time.monotonic()
                    on_progress(self._progress())
            if waiting:
                logits, values = self.evaluator(self._observations)
        merged = merge_batches(batches or [self._drain()])
        if self._afterstate_samples:
            self._average_afterstates(merged)
        tally = np.asarray(desk.tally)[0]
        return GameBatch(
            merged.states,
            merged.policies,
            merged.outcomes,
            merged.games,
            merged.samples,
            SelfPlayTally(*(value.item() for value in tally)),
        )

    def _average_afterstates(self, batch: GameBatch) -> None:
        """Put mean values of sampled refills in the place of afterstates' outcomes."""
        rows = afterstate_rows(batch.states)
        played = np.asarray([game.number for game in batch.games], np.int64)
        numbers = np.repeat(played, batch.samples)[rows]
        values = average_refills(
            batch.states[rows],
            numbers,
            place_in_game(numbers),
            int(self._rules.seed),
            self._afterstate_samples,
            self.evaluator,
            self._players,
        )
        batch.outcomes[rows, : values.shape[1]] = values

    def _reset(self) -> None:
        """Forget whatever was under way."""
        places = np.asarray(self._desk.places)
        places["number"] = -1
        places["finished"] = 0
        np.asarray(self._tree.games)["pending"] = -1
        np.asarray(self._desk.tally)[0] = 0
        self._desk.cursor[:] = 0

    def _drain(self) -> GameBatch:
        """Copy the outbox out and empty it."""
        desk = self._desk
        samples, games = int(desk.cursor[1]), int(desk.cursor[2])
        desk.cursor[1:] = 0
        headers = desk.out_games[:games]
        return GameBatch(
            states=desk.out_states[:samples].copy(),
            policies=desk.out_policies[:samples].astype(np.float16),
            outcomes=desk.out_outcomes[:samples].copy(),
            games=tuple(
                PlayedGame(int(number), tuple(desk.out_actions[index, :moves].tolist()))
                for index, (number, _, moves) in enumerate(headers.tolist())
            ),
            samples=headers[:, 1].copy(),
        )

    def _progress(self) -> SelfPlayProgress:
        """What there is to see now."""
        tally = np.asarray(self._desk.tally)[0]
        place = np.asarray(self._desk.places)[0]
        moves, samples = int(place["moves"]), int(place["samples"])
        shown = 0 < moves <= self._desk.actions.shape[1]
        value = self._desk.sample_values[0, samples - 1] if samples else np.nan
        return SelfPlayProgress(
            games=int(tally["games"]),
            simulations=int(tally["simulations"]),
            position=self._desk.states[0].tobytes(),
            number=int(place["number"]),
            moves=moves,
            last_action=int(self._desk.actions[0, moves - 1]) if shown else -1,
            value=None if np.isnan(value) else float(value),
        )
