"""What a person has to see about a run, above everything else."""

from __future__ import annotations

from azul_tui.runs.status import NO_NEWS
from azul_tui.tui import phrases
from azul_tui.tui.picture import Picture, fit, shorten, text_line
from azul_tui.tui.training.state import TrainingState, is_crashed


def alert_lines(state: TrainingState, width: int) -> Picture:
    """Alerts that were not seen yet, the newest first, at most two lines."""
    texts = [alert.text for alert in list(state.data.alerts)[state.alerts_seen :]]
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
        why = judgement.reason or "the log says why"
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
        body = shorten(text, max(8, width - len(hint) - 4), state.signs.ellipsis)
        lines.append(
            fit(((f" {state.signs.alert} {body}", "alert.block"), (hint, "alert.block")), width)
        )
    return [*lines, *below]
