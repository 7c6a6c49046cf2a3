"""Every message that travels between the parts of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from azul_tui.views.charts import View


class RunAdvanced(Message, bubble=False):
    """The run that is followed has something new, or the clock went on. To the shown screens."""


class RunSwitched(Message, bubble=False):
    """Another run is followed now, or none. To the shown screens."""


class JobChanged(Message, bubble=False):
    """A job of this dashboard was started or has ended. To the shown screens."""


@dataclass
class ChartViewed(Message):
    """A chart was zoomed, panned, smoothed: the screen may give its view to the others."""

    view: View


@dataclass
class ChartExported(Message):
    """A chart is to be written to a file: `csv`, `txt` or `svg`."""

    kind: str
    content: str
    name: str


@dataclass
class TilePicked(Message):
    """A tile was clicked: a source (factories, then the centre) and a colour, from 0."""

    source: int
    color: int


@dataclass
class LinePicked(Message):
    """A pattern line (0 to 4) or the floor (5) of a seat was clicked."""

    seat: int
    line: int


@dataclass
class FormChanged(Message):
    """A setting of a form was changed; its name."""

    name: str
