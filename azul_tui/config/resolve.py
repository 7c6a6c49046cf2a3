"""Which value a setting has: defaults < file < environment < `--set`.

The same order holds for the settings of a training run and for those of any other job, so
everything here works on a tuple of `SettingSpec`. Values in the environment and after
`--set key=` are TOML; a word that is not TOML is taken as text, so that
`--set network_config=small` needs no quotes.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from azul_tui.config.files import read_toml, shown_path
from azul_tui.config.setting import (
    SettingSpec,
    SettingValue,
    nearest,
    shown,
    unknown_name,
)
from azul_tui.config.training import TrainingConfig, training_settings
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENVIRONMENT_PREFIX = "AZUL_TUI_"
NOT_SETTINGS = frozenset(
    {"AZUL_TUI_ASCII", "AZUL_TUI_CACHE", "AZUL_TUI_CACHE_TOLD", "AZUL_TUI_DIR"}
)
"""Variables with our prefix that name no setting."""


def resolve_config(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
    *,
    base: TrainingConfig | None = None,
) -> TrainingConfig:
    """The settings of a run from all the places that may name them.

    Args:
        file: A TOML file, see `find_config`.
        environment: Usually `os.environ`; `AZUL_TUI_BATCH_SIZE=64` sets `batch_size`.
        overrides: The arguments of `--set`, each `key=value`.
        base: What the settings are before anything is named (default: the defaults).

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    named = resolve_settings(training_settings(), file, environment, overrides)
    return combine(base or TrainingConfig(), named)


def resolve_settings(
    specs: Sequence[SettingSpec],
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> dict[str, SettingValue]:
    """The settings that somebody named, checked; those left at their default are absent.

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    known = {spec.name: spec for spec in specs}
    named: dict[str, SettingValue] = {}
    if file is not None:
        place = shown_path(file)
        for name, value in read_toml(file).items():
            named[name] = _spec(known, name, place).check(value, place=place)
    named |= _from_environment(known, environment or {})
    for override in overrides:
        name, value = parse_override(override)
        spec = _spec(known, name, "--set")
        named[name] = spec.check(_as_wanted(spec, value), place="--set")
    return named


def combine(base: TrainingConfig, named: Mapping[str, SettingValue]) -> TrainingConfig:
    """`base` with the named settings.

    Raises:
        ConfigError: Two settings do not go together.
    """
    return base.replace(**named)


def parse_override(text: str) -> tuple[str, str]:
    """Split the `key=value` of `--set` into key and the text of the value.

    Raises:
        ConfigError: There is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set: {shown(text)} is not of the form key=value")
    return name.strip(), value.strip()


def _from_environment(
    known: Mapping[str, SettingSpec], environment: Mapping[str, str]
) -> dict[str, SettingValue]:
    named: dict[str, SettingValue] = {}
    training = {spec.name for spec in training_settings()}
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in NOT_SETTINGS:
            continue
        name = variable[len(ENVIRONMENT_PREFIX) :].lower()
        if name in known:
            spec = known[name]
            named[name] = spec.check(_as_wanted(spec, environment[variable]), place=variable)
        elif name not in training:  # a training setting is nothing to a job that does not train
            near = nearest(name, known)
            hint = (
                f"the nearest known one is {ENVIRONMENT_PREFIX}{near.upper()}"
                if near
                else "unset it"
            )
            raise ConfigError(f"{shown(variable)} in the environment names no setting; {hint}")
    return named


def _spec(known: Mapping[str, SettingSpec], name: str, place: str) -> SettingSpec:
    spec = known.get(name)
    if spec is None:
        raise ConfigError(unknown_name("setting", name, known, place=place))
    return spec


def _as_wanted(spec: SettingSpec, text: str) -> object:
    """The value that a text means: TOML, or the bare text where a text is wanted."""
    try:
        table: dict[str, object] = tomllib.loads(f"value = {text}\n")
    except (ValueError, RecursionError):
        table = {"value": text}
    value = table["value"] if len(table) == 1 else text
    if spec.kind in {"str", "choice", "path", "player"} and not isinstance(value, str):
        return text
    if spec.kind == "list" and isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value
