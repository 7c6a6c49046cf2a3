"""Values of settings as TOML writes them and as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azul_tui.config import SettingSpec, SettingValue


def toml_value(value: SettingValue) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(toml_value(word) for word in value) + "]"
    return repr(value)


def shown_value(value: SettingValue) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def typed_value(spec: SettingSpec, value: SettingValue) -> str:
    """A value as an input has it at first: numbers without marks."""
    words = shown_value(value)
    return words.replace(",", "") if spec.kind in {"int", "float"} else words


def parse_value(spec: SettingSpec, text: str) -> SettingValue:
    """What a person typed for `spec`.

    Raises:
        ConfigError: The text is refused, in one sentence.
    """
    from azul_tui.config import resolve_settings
    from azul_tui.errors import ConfigError

    typed = text.strip()
    if spec.kind in {"int", "float"}:
        typed = typed.replace(",", "").replace(" ", "").replace("_", "")
    elif spec.kind == "bool":
        typed = {"yes": "true", "no": "false", "on": "true", "off": "false"}.get(
            typed.lower(), typed
        )
    elif spec.kind == "list":
        words = [word.strip().strip("\"'") for word in typed.strip("[]").split(",")]
        return spec.check([word for word in words if word])
    else:
        return spec.check(typed)
    if not typed:
        raise ConfigError(f"{spec.name} must be {spec.accepted()}")
    try:
        return resolve_settings((spec,), None, None, [f"{spec.name}={typed}"])[spec.name]
    except ConfigError as error:
        raise ConfigError(str(error).removeprefix("--set: ")) from None
