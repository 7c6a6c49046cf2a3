"""Job arena: players against each other, or all on one scale."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from azul_tui.arena.match import play_match, play_table
from azul_tui.arena.ratings import Ratings, fit_ratings
from azul_tui.arena.statistics import SequentialTest
from azul_tui.arena.store import (
    KeptMatch,
    decode_match,
    encode_match,
    joined_matches,
    keep_match,
    rating_rows,
)
from azul_tui.errors import JobError, PlayerError
from azul_tui.jobs.describe import in_percent
from azul_tui.jobs.evaluate import keep_games, tallying, told, whole_bags
from azul_tui.jobs.waking import wake_player
from azul_tui.players.registry import create_player
from azul_tui.runs.files import append_durably
from azul_tui.runs.listing import (
    LADDER_RATINGS_FILE,
    checkpoint_files,
    ladder_file,
    write_ratings,
)
from azul_tui.runs.paths import existing_run
from azul_tui.training.checkpoint_players import find_player, open_player, read_saved_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.arena.match import MatchResult
    from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array
    from azul_tui.jobs.start import JobContext
    from azul_tui.players.registry import Player
    from azul_tui.runs.paths import RunPaths


# -- opening the players that the arena is given by name

MOST_SIMULATIONS = 100_000


@dataclass(frozen=True)
class NamedPlayer:
    """A player under the name that tells its simulations too."""

    name: str
    player: Player

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`."""
        return self.player.choose(states, seeds, deterministic)


def split_contestant(name: str, simulations: int) -> tuple[str, int]:
    """Name and simulations of `NAME@N`, or `simulations` where no N is given.

    Raises:
        PlayerError: What stands behind the @ is no number of simulations.
    """
    before, at, after = name.rpartition("@")
    if not at:
        return name, simulations
    if not after.isascii() or not after.isdigit() or int(after[:9]) > MOST_SIMULATIONS:
        raise PlayerError(
            f"{name!r}: behind the @ stands a number of simulations from 0 to"
            f" {MOST_SIMULATIONS:,}, as in {before or 'NAME'}@100"
        )
    return before, int(after)


def shown_name(context: JobContext, name: str) -> str:
    """The name that the player called `name` goes by, once it is known that it can play.

    Raises:
        PlayerError: It is no player's name, or it cannot play with so many.
        CheckpointError: Its checkpoint cannot be used.
    """
    plain, simulations = split_contestant(name, context.integer("simulations"))
    seats = context.integer("num_players")
    path = find_player(plain, context.runs_root, players=seats)
    if path is None:
        return create_player(plain, seats).name
    return f"{read_saved_network(path, seats).name}@{simulations}"


def open_contestant(context: JobContext, name: str) -> Player:
    """The player called `name`; a network is shown as `run/checkpoint@simulations`.

    Raises:
        PlayerError: It is no player's name.
        CheckpointError: Its checkpoint cannot be used.
    """
    plain, simulations = split_contestant(name, context.integer("simulations"))
    player = open_player(
        plain,
        simulations,
        context.runs_root,
        warn=context.warn,
        players=context.integer("num_players"),
        device=context.text("device"),
    )
    if player.name == plain.strip().lower():
        return player
    return NamedPlayer(f"{player.name}@{simulations}", player)


# -- the arena's ladder: who meets whom, what is kept, and how ratings are shown

ANCHOR: Final = "random"
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
    games = joined_matches(results)
    anchor = ANCHOR if ANCHOR in games.names else games.names[0]
    ratings = fit_ratings(games, anchor=anchor)
    for line in told_ladder(ratings):
        context.reporter.say(line)
    if paths is not None:
        write_ratings(
            paths,
            rating_rows(ratings),
            anchor=anchor,
            players=context.integer("num_players"),
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


def _read_kept(file: Path, context: JobContext) -> dict[tuple[object, ...], KeptMatch]:
    """Matches that were played before, by what they were; damaged lines are told and left out."""
    kept: dict[tuple[object, ...], KeptMatch] = {}
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(_MOST_LINE_BYTES), b""), 1):
                try:
                    match = decode_match(line)
                except JobError:
                    context.reporter.say(f"{file.name}, line {number} is damaged and left out")
                else:
                    kept[match.key] = match
    except FileNotFoundError:
        return {}
    return kept


def _play(
    context: JobContext,
    pairings: list[Pairing],
    kept: dict[tuple[object, ...], KeptMatch],
    file: Path | None,
) -> list[KeptMatch]:
    """The matches of all pairings, kept ones read and the others played."""
    results: list[KeptMatch] = []
    opened: dict[str, Player] = {}
    seats, seed = context.integer("num_players"), context.integer("seed")
    games = -(-context.integer("games") // seats) * seats
    for index, names in enumerate(pairings):
        if context.stop.is_set():
            break
        opened = {name: player for name, player in opened.items() if name in names}
        for name in names:
            if name not in opened:
                opened[name] = open_contestant(context, name)
                wake_player(context, opened[name], seats)
        one, other = opened[names[0]], opened[names[1]]
        known = kept.get((one.name, other.name, seats, games, seed))
        if known is not None:
            results.append(known)
            continue
        result = play_match(
            one,
            other,
            games,
            seed,
            seats,
            on_progress=lambda done, total, before=index: context.reporter.progress(
                before * total + done, len(pairings) * total, "games"
            ),
            stop=context.stop.is_set,
        )
        _tell(context, result)
        match = keep_match(result)
        if len(match.shares):
            results.append(match)
        if file is not None and not result.stopped and _lasting(names, context):
            append_durably(file, encode_match(match).encode() + b"\n")
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


# -- job `arena`: two players in a match, or many on a ladder with ratings
#
# With `a` and `b`: paired games between the two, ended early by a sequential test if asked for.
# Otherwise every player of `players`, and checkpoints of `run`, meet on a ladder, or with
# `one_table` the players sit at one table, every seating on each bag. A player is a
# scripted one, a run, a checkpoint file or `pretrained`; NAME@N gives it N simulations a move.


def run(context: JobContext) -> dict[str, Any]:
    """Play, and say who is stronger and how sure that is.

    Raises:
        JobError: One of `a` and `b` is missing.
        PlayerError: A name is no player's.
        CheckpointError: A checkpoint cannot be used.
    """
    player_a, player_b = context.text("a"), context.text("b")
    if not player_a and not player_b:
        return _one_table(context) if context.settings["one_table"] else run_ladder(context)
    if not (player_a and player_b):
        missing = "b" if player_a else "a"
        raise JobError(
            f"a match needs two players: name the other with --set {missing}=NAME, or name"
            " neither for a ladder of --set players"
        )
    return _play_two(context, player_a, player_b)


def _one_table(context: JobContext) -> dict[str, Any]:
    """Every seating of the named players."""
    names = context.words("players")
    seats = context.integer("num_players")
    if len(names) != seats:
        raise JobError(
            f"one table of num_players = {seats} takes {seats} players, got {len(names)}:"
            f" {', '.join(names)}"
        )
    reporter = context.reporter
    players = [open_contestant(context, name) for name in names]
    seatings = math.factorial(seats)
    games = whole_bags(context, seatings)
    reporter.say(f"{games} games, every seating on each of {games // seatings} bags")
    result = play_table(
        players,
        games // seatings,
        context.integer("seed"),
        on_progress=lambda done, total: reporter.progress(done, total, "games"),
        stop=context.stop.is_set,
    )
    if result.games < games:
        reporter.say(f"stopped after {result.games} games of whole bags")
    for standing in sorted(result.standings, key=lambda standing: -standing.share.mean):
        wins = in_percent(*standing.share)
        reporter.say(
            f"  {standing.name}: wins {wins},"
            f" mean place {standing.rank.mean:.2f}, {standing.points:.1f} points"
        )
    reporter.say(f"  the first seat wins {result.first_seat_share:.1%}")
    return {"ok": result.games > 0, **result.record()}


def _play_two(context: JobContext, name_a: str, name_b: str) -> dict[str, Any]:
    """The match of `a` against `b`."""
    seats = context.integer("num_players")
    games = whole_bags(context, seats)
    one, other = open_contestant(context, name_a), open_contestant(context, name_b)
    elo = context.real("sequential_elo")
    test = SequentialTest(elo_1=elo, max_pairs=-(-games // seats), players=seats) if elo else None
    reporter = context.reporter
    reporter.say(f"{one.name} against {other.name}, at most {games} games")
    label: dict[str, object] = {
        "player_a": one.name, "player_b": other.name, "players": seats, "planned": games,
    }  # fmt: skip
    if "@" in one.name + other.name:  # scripted players search in ways of their own
        label["simulations"] = context.integer("simulations")
    reporter.record("match", **label)
    for player in (one, other):
        wake_player(context, player, seats)
    started = time.monotonic()
    result = play_match(
        one,
        other,
        games,
        context.integer("seed"),
        seats,
        on_progress=lambda done, total: reporter.progress(done, total, "games"),
        on_ended=tallying(context, label),
        stop=context.stop.is_set,
        test=test,
        games_at_once=games if test is None else 64,
    )
    for line in told(result, time.monotonic() - started):
        reporter.say(line)
    _keep(context, name_a, name_b, result)
    if result.verdict is not None:
        reporter.say(
            f"  sequential test for {elo:+.0f} Elo: {result.verdict.decision} after"
            f" {result.games} games (log likelihood ratio"
            f" {result.verdict.log_likelihood_ratio:+.2f} within"
            f" {result.verdict.lower:.2f} and {result.verdict.upper:.2f})"
        )
    return {**result.record(), **label}


def _keep(context: JobContext, name_a: str, name_b: str, result: MatchResult) -> None:
    """A few games, in the run of whichever side is a checkpoint of one."""
    simulations, seats = context.integer("simulations"), context.integer("num_players")
    for name, other in ((name_a, result.player_b), (name_b, result.player_a)):
        plain, _ = split_contestant(name, simulations)
        path = find_player(plain, context.runs_root, players=seats)
        if path is not None:
            keep_games(path, other, result)
            return
