"""All keys of a screen, from the bindings themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from azul_tui.tui.frame import PLACES
from azul_tui.tui.picture import Line, Picture, fit, line_width
from azul_tui.tui.screens.box import BoxScreen
from azul_tui.tui.screens.place import PictureScreen, key_word
from azul_tui.tui.table import with_marks

if TYPE_CHECKING:
    from textual.screen import Screen


class KeysScreen(BoxScreen[None]):
    """What each key does on the screen below."""

    BOX_TITLE: ClassVar[str] = "all keys"
    BINDINGS: ClassVar = [
        Binding("question_mark,enter,q", "close", "close", show=False, priority=True),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self.below = below
        self.first = 0

    def entries(self) -> list[tuple[str, str, bool]]:
        """`(key, words, works now)`: this screen's first, then those that work everywhere."""
        ascii_only = self.azul.signs.ascii
        found: list[tuple[str, str, bool]] = []
        below = self.below
        if isinstance(below, PictureScreen):
            found.extend(
                (
                    key_word(b.key, ascii_only=ascii_only),
                    below.describe(b),
                    bool(below.check_action(b.action.split("(")[0], ())),
                )
                for b in below.own_bindings()
                if b.description
            )
            if below.MOUSE:
                found.append(("mouse", below.MOUSE, True))
        places = f"{PLACES[0][0]} to {PLACES[-1][0]}"
        if isinstance(below, PictureScreen):
            places = below.place_keys()
        everywhere = (
            (places, "places: " + ", ".join(title for _, _, title in PLACES)),
            ("^p", "search every command"),
            ("^l", "paint the screen anew"),
            ("^z", "suspend; fg in the shell comes back"),
            ("q", "leave"),
            ("?", "these keys"),
        )
        found.extend((key, words, True) for key, words in everywhere)
        return found

    def lines(self, width: int) -> Picture:
        """Keys in one column, or two where there are many."""
        entries = self.entries()
        room = self.azul.size.height - 4
        size = max(8, *(len(key) for key, _, _ in entries))
        cells: list[Line] = [
            ((f"{key:>{size}}  ", "key" if works else "quiet"), (words, "" if works else "quiet"))
            for key, words, works in entries
        ]
        widest = max(line_width(cell) for cell in cells)
        if len(cells) <= room or widest * 2 + 3 > width:
            return list(cells)
        half = (len(cells) + 1) // 2
        return [
            (*fit(cells[row], widest + 3), *(cells[row + half] if row + half < len(cells) else ()))
            for row in range(half)
        ]

    def window_of(self, content: Picture, room: int) -> Picture:
        """A window of the keys when they do not all fit."""
        self.first = min(max(0, self.first), max(0, len(content) - room))
        shown = content[self.first : self.first + max(0, room)]
        stop = self.first + len(shown)
        above = self.first + 1 if self.first else 0
        below = len(content) - stop + 1 if stop < len(content) else 0
        width = max((line_width(line) for line in content), default=0)
        return with_marks(shown, above, below, width, self.azul.signs, noun="line")

    def action_move(self, step: int) -> None:
        """Scroll."""
        self.first += step
        self.redraw()
