"""The settings of a job as a form: edited, filtered, set back, saved as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.config import find_preset, load_config, preset_names, training_settings
from azul_tui.errors import AzulError
from azul_tui.jobs.registry import job_settings
from azul_tui.tui.forms.settings import SettingsForm
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from azul_tui.config import SettingValue
    from azul_tui.jobs.registry import JobSpec


class JobFormScreen(PictureScreen):
    """A screen with a form for each job. Subclasses say which job is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.form_focused = False
        self.forms: dict[str, SettingsForm] = {}
        self.presets: dict[str, str | None] = {}

    @property
    def spec(self) -> JobSpec:
        """The chosen job."""
        raise NotImplementedError

    def form(self) -> SettingsForm:
        """The form of the chosen entry, made the first time it is looked at."""
        spec = self.spec
        if spec.name not in self.forms:
            self.presets[spec.name] = spec.preset
            base = self.preset_values(spec.preset) if spec.preset else {}
            self.forms[spec.name] = SettingsForm.of(job_settings(spec), base)
        return self.forms[spec.name]

    def preset_values(self, preset: str) -> dict[str, SettingValue]:
        """What a preset sets."""
        try:
            config = load_config(find_preset(preset))
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False)
            return {}
        return {spec.name: getattr(config, spec.name) for spec in training_settings()}

    def action_cycle(self, step: int) -> None:
        """The next value of a switch or a choice; anything else is typed."""
        if self.form_focused and not self.form().cycle(step):
            self.edit_value()
        self.redraw()

    def action_undo(self) -> None:
        """The chosen setting as the preset has it."""
        spec = self.form().current()
        if spec is not None:
            self.form().changes.pop(spec.name, None)
            self.redraw()

    def action_undo_all(self) -> None:
        """Every setting as the preset has it."""
        self.form().changes.clear()
        self.redraw()

    def action_preset(self) -> None:
        """Start from the next preset; changes stay changes."""
        if not self.spec.makes_run:
            return
        names = preset_names()
        now = self.presets.get(self.spec.name)
        following = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
        form = self.form()
        values = self.preset_values(following)
        if not values:
            return
        self.presets[self.spec.name] = following
        form.base = {spec.name: values.get(spec.name, spec.default) for spec in form.specs}
        for name, value in list(form.changes.items()):
            form.set(name, value)
        self.redraw()

    def action_filter(self) -> None:
        """Show only settings whose name or group contains what is typed."""
        from azul_tui.tui.screens.prompt import PromptScreen

        def typed(text: str) -> None:
            self.form().filter = text
            self.redraw()

        self.azul.push_screen(
            PromptScreen("show settings that contain", "enter keeps the filter", typed=typed)
        )

    def edit_value(self) -> None:
        """Type a value for the chosen setting."""
        from azul_tui.tui.screens.value_prompt import ask_value

        ask_value(self.azul, self.form(), lambda _spec, _value: self.redraw())

    def action_save(self) -> None:
        """Write the settings as a TOML file for `--config`."""
        from pathlib import Path

        from azul_tui.config import create_training_config, dump_config
        from azul_tui.tui.screens.prompt import PromptScreen

        form = self.form()
        own = {spec.name for spec in self.spec.settings}

        def done(text: str | None) -> None:
            if not text:
                return
            path = Path(text).expanduser().absolute()
            path = path if path.suffix == ".toml" else path.with_name(f"{path.name}.toml")
            values = {n: form.value(n) for n in form.base if n not in own}
            try:
                path.write_text(dump_config(create_training_config(**values)), encoding="utf-8")
            except AzulError as error:
                self.notify(str(error), severity="error", markup=False)
            except OSError as error:
                self.notify(f"{path} cannot be written: {error.strerror}", severity="error")
            else:
                self.notify(f"saved; --config {path} uses it", markup=False)

        self.azul.push_screen(
            PromptScreen("save these settings as", "a file name", "my-settings.toml"), done
        )
