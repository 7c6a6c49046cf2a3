"""A few games of every match, kept in the trace format beside a run's self-play games."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.paths import RunPaths, is_shipped
from azul_tui.training.game_records import trace_game

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.arena.games import GameResults

GAMES_KEPT = 4
"""Games of a match that are kept."""
_NAME_LENGTH = 40


def match_file(folder: Path, start: str, opponent: str) -> Path:
    """The file for the games of a match, such as `eval_000040_greedy.jsonl` in `folder`."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", opponent).strip("-")[:_NAME_LENGTH]
    return folder / f"{start}_{plain or 'opponent'}.jsonl"


def checkpoint_match_file(checkpoint: Path, opponent: str) -> Path | None:
    """Where a match of a run's checkpoint is kept, None for a file that belongs to no run.

    The shipped player is part of the program and stays as it came.
    """
    folder = checkpoint.parent
    if is_shipped(checkpoint) or not RunPaths(folder).events.is_file():
        return None
    iteration = re.search(r"[0-9]{6,}$", checkpoint.stem)
    start = f"eval_{iteration[0]}" if iteration else f"eval_{checkpoint.stem}"
    return match_file(RunPaths(folder).games, start, opponent)


def telling_games(results: GameResults) -> list[int]:
    """Numbers of the games to keep: the first bag from every seat, then games that `a` lost.

    Args:
        results: A match, player 0 being `a`.
    """
    seats = results.seating.shape[1]
    mine = np.where(results.seating == 0, results.shares, 0.0).sum(axis=1)
    first = [game for game in range(min(seats, len(mine))) if results.finished[game]]
    lost = np.flatnonzero(results.finished & (mine == 0.0)).tolist()
    return [*first, *(game for game in lost if game not in first)][:GAMES_KEPT]


def write_match_games(file: Path, title: str, results: GameResults) -> None:
    """Keep a few games of a match.

    Args:
        file: Replaced if it is there.
        title: What the match was, to head their list.
        results: The match, with its actions.

    Raises:
        OSError: The file cannot be written.
    """
    players = results.seating.shape[1]
    lines: list[str] = []
    for game in telling_games(results):
        actions: list[int] = results.actions[game, : results.moves[game]].tolist()
        trace = trace_game(players, int(results.deals[game]), actions)
        trace["meta"] = {
            "policy": "match",
            "title": title,
            "tag": f"game {game + 1}",
            "names": [results.players[number] for number in results.seating[game]],
            "events": {},
        }
        lines.append(json.dumps(trace, separators=(",", ":")) + "\n")
    if lines:
        file.parent.mkdir(exist_ok=True)
        write_bytes_atomically(file, "".join(lines).encode(), durable=False)
