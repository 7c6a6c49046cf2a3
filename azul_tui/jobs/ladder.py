"""The arena's ladder: who meets whom, what is kept, and how ratings are shown."""

from __future__ import annotations

import itertools
import json
import re
import time
from typing import TYPE_CHECKING, Any, Final, cast

from azul_tui.arena.kept_results import results_from_record, results_record
from azul_tui.arena.match import MatchResult, play_match
from azul_tui.arena.rated_games import rated_games
from azul_tui.arena.ratings import Ratings, fit_ratings
from azul_tui.errors import JobError
from azul_tui.jobs.arena_players import open_contestant, shown_name, split_contestant
from azul_tui.jobs.describe import in_percent
from azul_tui.jobs.evaluate import whole_bags
from azul_tui.jobs.waking import wake_player
from azul_tui.runs.files import append_durably
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import existing_run
from azul_tui.runs.ratings import LADDER_RATINGS_FILE, RatingRow, ladder_file, write_ratings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.arena.games import GameResults
    from azul_tui.jobs.context import JobContext
    from azul_tui.players.registry import Player
    from azul_tui.runs.paths import RunPaths

ANCHOR: Final = "random"
_ITERATION = re.compile(r"checkpoint_iter_([0-9]+)@")
_BAR: Final = 24
_MOST_LINE_BYTES: Final = 16_000_000

Pairing = tuple[str, str]


def run_ladder(context: JobContext) -> dict[str, Any]:
    """Play what is missing, rate everybody together, keep it with the run if there is one.

    Raises:
        JobError: There are fewer than two players.
        RunError: There is no such run.
        PlayerError: One of the names is no player's. Nothing has been played then.
        CheckpointError: A checkpoint cannot be used. Nothing has been played then.
    """
    paths = existing_run(context.runs_root, context.text("run")) if context.text("run") else None
    checkpoints = [] if paths is None else _checkpoints(paths, context.integer("checkpoints"))
    named, checkpoints = _different(context, context.words("players"), checkpoints)
    if len(named) + len(checkpoints) < 2:
        only = ", ".join([*named, *checkpoints]) or "none"
        raise JobError(
            f"a ladder needs two players or more, got {only}: name others with --set players=[...]"
        )
    kept = {} if paths is None else _read_kept(ladder_file(paths), context)
    pairings = _pairings(named, checkpoints)
    games = whole_bags(context, context.integer("num_players"))
    context.reporter.say(
        f"{len(pairings)} match{'' if len(pairings) == 1 else 'es'} of {games} games"
    )
    results = _play(context, pairings, kept, None if paths is None else ladder_file(paths))
    if not results:
        return {"ok": False, "stopped": True, "ratings": []}
    games = rated_games(results)
    anchor = ANCHOR if ANCHOR in games.names else games.names[0]
    ratings = fit_ratings(games, anchor=anchor)
    for line in told_ladder(ratings):
        context.reporter.say(line)
    if paths is not None:
        rows = _rows(ratings)
        seats = context.integer("num_players")
        write_ratings(
            paths,
            rows,
            anchor=anchor,
            players=seats,
            fitted=time.time(),
            file=LADDER_RATINGS_FILE,
        )
        context.reporter.say(f"kept in {ladder_file(paths).parent}")
    return {"matches": len(results), "stopped": context.stop.is_set(), **ratings.record()}


def _different(
    context: JobContext, named: Sequence[str], checkpoints: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The names and the files of different players: what means one of them again is left out."""
    seen: set[str] = set()
    kept: tuple[list[str], list[str]] = [], []
    for names, place in zip((named, checkpoints), kept, strict=True):
        for name in names:
            shown = shown_name(context, name)
            if shown not in seen:
                seen.add(shown)
                place.append(name)
    return kept


def _checkpoints(paths: RunPaths, most: int) -> list[str]:
    """At most so many numbered checkpoints of a run, evenly spread, the newest always."""
    files = [str(file) for _, file in checkpoint_files(paths)]
    if len(files) <= most:
        return files
    step = (len(files) - 1) / max(1, most - 1)
    return [files[round(len(files) - 1 - index * step)] for index in range(most)][::-1]


def _pairings(named: list[str], checkpoints: list[str]) -> list[Pairing]:
    """Everybody named meets everybody; checkpoints meet each other at distances 1, 2, 4, 8, ...

    So no rating hangs on a chain of neighbours, and the number of matches stays small.
    """
    pairs = list(itertools.combinations(named, 2))
    pairs += [(one, other) for one in checkpoints for other in named]
    distance = 1
    while distance < len(checkpoints):
        pairs += zip(checkpoints, checkpoints[distance:], strict=False)
        distance *= 2
    return pairs


def _key(context: JobContext, names: Pairing) -> tuple[object, ...]:
    """What makes a kept match the one that would be played now."""
    return (
        *names,
        context.integer("num_players"),
        context.integer("games"),
        context.integer("seed"),
    )


def _read_kept(file: Path, context: JobContext) -> dict[tuple[object, ...], GameResults]:
    """Matches that were played before, by what they were; damaged lines are told and left out."""
    kept: dict[tuple[object, ...], GameResults] = {}
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(_MOST_LINE_BYTES), b""), 1):
                try:
                    record = cast("dict[str, Any]", json.loads(line))
                    kept[tuple(record["key"])] = results_from_record(record["results"])
                except (ValueError, KeyError, TypeError, RecursionError, JobError):
                    context.reporter.say(f"{file.name}, line {number} is damaged and left out")
    except FileNotFoundError:
        return {}
    return kept


def _play(
    context: JobContext,
    pairings: list[Pairing],
    kept: dict[tuple[object, ...], GameResults],
    file: Path | None,
) -> list[GameResults]:
    """The results of all pairings, kept ones read and the others played."""
    results: list[GameResults] = []
    opened: dict[str, Player] = {}
    seats, games = context.integer("num_players"), context.integer("games")
    for index, names in enumerate(pairings):
        if context.stop.is_set():
            break
        opened = {name: player for name, player in opened.items() if name in names}
        for name in names:
            if name not in opened:
                opened[name] = open_contestant(context, name)
                wake_player(context, opened[name], seats)
        one, other = opened[names[0]], opened[names[1]]
        key = _key(context, (one.name, other.name))
        if key in kept:
            results.append(kept[key])
            continue
        result = play_match(
            one,
            other,
            games,
            context.integer("seed"),
            seats,
            on_progress=lambda done, total, before=index: context.reporter.progress(
                before * total + done, len(pairings) * total, "games"
            ),
            stop=context.stop.is_set,
        )
        _tell(context, result)
        if result.games:
            results.append(result.results)
        if file is not None and not result.stopped and _lasting(names, context):
            line = json.dumps({"key": key, "results": results_record(result.results)})
            append_durably(file, line.encode() + b"\n")
    return results


def _lasting(names: Pairing, context: JobContext) -> bool:
    """Whether both names will always mean the same player: `best_model.pt` will not."""
    plain = [split_contestant(name, context.integer("simulations"))[0] for name in names]
    return all("checkpoint_iter_" in name or "/" not in name for name in plain) and all(
        not (context.runs_root / name).is_dir() for name in plain
    )


def _tell(context: JobContext, result: MatchResult) -> None:
    """One match, as a record and as a line."""
    context.reporter.record("match", **result.record())
    score = in_percent(result.score, result.low, result.high)
    context.reporter.say(
        f"  {result.player_a} against {result.player_b}: {score} of"
        f" {result.games} games, margin {result.margin:+.1f}"
    )


def _rows(ratings: Ratings) -> list[RatingRow]:
    """The rows that are kept with a run."""
    rows: list[RatingRow] = []
    for rating in ratings.ratings:
        found = _ITERATION.search(rating.name)
        rows.append(
            RatingRow(
                name=rating.name,
                elo=rating.elo,
                low=rating.low,
                high=rating.high,
                games=rating.games,
                score=rating.score,
                iteration=int(found[1]) if found else None,
            )
        )
    return rows


def told_ladder(ratings: Ratings) -> list[str]:
    """The ladder in lines for a person: rating, half of its interval, score, a bar."""
    wide = max(len(rating.name) for rating in ratings.ratings)
    low = min(rating.elo for rating in ratings.ratings)
    span = max(1.0, ratings.ratings[0].elo - low)
    lines = [f"{'':>3} {'player':<{wide}} {'Elo':>6} {'±':>5} {'score':>7} {'games':>6}"]
    for place, rating in enumerate(ratings.ratings, 1):
        half = (rating.high - rating.low) / 2
        bar = "█" * max(1, round(_BAR * (rating.elo - low) / span))
        lines.append(
            f"{place:>3} {rating.name:<{wide}} {rating.elo:>6.0f} {half:>5.0f}"
            f" {rating.score:>7.1%} {rating.games:>6} {bar}"
        )
    seats = ", ".join(
        f"seat {seat} {elo:+.0f}" for seat, elo in enumerate(ratings.seat_elo[:-1], 1)
    )
    lines.append(f"    Elo above {ratings.anchor}; worth of a seat against the last one: {seats}")
    return lines
