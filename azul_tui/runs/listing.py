"""The runs of a folder: what each is, how it is rated, and which of them can be resumed."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from azul_tui.errors import JobError, RunError, RunLockedError
from azul_tui.runs.events import Record, last_records, number, text
from azul_tui.runs.files import decoded, read_bounded, write_bytes_atomically
from azul_tui.runs.paths import RunPaths, run_folders
from azul_tui.runs.status import (
    ACTIVE,
    Judgement,
    Status,
    judge,
    lock_holder,
    read_status,
    writer_lives,
)
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


# -- all runs of a folder at a glance, read from their status files alone

_CHECKPOINT: Final = re.compile(r"checkpoint_iter_([0-9]{6,12})\.pt")
_MOST_FILES_COUNTED: Final = 20_000


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list."""

    paths: RunPaths
    state: str
    """A `State`, or "empty" for a folder in which nothing was recorded yet."""
    stalled: bool
    alive: bool
    reason: str
    status: Status
    changed: float
    """Unix seconds of the last sign of life, by the clock of whoever gave it."""
    size_bytes: int
    checkpoints: int

    @property
    def name(self) -> str:
        """The run's name, harmless to show."""
        return plain_text(self.paths.name, 64)


def list_runs(root: Path, now: float) -> list[RunSummary]:
    """Every run in the folder `root`, the one with the newest sign of life first."""
    runs = [summarize(RunPaths(folder), now) for folder in run_folders(root)]
    return sorted(runs, key=lambda run: (-run.changed, run.paths.name))


def summarize(paths: RunPaths, now: float) -> RunSummary:
    """One run; folders that are being made, moved or damaged are summarized as far as possible."""
    status = read_status(paths.status)
    if status is None:
        status = Status(state="stopped")
        judgement = Judgement("stopped", reason="its status file is missing or damaged")
        for record in last_records(paths.events):
            status.name = paths.name
            status.heartbeat = number(record, "t") or status.heartbeat
            status.iteration = int(number(record, "iteration") or status.iteration)
            _take_losses(status, record)
            if record["event"] == "checkpoint":
                status.last_checkpoint = text(record, "file")
    else:
        judgement = judge(status, now, paths.lock)
        if status.total_loss is None and status.iteration > 0:
            # A process that has not trained yet since a resume has none: the log has the last.
            for record in last_records(paths.events):
                _take_losses(status, record)
    changed = max(status.heartbeat, status.started)
    if not changed and paths.directory.exists():
        changed = paths.directory.stat().st_mtime
    size_bytes, checkpoints = _sizes(paths.directory)
    return RunSummary(
        paths,
        judgement.state if status.name or status.heartbeat else "empty",
        judgement.stalled,
        judgement.alive,
        judgement.reason,
        status,
        changed,
        size_bytes,
        checkpoints,
    )


def newest_run(root: Path, now: float) -> RunPaths:
    """The run with the newest sign of life, whatever `now` is; raises RunError without any."""
    runs = list_runs(root, now)
    if not runs:
        raise RunError(
            f"there are no runs in {plain_text(str(root))}; "
            "azul-tui --run quick makes the first one"
        )
    return runs[0].paths


def checkpoint_files(paths: RunPaths) -> list[tuple[int, Path]]:
    """`(iteration, file)` of every regular checkpoint that is no link, oldest first."""
    try:
        files = list(paths.directory.iterdir())
    except OSError:  # absent or forbidden: there is nothing to show
        return []
    found = ((_CHECKPOINT.fullmatch(file.name), file) for file in files)
    return sorted((int(match[1]), file) for match, file in found if match and not file.is_symlink())


def _take_losses(status: Status, record: Record) -> None:
    for key in ("total_loss", "policy_loss", "value_loss"):
        if (loss := number(record, key)) is not None:
            setattr(status, key, loss)


def _sizes(folder: Path) -> tuple[int, int]:
    """Bytes in all files of the folder and below, and the number of its checkpoints."""
    total = counted = checkpoints = 0
    for place, _, names in os.walk(folder):  # which passes over what is not ours to read
        for name in names:
            counted += 1
            checkpoints += _CHECKPOINT.fullmatch(name) is not None
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - many
            except OSError:  # renamed between the two calls
                continue
        if counted >= _MOST_FILES_COUNTED:
            break
    return total, checkpoints


# -- which run `resume` goes on with when nobody names one


def run_to_resume(root: Path, changes: Mapping[str, object], now: float) -> RunPaths:
    """The newest run that is not going on and has something left to do.

    Settings that somebody named are among `changes`: more iterations make a finished run fit.

    Raises:
        RunError: There is no run at all.
        JobError: Every run goes on or has finished; the message says what would do.
    """
    # One that ended before its first record holds nothing to go on from.
    runs = [
        run
        for run in list_runs(root, now)
        if run.status.iteration or run.checkpoints or run.paths.events.exists()
    ]
    for run in runs:
        if has_work_left(run, changes):
            return run.paths
    if not runs:
        return newest_run(root, now)
    newest = runs[0]
    if newest.state in ACTIVE:
        raise JobError(
            f"{newest.name} is going on already (azul-tui --attach {newest.name}), and no other "
            "run here has anything left to do; name one with --set run=NAME"
        )
    done, planned = newest.status.iteration, newest.status.max_iterations or 0
    ask = f"ask for more with --set run={newest.name} --set"
    if done < planned:
        raise JobError(
            f"{newest.name} has trained for as long as it was asked to; {ask} max_minutes=MINUTES, "
            "0 for no limit"
        )
    raise JobError(
        f"{newest.name} has finished its {done:,} iterations; "
        f"{ask} max_iterations={more_iterations(done, planned)}"
    )


def refuse_live(paths: RunPaths) -> None:
    """Raise RunLockedError for a run that is going on, before anything is loaded."""
    if writer_lives(paths):
        name = plain_text(paths.name, 64)
        who = lock_holder(paths) or "another process"
        raise RunLockedError(
            f"{name} is going on already, in {who}; look at it: azul-tui --attach {name}"
        )


def has_work_left(run: RunSummary, changes: Mapping[str, object]) -> bool:
    """Whether a run could be resumed now and would do something."""
    if run.state in ACTIVE:
        return False
    most = changes.get("max_iterations", run.status.max_iterations)
    if isinstance(most, int) and 0 < most <= run.status.iteration:
        return False
    # A limit that somebody names gives a finished run something to do again.
    return run.state != "finished" or bool({"max_iterations", "max_minutes"} & set(changes))


def more_iterations(done: int, planned: int) -> int:
    """A sensible larger limit for a run that has done `done` of `planned` iterations."""
    return planned if done < planned else 2 * max(done, planned, 1)


# -- ratings kept with a run, a file for each of the two who fit some
#
# `ratings.json` is the training's, over its own evaluations (`rated_games.jsonl`);
# `ladder_ratings.json` that of a ladder of players and checkpoints (`ladder.jsonl`), which somebody
# may have played while the run trained. Neither writes the other's, and readers see both.

RATINGS_FILE: Final = "ratings.json"
LADDER_RATINGS_FILE: Final = "ladder_ratings.json"


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One player of the ladder."""

    name: str
    """Harmless to show."""
    elo: float
    """Elo points above the anchor."""
    low: float
    high: float
    """95% interval."""
    games: int
    score: float
    """Mean win share over all its games."""
    iteration: int | None = None
    """Iteration of the checkpoint, for a chart over training; None for other players."""


@dataclass(frozen=True, slots=True)
class _Ratings:
    """A file of ratings."""

    ratings: list[RatingRow]
    """Strongest first."""
    anchor: str = ""
    """Who stands at 0."""
    players: int = 2
    """Seats at the table."""
    t: float = 0.0
    """Unix seconds when they were fitted."""


def ladder_file(paths: RunPaths) -> Path:
    """One line a match, as `arena.store.encode_match` writes it."""
    return paths.directory / "ladder.jsonl"


def write_ratings(
    paths: RunPaths,
    rows: Sequence[RatingRow],
    *,
    anchor: str,
    players: int,
    fitted: float,
    file: str = RATINGS_FILE,
) -> None:
    """Replace the ratings of a run in `file`: rows, strongest first, and who stands at 0."""
    content = {"anchor": anchor, "players": players, "t": fitted}
    content |= {"ratings": [asdict(row) for row in rows]}
    text = json.dumps(content, allow_nan=False, indent=1) + "\n"
    write_bytes_atomically(paths.directory / file, text.encode())


def read_ratings(paths: RunPaths) -> tuple[RatingRow, ...]:
    """The ratings of a run, strongest first; none when they were never fitted or are damaged.

    The training's stand; the ladder adds iterations and players that the training did not rate,
    where both are told from the same player.
    """
    own, ladder = (_read(paths.directory / f) for f in (RATINGS_FILE, LADDER_RATINGS_FILE))
    if not own.ratings:
        return tuple(ladder.ratings)
    rows = list(own.ratings)
    if own.anchor == ladder.anchor:
        known = {_rated(row) for row in rows}
        rows += [row for row in ladder.ratings if _rated(row) not in known]
    return tuple(sorted(rows, key=lambda row: -row.elo))


def _rated(row: RatingRow) -> int | str:
    """What a rating is about: an iteration, or a player by name."""
    return row.name if row.iteration is None else row.iteration


def _read(file: Path) -> _Ratings:
    found = decoded(read_bounded(file, 1_000_000), _Ratings) or _Ratings([])
    return replace(found, ratings=[replace(r, name=plain_text(r.name, 120)) for r in found.ratings])
