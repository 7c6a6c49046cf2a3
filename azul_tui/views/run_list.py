"""Runs in a folder: what is known of them, read again where it changed, and what is done to them.

A live run is neither renamed nor archived nor deleted.
"""

from __future__ import annotations

import math
import shutil
import tomllib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from azul_tui.errors import RunError
from azul_tui.runs.files import read_bounded
from azul_tui.runs.listing import checkpoint_files, read_ratings, summarize
from azul_tui.runs.machine import is_held
from azul_tui.runs.paths import RunPaths, run_folders, run_paths
from azul_tui.runs.status import (
    ACTIVE,
    NO_NEWS,
    gives_signs,
    judge,
    lock_holder,
    read_status,
    writer_lives,
)
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.ratings import anchor_name, over_training, rating_words, stamps
from azul_tui.views.table import Cell, Column, FolderIndex, Listed, Result, common_columns

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.listing import RunSummary
    from azul_tui.views.signs import Signs

ARCHIVE = ".archive"
"""Folder for archived runs, hidden from every list."""


def recent_runs(root: Path) -> list[tuple[RunPaths, float]]:
    """Every run in `root` with the unix time of its last change, the newest first."""
    files = ("status.json", "events.jsonl", "config.toml")
    found = [(RunPaths(f), max(stamps(f, *files))[0] / 1e9) for f in run_folders(root)]
    return sorted(found, key=lambda pair: -pair[1])


def some_settings(config: Path, *names: str) -> dict[str, Any]:
    """The named settings of a run's `config.toml`; those that cannot be read are left out.

    Only their lines are parsed: a whole file costs two milliseconds, and there may be 1,500.
    """
    data = read_bounded(config, 1 << 18)
    found: dict[str, Any] = {}
    for line in (data or b"").decode("utf-8", "replace").splitlines():
        if line.startswith(names):
            try:
                found |= tomllib.loads(line)
            except tomllib.TOMLDecodeError:
                continue  # damaged: whoever resumes the run says so
    return found


def seats_of(config: Path) -> int | None:
    """Seats at the table of a run, from its `config.toml`; None when it does not say so."""
    players = some_settings(config, "num_players").get("num_players")
    return players if isinstance(players, int) and 2 <= players <= 4 else None


def against(opponent: str, players: int | None) -> str:
    """What a score was measured against: `greedy`; `greedy, 3 players` at a larger table."""
    seats = f", {players} players" if players not in {2, None} else ""
    return plain_text(opponent, 30) + seats


def half_width(score: float, games: int) -> float | None:
    """Half of the 95% interval of a score over so many games (Wilson, 1927); None without games."""
    if games <= 0 or not 0 <= score <= 1:
        return None
    z = 1.96
    spread = z * math.sqrt(score * (1 - score) / games + z * z / (4 * games * games))
    return spread / (1 + z * z / games)


@dataclass(frozen=True, kw_only=True)
class ListedRun(Listed):
    """One run; its best score is by the opponent that it was measured against."""

    file: None = None
    summary: RunSummary
    state: str
    """In a word or two."""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run


class RunIndex(FolderIndex):
    """The runs of a folder."""

    FILES = ("status.json", "config.toml")

    def read(self, folder: Path) -> tuple[list[ListedRun], bool]:
        """One row; that of a live run changes as time passes."""
        paths = RunPaths(folder)
        run = summarize(paths, self.clock())
        results: dict[str, Result] = {}
        if (score := run.status.best_score) is not None:
            settings = some_settings(paths.config, "eval_opponents", "eval_games", "num_players")
            opponents, games = settings.get("eval_opponents"), settings.get("eval_games", 0)
            last = str(opponents[-1]) if isinstance(opponents, list) and opponents else "greedy"  # pyright: ignore[reportUnknownArgumentType]
            games = games if isinstance(games, int) else 0
            result = Result(score, half_width(score, games), games)
            results[against(last, settings.get("num_players"))] = result
        row = ListedRun(
            key=paths.name, paths=paths, run=run.name, iteration=run.status.iteration,
            changed=run.changed, size_bytes=run.size_bytes, record=asdict(run.status),
            results=results, summary=run, state=NO_NEWS if run.stalled else run.state,
        )  # fmt: skip
        return [row], run.state not in ACTIVE

    def columns(self, opponent: str, signs: Signs) -> list[Column]:
        """The columns of the table, with scores against `opponent` alone."""
        roles = {"running": "good", "paused": "warning", "finished": "good", "crashed": "alert"}

        def state(row: ListedRun) -> Cell:
            run, role = row.summary, roles.get(row.summary.state, "quiet")
            if run.stalled:
                role = "quiet" if run.alive else "alert"
            return Cell(row.state, f"{signs.of_state(run.state)} {row.state}", role)

        def iteration(row: ListedRun) -> Cell:
            most = row.summary.status.max_iterations
            of = f"/{most:,}" if most else ""
            return Cell(row.iteration, f"{row.iteration:,}{of}")

        name, *others = common_columns(opponent, "best vs", self.clock())
        return [
            name,
            Column("state", "state", state, right=False, falls=False),
            Column("iteration", "iteration", iteration, gives_way=2),
            *others,
        ]


def run_facts(row: ListedRun, now: float) -> dict[str, str]:
    """What is known of a run besides what its row says, by what it is called."""
    status, files = row.summary.status, checkpoint_files(row.paths)
    newest = files[-1][0] if files else 0
    rated = read_ratings(row.paths)
    own, over = over_training(rated), anchor_name(rated)
    return {
        "started": words.ago(now - status.started) if status.started else "",
        "left": words.duration(status.left_s) if row.summary.state == "running" else "",
        "best score": ", ".join(f"{r.counted} against {name}" for name, r in row.results.items()),
        "rating": rating_words(own[-1]) + (f" over {over}" if over else "") if own else "",
        "checkpoints": f"{len(files):,}, the newest of iteration {newest:,}" if files else "none",
    }


# -- what is done to a run as a whole


def refuse_live(paths: RunPaths, now: float, verb: str) -> None:
    """Refuse to touch a run that is going on.

    Raises:
        RunError: It is live; the message says who holds it.
    """
    status, holder = read_status(paths.status), lock_holder(paths)
    live = status is not None and judge(status, now, paths.lock).state in ACTIVE
    held = is_held(paths.lock) or writer_lives(paths)
    if held is None:  # what another machine does is not undone by a clock that differs
        held = gives_signs(paths, now)
    if live or held:
        who = f" by {holder}" if holder is not None else ""
        raise RunError(
            f"the run {plain_text(paths.name, 64)} is going on{who}; stop it before you {verb} it"
        )


def rename_run(paths: RunPaths, name: str, now: float) -> RunPaths:
    """Give a run another name; returns its new paths.

    Raises:
        RunError: The name is refused or taken, or the run is live.
    """
    renamed = run_paths(paths.directory.parent, name)
    _move(paths, renamed.directory, now, "rename")
    return renamed


def archive_run(paths: RunPaths, now: float) -> Path:
    """Move a run into the hidden archive beside it; returns where it is now.

    Raises:
        RunError: The run is live, or one of that name is already archived.
    """
    archived = paths.directory.parent / ARCHIVE / paths.name
    _move(paths, archived, now, "archive")
    return archived


def delete_run(paths: RunPaths, now: float) -> None:
    """Delete a run with everything in it.

    Raises:
        RunError: The run is live, or a file resists.
    """
    refuse_live(paths, now, "delete")
    if paths.directory.is_symlink():
        raise RunError(f"{plain_text(paths.name, 64)} is a link; remove it by hand")
    try:
        shutil.rmtree(paths.directory)
    except OSError as error:
        file = plain_text(str(error.filename), 120)
        raise RunError(f"{file}: cannot be deleted ({error.strerror})") from None


def _move(paths: RunPaths, target: Path, now: float, verb: str) -> None:
    refuse_live(paths, now, verb)
    if target.exists():
        raise RunError(f'"{plain_text(target.name, 64)}" is taken; choose another name')
    try:
        target.parent.mkdir(exist_ok=True)
        paths.directory.rename(target)
    except OSError as error:
        name = plain_text(paths.name, 64)
        raise RunError(f"{name}: cannot {verb} it ({error.strerror})") from None
