"""Who plays whom and how strong, and the game that is kept.

The game is kept in `RUNS/.play/game.json` after every move: who plays, the deal and the moves, from
which the positions follow by the rules. What is in the file may come from anywhere and is checked.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from azul_tui.config.setting import SettingSpec
from azul_tui.errors import AzulError, ConfigError, PlayerError
from azul_tui.game.notation import parse_move, parse_position
from azul_tui.players.names import parse_player_name, scripted_players
from azul_tui.runs.files import read_bounded, write_bytes_atomically
from azul_tui.runs.text import plain_text
from azul_tui.views import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.views.checkpoint_list import CheckpointRow

SEATS: Final = ("first", "second", "third", "fourth")
WATCH: Final = "watch"
SPECS: Final = {
    "opponent": SettingSpec(
        name="opponent", kind="player", default="pretrained",
        help="Who plays the other seats: a scripted player, a run, or a checkpoint.",
    ),
    "seat": SettingSpec(
        name="you play", kind="choice", default="first", choices=(*SEATS, WATCH),
        help="Your seat; the first one moves first in round 1.",
    ),
    "partner": SettingSpec(
        name="first seat", kind="player", default="greedy",
        help="Who plays the first seat while you watch.",
    ),
    "players": SettingSpec(
        name="players", kind="int", default=2, minimum=2, maximum=4, help="Seats at the table.",
    ),
    "by_time": SettingSpec(
        name="strength by", kind="choice", default="simulations", choices=("simulations", "time"),
        help="How the strength of a network is measured; scripted players have one strength.",
    ),
    "simulations": SettingSpec(
        name="simulations", kind="int", default=100, minimum=1, maximum=100_000,
        help="Simulations of a network's search for a move.",
    ),
    "seconds": SettingSpec(
        name="seconds a move", kind="float", default=2.0, minimum=0.1, maximum=600.0,
        help="Time of a network for a move.",
    ),
    "seed": SettingSpec(
        # The engine takes up to twice that; every move adds one.
        name="seed", kind="int", default=0, minimum=0, maximum=2**62,
        help="Decides what is dealt: the same seed deals the same game; 0 draws a new one.",
    ),
}  # fmt: skip
"""What a person chooses before a game, by the field of `PlaySettings`."""
STRENGTHS: Final = (1, 8, 16, 32, 64, 100, 200, 400, 800, 1_600, 3_200, 6_400)
TIMES: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
ABOUT: Final = {
    "random": "any legal move",
    "naive": "the largest group",
    "heuristic": "weighs lines and the floor",
    "greedy": "the most points at once",
    "alphabeta-easy": "one move ahead",
    "alphabeta-medium": "two moves ahead",
    "alphabeta-hard": "three moves ahead",
    "alphabeta-extreme": "four moves ahead",
    "uct-1000": "plays 1,000 random games",
    "planner": "plans the whole round",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaySettings:
    """Everything that decides a game besides the moves."""

    opponent: str = "pretrained"
    seat: int | None = 0
    """The person's seat; None watches."""
    partner: str = "greedy"
    players: int = 2
    by_time: bool = False
    simulations: int = 100
    seconds: float = 2.0
    seed: int = 1
    notation: str = ""
    """The position to play on from; empty for a new game."""

    @property
    def base(self) -> str:
        """The first position in the words of the engine's protocol."""
        if self.notation:
            return f"{self.notation} seed={self.seed} setup=1"
        return f"new players={self.players} seed={self.seed}"

    def player_at(self, seat: int) -> str | None:
        """Name of the player that the engine plays on `seat`; None for the person's."""
        if self.seat is None:
            return self.partner if seat == 0 else self.opponent
        return None if seat == self.seat else self.opponent

    def engine_players(self) -> tuple[str, ...]:
        """Every player that the engine plays, each once."""
        return tuple(dict.fromkeys([self.opponent] + [self.partner] * (self.seat is None)))

    @property
    def scripted(self) -> bool:
        """Whether no network plays: nobody has a strength to choose, or a value to tell."""
        return all(map(is_scripted, self.engine_players()))

    @property
    def strength(self) -> str:
        """The strength in the words of the protocol."""
        return f"seconds={self.seconds:g}" if self.by_time else f"simulations={self.simulations}"

    @property
    def strength_words(self) -> str:
        """The strength for a person."""
        if self.by_time:
            return f"{self.seconds:g} s a move"
        return words.plural(self.simulations, "simulation")

    def stronger(self, step: int) -> PlaySettings:
        """The next (1) or previous (-1) strength; the ends stay where they are."""
        steps: Sequence[float] = TIMES if self.by_time else STRENGTHS
        now = self.seconds if self.by_time else self.simulations
        beyond = [s for s in steps if (s > now if step > 0 else s < now)]
        value = (min(beyond) if step > 0 else max(beyond)) if beyond else now
        if self.by_time:
            return replace(self, seconds=value)
        return replace(self, simulations=int(value))


def is_scripted(player: str) -> bool:
    """Whether `player` follows a rule instead of a network."""
    try:
        parse_player_name(player)
    except PlayerError:
        return False
    return True


def short_name(player: str) -> str:
    """A player for a person: `night iteration 40` for one of a run's checkpoints."""
    parts = plain_text(player, 300).rstrip("/").split("/")
    head, sep, number = parts[-1].removesuffix(".pt").partition("checkpoint_iter_")
    if sep and not head and number.isdigit():
        return " ".join([*parts[-2:-1], "iteration", f"{int(number):,}"])
    return " ".join(parts[-2:]).removesuffix(".pt")


def player_name(file: Path, root: Path) -> str:
    """A checkpoint's name as the engine takes it; the path of one outside the folder of runs."""
    known = file.parent.parent.absolute() == root.absolute()
    return f"{file.parent.name}/{file.name}" if known else str(file.absolute())


def player_options(
    rows: Sequence[CheckpointRow], players: int, root: Path
) -> list[tuple[str, str]]:
    """Who can sit at a table of `players`, as `(name, what it is)`.

    The shipped player first, the scripted ones, then checkpoints with the newest first.
    """
    shipped = dict.fromkeys(row.run for row in rows if row.shipped and row.players == players)
    options = [(name, "came with the program") for name in shipped]
    options += [(name, ABOUT.get(name, "")) for name in scripted_players(players)]
    fits = [row for row in rows if not row.shipped and row.players in {None, players}]
    for row in sorted(fits, key=lambda row: -row.changed)[:200]:
        options.append((player_name(row.file, root), "best of its run" if row.best else ""))
    return options


# -- what is kept


@dataclass(frozen=True, slots=True)
class KeptGame:
    """A game that can be gone on with: moves with what every seat could expect before each."""

    settings: PlaySettings
    moves: tuple[tuple[str, tuple[float, ...]], ...]
    note: str = field(default="", compare=False)
    """What the file holds that this version does not know, in words."""


FORMAT: Final = 1
MOST_BYTES: Final = 1 << 17
MOST_MOVES: Final = 1000
"""Ten times the moves of a long game."""


class KeptGameError(AzulError):
    """The kept game cannot be read, or not be written."""


def kept_path(root: Path) -> Path:
    """The file of the game that is on, for the runs in `root`; hidden from lists of runs."""
    return root / ".play" / "game.json"


def write_kept(path: Path, game: KeptGame | None) -> None:
    """Keep `game` instead of the one that was kept; None keeps none.

    Raises:
        KeptGameError: The file cannot be written.
    """
    try:
        if path.parent.is_symlink():
            raise KeptGameError(
                f"{plain_text(str(path.parent))}: is a link, so the game is not kept; remove it"
            )
        if game is None:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return
        told = {"format": FORMAT, "settings": asdict(game.settings), "moves": game.moves}
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written after every move: a power cut may cost the game, waiting for the disk may not.
        write_bytes_atomically(path, json.dumps(told).encode(), durable=False)
    except OSError as error:
        raise KeptGameError(
            f"{plain_text(str(path))}: the game cannot be kept there ({error.strerror}); "
            "leaving gives it up"
        ) from None


def read_kept(path: Path) -> KeptGame | None:
    """The kept game; None when there is none.

    Raises:
        KeptGameError: There is a file, but no game that can be gone on with in it.
    """
    if path.parent.is_symlink() or not (path.exists() or path.is_symlink()):
        return None
    data = read_bounded(path, MOST_BYTES)
    try:
        told = json.loads(data) if data is not None else None
        record = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
        if record.get("format") != FORMAT:
            raise ConfigError("it is no game of this version")
        settings = _settings(record.get("settings"))
        moves = record.get("moves")
        if not isinstance(moves, list) or len(cast("list[Any]", moves)) > MOST_MOVES:
            raise ConfigError("it has no list of moves")
        played = tuple(_move(move, settings.players) for move in cast("list[Any]", moves))
        return KeptGame(settings, played, _unknown(record))
    except AzulError as error:
        reason = plain_text(str(error), 200)
    except (ValueError, RecursionError):
        reason = "it is no JSON"
    raise KeptGameError(
        f"{plain_text(str(path))}: the game that was kept cannot be gone on with, {reason}; "
        "the next game replaces it"
    )


def _unknown(record: dict[str, Any]) -> str:
    """What a file of another version holds that is left out, in words; empty for nothing."""
    known = {"format", "moves", "settings", *asdict(PlaySettings())}
    names = [name for name in (*record, *record["settings"]) if name not in known]
    if not names:
        return ""
    named = plain_text(", ".join(names), 120)
    return f"the game that was kept holds what this version does not know: {named}; left out"


def _settings(told: Any) -> PlaySettings:
    """Who plays; raises AzulError."""
    if not isinstance(told, dict):
        raise ConfigError("it does not say who plays")
    # What is missing has its default: another version may have gone without.
    record = {**asdict(PlaySettings()), **cast("dict[str, Any]", told)}
    found: dict[str, Any] = {
        key: SPECS[key].check(record.get(key))
        for key in ("opponent", "partner", "players", "simulations", "seconds", "seed")
    }
    seat, notation = record.get("seat"), record.get("notation")
    if seat is not None and (type(seat) is not int or not 0 <= seat < found["players"]):
        raise ConfigError(f"its seat is not 0 to {found['players'] - 1}")
    if not isinstance(notation, str) or len(notation) > 2000:
        raise ConfigError("its first position is none")
    if notation and parse_position(notation).players != found["players"]:
        raise ConfigError(f"its first position is not for {found['players']}")
    for name in (found["opponent"], found["partner"]):
        if not name or len(name) > 500 or not name.isprintable() or '"' in name:
            raise ConfigError("the name of one of its players is none")
    by_time = record.get("by_time") is True
    return PlaySettings(seat=seat, notation=notation, by_time=by_time, **found)


def _move(told: Any, players: int) -> tuple[str, tuple[float, ...]]:
    """A move and its values; raises AzulError."""
    turn = cast("list[Any]", told) if isinstance(told, list) else []
    if len(turn) != 2 or not isinstance(turn[0], str) or not isinstance(turn[1], list):
        raise ConfigError("one of its moves is none")
    parse_move(turn[0], players)
    values = cast("list[Any]", turn[1])
    good = all(type(v) in {int, float} and abs(v) <= 1.001 for v in values)
    if len(values) not in {0, players} or not good:
        raise ConfigError("the values of one of its moves are none")
    return turn[0], tuple(map(float, values))
