"""Ways into the Analyse place: what another place hands over when it goes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.tui.app import AzulApp


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyseRequest:
    """What to look at; what is empty stays as it is."""

    notation: str = ""
    """A position, on one line or drawn."""
    checkpoint: str = ""
    """The network that looks at it, by a name that the engine knows (see `player_name`)."""
    compare: str = ""
    """A second network beside it."""


class AnalyseAsked(Message):
    """The Analyse place is shown already and has a request to look at."""


def open_analyse(
    app: AzulApp, *, notation: str = "", checkpoint: str = "", compare: str = ""
) -> None:
    """Go to the Analyse place and look at a position, with a network, or with two."""
    app.analyse_request = AnalyseRequest(notation=notation, checkpoint=checkpoint, compare=compare)
    if app.current_mode == "analyse":
        app.screen.post_message(AnalyseAsked())
    else:
        app.action_go("analyse")  # which looks for requests when it comes back


def player_name(file: Path, runs_root: Path) -> str:
    """The name under which the engine finds the checkpoint `file`."""
    from azul_tui.runs.paths import SHIPPED_NAMES, pretrained_directory

    for players, name in SHIPPED_NAMES.items():
        if file.parent in {runs_root / name, pretrained_directory(players)}:
            return name
    if file.parent.parent == runs_root:
        return f"{file.parent.name}/{file.name}"
    return str(file)
