"""Jobs `evaluate` and `arena`: players against each other in paired games without noise.

A contestant of the arena is a scripted player, a run, a checkpoint file or `pretrained`; NAME@N
gives it N simulations a move.
"""

from __future__ import annotations

import itertools
import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from azul_tui.arena.match import play_match, play_table
from azul_tui.arena.ratings import fit_ratings
from azul_tui.arena.statistics import SequentialTest
from azul_tui.arena.store import decode_match, encode_match, joined_matches, keep_match, rating_rows
from azul_tui.errors import JobError, PlayerError
from azul_tui.game.constants import state_size
from azul_tui.game.kernel import noticing_compilation
from azul_tui.game.rules import clear_game, refill_canonical
from azul_tui.jobs.demos import compile_with_progress
from azul_tui.jobs.reporter import in_percent, in_words
from azul_tui.players.registry import create_player
from azul_tui.runs.events import encode
from azul_tui.runs.files import append_durably
from azul_tui.runs.listing import (
    LADDER_RATINGS_FILE,
    checkpoint_files,
    ladder_file,
    write_ratings,
)
from azul_tui.runs.paths import existing_run, is_shipped
from azul_tui.training.checkpoint_players import (
    find_checkpoint,
    find_player,
    open_checkpoint_player,
    open_player,
    read_saved_network,
)
from azul_tui.training.evaluation import checkpoint_match_file, write_match_games

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from azul_tui.arena.games import EndedReport
    from azul_tui.arena.match import MatchResult
    from azul_tui.arena.ratings import Ratings
    from azul_tui.arena.statistics import FloatArray
    from azul_tui.arena.store import KeptMatch
    from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array
    from azul_tui.jobs.start import JobContext
    from azul_tui.players.registry import Player
    from azul_tui.runs.paths import RunPaths


# -- one match: played with a tally now and then, told, kept with the run it is about

EVALUATIONS_FILE: Final = "evaluations.jsonl"
TALLY_EVERY_S: Final = 1.0


def evaluate(context: JobContext) -> dict[str, Any]:
    """Job 10: play a checkpoint, and say who is stronger and how sure that is."""
    simulations, device = context.integer("simulations"), context.text("device")
    path = find_checkpoint(context.text("checkpoint"), context.runs_root)
    player = open_checkpoint_player(path, simulations, warn=context.warn, device=device)
    seats = player.players
    opponent = open_player(
        context.text("opponent"),
        simulations,
        context.runs_root,
        warn=context.warn,
        players=seats,
        device=device,
    )
    games = whole_bags(context, seats)
    context.reporter.say(f"{player.name} with {simulations} simulations against {opponent.name}")
    label = {
        "player_a": player.name, "player_b": opponent.name, "players": seats, "planned": games,
        "simulations": simulations,
    }  # fmt: skip
    context.reporter.record("match", checkpoint=str(path), **label)
    compile_with_progress(context, seats)
    result, seconds = _play_match(context, player, opponent, label)
    fields = {**result.record(), **label, "checkpoint": str(path)}
    fields["s_per_game"] = seconds / max(1, result.games)
    if result.games:
        if not is_shipped(path):  # the program's own folder stays as it came
            line = encode("evaluation", time.time(), {"file": path.name, **fields})
            # A run that somebody else owns can still be evaluated.
            with suppress(OSError), (path.parent / EVALUATIONS_FILE).open("ab") as file:
                file.write(line)
        _keep_games(path, f"{opponent.name} {simulations}", result)
    return fields


def compile_player(context: JobContext, player: Player, seats: int) -> None:
    """Let `player` choose once at the opening of a game, and say so if its kernels are compiled."""
    state = np.zeros((1, state_size(seats)), np.int8)
    clear_game(state[0], seats)
    refill_canonical(state[0], np.uint64(0), np.zeros(1, np.uint64))
    words = f"compiling {player.name}, only the first time"
    with noticing_compilation(lambda: context.reporter.say(words)):
        player.choose(state, np.zeros(1, np.uint64), deterministic=True)


def whole_bags(context: JobContext, games_per_bag: int) -> int:
    """The games that are played, whole bags of them; says so when that is more than asked for.

    Args:
        context: Its setting `games` says how many are asked for.
        games_per_bag: P where the one who is measured sits on every seat, P! for every seating.
    """
    asked = context.integer("games")
    games = -(-asked // games_per_bag) * games_per_bag
    if games != asked:
        why = "paired" if games_per_bag == 2 else f"{games_per_bag} on each bag"
        context.reporter.say(f"{asked} games are rounded up to {games}, {why}")
    return games


def _play_match(
    context: JobContext, one: Player, other: Player, label: Mapping[str, Any], **more: Any
) -> tuple[MatchResult, float]:
    """Play the match that `label` describes and tell it; its result, and the seconds it took."""
    for player in (one, other):
        compile_player(context, player, label["players"])
    started = time.monotonic()
    result = play_match(
        one,
        other,
        label["planned"],
        context.integer("seed"),
        label["players"],
        on_progress=lambda done, total: context.reporter.progress(done, total, "games"),
        on_ended=_tallying(context, label),
        stop=context.stop.is_set,
        **more,
    )
    seconds = time.monotonic() - started
    for line in match_lines(result, seconds):
        context.reporter.say(line)
    return result, seconds


def _tallying(context: JobContext, label: Mapping[str, Any]) -> EndedReport:
    """Records who won how many of the games that have ended, at most once a second."""
    told = -math.inf

    def on_ended(shares: FloatArray) -> None:
        nonlocal told
        if time.monotonic() - told < TALLY_EVERY_S:
            return
        told = time.monotonic()
        wins, losses = int((shares == 1.0).sum()), int((shares == 0.0).sum())
        games = len(shares)
        context.reporter.record(
            "tally", **label, games=games, wins=wins, draws=games - wins - losses, losses=losses
        )

    return on_ended


def match_lines(result: MatchResult, seconds: float) -> list[str]:
    """The result in lines for a person."""
    if not result.games:
        return ["stopped before a pair of games was finished"]
    even = 1.0 / result.players
    if result.low > even:
        verdict = f"{result.player_a} is stronger"
    elif result.high < even:
        verdict = f"{result.player_b} is stronger"
    else:
        verdict = "no difference is proven"
    elo = f"Elo {result.elo:+.0f}" if math.isfinite(result.elo) else "Elo beyond measure"
    lines = [f"{verdict}: {in_percent(result.score, result.low, result.high)}, {elo}"]
    if result.players > 2:
        lines.append(
            f"  {result.players} at the table, {result.player_b} on all other seats, every seat on"
            f" each bag: {even:.0%} is level"
        )
    lines += [
        f"  {result.wins} won, {result.draws} shared, {result.losses} lost of {result.games} games",
        (
            f"  margin {result.margin:+.1f} points "
            f"(95% between {result.margin_low:+.1f} and {result.margin_high:+.1f}); "
            f"{result.points_a:.1f} : {result.points_b:.1f} on average"
        ),
        *(
            f"  from seat {seat.seat + 1}: {seat.score:.1%} of {seat.games} games"
            for seat in result.by_seat
        ),
        (
            f"  {result.moves_per_game:.1f} moves and {in_words(seconds / result.games)} a game; "
            f"{result.ms_per_move_a:.2f} ms a move against {result.ms_per_move_b:.2f} ms"
        ),
    ]
    undecided = result.low <= even <= result.high
    # From few games the estimate may lie below what was played, and says nothing then.
    if undecided and (result.games_to_decide or 0) > result.games:
        lines.append(f"  about {result.games_to_decide:,} games would decide it")
    return lines


def _keep_games(checkpoint: Path, opponent: str, result: MatchResult) -> None:
    """A few games of the match, in the run that the checkpoint belongs to."""
    file = checkpoint_match_file(checkpoint, opponent)
    if file is not None:
        with suppress(OSError):  # a run that somebody else owns
            title = f"{result.player_a} against {result.player_b}"
            write_match_games(file, title, result.results)


# -- contestants of the arena

MOST_SIMULATIONS: Final = 100_000


class Contestant(NamedTuple):
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
    """The player called `name`; a network is shown as `run/checkpoint@simulations`."""
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
    return Contestant(f"{player.name}@{simulations}", player)


# -- the arena: two players in a match, all at one table, or many on a ladder with ratings


def arena(context: JobContext) -> dict[str, Any]:
    """Play, and say who is stronger and how sure that is.

    Raises:
        JobError: There are too few players, or not as many as seats.
        PlayerError: A name is no player's. Nothing has been played then.
        CheckpointError: A checkpoint cannot be used. Nothing has been played then.
    """
    if context.text("a"):
        return _play_two(context)
    return _play_one_table(context) if context.settings["one_table"] else _play_ladder(context)


def _play_two(context: JobContext) -> dict[str, Any]:
    """Paired games of `a` and `b`, ended early by a sequential test if asked for."""
    seats = context.integer("num_players")
    games = whole_bags(context, seats)
    names = context.text("a"), context.text("b")
    one, other = (open_contestant(context, name) for name in names)
    reporter = context.reporter
    reporter.say(f"{one.name} against {other.name}, at most {games} games")
    label: dict[str, Any] = {
        "player_a": one.name, "player_b": other.name, "players": seats, "planned": games,
    }  # fmt: skip
    if "@" in one.name + other.name:  # scripted players search in ways of their own
        label["simulations"] = context.integer("simulations")
    reporter.record("match", **label)
    elo = cast("float", context.settings["sequential_elo"])
    test = SequentialTest(elo=elo, max_pairs=-(-games // seats), players=seats) if elo else None
    result, _ = _play_match(
        context, one, other, label, test=test, games_at_once=games if test is None else 64
    )
    for name, opponent in zip(names, (result.player_b, result.player_a), strict=True):
        plain, _ = split_contestant(name, context.integer("simulations"))
        if path := find_player(plain, context.runs_root, players=seats):
            _keep_games(path, opponent, result)
            break
    if result.verdict is not None:
        reporter.say(
            f"  sequential test for {elo:+.0f} Elo: {result.verdict.decision} after"
            f" {result.games} games (log likelihood ratio"
            f" {result.verdict.log_likelihood_ratio:+.2f} within"
            f" {result.verdict.lower:.2f} and {result.verdict.upper:.2f})"
        )
    return {**result.record(), **label}


def _named(context: JobContext) -> tuple[str, ...]:
    return cast("tuple[str, ...]", context.settings["players"])


def _play_one_table(context: JobContext) -> dict[str, Any]:
    """Every seating of the named players on each bag."""
    names, seats = _named(context), context.integer("num_players")
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
    for standing in sorted(result.standings, key=lambda standing: -standing.share):
        wins = in_percent(standing.share, standing.share_low, standing.share_high)
        reporter.say(
            f"  {standing.name}: wins {wins},"
            f" mean place {standing.rank:.2f}, {standing.points:.1f} points"
        )
    reporter.say(f"  the first seat wins {result.first_seat_share:.1%}")
    return {"ok": result.games > 0, **result.record()}


# -- the ladder: who meets whom, what is kept with a run, and how ratings are shown

ANCHOR: Final = "random"
_BAR: Final = 24
_MOST_LINE_BYTES: Final = 16_000_000
Pairing = tuple[str, str]


def _play_ladder(context: JobContext) -> dict[str, Any]:
    """Play what is missing, rate everybody together, keep it with the run if there is one."""
    paths = existing_run(context.runs_root, context.text("run")) if context.text("run") else None
    checkpoints = [] if paths is None else _spread(paths, context.integer("checkpoints"))
    different: dict[str, str] = {}  # what means the same player again is left out
    for name in (*_named(context), *checkpoints):
        different.setdefault(shown_name(context, name), name)
    contestants = list(different.values())
    if len(contestants) < 2:
        raise JobError(
            f"a ladder needs two players or more, got {', '.join(contestants) or 'none'}: name"
            " others with --set players=[...]"
        )
    named = [name for name in contestants if name not in checkpoints]
    pairings = ladder_pairings(named, [name for name in contestants if name in checkpoints])
    seats = context.integer("num_players")
    games = whole_bags(context, seats)
    context.reporter.say(
        f"{len(pairings)} match{'' if len(pairings) == 1 else 'es'} of {games} games"
    )
    results = _play_pairings(
        context, pairings, games, None if paths is None else ladder_file(paths)
    )
    if not results:
        return {"ok": False, "stopped": True, "ratings": []}
    rated = joined_matches(results)
    anchor = ANCHOR if ANCHOR in rated.names else rated.names[0]
    ratings = fit_ratings(rated, anchor=anchor)
    for line in ladder_lines(ratings):
        context.reporter.say(line)
    if paths is not None:
        write_ratings(
            paths,
            rating_rows(ratings),
            anchor=anchor,
            players=seats,
            fitted=time.time(),
            file=LADDER_RATINGS_FILE,
        )
        context.reporter.say(f"kept in {paths.directory}")
    return {"matches": len(results), "stopped": context.stop.is_set(), **ratings.record()}


def _spread(paths: RunPaths, most: int) -> list[str]:
    """At most so many numbered checkpoints of a run, evenly spread, the newest always."""
    files = [str(file) for _, file in checkpoint_files(paths)]
    if len(files) <= most:
        return files
    step = (len(files) - 1) / max(1, most - 1)
    return [files[round(len(files) - 1 - index * step)] for index in range(most)][::-1]


def ladder_pairings(named: Sequence[str], checkpoints: Sequence[str]) -> list[Pairing]:
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


def _play_pairings(
    context: JobContext, pairings: Sequence[Pairing], games: int, file: Path | None
) -> list[KeptMatch]:
    """The matches of all pairings, kept ones read from `file` and the others played."""
    kept = {} if file is None else _read_kept(context, file)
    results: list[KeptMatch] = []
    opened: dict[str, Player] = {}
    seats, seed = context.integer("num_players"), context.integer("seed")
    for index, names in enumerate(pairings):
        if context.stop.is_set():
            break
        opened = {name: player for name, player in opened.items() if name in names}
        for name in names:
            if name not in opened:
                opened[name] = open_contestant(context, name)
                compile_player(context, opened[name], seats)
        one, other = opened[names[0]], opened[names[1]]
        match = kept.get((one.name, other.name, seats, games, seed))
        if match is None:
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
            context.reporter.record("match", **result.record())
            score = in_percent(result.score, result.low, result.high)
            context.reporter.say(
                f"  {result.player_a} against {result.player_b}: {score} of"
                f" {result.games} games, margin {result.margin:+.1f}"
            )
            match = keep_match(result)
            lasting = not result.stopped and all(_lasting(context, name) for name in names)
            if file is not None and lasting:
                append_durably(file, encode_match(match).encode() + b"\n")
        results.append(match)
    return [match for match in results if len(match.shares)]


def _read_kept(context: JobContext, file: Path) -> dict[tuple[object, ...], KeptMatch]:
    """Matches that were played before, by what they were; damaged lines are told and left out."""
    kept: dict[tuple[object, ...], KeptMatch] = {}
    with suppress(FileNotFoundError), file.open("rb") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(_MOST_LINE_BYTES), b""), 1):
            try:
                match = decode_match(line)
            except JobError:
                context.reporter.say(f"{file.name}, line {number} is damaged and left out")
            else:
                kept[match.key] = match
    return kept


def _lasting(context: JobContext, name: str) -> bool:
    """Whether a name always means the same player: that of a run or `best_model.pt` does not."""
    plain, _ = split_contestant(name, 0)
    is_file = "/" in plain and "checkpoint_iter_" not in plain
    return not is_file and not (context.runs_root / name).is_dir()


def ladder_lines(ratings: Ratings) -> list[str]:
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
