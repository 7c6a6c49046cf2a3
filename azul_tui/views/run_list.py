"""Runs in a folder, cheaply: what changed is read again, the rest is remembered."""

from __future__ import annotations

import math
import os
import time
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azul_tui.runs.files import read_bounded
from azul_tui.runs.listing import summarize
from azul_tui.runs.paths import RunPaths, run_folders
from azul_tui.runs.status import ACTIVE, NO_NEWS
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.table import Column, Row

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.listing import RunSummary
    from azul_tui.views.signs import Signs

Stamp = tuple[int, ...]
_OWN = ("eval_opponents", "eval_games", "num_players")
_SETTLED_S = 5.0
"""After so long a folder's time of change tells every change that comes: clocks are coarse."""


def recent_runs(root: Path) -> list[tuple[RunPaths, float]]:
    """Every run in `root` with the unix time of its last change, the newest first."""
    found: list[tuple[RunPaths, float]] = []
    for folder in run_folders(root):
        stamp = 0.0
        for name in ("status.json", "events.jsonl", "config.toml"):
            try:
                stamp = max(stamp, (folder / name).stat().st_mtime)
            except OSError:
                continue
        found.append((RunPaths(folder), stamp))
    return sorted(found, key=lambda pair: -pair[1])


def some_settings(config: Path, names: tuple[str, ...] = _OWN) -> dict[str, Any]:
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
    players = some_settings(config, ("num_players",)).get("num_players")
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


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run, and whom its best score was measured against."""

    run: RunSummary
    opponent: str
    half: float | None
    """Half of the best score's 95% interval."""

    @property
    def name(self) -> str:
        """The run's name, harmless to show."""
        return self.run.name

    @property
    def key(self) -> str:
        """What tells it apart: its folder's name."""
        return self.run.paths.name

    @property
    def state(self) -> str:
        """Its state in a word or two."""
        return NO_NEWS if self.run.stalled else self.run.state

    @property
    def words(self) -> str:
        """What a filter looks at."""
        return f"{self.name} {self.state}"

    @property
    def opponents(self) -> tuple[str, ...]:
        """Whom there are scores against."""
        return (self.opponent,) if self.opponent else ()


class RunIndex:
    """The runs of a folder; `refresh` brings `rows` up to date, in a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows: list[ListedRun] = []
        self.total = 0
        """Runs that there are, those not read yet included."""
        self.version = 0
        """Another one whenever `rows` changed."""
        self._known: dict[str, tuple[Stamp, ListedRun]] = {}
        self._folders: tuple[int, list[Path]] = (-1, [])

    def refresh(self, now: float, budget_s: float = 0.1) -> bool:
        """Read what changed, the newest first, for about `budget_s`; whether all has been read."""
        deadline = time.perf_counter() + budget_s
        stamps = [(_stamp(str(folder)), folder) for folder in self._run_folders()]
        stamps = [(stamp, folder) for stamp, folder in stamps if stamp[0]]
        stamps.sort(key=lambda pair: max(pair[0][0], pair[0][1]), reverse=True)
        known, done = self._known, True
        fresh: dict[str, tuple[Stamp, ListedRun]] = {}
        for stamp, folder in stamps:
            before = known.get(folder.name)
            if before is not None and before[0] == stamp and before[1].run.state not in ACTIVE:
                fresh[folder.name] = before
            elif before is not None or time.perf_counter() < deadline:
                fresh[folder.name] = (stamp, _listed(RunPaths(folder), now))
            else:
                done = False
        rows = [row for _, row in fresh.values()]
        if rows != self.rows or len(stamps) != self.total:
            self.rows, self.total, self.version = rows, len(stamps), self.version + 1
        self._known = fresh
        return done

    def _run_folders(self) -> list[Path]:
        """The folders that are runs, listed again when something came or went."""
        try:
            changed = self.root.stat().st_mtime_ns
        except OSError:
            return []  # there is no folder of runs yet
        if changed != self._folders[0] or time.time() - changed / 1e9 < _SETTLED_S:
            self._folders = (changed, run_folders(self.root))
        return self._folders[1]


def _stamp(folder: str) -> Stamp:
    """When the folder, its status and its settings changed; (0, ...) when it is gone."""
    found: list[int] = []
    for name in ("", "/status.json", "/config.toml"):
        try:
            found.append(os.stat(folder + name).st_mtime_ns)  # noqa: PTH116 - twice as fast
        except OSError:
            found.append(0)
    return tuple(found)


def _listed(paths: RunPaths, now: float) -> ListedRun:
    run = summarize(paths, now)
    score = run.status.best_score
    if score is None:
        return ListedRun(run, "", None)
    settings = some_settings(paths.config)
    opponents, games = settings.get("eval_opponents"), settings.get("eval_games", 0)
    last = opponents[-1] if isinstance(opponents, list) and opponents else "greedy"  # pyright: ignore[reportUnknownVariableType]
    half = half_width(score, games) if isinstance(games, int) else None
    return ListedRun(run, against(str(last), settings.get("num_players", 2)), half)  # pyright: ignore[reportUnknownArgumentType]


def run_columns(opponent: str) -> tuple[Column, ...]:
    """The columns of the table; scores are against one opponent alone."""
    return (
        Column(key="run", title="run", right=False, least=12, falls=False),
        Column(key="state", title="state", right=False, falls=False),
        Column(key="iteration", title="iteration", gives_way=2),
        Column(key="score", title=f"best vs {opponent}" if opponent else "best", gives_way=3),
        Column(key="loss", title="loss", gives_way=4, falls=False),
        Column(key="games", title="games", gives_way=6),
        Column(key="age", title="age", gives_way=1),
        Column(key="size", title="size", gives_way=5),
    )


def run_rank(row: ListedRun, column: str, opponent: str) -> Any:
    """What a column sorts by; None for what is not known, or was measured otherwise."""
    status = row.run.status
    ranks: dict[str, Any] = {
        "run": row.name.lower(),
        "state": row.state,
        "iteration": status.iteration,
        "score": status.best_score if row.opponent == opponent else None,
        "loss": status.total_loss,
        "games": status.games_total,
        "age": row.run.changed,
        "size": row.run.size_bytes,
    }
    return ranks[column]


def score_words(score: float | None, half: float | None) -> str:
    """`78 ± 5%`; `–` when unknown."""
    if score is None:
        return "–"
    return f"{score * 100:.0f}" + (f" ± {half * 100:.0f}%" if half is not None else "%")


def run_row(row: ListedRun, opponent: str, now: float, signs: Signs) -> Row:
    """One run as the cells of the table."""
    status, run = row.run.status, row.run
    of = f"/{status.max_iterations:,}" if status.max_iterations else ""
    same = row.opponent == opponent
    looks = {"running": "good", "paused": "warning", "finished": "good", "crashed": "alert"}
    role = looks.get(run.state, "quiet")
    if run.stalled:
        role = "quiet" if run.alive else "alert"
    return Row(
        run.paths.name,
        (
            (row.name, "strong"),
            (f"{signs.of_state(run.state)} {row.state}", role),
            (f"{status.iteration:,}{of}", ""),
            (score_words(status.best_score if same else None, row.half), ""),
            (words.loss(status.total_loss), ""),
            (words.amount(status.games_total) if status.games_total else "–", ""),
            (words.age(now - run.changed), "quiet"),
            (words.size(run.size_bytes), "quiet"),
        ),
    )
