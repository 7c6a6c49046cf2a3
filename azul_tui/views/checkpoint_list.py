"""All checkpoints of all runs, with what the runs' records say of them, and whether they are whole.

Opens no weights.
"""

from __future__ import annotations

import math
import os
import time
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from azul_tui.runs.checkpoint_manifest import best_record, read_manifest, verify_listed
from azul_tui.runs.events import number, text
from azul_tui.runs.files import open_own
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import SHIPPED_NAMES, RunPaths, pretrained_directory, run_folders
from azul_tui.runs.tail import EventTail
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.ratings import RatingsFile, anchor_name, over_training, rating_words
from azul_tui.views.run_list import against, score_words, seats_of
from azul_tui.views.table import Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from azul_tui.runs.ratings import RatingRow
    from azul_tui.views.signs import Signs


@dataclass(frozen=True, slots=True)
class Result:
    """What an evaluation of one checkpoint against one opponent said."""

    score: float
    low: float
    high: float
    """95% interval."""
    games: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """One checkpoint file."""

    run: str
    file: Path
    iteration: int
    changed: float
    size_bytes: int
    total_loss: float | None = None
    policy_loss: float | None = None
    value_loss: float | None = None
    games_total: float | None = None
    best: bool = False
    newest: bool = False
    shipped: bool = False
    results: Mapping[str, Result] = field(default_factory=dict[str, Result])
    """By opponent: `greedy`; `greedy, 3 players` at a larger table."""
    players: int | None = 2
    """Seats at the table that it was trained for; None when its run does not say so."""
    rating: RatingRow | None = None
    """Of the last fit of its run's rated games."""
    rated_over: str = ""
    """Who stands at 0 in that fit."""

    @property
    def key(self) -> str:
        """What tells it apart."""
        return str(self.file)

    @property
    def name(self) -> str:
        """The one name of a checkpoint: its run's, and its iteration."""
        return f"{self.run} iteration {self.iteration:,}"

    @property
    def words(self) -> str:
        """What a filter looks at."""
        return f"{self.name} shipped" if self.shipped else self.name

    @property
    def opponents(self) -> tuple[str, ...]:
        """Whom there are scores against."""
        return tuple(self.results)


def file_facts(file: Path) -> tuple[float, int] | None:
    """`(changed, bytes)` of a file; None when it went away."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime, facts.st_size


def shipped_rows(root: Path) -> list[CheckpointRow]:
    """The checkpoints that come with the program, of one player for each number of seats.

    Those of the folder of runs, or else beside the code; without what their records say.
    """
    rows: list[CheckpointRow] = []
    for players, name in SHIPPED_NAMES.items():
        for folder in (root / name, pretrained_directory(players)):
            files = sorted(folder.glob("*.pt")) if folder.is_dir() else []
            found = [(file, facts) for file in files if (facts := file_facts(file)) is not None]
            rows += [
                CheckpointRow(
                    run=name, file=file, iteration=0, changed=facts[0], size_bytes=facts[1],
                    players=players, shipped=True,
                )
                for file, facts in found
            ]  # fmt: skip
            if found:
                break
    return rows


NO_STEPS = 1 << 40
"""Stride that keeps no step record: here only the others matter."""


class _RunNotes:
    """What the records and ratings of one run say of its iterations."""

    def __init__(self, paths: RunPaths) -> None:
        self.tail = EventTail(paths.events)
        self.ratings = RatingsFile(paths)
        self.players = seats_of(paths.config)
        self.best_file = ""
        self.losses: dict[int, dict[str, Any]] = {}
        self.results: dict[int, dict[str, Result]] = {}
        self.caught_up = False
        self.stamp: tuple[int, ...] = ()
        self.rows: list[CheckpointRow] = []

    def read(self, budget_ms: float) -> None:
        """Read what is new."""
        try:
            batch = self.tail.read(max_ms=budget_ms, step_stride=NO_STEPS)
        except OSError:
            self.caught_up = True  # the list shows the files without what was said of them
            return
        self.caught_up = batch.caught_up
        for record in batch.records:
            kind, iteration = record.get("event"), number(record, "iteration")
            at = int(iteration) if iteration is not None else -1
            if kind == "checkpoint" and record.get("best") is True:
                self.best_file = text(record, "file")
            elif kind == "iteration":
                self.losses[at] = record
            elif kind == "evaluation" and (score := number(record, "score")) is not None:
                low, high = number(record, "low"), number(record, "high")
                self.results.setdefault(at, {})[
                    against(text(record, "opponent", 40), self.players)
                ] = Result(score, low or 0.0, high or 0.0, int(number(record, "games") or 0))

    def told(self, row: CheckpointRow) -> CheckpointRow:
        """The row with what is known of its iteration."""
        at, rated = row.iteration, self.ratings.refresh()
        # A checkpoint made within an iteration has the number of the one under way.
        losses = self.losses.get(at) or (self.losses.get(at - 1, {}) if row.shipped else {})
        return replace(
            row,
            total_loss=number(losses, "total_loss"),
            policy_loss=number(losses, "policy_loss"),
            value_loss=number(losses, "value_loss"),
            games_total=number(losses, "games_total"),
            results=dict(self.results.get(at, {})),
            rating={one.iteration: one for one in over_training(rated)}.get(at),
            rated_over=anchor_name(rated),
            players=row.players if row.shipped else self.players,
        )


class CheckpointIndex:
    """The checkpoints under a folder; `refresh` brings `rows` up to date."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._notes: dict[Path, _RunNotes] = {}
        self.rows: list[CheckpointRow] = []
        self.total = 0
        """Checkpoints that were found."""
        self.version = 0
        """Another one whenever `rows` changed."""

    def refresh(self, budget_ms: float = 12.0, list_ms: float = math.inf) -> bool:
        """List again, the newest runs first; whether all was listed and read to its end.

        A run whose folder and records are as they were is not read again.

        Args:
            budget_ms: For reading what the runs recorded.
            list_ms: For listing folders that were not listed yet.
        """
        begun = time.perf_counter()
        folders = [(_stamp(folder), folder) for folder in run_folders(self.root)]
        folders.sort(key=lambda pair: pair[0], reverse=True)
        rows = self._shipped(budget_ms)
        done, spent_ms = True, 0.0
        for stamp, folder in folders:
            notes = self._notes.get(folder)
            if notes is None:
                if (time.perf_counter() - begun) * 1000 - spent_ms > list_ms:
                    done = False
                    continue
                notes = self._notes[folder] = _RunNotes(RunPaths(folder))
            if notes.stamp != stamp or not notes.caught_up:
                paths = RunPaths(folder)
                files = checkpoint_files(paths)
                if not files and not paths.best_model.is_file():
                    notes.rows, notes.stamp, notes.caught_up = [], stamp, True
                    continue
                before = time.perf_counter()
                if spent_ms < budget_ms:
                    notes.read(budget_ms - spent_ms)
                done = done and notes.caught_up
                spent_ms += (time.perf_counter() - before) * 1000
                notes.rows, notes.stamp = _rows(paths, files, notes), stamp
            rows += notes.rows
        if rows != self.rows:
            self.rows, self.total, self.version = rows, len(rows), self.version + 1
        return done

    def _shipped(self, budget_ms: float) -> list[CheckpointRow]:
        """The shipped rows with what their list, their log and their ladder say of them."""
        rows: list[CheckpointRow] = []
        for row in shipped_rows(self.root):
            folder = row.file.parent
            listed = read_manifest(folder).get(row.file.name)
            notes = self._notes.get(folder)
            if notes is None:
                notes = self._notes[folder] = _RunNotes(RunPaths(folder))
            notes.players = row.players
            notes.read(budget_ms)
            if listed is not None:
                row = notes.told(replace(row, iteration=listed.iteration))
            rows.append(row)
        return rows


def _stamp(folder: Path) -> tuple[int, ...]:
    """When the folder and its records changed, and how long those are."""
    found: list[int] = []
    for path in (str(folder), f"{folder}/events.jsonl"):
        try:
            facts = os.stat(path)  # noqa: PTH116 - twice as fast, and there may be 1,500
        except OSError:
            found += [0, 0]
        else:
            found += [facts.st_mtime_ns, facts.st_size]
    return tuple(found)


def _rows(paths: RunPaths, files: list[tuple[int, Path]], notes: _RunNotes) -> list[CheckpointRow]:
    """The checkpoints of one run."""
    # The list beside the files knows: the records still tell of what a resume gave up.
    listed = best_record(read_manifest(paths.directory))
    best = listed.iteration if listed is not None else -1
    shown = list(files)
    if listed is not None and best not in dict(files) and paths.best_model.is_file():
        shown.append((best, paths.best_model))  # its own checkpoint was cleaned up since
    return [
        notes.told(
            CheckpointRow(
                run=plain_text(paths.name, 64),
                file=file,
                iteration=iteration,
                changed=facts[0],
                size_bytes=facts[1],
                best=iteration == best or (listed is None and file.name == notes.best_file),
                newest=bool(files) and file == files[-1][1],
            )
        )
        for iteration, file in shown
        if (facts := file_facts(file)) is not None
    ]


def checkpoint_columns(rows: Sequence[CheckpointRow], opponent: str) -> tuple[Column, ...]:
    """The columns of the table: scores against one opponent, ratings once games were rated."""
    rated = any(row.rating is not None for row in rows)
    columns = [
        Column(key="run", title="run", right=False, least=12, falls=False),
        Column(key="best", title="", right=False),
        Column(key="iteration", title="iteration"),
        Column(key="score", title=f"vs {opponent}" if opponent else "score", gives_way=1),
        Column(key="rating", title="rating", gives_way=4) if rated else None,
        Column(key="loss", title="loss", gives_way=3, falls=False),
        Column(key="policy", title="policy", gives_way=7, falls=False),
        Column(key="value", title="value", gives_way=8, falls=False),
        Column(key="age", title="age", gives_way=5),
        Column(key="size", title="size", gives_way=6),
        Column(key="whole", title="whole", right=False, gives_way=2),
    ]
    return tuple(column for column in columns if column is not None)


def checkpoint_rank(row: CheckpointRow, column: str, opponent: str, wrong: str | None) -> Any:
    """What a column sorts by; None for what is not known."""
    if column == "score":
        result = row.results.get(opponent)
        return result.score if result is not None else None
    if column == "rating":
        return row.rating.elo if row.rating is not None else None
    ranks: dict[str, Any] = {
        "run": (row.run.lower(), row.iteration),
        "best": (row.best, row.changed),
        "iteration": row.iteration,
        "loss": row.total_loss,
        "policy": row.policy_loss,
        "value": row.value_loss,
        "age": (row.changed, row.iteration),
        "size": row.size_bytes,
        "whole": None if wrong is None else not wrong,
    }
    return ranks[column]


def checkpoint_row(
    row: CheckpointRow, columns: Sequence[Column], opponent: str, now: float,
    wrong: str | None, signs: Signs,
) -> Row:  # fmt: skip
    """One checkpoint as the cells of the table; `wrong` is None for one that was not verified."""
    result = row.results.get(opponent)
    whole = (
        ("", "") if wrong is None else ("damaged", "alert") if wrong else (signs.finished, "good")
    )
    if wrong == GONE:  # cleaned up by its run since the folder was listed
        whole = ("gone", "quiet")
    cells: dict[str, tuple[str, str]] = {
        "run": (row.run, "strong"),
        "best": (signs.shipped * row.shipped + signs.best * row.best, "warning"),
        "iteration": (f"{row.iteration:,}" if row.iteration else row.file.stem, ""),
        "score": (result_words(result), ""),
        "rating": (rating_words(row.rating) if row.rating is not None else "–", ""),
        "loss": (words.loss(row.total_loss), ""),
        "policy": (words.loss(row.policy_loss), ""),
        "value": (words.loss(row.value_loss), ""),
        "age": (words.age(now - row.changed), "quiet"),
        "size": (words.size(row.size_bytes), "quiet"),
        "whole": whole,
    }  # fmt: skip
    return Row(row.key, tuple(cells[column.key] for column in columns))


def result_words(result: Result | None) -> str:
    """`78 ± 5%`; `–` when unknown."""
    if result is None:
        return "–"
    return score_words(result.score, (result.high - result.low) / 2 if result.games else None)


def facts(row: CheckpointRow, now: float) -> dict[str, str]:
    """What is known of a checkpoint besides its name, by what it is called."""
    rating = "" if row.rating is None else rating_words(row.rating)
    kinds = ((row.newest, "newest"), (row.best, "best"), (row.shipped, "came with the program"))
    found = {"which is": ", ".join(word for true, word in kinds if true)}
    found |= {
        f"vs {opponent}": f"{result_words(result)}  ({result.games:,} games)"
        for opponent, result in row.results.items()
    }
    found |= {
        "rating": f"{rating} over {row.rated_over}" if rating and row.rated_over else rating,
        "total loss": words.loss(row.total_loss),
        "policy loss": words.loss(row.policy_loss),
        "value loss": words.loss(row.value_loss),
        "games": words.count(row.games_total),
        "players": f"{row.players}" if row.players else "",
        "written": words.ago(now - row.changed),
        "size": words.size(row.size_bytes),
        "file": plain_text(row.file.name, 80),
    }
    return {name: text for name, text in found.items() if text not in {"", "–"}}


GONE = "it is not there any more"


class Verification:
    """Which files were looked at, each once for as long as it stays the same."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        """What is wrong with a file, "" for a whole one; absent ones were not looked at."""
        self._stamps: dict[str, tuple[float, int]] = {}

    def look_at_next(self, rows: Iterable[CheckpointRow]) -> bool:
        """Verify the first of `rows` that was not looked at as it is now; whether one was."""
        for row in rows:
            stamp = (row.changed, row.size_bytes)
            if self._stamps.get(row.key) == stamp:
                continue
            wrong = verify_file(row.file)
            self._stamps[row.key] = stamp
            self.found[row.key] = wrong
            return True
        return False

    def forget(self, key: str) -> None:
        """Have a file looked at again."""
        self._stamps.pop(key, None)
        self.found.pop(key, None)


def verify_file(file: Path) -> str:
    """What is wrong with the file, in words; an empty text when it is whole.

    Its SHA-256 is held against the one that the list beside it has had since the file was
    written; where there is none, the container's own checksums are compared. The weights are
    not loaded. Reads the whole file: for a thread.
    """
    try:
        listed = verify_listed(file)
        if listed is None:
            return _verify_container(file)
    except FileNotFoundError:
        return GONE
    except OSError as error:
        if file.is_symlink():
            return "it is a link, and those of a run's folder are not followed"
        return f"it cannot be read ({plain_text(str(error.strerror or error), 80)})"
    return "" if listed else "it is damaged: its SHA-256 is not the one in the run's list"


def _verify_container(file: Path) -> str:
    """What is wrong with a file of which no digest is known.

    Raises:
        OSError: It cannot be read, or is a link or no file.
    """
    try:
        with open_own(file) as content, zipfile.ZipFile(content) as archive:
            bad = archive.testzip()
            names = archive.namelist()
    except zipfile.BadZipFile:
        return "it is no checkpoint, or its end is missing"
    except (RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        return f"it cannot be read ({plain_text(str(error), 80)})"
    if bad is not None:
        return f"its part {plain_text(bad, 60)} is damaged"
    if not any(name.endswith("data.pkl") for name in names):
        return "it holds no weights"
    return ""
