"""A form of settings as a value: what is chosen, what differs, what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azul_tui.config import SettingSpec, SettingValue, resolve_settings
from azul_tui.errors import ConfigError
from azul_tui.tui.picture import Line, Picture, shorten, text_line
from azul_tui.tui.table import first_marked, with_marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azul_tui.tui.signs import Signs


@dataclass(slots=True)
class SettingsForm:
    """Settings with their base values (defaults, or a preset's) and what was changed."""

    specs: tuple[SettingSpec, ...]
    base: dict[str, SettingValue]
    changes: dict[str, SettingValue] = field(default_factory=dict[str, SettingValue])
    chosen: int = 0
    first: int = 0
    filter: str = ""

    @classmethod
    def of(cls, specs: Sequence[SettingSpec], base: Mapping[str, SettingValue]) -> SettingsForm:
        """A form in which nothing is changed yet."""
        values = {spec.name: base.get(spec.name, spec.default) for spec in specs}
        return cls(tuple(specs), values)

    def shown(self) -> list[SettingSpec]:
        """The settings that match the filter."""
        wanted = self.filter.lower().strip()
        return [
            spec
            for spec in self.specs
            if not wanted or wanted in spec.name.lower() or wanted in spec.group.lower()
        ]

    def current(self) -> SettingSpec | None:
        """The setting under the pointer."""
        shown = self.shown()
        if not shown:
            return None
        self.chosen = min(max(self.chosen, 0), len(shown) - 1)
        return shown[self.chosen]

    def value(self, name: str) -> SettingValue:
        """The value that a start would use."""
        return self.changes.get(name, self.base[name])

    def move(self, step: int) -> None:
        """Move the pointer."""
        count = len(self.shown())
        if count:
            self.chosen = min(max(self.chosen + step, 0), count - 1)

    def set(self, name: str, value: SettingValue) -> None:
        """Change one value; the base value is no change."""
        if value == self.base[name]:
            self.changes.pop(name, None)
        else:
            self.changes[name] = value

    def cycle(self, step: int = 1) -> bool:
        """The next value of a switch or a choice; False for a setting that must be typed."""
        spec = self.current()
        if spec is None:
            return False
        value = self.value(spec.name)
        if spec.kind == "bool":
            self.set(spec.name, not value)
            return True
        if spec.choices and spec.kind != "list":
            index = spec.choices.index(str(value)) if value in spec.choices else 0
            self.set(spec.name, spec.choices[(index + step) % len(spec.choices)])
            return True
        return False

    def overrides(self) -> list[str]:
        """The changes as `--set` takes them."""
        return [f"{name}={toml_value(value)}" for name, value in self.changes.items()]


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
    """A value as the line in which it is typed has it at first: numbers without marks."""
    words = shown_value(value)
    return words.replace(",", "") if spec.kind in {"int", "float"} else words


def parse_value(spec: SettingSpec, text: str) -> SettingValue:
    """What a person typed for `spec`.

    Raises:
        ConfigError: The text is refused, in one sentence.
    """
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
        # Nobody typed an option here: the sentence begins with the setting.
        raise ConfigError(str(error).removeprefix("--set: ")) from None


def draw_form(
    form: SettingsForm,
    width: int,
    height: int,
    *,
    focused: bool,
    signs: Signs,
    help_first: bool = False,
) -> Picture:
    """The settings in `height` lines, the pointer's help in the last two, or the first two.

    A form that fills a screen explains itself above: the typing comes up over its last lines.
    """
    shown = form.shown()
    if not shown:
        words = "no setting matches the filter" if form.filter else "nothing to set"
        return [text_line(f" {words}", "quiet")]
    current = form.current()
    room = max(1, height - 2) if height >= 6 else height
    form.first = first_marked(form.chosen, len(shown), room, form.first)
    name_width = min(34, max(len(spec.name) for spec in shown) + 1, max(8, width // 2))
    picture: Picture = []
    for index in range(form.first, min(len(shown), form.first + room)):
        spec = shown[index]
        here = focused and index == form.chosen
        changed = spec.name in form.changes
        value = shown_value(form.value(spec.name))
        mark = "*" if changed else " "
        value_role = "chosen" if here else "changed" if changed else "strong"
        note = f"  was {shown_value(form.base[spec.name])}" if changed else ""
        value_width = max(4, width - name_width - 4 - len(note))
        line: Line = (
            (f"{signs.pointer if here else ' '}{mark}", "key" if here else "changed"),
            (f"{shorten(spec.name, name_width):<{name_width}} ", "chosen" if here else ""),
            (shorten(value, value_width, signs.ellipsis) or '""', value_role),
            (note, "quiet"),
        )
        picture.append(line)
    stop = form.first + len(picture)
    above = form.first + 1 if form.first > 0 else 0
    below = len(shown) - stop + 1 if stop < len(shown) else 0
    picture = with_marks(picture, above, below, width, signs)
    if height < 6 or current is None:
        return picture
    picture.extend([()] * (room - len(picture)))
    more = f"{form.chosen + 1} of {len(shown)}  " if len(shown) > room else ""
    explained = [
        text_line(" " + shorten(words, width - 2, signs.ellipsis), "quiet")
        for words in (current.help, f"{more}{current.accepted()}")
    ]
    return [*explained, *picture] if help_first else [*picture, *explained]
