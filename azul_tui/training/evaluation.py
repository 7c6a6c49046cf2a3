"""Evaluation: the newest weights play others, are rated, and become the best or not.

An evaluation plays each opponent on the same deals in every iteration of a run, so that differences
between iterations are differences between networks; then the gate, if there is one; then all games
so far are fitted. What of it is left stands in the run's progress.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.arena.match import play_match
from azul_tui.arena.ratings import fit_ratings
from azul_tui.arena.statistics import ClosingTest
from azul_tui.arena.store import (
    decode_match,
    encode_match,
    iteration_of,
    joined_matches,
    keep_match,
    rating_rows,
)
from azul_tui.errors import CheckpointError, JobError
from azul_tui.network import NetworkEvaluator
from azul_tui.players.network import NetworkPlayer
from azul_tui.players.registry import create_player
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.listing import write_ratings
from azul_tui.runs.paths import RunPaths, is_shipped
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint import read_checkpoint
from azul_tui.training.game_records import trace_game
from azul_tui.training.resuming import BEST, RATINGS
from azul_tui.training.self_play import playing_search

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from azul_tui.arena.games import GameResults
    from azul_tui.arena.match import MatchResult
    from azul_tui.arena.store import KeptMatch
    from azul_tui.config import TrainingConfig
    from azul_tui.players.registry import Player
    from azul_tui.training.run import TrainingRun

GAMES_BETWEEN_LOOKS: Final = 32
"""Games of the gate in lockstep, after which its test is asked."""
_GAMES_AT_ONCE: Final = 256


def opponents_due(config: TrainingConfig, iteration: int) -> tuple[str, ...]:
    """Whom the weights of an iteration are to be measured against; nobody most of the time.

    Without a player to measure against there is no score, and nothing that gate and ratings could
    build on. Without a file of the best there is no gate.
    """
    if not (config.eval_frequency and config.eval_opponents):
        return ()
    if iteration % config.eval_frequency and iteration < config.max_iterations:
        return ()
    gate = (BEST,) if config.gate == "sequential" and config.save_best_model else ()
    return (*config.eval_opponents, *gate, RATINGS)


def evaluation_seed(config: TrainingConfig) -> int:
    """Seed of the games against the opponents, the same for every iteration of a run."""
    return config.seed * 1_000_003 + 1


class EvaluationPhase:
    """Plays the evaluation games that an iteration has left."""

    def __init__(self, run: TrainingRun) -> None:
        """Nothing is allocated before the first game."""
        self._run = run
        self._ratings: RunRatings | None = None
        self._evaluators: dict[str, NetworkEvaluator] = {}
        self._began_s = run.seconds
        self._gates_s = 0.0
        self._done = self._total = 0
        """Parts of the evaluation under way, for the progress shown."""

    def evaluate(self) -> bool:
        """Measure the acting weights against everybody left; False when leaving before the end."""
        run, left = self._run, self._run.progress.opponents_left
        if not left:
            return True
        run.begin_phase("evaluation", run.progress.iteration)
        self._ratings = self._ratings or RunRatings(run)
        self._total = len(left)
        while left:
            run.wait_while_paused()
            if run.leaving:
                return False
            self._done = self._total - len(left)
            if left[0] == RATINGS:
                finished = self._ratings.rate()
            elif left[0] == BEST:
                finished = self._pass_gate(self._ratings)
            else:
                finished = self._play(left[0], self._ratings)
            if finished:
                del left[0]
        run.progress.score = run.progress.measured
        return True

    def _play(self, opponent: str, ratings: RunRatings) -> bool:
        """Play a scripted player; False when interrupted."""
        run, config, iteration = self._run, self._run.config, self._run.progress.iteration
        result = play_match(
            self._player("newest", _GAMES_AT_ONCE, run.learner.acting_weights(), iteration),
            create_player(opponent, config.num_players),
            config.eval_games,
            evaluation_seed(config),
            config.num_players,
            on_progress=lambda done, total: self._tell(done, total, "games"),
            stop=run.interrupts,
        )
        if result.stopped or not ratings.keep(result):
            return False
        run.record(
            "evaluation",
            iteration=iteration,
            opponent=opponent,
            **result.tally(),
            simulations=config.eval_simulations,
        )
        file = match_file(run.paths.games, f"eval_{iteration:06d}", opponent)
        title = f"iteration {iteration} against {opponent}"
        run.retry(lambda: write_match_games(file, title, result.results))
        run.progress.measured = result.score
        return True

    def _pass_gate(self, ratings: RunRatings) -> bool:
        """Test the acting weights against the best so far; False when interrupted.

        Pairs of games are played until the newest are clearly ahead or clearly behind; at the last
        pair the score decides. Ahead or level they become the best: taking an equal does no harm,
        as the next ones are held against it the same way, while better weights passed over are
        lost. Between weights of one run a score against a third player says little: once it is
        beaten by everybody, nothing.
        """
        run, config, progress = self._run, self._run.config, self._run.progress
        iteration, began_s = progress.iteration, run.seconds
        best = weights_of_best(run)
        if best is None:
            progress.accepted = True
            run.record("gate", iteration=iteration, decision="first", accepted=True, games=0)
            return True
        best_iteration, best_weights = best
        # Its games are few at once: larger batches would be evaluated half empty.
        rows, newest_weights = GAMES_BETWEEN_LOOKS, run.learner.acting_weights()
        result = play_match(
            self._player("newest at the gate", rows, newest_weights, iteration),
            self._player("best at the gate", rows, best_weights, best_iteration),
            config.gate_games,
            # Bags of its own in each iteration: the best must not be the best on some bags.
            evaluation_seed(config) + iteration,
            config.num_players,
            on_progress=lambda done, total: self._tell(done, total, "games of the gate"),
            stop=run.interrupts,
            test=gate_test(config),
            games_at_once=GAMES_BETWEEN_LOOKS,
        )
        if result.stopped or not ratings.keep(result):
            return False
        verdict = result.verdict
        assert verdict is not None, "a match with a test has a verdict"
        progress.accepted = verdict.decision in {"ahead", "level"}
        seconds = run.seconds - began_s
        self._gates_s += seconds
        share = self._gates_s / max(1e-9, run.seconds - self._began_s)
        run.record(
            "gate",
            iteration=iteration,
            opponent=f"iteration {best_iteration}",
            best_iteration=best_iteration,
            decision=verdict.decision,
            accepted=progress.accepted,
            **result.tally(),
            log_likelihood_ratio=verdict.log_likelihood_ratio,
            lower=verdict.lower,
            upper=verdict.upper,
            simulations=config.eval_simulations,
            seconds=round(seconds, 3),
            run_share=round(share, 4),
        )
        return True

    def _player(
        self, role: str, rows: int, weights: Mapping[str, Tensor], iteration: int
    ) -> Player:
        """A player with these weights, evaluated in batches of so many; one for each role."""
        config, compute = self._run.config, self._run.compute
        if role not in self._evaluators:
            self._evaluators[role] = NetworkEvaluator(
                self._run.learner.model,
                min(rows, config.parallel_games),
                compute.device,
                compute.inference_precision,
                compute.inference,
            )
        self._evaluators[role].load_weights(weights)
        return NetworkPlayer(
            self._evaluators[role],
            config.eval_simulations,
            playing_search(config),
            config.num_players,
            name=f"iteration {iteration}",
        )

    def _tell(self, done: float, total: float, unit: str) -> None:
        """How far the whole evaluation is, each part counted as one."""
        self._run.tell(self._done * total + done, self._total * total, unit)


GATE_ELO: Final = 50.0
"""Elo points that the gate tells apart."""


def gate_test(config: TrainingConfig) -> ClosingTest:
    """What decides between the newest weights and the best."""
    return ClosingTest(
        elo=GATE_ELO,
        max_pairs=-(-config.gate_games // config.num_players),
        players=config.num_players,
    )


def weights_of_best(run: TrainingRun) -> tuple[int, Mapping[str, Tensor]] | None:
    """Iteration and acting weights of the best so far; None when the run holds none.

    A damaged file is passed over with an alert that says why.
    """
    wanted = run.progress.best_iteration
    places = [run.paths.best_model]
    if wanted is not None:
        places.append(run.paths.checkpoint(wanted))
    for path in places:
        try:
            content = read_checkpoint(path)
        except CheckpointError as error:
            if path.exists():
                why = str(error).removeprefix(f"{plain_text(str(path))}: ")
                run.alert(f"{path.name} was passed over for the best weights: {why}")
            continue
        iteration: int = content["iteration"]
        # Left behind by a process that went as far, or further, before the run was taken back.
        later = iteration >= run.progress.iteration
        if not later and wanted in (None, iteration):
            return iteration, content["extra"].get("acting_state") or content["model_state"]
    if wanted is not None:
        run.alert(
            f"the best weights so far, of iteration {wanted}, are in no file of the run: "
            "the newest take their place without a game"
        )
    return None


# -- ratings over training: every evaluation's games in one fit, kept with the run
#
# `rated_games.jsonl` holds a line a match: newest weights against each opponent and against the
# best so far, and once each two opponents against each other. All of them are fitted together
# (Bradley and Terry with a seat term), so no rating hangs on a chain of newest against previous.
# How many bytes of the file a checkpoint knows of stands in its progress: a resume cuts the rest
# off.

FILE: Final = "rated_games.jsonl"
ANCHOR: Final = "random"
_BOOTSTRAPS: Final = 100
_MOST_ITERATIONS: Final = 64
_MOST_BYTES: Final = 1 << 28


class RunRatings:
    """The rated games of one run, and the fits made of them."""

    def __init__(self, run: TrainingRun) -> None:
        """Read what the run has kept so far, and cut off what its progress does not know of."""
        self._run = run
        self._path = run.paths.directory / FILE
        self._matches: list[KeptMatch] = []
        content = b""
        if self._path.is_file():
            with self._path.open("rb") as file:
                content = file.read(min(_MOST_BYTES, run.progress.rated_bytes))
        whole = content[: content.rfind(b"\n") + 1]  # a power cut may have torn the last line
        run.progress.rated_bytes = len(whole)
        for line in whole.splitlines():
            try:
                self._matches.append(decode_match(line))
            except JobError as error:
                run.alert(f"{FILE}: {error}")

    def keep(self, result: MatchResult) -> bool:
        """Add a match; False when the disk refused it until somebody asked to leave."""
        match = keep_match(result)
        line = encode_match(match).encode() + b"\n"
        if self._run.retry(lambda: self._append(line)) is None:
            return False
        self._matches.append(match)
        return True

    def _append(self, line: bytes) -> bool:
        """Write a line where the progress says that the file ends."""
        progress = self._run.progress
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            file.seek(progress.rated_bytes)
            file.write(line)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())  # a checkpoint will name how many bytes there are
        progress.rated_bytes += len(line)
        return True

    def rate(self) -> bool:
        """Fit everything, record where the newest weights stand, and replace `ratings.json`.

        False when interrupted before that.
        """
        run, iteration = self._run, self._run.progress.iteration
        opponents, players = run.config.eval_opponents, run.config.num_players
        if not self._meet_each_other(opponents):
            return False
        met = {name for match in self._matches for name in match.players}
        anchor = ANCHOR if ANCHOR in met else opponents[0]
        try:
            fitted = fit_ratings(
                joined_matches(_spread(self._matches)),
                anchor=anchor,
                bootstraps=_BOOTSTRAPS,
                generator=np.random.default_rng(iteration),
            )
        except JobError as error:
            run.alert(f"no ratings: {error}")
            return True
        rows = rating_rows(fitted)
        for row in rows:
            if row.iteration == iteration:
                run.record(
                    "rating",
                    iteration=iteration,
                    elo=row.elo,
                    low=row.low,
                    high=row.high,
                    anchor=anchor,
                    games=row.games,
                    players=players,
                )
        run.try_to(
            lambda: write_ratings(
                run.paths, rows, anchor=anchor, players=players, fitted=time.time()
            )
        )
        return True

    def _meet_each_other(self, opponents: tuple[str, ...]) -> bool:
        """Have each two opponents play a match, if they never did; False when interrupted.

        Nobody else ties them together once the network beats them all.
        """
        run, config = self._run, self._run.config
        met = {frozenset(match.players) for match in self._matches}
        for names in itertools.combinations(dict.fromkeys(opponents), 2):
            one, other = (create_player(name, config.num_players) for name in names)
            if frozenset((one.name, other.name)) in met:
                continue
            result = play_match(
                one,
                other,
                config.eval_games,
                evaluation_seed(config),
                config.num_players,
                on_progress=lambda done, total: run.tell(done, total, "games"),
                stop=run.interrupts,
            )
            if result.stopped or not self.keep(result):
                return False
        return True


def _spread(matches: list[KeptMatch]) -> list[KeptMatch]:
    """The matches that are fitted: of a long run every 2nd, 4th, ... iteration and the newest.

    A fit takes time with the cube of its players; a chart needs no more than this.
    """
    found = {name: iteration_of(name) for match in matches for name in match.players}
    iterations = sorted({number for number in found.values() if number is not None})
    step = 1
    while len(iterations) > step * _MOST_ITERATIONS:
        step *= 2
    kept = {None, *iterations[step - 1 :: step], *iterations[-1:]}
    return [match for match in matches if {found[name] for name in match.players} <= kept]


# -- a few games of every match, kept in the trace format beside a run's self-play games

GAMES_KEPT = 4
"""Games of a match that are kept."""
_NAME_LENGTH = 40


def match_file(folder: Path, start: str, opponent: str) -> Path:
    """The file for the games of a match, such as `eval_000040_greedy.jsonl` in `folder`."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", opponent).strip("-")[:_NAME_LENGTH]
    return folder / f"{start}_{plain or 'opponent'}.jsonl"


def checkpoint_match_file(checkpoint: Path, opponent: str) -> Path | None:
    """Where a match of a run's checkpoint is kept, None for a file that belongs to no run.

    The shipped player is part of the program and stays as it came.
    """
    folder = checkpoint.parent
    if is_shipped(checkpoint) or not RunPaths(folder).events.is_file():
        return None
    iteration = re.search(r"[0-9]{6,}$", checkpoint.stem)
    start = f"eval_{iteration[0]}" if iteration else f"eval_{checkpoint.stem}"
    return match_file(RunPaths(folder).games, start, opponent)


def telling_games(results: GameResults) -> list[int]:
    """Numbers of the games to keep: the first bag from every seat, then games that `a` lost.

    Args:
        results: A match, player 0 being `a`.
    """
    seats = results.seating.shape[1]
    mine = np.where(results.seating == 0, results.shares, 0.0).sum(axis=1)
    first = [game for game in range(min(seats, len(mine))) if results.finished[game]]
    lost = np.flatnonzero(results.finished & (mine == 0.0)).tolist()
    return [*first, *(game for game in lost if game not in first)][:GAMES_KEPT]


def write_match_games(file: Path, title: str, results: GameResults) -> None:
    """Keep a few games of a match.

    Args:
        file: Replaced if it is there.
        title: What the match was, to head their list.
        results: The match, with its actions.

    Raises:
        OSError: The file cannot be written.
    """
    players = results.seating.shape[1]
    lines: list[str] = []
    for game in telling_games(results):
        actions: list[int] = results.actions[game, : results.moves[game]].tolist()
        trace = trace_game(players, int(results.deals[game]), actions)
        trace["meta"] = {
            "policy": "match",
            "title": title,
            "tag": f"game {game + 1}",
            "names": [results.players[number] for number in results.seating[game]],
            "events": {},
        }
        lines.append(json.dumps(trace, separators=(",", ":")) + "\n")
    if lines:
        file.parent.mkdir(exist_ok=True)
        write_bytes_atomically(file, "".join(lines).encode(), durable=False)
