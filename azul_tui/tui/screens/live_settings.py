"""Changing the settings of a run that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.config import training_settings
from azul_tui.errors import AzulError
from azul_tui.tui.modals import AskValue, Pick
from azul_tui.views.settings import parse_value, shown_value, typed_value

if TYPE_CHECKING:
    from azul_tui.tui.app import AzulApp


def edit_live_settings(app: AzulApp) -> None:
    """Pick one of the settings that may change, enter its value, send it to the followed run."""
    if app.feed is None:
        return
    specs = {spec.name: spec for spec in training_settings() if spec.live}
    config = app.stored_settings(app.feed.paths)
    values: dict[str, Any] = {name: getattr(config, name) for name in specs}
    for record in app.feed.data.changed_settings:
        values.update({key: value for key, value in record.items() if key in specs})

    def picked(name: str | None) -> None:
        if name is None:
            return
        spec = specs[name]

        def check(text: str) -> str:
            try:
                parse_value(spec, text)
            except AzulError as error:
                return str(error)
            return ""

        def entered(text: str | None) -> None:
            if text is not None:
                new = parse_value(spec, text)
                app.request("set", key=name, value=list(new) if isinstance(new, tuple) else new)
                app.notify(f"{name} {shown_value(new)}: sent to the run")

        now = typed_value(spec, values[name])
        app.push_screen(AskValue(name, now, help_text=spec.help, check=check), entered)

    longest = max(map(len, specs))
    choices = [(name, f"{name:<{longest}}  {shown_value(values[name])}") for name in specs]
    app.push_screen(Pick("Change a setting from the next iteration on", choices), picked)
