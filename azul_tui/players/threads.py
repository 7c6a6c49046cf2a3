"""Sharing the games of one call out over the processor's cores.

Only for players whose kernels think long about each game; a choice never depends on it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from azul_tui.runs.machine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable


def share_out(games: int, threads: int | None, work: Callable[[slice], None]) -> None:
    """Call `work` with slices that cover `games`, in threads; its kernels release the GIL.

    Several slices a thread even out games that take longer than others.

    Args:
        games: How many there are.
        threads: At most so many; None for one a usable core.
        work: Writes its results itself. What it raises is raised here.
    """
    workers = min(games, usable_cores() if threads is None else threads)
    if workers <= 1:
        work(slice(0, games))
        return
    size = -(-games // (4 * workers))
    parts = [slice(first, min(games, first + size)) for first in range(0, games, size)]
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work, part) for part in parts]:
            done.result()
