"""The setup of a game: who, how strong, where one sits, from which deal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from azul_tui.players.names import scripted_players
from azul_tui.runs.text import plain_text
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Line, Picture, beside, shorten, text_line, wrapped
from azul_tui.tui.play_settings import PlaySettings, short_name
from azul_tui.tui.table import first_visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.checkpoint_list import CheckpointRow
    from azul_tui.tui.signs import Signs

ABOUT: Final = {
    "random": "any legal move",
    "naive": "the largest group, the fewest on the floor",
    "heuristic": "weighs lines, neighbours and the floor",
    "greedy": "the most points at once",
    "alphabeta-easy": "one move ahead",
    "alphabeta-medium": "two moves ahead",
    "alphabeta-hard": "three moves ahead",
    "alphabeta-extreme": "four moves ahead",
    "uct-1000": "a thousand random games a move",
    "planner": "plans the round, the strongest of these",
}
SEATS: Final = ("first", "second", "third", "fourth")
WATCH: Final = "you watch"
MAX_CHECKPOINTS: Final = 200


@dataclass(frozen=True, slots=True)
class Option:
    """A player that can be chosen."""

    name: str
    """As the engine takes it."""
    about: str


def player_options(rows: Sequence[CheckpointRow], players: int) -> list[Option]:
    """The shipped player, the scripted ones, then checkpoints with the newest first."""
    options: list[Option] = []
    if players == 2 and any(row.shipped for row in rows):
        options.append(Option("pretrained", "the network that came with the program"))
    options.extend(Option(name, ABOUT.get(name, "")) for name in scripted_players(players))
    own = sorted((row for row in rows if not row.shipped), key=lambda row: -row.changed)
    for row in own[:MAX_CHECKPOINTS]:
        about = f"iteration {row.iteration:,}" + (", the best of its run" if row.best else "")
        options.append(Option(player_of(row), about))
    return options


def player_of(row: CheckpointRow) -> str:
    """A checkpoint's name as the engine takes it."""
    return "pretrained" if row.shipped else f"{row.run}/{row.file.name}"


@dataclass(slots=True)
class PlaySetup:
    """What is chosen before a game; `settings.seed` 0 draws a new seed each time."""

    settings: PlaySettings = field(default_factory=lambda: PlaySettings(seed=0))
    options: list[Option] = field(default_factory=list[Option])
    chosen: int = 0
    first: int = 0

    def rows(self) -> list[str]:
        """Names of the settings, in order."""
        names = ["opponent", "you play"]
        if self.settings.seat is None:
            names.append("first seat")
        names.extend(["strength", "measured in"])
        names.append("position" if self.settings.notation else "players")
        names.append("seed")
        return names

    @property
    def row(self) -> str:
        """The setting under the pointer."""
        rows = self.rows()
        self.chosen = min(max(self.chosen, 0), len(rows) - 1)
        return rows[self.chosen]

    def move(self, step: int) -> None:
        """Move the pointer."""
        self.chosen = min(max(self.chosen + step, 0), len(self.rows()) - 1)

    def value(self, row: str) -> str:
        """The value of a setting in words."""
        settings = self.settings
        if row == "opponent":
            return short_name(plain_text(settings.opponent, 200))
        if row == "first seat":
            return short_name(plain_text(settings.partner, 200))
        if row == "you play":
            return WATCH if settings.seat is None else SEATS[settings.seat]
        if row == "strength":
            return settings.strength_words
        if row == "measured in":
            return "seconds a move" if settings.by_time else "simulations a move"
        if row == "players":
            return str(settings.players)
        if row == "position":
            return f"one that was given, for {settings.players}"
        return str(settings.seed) if settings.seed else "a new one each game"

    def note(self, row: str) -> str:
        """What a setting means."""
        settings = self.settings
        if row in {"opponent", "first seat"}:
            name = settings.opponent if row == "opponent" else settings.partner
            about = next((o.about for o in self.options if o.name == name), "")
            seats = "the other seats" if row == "opponent" else "the first seat while you watch"
            return f"who plays {seats}" + (f": {about}" if about else "")
        return {
            "you play": "your seat; the first seat moves first in round 1",
            "strength": "of networks; scripted players have one strength",
            "measured in": "how the strength of a network is measured",
            "players": "two to four at the table",
            "position": "the game goes on from it; any arrow takes a new deal instead",
            "seed": "decides what is dealt; the same seed deals the same game",
        }[row]

    def list_players(self, rows: Sequence[CheckpointRow]) -> None:
        """Know who can be chosen."""
        self.options = player_options(rows, self.settings.players)

    def choose(self, row: str, name: str) -> None:
        """Choose a player for the opponent's or the first seat."""
        if row == "first seat":
            self.settings = replace(self.settings, partner=name)
        else:
            self.settings = replace(self.settings, opponent=name)

    def change(self, step: int) -> None:
        """The next or previous value under the pointer."""
        row, settings = self.row, self.settings
        if row in {"opponent", "first seat"}:
            names = [option.name for option in self.options]
            now = settings.opponent if row == "opponent" else settings.partner
            place = names.index(now) + step if now in names else 0
            if names:
                self.choose(row, names[place % len(names)])
        elif row == "you play":
            seats: list[int | None] = [*range(settings.players), None]
            place = (seats.index(settings.seat) + step) % len(seats)
            self.settings = replace(settings, seat=seats[place])
        elif row == "strength":
            self.settings = settings.stronger(step)
        elif row == "measured in":
            self.settings = replace(settings, by_time=not settings.by_time)
        elif row == "players":
            self._seat_players(2 + (settings.players - 2 + step) % 3)
        elif row == "position":
            self.settings = replace(settings, notation="")
        else:
            self.settings = replace(settings, seed=max(0, settings.seed + step))

    def _seat_players(self, players: int) -> None:
        """Change the size of the table; who cannot sit there any more makes room."""
        seat = self.settings.seat
        seat = None if seat is None else min(seat, players - 1)
        self.settings = replace(self.settings, players=players, seat=seat)

    def typed(self, row: str, text: str) -> tuple[PlaySettings, str | None]:
        """The settings with what was typed for a row, and what is wrong with it, if anything."""
        settings, word = self.settings, text.strip()
        if row in {"opponent", "first seat"}:
            if not word or " " in word:
                return settings, "a player's name has no blanks in it"
            field_name = "opponent" if row == "opponent" else "partner"
            return replace(settings, **{field_name: word}), None
        try:
            number = float(word.replace(",", ""))
        except ValueError:
            return settings, f"{row} must be a number"
        if row == "strength" and settings.by_time:
            if not 0.1 <= number <= 600:
                return settings, "a move may take 0.1 to 600 seconds"
            return replace(settings, seconds=number), None
        if number != int(number):
            return settings, f"{row} must be a whole number"
        whole = int(number)
        low, high = {"strength": (1, 100_000), "seed": (0, 2**31 - 1), "players": (2, 4)}[row]
        if not low <= whole <= high:
            return settings, f"{row} must be {low:,} to {high:,}"
        name = {"strength": "simulations", "seed": "seed", "players": "players"}[row]
        changed = replace(settings, **{name: whole})
        if row == "players" and settings.seat is not None:
            changed = replace(changed, seat=min(settings.seat, whole - 1))
        return changed, None

    def repair(self) -> None:
        """Let players of whom it is known that they cannot sit at this table make room."""
        names = [option.name for option in self.options]
        fallback = "greedy" if "greedy" in names else (names[0] if names else "greedy")
        known = {*ABOUT, "pretrained"}
        for row, name in (
            ("opponent", self.settings.opponent),
            ("first seat", self.settings.partner),
        ):
            if names and name in known and name not in names:
                self.choose(row, fallback)


def form_width(width: int) -> int:
    """Cells of the form; the list of players has the rest, if there is room for one."""
    return min(50, width // 2) if width >= 76 else width


def click_setup(setup: PlaySetup, x: int, y: int, width: int) -> bool:
    """Choose what lies at a cell of the body that `setup_body` drew; False when nothing does."""
    rows, left = setup.rows(), form_width(width)
    if x < left:
        if not 0 <= y - 2 < len(rows):
            return False
        if rows[y - 2] == setup.row:
            setup.change(1)
        setup.chosen = y - 2
        return True
    option = setup.first + y - 1
    if y < 1 or not 0 <= option < len(setup.options):
        return False
    setup.choose(setup.row, setup.options[option].name)
    return True


def setup_body(
    setup: PlaySetup, width: int, height: int, signs: Signs, *, game_waits: bool
) -> Picture:
    """The body of the screen before a game."""
    left = form_width(width)
    form = panel(
        _form(setup, left - 4, height - 2, signs, game_waits=game_waits),
        (("a new game", "title"),),
        (),
        left,
        height,
        signs,
    )
    if left == width:
        return form
    right = width - left
    row = setup.row if setup.row == "first seat" else "opponent"
    chosen = setup.settings.opponent if row == "opponent" else setup.settings.partner
    title: Line = ((row, "title"), (f" {signs.horizontal * 2} ", "frame"), (setup.value(row), ""))
    listed = _options(setup, chosen, right - 4, height - 2, signs)
    return beside(form, left, panel(listed, title, (), right, height, signs))


def _form(setup: PlaySetup, width: int, height: int, signs: Signs, *, game_waits: bool) -> Picture:
    picture: Picture = [()]
    for row in setup.rows():
        here = row == setup.row
        value = shorten(setup.value(row), width - 16, signs.ellipsis)
        picture.append(
            (
                (f" {signs.pointer if here else ' '} ", "key"),
                (f"{row:<13}", "chosen" if here else ""),
                (f" {value}", "chosen" if here else "strong"),
            )
        )
    picture.append(())
    picture.extend(_indented(wrapped(setup.note(setup.row), width - 3, "quiet")))
    words = "enter deals. In the game a move is three keys: factory or C, colour, line or F."
    tail = wrapped(words, width - 3, "")
    if game_waits:
        tail += wrapped("escape goes back to the game that is on.", width - 3, "")
    if len(picture) + len(tail) + 1 <= height:
        picture.append(())
        picture.extend(_indented(tail))
    return picture


def _indented(picture: Picture) -> Picture:
    return [(("   ", ""), *line) for line in picture]


def _options(setup: PlaySetup, chosen: str, width: int, height: int, signs: Signs) -> Picture:
    options = setup.options
    if not options:
        return [text_line(" looking for players", "quiet")]
    names = [option.name for option in options]
    at = names.index(chosen) if chosen in names else 0
    setup.first = first_visible(at, len(options), height, setup.first)
    shown = options[setup.first : setup.first + height]
    room = min(34, max(len(short_name(option.name)) for option in options))
    # Words that are cut tell less than none: the form tells them of the chosen player.
    described = max(len(option.about) for option in options) <= width - room - 5
    picture: Picture = []
    for option in shown:
        here = option.name == chosen
        name = shorten(short_name(plain_text(option.name, 200)), room, signs.ellipsis)
        picture.append(
            (
                (f" {signs.pointer if here else ' '} ", "key"),
                (f"{name:<{room}}", "chosen" if here else "strong"),
                (f"  {option.about}" if described else "", "quiet"),
            )
        )
    return picture
