"""Ratings over training: every evaluation's games in one fit, kept with the run.

`rated_games.jsonl` holds a line a match: newest weights against each opponent and against the
best so far, and once each two opponents against each other. All of them are fitted together
(Bradley and Terry with a seat term), so no rating hangs on a chain of newest against previous.
How many bytes of the file a checkpoint knows of stands in its progress: a resume cuts the rest off.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.arena.kept_matches import decode_match, encode_match, joined_matches, keep_match
from azul_tui.arena.match import play_match
from azul_tui.arena.ratings import fit_ratings
from azul_tui.errors import JobError
from azul_tui.players.registry import create_player
from azul_tui.runs.ratings import RatingRow, write_ratings
from azul_tui.training.gate import evaluation_seed

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.arena.kept_matches import KeptMatch
    from azul_tui.arena.match import MatchResult
    from azul_tui.arena.ratings import Rating
    from azul_tui.training.open_run import OpenRun

FILE: Final = "rated_games.jsonl"
ANCHOR: Final = "random"
_BOOTSTRAPS: Final = 100
_MOST_ITERATIONS: Final = 64
_MOST_BYTES: Final = 1 << 28
_ITERATION: Final = re.compile(r"iteration (\d{1,9})")


class RunRatings:
    """The rated games of one run, and the fits made of them."""

    def __init__(self, run: OpenRun) -> None:
        """Read what the run has kept so far, and cut off what its progress does not know of."""
        self._run = run
        self._matches: list[KeptMatch] = []
        path = self._path
        if not path.is_file():
            run.progress.rated_bytes = 0
            return
        with path.open("r+b") as file:
            if path.stat().st_size > run.progress.rated_bytes:
                file.truncate(run.progress.rated_bytes)
            content = file.read(_MOST_BYTES)
        whole = content[: content.rfind(b"\n") + 1]  # a power cut may have torn the last line
        lines = whole.splitlines()
        run.progress.rated_bytes = len(whole)
        for line in lines:
            try:
                self._matches.append(decode_match(line))
            except JobError as error:
                run.journal.alert(f"{FILE}: {error}")

    @property
    def _path(self) -> Path:
        return self._run.paths.directory / FILE

    def keep(self, result: MatchResult) -> bool:
        """Add a match; False when the disk refused it until somebody asked to leave."""
        match = keep_match(result)
        line = encode_match(match).encode() + b"\n"
        if self._run.journal.persistently(lambda: self._append(line)) is None:
            return False
        self._matches.append(match)
        return True

    def _append(self, line: bytes) -> bool:
        """Write a line where the progress says that the file ends."""
        progress = self._run.progress
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            file.seek(progress.rated_bytes)
            file.write(line)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())  # a checkpoint will name how many bytes there are
        progress.rated_bytes += len(line)
        return True

    def rate(self) -> bool:
        """Fit everything, record where the newest weights stand, and replace `ratings.json`.

        False when interrupted before that.
        """
        run = self._run
        opponents = run.config.eval_opponents
        if not self._meet_each_other(opponents):
            return False
        met = {name for match in self._matches for name in match.players}
        anchor = ANCHOR if ANCHOR in met else opponents[0]
        try:
            fitted = fit_ratings(
                joined_matches(_spread(self._matches)),
                anchor=anchor,
                bootstraps=_BOOTSTRAPS,
                generator=np.random.default_rng(run.progress.iteration),
            )
        except JobError as error:
            run.journal.alert(f"no ratings: {error}")
            return True
        rows = [_row(rating) for rating in fitted.ratings]
        for row in rows:
            if row.iteration == run.progress.iteration:
                run.journal.record(
                    "rating",
                    iteration=row.iteration,
                    elo=row.elo,
                    low=row.low,
                    high=row.high,
                    anchor=anchor,
                    games=row.games,
                    players=run.config.num_players,
                )
        run.journal.show(
            lambda: write_ratings(
                run.paths,
                rows,
                anchor=anchor,
                players=run.config.num_players,
                fitted=time.time(),
            )
        )
        return True

    def _meet_each_other(self, opponents: tuple[str, ...]) -> bool:
        """Have each two opponents play a match, if they never did; False when interrupted.

        Nobody else ties them together once the network beats them all.
        """
        run, config = self._run, self._run.config
        met = {frozenset(match.players) for match in self._matches}
        for names in itertools.combinations(dict.fromkeys(opponents), 2):
            one, other = (create_player(name, config.num_players) for name in names)
            if frozenset((one.name, other.name)) in met:
                continue
            result = play_match(
                one,
                other,
                config.eval_games,
                evaluation_seed(config),
                config.num_players,
                on_progress=lambda done, total: run.tell(done, total, "games"),
                stop=run.steering.interrupts,
            )
            if result.stopped or not self.keep(result):
                return False
        return True


def _spread(matches: list[KeptMatch]) -> list[KeptMatch]:
    """The matches that are fitted: of a long run every 2nd, 4th, ... iteration and the newest.

    A fit takes time with the cube of its players; a chart needs no more than this.
    """
    found = {name: _iteration(name) for match in matches for name in match.players}
    iterations = sorted({number for number in found.values() if number is not None})
    step = 1
    while len(iterations) > step * _MOST_ITERATIONS:
        step *= 2
    kept = {*iterations[step - 1 :: step], *iterations[-1:]}
    return [
        match
        for match in matches
        if all(found[name] is None or found[name] in kept for name in match.players)
    ]


def _iteration(name: str) -> int | None:
    """The iteration whose weights a player of this name has."""
    match = _ITERATION.fullmatch(name)
    return int(match[1]) if match else None


def _row(rating: Rating) -> RatingRow:
    """A fitted rating as it is kept."""
    return RatingRow(
        name=rating.name,
        elo=round(rating.elo, 2),
        low=round(rating.low, 2),
        high=round(rating.high, 2),
        games=rating.games,
        score=round(rating.score, 4),
        iteration=_iteration(rating.name),
    )
