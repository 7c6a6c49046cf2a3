"""The lines that every place shares: where one is, which run is looked at, the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.status import NO_NEWS
from azul_tui.runs.text import plain_text
from azul_tui.tui.picture import Line, fit, line_width, shorten, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.runs.status import Judgement, Status
    from azul_tui.tui.signs import Signs

PLACES: tuple[tuple[str, str, str], ...] = (
    ("1", "menu", "Menu"),
    ("2", "training", "Training"),
    ("3", "runs", "Runs"),
    ("4", "checkpoints", "Checkpoints"),
    ("5", "evaluate", "Evaluate"),
    ("6", "play", "Play"),
    ("7", "analyse", "Analyse"),
)
"""Key, mode and title of every place."""
_SHORT = {"Training": "Train", "Checkpoints": "Checkp.", "Evaluate": "Eval"}
"""Titles that a terminal of 80 columns has room for beside a run's state."""


def top_line(place: str, run: Line, width: int) -> Line:
    """The places with the current one marked, and the run on the right.

    Where it is narrow the run loses its name first, then long titles are shortened, then the other
    places lose theirs.
    """
    brief: Line = run[-1:]
    for style, words in (
        ("full", run),
        ("short", run),
        ("short", brief),
        ("brief", run),
        ("brief", brief),
        ("numbers", run),
        ("numbers", brief),
    ):
        left = _places(place, style)
        if line_width(left) + line_width(words) + 2 <= width:
            return spread(left, (*words, (" ", "")), width)
    return fit(_places(place, "here"), width)


def _places(here: str, style: str) -> Line:
    parts: list[tuple[str, str]] = [(" ", "")]
    if style == "full":
        parts.append(("azul-tui   ", "title"))
    for key, mode, whole in PLACES:
        title = _SHORT.get(whole, whole) if style == "brief" and mode != here else whole
        if mode == here:
            parts.append((f"[{key} {title}]", "place.here"))
        elif style == "here":
            continue
        else:
            parts.append((key if style == "numbers" else f"{key} {title}", "place"))
        parts.append(("  " if style == "full" else " ", ""))
    return tuple(parts)


def state_sign(judgement: Judgement | None, status: Status | None, signs: Signs) -> Line:
    """A run's state as a word and a sign: `● self-play`, `✓ finished`."""
    if judgement is None or status is None:
        return ()
    state = judgement.state
    if judgement.stalled:
        sign = signs.running if judgement.alive else signs.alert
        return ((f"{sign} {NO_NEWS}", "quiet" if judgement.alive else "alert"),)
    if state == "running":
        return ((f"{signs.running} {plain_text(status.phase, 20) or 'running'}", "good"),)
    words = {
        "paused": (f"{signs.paused} paused", "warning"),
        "finished": (f"{signs.finished} finished", "good"),
        "stopped": (f"{signs.stopped} stopped", "quiet"),
        "crashed": (f"{signs.crashed} crashed", "alert"),
    }
    return (words.get(state, (state, "quiet")),)


def key_line(keys: Sequence[tuple[str, str]], width: int) -> Line:
    """The keys that matter here, as many as fit; `?` always shows the rest."""
    tail: Line = (("?", "key"), (" all keys", ""))
    if width < 24:
        return fit((("?", "key"), (" keys", "")), width)
    parts: list[tuple[str, str]] = [(" ", "")]
    used = 1
    room = width - line_width(tail) - 2
    for key, word in keys:
        size = len(key) + 1 + len(word)
        if used + size > room:
            break
        parts.extend([(key, "key"), (f" {word}", "")])
        used += size
        if used + 3 <= room:
            parts.append(("   ", ""))
            used += 3
    return spread(tuple(parts), (*tail, (" ", "")), width)


def run_words(
    name: str, judgement: Judgement | None, status: Status | None, signs: Signs, alerts: int
) -> Line:
    """The run that is looked at, for the right end of the top line."""
    parts: list[tuple[str, str]] = []
    if alerts:
        parts.append((f"{signs.alert} {alerts}  ", "alert"))
    if not name:
        return tuple(parts)
    parts.append((shorten(plain_text(name, 64), 28, signs.ellipsis) + "  ", "strong"))
    parts.extend(state_sign(judgement, status, signs))
    return tuple(parts)
