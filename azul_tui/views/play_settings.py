"""Who plays whom and how strong, and the game that is kept."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from azul_tui.config.setting import SettingSpec
from azul_tui.errors import AzulError, ConfigError, PlayerError
from azul_tui.game.notation import format_move, parse_move, parse_position
from azul_tui.players.names import parse_player_name
from azul_tui.runs.files import read_bounded, write_bytes_atomically
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import RESERVED_NAMES, SHIPPED_NAMES, RunPaths
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.run_list import recent_runs, seats_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEATS: Final = ("first", "second", "third", "fourth", "watch")
SPECS: Final = {
    "opponent": SettingSpec(
        name="opponent", kind="player", default="pretrained",
        help="Who plays the other seats: a scripted player, a run, or a checkpoint."),
    "seat": SettingSpec(
        name="you play", kind="choice", default="first", choices=SEATS,
        help="Your seat; the first one moves first in round 1."),
    "partner": SettingSpec(
        name="first seat", kind="player", default="greedy",
        help="Who plays the first seat while you watch."),
    "players": SettingSpec(
        name="players", kind="int", default=2, minimum=2, maximum=4, help="Seats at the table."),
    "by_time": SettingSpec(
        name="strength by time", kind="bool", default=False,
        help="Whether a network thinks for a time or for a number of simulations."),
    "simulations": SettingSpec(
        name="simulations", kind="int", default=100, minimum=1, maximum=100_000,
        help="Simulations of a network's search for a move."),
    "seconds": SettingSpec(
        name="seconds a move", kind="float", default=2.0, minimum=0.1, maximum=600.0,
        help="Time of a network for a move."),
    "seed": SettingSpec(  # the engine takes up to twice that; every move and every game adds one
        name="seed", kind="int", default=0, minimum=0, maximum=2**62,
        help="Decides what is dealt: the same seed deals the same game; 0 draws a new one."),
    "notation": SettingSpec(
        name="position", kind="str", default="",
        help="The position to play on from, in notation; a new deal where there is none."),
}  # fmt: skip
"""What a person chooses before a game, by the field of `PlaySettings`."""
ABOUT: Final = {
    "random": "any legal move",
    "naive": "the largest group",
    "heuristic": "minds lines, floor",
    "greedy": "takes most points",
    "alphabeta-easy": "one move ahead",
    "alphabeta-medium": "two moves ahead",
    "alphabeta-hard": "three moves ahead",
    "alphabeta-extreme": "four moves ahead",
    "uct-1000": "1,000 random games",
    "planner": "plans whole rounds",
}

MOST_RUNS: Final = 100
"""Runs whose networks are offered, the newest."""


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
    seed: int = 0
    notation: str = ""

    @classmethod
    def checked(cls, told: Mapping[str, Any]) -> PlaySettings:
        """The settings that a file or a form tells, by field; raises AzulError for a wrong one."""
        values: dict[str, Any] = {
            name: spec.check(told[name]) for name, spec in SPECS.items() if name != "seat"
        }
        if values["notation"]:
            values["players"] = parse_position(values["notation"]).players
        for name in ("opponent", "partner"):
            if not 0 < len(values[name]) <= 500 or '"' in values[name]:
                raise ConfigError(f"{SPECS[name].name}: name a player")
        seat, players = told["seat"], values["players"]
        if seat is not None and (type(seat) is not int or not 0 <= seat < players):
            raise ConfigError(f"{SPECS['seat'].name}: this table has {players} seats")
        return cls(seat=seat, **values)

    def next_deal(self) -> PlaySettings:
        """The same players, dealt anew."""
        return replace(self, seed=self.seed + 1, notation="")

    def player_at(self, seat: int) -> str | None:
        """Name of the player that the engine plays on `seat`; None for the person's."""
        if self.seat is None and seat == 0:
            return self.partner
        return None if seat == self.seat else self.opponent

    def names(self) -> list[str]:
        """A name for every seat; those that would be equal carry their seat."""
        players = map(self.player_at, range(self.players))
        names = ["you" if player is None else short_name(player) for player in players]
        return [f"{n} {s + 1}" if names.count(n) > 1 else n for s, n in enumerate(names)]

    @property
    def scripted(self) -> bool:
        """Whether no network plays: nobody has a strength to choose, or a value to tell."""
        return is_scripted(self.opponent) and (self.seat is not None or is_scripted(self.partner))

    @property
    def strength_words(self) -> str:
        """The strength for a person."""
        if self.scripted:
            return "scripted players have one strength"
        if self.by_time:
            return f"{self.seconds:g} s a move"
        return words.plural(self.simulations, "simulation")

    def stronger(self, factor: float) -> PlaySettings:
        """So many times the time or the simulations, as far as they go."""
        name = "seconds" if self.by_time else "simulations"
        spec = SPECS[name]
        value = max(spec.minimum or 0, min(getattr(self, name) * factor, spec.maximum or 0))
        return replace(self, **{name: value if self.by_time else int(value)})


def is_scripted(player: str) -> bool:
    """Whether `player` follows a rule instead of a network."""
    try:
        parse_player_name(player)
    except PlayerError:
        return False
    return True


def short_name(player: str) -> str:
    """A player as it is called everywhere: `laptop-1122 iteration 35`, `night best`, `greedy`.

    Records and settings have scripted players, runs, files, `run/checkpoint`, simulations after @.
    """
    parts = plain_text(re.sub(r"@\d+$", "", player.strip()), 300).rstrip("/").split("/")
    head, sep, number = parts[-1].removesuffix(".pt").partition("checkpoint_iter_")
    if sep and not head and number.isdigit():
        return " ".join([*parts[-2:-1], "iteration", f"{int(number):,}"])
    said = " ".join(parts[-2:]).removesuffix(".pt").replace(" best_model", " best")
    run = said.removesuffix(" best")
    return run if run in SHIPPED_NAMES.values() else said


def player_name(file: Path, root: Path) -> str:
    """A checkpoint's name as the engine takes it; the path of one outside the folder of runs."""
    if file.parent.name in RESERVED_NAMES:
        return file.parent.name
    known = file.parent.parent.absolute() == root.absolute()
    return f"{file.parent.name}/{file.name}" if known else str(file.absolute())


def fits(name: str, root: Path, players: int) -> bool:
    """Whether a network may sit at a table of so many; False only where that is known."""
    path = root / name
    folder = path.parent if path.suffix == ".pt" else path
    if folder.name in RESERVED_NAMES:
        return folder.name == SHIPPED_NAMES[players]
    return seats_of(RunPaths(folder).config) in {None, players}


def table_for(name: str, root: Path, players: int) -> int:
    """Seats of a table at which a network may sit: `players` where it can."""
    return next((seats for seats in (players, 2, 3, 4) if fits(name, root, seats)), players)


def networks(root: Path, players: int) -> list[tuple[str, str]]:
    """The networks for a table of so many as `(name, what it is)`: first the shipped one.

    Then those of the newest runs: of each its best, then its checkpoints, the newest first.
    """
    found = [(SHIPPED_NAMES[players], "came with azul-tui")]
    for paths, _ in recent_runs(root)[:MOST_RUNS]:
        if fits(paths.name, root, players):
            if paths.best_model.is_file():
                found.append((player_name(paths.best_model, root), "best of its run"))
            files = reversed(checkpoint_files(paths))
            found += [(player_name(file, root), "") for _, file in files]
    return found


# -- the kept game: `RUNS/.play/game.json`, written after every move: who plays, the deal and the
# moves, from which the positions follow by the rules. The file may come from anywhere.

KeptMove = tuple[str, tuple[float, ...]]
"""A move, and what its mover thought that every seat may expect; nothing when nobody said."""
FORMAT: Final = 1
MOST_BYTES: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class KeptGame:
    """A game that can be gone on with."""

    settings: PlaySettings
    moves: tuple[KeptMove, ...]
    note: str = field(default="", compare=False)
    """What the file holds that this version does not know, in words."""


def kept_path(root: Path) -> Path:
    """The file of the game that is on, for the runs in `root`; hidden from lists of runs."""
    return root / ".play" / "game.json"


def write_kept(path: Path, game: KeptGame | None) -> None:
    """Keep `game` instead of what was kept, None none; raises ConfigError where that fails."""
    linked = path.parent.is_symlink()
    if game is None:
        with suppress(OSError):
            if not linked:
                path.unlink(missing_ok=True)
        return
    if linked:
        folder = plain_text(str(path.parent))
        raise ConfigError(f"{folder}: is a link, so the game is not kept; remove it")
    told = {"format": FORMAT, "settings": asdict(game.settings), "moves": game.moves}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written after every move: a power cut may cost the game, waiting for the disk may not.
        write_bytes_atomically(path, json.dumps(told).encode(), durable=False)
    except OSError as error:
        raise ConfigError(
            f"{plain_text(str(path))}: the game cannot be kept there ({error.strerror}); "
            "leaving gives it up"
        ) from None


def read_kept(path: Path) -> KeptGame | None:
    """The kept game, None without one; raises ConfigError when it cannot be gone on with."""
    if path.parent.is_symlink() or not (path.exists() or path.is_symlink()):
        return None
    try:
        record = json.loads(read_bounded(path, MOST_BYTES) or b"")
        if record["format"] != FORMAT:
            raise ConfigError("it is of another version")
        # What is missing has its default: another version may have gone without.
        settings = PlaySettings.checked({**asdict(PlaySettings()), **record["settings"]})
        moves: list[KeptMove] = []
        for move, values in record["moves"]:
            good = len(values) in {0, settings.players}
            if not good or not all(abs(value) <= 1.001 for value in values):
                raise ConfigError(f"the values of its move {move} are none")
            told = format_move(parse_move(move, settings.players), settings.players)
            moves.append((told, tuple(map(float, values))))
        known = {"format", "moves", "settings", *SPECS}
        unknown = ", ".join(name for name in (*record, *record["settings"]) if name not in known)
        note = "the game that was kept holds what this version does not know: "
        note = f"{note}{plain_text(unknown, 120)}; left out" if unknown else ""
        return KeptGame(settings, tuple(moves), note)
    except AzulError as error:
        reason = plain_text(str(error), 200)
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
        reason = "it is damaged"
    raise ConfigError(
        f"{plain_text(str(path))}: the kept game cannot be resumed, {reason}; "
        "the next game replaces it"
    )
