"""A box with the networks that can be asked: the shipped player, runs, their checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding

from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import RESERVED_NAMES, SHIPPED_NAMES, RunPaths, run_folders
from azul_tui.runs.text import plain_text
from azul_tui.tui.checkpoints.seats import seats_of
from azul_tui.tui.checkpoints.shipped import shipped_rows
from azul_tui.tui.picture import Line, Picture, fit, shorten, text_line
from azul_tui.tui.screens.box import BoxScreen
from azul_tui.tui.table import first_visible

if TYPE_CHECKING:
    from pathlib import Path

    from textual import events


WIDTH = 70


class Choice(NamedTuple):
    """A network by the engine's name, and words about it."""

    name: str
    words: str
    players: int | None = None
    """Seats at the table that it is for; None when that is not known."""


PRESETS = {2: "laptop", 3: "three-players", 4: "four-players"}
"""Presets that train a network, by players at the table."""


def networks(runs_root: Path, players: int) -> list[Choice]:
    """The networks for a table of so many: the shipped one, then the runs' with the newest first.

    Of a run its best, then its checkpoints. A run that does not say for how many it plays is
    listed too: the engine knows, and says so.
    """
    found: list[Choice] = []
    if fits("pretrained", runs_root, players):
        found.append(Choice("pretrained", "came with the program", players))
    folders = sorted(run_folders(runs_root), key=_changed, reverse=True)
    for folder in folders:
        paths = RunPaths(folder)
        files = checkpoint_files(paths)
        if folder.name in RESERVED_NAMES or not (files or paths.best_model.is_file()):
            continue
        seats = seats_of(paths.config)
        if seats not in {None, players}:
            continue
        if paths.best_model.is_file():
            name = f"{folder.name}/{paths.best_model.name}"
            found.append(Choice(name, "the best of its run", seats))
        found.extend(
            Choice(f"{folder.name}/{file.name}", f"iteration {iteration:,}", seats)
            for iteration, file in reversed(files)
        )
    return found


def fits(name: str, runs_root: Path, players: int) -> bool:
    """Whether a network may sit at a table of so many; False only where that is known."""
    run = name.split("/", maxsplit=1)[0]
    if run == SHIPPED_NAMES[2]:  # the engine takes the shipped one of the table at hand
        return any(row.players == players for row in shipped_rows(runs_root))
    if run in RESERVED_NAMES:
        return run == SHIPPED_NAMES[players]
    return seats_of(RunPaths(runs_root / run).config) in {None, players}


def no_network(players: int) -> str:
    """That nobody can look at a table of so many, and what would change that."""
    return f"no network here is for {players} players; the preset {PRESETS[players]} trains one"


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


class NetworkBox(BoxScreen[str]):
    """Answers with a network's name, with nothing for none, None for escape.

    Args:
        title: What the network is for.
        chosen: The name under the pointer at first.
        players: Seats at the table; networks for others are not offered.
        with_none: Whether "none" is an answer.
    """

    BINDINGS: ClassVar = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
        Binding("enter", "take", "take it", show=False),
    ]
    ROOM: ClassVar[int] = 14

    def __init__(self, title: str, chosen: str, *, players: int, with_none: bool = False) -> None:
        super().__init__()
        self.players = players
        self.words = title
        self.with_none = with_none
        self.filter = ""
        self.index = 0
        self.first = 0
        self._chosen = chosen
        self._all: list[Choice] | None = None

    def choices(self) -> list[Choice]:
        """What the filter leaves."""
        if self._all is None:
            self._all = networks(self.azul.runs_root, self.players)
            if self.with_none:
                self._all.insert(0, Choice("", "none: one network alone"))
            names = [choice.name for choice in self._all]
            self.index = names.index(self._chosen) if self._chosen in names else 0
        words = self.filter.lower().split()
        return [
            choice
            for choice in self._all
            if all(word in f"{choice.name} {choice.words}".lower() for word in words)
        ]

    def lines(self, width: int) -> Picture:
        """The title, the filter and a window of the list."""
        found = self.choices()
        self.index = min(max(self.index, 0), max(0, len(found) - 1))
        room = max(3, min(self.ROOM, self.azul.size.height - 8))
        self.first = first_visible(self.index, len(found), room, self.first)
        typed = f"  /{plain_text(self.filter, 30)}" if self.filter else "  type to filter"
        head = ((self.words, "strong"), (typed, "quiet"))
        picture: Picture = [fit(head, min(width, WIDTH)), ()]
        signs = self.azul.signs
        for number in range(self.first, min(len(found), self.first + room)):
            choice = found[number]
            name = plain_text(choice.name, 80) or "none"
            words = choice.words.removeprefix("none: ")
            size = min(WIDTH - 26, max(10, width - 26))
            line = (
                (f"{signs.pointer if number == self.index else ' '} ", "key"),
                (f"{shorten(name, size, signs.ellipsis):<{size}}  ", ""),
                (words, "quiet"),
            )
            if number == self.index:
                fitted = fit(line, min(width, size + 26))
                line = tuple((text, "chosen") for text, _ in fitted)
            picture.append(line)
        if not found:
            words = "no network is called so" if self._all else no_network(self.players)
            picture.append(text_line(words, "quiet"))
        elif len(found) > room:
            picture.append(text_line(f"  {self.index + 1} of {len(found)}", "quiet"))
        return picture

    def keys(self) -> Line:
        """The keys of the bottom line."""
        return ((" enter", "key"), (" take it", ""), ("   esc", "key"), (" close", ""))

    def on_key(self, event: events.Key) -> None:
        """Letters filter the list."""
        if event.key == "backspace":
            self.filter = self.filter[:-1]
        elif event.is_printable and event.character and event.character != "?":
            self.filter += event.character
        else:
            return
        event.stop()
        self.index = 0
        self.redraw()

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        self.index += step
        self.redraw()

    def action_take(self) -> None:
        """Answer with the network under the pointer."""
        found = self.choices()
        if found:
            self.dismiss(found[self.index].name)
