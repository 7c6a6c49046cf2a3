"""A setting: its kind, range and help, and how a value of it is read."""

from __future__ import annotations

import dataclasses
import difflib
import math
import operator
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, TypeVar, cast

from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


# -- one setting: what it is called, which values it takes, and what a refused value is told
#
# Both the fields of `TrainingConfig` and the settings of the other jobs are described by
# `SettingSpec`, so that files, the environment, `--set` and the forms of the menu all check
# a value in the same way. Nothing here knows where a value came from: the caller names the
# place, and the sentence of the `ConfigError` begins with it.

SettingKind = Literal["int", "float", "bool", "str", "choice", "list", "path", "player"]
"""`choice` is one of `choices`, `list` a list of words, `player` the name of a player or a
checkpoint file; `path`, `player` and `str` are all written as text."""

SettingValue = bool | int | float | str | tuple[str, ...]
Instance = TypeVar("Instance")

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text in quotes",
    "choice": "a text in quotes",
    "list": "a list of texts",
    "path": "a path in quotes",
    "player": "the name of a player in quotes",
}
MAX_SHOWN = 60
MAX_TEXT = 4096
MAX_WORDS = 64
_NO_NUMBERS = ("complex", "datetime", "timedelta")
"""Kinds of numpy's that `float()` takes, losing what they mean."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingSpec:
    """What a setting is called, means and takes."""

    name: str
    kind: SettingKind
    default: SettingValue
    help: str
    """One sentence."""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    group: str = ""
    """Heading under which forms and tables show it."""
    live: bool = False
    """May change while a run is going on."""
    breaks_exactness: bool = False
    """Changed on resume, the run no longer ends in the weights it would have ended in."""

    def accepted(self) -> str:
        """What would be accepted, in words: "a whole number from 1 to 10"."""
        if self.choices:
            named = ", ".join(f'"{choice}"' for choice in self.choices)
            return f"{'a list of' if self.kind == 'list' else 'one of'} {named}"
        words = _EXPECTED[self.kind]
        low, high = _shown_number(self.minimum), _shown_number(self.maximum)
        if low and high:
            return f"{words} from {low} to {high}"
        if low:
            return f"{words} of at least {low}"
        if high:
            return f"{words} of at most {high}"
        return words

    def check(self, value: object, *, place: str = "") -> SettingValue:
        """The value as it is stored: whole numbers become floats where floats are wanted.

        Args:
            value: What a TOML file or Python gave.
            place: Where it stands, for the message ("configs/quick.toml", "--set").

        Raises:
            ConfigError: The type or the range is wrong; the message says what would do.
        """
        fitting = self._typed(value)
        if fitting is None or not self._in_range(fitting):
            where = f"{place}: " if place else ""
            found = shown(value if fitting is None else fitting)
            raise ConfigError(f"{where}{self.name} must be {self.accepted()}, got {found}")
        return fitting

    def _typed(self, value: object) -> SettingValue | None:
        """The value in the type that is stored, None where it has another one."""
        if self.kind == "bool":
            return as_bool(value)
        if self.kind == "int":
            return as_int(value)
        if self.kind == "float":
            return as_float(value)
        if self.kind == "list":
            return _as_words(value)
        return str.__str__(value) if isinstance(value, str) and _is_plain(value) else None

    def _in_range(self, value: SettingValue) -> bool:
        if isinstance(value, tuple):
            return not self.choices or all(word in self.choices for word in value)
        if isinstance(value, str):
            return not self.choices or value in self.choices
        if self.minimum is not None and value < self.minimum:
            return False
        return self.maximum is None or value <= self.maximum


def as_bool(value: object) -> bool | None:
    """`value` if it is true or false, one of numpy's included; else None."""
    return bool(value) if isinstance(value, bool) or _dtype(value) == "bool" else None


def as_int(value: object) -> int | None:
    """`value` as a plain int if it is a whole number, of whatever library; else None."""
    if as_bool(value) is not None:
        return None
    try:
        return operator.index(cast("Any", value))
    except TypeError:
        return None


def as_float(value: object) -> float | None:
    """`value` as a plain float if it is one finite number, of whatever library; else None."""
    if isinstance(value, str | bytes | bytearray) or as_bool(value) is not None:
        return None
    if getattr(value, "ndim", 0) or _dtype(value).startswith(_NO_NUMBERS):
        return None
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError, OverflowError):  # also a number beyond the largest float
        return None
    return number if math.isfinite(number) else None


def check_int(
    name: str, value: object, minimum: int | None = None, maximum: int | None = None
) -> int:
    """An argument that is a whole number, as a plain int.

    Raises:
        ConfigError: It is not, or out of range.
    """
    spec = SettingSpec(name=name, kind="int", default=0, help="", minimum=minimum, maximum=maximum)
    return cast("int", spec.check(value))


def check_float(
    name: str, value: object, minimum: float | None = None, maximum: float | None = None
) -> float:
    """An argument that is a finite number, as a plain float.

    Raises:
        ConfigError: It is not, or out of range.
    """
    spec = SettingSpec(
        name=name, kind="float", default=0.0, help="", minimum=minimum, maximum=maximum
    )
    return cast("float", spec.check(value))


def check_instance(name: str, value: object, kind: type[Instance]) -> Instance:
    """An argument of that class.

    Raises:
        ConfigError: It is of another one.
    """
    if not isinstance(value, kind):
        raise ConfigError(f"{name} must be of the class {kind.__name__}, got {shown(value)}")
    return value


def check_path(name: str, value: object) -> Path:
    """An argument that names a file or a folder.

    Raises:
        ConfigError: It is no path, or an empty one.
    """
    text: object = None
    with suppress(TypeError):
        text = os.fspath(cast("os.PathLike[str]", value))
    if not isinstance(text, str) or not text or "\0" in text:
        raise ConfigError(f"{name} must be a path, got {shown(value)}")
    return Path(text)


def shown(value: object) -> str:
    """The value as TOML would write it, short and on one line, for a message."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = '"' + value.encode("unicode_escape").decode("ascii") + '"'
    elif isinstance(value, int) and abs(value) >= 10**24:
        return "a number of more than 24 digits"  # printing it may itself be refused by Python
    elif isinstance(value, dict):
        text = "a table"
    elif _is_list(value):
        text = "[" + ", ".join(shown(item) for item in value[:8]) + "]"
    else:
        text = ascii(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was most likely meant to be, None when none is close."""
    found = difflib.get_close_matches(name[:MAX_SHOWN], list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def unknown_name(what: str, name: str, known: Iterable[str], *, place: str = "") -> str:
    """The sentence that refuses an unknown name and offers the nearest known one."""
    names = list(known)
    near = nearest(name, names)
    where = f"{place}: " if place else ""
    if near is not None:
        return f"{where}unknown {what} {shown(name)}; the nearest known one is {near}"
    listed = ", ".join(names) if len(names) <= 12 else ""
    hint = f"; known are {listed}" if listed else "" if names else "; there is none to set"
    return f"{where}unknown {what} {shown(name)}{hint}"


def _dtype(value: object) -> str:
    """Name of the kind of number that numpy or torch says `value` is, "" for everybody else's."""
    return str(getattr(value, "dtype", "")).removeprefix("torch.")


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


def _as_words(value: object) -> tuple[str, ...] | None:
    if not _is_list(value) or len(value) > MAX_WORDS:
        return None
    words = tuple(str.__str__(word) for word in value if isinstance(word, str) and _is_plain(word))
    return words if len(words) == len(value) else None


def _is_plain(text: str) -> bool:
    """Neither control characters nor more text than any setting needs."""
    return len(text) <= MAX_TEXT and not any(ord(char) < 32 or ord(char) == 127 for char in text)


def _shown_number(bound: float | None) -> str:
    if bound is None:
        return ""
    if abs(bound) >= 1000 and bound == int(bound):
        return f"{int(bound):,}"
    return f"{bound:g}"


# -- declaring a setting: one field together with what it means and what it takes
#
# The bases of `TrainingConfig` are made of such fields: what decides the games (`playing`), what
# decides the weights learnt from them (`learning`), and what a run does besides (`running`).

Value = TypeVar("Value", bound=SettingValue)


def setting(
    default: Value,
    help: str,  # noqa: A002 - the word that forms and tables use for it
    low: float | None = None,
    high: float | None = None,
    *,
    group: str,
    kind: SettingKind | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
    exact: bool = False,
) -> Value:
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
