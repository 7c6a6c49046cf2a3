"""Changing the settings of a run that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.views.settings import parse_value, shown_value, typed_value

if TYPE_CHECKING:
    from azul_tui.config import SettingSpec, SettingValue
    from azul_tui.tui.app import AzulApp


def edit_live_settings(app: AzulApp) -> None:
    """Pick one of the settings that may change, enter its value, send it to the run."""
    from azul_tui.config import training_settings
    from azul_tui.tui.modals import Pick

    specs = {spec.name: spec for spec in training_settings() if spec.live}
    values = live_values(app, specs)
    longest = max(map(len, specs))

    def picked(name: str | None) -> None:
        if name is not None:
            _ask(app, specs[name], values[name])

    choices = [(name, f"{name:<{longest}}  {shown_value(values[name])}") for name in specs]
    app.push_screen(Pick("Change a setting from the next iteration on", choices), picked)


def live_values(app: AzulApp, specs: dict[str, SettingSpec]) -> dict[str, SettingValue]:
    """The values that the followed run has now."""
    from azul_tui.config import load_stored_config
    from azul_tui.errors import AzulError

    feed = app.feed
    values = {name: spec.default for name, spec in specs.items()}
    if feed is None:
        return values
    try:
        config, _ = load_stored_config(feed.paths.config)
        values = {name: getattr(config, name) for name in specs}
    except AzulError:
        pass  # a run whose settings cannot be read is still listening
    for record in feed.data.changed_settings:
        values.update({key: value for key, value in record.items() if key in specs})
    return values


def _ask(app: AzulApp, spec: SettingSpec, value: SettingValue) -> None:
    from azul_tui.errors import AzulError
    from azul_tui.tui.modals import AskValue

    def check(text: str) -> str:
        try:
            parse_value(spec, text)
        except AzulError as error:
            return str(error)
        return ""

    def entered(text: str | None) -> None:
        if text is None:
            return
        new = parse_value(spec, text)
        app.request("set", key=spec.name, value=list(new) if isinstance(new, tuple) else new)
        app.notify(f"{spec.name} {shown_value(new)}: sent to the run", markup=False)

    app.push_screen(
        AskValue(spec.name, typed_value(spec, value), help_text=spec.help, check=check), entered
    )
