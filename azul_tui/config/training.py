"""Every setting of a training, declared once: file, form, flag and table follow from it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from azul_tui.config.setting import SettingSpec, SettingValue, setting, shown, unknown_name
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


# -- settings of self-play and of the search in it


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayingSettings:
    """What decides the games that a network learns from."""

    # Self-play
    num_players: int = setting(2, "Players at the table.", 2, 4, group="self-play")
    self_play_games_per_iteration: int = setting(
        256, "Games played in one iteration.", 1, 1_000_000, group="self-play", live=True
    )
    parallel_games: int = setting(
        64,
        "Games that one worker plays in lockstep, hence the batch that the network sees.",
        1,
        65_536,
        group="self-play",
    )
    self_play_workers: int = setting(
        0,
        "Worker processes that play; 0 takes one for each usable core that memory has room for, at "
        "most 16, and with a GPU at most 8, which is a guess.",
        0,
        1024,
        group="self-play",
        exact=True,
    )
    temperature: float = setting(
        1.0,
        "Temperature at which moves are drawn early in a game, with Gumbel the scale of the noise "
        "at the root of every full search; 0 plays without noise.",
        0.0,
        10.0,
        group="self-play",
    )
    temperature_threshold: int = setting(
        20,
        "Moves of a game that are drawn at the temperature; afterwards the best move of the search "
        "is played. The noise at its root stays, so that some differ from a search without it.",
        0,
        1000,
        group="self-play",
    )

    # Search
    search: str = setting(
        "gumbel",
        "How root moves are chosen: Gumbel with sequential halving, or PUCT with noise.",
        group="search",
        choices=("gumbel", "puct"),
    )
    mcts_simulations: int = setting(
        32, "Simulations of a full search.", 1, 100_000, group="search", live=True
    )
    full_search_fraction: float = setting(
        1.0,
        "Share of moves with a full search; the others take fast_simulations and teach only "
        "the value. 1 searches every move fully.",
        0.01,
        1.0,
        group="search",
    )
    fast_simulations: int = setting(8, "Simulations of a fast search.", 1, 100_000, group="search")
    max_considered_actions: int = setting(
        16, "Root actions that a Gumbel search starts from.", 1, 300, group="search"
    )
    c_visit: float = setting(
        50.0, "Gumbel: visits added to the scale of the values.", 0.0, 1e6, group="search"
    )
    c_scale: float = setting(
        0.2, "Gumbel: weight of the values against the priors.", 0.0, 1e3, group="search"
    )
    c_puct: float = setting(
        1.5, "PUCT: weight of the priors against the values.", 0.0, 100.0, group="search"
    )
    dirichlet_alpha: float = setting(
        0.3, "PUCT: concentration of the noise at the root.", 0.001, 100.0, group="search"
    )
    dirichlet_fraction: float = setting(
        0.25, "PUCT: share of the noise in the root priors.", 0.0, 1.0, group="search"
    )
    chance: str = setting(
        "afterstate",
        "At the end of a round the search values the position before the refill, or walks on "
        "into one sampled refill, the same one whenever it comes along that edge again.",
        group="search",
        choices=("afterstate", "sampled"),
    )


# -- settings of the network and of how it learns

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


# -- settings of evaluation, checkpoints, limits and the machine

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

    trackers: tuple[str, ...] = setting(
        (),
        "Where the log's numbers go besides: tensorboard, and wandb, which stays offline unless "
        "WANDB_MODE=online; each is an extra of the installation.",
        group="checkpoints",
        choices=("tensorboard", "wandb"),
        kind="list",
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


# -- `TrainingConfig`: everything that decides a run's numbers
#
# It does not know where values come from (`resolve`), how they are written (`files`) or what
# a network, a search or a trainer does with them. Each field is declared once, in one of its
# bases, together with its meaning and its range; forms, tables and messages are made from that.


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig(RunningSettings):
    """Everything that decides a run's numbers. The defaults train on a laptop.

    Raises:
        ConfigError: A value has the wrong type or is out of range, or two do not go together.
    """

    def __post_init__(self) -> None:
        """Reject values that would only fail hours later."""
        for spec in training_settings():
            value = spec.check(getattr(self, spec.name))
            object.__setattr__(self, spec.name, value)
        if self.min_buffer_size > self.buffer_capacity:
            raise ConfigError(
                f"min_buffer_size must be at most buffer_capacity ({self.buffer_capacity}), "
                f"got {self.min_buffer_size}"
            )
        if self.policy_loss_weight == 0.0 and self.value_loss_weight == 0.0:
            raise ConfigError(
                "policy_loss_weight and value_loss_weight are both 0, so nothing would be learned; "
                "set one of them above 0"
            )

    def to_dict(self) -> dict[str, Any]:
        """Every setting as plain values (tuples as lists), for checkpoints and records."""
        pairs = ((name, getattr(self, name)) for name in setting_names())
        return {name: _plain(value) for name, value in pairs}

    def replace(self, **changes: object) -> TrainingConfig:
        """The same settings with some changed.

        Raises:
            ConfigError: A key is unknown or a value is refused.
        """
        return create_training_config(**{**self.to_dict(), **changes})


def _plain(value: SettingValue) -> bool | float | str | list[str]:
    return list(value) if isinstance(value, tuple) else value


_FIELDS = dataclasses.fields(TrainingConfig)
_SPECS = tuple(
    SettingSpec(name=field.name, default=cast("SettingValue", field.default), **field.metadata)
    for field in _FIELDS
)
_NAMES = tuple(field.name for field in _FIELDS)
_BY_NAME = {spec.name: spec for spec in _SPECS}


def training_settings() -> tuple[SettingSpec, ...]:
    """What each field of `TrainingConfig` is called, means and takes, in order."""
    return _SPECS


def setting_names() -> tuple[str, ...]:
    """The names of all training settings, in order."""
    return _NAMES


def training_setting(name: str, *, place: str = "") -> SettingSpec:
    """The description of one training setting.

    Raises:
        ConfigError: No setting has this name; the nearest known one is offered.
    """
    spec = _BY_NAME.get(name)
    if spec is None:
        raise ConfigError(unknown_name("setting", name, _NAMES, place=place))
    return spec


def create_training_config(**settings: Any) -> TrainingConfig:
    """A `TrainingConfig` from keyword arguments; what is not named keeps its default.

    Raises:
        ConfigError: A key is unknown or a value is refused, in one sentence.
    """
    for name in settings:
        training_setting(name)
    return TrainingConfig(**settings)


def config_from_mapping(values: Mapping[str, object], *, place: str) -> TrainingConfig:
    """A `TrainingConfig` from stored values; every message begins with `place`.

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    checked = {
        name: training_setting(name, place=place).check(value, place=place)
        for name, value in values.items()
    }
    try:
        return create_training_config(**checked)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None


def changed_settings(
    old: TrainingConfig, new: TrainingConfig
) -> dict[str, tuple[SettingValue, SettingValue]]:
    """`name -> (old value, new value)` of every setting that differs."""
    return {
        name: (getattr(old, name), getattr(new, name))
        for name in _NAMES
        if getattr(old, name) != getattr(new, name)
    }


def exactness_broken_by(old: TrainingConfig, new: TrainingConfig) -> tuple[str, ...]:
    """Changed settings after which a resumed run no longer ends in the same weights.

    Moving the last iteration counts as such a change while the learning rate follows a
    cosine, whose length it is.
    """
    changed = changed_settings(old, new)
    broken = [name for name in changed if _BY_NAME[name].breaks_exactness]
    if "max_iterations" in changed and "cosine" in {
        old.learning_rate_schedule,
        new.learning_rate_schedule,
    }:
        broken.append("max_iterations")
    return tuple(broken)


def described_change(name: str, old: SettingValue, new: SettingValue) -> str:
    """One changed setting in words: `learning_rate 0.001 -> 0.0005`."""
    return f"{name} {shown(old)} -> {shown(new)}"
