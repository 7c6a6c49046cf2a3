"""Typing the value of one setting, checked as it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.errors import ConfigError
from azul_tui.tui.forms.settings import parse_value, typed_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.config import SettingSpec, SettingValue
    from azul_tui.tui.app import AzulApp
    from azul_tui.tui.forms.settings import SettingsForm


def ask_value(
    app: AzulApp,
    form: SettingsForm,
    done: Callable[[SettingSpec, SettingValue], object],
    *,
    title: str = "",
    check: Callable[[str], str | None] | None = None,
) -> None:
    """Ask for the value of the setting under the form's pointer, and put it into the form.

    Args:
        app: The dashboard.
        form: The settings.
        done: Told of the value that was entered; of none when the person went away.
        title: Above the line; the setting's name unless told otherwise.
        check: Says what is wrong with a text; the setting's own rules unless told otherwise.
    """
    from azul_tui.tui.screens.prompt import PromptScreen

    spec = form.current()
    if spec is None:
        return

    def problem(text: str) -> str | None:
        try:
            parse_value(spec, text)
        except ConfigError as error:
            return str(error)
        return None

    def typed(text: str | None) -> None:
        if text is not None:
            value = parse_value(spec, text)
            form.set(spec.name, value)
            done(spec, value)

    note = spec.help if check is not None else f"{spec.help} Accepted: {spec.accepted()}."
    value = typed_value(spec, form.value(spec.name))
    app.push_screen(PromptScreen(title or spec.name, note, value, check or problem), typed)
