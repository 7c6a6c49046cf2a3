"""`--print-config`: the settings that a start would have, as TOML that `--config` takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from azul_tui.config import dump_config, dump_toml, find_config, resolve_config
from azul_tui.jobs.start import JobRequest, resolve_request
from azul_tui.runs.events import encode_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def training_settings_text(
    config: str | None, overrides: Sequence[str], *, json_lines: bool
) -> str:
    """The training settings without a job, as they are printed.

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    file = None if config is None else find_config(config)
    resolved = resolve_config(file, os.environ, overrides)
    return _text(dump_config(resolved), resolved.to_dict(), json_lines=json_lines)


def job_settings_text(request: JobRequest) -> str:
    """The settings that a job would start with, as they are printed.

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    resolved = resolve_request(request)
    own: dict[str, object] = dict(resolved.settings)
    told = (
        dump_toml({**own, **resolved.changes})
        if resolved.config is None
        else dump_config(resolved.config)
    )
    values = {**own, **(resolved.config.to_dict() if resolved.config else resolved.changes)}
    return _text(told, values, json_lines=request.json_lines)


def _text(toml: str, values: Mapping[str, object], *, json_lines: bool) -> str:
    if json_lines:
        return encode_plain({"event": "config", "settings": values}).decode("ascii")
    return toml
