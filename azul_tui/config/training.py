"""`TrainingConfig`: everything that decides a run's numbers.

It does not know where values come from (`resolve`), how they are written (`files`) or what
a network, a search or a trainer does with them. Each field is declared once, in one of its
bases, together with its meaning and its range; forms, tables and messages are made from that.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from azul_tui.config.running import RunningSettings
from azul_tui.config.setting import SettingSpec, SettingValue, shown, unknown_name
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
