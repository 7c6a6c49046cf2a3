"""What is said about a run that is looked at: how far it is, what it does, what is wrong."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.runs.status import NO_NEWS, ending_words
from azul_tui.runs.text import plain_text
from azul_tui.views import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.runs.status import Judgement, Status
    from azul_tui.views.machine import Usage
    from azul_tui.views.run_data import RunData
    from azul_tui.views.words import Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNow:
    """A run at a moment, as far as its folder and its process tell."""

    name: str
    data: RunData
    status: Status | None
    judgement: Judgement | None
    now: float
    """Unix seconds."""
    usage: Usage | None = None
    problem: str = ""
    """Why its files cannot be read."""
    ended: str = ""
    """How the process ended that this dashboard started, and its last words, where it failed."""
    asked: str = ""
    """What it was asked for and has not answered: `pausing`, `cancelling`."""
    launch: str = ""
    """`starting` or `resuming` while its process has been started and has written nothing."""
    opened: bool = True
    """Whether all that there is was read at least once."""

    @property
    def state(self) -> str:
        """`running`, `paused`, `finished`, `stopped`, `crashed`; empty while nobody knows."""
        if self.launch:
            return "running"
        if self.ended and (self.judgement is None or self.active_by_file):
            return "crashed"
        return self.judgement.state if self.judgement is not None else ""

    @property
    def active_by_file(self) -> bool:
        """Whether the run's own files say that it goes on."""
        return self.judgement is not None and self.judgement.state in {"running", "paused"}

    @property
    def active(self) -> bool:
        """Whether the run goes on or waits to go on."""
        return self.state in {"running", "paused"}

    @property
    def state_words(self) -> str:
        """The state as one or two words: the phase of a run that goes on."""
        if self.launch or (self.asked and self.active):
            return self.launch or self.asked
        if self.state == "running" and self.status is not None:
            if self.judgement is not None and self.judgement.stalled:
                return NO_NEWS
            return plain_text(self.status.phase, 20) or "starting"
        return self.state


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of the work: how much is done, None while that is not known."""

    name: str
    share: float | None
    text: str
    here: bool = False
    """Whether this is what is being done now."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person has to see; `error` stops the run."""

    text: str
    level: str = "warning"


def waiting_words(run: RunNow) -> str:
    """Why there is nothing to show yet."""
    if run.problem:
        return run.problem
    if run.ended:
        return f"it ended before the first training step: {run.ended}"
    status, compiling = run.status, run.data.compile
    if run.launch:
        return f"{run.launch}: loading the libraries takes a few seconds"
    if compiling is not None and compiling.total:
        return (
            f"compiling the rules, {compiling.done} of {compiling.total} "
            f"({plain_text(compiling.name, 40)}), only the first time"
        )
    if status is not None and run.state in {"crashed", "stopped", "finished"}:
        return f"{run.state} before the first training step"
    if status is not None and status.phase == "compile":
        spent = words.duration(max(0.0, status.heartbeat - status.started))
        return f"loading and compiling the rules, {spent}"
    if run.state == "paused":
        return "paused; losses appear with the first training steps"
    if status is not None and status.phase:
        return f"{plain_text(status.phase, 20)}; losses appear with the first training steps"
    if status is None and not run.opened:
        return f"opening {plain_text(run.name, 64)}"
    if status is None and run.data.is_empty:
        return "nothing has been recorded yet, and no process is known to be at work"
    return "no losses yet"


def done_share(run: RunNow) -> float | None:
    """How much of the run is done, in [0, 1]: of its iterations, unless it ends by the clock.

    A run may be told to end long before its last iteration; the time left knows that.
    """
    status = run.status
    if status is None:
        return None
    if run.state == "finished":
        return 1.0
    share = status.iteration / status.max_iterations if status.max_iterations else None
    if status.left_s is not None and run.active:
        spent = max(0.0, status.heartbeat - status.started)
        by_clock = spent / max(spent + status.left_s, 1.0)
        if share is None or by_clock > 2 * share + 0.02:
            return by_clock
    return share


def progress_facts(run: RunNow) -> tuple[str, list[Spans]]:
    """`iteration 37/100`, and what is said after the bar, the most important first."""
    status = run.status
    if status is None:
        if run.data.last_step:
            head = f"iteration {run.data.last_iteration:,}, step {run.data.last_step:,.0f}"
            return head, [(("its status file is missing", "quiet"),)]
        return waiting_words(run), []
    of = f"/{status.max_iterations:,}" if status.max_iterations and run.state != "finished" else ""
    facts: list[Spans] = []
    share = done_share(run)
    if share is not None:
        facts.append(((f"{share * 100:.0f}%", "strong"),))
    if status.left_s is not None and run.active:
        facts.append((("left ", "quiet"), (words.duration(status.left_s), "strong")))
    if status.games_total:
        facts.append(((f"{status.games_total:,}", "strong"), (" games", "quiet")))
    if status.sims_per_s is not None and run.active:
        facts.append(((words.amount(status.sims_per_s), "strong"), (" sims/s", "quiet")))
    return f"iteration {status.iteration:,}{of}", facts


def notices(run: RunNow, seen: int = 0) -> list[Notice]:
    """What is wrong, the most important first; alerts from number `seen` on."""
    unseen = list(run.data.alerts)[seen:]
    found = [Notice(alert.text, alert.level) for alert in reversed(unseen)]
    if run.problem:
        found.insert(0, Notice(run.problem, "error"))
    if run.state == "crashed":
        why = run.ended or (run.judgement.reason if run.judgement is not None else "")
        if why.startswith(ending_words(-signal.SIGKILL)):
            why += "; the system does that when memory runs out"
        found.insert(0, Notice(f"crashed: {why or 'the log says why'}; {way_back(run)}", "error"))
    elif run.judgement is not None and run.judgement.stalled and run.status is not None:
        silent = words.duration(run.now - run.status.heartbeat)
        lives = ", the process is alive" if run.judgement.alive else ""
        found.append(Notice(f"{NO_NEWS} for {silent}{lives}", "warning" if not lives else "info"))
    return sorted(found, key=lambda notice: notice.level != "error")


def way_back(run: RunNow) -> str:
    """What `r` does for a run that has ended."""
    if run.state == "finished":
        return "r trains it further"
    file = run.status.last_checkpoint if run.status is not None else ""
    if run.state == "crashed" and not file and not run.data.started:
        return "it recorded nothing to go on from: 1 leads to the menu, to start another"
    return f"r resumes from {file}" if file else "r starts it again"


def phase_bars(run: RunNow) -> list[Bar]:
    """The phases of this iteration and the buffer."""
    status = run.status
    if status is None:
        return []
    here = status.phase if run.active else ""
    bars: list[Bar] = []
    order = ["self-play", "training"]
    # What was under way when a run ended is no news any more.
    for phase, unit in (("self-play", "games"), ("training", "steps")) if run.active else ():
        if here == phase:
            bars.append(_bar(status, phase, unit))
        else:
            done = here in {"training", "evaluation"} and order.index(phase) < 1
            bars.append(Bar(phase, 1.0 if done else None, "done" if done else ""))
    if here and here not in order:
        # While it is paused the bar is that of the phase it paused in.
        at = 0 if here == "paused" and "game" in status.unit else 1
        bars[at if here == "paused" else 1] = _bar(status, here, status.unit)
    share = buffer_share(status)
    positions = f"{words.amount(status.buffer_size)} positions" if status.buffer_size else ""
    text = f"{words.percent(share)}  {positions}" if share is not None else ""
    bars.append(Bar("buffer", share, text))
    return bars


def _bar(status: Status, name: str, unit: str) -> Bar:
    name = plain_text(name, 12)
    if status.done is None or not status.total:
        return Bar(name, None, "", here=True)
    counted = f"{status.done:,.0f}/{status.total:,.0f} {plain_text(status.unit or unit, 20)}"
    return Bar(name, min(1.0, status.done / status.total), counted, here=True)


def buffer_share(status: Status) -> float | None:
    """How full the replay buffer is, in [0, 1]."""
    if status.buffer_size is None or not status.buffer_capacity:
        return None
    return min(1.0, status.buffer_size / status.buffer_capacity)


def facts(run: RunNow) -> list[Spans]:
    """Learning rate, simulations, policy entropy, best score."""
    status = run.status
    if status is None:
        return []
    parts: list[tuple[str, str]] = []
    if status.learning_rate is not None and run.active:
        parts.append(("learn rate", words.short_float(status.learning_rate)))
    if status.mcts_simulations is not None:
        parts.append(("simulations", f"{status.mcts_simulations:,}"))
    if status.policy_entropy is not None:
        parts.append(("policy entropy", f"{status.policy_entropy:.2f}"))
    if status.best_score is not None:
        parts.append(("best score", words.percent(status.best_score)))
    return [((f"{name} ", "quiet"), (value, "strong")) for name, value in parts]


def usage_facts(usage: Usage | None, status: Status | None = None) -> list[Spans]:
    """Processor and memory of this machine, and the GPU that the run trains on, else all here."""
    if usage is None:
        return []
    found: list[Spans] = []
    if usage.cpu_percent is not None:
        found.append((("cpu ", "quiet"), (f"{usage.cpu_percent:.0f}%", "strong")))
    used, total = usage.memory_used / 1e9, usage.memory_total / 1e9
    found.append(
        (("memory ", "quiet"), (f"{used:.1f}", "strong"), (f" of {total:.0f} GB", "quiet"))
    )
    if status is not None and status.gpu_name and status.gpu_memory_used is not None:
        return [*found, _gpu(
            status.gpu_name, status.gpu_percent, status.gpu_memory_used, status.gpu_watts
        )]  # fmt: skip
    return found + [_gpu(gpu.name, gpu.percent, gpu.used, gpu.watts) for gpu in usage.gpus[:2]]


def _gpu(name: str, percent: float | None, used: float, watts: float | None) -> Spans:
    short = plain_text(name, 40).removeprefix("NVIDIA ").removeprefix("GeForce ")
    busy = f"{percent:.0f}%  " if percent is not None else ""
    power = f"  {watts:.0f} W" if watts is not None else ""
    return (
        (f"gpu {words.shortened(short, 14)} ", "quiet"), (busy, "strong"),
        (f"{used / 1e9:.0f} GB{power}", "quiet"),
    )  # fmt: skip


def join(parts: Sequence[Spans], width: int, gap: str = "   ") -> Spans:
    """As many of `parts` as fit into `width` cells, side by side; at least the first."""
    line: list[tuple[str, str]] = []
    used = 0
    for part in parts:
        length = sum(len(text) for text, _ in part) + (len(gap) if line else 0)
        if line and used + length > width:
            break
        if line:
            line.append((gap, ""))
        line.extend(part)
        used += length
    return tuple(line)
