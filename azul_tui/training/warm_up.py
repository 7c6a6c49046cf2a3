"""Compiling every kernel that training needs, before anything is timed or forked.

The first start on a machine takes some seconds; later ones load the kernels from disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from azul_tui.game.canonical import refill_canonical
from azul_tui.game.constants import observation_size, state_size
from azul_tui.game.dealing import clear_game
from azul_tui.game.kernel import is_compiled
from azul_tui.game.playout import random_games
from azul_tui.network import NetworkEvaluator, create_azul_network
from azul_tui.players.network import NetworkPlayer
from azul_tui.players.registry import create_player
from azul_tui.search.evaluator import ConstantEvaluator
from azul_tui.search.settings import SearchSettings
from azul_tui.training.desk import PlaySettings
from azul_tui.training.replay_buffer import ReplayBuffer
from azul_tui.training.self_play import SelfPlay

CompileReport = Callable[[int, int, str, float], None]
"""`(done, total, name, seconds)`: told before the first stage and after each."""


def _compile_rules(players: int) -> None:
    random_games(np.zeros(state_size(players), np.int8), players, 1, np.uint64(0))


def _compile_self_play(players: int) -> None:
    rules = PlaySettings(np.uint64(0), 2, 1, 1.0, 1.0, 4, 0.0, 1.0)
    evaluator = ConstantEvaluator(2, players)
    batch = SelfPlay(evaluator, SearchSettings(), rules, players).play(np.arange(1))
    if batch is not None:
        buffer = ReplayBuffer(16, players)
        buffer.add(batch.states[:8], batch.policies[:8], batch.outcomes[:8])
        buffer.sample(2, np.random.default_rng(0))


def _compile_network(players: int) -> None:
    network = create_azul_network("small", players)
    NetworkEvaluator(network, 1, "cpu")(np.zeros((1, observation_size(players)), np.int8))


def _compile_players(players: int) -> None:
    states = np.zeros((1, state_size(players)), np.int8)
    clear_game(states[0], players)
    refill_canonical(states[0], np.uint64(0), np.zeros(1, np.uint64))
    seeds = np.zeros(1, np.uint64)
    evaluator = ConstantEvaluator(1, players)
    NetworkPlayer(evaluator, 2, SearchSettings(), players).choose(states, seeds, True)
    for name in ("random", "greedy"):
        create_player(name, players).choose(states, seeds, True)


PATIENCE_S: Final = 1.5
"""Seconds that a stage may take before a person is told; one that is compiled takes far less."""

STAGES: Final = (
    ("rules", _compile_rules),
    ("search and self-play", _compile_self_play),
    ("network", _compile_network),
    ("players", _compile_players),
)


def compile_kernels(
    players: int, report: CompileReport, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Compile or load everything; returns the seconds it took.

    `report` stays silent when the kernels load at once. Whether they will cannot be read off the
    cache for sure (a new release may have changed some of them), so a stage that takes long is
    reported from a thread of its own, never while another report is under way.
    """
    started = clock()
    progress = _Progress(report, told=not is_compiled("search"))
    if progress.told:
        progress.tell(0, 0.0)
    for index, (_, compile_stage) in enumerate(STAGES):
        late = threading.Timer(PATIENCE_S, progress.explain, (index, started, clock))
        late.daemon = True
        late.start()
        try:
            compile_stage(players)
        finally:
            late.cancel()
        progress.end_stage(index, clock() - started)
    return clock() - started


class _Progress:
    """What has been told about compiling; two threads tell."""

    def __init__(self, report: CompileReport, *, told: bool) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._ended = 0
        self.told = told

    def tell(self, done: int, seconds: float) -> None:
        """So many stages are done."""
        name = STAGES[done][0] if done < len(STAGES) else "done"
        self._report(done, len(STAGES), name, seconds)

    def explain(self, stage: int, started: float, clock: Callable[[], float]) -> None:
        """The stage takes long: from here on every one is told."""
        with self._lock:
            if self._ended <= stage and not self.told:
                self.told = True
                self.tell(stage, clock() - started)

    def end_stage(self, stage: int, seconds: float) -> None:
        """The stage is done; nobody will explain it any more."""
        with self._lock:
            self._ended = stage + 1
            if self.told:
                self.tell(stage + 1, seconds)
