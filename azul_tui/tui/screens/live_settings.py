"""Settings that may change while a run goes on, edited in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.config import SettingSpec, load_stored_config, training_settings
from azul_tui.errors import AzulError
from azul_tui.tui.forms.settings import SettingsForm, draw_form
from azul_tui.tui.picture import text_line
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from azul_tui.config import SettingValue
    from azul_tui.tui.picture import Picture


class LiveSettingsScreen(PictureScreen):
    """The live settings of the followed run; each change is sent at once."""

    PLACE = "training"
    BINDINGS: ClassVar = [
        Binding("enter,space", "edit", "change"),
        Binding("escape,e,q", "close", "back", priority=True),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.form: SettingsForm | None = None
        self.sent: dict[str, SettingValue] = {}

    def make_form(self) -> SettingsForm | None:
        """The form over the run's own settings."""
        feed = self.azul.feed
        if self.form is None and feed is not None:
            live = [spec for spec in training_settings() if spec.live]
            try:
                config, _ = load_stored_config(feed.paths.config)
                base = {spec.name: getattr(config, spec.name) for spec in live}
            except AzulError:
                # A run whose settings cannot be read is still listening.
                base = {spec.name: spec.default for spec in live}
            for record in feed.data.changed_settings:
                base.update({k: v for k, v in record.items() if k in base})
            self.form = SettingsForm.of(live, base)
        return self.form

    def body(self, width: int, height: int) -> Picture:
        """The form, and what became of the changes."""
        form = self.make_form()
        if form is None:
            return [text_line(" no run is looked at", "quiet")]
        head: Picture = [
            text_line(
                " settings of a run that goes on; a change is sent when you enter it", "title"
            ),
            (),
        ]
        answers = self.answers()
        room = height - len(head) - len(answers) - 1
        lines = [
            *head,
            *draw_form(form, width - 2, room, focused=True, signs=self.azul.signs, help_first=True),
        ]
        lines.extend([()] * (height - len(lines) - len(answers)))
        return [*lines, *answers]

    def answers(self) -> Picture:
        """The run's answers to what was sent, the newest last."""
        feed = self.azul.feed
        if feed is None or not self.sent:
            return []
        kinds = {"setting", "control"}
        # That a request was accepted says less than the change that follows.
        told = [h for h in feed.data.happenings if h.kind == "setting" or h.level != "info"]
        found = [h for h in told if h.kind in kinds][-4:]
        role = {"info": "good", "warning": "warning"}
        lines = [text_line(f" {h.text}", role.get(h.level, "")) for h in found]
        return [text_line(" the run answers", "quiet"), *lines]

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        form = self.make_form()
        if form is not None:
            form.move(step)
            self.redraw()

    def action_edit(self) -> None:
        """Type or switch the chosen value, and send it."""
        from azul_tui.tui.screens.value_prompt import ask_value

        form = self.make_form()
        spec = form.current() if form is not None else None
        if form is None or spec is None:
            return
        if form.cycle(1):
            self.send(spec, form.value(spec.name))
            return
        ask_value(self.azul, form, self.send, title=f"{spec.name}, from the next iteration on")

    def send(self, spec: SettingSpec, value: SettingValue) -> None:
        """Ask the run for the change."""
        self.sent[spec.name] = value
        self.azul.request(
            "set", key=spec.name, value=list(value) if isinstance(value, tuple) else value
        )
        self.redraw()

    def action_close(self) -> None:
        """Back to the training screen."""
        self.dismiss(None)
