"""Going on with a run: how many iterations more, with which settings, under which name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.tui.forms.resume import NAME, name_problem, plan_lines, resume_form
from azul_tui.tui.forms.settings import draw_form
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from azul_tui.tui.forms.resume import ResumePlan
    from azul_tui.tui.picture import Picture


class ResumeScreen(PictureScreen):
    """The form before a run goes on; answers with the run that was started.

    Args:
        plan: What would be resumed.
    """

    PLACE = "training"
    BINDINGS: ClassVar = [
        Binding("g", "start", "start"),
        Binding("enter,space", "edit", "change"),
        Binding("u", "undo", "undo change"),
        Binding("escape,q", "close", "back", priority=True),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
    ]

    def __init__(self, plan: ResumePlan) -> None:
        super().__init__()
        self.plan = plan
        self.form = resume_form(plan)

    def body(self, width: int, height: int) -> Picture:
        """What will happen, and the form."""
        head = plan_lines(self.plan, width)
        room = max(1, height - len(head))
        form = draw_form(
            self.form, width - 2, room, focused=True, signs=self.azul.signs, help_first=True
        )
        return [*head, *form]

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        self.form.move(step)
        self.redraw()

    def action_undo(self) -> None:
        """The chosen setting as the run has it."""
        spec = self.form.current()
        if spec is not None:
            self.form.changes.pop(spec.name, None)
            self.redraw()

    def action_edit(self) -> None:
        """Type or switch the chosen value."""
        from azul_tui.tui.screens.value_prompt import ask_value

        form, spec = self.form, self.form.current()
        if spec is None:
            return
        if form.cycle(1):
            self.redraw()
            return

        def name_check(text: str) -> str | None:
            return name_problem(self.azul.runs_root, text)

        check = name_check if spec is NAME else None
        ask_value(self.azul, form, lambda _spec, _value: self.redraw(), check=check)

    def action_start(self) -> None:
        """Let the run go on."""
        self.run_worker(self._start(), name="resume", exclusive=True)

    async def _start(self) -> None:
        from azul_tui.tui.forms.settings import toml_value
        from azul_tui.tui.starting import start_as_new, start_resume

        changes = {name: value for name, value in self.form.changes.items() if name != "name"}
        overrides = [f"{name}={toml_value(value)}" for name, value in changes.items()]
        plan = self.plan
        if plan.as_new:
            name = str(self.form.value("name"))
            started = await start_as_new(
                self.azul, plan.paths, plan.checkpoint, name=name, overrides=overrides
            )
        else:
            started = await start_resume(self.azul, plan.paths, plan.checkpoint, overrides)
        if started is not None:
            self.dismiss(started)

    def action_close(self) -> None:
        """Back, with nothing started."""
        self.dismiss(None)
