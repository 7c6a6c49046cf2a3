"""Matches: which were played or are being played here, and what their records say in words.

A match is told from its own records alone: what a form says now is no business of this module.
Every `match`, `tally` and `result` record of a match names both players, the games and the
simulations, so that the newest of them says everything.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from azul_tui.runs.events import last_records, number, text
from azul_tui.runs.paths import JOBS_FOLDER, RunPaths, run_folders
from azul_tui.runs.status import ACTIVE, judge, read_status
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.following import LogTail
from azul_tui.views.play_settings import short_name
from azul_tui.views.settings import toml_value
from azul_tui.views.table import Cell, Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from azul_tui.config import SettingValue
    from azul_tui.views.following import RunData
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

MOST_LISTED = 100
TAIL_BYTES = 16_384
NEWEST = "newest run's best"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One match, as its records have it."""

    key: str
    """What tells it apart from the others that are listed."""
    t: float
    """When it ended, or last said something, in unix seconds."""
    state: str
    """`running`, `finished`, `stopped` or `crashed`."""
    a: str
    b: str
    record: Mapping[str, Any]
    """What is known of it: who plays, how, and the newest figures."""
    note: str = ""
    """How far it is while it is played; why it failed."""

    @property
    def running(self) -> bool:
        """Whether it is being played."""
        return self.state in ACTIVE

    @property
    def title(self) -> str:
        """Who plays whom."""
        return f"{self.a} against {self.b}" if self.a and self.b else "a match"

    def count(self, key: str) -> int:
        """A number of games that somebody else wrote."""
        return int(min(max(number(self.record, key) or 0.0, 0.0), 1e9))

    @property
    def score(self) -> tuple[float, float, float] | None:
        """A's share of the games and the ends of its interval, once whole pairs have ended."""
        score, low, high = (number(self.record, key) for key in ("score", "low", "high"))
        known = score is not None and low is not None and high is not None and self.count("games")
        return (score, low, high) if known else None  # pyright: ignore[reportReturnType]

    @property
    def players(self) -> int:
        """Seats at the table."""
        return min(4, max(2, int(number(self.record, "players") or 2)))


def match_job(values: Mapping[str, SettingValue]) -> tuple[str, list[str]]:
    """The job that plays what a form asks for, and its settings."""
    from azul_tui.errors import PlayerError
    from azul_tui.players.names import parse_player_name

    a, b = values["A"], values["B"]
    try:
        parse_player_name(str(a))
        job, sides = "arena", {"a": a, "b": b, "num_players": values["seats"]}
    except PlayerError:  # no scripted player is called so
        job, sides = "evaluate", {"checkpoint": a, "opponent": b}
    settings = {name: values[name] for name in ("games", "simulations", "seed", "device")}
    return job, [f"{key}={toml_value(value)}" for key, value in (sides | settings).items()]


def asked(overrides: Sequence[str]) -> dict[str, Any]:
    """What a job was asked to play, told as its `match` record will; empty where nothing says."""
    given = dict(text.split("=", 1) for text in overrides)
    a, b = given.get("checkpoint", given.get("a")), given.get("opponent", given.get("b"))
    if a is None or b is None:
        return {}
    a, b = a.strip('"') or NEWEST, b.strip('"')
    return {"player_a": a, "player_b": b, "planned": int(given.get("games", 0))}


# -- finding them


def read_matches(root: Path, now: float, started: Mapping[str, dict[str, Any]]) -> list[Match]:
    """The newest matches of a folder of runs. Reads files, 0.25 ms a match: for a thread.

    `started` has what matches were `asked` to play, by the name of their folder.
    """
    folders = [folder for folder in (root / JOBS_FOLDER).glob("*-*")
               if re.fullmatch(r"(evaluate|arena)-\d+", folder.name)]  # fmt: skip
    folders.sort(key=lambda folder: int(folder.name.partition("-")[2]), reverse=True)
    read = [read_match(RunPaths(folder), now, started.get(folder.name, {}))
            for folder in folders[:MOST_LISTED]]  # fmt: skip
    kept = [told(record, f"{folder.name} {record.get('t')}") for folder in run_folders(root)
            for record in last_records(folder / "evaluations.jsonl")]  # fmt: skip
    found: dict[object, Match] = {}
    for match in filter(None, [*read, *kept]):
        # An evaluation is recorded in its job's folder, and with the run it was made for.
        what = [match.record.get(key) for key in ("seed", "games", "score", "margin")]
        is_over = match.score and not match.running
        found.setdefault(str([match.title, *what]) if is_over else match.key, match)
    return sorted(found.values(), key=lambda match: match.t)[-MOST_LISTED:]


def read_match(paths: RunPaths, now: float, label: Mapping[str, Any]) -> Match | None:
    """The match of a job's folder, `asked` for like this; None for one of no two players."""
    status = read_status(paths.status)  # first: the records of an ended match are all there
    records = last_records(paths.events, max_bytes=TAIL_BYTES)
    newest: dict[str, dict[str, Any]] = {str(r.get("event")): r for r in records}
    begun, result = newest.get("tally") or newest.get("match") or {}, newest.get("result", {})
    known = {**label, **begun, **(result if number(result, "games") is not None else {})}
    if status is None or (paths.name.startswith("arena") and "player_a" not in known):
        return None
    state, note = judge(status, now, paths.lock).state, ""
    if state == "crashed":
        why = filter(None, (status.ending, last_line(paths)))
        note = text(result, "error", 300) or plain_text(": ".join(why), 300)
    elif state in ACTIVE:
        compiled = newest.get("compile", {})
        done, total = number(compiled, "done"), number(compiled, "total")
        note = "the first moves" if begun else status.phase or "starting"
        if begun and status.done is not None and status.total:
            note = f"about {min(1.0, status.done / status.total):.0%} of the moves made"
        elif done is not None and total is not None and done < total:
            note = f"compiling {done:.0f} of {total:.0f} (only the first time)"
    t = number(result, "t") or number(begun, "t") or status.heartbeat
    return told({**known, "t": t}, paths.name, state, note)


def last_line(paths: RunPaths) -> str:
    """The last line that a job wrote into its log; empty for none."""
    log = LogTail(paths.log, keep=20)
    log.read()
    last = next((line for line in reversed(log.lines) if line.strip()), "")
    return plain_text(last.removeprefix("azul-tui: "), 300)


def told(record: Mapping[str, Any], key: str, state: str = "finished", note: str = "") -> Match:
    """A match from its newest record with figures."""
    a = short_name(text(record, "player_a", 200) or text(record, "checkpoint", 400))
    b = short_name(text(record, "player_b", 200) or text(record, "opponent", 200))
    t = number(record, "t") or 0.0
    return Match(key=key, t=t, state=state, a=a, b=b, record=record, note=note)


def of_training(run: str, data: RunData) -> list[Match]:
    """What a training has recorded: its evaluations, and the gates that chose the best weights."""
    config = data.started.get("config")
    seats = cast("dict[str, Any]", config).get("num_players") if isinstance(config, dict) else 2
    gates = [r for r in data.others if r.get("event") == "gate" and number(r, "games")]
    found: list[Match] = []
    for record in [*map(asdict, data.evaluations), *gates]:
        a = f"{run}/checkpoint_iter_{int(number(record, 'iteration') or 0)}"
        label = {"player_a": a, "players": seats}
        found.append(told(record | label, f"{a} {record.get('opponent')}"))
    return found[-MOST_LISTED:]


# -- saying them


def columns(now: float) -> list[Column]:
    """The table of matches; scores against different players are different measures."""

    def score(match: Match) -> Cell:
        role = {"running": "good", "crashed": "alert"}.get(match.state, "strong")
        if match.running:
            return Cell(None, "now", role)
        if match.score is not None:
            return Cell((match.b, match.score[0]), f"{match.score[0]:.1%}", role)
        failed = {"crashed": "failed", "finished": ""}
        return Cell(None, failed.get(match.state, match.state), role)

    def interval(match: Match) -> Cell:
        if match.running or match.score is None:
            return Cell(None, "")
        _, low, high = match.score
        return Cell(high - low, f"{low * 100:.0f} to {high * 100:.0f}", "quiet")

    def games(match: Match) -> Cell:
        said = words.count(match.count("games") or match.count("planned") or None)
        return Cell(match.count("games"), said, "quiet")

    return [
        Column("a", "A", lambda m: Cell(m.a, m.a), right=False, least=12, falls=False),
        Column("b", "B", lambda m: Cell(m.b, words.shortened(m.b, 28)), right=False, falls=False),
        Column("score", "score", score),
        Column("interval", "interval", interval, gives_way=3, falls=False),
        Column("games", "games", games, gives_way=2),
        Column("age", "age", lambda m: Cell((m.running, m.t), words.age(now - m.t), "quiet"),
               gives_way=1),
    ]  # fmt: skip


def verdict(match: Match) -> tuple[str, str]:
    """Who is stronger and how sure that is; what would make it surer. `match` has a score.

    `A is stronger: 61.5% ± 4.8, Elo +81`. The gate of a training decides otherwise: it takes an
    equal, and it stops as soon as it is sure.
    """
    assert match.score is not None
    (score, low, high), level = match.score, 1 / match.players
    half = (high - low) / 2
    spread = f" ({low * 100:.1f} to {high * 100:.1f})"
    if abs(score - low - half) < 0.005:
        spread = f" ± {half * 100:.1f}"
    figures = f"{score:.1%}{spread}, {elo_text(score, match.players)}"
    decision = text(match.record, "decision", 20)
    if decision in {"ahead", "level"}:
        return f"A is {decision} and becomes the best: {figures}", ""
    if decision:
        return f"A is {decision}, B stays the best: {figures}", ""
    games = match.count("games")
    if low > level or high < level:
        more = f"about {3 * games:,} games more would halve the interval"
        return f"{'A' if low > level else 'B'} is stronger: {figures}", more
    # Half-widths shrink with the root of the games. Four times out of five the interval is to
    # exclude an equal share, as the job's own `games_to_decide` has it.
    needed = games * (1.43 * half / max(abs(score - level), 1e-9)) ** 2
    more = f"about {max(2, round(needed - games, -1)):,.0f} games more would decide it"
    if needed > 1000 * games:
        more = "as even as this, no reasonable number of games would decide it"
    return f"not decided: {figures}", more


def elo_text(score: float, players: int = 2) -> str:
    """The Elo difference to equal opponents of a score in [0, 1]: `Elo +81`, `Elo above +800`."""
    odds = max(score * (players - 1), 1e-9) / max(1 - score, 1e-9)
    elo = 400 * math.log10(odds)
    return (
        f"Elo {round(elo):+}"
        if abs(elo) <= 800
        else f"Elo {'above +' if elo > 0 else 'below -'}800"
    )


def lines_of(
    match: Match, width: int, now: float, signs: Signs, *, cancelling: bool = False,
    compact: bool = False,
) -> list[Spans]:  # fmt: skip
    """The bar and what it means, in lines of at most `width` cells."""
    rows: list[Spans] = []

    def say(said: str, role: str) -> None:
        rows.extend(((line, role),) for line in words.wrapped(said, width) if said)

    games, planned = match.count("games"), match.count("planned") or match.count("games")
    when, of = words.ago(now - match.t), words.plural(planned, "game")
    state = {
        "crashed": (f"failed, {when}", "alert"),
        "stopped": (f"cancelled after {games:,} of {of}, {when}", "warning"),
        "finished": (f"finished, {when}", "quiet"),
    }.get(match.state, ("being played", "good"))
    search = number(match.record, "simulations")
    how = [of] if planned and match.state != "stopped" else []
    how += [f"{search:,.0f} simulations a move" if search else "no search"] * (search is not None)
    if match.running and cancelling:
        state, how = ("cancelling; x again ends it without a result", "warning"), []
    rows.append((state, (f"   {', '.join(how)}", "quiet")))
    say(match.note, "quiet" if match.running else "alert")
    if not games and not match.running:
        return rows
    wins, draws, losses = (match.count(key) for key in ("wins", "draws", "losses"))
    rows += [
        (), two_ended_bar(wins, draws, losses, planned, min(width, 80), signs),
        (
            (f"A won {wins:,}", "series.0"), (f"   drawn {draws:,}   ", "quiet"),
            (f"B won {losses:,}", "series.1"), (f"   of {planned:,}", "quiet"),
        ), (),
    ]  # fmt: skip
    if match.score is not None:
        strong, quiet = verdict(match)
        say(strong, "strong")
        say(quiet, "quiet")
    elif games:
        share = (wins + draws / 2) / games
        say(f"so far {share:.1%} for A, in the games that ended first", "strong")
    rows.append(())
    others = f" on all other seats of {match.players}: {1 / match.players:.0%} is level"
    say(f"A is {match.a}, B is {match.b}{others if match.players > 2 else ''}", "quiet")
    rows.append(())

    def fact(name: str, record: Mapping[str, Any], *parts: str) -> None:
        """A line of as many parts as the record has the figures for."""
        known = {key: found for key in record if (found := number(record, key)) is not None}
        told = ""
        with suppress(KeyError):
            for part in parts:
                told += part.format_map(known)
        if told:
            rows.append(((f"{name:<10}", "quiet"), (told, "")))

    record, seats = match.record, match.record.get("by_seat")
    ends = " ({margin_low:+.1f} to {margin_high:+.1f})"
    fact("margin", record, "{margin:+.1f} points a game", ends)
    for place, seat in zip(("first", "second", "third", "fourth"),
                           cast("list[Any]", seats) if isinstance(seats, list) else [],
                           strict=False):  # fmt: skip
        if isinstance(seat, dict):
            of = cast("dict[str, Any]", seat)
            fact(f"A {place}", of, "{score:.1%} of {games:,.0f} games", ", {margin:+.1f} points")
    fact("a game", record, "{moves_per_game:.0f} moves", ", {s_per_game:.2f} s")
    fact("a move", record, "A {ms_per_move_a:.2f} ms, B {ms_per_move_b:.2f} ms")
    return [line for line in rows if line or not compact]


def two_ended_bar(
    wins: int, draws: int, losses: int, planned: int, width: int, signs: Signs
) -> Spans:
    """A's wins from the left, B's from the right, drawn games inside, the rest between them."""
    games = wins + draws + losses
    each = width / max(planned, games, 1)
    left, played = round(wins * each), round(games * each)
    right = min(round(losses * each), played - left) if draws else played - left
    middle = played - left - right
    half = middle // 2
    drawn = "~" if signs.ascii else "╍"
    return (
        (("A" if signs.ascii else signs.bar_full) * left, "series.0"),
        (drawn * half, "quiet"),
        (signs.bar_empty * (width - played), "bar.empty"),
        (drawn * (middle - half), "quiet"),
        (("B" if signs.ascii else signs.bar_full) * right, "series.1"),
    )
