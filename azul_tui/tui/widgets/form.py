"""A form over settings: a few first, the rest in folded groups; what differs is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Collapsible, Input, Label, Select, Switch

from azul_tui.errors import ConfigError
from azul_tui.tui.messages import FormChanged
from azul_tui.views.settings import parse_value, toml_value, typed_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from textual.app import ComposeResult

    from azul_tui.config import SettingSpec, SettingValue
    from azul_tui.tui.app import AzulApp

    Pickers = Mapping[str, Callable[[], Sequence[tuple[str, str]]]]
    """What may be picked for a setting, `(value, words)` each, by its name."""


class Setting(Horizontal):
    """One setting: its name, the field that fits its kind, a button where there is a choice."""

    def __init__(self, spec: SettingSpec, value: SettingValue, *, picks: bool) -> None:
        self.spec = spec
        self.field: Input | Select[str] | Switch
        if spec.kind == "bool":
            self.field = Switch(value is True, animate=False)
        elif spec.choices and spec.kind != "list":
            options = [(choice, choice) for choice in spec.choices]  # as text, it is searched
            self.field = Select(options, value=str(value), allow_blank=False, compact=True)
        else:
            self.field = Input(typed_value(spec, value), compact=True, select_on_focus=False)
        button = [Button("...", compact=True, classes="pick")] * picks
        name = Label(spec.name, markup=False, classes="name")
        super().__init__(name, self.field, *button, classes="setting")
        accepted = f" Takes {spec.accepted()}." if spec.kind != "bool" else ""
        self.tooltip = Content(f"{spec.name}: {spec.help}{accepted}")

    def fill(self, value: SettingValue) -> None:
        """Put a value into the field."""
        with self.prevent(Input.Changed, Select.Changed, Switch.Changed):
            if isinstance(self.field, Switch):
                self.field.value = value is True
            else:
                self.field.value = typed_value(self.spec, value)


class SettingsForm(VerticalScroll, can_focus=False):
    """Settings over base values (defaults, a preset's, a run's own); posts `FormChanged`."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.specs: tuple[SettingSpec, ...] = ()
        self.base: dict[str, SettingValue] = {}
        self.values: dict[str, SettingValue] = {}
        """What a start would use: the last good value of every setting, those folded away too."""
        self.problems: dict[str, str] = {}
        """What is wrong with what was typed, by name."""
        self._first: Collection[str] = ()
        self._pickers: Pickers = {}
        self._folded: dict[Collapsible, list[SettingSpec]] = {}

    async def show(
        self,
        specs: Sequence[SettingSpec],
        base: Mapping[str, SettingValue],
        *,
        first: Collection[str] = (),
        changes: Mapping[str, SettingValue] | None = None,
        pickers: Pickers | None = None,
    ) -> None:
        """Show `specs` instead of those before, with the values of `base` or defaults.

        All but the `first` are folded away in their groups, where any are named; `changes` differ
        from the base already; `pickers` say what may be picked for a setting.
        """
        self.specs, self._first, self._pickers = tuple(specs), first, pickers or {}
        self.show_values(base, changes or {})
        await self.recompose()
        self.scroll_home(animate=False)

    def show_values(
        self, base: Mapping[str, SettingValue], changes: Mapping[str, SettingValue]
    ) -> None:
        """Other values in the same fields."""
        self.base = {spec.name: base.get(spec.name, spec.default) for spec in self.specs}
        self.values = self.base | {name: v for name, v in changes.items() if name in self.base}
        self.problems.clear()
        for setting in self.query(Setting):
            setting.fill(self.values[setting.spec.name])
            self._mark(setting)
        self.query("#wrong").set(display=False)

    def compose(self) -> ComposeResult:
        """Fields, folded groups, and what is wrong."""
        groups: dict[str, list[SettingSpec]] = {}
        for spec in self.specs:
            if self._first and spec.name not in self._first:
                groups.setdefault(spec.group or "more", []).append(spec)
            else:
                yield self._row(spec)
        self._folded = {Collapsible(title=f"{name}, {len(g)}"): g for name, g in groups.items()}
        yield from self._folded
        yield Label("", id="wrong", markup=False)

    def _row(self, spec: SettingSpec) -> Setting:
        setting = Setting(spec, self.values[spec.name], picks=spec.name in self._pickers)
        self._mark(setting)
        return setting

    @on(Collapsible.Expanded)
    async def unfold(self, event: Collapsible.Expanded) -> None:
        """Make the fields of a group when it is first looked at: all of them cost a blink each."""
        members = self._folded.pop(event.collapsible, [])
        contents = event.collapsible.query_one(Collapsible.Contents)
        await contents.mount_all([self._row(spec) for spec in members])

    @on(Input.Changed)
    @on(Switch.Changed)
    @on(Select.Changed)
    def take(self, event: Input.Changed | Switch.Changed | Select.Changed) -> None:
        """Check what a field holds now."""
        event.stop()
        setting = cast("Setting", event.control.parent)
        name = setting.spec.name
        before = self.values[name], self.problems.pop(name, "")
        try:
            if isinstance(event, Input.Changed):
                self.values[name] = parse_value(setting.spec, event.value)
            else:
                self.values[name] = cast("SettingValue", event.value)
        except ConfigError as error:
            self.problems[name] = str(error)
        if before != (self.values[name], self.problems.get(name, "")):  # fields tell at birth too
            self._mark(setting)
            wrong = self.query_one("#wrong", Label)
            wrong.update(self.problem())
            wrong.display = bool(self.problems)
            self.post_message(FormChanged(name))

    def _mark(self, setting: Setting) -> None:
        name = setting.spec.name
        bad = name in self.problems
        setting.set_class(bad, "bad")
        setting.set_class(not bad and self.values[name] != self.base[name], "changed")

    @on(Button.Pressed, ".pick")
    def pick(self, event: Button.Pressed) -> None:
        """Choose from what there is."""
        from azul_tui.tui.modals import Pick

        event.stop()
        setting = cast("Setting", event.control.parent)
        name = setting.spec.name

        def picked(key: str | None) -> None:
            if key is not None:
                cast("Input", setting.field).value = key

        box = Pick(name, self._pickers[name](), str(self.values[name]), free=True)
        cast("AzulApp", self.app).push_screen(box, picked)

    def changes(self) -> dict[str, SettingValue]:
        """What differs from the base, by name."""
        return {name: value for name, value in self.values.items() if value != self.base[name]}

    def value(self, name: str) -> SettingValue:
        """What a start would use."""
        return self.values[name]

    def overrides(self, but: Collection[str] = ()) -> list[str]:
        """The changes as `--set` takes them, apart from those of these names."""
        found = self.changes().items()
        return [f"{name}={toml_value(value)}" for name, value in found if name not in but]

    def problem(self) -> str:
        """What is wrong with the first field that holds no good value; empty when all do."""
        return next(iter(self.problems.values()), "")
