"""Records of a run as the lines that a person reads when there is no dashboard. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.events import number, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.runs.events import Record


def describe(record: Record) -> str:
    """The record as one line, or "" for one that a person need not read."""
    line = _LINES.get(record["event"])
    return line(record) if line else ""


def in_percent(mean: float, low: float, high: float) -> str:
    """A share with its interval, which is seldom as wide to either side: `51.0% (47.2 to 54.9)`."""
    return f"{mean:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def in_words(seconds: float | None) -> str:
    """A length of time: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 12 min`, `2 d 3 h`."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def in_bytes(count: float) -> str:
    """A size: `812 B`, `1.4 MB`, `24.1 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit in {"B", "kB"} else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _figure(record: Record, key: str, digits: int = 3) -> str:
    value = number(record, key)
    return "–" if value is None else f"{value:,.{digits}f}"


def _whole(record: Record, key: str) -> str:
    return _figure(record, key, 0)


def _run_started(record: Record) -> str:
    resumed = text(record, "resumed_from")
    how = f", resumed from {resumed} at iteration {_whole(record, 'iteration')}" if resumed else ""
    return f"run {text(record, 'name', 64)}{how}"


def _compute(record: Record) -> str:
    return text(record, "text", 400)


def _compile(record: Record) -> str:
    counted = f"{_whole(record, 'done')}/{_whole(record, 'total')}"
    return f"compiling {counted} {text(record, 'name', 40)} (only the first time)"


def _self_play(record: Record) -> str:
    return (
        f"  played {_whole(record, 'games')} games, {_whole(record, 'positions')} positions "
        f"in {in_words(number(record, 'seconds'))}: {_whole(record, 'sims_per_s')} simulations/s"
    )


def _iteration(record: Record) -> str:
    return (
        f"iteration {_whole(record, 'iteration')}: loss {_figure(record, 'total_loss')} "
        f"(policy {_figure(record, 'policy_loss')}, value {_figure(record, 'value_loss')}), "
        f"{_whole(record, 'successful_steps')} steps in "
        f"{in_words(number(record, 'training_time'))}"
    )


def _evaluation(record: Record) -> str:
    score, low, high = (number(record, key) for key in ("score", "low", "high"))
    told = "–" if score is None else f"{100 * score:.1f}%"
    if low is not None and high is not None:
        told += f" ({100 * low:.1f} to {100 * high:.1f})"
    results = f"{_whole(record, 'wins')} won, {_whole(record, 'draws')} drawn"
    opponent = text(record, "opponent", 60)
    return f"  against {opponent}: {told}, {results} of {_whole(record, 'games')} games"


def _gate(record: Record) -> str:
    decision = text(record, "decision", 20)
    if decision == "first":
        return "  gate: the first weights are the best so far"
    score = number(record, "score")
    told = "–" if score is None else f"{100 * score:.1f}%"
    moved = ", the new best" if record.get("accepted") is True else ""
    return (
        f"  gate against {text(record, 'opponent', 40)}: {decision}{moved}, {told} of "
        f"{_whole(record, 'games')} games in {in_words(number(record, 'seconds'))}"
    )


def _rating(record: Record) -> str:
    return (
        f"  rated {_whole(record, 'elo')} Elo above {text(record, 'anchor', 40)} "
        f"({_whole(record, 'low')} to {_whole(record, 'high')})"
    )


def _checkpoint(record: Record) -> str:
    best = ", the best so far" if record.get("best") is True else ""
    return f"  saved {text(record, 'file', 80)}{best}"


def _alert(record: Record) -> str:
    return f"{text(record, 'level', 10) or 'alert'}: {text(record, 'text', 400)}"


def _setting(record: Record) -> str:
    old, new = str(record.get("old"))[:40], str(record.get("new"))[:40]
    return f"  {text(record, 'key', 40)} changes from {old} to {new}"


def _control(record: Record) -> str:
    verdict = "accepted" if record.get("accepted") is True else "refused"
    reason = text(record, "reason")
    request = text(record, "request", 20) or "request"
    return f"  {request} {verdict}" + (f": {reason}" if reason else "")


_LINES: dict[str, Callable[[Record], str]] = {
    "run_started": _run_started,
    "compute": _compute,
    "compile": _compile,
    "self_play": _self_play,
    "iteration": _iteration,
    "evaluation": _evaluation,
    "gate": _gate,
    "rating": _rating,
    "checkpoint": _checkpoint,
    "alert": _alert,
    "setting": _setting,
    "control": _control,
}
