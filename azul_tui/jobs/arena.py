"""Job `arena`: two players in a match, or many on a ladder with ratings.

With `a` and `b`: paired games between the two, ended early by a sequential test if asked for.
Otherwise every player of `players`, and checkpoints of `run`, meet on a ladder, or with
`one_table` the players sit at one table, every seating on each bag. A player is a
scripted one, a run, a checkpoint file or `pretrained`; NAME@N gives it N simulations a move.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from azul_tui.arena.match import play_match
from azul_tui.arena.sequential import SequentialTest
from azul_tui.arena.table import play_table
from azul_tui.errors import JobError
from azul_tui.jobs.arena_players import open_contestant, split_contestant
from azul_tui.jobs.describe import in_percent
from azul_tui.jobs.evaluate import keep_games, tallying, told, whole_bags
from azul_tui.jobs.ladder import run_ladder
from azul_tui.jobs.waking import wake_player
from azul_tui.training.checkpoint_players import find_player

if TYPE_CHECKING:
    from azul_tui.arena.match import MatchResult
    from azul_tui.jobs.context import JobContext


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
