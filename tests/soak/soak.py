"""A long run under faults: `make soak MINUTES=60`.

The smoke config trains without end with a dashboard on it in a pseudo-terminal. Every few minutes
the dashboard, a worker or the training itself is killed and started again, and the training is
paused and resumed all the while. Watched: memory and descriptors of every process, and the event
log, in which every result must be left once. The last line is a JSON object with the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import pexpect
import psutil

from azul_tui.runs.control import drop_request
from azul_tui.runs.events import decode_lines
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status

sys.path.insert(0, str(Path(__file__).parent.parent))
from fingerprint import lasting_records

SETTLING_S = 45.0
"""A process takes its memory in its first seconds; growth is measured after them."""
MOST_GROWTH_MB = 40.0
MOST_NEW_DESCRIPTORS = 3
NAME = "soak"


class Watch:
    """Memory and descriptors of processes over time."""

    def __init__(self):
        self.seen = defaultdict(list)
        self.kinds = {}

    def look(self, kind, pid):
        try:
            process = psutil.Process(pid)
            sample = (time.monotonic(), process.memory_info().rss / 1e6, process.num_fds())
        except psutil.Error:  # it is being killed
            return
        self.kinds[pid] = kind
        self.seen[pid].append(sample)

    def growth(self):
        """Worst growth by kind of process, from the first third of its settled life to the last."""
        worst = {}
        for pid, samples in self.seen.items():
            settled = [s for s in samples if s[0] - samples[0][0] >= SETTLING_S]
            if len(settled) < 6:
                continue
            third = max(1, len(settled) // 3)
            first, last = settled[:third], settled[-third:]
            memory = sum(s[1] for s in last) / third - sum(s[1] for s in first) / third
            descriptors = min(s[2] for s in last) - min(s[2] for s in first)
            old = worst.get(self.kinds[pid], (0, -1e9, -1e9, 0.0))
            worst[self.kinds[pid]] = (
                old[0] + 1,
                max(old[1], memory),
                max(old[2], descriptors),
                max(old[3], samples[-1][0] - samples[0][0]),
            )
        return {
            kind: {
                "processes": count,
                "growth_mb": round(memory, 1),
                "new_descriptors": descriptors,
                "longest_life_s": round(life),
            }
            for kind, (count, memory, descriptors, life) in worst.items()
        }


class Soak:
    """One run, its dashboard, and what is done to them."""

    def __init__(self, root, seed):
        self.root = root
        self.paths = RunPaths(root / NAME)
        self.draw = random.Random(seed)
        self.watch = Watch()
        self.faults = defaultdict(int)
        self.asked = []
        self.log = (root / "output.txt").open("ab")
        self.training = None
        self.dashboard = None

    def start_training(self):
        """Begin, or go on after a kill."""
        begun = self.paths.events.exists()
        job = ["resume", "--set", f"run={NAME}"] if begun else ["train", "--name", NAME, "--yes"]
        if not begun:
            job += ["--config", "smoke", "--set", "max_iterations=1000000"]
            job += ["--set", "self_play_workers=2", "--set", "training_steps_per_iteration=60"]
            job += ["--set", "save_frequency=20", "--set", "eval_frequency=20"]
        self.training = subprocess.Popen(
            [sys.executable, "-m", "azul_tui", "--dir", str(self.root), "--run", *job],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.wait_for(lambda: (s := read_status(self.paths.status)) and s.phase == "self-play")

    def start_dashboard(self):
        """Attach, in a terminal of its own that somebody reads."""
        command = ["-m", "azul_tui", "--dir", str(self.root), "--attach", NAME]
        environment = {**os.environ, "TERM": "xterm-256color"}
        child = pexpect.spawn(sys.executable, command, dimensions=(40, 140), env=environment)
        self.dashboard = child

        def drain():
            while True:
                try:
                    child.read_nonblocking(1 << 16, timeout=5)
                except pexpect.TIMEOUT:
                    continue
                except (pexpect.EOF, OSError, ValueError):
                    return

        threading.Thread(target=drain, daemon=True).start()

    def wait_for(self, condition, seconds=240.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.training.poll() is not None:
                raise SystemExit(f"the training ended with {self.training.returncode}")
            if condition():
                return
            time.sleep(0.1)
        raise SystemExit("it did not happen in time")

    def look(self):
        self.watch.look("training", self.training.pid)
        self.watch.look("dashboard", self.dashboard.pid)
        for worker in self.workers():
            self.watch.look("worker", worker)
        if not self.dashboard.isalive():
            self.faults["dashboard ended by itself"] += 1
            self.start_dashboard()

    def workers(self):
        try:
            children = psutil.Process(self.training.pid).children()
            return [c.pid for c in children if "azul_tui.training.workers" in " ".join(c.cmdline())]
        except psutil.Error:
            return []

    def pause_and_resume(self):
        self.asked.append(drop_request(self.paths, "pause"))
        self.wait_for(lambda: read_status(self.paths.status).state == "paused")
        time.sleep(1.0)
        self.asked.append(drop_request(self.paths, "resume"))
        self.wait_for(lambda: read_status(self.paths.status).state == "running")
        self.faults["pauses"] += 1

    def kill_dashboard(self):
        kind = self.draw.choice((signal.SIGKILL, signal.SIGHUP, signal.SIGTERM))
        os.kill(self.dashboard.pid, kind)
        time.sleep(1.0)
        self.dashboard.close(force=True)
        self.faults["dashboards killed"] += 1
        self.start_dashboard()

    def kill_worker(self):
        if found := self.workers():
            os.kill(self.draw.choice(found), signal.SIGKILL)
            self.faults["workers killed"] += 1

    def kill_training(self):
        self.asked.clear()  # answers behind the last checkpoint are cut off with the log
        self.training.kill()
        self.training.wait()
        self.faults["trainings killed"] += 1
        self.start_training()

    def run(self, minutes):
        """Until the time is over; then stop the training and look at what it left."""
        self.start_training()
        self.start_dashboard()
        ends = time.monotonic() + 60.0 * minutes
        plan = {
            self.pause_and_resume: 40.0,
            self.kill_dashboard: 150.0,
            self.kill_worker: 100.0,
            self.kill_training: 280.0,
        }
        due = {act: time.monotonic() + every for act, every in plan.items()}
        while time.monotonic() < ends:
            time.sleep(2.0)
            self.look()
            if self.training.poll() is not None:
                raise SystemExit(f"the training ended with {self.training.returncode}")
            for act, every in plan.items():
                if time.monotonic() >= due[act]:
                    act()
                    due[act] = time.monotonic() + every * self.draw.uniform(0.7, 1.3)
        drop_request(self.paths, "stop")
        code = self.training.wait(300)
        self.dashboard.close(force=True)
        return code


def accounted_for(paths, asked):
    """Records and iterations in the log, and what is wrong with it, in words."""
    records, skipped, _ = decode_lines(paths.events.read_bytes())
    problems = [f"{skipped} lines are no records"] if skipped else []
    of = defaultdict(list)
    answers = [record for record in records if record["event"] == "control"]
    for record in (*lasting_records(paths), *answers):
        of[record["event"]].append(record)
    iterations = [record["iteration"] for record in of["iteration"]]
    if iterations != list(range(1, len(iterations) + 1)):
        problems.append("iterations are missing or twice there")
    steps = [record["step"] for record in of["step"]]
    if steps != list(range(1, len(steps) + 1)):
        problems.append("steps are missing or twice there")
    games = [record["games_total"] for record in of["self_play"]]
    if games != [16 * (number + 1) for number in range(len(games))]:
        problems.append("games are missing or twice there")
    answers = [record["id"] for record in of["control"]]
    unanswered = [request for request in asked if answers.count(request) != 1]
    if unanswered:
        problems.append(f"{len(unanswered)} requests were not answered once")
    return len(records), len(iterations), problems


def main():
    """Soak; exit code 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="azul-soak-"))
    soak = Soak(root, arguments.seed)
    try:
        code = soak.run(arguments.minutes)
    finally:
        if soak.training is not None and soak.training.poll() is None:
            soak.training.kill()
        if soak.dashboard is not None:
            soak.dashboard.close(force=True)
    count, iterations, problems = accounted_for(soak.paths, soak.asked)
    growth = soak.watch.growth()
    for kind, found in growth.items():
        if found["growth_mb"] > MOST_GROWTH_MB:
            problems.append(f"a {kind} grew by {found['growth_mb']} MB")
        if found["new_descriptors"] > MOST_NEW_DESCRIPTORS:
            problems.append(f"a {kind} opened {found['new_descriptors']} descriptors more")
    if code != 0:
        problems.append(f"the training ended with {code}")
    if soak.faults.pop("dashboard ended by itself", 0):
        problems.append("a dashboard ended by itself")
    result = {
        "ok": not problems,
        "minutes": arguments.minutes,
        "faults": dict(soak.faults),
        "records": count,
        "iterations": iterations,
        "growth": growth,
        "problems": problems,
    }
    print(json.dumps(result))
    if not problems:
        shutil.rmtree(root, ignore_errors=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
