"""Lines of text with roles as a widget of their own: what the chart and the Azul board draw on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style as RichStyle

    from azul_tui.tui.app import AzulApp
    from azul_tui.views.words import Spans


class Canvas(Widget):
    """Shows the lines that `paint` is given, and refreshes only the cells that changed."""

    ALLOW_SELECT = False
    LOOKS: ClassVar[Mapping[str, str]] = {}
    """What a role looks like, in the words and variables of the stylesheet; `a b` is both."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows: list[Spans] = []
        self._strips: dict[int, Strip] = {}
        self._styles: dict[str, RichStyle] = {}

    @property
    def azul(self) -> AzulApp:
        """The app, by its own type."""
        return cast("AzulApp", self.app)

    @property
    def text(self) -> str:
        """What is shown, without colours."""
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.rows) + "\n"

    def paint(self, rows: list[Spans]) -> None:
        """Show these lines."""
        old, self.rows = self.rows, rows
        changed: list[Region] = []
        for y, row in enumerate(rows):
            before = old[y] if y < len(old) else ()
            if before != row:
                self._strips.pop(y, None)
                left, right = _difference(before, row, self.size.width)
                changed.append(Region(left, y, right - left, 1))
        if changed:
            self.refresh(*changed)

    def notify_style_update(self) -> None:
        """Another theme has other colours."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def render(self) -> str:
        """Nothing: `render_line` draws."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One of the lines."""
        strip = self._strips.get(y)
        if strip is None or strip.cell_length != self.size.width:
            row = self.rows[y] if y < len(self.rows) else ()
            strip = Strip([Segment(text, self.style_of(role)) for text, role in row])
            strip = strip.simplify().adjust_cell_length(self.size.width, self.style_of(""))
            self._strips[y] = strip
        return strip

    def style_of(self, role: str) -> RichStyle:
        """What a role looks like under the present theme."""
        if role not in self._styles:
            style = self.visual_style
            for part in role.split():
                style += Style.parse(self.LOOKS[part], self.azul.theme_variables)
            self._styles[role] = style.rich_style
        return self._styles[role]


def _difference(before: Spans, after: Spans, width: int) -> tuple[int, int]:
    """The first column in which two lines differ, and the one behind the last."""
    old, new = ([(c, role) for text, role in line for c in text] for line in (before, after))
    if len(old) != len(new):
        return 0, width
    differ = [x for x, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    return differ[0], differ[-1] + 1
