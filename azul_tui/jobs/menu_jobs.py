"""The jobs with a number in the menu, 0 to 10."""

from __future__ import annotations

from azul_tui.config import SettingSpec
from azul_tui.jobs.shared_settings import (
    CHECKPOINT,
    DEVICE,
    NETWORK,
    PLAYERS,
    SEED,
    SIMULATIONS,
    whole,
)
from azul_tui.jobs.spec import JobSpec

MENU_JOBS: tuple[JobSpec, ...] = (
    JobSpec(
        number=0,
        name="all",
        title="All component demos",
        group="see",
        description="Runs the demos 1 to 5 and 7, one after the other. "
        "Shows in a minute that every part works on this machine.",
        duration="about a minute",
        settings=(SEED,),
    ),
    JobSpec(
        number=1,
        name="losses",
        title="Loss functions",
        group="see",
        description="Computes the policy, value and total loss of an untrained network on real "
        "positions and search policies. Shows how a temperature changes the policy loss.",
        duration="a few seconds",
        settings=(whole("batch_size", 8, "Positions in the batch.", 1, 4096), NETWORK, SEED),
    ),
    JobSpec(
        number=2,
        name="sampling",
        title="Batch sampling",
        group="see",
        description="Plays a few games into a replay buffer and draws batches from it. "
        "Shows the shapes of (state, policy, outcome) and how outcomes are spread.",
        duration="a few seconds",
        settings=(
            whole("batch_size", 16, "Positions in a batch.", 1, 65_536),
            whole("games", 8, "Games played into the buffer.", 1, 10_000),
            SEED,
        ),
    ),
    JobSpec(
        number=3,
        name="step",
        title="Training step",
        group="see",
        description="Takes one training step, then fifty more, on self-play positions. "
        "Shows the losses, how many steps succeeded and how long they took.",
        duration="a few seconds",
        settings=(
            whole("batch_size", 64, "Positions in a step.", 1, 65_536),
            whole("steps", 50, "Steps after the first.", 1, 100_000),
            NETWORK,
            DEVICE,
            SEED,
        ),
    ),
    JobSpec(
        number=4,
        name="checkpoints",
        title="Checkpoint management",
        group="see",
        description="Saves checkpoints at iterations 5, 10 and 15, keeping the latest three. "
        "Then loads the best one and says what it restored.",
        duration="a few seconds",
        settings=(
            whole("keep_latest_checkpoints", 3, "Checkpoints kept besides the best.", 1, 100),
            NETWORK,
            SEED,
        ),
    ),
    JobSpec(
        number=5,
        name="selfplay",
        title="Self-play data generation",
        group="see",
        description="Plays three games of search against itself, move by move in notation. "
        "Shows what the games put into the replay buffer, one experience in full.",
        duration="a few seconds",
        settings=(
            whole("games", 3, "Games to play.", 1, 1_000),
            whole("mcts_simulations", 32, "Simulations a move.", 1, 100_000),
            PLAYERS,
            NETWORK,
            SEED,
        ),
    ),
    JobSpec(
        number=6,
        name="quick",
        title="Quick training",
        group="train",
        description="Trains a small network for a few iterations: self-play, learning, "
        "evaluation, checkpoints. Losses fall before your eyes, and random play is soon beaten.",
        duration="under two minutes",
        preset="quick",
    ),
    JobSpec(
        number=7,
        name="components",
        title="Complete components",
        group="see",
        description="Puts buffer, training step and checkpoint manager together as the Python "
        "interface does: 20 iterations of 25 steps. Reloads the best model at the end.",
        duration="half a minute",
        settings=(
            whole("iterations", 20, "Iterations.", 1, 10_000),
            whole("steps", 25, "Steps an iteration.", 1, 10_000),
            whole("batch_size", 64, "Positions in a step.", 1, 65_536),
            NETWORK,
            DEVICE,
            SEED,
        ),
    ),
    JobSpec(
        number=8,
        name="train",
        title="Full training",
        group="train",
        description="Trains a strong player with the settings that you choose, saving as it goes. "
        "Leave it overnight: it can be watched, paused, stopped and resumed at any time.",
        duration="hours",
        preset="laptop",
        asks=True,
    ),
    JobSpec(
        number=9,
        name="resume",
        title="Resume training",
        group="train",
        description="Goes on with a run from its newest good checkpoint, or from one you name. "
        "More iterations or changed settings are accepted and named in the log.",
        duration="as long as you let it",
        settings=(
            SettingSpec(
                name="run",
                kind="str",
                default="",
                help="Run to go on with; empty takes the newest.",
            ),
            SettingSpec(
                name="checkpoint",
                kind="path",
                default="",
                help="Checkpoint file to start from; empty takes the newest that verifies.",
            ),
        ),
        resumes=True,
    ),
    JobSpec(
        number=10,
        name="evaluate",
        title="Evaluate a trained model",
        group="measure",
        description="Plays a checkpoint against an opponent in pairs of games with swapped seats. "
        "Shows wins, draws, losses, the margin and how sure the score is.",
        duration="a minute",
        settings=(
            CHECKPOINT,
            SettingSpec(
                name="opponent",
                kind="player",
                default="greedy",
                help="A scripted player or a checkpoint file.",
            ),
            whole("games", 100, "Games to play.", 2, 1_000_000),
            SIMULATIONS,
            DEVICE,
            SEED,
        ),
    ),
)
