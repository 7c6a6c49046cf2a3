"""The widget that shows a picture and writes only the cells that changed.

The terminal library repaints a changed span from the left edge of its widget. So a picture
is shown by several narrow widgets side by side, and what is written for a changed cell
begins at most a slice's width before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from rich.segment import Segment as RichSegment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from azul_tui.tui.palette import role_style
from azul_tui.tui.picture import Line, Picture, asciified, crop

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.tui.palette import Depth

SLICES = 12


class Slice(Widget):
    """Some columns of the picture of the view around it."""

    DEFAULT_CSS: ClassVar[str] = "Slice { width: 1fr; height: 1fr; }"

    @property
    def offset_x(self) -> int:
        """Column of the view at which this slice begins."""
        view = cast("PictureView", self.parent)
        return self.region.x - view.region.x

    def render_line(self, y: int) -> Strip:
        """This slice's part of one line."""
        view = cast("PictureView", self.parent)
        start = self.offset_x
        return view.strip(y).crop(start, start + self.size.width)


class PictureView(Widget):
    """Shows what `draw(width, height)` returns; `redraw()` asks for it again."""

    DEFAULT_CSS: ClassVar[str] = "PictureView { width: 1fr; height: 1fr; layout: horizontal; }"

    def __init__(
        self,
        draw: Callable[[int, int], Picture],
        depth: Depth,
        *,
        id: str | None = None,  # noqa: A002 - the library's name
        slices: int = SLICES,
        ascii_only: bool = False,
    ) -> None:
        super().__init__(*(Slice() for _ in range(slices)), id=id)
        self._draw = draw
        self._depth: Depth = depth
        self._ascii_only = ascii_only
        self._lines: Picture = []
        self._strips: list[Strip] = []

    @property
    def picture(self) -> Picture:
        """What is shown now."""
        return self._lines

    def strip(self, y: int) -> Strip:
        """Line `y` in the terminal library's form."""
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, role_style("", self._depth))

    def redraw(self) -> None:
        """Draw again and mark only the cells that differ."""
        width, height = self.size
        if width <= 0 or height <= 0:
            return
        new = crop(self._draw(width, height), width, height)
        if self._ascii_only:
            new = asciified(new)
        if len(new) != len(self._lines):
            self._lines, self._strips = new, [self._strip(line) for line in new]
            for part in self.slices:
                part.refresh()
            return
        changed: list[tuple[int, int, int]] = []
        for row, (line, old) in enumerate(zip(new, self._lines, strict=True)):
            if line == old:
                continue
            self._strips[row] = self._strip(line)
            changed.extend((row, start, stop) for start, stop in changed_cells(old, line))
        self._lines = new
        if changed:
            self._refresh_cells(changed)

    @property
    def slices(self) -> list[Slice]:
        """The widgets that show the picture, from the left."""
        return [child for child in self.children if isinstance(child, Slice)]

    def on_resize(self) -> None:
        """A new size is a new drawing."""
        self._lines, self._strips = [], []
        self.redraw()

    def _refresh_cells(self, changed: list[tuple[int, int, int]]) -> None:
        """Ask each slice to repaint its part of the changed cells."""
        for part in self.slices:
            left = part.offset_x
            right = left + part.size.width
            regions = [
                Region(max(start, left) - left, row, min(stop, right) - max(start, left), 1)
                for row, start, stop in changed
                if start < right and stop > left
            ]
            if regions:
                part.refresh(*regions)

    def _strip(self, line: Line) -> Strip:
        depth = self._depth
        return Strip([RichSegment(text, role_style(role, depth)) for text, role in line])


def changed_cells(old: Line, new: Line, gap: int = 6) -> list[tuple[int, int]]:
    """Half-open ranges of cells that differ between two lines of equal width.

    Ranges closer than `gap` cells are joined: moving the terminal's cursor costs
    about as many bytes as writing the cells between.
    """
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return [(0, max(len(before), len(after)))]
    ranges: list[tuple[int, int]] = []
    for index, (a, b) in enumerate(zip(before, after, strict=True)):
        if a == b:
            continue
        if ranges and index - ranges[-1][1] <= gap:
            ranges[-1] = (ranges[-1][0], index + 1)
        else:
            ranges.append((index, index + 1))
    return ranges


def _cells(line: Line) -> list[tuple[str, str]]:
    """One entry a cell; a wide character fills its second cell with nothing."""
    cells: list[tuple[str, str]] = []
    for text, role in line:
        if text.isascii() or cell_len(text) == len(text):
            cells.extend((character, role) for character in text)
            continue
        for character in text:
            cells.append((character, role))
            cells.extend([("", role)] * (cell_len(character) - 1))
    return cells
