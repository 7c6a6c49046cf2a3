"""The short question before a finished run goes on: how many more iterations, or minutes?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.config import training_settings
from azul_tui.errors import ConfigError
from azul_tui.runs.text import plain_text
from azul_tui.tui.forms.settings import parse_value, typed_value
from azul_tui.tui.screens.prompt import PromptScreen

if TYPE_CHECKING:
    from azul_tui.config import SettingValue
    from azul_tui.tui.forms.resume import Further, ResumePlan
    from azul_tui.tui.picture import Line

WHOLE_FORM = "all settings"
"""The answer of whoever wants to change more than that."""


class HowManyMoreScreen(PromptScreen):
    """Answers with a number in text, with `WHOLE_FORM`, or with None for escape.

    Args:
        plan: What would be resumed.
        further: The limit that has to be raised.
    """

    BINDINGS: ClassVar = [Binding("tab", "whole_form", "all settings", show=False)]

    def __init__(self, plan: ResumePlan, further: Further) -> None:
        self.further = further
        self.spec = next(spec for spec in training_settings() if spec.name == further.setting)
        name = plain_text(plan.paths.name, 64)
        done = typed_value(self.spec, self._value(further.done))
        super().__init__(
            f"how many more {further.unit}?",
            f"{name} has finished its {done} {further.unit} and goes on from its newest "
            "checkpoint, with the settings that it had.",
            typed_value(self.spec, self._value(further.more)),
            self._problem,
        )

    def _value(self, number: float) -> SettingValue:
        return int(number) if self.spec.kind == "int" else float(number)

    def keys(self) -> Line:
        """The keys of the bottom line."""
        return (
            *((" enter", "key"), (" go on", ""), ("   tab", "key"), (f" {WHOLE_FORM}", "")),
            *(("   esc", "key"), (" leave it", "")),
        )

    def limit(self, text: str) -> SettingValue:
        """The raised limit for what was typed.

        Raises:
            ConfigError: It is no number, or none that can be added.
        """
        kind = "a whole number" if self.spec.kind == "int" else "a number"
        try:
            more = float(text.replace(",", "").replace(" ", ""))
        except ValueError:
            more = 0.0
        if not 0 < more < math.inf or (self.spec.kind == "int" and more != int(more)):
            usual = typed_value(self.spec, self._value(self.further.more))
            raise ConfigError(f"{kind} above 0 would do, such as {usual}")
        return parse_value(self.spec, str(self._value(self.further.done + more)))

    def _problem(self, text: str) -> str | None:
        try:
            self.limit(text)
        except ConfigError as error:
            return str(error)
        return None

    def action_whole_form(self) -> None:
        """Everything that may change, as a form."""
        self.dismiss(WHOLE_FORM)
