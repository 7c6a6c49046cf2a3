"""What a run wants of a machine: memory of its parts, and how many workers fit.

The figures are measured ones (EXPERIMENTS.md): private memory of processes with the small and the
large network, 64 to 2,048 games in lockstep and 16 to 128 simulations a move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from azul_tui.game.constants import action_count, state_size, value_count

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.runs.machine import Memory

MOST_WORKERS: Final = 16
"""Started unasked: beyond these a loop that waits for all of them gains next to nothing."""
MOST_WORKERS_ON_A_GPU: Final = 8
"""A guess, not measured: all share the GPU and search on a core each meanwhile."""

_PROCESS_BYTES: Final = 450 * 10**6
"""Of any process that plays or learns: Python, torch and compiled kernels."""
_PLACE_BYTES: Final = 500 * 10**3
"""Of a game under way, with its tree and samples, in the worst case that was measured."""


def buffer_bytes(config: TrainingConfig) -> int:
    """Memory of the replay buffer once it is full."""
    players = config.num_players
    targets = value_count(players)
    # As bytes, float16 and float32: a position, its policy, its outcome.
    return config.buffer_capacity * (state_size(players) + 2 * action_count(players) + 4 * targets)


def worker_bytes(config: TrainingConfig) -> int:
    """Memory of one worker process."""
    return _PROCESS_BYTES + config.parallel_games * _PLACE_BYTES


def least_bytes(config: TrainingConfig) -> int:
    """Memory of a run with one process, its buffer full."""
    return worker_bytes(config) + buffer_bytes(config)


def fitting_workers(config: TrainingConfig, cores: int, memory: Memory, *, gpu: bool) -> int:
    """Worker processes for `config` where nobody asks for a number, at least 1.

    Args:
        config: Settings of the run.
        cores: Usable ones.
        memory: Of the machine, as far as it may be used; the buffer is not filled yet.
        gpu: Whether a GPU evaluates the positions.
    """
    most = MOST_WORKERS_ON_A_GPU if gpu else MOST_WORKERS
    left = memory.available - buffer_bytes(config)
    return max(1, min(cores, most, left // worker_bytes(config)))


def memory_problem(config: TrainingConfig, workers: int, memory: Memory) -> str:
    """What will not fit into memory, in a sentence; "" when all will."""
    wanted = buffer_bytes(config) + workers * worker_bytes(config)
    if wanted <= memory.available:
        return ""
    setting = "buffer_capacity"
    if buffer_bytes(config) < wanted // 2:
        setting = "self_play_workers" if workers > 1 else "parallel_games"
    return (
        f"this run will want {wanted / 1e9:.1f} GB of memory, {buffer_bytes(config) / 1e9:.1f} of "
        f"them for its {config.buffer_capacity:,} positions, and {memory.available / 1e9:.1f} GB "
        f"are available{' in this container' if memory.limited else ''}; lower {setting}"
    )
