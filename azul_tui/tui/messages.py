"""Every message that travels between the parts of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message


@dataclass
class RunAdvanced(Message):
    """The run that is followed has something new, or the clock went on."""

    bubble = False
    changed: bool


@dataclass
class RunSwitched(Message):
    """Another run is followed now; its name, empty for none."""

    bubble = False
    name: str


@dataclass
class JobEnded(Message):
    """A job that this dashboard started has ended."""

    bubble = False
    name: str
    code: int
