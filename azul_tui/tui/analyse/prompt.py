"""The line in which a position is typed; a pasted position is taken as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.errors import NotationError
from azul_tui.runs.text import plain_text
from azul_tui.tui.analyse.text import read_position, refusal
from azul_tui.tui.screens.prompt import PromptScreen

if TYPE_CHECKING:
    from textual import events


class PositionPrompt(PromptScreen):
    """Answers with the text of a position; escape with nothing.

    Args:
        notation: What stands there at first.
    """

    def __init__(self, notation: str) -> None:
        super().__init__(
            "a position on one line; one that was copied, drawn on many lines too, can be pasted",
            "enter looks at it",
            notation,
            what_is_wrong,
        )

    def on_paste(self, event: events.Paste) -> None:
        """A whole position is the answer; anything else is typed into the line."""
        if "azul" in event.text:
            event.stop()
            event.prevent_default()
            self.dismiss(event.text)


def what_is_wrong(text: str) -> str | None:
    """Why `text` is no position to look at; None when it is one."""
    try:
        given = read_position(text)
    except NotationError as error:
        return plain_text(str(error), 300)
    return refusal(given.faults) if given.faults else None
