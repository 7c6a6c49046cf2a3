"""A form over settings: a few first, the rest in folded groups; what differs is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Collapsible, Input, Label, Select, Switch

from azul_tui.errors import ConfigError
from azul_tui.tui.messages import FormChanged
from azul_tui.views.settings import parse_value, toml_value, typed_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.widget import Widget

    from azul_tui.config import SettingSpec, SettingValue
    from azul_tui.tui.app import AzulApp


class Setting(Vertical):
    """One setting: name, field, and what is wrong with what was typed."""

    def __init__(
        self,
        spec: SettingSpec,
        base: SettingValue,
        value: SettingValue,
        choices: Callable[[], Sequence[tuple[str, str]]] | None,
    ) -> None:
        super().__init__(classes="setting")
        self.spec, self.base, self.value = spec, base, value
        self.choices = choices
        self.problem = ""
        accepted = f" Takes {spec.accepted()}." if spec.kind != "bool" else ""
        self.tooltip = Content(f"{spec.name}: {spec.help}{accepted}")
        self.set_class(value != base, "changed")

    def compose(self) -> ComposeResult:
        """The name and the field that fits the setting's kind."""
        spec, value = self.spec, self.value
        with Horizontal(classes="fields"):
            yield Label(spec.name, markup=False, classes="name")
            if spec.kind == "bool":
                yield Switch(value is True, animate=False)
            elif spec.choices and spec.kind != "list":
                options = [(choice, choice) for choice in spec.choices]  # as text, it is searched
                yield Select(options, value=str(value), allow_blank=False, compact=True)
            else:
                yield Input(typed_value(spec, value), compact=True, select_on_focus=False)
                if self.choices is not None:
                    yield Button("...", compact=True, classes="pick")

    @on(Input.Changed)
    @on(Switch.Changed)
    @on(Select.Changed)
    def take(self, event: Input.Changed | Switch.Changed | Select.Changed) -> None:
        """Check what the field holds now."""
        event.stop()
        try:
            if isinstance(event, Input.Changed):
                self.value = parse_value(self.spec, event.value)
            else:
                self.value = cast("SettingValue", event.value)
            self.problem = ""
        except ConfigError as error:
            self.problem = str(error)
        self.set_class(bool(self.problem), "bad")
        self.set_class(not self.problem and self.value != self.base, "changed")
        self._say_problem()
        self.post_message(FormChanged(self.spec.name))

    def _say_problem(self) -> None:
        """Below the field; most never need that line, and a widget costs what it costs."""
        for label in self.query(".wrong").results(Label):
            label.update(self.problem)
            return
        if self.problem:
            self.mount(Label(self.problem, markup=False, classes="wrong"))

    @on(Button.Pressed)
    def pick(self, event: Button.Pressed) -> None:
        """Choose from what there is."""
        from azul_tui.tui.modals import Pick

        event.stop()
        if self.choices is None:
            return

        def picked(key: str | None) -> None:
            if key is not None:
                self.query_one(Input).value = key

        cast("AzulApp", self.app).push_screen(
            Pick(self.spec.name, self.choices(), str(self.value), free=True), picked
        )


class SettingsForm(VerticalScroll, can_focus=False):
    """Settings over base values (defaults, a preset's, a run's own); posts `FormChanged`."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.specs: tuple[SettingSpec, ...] = ()
        self.base: dict[str, SettingValue] = {}
        self.pickers: Mapping[str, Callable[[], Sequence[tuple[str, str]]]] = {}
        self._kept: dict[str, SettingValue] = {}
        """Changed values of settings that have no field at present."""

    async def show(
        self,
        specs: Sequence[SettingSpec],
        base: Mapping[str, SettingValue],
        *,
        first: Sequence[str] = (),
        changes: Mapping[str, SettingValue] | None = None,
        pickers: Mapping[str, Callable[[], Sequence[tuple[str, str]]]] | None = None,
    ) -> None:
        """Show these settings instead of those before.

        Args:
            specs: The settings.
            base: Their values; defaults where one is missing.
            first: Names of those that are not folded away; empty for all.
            changes: Values that differ from the base already.
            pickers: What may be picked for a setting, by its name.
        """
        self.specs = tuple(specs)
        self.base = {spec.name: base.get(spec.name, spec.default) for spec in specs}
        self.pickers = pickers or {}
        self._kept = {k: v for k, v in (changes or {}).items() if k in self.base}
        by_name = {spec.name: spec for spec in specs}
        upper = [by_name[name] for name in first if name in by_name] if first else list(specs)
        groups: dict[str, list[SettingSpec]] = {}
        for spec in specs:
            if spec not in upper:
                groups.setdefault(spec.group or "more", []).append(spec)
        rows: list[Widget] = [self._row(spec) for spec in upper]
        for group, members in groups.items():
            title = f"{group}, {len(members)}"
            rows.append(_Group(title, members))
        with cast("AzulApp", self.app).batch_update():
            await self.remove_children()
            await self.mount_all(rows)
            self.scroll_home(animate=False)

    def _row(self, spec: SettingSpec) -> Setting:
        base = self.base[spec.name]
        value = self._kept.pop(spec.name, base)
        return Setting(spec, base, value, self.pickers.get(spec.name))

    @on(Collapsible.Expanded)
    async def unfold(self, event: Collapsible.Expanded) -> None:
        """Make the fields of a group when it is first looked at: 57 of them cost a blink each."""
        group = event.collapsible
        if isinstance(group, _Group) and not group.filled:
            group.filled = True
            await group.query_one(Collapsible.Contents).mount_all(
                [self._row(spec) for spec in group.specs]
            )

    def changes(self) -> dict[str, SettingValue]:
        """What differs from the base, by name."""
        found = dict(self._kept)
        for setting in self.query(Setting):
            if not setting.problem and setting.value != setting.base:
                found[setting.spec.name] = setting.value
        return {name: value for name, value in found.items() if value != self.base[name]}

    def value(self, name: str) -> SettingValue:
        """What a start would use."""
        return self.changes().get(name, self.base[name])

    def overrides(self) -> list[str]:
        """The changes as `--set` takes them."""
        return [f"{name}={toml_value(value)}" for name, value in self.changes().items()]

    def problem(self) -> str:
        """What is wrong with the first field that holds no good value; empty when all do."""
        return next((s.problem for s in self.query(Setting) if s.problem), "")


class _Group(Collapsible):
    """Settings of one group, whose fields are made when it is unfolded."""

    def __init__(self, title: str, specs: Sequence[SettingSpec]) -> None:
        super().__init__(title=title, collapsed=True)
        self.specs = list(specs)
        self.filled = False
