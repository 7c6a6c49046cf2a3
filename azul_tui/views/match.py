"""Matches: which were played or are being played here, and what their records say in words.

A match is told from its own records alone: what a form says now is no business of this module.
Every `match`, `tally` and `result` record of a match names both players, the games and the
simulations, so that the newest of them says everything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from azul_tui.runs.events import number, text
from azul_tui.runs.paths import JOBS_FOLDER, SHIPPED_NAMES, RunPaths, run_folders
from azul_tui.runs.status import ACTIVE, judge, read_status
from azul_tui.runs.tail import last_records
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.scores import games_for_firmer, verdict
from azul_tui.views.settings import toml_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from azul_tui.config import SettingValue
    from azul_tui.views.run_data import Evaluation
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

JOBS = ("evaluate", "arena")
MOST_LISTED = 200
TAIL_BYTES = 16_384
NEWEST = "newest run's best"
MIDDLE = " against "


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One match, as its records have it."""

    key: str
    """What tells it apart from the others that are listed."""
    t: float
    """When it ended, or last said something, in unix seconds."""
    state: str
    """`running`, `finished`, `stopped`, `crashed`; empty for one that recorded nothing yet."""
    a: str = ""
    b: str = ""
    record: Mapping[str, Any]
    """Its newest record with figures; empty before the first game has ended."""
    planned: int = 0
    players: int = 2
    simulations: int | None = None
    doing: str = ""
    """What it does before the first game has ended."""
    problem: str = ""
    """Why it failed."""
    paths: RunPaths | None = None
    """The folder of its job, where there is one."""

    @property
    def running(self) -> bool:
        """Whether it is being played."""
        return self.state in ACTIVE

    @property
    def title(self) -> str:
        """Who plays whom."""
        return f"{self.a}{MIDDLE}{self.b}" if self.a and self.b else "a match"


def player_words(name: str) -> str:
    """A player as it is called everywhere: `laptop-1122 iteration 35`, `pretrained`, `greedy`.

    Args:
        name: As records and settings have it: a scripted player, a run, a checkpoint file or
            `run/checkpoint`, with or without the simulations behind an @.
    """
    parts = plain_text(re.sub(r"@\d+$", "", name.strip()), 300).rstrip("/").split("/")
    last = parts[-1].removesuffix(".pt")
    if len(parts) < 2:
        return last
    run = parts[-2]
    if found := re.fullmatch(r"checkpoint_iter_0*(\d+)", last):
        return f"{run} iteration {int(found[1]):,}"
    if last == "best_model":
        return run if run in SHIPPED_NAMES.values() else f"{run} best"
    return f"{run}/{last}"


def named(name: str) -> str:
    """A player of a form, an empty field included."""
    return player_words(name) or NEWEST


def match_job(values: Mapping[str, SettingValue], root: Path) -> tuple[str, list[str]]:
    """The job that plays what a form asks for, and its settings.

    Args:
        values: `A`, `B`, `games`, `simulations`, `seats`, `seed` and `device`.
        root: The folder of runs.
    """
    shared = {name: values[name] for name in ("games", "simulations", "seed", "device")}
    if not is_scripted(str(values["A"])):
        sides = {"checkpoint": values["A"], "opponent": values["B"]}
        return "evaluate", [f"{k}={toml_value(v)}" for k, v in (sides | shared).items()]
    seats = values["seats"]
    if not is_scripted(str(values["B"])):
        seats = seats_of_checkpoint(str(values["B"]), root) or seats
    sides = {"a": values["A"], "b": values["B"], "num_players": seats}
    return "arena", [f"{k}={toml_value(v)}" for k, v in (sides | shared).items()]


def is_scripted(name: str) -> bool:
    """Whether a scripted player is called so."""
    from azul_tui.errors import PlayerError
    from azul_tui.players.names import parse_player_name

    try:
        parse_player_name(name)
    except PlayerError:
        return False
    return True


def seats_of_checkpoint(name: str, root: Path) -> int | None:
    """Seats at the table that a run, a checkpoint or a shipped player was made for."""
    from azul_tui.views.checkpoint_list import seats_of

    for seats, shipped in SHIPPED_NAMES.items():
        if name == shipped:
            return seats
    path = root / name
    return seats_of((path if path.is_dir() else path.parent) / "config.toml")


# -- finding them


class MatchList:
    """The matches that are known in a folder of runs; `refresh` reads what has changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: dict[Path, tuple[tuple[float, int], list[Match]]] = {}

    def refresh(self, now: float) -> list[Match]:
        """All of them, those being played first, then the newest.

        Reads files: for a thread.
        """
        found: dict[object, Match] = {}
        folders = [
            folder
            for job in JOBS
            for folder in (self.root / JOBS_FOLDER).glob(f"{job}-*")
            if folder.name.removeprefix(f"{job}-").isdigit()
        ]
        newest = sorted(folders, key=lambda folder: folder.name.rpartition("-")[2])[-MOST_LISTED:]
        for folder in reversed(newest):
            for match in self._of_folder(folder, now):
                found.setdefault(_same(match), match)
        for folder in run_folders(self.root):
            for match in self._of_file(folder / "evaluations.jsonl"):
                found.setdefault(_same(match), match)
        ordered = sorted(found.values(), key=lambda match: (not match.running, -match.t))
        return ordered[:MOST_LISTED]

    def _of_folder(self, folder: Path, now: float) -> list[Match]:
        paths = RunPaths(folder)
        stamp = _stamp(paths.events)
        known = self._read.get(folder)
        if known is not None and stamp == known[0] and not any(m.running for m in known[1]):
            return known[1]
        match = read_match(paths, now)
        matches = [match] if match is not None else []
        if stamp is not None:
            self._read[folder] = stamp, matches
        return matches

    def _of_file(self, file: Path) -> list[Match]:
        stamp = _stamp(file)
        if stamp is None:
            return []
        known = self._read.get(file)
        if known is None or known[0] != stamp:
            records = last_records(file)
            known = (
                stamp,
                [
                    told(record, f"{file}:{index}", "finished")
                    for index, record in enumerate(records)
                ],
            )
            self._read[file] = known
        return known[1]


def _stamp(file: Path) -> tuple[float, int] | None:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime, facts.st_size


def _same(match: Match) -> object:
    """Equal for a match in its job's folder and in the run that it was kept with."""
    record = match.record
    if match.running or number(record, "score") is None:
        return match.key
    return tuple(str(record.get(k)) for k in ("player_a", "player_b", "games", "seed", "score",
                                              "simulations", "margin"))  # fmt: skip


def read_match(paths: RunPaths, now: float) -> Match | None:
    """The match of a job's folder; None for one that is no match between two.

    Args:
        paths: The folder.
        now: Unix seconds.
    """
    records = last_records(paths.events, max_bytes=TAIL_BYTES)
    newest: dict[str, dict[str, Any]] = {str(r.get("event")): r for r in records}
    label = newest.get("tally") or newest.get("match") or {}
    result = newest.get("result", {})
    if paths.name.startswith("arena") and "player_a" not in {**label, **result}:
        return None
    status = read_status(paths.status)
    if status is None:
        return None
    state = judge(status, now, paths.lock).state
    figures = result if number(result, "games") else newest.get("tally", {})
    problem = doing = ""
    if state == "crashed":
        problem = plain_text(
            text(result, "error", 300)
            or ": ".join(filter(None, (status.ending, last_words(paths)))),
            300,
        )
    elif state in ACTIVE:
        doing = _doing(newest, label, status.phase, status.done, status.total)
    t = number(result, "t") or number(label, "t") or status.heartbeat
    return told(
        {**label, **figures}, paths.name, state, t=t, doing=doing, problem=problem, paths=paths
    )


def _doing(
    newest: Mapping[str, Mapping[str, Any]],
    label: Mapping[str, Any],
    phase: str,
    done: float | None,
    total: float | None,
) -> str:
    if label and done is not None and total:
        return f"about {min(1.0, done / total):.0%} of the moves made"
    compile_ = newest.get("compile", {})
    at, of = number(compile_, "done"), number(compile_, "total")
    if at is not None and of is not None and at < of:
        return f"compiling {at:.0f} of {of:.0f} (only the first time)"
    return "the first moves" if label else phase or "starting"


def last_words(paths: RunPaths) -> str:
    """The last line of a job's log that says something."""
    from azul_tui.views.following import LogTail

    log = LogTail(paths.log, keep=20)
    log.read()
    last = next((line for line in reversed(log.lines) if line.strip()), "")
    return plain_text(last.removeprefix("azul-tui: "), 300)


def told(
    record: Mapping[str, Any], key: str, state: str, *, t: float | None = None, doing: str = "",
    problem: str = "", paths: RunPaths | None = None,
) -> Match:  # fmt: skip
    """A match from its newest record with figures."""
    a = text(record, "player_a", 200) or text(record, "checkpoint", 400)
    b = text(record, "player_b", 200) or text(record, "opponent", 200)
    simulations = number(record, "simulations")
    return Match(
        key=key,
        t=t if t is not None else number(record, "t") or 0.0,
        state=state,
        a=player_words(a),
        b=player_words(b),
        record=record if number(record, "wins") is not None else {},
        planned=_count(record, "planned") or _count(record, "games"),
        players=min(4, max(2, int(number(record, "players") or 2))),
        simulations=int(simulations) if simulations is not None else None,
        doing=doing,
        problem=problem,
        paths=paths,
    )


def of_training(run: str, evaluations: Iterable[Evaluation], config: object) -> list[Match]:
    """The evaluations that a training has recorded, the newest first.

    Args:
        run: Its name.
        evaluations: In the order in which they were recorded.
        config: Its settings as it recorded them, for the seats at its table.
    """
    fields = cast("dict[str, Any]", config) if isinstance(config, dict) else {}
    return [
        Match(
            key=f"{run} {index}",
            t=each.t,
            state="finished",
            a=f"{plain_text(run, 64)} iteration {each.iteration:,}",
            b=each.opponent,
            record={
                name: getattr(each, name)
                for name in ("games", "wins", "draws", "losses", "score", "low", "high", "margin")
            },
            planned=each.games,
            players=min(4, max(2, int(number(fields, "num_players") or 2))),
        )
        for index, each in reversed(list(enumerate(evaluations)))
    ]


# -- saying them


def row(match: Match, width: int, now: float, signs: Signs) -> Spans:
    """A match in one line of the list, exactly `width` cells when that is at least 40."""
    record = match.record
    sign = "" if match.state == "finished" else signs.of_state(match.state)
    roles = {"running": "good", "crashed": "alert"}
    score = _percent(record.get("score"))
    if match.running:
        score = "now"
    elif not score:
        score = {"crashed": "failed", "stopped": "stopped"}.get(match.state, "")
    low, high = number(record, "low"), number(record, "high")
    spread = f"{low * 100:.0f} to {high * 100:.0f}" if low is not None and high is not None else ""
    games = words.count(_count(record, "games") or match.planned or None)
    age = words.age(now - match.t)
    wide = width >= 66
    right = [f"{score:>7}", *([f"{spread:>10}", f"{games:>7}"] if wide else []), f"{age:>7}"]
    room = width - 2 - sum(len(part) for part in right)
    return (
        (f"{sign or ' '} ", roles.get(match.state, "warning")),
        (f"{both(match, room):<{room}}", ""),
        (right[0], "strong"),
        ("".join(right[1:]), "quiet"),
    )


def both(match: Match, width: int) -> str:
    """Both names in at most `width` characters, the longer one shortened first."""
    room = width - len(MIDDLE) - 1
    if not (match.a and match.b) or len(match.a) + len(match.b) <= room:
        return words.shortened(match.title, width - 1)
    a = max(room - len(match.b), room // 2) if len(match.b) < len(match.a) else room // 2
    a = min(a, len(match.a))
    return f"{words.shortened(match.a, a)}{MIDDLE}{words.shortened(match.b, room - a)}"


def heading(width: int) -> str:
    """Titles over the columns of `row`."""
    wide = width >= 66
    right = [f"{'score':>7}", *([f"{'interval':>10}", f"{'games':>7}"] if wide else []), "    age"]
    return f"{'  match':<{width - sum(len(part) for part in right)}}{''.join(right)}"


def state_words(match: Match, now: float, *, cancelling: bool) -> tuple[str, str]:
    """How it stands, and the role of these words."""
    if match.running:
        asked = "cancelling; x again ends it without a result"
        return (asked, "warning") if cancelling else ("being played", "good")
    when = words.ago(now - match.t)
    if match.state == "crashed":
        return f"failed, {when}", "alert"
    if match.state == "stopped":
        games = _count(match.record, "games")
        return f"cancelled after {words.plural(games, 'game')}, {when}", "warning"
    return f"finished, {when}", "quiet"


def lines_of(
    match: Match,
    width: int,
    now: float,
    signs: Signs,
    *,
    cancelling: bool = False,
    compact: bool = False,
) -> list[Spans]:
    """The bar and what it means, in lines of at most `width` cells.

    Args:
        match: What is told.
        width: Cells of a line.
        now: Unix seconds.
        signs: Characters to draw with.
        cancelling: Whether it was asked to end.
        compact: Without empty lines.
    """
    gap: Spans = ()
    record = match.record
    state, role = state_words(match, now, cancelling=cancelling)
    games = _count(record, "games")
    search = "" if match.simulations is None else (
        f", {match.simulations:,} simulations a move" if match.simulations else ", no search"
    )  # fmt: skip
    rows: list[Spans] = [((state, role), (f"   {words.plural(match.planned, 'game')}{search}"
                                          if match.planned else "", "quiet"))]  # fmt: skip
    if match.problem:
        rows += [((line, "alert"),) for line in words.wrapped(match.problem, width)]
    if match.running and match.doing:
        rows.append(((match.doing, "quiet"),))
    if not games:
        return rows
    wins, draws, losses = (_count(record, key) for key in ("wins", "draws", "losses"))
    rows += [
        gap,
        two_ended_bar(wins, draws, losses, match.planned, min(width, 80), signs),
        (
            (f"A won {wins:,}", "series.0"),
            (f"   drawn {draws:,}   ", "quiet"),
            (f"B won {losses:,}", "series.1"),
            (f"   of {match.planned:,}", "quiet"),
        ),
        gap,
    ]
    score, low, high = (number(record, key) for key in ("score", "low", "high"))
    if score is not None and low is not None and high is not None:
        said = verdict(score, low, high, match.players)
        rows += [((line, "strong"),) for line in words.wrapped(said, width)]
        more = games_for_firmer(score, low, high, games, match.players)
        rows += [((line, "quiet"),) for line in words.wrapped(more, width) if more]
    else:
        so_far = (wins + draws / 2) / games * 100
        rows.append(((f"so far {so_far:.1f}% for A, in the games that ended first", "strong"),))
    sides = f"A is {match.a}, B is {match.b}"
    if match.players > 2:
        sides += f" on all other seats of {match.players}: {100 / match.players:.0f}% is level"
    rows += [gap, *(((line, "quiet"),) for line in words.wrapped(sides, width))]
    details = _details(record)
    rows += [gap, *details] if details else []
    return [line for line in rows if line or not compact]


def _details(record: Mapping[str, Any]) -> list[Spans]:
    """Margin, seats, moves and time, where the records tell them."""
    facts: list[tuple[str, str]] = []
    margin, low, high = (number(record, k) for k in ("margin", "margin_low", "margin_high"))
    if margin is not None:
        between = f" ({low:+.1f} to {high:+.1f})" if low is not None and high is not None else ""
        facts.append(("margin", f"{margin:+.1f} points a game{between}"))
    seats = record.get("by_seat")
    for item in cast("list[object]", seats)[:4] if isinstance(seats, list) else []:
        if not isinstance(item, dict):
            continue
        seat = cast("dict[str, Any]", item)
        share, at = _percent(seat.get("score")), number(seat, "seat")
        if share and at is not None:
            order = {0: "first", 1: "second", 2: "third", 3: "fourth"}.get(int(at), "?")
            games = words.plural(_count(seat, "games"), "game")
            by = number(seat, "margin")
            points = f", {by:+.1f} points" if by is not None else ""
            facts.append((f"A {order}", f"{share} of {games}{points}"))
    moves, seconds = number(record, "moves_per_game"), number(record, "s_per_game")
    if moves is not None:
        pace = f", {seconds:.2f} s" if seconds is not None else ""
        facts.append(("a game", f"{moves:.0f} moves{pace}"))
    one, other = number(record, "ms_per_move_a"), number(record, "ms_per_move_b")
    if one is not None and other is not None:
        facts.append(("a move", f"A {one:.2f} ms, B {other:.2f} ms"))
    return [((f"{name:<10}", "quiet"), (said, "")) for name, said in facts]


def _count(record: Mapping[str, Any], key: str) -> int:
    """A number of games that somebody else wrote."""
    return int(min(max(number(record, key) or 0.0, 0.0), 1e9))


def _percent(value: object) -> str:
    share = number({"score": value}, "score")
    return f"{share * 100:.1f}%" if share is not None else ""


def two_ended_bar(
    wins: int, draws: int, losses: int, planned: int, width: int, signs: Signs
) -> Spans:
    """A's wins from the left, B's from the right, drawn games inside, the rest between them."""
    planned = max(planned, wins + draws + losses, 1)
    left = round(wins / planned * width)
    right = min(round(losses / planned * width), width - left)
    middle = min(round(draws / planned * width), width - left - right)
    half = middle // 2
    drawn = "~" if signs.ascii else "╍"
    return (
        (("A" if signs.ascii else signs.bar_full) * left, "series.0"),
        (drawn * half, "quiet"),
        (signs.bar_empty * (width - left - right - middle), "bar.empty"),
        (drawn * (middle - half), "quiet"),
        (("B" if signs.ascii else signs.bar_full) * right, "series.1"),
    )
