"""A question with a few answers, each by one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from azul_tui.tui.picture import wrapped
from azul_tui.tui.screens.box import BoxScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from azul_tui.tui.picture import Picture


class AskScreen(BoxScreen[str]):
    """Answers with the key that was chosen, None for escape.

    Args:
        question: One sentence.
        detail: What follows from the answers.
        choices: `(key, words)` of each answer.
        safe: The answer that enter gives.
    """

    BOX_TITLE: ClassVar[str] = "question"

    def __init__(
        self, question: str, detail: str, choices: Sequence[tuple[str, str]], *, safe: str
    ) -> None:
        super().__init__()
        self.question = question
        self.detail = detail
        self.choices = tuple(choices)
        self.safe = safe
        self._answered = False

    def lines(self, width: int) -> Picture:
        """Question, detail, answers."""
        picture: Picture = wrapped(self.question, width, "strong")
        if self.detail:
            picture.extend(wrapped(self.detail, width))
        picture.append(())
        for key, words in self.choices:
            mark = "  (enter)" if key == self.safe else ""
            picture.append(((f" {key} ", "key"), (words, ""), (mark, "quiet")))
        return picture

    def on_key(self, event: events.Key) -> None:
        """One key is one answer; those typed behind it, before the screen is gone, are none."""
        key = event.character or event.key
        answer = self.safe if event.key == "enter" else key
        if answer not in {choice for choice, _ in self.choices}:
            return
        event.stop()
        if not self._answered:
            self._answered = True
            self.dismiss(answer)
