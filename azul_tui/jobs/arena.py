"""Job `arena`: two players in a match, or many on a ladder with ratings.

With `a` and `b`: paired games between the two, ended early by a sequential test if asked for.
Otherwise every player of `players`, and checkpoints of `run`, meet on a ladder. A player is a
scripted one, a run, a checkpoint file or `pretrained`; NAME@N gives it N simulations a move.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from azul_tui.arena.match import play_match
from azul_tui.arena.sequential import SequentialTest
from azul_tui.errors import JobError
from azul_tui.jobs.arena_players import open_contestant
from azul_tui.jobs.evaluate import told
from azul_tui.jobs.ladder import run_ladder

if TYPE_CHECKING:
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
        return run_ladder(context)
    if not (player_a and player_b):
        missing = "b" if player_a else "a"
        raise JobError(
            f"a match needs two players: name the other with --set {missing}=NAME, or name"
            " neither for a ladder of --set players"
        )
    return _play_two(context, player_a, player_b)


def _play_two(context: JobContext, name_a: str, name_b: str) -> dict[str, Any]:
    """The match of `a` against `b`."""
    seats = context.integer("num_players")
    games = context.integer("games")
    one, other = open_contestant(context, name_a), open_contestant(context, name_b)
    elo = context.real("sequential_elo")
    test = SequentialTest(elo_1=elo, max_pairs=-(-games // seats), players=seats) if elo else None
    reporter = context.reporter
    reporter.say(f"{one.name} against {other.name}, at most {games} games")
    started = time.monotonic()
    result = play_match(
        one,
        other,
        games,
        context.integer("seed"),
        seats,
        on_progress=lambda done, total: reporter.progress(done, total, "games"),
        stop=context.stop.is_set,
        test=test,
        games_at_once=games if test is None else 64,
    )
    for line in told(result, time.monotonic() - started):
        reporter.say(line)
    if result.verdict is not None:
        reporter.say(
            f"  sequential test for {elo:+.0f} Elo: {result.verdict.decision} after"
            f" {result.games} games (log likelihood ratio"
            f" {result.verdict.log_likelihood_ratio:+.2f} within"
            f" {result.verdict.lower:.2f} and {result.verdict.upper:.2f})"
        )
    return result.record()
