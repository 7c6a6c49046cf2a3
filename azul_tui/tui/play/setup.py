"""The setup of a game: who, how strong, where one sits, from which deal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from azul_tui.players.names import scripted_players
from azul_tui.runs.paths import SHIPPED_NAMES
from azul_tui.runs.text import plain_text
from azul_tui.tui.play.settings import PlaySettings, is_scripted, short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.checkpoints.row import CheckpointRow

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
    shipped = dict.fromkeys(row.run for row in rows if row.shipped and row.players == players)
    options.extend(Option(name, "the network that came with the program") for name in shipped)
    options.extend(Option(name, ABOUT.get(name, "")) for name in scripted_players(players))
    fits = [row for row in rows if not row.shipped and row.players in {None, players}]
    own = sorted(fits, key=lambda row: -row.changed)
    for row in own[:MAX_CHECKPOINTS]:
        about = f"iteration {row.iteration:,}" + (", the best of its run" if row.best else "")
        options.append(Option(player_of(row), about))
    return options


def player_of(row: CheckpointRow) -> str:
    """A checkpoint's name as the engine takes it."""
    return row.run if row.shipped else f"{row.run}/{row.file.name}"


@dataclass(slots=True)
class PlaySetup:
    """What is chosen before a game; `settings.seed` 0 draws a new seed each time."""

    settings: PlaySettings = field(default_factory=lambda: PlaySettings(seed=0))
    options: list[Option] = field(default_factory=list[Option])
    chosen: int = 0
    first: int = 0
    seats: dict[str, int] = field(default_factory=dict[str, int])
    """Players at the table that a run's networks are for, where it is known."""

    def rows(self) -> list[str]:
        """Names of the settings, in order."""
        names = ["opponent", "you play"]
        if self.settings.seat is None:
            names.append("first seat")
        if not all(map(is_scripted, self.settings.engine_players())):
            names.extend(["strength", "measured in"])  # scripted players have one strength
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
        self.seats = {row.run: row.players for row in rows if row.players is not None}
        self.options = player_options(rows, self.settings.players)

    def seats_for(self, name: str) -> int | None:
        """Players at the table that the network `name` is for; None when that is not known."""
        return None if is_scripted(name) else self.seats.get(name.split("/", maxsplit=1)[0])

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

    def asked(self, row: str) -> tuple[str, str] | None:
        """What is accepted for a row that can be typed, and its value; None for the others."""
        settings = self.settings
        if row == "strength" and settings.by_time:
            return "seconds a move", f"{settings.seconds:g}"
        if row in {"opponent", "first seat"}:
            note = "a scripted player, a run, run/checkpoint_iter_000040.pt, or a path"
            return note, settings.opponent if row == "opponent" else settings.partner
        return {
            "strength": ("simulations a move", str(settings.simulations)),
            "seed": ("a whole number; 0 draws a new one for each game", str(settings.seed)),
            "players": ("2, 3 or 4", str(settings.players)),
        }.get(row)

    def typed(self, row: str, text: str) -> tuple[PlaySettings, str | None]:
        """The settings with what was typed for a row, and what is wrong with it, if anything."""
        settings, word = self.settings, text.strip()
        if row in {"opponent", "first seat"}:
            if not word or " " in word:
                return settings, "a player's name has no blanks in it"
            seats = self.seats_for(word)
            if seats not in {None, settings.players}:
                return settings, f"{word} is for {seats} players, this table has {settings.players}"
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

    def repair(self) -> str:
        """Let players of whom it is known that they cannot sit at this table make room.

        Returns:
            Who made room for whom, in words; empty when nobody did.
        """
        told: list[str] = []
        names = [option.name for option in self.options]
        shipped = SHIPPED_NAMES.values()
        scripted = "greedy" if "greedy" in names else (names[0] if names else "greedy")
        known = {*ABOUT, *shipped}
        players = self.settings.players
        for row, name in (
            ("opponent", self.settings.opponent),
            ("first seat", self.settings.partner),
        ):
            strange = self.seats_for(name) not in {None, players}
            if names and (strange or (name in known and name not in names)):
                own = name in shipped and names[0] in shipped
                self.choose(row, names[0] if own else scripted)
                if row in self.rows() and not own:
                    told.append(f"{short_name(name)} does not play with {players}")
        return f"{' and '.join(told)}: {scripted} does" if told else ""
