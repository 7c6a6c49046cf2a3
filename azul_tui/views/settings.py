"""Values of settings as TOML writes them and as a person reads and types them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from azul_tui.config import SettingSpec, SettingValue


def toml_value(value: SettingValue) -> str:
    """A value as TOML writes it, which for these types is how JSON does."""
    return json.dumps(value, ensure_ascii=False)


def shown_value(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, cast("list[Any]", value)))
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
        typed = {"yes": "true", "no": "false"}.get(typed.lower(), typed)
    elif spec.kind != "list":
        return spec.check(typed)
    try:
        return resolve_settings((spec,), None, None, [f"{spec.name}={typed}"])[spec.name]
    except ConfigError as error:
        raise ConfigError(str(error).removeprefix("--set: ")) from None
