"""What a person has to see about a run, above everything else."""

from __future__ import annotations

from azul_tui.tui import phrases
from azul_tui.tui.picture import Picture, fit, shorten
from azul_tui.tui.training.state import TrainingState, is_crashed


def alert_lines(state: TrainingState, width: int) -> Picture:
    """Alerts that were not seen yet, the newest first, at most two lines."""
    texts = [alert.text for alert in list(state.data.alerts)[state.alerts_seen :]]
    judgement = state.judgement
    if judgement is not None and judgement.stalled and state.status is not None:
        silent = phrases.duration(state.now - state.status.heartbeat)
        texts.append(f"no sign of life for {silent}")
    if is_crashed(state) and judgement is not None:
        file = state.status.last_checkpoint if state.status is not None else ""
        way = f"; r resumes from {file}" if file else "; r starts again"
        why = judgement.reason or "the log says why"
        texts.append(f"crashed: {why}{way}")
    if state.problem:
        texts.append(state.problem)
    if not texts:
        return []
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
    return lines
