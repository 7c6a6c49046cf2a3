"""Every command by its name: places and the keys of the screen below, found as one types."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.tui.forms.line import LineEditor
from azul_tui.tui.picture import fit, text_line
from azul_tui.tui.screens.box import BoxScreen
from azul_tui.tui.table import first_marked, with_marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import SystemCommand

    from azul_tui.tui.picture import Line, Picture

WIDTH = 56
ROWS = 14


class CommandsScreen(BoxScreen["SystemCommand"]):
    """Answers with the chosen command.

    Args:
        commands: All that can be done now.
    """

    BOX_TITLE: ClassVar[str] = "commands"
    BINDINGS: ClassVar = [
        Binding("up,ctrl+p", "move(-1)", "up", show=False),
        Binding("down,ctrl+n", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
    ]

    def __init__(self, commands: Sequence[SystemCommand]) -> None:
        super().__init__()
        self.commands = tuple(commands)
        self.line = LineEditor()
        self.chosen = 0
        self.first = 0

    def found(self) -> list[SystemCommand]:
        """Commands that contain every word, those that begin with the text first."""
        text = self.line.text.lower().strip()
        words = text.split()
        fitting = [c for c in self.commands if all(word in c.title.lower() for word in words)]
        return sorted(fitting, key=lambda c: not c.title.lower().startswith(text))

    def keys(self) -> Line:
        """The keys of the bottom line."""
        return ((" enter", "key"), (" do it", ""), ("   esc", "key"), (" close", ""))

    def lines(self, width: int) -> Picture:
        """The line that is typed, and as many commands as there is room for."""
        size = min(WIDTH, width)
        rows = max(1, min(ROWS, self.azul.size.height - 6))
        found = self.found()
        self.chosen = min(max(self.chosen, 0), max(0, len(found) - 1))
        self.first = first_marked(self.chosen, len(found), rows, self.first)
        listed: Picture = []
        for index, command in enumerate(found[self.first : self.first + rows], self.first):
            key = f"{command.help.removeprefix('key '):>9}  "
            here = index == self.chosen
            line: Line = ((key, "key"), (command.title, ""))
            listed.append(
                tuple((text, "chosen") for text, _ in fit(line, size)) if here else fit(line, size)
            )
        if not found:
            listed.append(text_line("no command has these words", "quiet"))
        stop = self.first + rows
        above = self.first + 1 if self.first else 0
        below = len(found) - stop + 1 if stop < len(found) else 0
        listed = with_marks(listed, above, below, size, self.azul.signs)
        return [self.line.drawn(size), *listed, *[()] * (rows - len(listed))]

    def action_move(self, step: int) -> None:
        """Another command."""
        self.chosen += step
        self.redraw()

    def on_key(self, event: events.Key) -> None:
        """Type to find, enter to do."""
        if event.key == "enter":
            event.stop()
            found = self.found()
            if found and self.is_active:
                self.dismiss(found[self.chosen])
        elif event.key not in {"up", "down"} and self.line.press(event.key, event.character):
            event.stop()
            self.chosen = 0
            self.redraw()

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted is typed."""
        event.stop()
        self.line.insert(event.text)
        self.redraw()
