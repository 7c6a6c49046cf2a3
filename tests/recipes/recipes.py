"""Compare ways of training at equal processor time: `make recipes RECIPES=table.toml`.

The table names recipes and the settings in which each differs from the file under `base`:

    base = "laptop"
    [base_settings]
    network_config = "small"
    [recipes.mixed]
    value_target_mix = 0.5

Every recipe is trained from several seeds until it has used its share of processor time, summed
over all processes of the run from its first self-play on; then all last checkpoints play the same
anchors on the same bags, and one fit rates them. Processor time is what a shared machine leaves
comparable; recipes are taken in turn, seed by seed, so that a busy hour touches all of them.
A run that was finished before is not trained again, so the comparison can be continued.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from azul_tui.arena.match import play_match
from azul_tui.arena.ratings import fit_ratings
from azul_tui.arena.store import (
    KeptMatch,
    decode_match,
    encode_match,
    joined_matches,
    keep_match,
)
from azul_tui.runs.control import drop_request
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import RunPaths, existing_run
from azul_tui.training.checkpoint_players import open_player

ANCHORS = ("random", "greedy", "heuristic", "alphabeta-medium")
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(leader: int) -> float:
    """Seconds of processor time of a session's processes, ended children of theirs included."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        # state ppid pgrp session ...: utime, stime, cutime and cstime are fields 12 to 15 here.
        if int(fields[3]) == leader:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS


def has_begun(paths: RunPaths) -> bool:
    """Whether self-play has begun, after compiling and warming up."""
    try:
        return b'"phase":"self-play"' in paths.events.read_bytes()[:65536]
    except OSError:
        return False


def train(root: Path, name: str, base: str, settings: dict[str, Any], budget: float) -> RunPaths:
    """Train one recipe from one seed for `budget` processor seconds."""
    done = root / f"{name}.done"
    if not done.exists():
        command = [sys.executable, "-m", "azul_tui", "--run", "train", "--name", name]
        command += ["--config", base, "--dir", str(root), "--yes"]
        for key, value in settings.items():
            command += ["--set", f"{key}={json.dumps(value)}"]
        with (root / f"{name}.log").open("wb") as log:
            running = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        paths = RunPaths(root / name)
        before: float | None = None
        stopping = False
        while running.poll() is None:
            time.sleep(0.2)
            used = processor_seconds(running.pid)
            if before is None and has_begun(paths):
                before = used
            if before is not None and used - before > budget and not stopping:
                drop_request(paths, "stop")
                stopping = True
        done.write_text(json.dumps({"stopped": stopping, "code": running.returncode}))
    return existing_run(root, name)


def play_anchors(player: Any, root: Path, games: int) -> list[KeptMatch]:
    """Matches of a player against every anchor but `random`, all on the same bags."""
    opponents = [open_player(anchor, 0, root, players=2) for anchor in ANCHORS[1:]]
    return [keep_match(play_match(player, other, games, 1, 2)) for other in opponents]


def anchors_among_themselves(root: Path, games: int) -> list[KeptMatch]:
    """What holds the scale together: each anchor against the next."""
    players = [open_player(name, 0, root, players=2) for name in ANCHORS]
    pairs = itertools.pairwise(players)
    return [keep_match(play_match(one, other, games, 1, 2)) for one, other in pairs]


def share_of(match: KeptMatch) -> float:
    """Score of the first player of a match: its seat alternates."""
    return float((match.shares[0::2, 0].sum() + match.shares[1::2, 1].sum()) / len(match.shares))


def main() -> int:
    """Train, rate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--root", type=Path, default=Path("recipes"))
    parser.add_argument("--seconds", type=float, default=200.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--games", type=int, default=400)
    parser.add_argument("--simulations", type=int, default=32)
    parser.add_argument("--only", default="", help="names of recipes, with commas between")
    options = parser.parse_args()
    table = tomllib.loads(options.table.read_text())
    options.root.mkdir(parents=True, exist_ok=True)
    chosen = [name for name in table["recipes"] if name in (options.only or name).split(",")]
    matches = anchors_among_themselves(options.root, options.games)
    shown: dict[str, tuple[str, int]] = {}
    for seed in range(options.seeds):
        for recipe in chosen:
            name = f"{recipe}-{seed}"
            settings = {**table.get("base_settings", {}), **table["recipes"][recipe], "seed": seed}
            paths = train(options.root, name, table["base"], settings, options.seconds)
            kept = options.root / f"{name}.matches.jsonl"
            newest = checkpoint_files(paths)[-1]
            if not kept.exists():
                player = open_player(str(newest[1]), options.simulations, options.root, players=2)
                played = play_anchors(player, options.root, options.games)
                kept.write_text("".join(encode_match(match) + "\n" for match in played))
            played = [decode_match(line) for line in kept.read_text().splitlines()]
            matches += played
            shown[played[0].players[0]] = (recipe, newest[0])
            scores = {match.players[1]: f"{share_of(match):.1%}" for match in played}
            print(name, newest[0], scores, flush=True)
    ratings = {row.name: row for row in fit_ratings(joined_matches(matches)).ratings}
    print("recipe, Elo (mean over seeds), by seed with its interval, iterations")
    for recipe in chosen:
        rows = [(ratings[name], made) for name, (owner, made) in shown.items() if owner == recipe]
        mean = statistics.mean(row.elo for row, _ in rows)
        seeds = "; ".join(f"{row.elo:.0f} [{row.low:.0f}, {row.high:.0f}]" for row, _ in rows)
        print(f"{recipe:24} {mean:7.0f}   {seeds}   {', '.join(str(made) for _, made in rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
