"""One setting: what it is called, which values it takes, and what a refused value is told.

Fields of `TrainingConfig` and settings of the other jobs are described by the same `SettingSpec`,
so that files, the environment, `--set` and forms check a value in the same way, by msgspec. Where
a value came from is the caller's to say: the sentence of a `ConfigError` begins with it.
"""

from __future__ import annotations

import difflib
import math
import operator
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, cast

import msgspec

from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

SettingKind = Literal["int", "float", "bool", "str", "choice", "list", "path", "player"]
"""`choice` is one of `choices`, `list` a list of words, `player` the name of a player or a
checkpoint file; `path`, `player` and `str` are all written as text."""

SettingValue = bool | int | float | str | tuple[str, ...]
Instance = TypeVar("Instance")

# Neither control characters nor more text than any setting needs.
_Word = Annotated[str, msgspec.Meta(max_length=4096, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
_Words = Annotated[tuple[_Word, ...], msgspec.Meta(max_length=64)]
_KINDS: Final[dict[str, tuple[Any, str]]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (bool, "true or false"),
    "str": (_Word, "a text in quotes"),
    "choice": (_Word, "a text in quotes"),
    "list": (_Words, "a list of texts"),
    "path": (_Word, "a path in quotes"),
    "player": (_Word, "the name of a player in quotes"),
}
_LONGEST_SHOWN: Final = 60


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
    first: bool = False
    """Of those that a form shows before the others."""
    live: bool = False
    """May change while a run is going on."""
    breaks_exactness: bool = False
    """Changed on resume, the run no longer ends in the weights it would have ended in."""

    def accepted(self) -> str:
        """What would be accepted, in words: "a whole number from 1 to 10"."""
        if self.choices:
            words = ", ".join(f'"{choice}"' for choice in self.choices)
            return f"a list of {words}" if self.kind == "list" else f"one of {words}"
        words = _KINDS[self.kind][1]
        low, high = _shown_bound(self.minimum), _shown_bound(self.maximum)
        if low and high:
            return f"{words} from {low} to {high}"
        return words + (f" of at least {low}" if low else f" of at most {high}" if high else "")

    def check(self, value: object, *, place: str = "") -> SettingValue:
        """The value as it is stored: whole numbers become floats where floats are wanted.

        Raises:
            ConfigError: The type or the range is wrong; the message says what would do, after
                `place` ("configs/quick.toml", "--set"), where the value stands.
        """
        kind: Any = Literal[self.choices] if self.choices else _KINDS[self.kind][0]
        if self.choices and self.kind == "list":
            kind = tuple[kind, ...]
        plain = _plain(value, self.kind)
        with suppress(msgspec.ValidationError):
            fitting: SettingValue = msgspec.convert(plain, kind)
            if self._in_range(fitting):
                return fitting
        where = f"{place}: " if place else ""
        found = shown(value if plain is None else plain)
        raise ConfigError(f"{where}{self.name} must be {self.accepted()}, got {found}")

    def _in_range(self, value: SettingValue) -> bool:
        if not isinstance(value, int | float):
            return True
        # By msgspec only between -2**63 and 2**63, and a seed reaches further.
        low, high = self.minimum, self.maximum
        return (low is None or value >= low) and (high is None or value <= high)


def _plain(value: object, kind: SettingKind) -> object:
    """The value in Python's own type, whichever library it is of; None for a number of no use."""
    if kind == "bool":
        return as_bool(value)
    if kind == "int":
        return as_int(value)
    if kind == "float":
        return as_float(value)
    if isinstance(value, list | tuple):
        return tuple(_plain(word, "str") for word in cast("list[object]", value))
    return str.__str__(value) if isinstance(value, str) else value


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
    # What `float()` takes all the same, losing what it means.
    if getattr(value, "ndim", 0) or _dtype(value).startswith(("complex", "datetime", "timedelta")):
        return None
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError, OverflowError):  # also a number beyond the largest float
        return None
    return number if math.isfinite(number) else None


def _dtype(value: object) -> str:
    """Name of the kind of number that numpy or torch says `value` is, "" for everybody else's."""
    return str(getattr(value, "dtype", "")).removeprefix("torch.")


def check_int(name: str, value: object, low: int | None = None, high: int | None = None) -> int:
    """An argument that is a whole number, as a plain int; raises ConfigError for another one."""
    spec = SettingSpec(name=name, kind="int", default=0, help="", minimum=low, maximum=high)
    return cast("int", spec.check(value))


def check_float(
    name: str, value: object, low: float | None = None, high: float | None = None
) -> float:
    """An argument that is a finite number, as a plain float; raises ConfigError for another one."""
    spec = SettingSpec(name=name, kind="float", default=0.0, help="", minimum=low, maximum=high)
    return cast("float", spec.check(value))


def check_instance(name: str, value: object, kind: type[Instance]) -> Instance:
    """An argument of that class; raises ConfigError for one of another."""
    if not isinstance(value, kind):
        raise ConfigError(f"{name} must be of the class {kind.__name__}, got {shown(value)}")
    return value


def check_path(name: str, value: object) -> Path:
    """An argument that names a file or a folder; raises ConfigError for none or an empty one."""
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
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(item) for item in cast("list[object]", value)[:8]) + "]"
    else:
        text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was most likely meant to be, None when none is close."""
    found = difflib.get_close_matches(name[:_LONGEST_SHOWN], list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def unknown_name(what: str, name: str, known: Iterable[str], *, place: str = "") -> str:
    """The sentence that refuses an unknown name and offers the nearest known one."""
    names = list(known)
    told = f"{place}: unknown {what} {shown(name)}".removeprefix(": ")
    if near := nearest(name, names):
        return f"{told}; the nearest known one is {near}"
    if not names:
        return f"{told}; there is none to set"
    return f"{told}; known are {', '.join(names)}" if len(names) <= 12 else told


def _shown_bound(bound: float | None) -> str:
    if bound is None:
        return ""
    return f"{int(bound):,}" if abs(bound) >= 1000 and bound == int(bound) else f"{bound:g}"
