"""All checkpoints of all runs, with what the runs' records say of them, and whether they are whole.

Opens no weights.
"""

from __future__ import annotations

import math
import time
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azul_tui.runs.checkpoint_manifest import best_record, read_manifest, verify_listed
from azul_tui.runs.events import EventTail, number, text
from azul_tui.runs.files import open_own
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import SHIPPED_NAMES, RunPaths, pretrained_directory
from azul_tui.runs.text import plain_text
from azul_tui.views.ratings import RatingsFile, anchor_name, over_training, rating_words
from azul_tui.views.run_list import against, seats_of
from azul_tui.views.table import Cell, Column, FolderIndex, Listed, Result, common_columns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.runs.listing import RatingRow
    from azul_tui.views.signs import Signs


@dataclass(frozen=True, kw_only=True)
class CheckpointRow(Listed):
    """One checkpoint file, with the losses and scores of the iteration that ended with it."""

    file: Path
    best: bool = False
    newest: bool = False
    players: int | None = 2
    """Seats at the table that it was trained for; None when its run does not say so."""
    rating: RatingRow | None = None
    """Of the last fit of its run's rated games."""
    rated_over: str = ""
    """Who stands at 0 in that fit."""

    @property
    def name(self) -> str:
        """The one name of a checkpoint: its run's, and its iteration."""
        return f"{self.run} iteration {self.iteration:,}"

    @property
    def state(self) -> str:
        """Which one it is."""
        kinds = {"newest": self.newest, "best": self.best, "came with the program": self.shipped}
        return ", ".join(word for word, true in kinds.items() if true)


NO_STEPS = 1 << 40
"""Stride that keeps no step record: here only the others matter."""
READ_S = 0.02
"""Seconds of reading the records of one run before it is the next one's turn."""


class RunNotes:
    """What is known of one run's checkpoints."""

    def __init__(self, folder: Path) -> None:
        self.paths = RunPaths(folder)
        self.tail = EventTail(self.paths.events)
        self.ratings = RatingsFile(self.paths)
        self.players = seats_of(self.paths.config)
        self.best_file = ""
        self.records: dict[int, dict[str, Any]] = {}
        self.results: dict[int, dict[str, Result]] = {}
        self.caught_up = False

    def read(self) -> None:
        """Read what was recorded since."""
        try:
            batch = self.tail.read(max_ms=READ_S * 1000, step_stride=NO_STEPS)
        except OSError:
            self.caught_up = True  # the list shows the files without what was said of them
            return
        self.caught_up = batch.caught_up
        for record in batch.records:
            kind, at = record.get("event"), int(number(record, "iteration") or 0)
            if kind == "checkpoint" and record.get("best") is True:
                self.best_file = text(record, "file")
            elif kind == "iteration":
                self.records[at] = record
            elif kind == "evaluation" and (score := number(record, "score")) is not None:
                games = int(number(record, "games") or 0)
                low, high = number(record, "low") or 0.0, number(record, "high") or 0.0
                opponent = against(text(record, "opponent", 40), self.players)
                result = Result(score, (high - low) / 2 if games else None, games)
                self.results.setdefault(at, {})[opponent] = result

    def row(self, file: Path, run: str, at: int, **known: Any) -> list[CheckpointRow]:
        """The row of a file of iteration `at`; none when it went away."""
        try:
            facts = file.stat()
        except OSError:
            return []
        rated = self.ratings.refresh()
        row = CheckpointRow(
            key=str(file), paths=self.paths, file=file, run=plain_text(run, 64), iteration=at,
            changed=facts.st_mtime, size_bytes=facts.st_size, players=self.players,
            results=dict(self.results.get(at, {})),
            # A shipped one, made within an iteration, has the number of the one under way.
            record=self.records.get(at) or self.records.get(at - ("shipped" in known), {}),
            rating=next((one for one in over_training(rated) if one.iteration == at), None),
            rated_over=anchor_name(rated), **known,
        )  # fmt: skip
        return [row]

    def list_again(self) -> list[CheckpointRow]:
        """The checkpoints of the run as they are now."""
        files = checkpoint_files(self.paths)
        if not files and not self.paths.best_model.is_file():
            self.caught_up = True
            return []
        self.read()
        # The list beside the files knows: the records still tell of what a resume gave up.
        listed = best_record(read_manifest(self.paths.directory))
        best = listed.iteration if listed is not None else -1
        if listed is not None and best not in dict(files):
            files = [(best, self.paths.best_model), *files]  # its own one was cleaned up since
        rows: list[CheckpointRow] = []
        for at, file in files:
            is_best = at == best or (listed is None and file.name == self.best_file)
            newest = file == files[-1][1] != self.paths.best_model
            rows += self.row(file, self.paths.name, at, best=is_best, newest=newest)
        return rows


class CheckpointIndex(FolderIndex):
    """The checkpoints of the runs in a folder, and those that came with the program."""

    FILES = ("events.jsonl",)

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(root, clock)
        self.ahead: list[CheckpointRow] = []
        """Those to verify once all has been read, the first of them first."""
        self._notes: dict[Path, RunNotes] = {}
        self._wrong: dict[tuple[Path, float, int], str] = {}

    def read(self, folder: Path) -> tuple[list[CheckpointRow], bool]:
        """The rows of one run, once all of its records were read."""
        notes = self._of(folder)
        return notes.list_again(), notes.caught_up

    def others(self) -> list[CheckpointRow]:
        """Those that come with the program, of one player for each number of seats.

        Those of the folder of runs, or else beside the code.
        """
        rows: list[CheckpointRow] = []
        for players, name in SHIPPED_NAMES.items():
            folders = (self.root / name, pretrained_directory(players))
            folder = next((folder for folder in folders if any(folder.glob("*.pt"))), None)
            if folder is not None:
                notes, listed = self._of(folder), read_manifest(folder)
                notes.players = players
                notes.read()
                for file in sorted(folder.glob("*.pt")):
                    at = listed[file.name].iteration if file.name in listed else 0
                    rows += notes.row(file, name, at, shipped=True)
        return rows

    def refresh(self, budget_s: float = math.inf) -> bool:
        """Read what changed, then verify one of `ahead`; whether all is done."""
        done = super().refresh(budget_s) and all(n.caught_up for n in self._notes.values())
        unknown = next((row for row in self.ahead if self.wrong(row) is None), None)
        if done and unknown is not None:
            self._wrong[_content(unknown)] = verify_file(unknown.file)
            self.version += 1
        return done and unknown is None

    def _of(self, folder: Path) -> RunNotes:
        return self._notes.get(folder) or self._notes.setdefault(folder, RunNotes(folder))

    def wrong(self, row: CheckpointRow) -> str | None:
        """What is wrong with a file, "" for a whole one; None while it was not verified."""
        return self._wrong.get(_content(row))

    def forget(self, row: CheckpointRow) -> None:
        """Have a file verified again."""
        self._wrong.pop(_content(row), None)
        self.version += 1

    def columns(self, opponent: str, signs: Signs) -> list[Column]:
        """The columns of the table, with scores against `opponent` alone."""

        def best(row: CheckpointRow) -> Cell:
            marks = signs.shipped * row.shipped + signs.best * row.best
            return Cell((row.best, row.changed), marks, "warning")

        def iteration(row: CheckpointRow) -> Cell:
            return Cell(row.iteration, f"{row.iteration:,}" if row.iteration else row.file.stem)

        def rating(row: CheckpointRow) -> Cell:
            over = row.rating
            return Cell(over and over.elo, rating_words(over) if over else "–")

        def whole(row: CheckpointRow) -> Cell:
            wrong = self.wrong(row)
            if not wrong:
                return Cell(None, "") if wrong is None else Cell(1, signs.finished, "good")
            # cleaned up by its run since the folder was listed, or damaged
            return Cell(0, "gone", "quiet") if wrong == GONE else Cell(0, "damaged", "alert")

        name, *others = common_columns(opponent, "vs", self.clock())
        rated = Column("rating", "rating", rating, gives_way=5)
        return [
            name,
            Column("best", "", best, right=False),
            Column("iteration", "iteration", iteration),
            *others,
            *([rated] if any(row.rating is not None for row in self.rows) else []),
            Column("whole", "whole", whole, right=False, gives_way=2),
        ]


def _content(row: CheckpointRow) -> tuple[Path, float, int]:
    return row.file, row.changed, row.size_bytes


GONE = "it is not there any more"


def verify_file(file: Path) -> str:
    """What is wrong with the file, in words; an empty text when it is whole.

    Its SHA-256 is held against the one that the list beside it has had since the file was
    written; where there is none, the container's own checksums are compared. The weights are
    not loaded. Reads the whole file: for a thread.
    """
    try:
        listed = verify_listed(file)
        if listed is not None:
            return "" if listed else "it is damaged: its SHA-256 is not the one in the run's list"
        with open_own(file) as content, zipfile.ZipFile(content) as archive:
            bad, names = archive.testzip(), archive.namelist()
    except FileNotFoundError:
        return GONE
    except zipfile.BadZipFile:
        return "it is no checkpoint, or its end is missing"
    except (OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        if file.is_symlink():
            return "it is a link, and those of a run's folder are not followed"
        return f"it cannot be read ({plain_text(str(getattr(error, 'strerror', '') or error), 80)})"
    if bad is not None:
        return f"its part {plain_text(bad, 60)} is damaged"
    return "" if any(name.endswith("data.pkl") for name in names) else "it holds no weights"


def checkpoint_facts(row: CheckpointRow) -> dict[str, str]:
    """What is known of a checkpoint besides what its row says, by what it is called."""
    over = f" over {row.rated_over}" if row.rated_over else ""
    return {
        **{f"vs {name}": result.counted for name, result in row.results.items()},
        "which is": row.state,
        "rating": rating_words(row.rating) + over if row.rating is not None else "",
        "players": f"{row.players}" if row.players else "",
        "file": plain_text(row.file.name, 80),
    }
