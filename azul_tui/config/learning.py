"""Settings of the network and of how it learns."""

from __future__ import annotations

from dataclasses import dataclass

from azul_tui.config.declaring import setting
from azul_tui.config.playing import PlayingSettings

NETWORKS = ("small", "medium", "large", "deep")


@dataclass(frozen=True, kw_only=True, slots=True)
class LearningSettings(PlayingSettings):
    """What decides the weights, the games given."""

    # Network and learning
    network_config: str = setting(
        "medium",
        "Size of the network.",
        group="learning",
        choices=NETWORKS,
    )
    dropout: float = setting(
        0.0, "Share of activations dropped while training.", 0.0, 0.9, group="learning"
    )
    batch_size: int = setting(
        512, "Positions in one training step.", 1, 1_048_576, group="learning"
    )
    training_steps_per_iteration: int = setting(
        1000, "Training steps in one iteration.", 1, 10_000_000, group="learning", live=True
    )
    learning_rate: float = setting(
        0.001, "Step size of the optimizer (AdamW).", 1e-9, 1.0, group="learning", live=True
    )
    learning_rate_schedule: str = setting(
        "constant",
        "How the learning rate goes on after the warm-up; cosine falls to nothing at the last "
        "iteration.",
        group="learning",
        choices=("constant", "cosine"),
    )
    warmup_steps: int = setting(
        100, "Steps over which the learning rate rises from 0.", 0, 10_000_000, group="learning"
    )
    weight_decay: float = setting(
        0.0001, "Decoupled weight decay of the optimizer.", 0.0, 1.0, group="learning"
    )
    gradient_clip_norm: float = setting(
        1.0, "Largest norm of a gradient; 0 does not clip.", 0.0, 1e6, group="learning"
    )
    policy_loss_weight: float = setting(
        1.0, "Weight of the policy loss in the total.", 0.0, 1e3, group="learning"
    )
    value_loss_weight: float = setting(
        1.0, "Weight of the value loss in the total.", 0.0, 1e3, group="learning"
    )
    loss_temperature: float = setting(
        1.0, "Temperature of the policy loss.", 0.01, 100.0, group="learning"
    )
    value_target_mix: float = setting(
        0.0,
        "Share of the search's root value in the value target; 0 learns the outcome alone.",
        0.0,
        1.0,
        group="learning",
    )
    value_target_lambda: float = setting(
        1.0,
        "Share that what a game says in the end keeps with every searched move back from it, "
        "TD(lambda), where each position bootstraps from the root value of its own search; 1 "
        "learns the outcome alone.",
        0.0,
        1.0,
        group="learning",
    )
    afterstate_samples: int = setting(
        0,
        "Refills whose values, averaged, are the target of a position between two rounds where "
        "chance is afterstate; 0 learns the outcome there.",
        0,
        1024,
        group="learning",
    )
    ema_decay: float = setting(
        0.0,
        "Decay a step of the averaged weights that play; 0 plays with the newest weights.",
        0.0,
        0.999999,
        group="learning",
    )
    buffer_capacity: int = setting(
        500_000, "Positions that the replay buffer holds.", 1, 1_000_000_000, group="learning"
    )
    min_buffer_size: int = setting(
        2_048,
        "Positions in the buffer before training starts.",
        1,
        1_000_000_000,
        group="learning",
    )
