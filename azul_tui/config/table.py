"""The settings as a Markdown table, so that the README cannot drift from the code."""

from __future__ import annotations

from azul_tui.config.setting import SettingSpec, shown
from azul_tui.config.training import training_settings

LEGEND = (
    "† may change while a run is going on. ‡ may change on resume without ending in other weights."
)


def settings_table() -> str:
    """Every training setting: key, default, what is accepted, what it means."""
    lines = ["| setting | default | accepted | meaning |", "|---|---|---|---|"]
    lines += [_row(spec) for spec in training_settings()]
    return "\n".join([*lines, "", LEGEND]) + "\n"


def _row(spec: SettingSpec) -> str:
    marks = ("†" if spec.live else "") + ("" if spec.breaks_exactness else "‡")
    return f"| `{spec.name}`{marks} | `{shown(spec.default)}` | {spec.accepted()} | {spec.help} |"
