"""Compiling every kernel that training needs, before anything is timed or forked.

The first start on a machine takes some seconds; later ones load the kernels from disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from azul_tui.game.canonical import refill_canonical
from azul_tui.game.constants import observation_size, state_size
from azul_tui.game.dealing import clear_game
from azul_tui.game.kernel import noticing_compilation
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
"""`(done, total, name, seconds)`: stages done, the one that comes next, seconds so far."""


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

    `report` is called once something is compiled, and then after each stage; never when all of
    it can be loaded, however long that takes on a busy machine.
    """
    started = clock()
    done, told = 0, False

    def tell() -> None:
        nonlocal told
        told = True
        name = STAGES[done][0] if done < len(STAGES) else "done"
        report(done, len(STAGES), name, clock() - started)

    with noticing_compilation(tell):
        for _, compile_stage in STAGES:
            compile_stage(players)
            done += 1
            if told:
                tell()
    return clock() - started
