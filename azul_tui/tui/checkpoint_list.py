"""All checkpoints of all runs, with what the runs' records say of them. Opens no weights."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azul_tui.runs.checkpoint_manifest import verify_listed
from azul_tui.runs.events import number, text
from azul_tui.runs.files import open_own
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import RunPaths, pretrained_directory, run_folders
from azul_tui.runs.tail import EventTail
from azul_tui.runs.text import plain_text
from azul_tui.tui.run_ratings import RatingsFile, anchor_name, over_training

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.ratings import RatingRow

NO_STEPS = 1 << 40
"""Stride that keeps no step record: here only the others matter."""
SHIPPED = "pretrained"
GONE = "it is not there any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """One checkpoint file."""

    run: str
    file: Path
    iteration: int
    score: float | None
    total_loss: float | None
    policy_loss: float | None
    value_loss: float | None
    changed: float
    size_bytes: int
    best: bool = False
    newest: bool = False
    shipped: bool = False
    games_total: float | None = None
    evaluations: tuple[tuple[str, float, float, float, int], ...] = ()
    """Opponent, score, low, high, games."""
    rating: RatingRow | None = None
    """Of the last fit of its run's rated games."""
    rated_over: str = ""
    """Who stands at 0 in that fit."""

    @property
    def key(self) -> str:
        """What tells it apart."""
        return str(self.file)


@dataclass(slots=True)
class _RunNotes:
    """What the records of one run say of its iterations."""

    tail: EventTail
    ratings: RatingsFile
    scores: dict[str, float] = field(default_factory=dict[str, float])
    best_file: str = ""
    losses: dict[int, dict[str, Any]] = field(default_factory=dict[int, "dict[str, Any]"])
    evaluations: dict[int, list[tuple[str, float, float, float, int]]] = field(
        default_factory=dict[int, "list[tuple[str, float, float, float, int]]"]
    )
    caught_up: bool = False

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
            if kind == "checkpoint":
                name, score = text(record, "file"), number(record, "score")
                if score is not None:
                    self.scores[name] = score
                if record.get("best") is True:
                    self.best_file = name
            elif kind == "iteration":
                self.losses[at] = record
            elif kind == "evaluation" and number(record, "score") is not None:
                self.evaluations.setdefault(at, []).append(
                    (
                        text(record, "opponent", 40),
                        number(record, "score") or 0.0,
                        number(record, "low") or 0.0,
                        number(record, "high") or 0.0,
                        int(number(record, "games") or 0),
                    )
                )


class CheckpointIndex:
    """The checkpoints under a folder; `refresh` brings it up to date."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._notes: dict[str, _RunNotes] = {}
        self.rows: list[CheckpointRow] = []

    def refresh(self, budget_ms: float = 12.0) -> bool:
        """List again; whether every run's records have been read to their end."""
        rows: list[CheckpointRow] = []
        done = True
        for folder in run_folders(self.root):
            paths = RunPaths(folder)
            files = checkpoint_files(paths)
            best_model = paths.best_model.is_file()
            if not files and not best_model:
                continue
            notes = self._notes.setdefault(
                paths.name, _RunNotes(EventTail(paths.events), RatingsFile(paths))
            )
            notes.read(budget_ms)
            done = done and notes.caught_up
            rows.extend(self._rows(paths, files, notes))
        rows.extend(shipped_rows(self.root))
        self.rows = rows
        return done

    def _rows(
        self, paths: RunPaths, files: list[tuple[int, Path]], notes: _RunNotes
    ) -> list[CheckpointRow]:
        rows: list[CheckpointRow] = []
        rated = notes.ratings.refresh()
        ratings = {row.iteration: row for row in over_training(rated)}
        for iteration, file in files:
            facts = file_facts(file)
            if facts is None:
                continue
            losses = notes.losses.get(iteration, {})
            rows.append(
                CheckpointRow(
                    run=plain_text(paths.name, 64),
                    file=file,
                    iteration=iteration,
                    score=notes.scores.get(file.name),
                    total_loss=number(losses, "total_loss"),
                    policy_loss=number(losses, "policy_loss"),
                    value_loss=number(losses, "value_loss"),
                    changed=facts[0],
                    size_bytes=facts[1],
                    best=file.name == notes.best_file,
                    newest=file == files[-1][1],
                    games_total=number(losses, "games_total"),
                    evaluations=tuple(notes.evaluations.get(iteration, [])),
                    rating=ratings.get(iteration),
                    rated_over=anchor_name(rated),
                )
            )
        return rows


def file_facts(file: Path) -> tuple[float, int] | None:
    """`(changed, bytes)` of a file; None when it went away."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime, facts.st_size


def shipped_rows(root: Path) -> list[CheckpointRow]:
    """The checkpoints that come with the program."""
    for folder in (root / SHIPPED, pretrained_directory()):
        files = sorted(folder.glob("*.pt")) if folder.is_dir() else []
        rows = [
            CheckpointRow(
                run=SHIPPED,
                file=file,
                iteration=0,
                score=None,
                total_loss=None,
                policy_loss=None,
                value_loss=None,
                changed=facts[0],
                size_bytes=facts[1],
                shipped=True,
            )
            for file in files
            if (facts := file_facts(file)) is not None
        ]
        if rows:
            return rows
    return []


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
