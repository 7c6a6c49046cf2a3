"""Declaring a setting: one field together with what it means and what it takes.

The bases of `TrainingConfig` are made of such fields: what decides the games (`playing`), what
decides the weights learnt from them (`learning`), and what a run does besides (`running`).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

from azul_tui.config.setting import SettingValue

if TYPE_CHECKING:
    from azul_tui.config.setting import SettingKind

T = TypeVar("T", bound=SettingValue)


def setting(
    default: T,
    help: str,  # noqa: A002 - the word that forms and tables use for it
    low: float | None = None,
    high: float | None = None,
    *,
    group: str,
    kind: SettingKind | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
    exact: bool = False,
) -> T:
    """Declare a field; `exact` marks one that may change without breaking exactness."""
    kinds: dict[type, SettingKind] = {bool: "bool", int: "int", float: "float", tuple: "list"}
    described = {
        "kind": kind or ("choice" if choices else kinds.get(type(default), "str")),
        "help": help,
        "minimum": low,
        "maximum": high,
        "group": group,
        "choices": choices,
        "live": live,
        "breaks_exactness": not exact,
    }
    # dataclasses.field is typed as its default, and so is this.
    return dataclasses.field(default=default, metadata=described)
