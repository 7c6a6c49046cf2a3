"""The menu: every job, what it does, its settings as a form, and a key to start it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.jobs.registry import jobs
from azul_tui.tui.frame import PLACES
from azul_tui.tui.menu_picture import MenuState, menu_body, ordered
from azul_tui.tui.screens.job_form import JobFormScreen

if TYPE_CHECKING:
    from textual import events

    from azul_tui.jobs.registry import JobSpec
    from azul_tui.tui.picture import Picture

FIRST_ENTRY = 6
"""Quick training is chosen at first."""


class MenuScreen(JobFormScreen):
    """Everything that the program does."""

    PLACE = "menu"
    BINDINGS: ClassVar = [
        Binding("enter", "start", "start"),
        Binding("tab", "other_side", "settings"),
        Binding("space", "cycle(1)", "next value"),
        Binding("t", "preset", "preset"),
        Binding("S", "save", "save as TOML"),
        Binding("u", "undo", "undo change", show=False),
        Binding("U", "undo_all", "undo all changes", show=False),
        Binding("slash", "filter", "filter settings", show=False),
        Binding("g", "begin", "start, also from the settings", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("left", "cycle(-1)", "previous value", show=False),
        Binding("right", "right", "next value, or to the settings", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
        Binding("escape", "back", "back to the entries", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.entries = ordered([spec for spec in jobs() if not spec.for_programs])
        numbers = [spec.number for spec in self.entries]
        self.chosen = numbers.index(FIRST_ENTRY) if FIRST_ENTRY in numbers else 0
        self.welcome: bool | None = None

    @property
    def spec(self) -> JobSpec:
        """The chosen entry."""
        return self.entries[self.chosen]

    def body(self, width: int, height: int) -> Picture:
        """Entries and details."""
        if self.welcome is None:
            self.welcome = not self.azul.has_runs()
        app = self.azul
        running = {
            app.job_names[name]: name
            for name, process in app.processes.items()
            if process.returncode is None
        }
        state = MenuState(
            entries=self.entries,
            chosen=self.chosen,
            form=self.form(),
            form_focused=self.form_focused,
            running=running,
            welcome=self.welcome,
            preset=self.presets.get(self.spec.name),
            signs=app.signs,
        )
        return menu_body(state, width, height)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the form are there while it has the focus."""
        if action in {"cycle", "undo", "undo_all", "filter"}:
            return self.form_focused
        if action in {"preset", "save"}:
            return self.spec.trains if action == "save" else self.spec.makes_run
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> str:
        """Why a key of the form does nothing now."""
        return {
            "save": "only the settings of a training can be saved; this entry has none of them",
            "preset": "only a new training has presets",
            "filter": "tab goes to the settings; there it filters them",
            "undo": "tab goes to the settings; there it undoes a change",
            "undo_all": "tab goes to the settings; there it undoes all changes",
        }.get(action, "")

    def describe(self, binding: Binding) -> str:
        """Enter edits in the form and starts in the list."""
        if binding.action == "start" and binding.key == "enter" and self.form_focused:
            return "edit value"
        if binding.action == "start" and binding.key == "enter" and self.running_here():
            return "look at it"
        if binding.action == "other_side" and self.form_focused:
            return "entries"
        return super().describe(binding)

    def running_here(self) -> str | None:
        """The folder in which the chosen job runs, started from here."""
        for name, job in self.azul.job_names.items():
            process = self.azul.processes.get(name)
            if job == self.spec.name and process is not None and process.returncode is None:
                return name
        return None

    def action_move(self, step: int) -> None:
        """Move in the list or in the form."""
        if self.form_focused:
            self.form().move(step)
        else:
            self.chosen = min(max(self.chosen + step, 0), len(self.entries) - 1)
        self.redraw()

    def action_other_side(self) -> None:
        """To the form and back."""
        if self.form().specs:
            self.form_focused = not self.form_focused
            self.redraw()

    def action_back(self) -> None:
        """Back to the list; a filter goes first."""
        if self.form_focused and self.form().filter:
            self.form().filter = ""
        else:
            self.form_focused = False
        self.redraw()

    def action_right(self) -> None:
        """Into the form, or the next value in it."""
        if self.form_focused:
            self.action_cycle(1)
        else:
            self.action_other_side()

    def action_start(self) -> None:
        """Start the chosen job, or edit the chosen setting."""
        if self.form_focused:
            spec = self.form().current()
            if spec is not None and not self.form().cycle(1):
                self.edit_value()
            self.redraw()
            return
        self.action_begin()

    def action_begin(self) -> None:
        """Start the chosen job, or look at it when it is running."""
        name = self.running_here()
        if name is not None:
            self.azul.show_job(self.spec, self.azul.job_paths[name])
            return
        self.run_worker(self._start(self.spec), name="start", exclusive=True)

    async def _start(self, spec: JobSpec) -> None:
        from azul_tui.tui.starting import start_spec

        if spec.name == "play":
            self._play()
            return
        if spec.needs_terminal:
            self.azul.run_in_terminal(spec.name, self.form().overrides())
            return
        paths = await start_spec(
            self.azul, spec, self.form().overrides(), preset=self.presets.get(spec.name)
        )
        if paths is not None:
            self.welcome = False
            self.azul.show_job(spec, paths)

    def _play(self) -> None:
        """Deal a game in the Play place, with the settings of the form."""
        from azul_tui.tui.play.open import open_play

        value = self.form().value
        open_play(
            self.azul,
            opponent=str(value("opponent")),
            simulations=int(str(value("simulations"))),
            seat=int(str(value("seat"))) - 1,
            players=int(str(value("num_players"))),
            seed=int(str(value("seed"))),
            start=True,
        )

    def on_key(self, event: events.Key) -> None:
        """A digit that is no place was meant for an entry: say how those are chosen."""
        digit = event.character or ""
        if digit.isdecimal() and digit not in {key for key, _, _ in PLACES}:
            event.stop()
            self.notify(
                f"digits go to the places {PLACES[0][0]} to {PLACES[-1][0]}; "
                "arrows choose an entry, enter starts it"
            )

    def on_click(self, event: events.Click) -> None:
        """A click chooses an entry."""
        picture = self.shown_lines()
        if event.screen_y >= len(picture):
            return
        text = "".join(part for part, _ in picture[event.screen_y])
        for index, spec in enumerate(self.entries):
            if spec.title in text[:44]:
                if index == self.chosen:
                    self.action_start()
                self.chosen, self.form_focused = index, False
                self.redraw()
                return
