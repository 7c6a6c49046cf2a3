"""What is said about a run that is looked at: how far it is, what it does, what is wrong."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from azul_tui.runs.machine import GpuMeter, usable_memory
from azul_tui.runs.status import ACTIVE, NO_NEWS, ending_words
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.signs import bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.runs.status import Judgement, Status
    from azul_tui.views.following import RunData
    from azul_tui.views.signs import Signs
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
    usage: Sequence[Spans] = ()
    """What `Meter` read of this machine."""
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
        by_file = self.judgement.state if self.judgement is not None else ""
        if self.launch:
            return "running"
        return "crashed" if self.ended and by_file in {"running", "paused", ""} else by_file

    @property
    def active(self) -> bool:
        """Whether the run goes on or waits to go on."""
        return self.state in ACTIVE

    @property
    def state_words(self) -> str:
        """The state as one or two words: the phase of a run that goes on."""
        if self.launch or (self.asked and self.active):
            return self.launch or self.asked
        if self.state == "running" and self.status is not None:
            stalled = self.judgement is not None and self.judgement.stalled
            return NO_NEWS if stalled else plain_text(self.status.phase, 20) or "starting"
        return self.state


def waiting_words(run: RunNow) -> str:
    """Why there is nothing to show yet."""
    status = run.status
    if run.problem:
        return run.problem
    if run.ended:
        return f"it ended before the first training step: {run.ended}"
    if run.launch:
        return f"{run.launch}: loading the libraries takes a few seconds"
    if run.data.compiling:
        return f"compiling the rules, {run.data.compiling}, only the first time"
    if status is None:
        if not run.opened:
            return f"opening {plain_text(run.name, 64)}"
        nothing = "nothing has been recorded yet, and no process is known to be at work"
        return "no losses yet" if run.data.records else nothing
    if not run.active and run.state:
        return f"{run.state} before the first training step"
    if status.phase == "compile":
        spent = words.duration(max(0.0, status.heartbeat - status.started))
        return f"loading the rules, {spent}"
    now = "paused" if run.state == "paused" else plain_text(status.phase, 20)
    return f"{now}; losses appear with the first training steps" if now else "no losses yet"


def head_line(run: RunNow, width: int, signs: Signs) -> Spans:
    """`iteration 37/100`, a bar, and the facts that fit beside it, the most important first."""
    status, share = run.status, _done_share(run)
    if status is None:
        if not run.data.last_step:
            return ((waiting_words(run), "strong"),)
        head = f"iteration {run.data.last_iteration:,}, step {run.data.last_step:,.0f}"
        return ((head, "strong"), ("  its status file is missing", "quiet"))
    most = status.max_iterations if run.state != "finished" else None
    head = f"iteration {status.iteration:,}" + (f"/{most:,}" if most else "")
    facts: list[Spans] = []
    if share is not None:
        facts.append(((f"{share * 100:.0f}%", "strong"),))
    if status.left_s is not None and run.active:
        facts.append(_fact("left", words.duration(status.left_s)))
    if status.games_total:
        facts.append(((f"{status.games_total:,}", "strong"), (" games", "quiet")))
    if status.sims_per_s is not None and run.active:
        facts.append(((words.amount(status.sims_per_s), "strong"), (" sims/s", "quiet")))
    beside = join(facts, max(0, width - len(head) - 8))
    room = width - len(head) - sum(len(text) for text, _ in beside) - 4
    drawn = ((" ", ""), *_drawn(share, room, signs), (" ", "")) if room > 4 else ()
    return ((head, "strong"), *drawn, ("  ", ""), *beside)


def _done_share(run: RunNow) -> float | None:
    """How much of the run is done: of its iterations, unless it ends by the clock.

    A run may be told to end long before its last iteration; the time left knows that.
    """
    status = run.status
    if status is None or run.state == "finished":
        return None if status is None else 1.0
    share = status.iteration / status.max_iterations if status.max_iterations else None
    if status.left_s is not None and run.active:
        spent = max(0.0, status.heartbeat - status.started)
        by_clock = spent / max(spent + status.left_s, 1.0)
        if share is None or by_clock > 2 * share + 0.02:
            return by_clock
    return share


def notice_lines(run: RunNow, seen: int = 0) -> tuple[list[str], bool]:
    """What is wrong, the most important first, and whether it is no more than news.

    The first `seen` alerts are not told again.
    """
    unseen = list(run.data.alerts)[seen:]
    found = [(alert.level, alert.text) for alert in reversed(unseen)]
    if run.problem:
        found.insert(0, ("error", run.problem))
    judged = run.judgement
    if run.state == "crashed":
        why = run.ended or (judged.reason if judged is not None else "")
        if why.startswith(ending_words(-signal.SIGKILL)):
            why += "; the system does that when memory runs out"
        found.insert(0, ("error", f"crashed: {why or 'the log says why'}; {way_back(run)}"))
    elif judged is not None and judged.stalled and run.status is not None:
        silent = f"{NO_NEWS} for {words.duration(run.now - run.status.heartbeat)}"
        lives = ("info", f"{silent}, the process is alive")
        found.append(lives if judged.alive else ("warning", silent))
    found.sort(key=lambda notice: notice[0] != "error")
    lines = [f"! {text}" for _, text in found[:3]]
    if lines:
        lines[0] += f"  (and {len(found) - 3} more)" if len(found) > 3 else ""
        lines[0] += "   a: seen" if unseen else ""
    return lines, all(level == "info" for level, _ in found)


def way_back(run: RunNow) -> str:
    """What `r` does for a run that has ended."""
    if run.state == "finished":
        return "r trains it further"
    file = run.status.last_checkpoint if run.status is not None else ""
    if run.state == "crashed" and not file and not run.data.started:
        return "it recorded nothing to go on from: 1 leads to the menu, to start another"
    return f"r resumes from {file}" if file else "r starts it again"


def phase_line(run: RunNow, width: int, signs: Signs) -> Spans:
    """What is done now and the most important facts in one line."""
    parts: list[Spans] = []
    bars = _bars(run)
    here = next((each for each in bars if each.here), None)
    if here is not None:
        text = f" {here.text}" if here.text else ""
        parts.append(((f"{here.name} ", "strong"), *_drawn(here.share, 14, signs), (text, "")))
    elif run.active:
        parts.append(((run.state_words, "strong"),))
    else:
        parts.append(((run.state, "strong"), (f"; {way_back(run)}", "quiet")))
    if bars and bars[-1].share is not None:
        parts.append(_fact("buffer", words.percent(bars[-1].share)))
    return join((*parts, *run.usage[:1], *_facts(run)), width)


def phase_lines(run: RunNow, width: int, signs: Signs) -> list[Spans]:
    """A bar for each phase and the buffer, the facts, and what the machine does."""
    rows: list[Spans] = []
    for each in _bars(run):
        role = "strong" if each.here else "quiet"
        drawn = _drawn(each.share, max(6, min(24, width - 36)), signs)
        said = (f" {each.text}", "" if each.name == "buffer" else role)
        rows.append(((f" {each.name:<11}", role), *drawn, said))
    if not rows:
        rows.append(((f" {waiting_words(run)}", "quiet"),))
    parts = [each for each in (_facts(run), run.usage[:2], run.usage[2:]) if each]
    return rows + [((" ", ""), *join(each, width - 2)) for each in parts]


class _Bar(NamedTuple):
    name: str
    share: float | None
    """None while it is not known."""
    text: str
    here: bool = False
    """Whether this is what is being done now."""


def _bars(run: RunNow) -> list[_Bar]:
    """The phases of this iteration while it goes on, and the buffer."""
    status = run.status
    if status is None:
        return []
    bars: list[_Bar] = []
    here = status.phase if run.active else ""
    phases = ("self-play", "training")
    # While it is paused the bar is that of the phase it paused in.
    at = 0 if here == "paused" and "game" in status.unit else 1
    at = phases.index(here) if here in phases else at if here else -1
    # What was under way when a run ended is no news any more.
    for index, phase in enumerate(phases if run.active else ()):
        if index != at:
            done = index == 0 and here in {"training", "evaluation"}
            bars.append(_Bar(phase, 1.0 if done else None, "done" if done else ""))
        elif status.done is None or not status.total:
            bars.append(_Bar(plain_text(here, 12), None, "", here=True))
        else:
            unit = plain_text(status.unit or ("games", "steps")[index], 20)
            text = f"{status.done:,.0f}/{status.total:,.0f} {unit}"
            share = min(1.0, status.done / status.total)
            bars.append(_Bar(plain_text(here, 12), share, text, here=True))
    size, capacity = status.buffer_size, status.buffer_capacity
    share = min(1.0, size / capacity) if size is not None and capacity else None
    positions = f"{words.amount(size)} positions" if size else ""
    text = f"{words.percent(share)}  {positions}" if share is not None else ""
    return [*bars, _Bar("buffer", share, text)]


def _drawn(share: float | None, width: int, signs: Signs) -> Spans:
    full, empty = bar(share, width, signs)
    return (full, "bar"), (empty, "bar.empty")


def _fact(name: str, value: str) -> Spans:
    return (f"{name} ", "quiet"), (value, "strong")


def _facts(run: RunNow) -> list[Spans]:
    """Learning rate, simulations, policy entropy, best score."""
    status = run.status
    if status is None:
        return []
    parts: list[Spans] = []
    if status.learning_rate is not None and run.active:
        parts.append(_fact("learn rate", words.short_float(status.learning_rate)))
    if status.mcts_simulations is not None:
        parts.append(_fact("simulations", f"{status.mcts_simulations:,}"))
    if status.policy_entropy is not None:
        parts.append(_fact("policy entropy", f"{status.policy_entropy:.2f}"))
    if status.best_score is not None:
        parts.append(_fact("best score", words.percent(status.best_score)))
    return parts


def join(parts: Sequence[Spans], width: int) -> Spans:
    """As many of `parts` as fit into `width` cells, side by side; at least the first."""
    line: list[tuple[str, str]] = []
    for part in parts:
        pieces = (("   ", ""), *part) if line else part
        if line and sum(len(text) for text, _ in (*line, *pieces)) > width:
            break
        line.extend(pieces)
    return tuple(line)


class Meter:
    """Reads this machine; modules are imported at the first reading."""

    def __init__(self) -> None:
        self.gpus = GpuMeter()
        self._cpu_asked = False

    def read(self, status: Status | None = None) -> list[Spans]:
        """Processor since the last call, memory, the GPU that a run trains on, else all here."""
        import psutil

        memory, busy = usable_memory(), psutil.cpu_percent(None)
        # A share of the processor needs two readings.
        found = [_fact("cpu", f"{busy:.0f}%")] if self._cpu_asked else []
        self._cpu_asked = True
        used, of = (memory.total - memory.available) / 1e9, f" of {memory.total / 1e9:.0f} GB"
        found.append((*_fact("memory", f"{used:.1f}"), (of, "quiet")))
        if status is not None and status.gpu_name and status.gpu_memory_used is not None:
            gpus = [status]
        else:
            gpus = self.gpus.read()[:2]
        for gpu in gpus:
            short = plain_text(gpu.gpu_name, 40).removeprefix("NVIDIA ").removeprefix("GeForce ")
            share = f"{gpu.gpu_percent:.0f}%  " if gpu.gpu_percent is not None else ""
            power = f"  {gpu.gpu_watts:.0f} W" if gpu.gpu_watts is not None else ""
            told = _fact(f"gpu {words.shortened(short, 14)}", share)
            taken = f"{(gpu.gpu_memory_used or 0) / 1e9:.0f} GB{power}"
            found.append((*told, (taken, "quiet")))
        return found
