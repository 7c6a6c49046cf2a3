"""Settings: what they are, how one is checked, TOML, and which place has the last word."""

from __future__ import annotations

from azul_tui.config.files import (
    dump_config,
    dump_toml,
    find_config,
    find_preset,
    load_config,
    preset_names,
    read_toml,
    shown_path,
)
from azul_tui.config.resolve import combine, parse_override, resolve_config, resolve_settings
from azul_tui.config.setting import (
    SettingKind,
    SettingSpec,
    SettingValue,
    check_float,
    check_instance,
    check_int,
    shown,
    unknown_name,
)
from azul_tui.config.stored import PLAYED_WITH, WEIGHTS, load_stored_config, stored_config
from azul_tui.config.table import settings_table
from azul_tui.config.training import (
    TrainingConfig,
    changed_settings,
    config_from_mapping,
    create_training_config,
    described_change,
    exactness_broken_by,
    setting_names,
    training_setting,
    training_settings,
)

__all__ = [
    "PLAYED_WITH",
    "WEIGHTS",
    "SettingKind",
    "SettingSpec",
    "SettingValue",
    "TrainingConfig",
    "changed_settings",
    "check_float",
    "check_instance",
    "check_int",
    "combine",
    "config_from_mapping",
    "create_training_config",
    "described_change",
    "dump_config",
    "dump_toml",
    "exactness_broken_by",
    "find_config",
    "find_preset",
    "load_config",
    "load_stored_config",
    "parse_override",
    "preset_names",
    "read_toml",
    "resolve_config",
    "resolve_settings",
    "setting_names",
    "settings_table",
    "shown",
    "shown_path",
    "stored_config",
    "training_setting",
    "training_settings",
    "unknown_name",
]
