"""Settings of evaluation, checkpoints, limits and the machine."""

from __future__ import annotations

from dataclasses import dataclass

from azul_tui.config.declaring import setting
from azul_tui.config.learning import LearningSettings

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningSettings(LearningSettings):
    """What a run does besides playing and learning."""

    # Evaluation
    eval_frequency: int = setting(
        5,
        "Iterations between evaluations; 0 never evaluates.",
        0,
        1_000_000,
        group="evaluation",
        live=True,
        exact=True,
    )
    eval_games: int = setting(
        100,
        "Games against each opponent in an evaluation.",
        2,
        1_000_000,
        group="evaluation",
        live=True,
        exact=True,
    )
    eval_simulations: int = setting(
        32,
        "Simulations a move in evaluation games; 0 plays the bare policy.",
        0,
        100_000,
        group="evaluation",
        live=True,
        exact=True,
    )
    eval_c_scale: float = setting(
        0.5,
        "Gumbel: weight of the values against the priors in evaluation, play and analysis.",
        0.0,
        1e3,
        group="evaluation",
        exact=True,
    )
    eval_opponents: tuple[str, ...] = setting(
        ("random", "greedy"),
        "Players to measure against, the last one for the score of a checkpoint.",
        group="evaluation",
        exact=True,
    )

    gate: str = setting(
        "sequential",
        "How weights become the best: sequential by games against the best so far that end ahead "
        "or level, off by their score against the last opponent.",
        group="evaluation",
        choices=("off", "sequential"),
        exact=True,
    )
    gate_games: int = setting(
        300,
        "Games of the gate at most: it ends once one side is clearly ahead, and after these the "
        "score decides.",
        2,
        1_000_000,
        group="evaluation",
        live=True,
        exact=True,
    )
    gate_elo: float = setting(
        50.0,
        "Elo points that the gate is to tell apart; with fewer it takes more games until one side "
        "counts as clearly ahead.",
        1.0,
        1000.0,
        group="evaluation",
        live=True,
        exact=True,
    )

    # Checkpoints
    save_frequency: int = setting(
        5,
        "Iterations between checkpoints.",
        1,
        1_000_000,
        group="checkpoints",
        live=True,
        exact=True,
    )
    keep_latest_checkpoints: int = setting(
        5,
        "Checkpoints kept besides the best one.",
        1,
        1_000_000,
        group="checkpoints",
        live=True,
        exact=True,
    )
    save_best_model: bool = setting(
        True, "Keep the best evaluated weights as best_model.pt.", group="checkpoints", exact=True
    )

    # Limits
    max_iterations: int = setting(
        100,
        "Iterations after which training ends.",
        1,
        10_000_000,
        group="limits",
        live=True,
        exact=True,
    )
    max_minutes: float = setting(
        0.0,
        "Minutes after which training ends; 0 sets no limit.",
        0.0,
        1e7,
        group="limits",
        live=True,
        exact=True,
    )

    # Machine
    seed: int = setting(0, "Where every random stream starts from.", 0, 2**32 - 1, group="machine")
    device: str = setting(
        "auto",
        "Where the network runs.",
        group="machine",
        choices=("auto", "cpu", "cuda", "mps"),
    )
    inference_precision: str = setting(
        "auto",
        "Numbers of the network in self-play; auto is what timing finds faster here.",
        group="machine",
        choices=PRECISIONS,
    )
    training_precision: str = setting(
        "auto",
        "Numbers of the network in training; auto is what timing finds faster here.",
        group="machine",
        choices=PRECISIONS,
    )
    log_every_steps: int = setting(
        10,
        "Training steps that one step record sums up.",
        1,
        1_000_000,
        group="machine",
        live=True,
        exact=True,
    )
