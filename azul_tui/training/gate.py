"""The gate of `best`: the newest weights against the best ones so far, in as few games as tell.

Pairs of games are played until the newest are clearly ahead or clearly behind; at the last pair
the score decides. Ahead or level they become the best: taking an equal does no harm, as the next
ones are held against it the same way, while better weights passed over are lost. Between weights
of one run a score against a third player says little: once it is beaten by everybody, nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from azul_tui.arena.match import play_match
from azul_tui.arena.sequential import ClosingTest
from azul_tui.errors import CheckpointError
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoints import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from azul_tui.arena.match import MatchResult
    from azul_tui.config import TrainingConfig
    from azul_tui.players.registry import Player
    from azul_tui.training.open_run import OpenRun

BEST: Final = "the best so far"
"""Stands among the opponents that an iteration has left."""
GAMES_BETWEEN_LOOKS: Final = 32
"""Games in lockstep, after which the test is asked."""


def has_gate(config: TrainingConfig) -> bool:
    """Whether weights become the best by a test: without a file of the best there is none."""
    return config.gate == "sequential" and config.save_best_model


def gate_test(config: TrainingConfig) -> ClosingTest:
    """What decides between the newest weights and the best."""
    return ClosingTest(
        elo=config.gate_elo,
        max_pairs=-(-config.gate_games // config.num_players),
        players=config.num_players,
    )


def accepts(result: MatchResult) -> bool:
    """Whether the newest weights, not behind, become the best."""
    return result.verdict is not None and result.verdict.decision in {"ahead", "level"}


def weights_of_best(run: OpenRun) -> tuple[int, Mapping[str, Tensor]] | None:
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
                run.journal.alert(f"{path.name} was passed over for the best weights: {why}")
            continue
        iteration: int = content["iteration"]
        # Left behind by a process that went as far, or further, before the run was taken back.
        later = iteration >= run.progress.iteration
        if not later and wanted in (None, iteration):
            return iteration, content["extra"].get("acting_state") or content["model_state"]
    if wanted is not None:
        run.journal.alert(
            f"the best weights so far, of iteration {wanted}, are in no file of the run: "
            "the newest take their place without a game"
        )
    return None


def play_gate(
    run: OpenRun, candidate: Player, best: Player, before: int, opponents: int
) -> MatchResult:
    """Play the test; it has been stopped if somebody asked to leave or to pause.

    Args:
        run: Whose weights they are.
        candidate: With the newest weights.
        best: With the best.
        before: Opponents that this evaluation is done with, for the progress shown.
        opponents: All of them.
    """
    config = run.config
    players = config.num_players
    return play_match(
        candidate,
        best,
        config.gate_games,
        # Bags of its own in each iteration: the best must not be the best on some bags.
        evaluation_seed(config) + run.progress.iteration,
        players,
        on_progress=lambda done, total: run.tell(
            before * total + done, opponents * total, "games of the gate"
        ),
        stop=run.steering.interrupts,
        test=gate_test(config),
        games_at_once=GAMES_BETWEEN_LOOKS,
    )


def evaluation_seed(config: TrainingConfig) -> int:
    """Seed of the games against the opponents, the same for every iteration of a run."""
    return config.seed * 1_000_003 + 1


def record_gate(
    run: OpenRun, opponent: int, result: MatchResult | None, seconds: float, share: float
) -> None:
    """The test in numbers.

    Args:
        run: The run.
        opponent: Iteration of the best that was played.
        result: None for the first weights, which are the best without a game.
        seconds: That it took.
        share: Of this process's time that all of its gates took.
    """
    iteration = run.progress.iteration
    if result is None:
        run.journal.record("gate", iteration=iteration, decision="first", accepted=True, games=0)
        return
    verdict = result.verdict
    assert verdict is not None, "a match with a test has a verdict"
    run.journal.record(
        "gate",
        iteration=iteration,
        opponent=f"iteration {opponent}",
        best_iteration=opponent,
        decision=verdict.decision,
        accepted=run.progress.accepted is True,
        **result.tally(),
        log_likelihood_ratio=verdict.log_likelihood_ratio,
        lower=verdict.lower,
        upper=verdict.upper,
        simulations=run.config.eval_simulations,
        seconds=round(seconds, 3),
        run_share=round(share, 4),
    )
