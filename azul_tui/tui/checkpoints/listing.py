"""All checkpoints of all runs, with what the runs' records say of them. Opens no weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from azul_tui.runs.checkpoint_manifest import best_record, read_manifest
from azul_tui.runs.events import number, text
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import RunPaths, run_folders
from azul_tui.runs.tail import EventTail
from azul_tui.runs.text import plain_text
from azul_tui.tui.checkpoints.row import CheckpointRow, file_facts
from azul_tui.tui.checkpoints.seats import seats_of
from azul_tui.tui.checkpoints.shipped import shipped_rows
from azul_tui.tui.run_ratings import RatingsFile, anchor_name, over_training

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.checkpoint_manifest import CheckpointRecord


NO_STEPS = 1 << 40
"""Stride that keeps no step record: here only the others matter."""


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
    players: int | None = None

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
        self._shipped: dict[Path, tuple[_RunNotes, dict[str, CheckpointRecord]]] = {}
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
            if notes.players is None:
                notes.players = seats_of(paths.config)
            done = done and notes.caught_up
            rows.extend(self._rows(paths, files, notes))
        for row in shipped_rows(self.root):
            done = self._tell_of_shipped(row.file.parent, budget_ms) and done
            rows.append(self._with_figures(row))
        self.rows = rows
        return done

    def _tell_of_shipped(self, folder: Path, budget_ms: float) -> bool:
        """Read the records that came with a shipped player; whether to their end."""
        if folder not in self._shipped:
            paths = RunPaths(folder)
            notes = _RunNotes(EventTail(paths.events), RatingsFile(paths))
            notes.ratings.refresh()
            self._shipped[folder] = notes, read_manifest(folder)
        notes, _ = self._shipped[folder]
        notes.read(budget_ms)
        return notes.caught_up

    def _with_figures(self, row: CheckpointRow) -> CheckpointRow:
        """A shipped row with what its list, its log and its ladder say of it."""
        notes, shipped = self._shipped[row.file.parent]
        listed = shipped.get(row.file.name)
        if listed is None:
            return row
        at = listed.iteration
        rated = notes.ratings.refresh()
        # A checkpoint made within an iteration has the number of the one under way.
        losses = notes.losses.get(at) or notes.losses.get(at - 1, {})
        return replace(
            row,
            iteration=at,
            score=listed.score,
            total_loss=number(losses, "total_loss"),
            policy_loss=number(losses, "policy_loss"),
            value_loss=number(losses, "value_loss"),
            games_total=number(losses, "games_total"),
            evaluations=tuple(notes.evaluations.get(at, [])),
            rating={one.iteration: one for one in over_training(rated)}.get(at),
            rated_over=anchor_name(rated),
        )

    def _rows(
        self, paths: RunPaths, files: list[tuple[int, Path]], notes: _RunNotes
    ) -> list[CheckpointRow]:
        rows: list[CheckpointRow] = []
        rated = notes.ratings.refresh()
        # The list beside the files knows: the records still tell of what a resume gave up.
        listed = best_record(read_manifest(paths.directory))
        best = listed.iteration if listed is not None else -1
        ratings = {row.iteration: row for row in over_training(rated)}
        shown = list(files)
        if listed is not None and best not in dict(files) and paths.best_model.is_file():
            shown.append((best, paths.best_model))  # its own checkpoint was cleaned up since
        for iteration, file in shown:
            facts = file_facts(file)
            if facts is None:
                continue
            losses = notes.losses.get(iteration, {})
            rows.append(
                CheckpointRow(
                    run=plain_text(paths.name, 64),
                    file=file,
                    iteration=iteration,
                    score=listed.score
                    if listed is not None and file == paths.best_model
                    else notes.scores.get(file.name),
                    total_loss=number(losses, "total_loss"),
                    policy_loss=number(losses, "policy_loss"),
                    value_loss=number(losses, "value_loss"),
                    changed=facts[0],
                    size_bytes=facts[1],
                    best=iteration == best or (listed is None and file.name == notes.best_file),
                    newest=bool(files) and file == files[-1][1],
                    games_total=number(losses, "games_total"),
                    evaluations=tuple(notes.evaluations.get(iteration, [])),
                    rating=ratings.get(iteration),
                    rated_over=anchor_name(rated),
                    players=notes.players,
                )
            )
        return rows
