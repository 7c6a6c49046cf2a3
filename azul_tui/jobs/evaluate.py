"""Job 10: a checkpoint against a named opponent, in paired games without noise."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from azul_tui.arena.match import play_match
from azul_tui.jobs.demonstration import compile_with_progress
from azul_tui.jobs.describe import in_percent, in_words
from azul_tui.jobs.waking import wake_player
from azul_tui.runs.events import encode
from azul_tui.runs.paths import is_shipped
from azul_tui.training.checkpoint_players import (
    find_checkpoint,
    open_checkpoint_player,
    open_player,
)
from azul_tui.training.evaluation import checkpoint_match_file, write_match_games

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from azul_tui.arena.games import EndedReport
    from azul_tui.arena.match import MatchResult
    from azul_tui.arena.statistics import FloatArray
    from azul_tui.jobs.start import JobContext

EVALUATIONS_FILE = "evaluations.jsonl"
TALLY_EVERY_S = 1.0


def run(context: JobContext) -> dict[str, Any]:
    """Play, and say who is stronger and how sure that is."""
    reporter = context.reporter
    simulations = context.integer("simulations")
    device = context.text("device")
    path = find_checkpoint(context.text("checkpoint"), context.runs_root)
    player = open_checkpoint_player(path, simulations, warn=context.warn, device=device)
    opponent = open_player(
        context.text("opponent"),
        simulations,
        context.runs_root,
        warn=context.warn,
        players=player.players,
        device=device,
    )
    games = whole_bags(context, player.players)
    reporter.say(f"{player.name} with {simulations} simulations against {opponent.name}")
    label = {
        "player_a": player.name, "player_b": opponent.name, "players": player.players,
        "planned": games, "simulations": simulations,
    }  # fmt: skip
    reporter.record("match", checkpoint=str(path), **label)
    compile_with_progress(context, player.players)
    wake_player(context, opponent, player.players)
    started = time.monotonic()
    result = play_match(
        player,
        opponent,
        games,
        context.integer("seed"),
        player.players,
        on_progress=lambda done, total: reporter.progress(done, total, "games"),
        on_ended=tallying(context, label),
        stop=context.stop.is_set,
    )
    seconds = time.monotonic() - started
    for line in told(result, seconds):
        reporter.say(line)
    fields = {**result.record(), **label, "checkpoint": str(path)}
    fields["s_per_game"] = seconds / max(1, result.games)
    if result.games:
        _keep(path, fields)
        keep_games(path, f"{opponent.name} {simulations}", result)
    return fields


def tallying(context: JobContext, label: Mapping[str, object]) -> EndedReport:
    """Records who won how many of the games that have ended, at most once a second.

    Args:
        context: Where the record goes.
        label: Who plays whom, and how: with it a single record tells the whole match.
    """
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


def keep_games(checkpoint: Path, opponent: str, result: MatchResult) -> None:
    """A few games of the match, in the run that the checkpoint belongs to."""
    file = checkpoint_match_file(checkpoint, opponent)
    if file is None:
        return
    title = f"{result.player_a} against {result.player_b}"
    try:
        write_match_games(file, title, result.results)
    except OSError:
        return  # as with `_keep`


def told(result: MatchResult, seconds: float) -> list[str]:
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
    table = (
        f"  {result.players} at the table, {result.player_b} on all other seats, every seat on"
        f" each bag: {even:.0%} is level"
    )
    lines = [
        f"{verdict}: {in_percent(result.score, result.low, result.high)}, {elo}",
        *([table] if result.players > 2 else []),
        f"  {result.wins} won, {result.draws} shared, {result.losses} lost of {result.games} games",
        (
            f"  margin {result.margin:+.1f} points "
            f"(95% between {result.margin_low:+.1f} and {result.margin_high:+.1f}); "
            f"{result.points_a:.1f} : {result.points_b:.1f} on average"
        ),
    ]
    lines += [
        f"  from seat {seat.seat + 1}: {seat.score:.1%} of {seat.games} games"
        for seat in result.by_seat
    ]
    lines.append(
        f"  {result.moves_per_game:.1f} moves and {in_words(seconds / result.games)} a game; "
        f"{result.ms_per_move_a:.2f} ms a move against {result.ms_per_move_b:.2f} ms"
    )
    undecided = result.low <= even <= result.high
    # From few games the estimate may lie below what was played, and says nothing then.
    if undecided and (result.games_to_decide or 0) > result.games:
        lines.append(f"  about {result.games_to_decide:,} games would decide it")
    return lines


def _keep(path: Path, fields: dict[str, Any]) -> None:
    """Add the result to the run that the checkpoint belongs to, where that may be written.

    The shipped player is part of the program and stays as it came.
    """
    if is_shipped(path):
        return
    line = encode("evaluation", time.time(), {"file": path.name, **fields})
    try:
        with (path.parent / EVALUATIONS_FILE).open("ab") as file:
            file.write(line)
    except OSError:
        return  # a run that somebody else owns can still be evaluated
