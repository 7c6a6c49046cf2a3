"""What a person has to see about a run, above everything else."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from rich.cells import cell_len

from azul_tui.runs.status import NO_NEWS, ending_words
from azul_tui.tui import phrases
from azul_tui.tui.picture import Picture, fit, shorten, text_line, wrapped
from azul_tui.tui.training.state import TrainingState, is_crashed

if TYPE_CHECKING:
    from azul_tui.tui.signs import Signs


MOST_LINES = (3, 2)
"""Lines that the newest alert takes at most, and the one before it."""


def alert_lines(state: TrainingState, width: int) -> Picture:
    """Alerts that were not seen yet, the newest first and as good as whole, at most two."""
    unseen = list(state.data.alerts)[state.alerts_seen :]
    # What stops a run is not hidden by what came after it.
    texts = [alert.text for alert in sorted(unseen, key=lambda alert: alert.level == "error")]
    judgement = state.judgement
    calm = ""
    if judgement is not None and judgement.stalled and state.status is not None:
        silent = phrases.duration(state.now - state.status.heartbeat)
        if judgement.alive:
            # Nothing is wrong: machines that do much else take long over a start or a save.
            starts = "" if state.status.iteration or state.status.done else "starting; "
            calm = f" {starts}{NO_NEWS} for {silent}, the process is alive"
        else:
            texts.append(f"{NO_NEWS} for {silent}")
    if is_crashed(state) and judgement is not None:
        file = state.status.last_checkpoint if state.status is not None else ""
        way = f"; r resumes from {file}" if file else "; r starts again"
        if not state.data.started:
            way = "; it recorded nothing to go on from: 1 leads to the menu, to start another"
        why = judgement.reason or "the log says why"
        if why == ending_words(-signal.SIGKILL):
            why += ", which the system does when memory runs out"
        texts.append(f"crashed: {why}{way}")
    if state.problem:
        texts.append(state.problem)
    calm = shorten(calm, width, state.signs.ellipsis)
    below: Picture = [text_line(calm, "quiet")] if calm else []
    if not texts:
        return below
    more = f"  (and {len(texts) - 2} more)" if len(texts) > 2 else ""
    lines: Picture = []
    for number, text in enumerate(reversed(texts[-2:])):
        hint = (
            f"{more}   a seen" if number == 0 and len(state.data.alerts) > state.alerts_seen else ""
        )
        lines.extend(_block(text, hint, width, MOST_LINES[number], state.signs))
    return [*lines, *below]


def _block(text: str, hint: str, width: int, most: int, signs: Signs) -> Picture:
    """One alert in at most that many lines, what to do about it at the end of the first."""
    hint = f"{hint} " if hint else ""
    room = max(8, width - 3)
    first = wrapped(text, max(8, room - len(hint)))
    said = "".join(part for part, _ in first[0])
    rest = wrapped(text[len(said) :], room) if len(first) > 1 else []
    bodies = [said, *("".join(part for part, _ in line) for line in rest)]
    if len(bodies) > most:
        bodies[most - 1] = shorten(" ".join(bodies[most - 1 :]), room, signs.ellipsis)
        if most == 1:
            bodies[0] = shorten(bodies[0], max(8, room - len(hint)), signs.ellipsis)
    lines: Picture = []
    for number, body in enumerate(bodies[:most]):
        sign = f" {signs.alert} " if number == 0 else "   "
        end = hint if number == 0 else ""
        gap = " " * max(0, width - cell_len(sign + body) - len(end))
        lines.append(fit(((f"{sign}{body}{gap}{end}", "alert.block"),), width))
    return lines
