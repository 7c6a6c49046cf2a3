"""Job `replay`: does the engine agree with every number of a file of recorded games?

The file is read one game at a time (`game_files`); `docs/traces.md` has its format. In what is
told, games, rounds and moves count from 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.config import shown_path
from azul_tui.errors import JobError
from azul_tui.jobs.game_files import describe_disagreement, read_games
from azul_tui.runs.paths import named_path
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.game.record import Disagreement
    from azul_tui.jobs.start import JobContext

_MOST_NAMED = 8


def run(context: JobContext) -> dict[str, Any]:
    """Replay every game; `ok` is False when the rules disagree with any number.

    Raises:
        JobError: There is no file, or a line is no game; the message names the line.
    """
    name = context.text("games")
    if not name:
        raise JobError("replay needs a file of recorded games: --set games=FILE")
    path = named_path(name)
    files = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
    if not files:
        raise JobError(f"{path} holds no files of recorded games (*.jsonl, *.jsonl.gz)")
    games = moves = mismatches = 0
    for file in files:
        found = _replay_file(context, file, games)
        games, moves, mismatches = games + found[0], moves + found[1], mismatches + found[2]
    if not games and not context.stop.is_set():
        raise JobError(f"{path} holds no games")
    agreed = "every number agrees" if not mismatches else f"{mismatches:,} do not agree"
    counted = f"{games:,} game{'' if games == 1 else 's'}"
    context.reporter.say(f"{counted}, {moves:,} moves replayed: {agreed}")
    return {"ok": not mismatches, "games": games, "moves": moves, "mismatches": mismatches}


def _replay_file(context: JobContext, path: Path, before: int) -> tuple[int, int, int]:
    """Games, moves and disagreements of one file; `before` games were replayed of others."""
    from azul_tui.game.record import replay_recorded  # loads the compiler

    games = moves = mismatches = 0
    strangers: set[str] = set()
    reporter = context.reporter
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            for line, game, _, unknown in read_games(path, file):
                strangers.update(unknown[: _MOST_NAMED - len(strangers)])
                if context.stop.is_set():
                    break
                games += 1
                replay = replay_recorded(game)
                moves += replay.moves
                mismatches += len(replay.disagreements)
                for found in replay.disagreements:
                    number = before + games
                    reporter.record("mismatch", game=number, line=line, **_fields(found))
                    reporter.say(f"game {number}{describe_disagreement(found)}")
                reporter.progress(file.tell() // 1000, size // 1000, "kB")
    except OSError as error:
        raise JobError(f"{path} cannot be read: {error.strerror or error}") from None
    if strangers:
        named = plain_text(", ".join(sorted(strangers)))
        context.warn(
            f"{shown_path(path)}: this version does not know {named} of a game, and leaves it out"
        )
    return games, moves, mismatches


def _fields(found: Disagreement) -> dict[str, object]:
    return {
        "round": None if found.round is None else found.round + 1,
        "move": None if found.move is None else found.move + 1,
        "field": found.field,
        "recorded": found.recorded,
        "ours": found.ours,
    }
