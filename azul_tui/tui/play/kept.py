"""The game that is on, in a file beside the runs: it outlives the place, the dashboard, a crash.

`RUNS/.play/game.json` holds who plays, the deal and the moves; the positions follow from them by
the rules. What is in it may come from anywhere: it is checked before any of it is used.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from azul_tui.errors import AzulError, NotationError
from azul_tui.game.notation import parse_move, parse_position
from azul_tui.runs.files import read_bounded, write_bytes_atomically
from azul_tui.runs.text import plain_text
from azul_tui.tui.play.settings import PlaySettings

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
PLAY_FOLDER: Final = ".play"
"""Hidden from lists of runs, as the folder of jobs is."""
MOST_BYTES: Final = 1 << 17
MOST_SEED: Final = 2**62
"""The engine takes up to twice that; every move adds one."""
MOST_MOVES: Final = 1000
"""Ten times the moves of a long game."""


class KeptGameError(AzulError):
    """The kept game cannot be read, or not be written."""


@dataclass(frozen=True, slots=True)
class KeptMove:
    """One move, and what every seat could expect before it; empty when nobody said."""

    move: str
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptGame:
    """A game that can be gone on with."""

    settings: PlaySettings
    moves: tuple[KeptMove, ...]
    note: str = field(default="", compare=False)
    """What the file holds that this version does not know, in words."""

    @property
    def is_at_stake(self) -> bool:
        """Whether a person plays in it."""
        return self.settings.seat is not None


def kept_path(root: Path) -> Path:
    """The file of the game that is on, for the runs in `root`."""
    return root / PLAY_FOLDER / "game.json"


def write_kept(path: Path, game: KeptGame) -> None:
    """Keep `game` instead of the one that was kept.

    Raises:
        KeptGameError: The file cannot be written.
    """
    moves = [[turn.move, list(turn.values)] for turn in game.moves]
    told = {"format": FORMAT, "settings": asdict(game.settings), "moves": moves}
    try:
        if path.parent.is_symlink():
            raise KeptGameError(
                f"{plain_text(str(path.parent))}: is a link, so the game is not kept; remove it"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written after every move: a power cut may cost the game, waiting for the disk may not.
        write_bytes_atomically(path, json.dumps(told).encode(), durable=False)
    except OSError as error:
        raise KeptGameError(
            f"{plain_text(str(path))}: the game cannot be kept there ({error.strerror}); "
            "leaving gives it up"
        ) from None


def forget_kept(path: Path) -> None:
    """Keep no game; what cannot be removed stays."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def read_kept(path: Path) -> KeptGame | None:
    """The kept game; None when there is none.

    Raises:
        KeptGameError: There is a file, but no game that can be gone on with in it.
    """
    if path.parent.is_symlink() or not (path.exists() or path.is_symlink()):
        return None
    data = read_bounded(path, MOST_BYTES)
    try:
        if data is None:
            raise _DamagedError("it cannot be read")
        return _game(data)
    except _DamagedError as error:
        raise KeptGameError(
            f"{plain_text(str(path))}: the game that was kept cannot be gone on with, "
            f"{plain_text(str(error), 120)}; the next game replaces it"
        ) from None


class _DamagedError(Exception):
    """What is wrong with a kept game."""


def _game(data: bytes) -> KeptGame:
    try:
        told: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise _DamagedError("it is no JSON") from None
    if not isinstance(told, dict):
        raise _DamagedError("it is no object")
    fields = cast("dict[str, Any]", told)
    if fields.get("format") != FORMAT:
        raise _DamagedError("another version of the program wrote it")
    settings = _settings(fields.get("settings"))
    turns = fields.get("moves")
    if not isinstance(turns, list) or len(cast("list[Any]", turns)) > MOST_MOVES:
        raise _DamagedError("it has no list of moves")
    moves = tuple(_move(turn, settings.players) for turn in cast("list[Any]", turns))
    return KeptGame(settings, moves, _unknown(fields))


def _unknown(fields: dict[str, Any]) -> str:
    known = {"format", "moves", *asdict(PlaySettings()), "settings"}
    names = [name for name in (*fields, *fields["settings"]) if name not in known]
    if not names:
        return ""
    named = plain_text(", ".join(names), 120)
    return f"the game that was kept holds what this version does not know: {named}; left out"


def _settings(told: Any) -> PlaySettings:
    if not isinstance(told, dict):
        raise _DamagedError("it does not say who plays")
    # What is missing has its default: another version may have gone without.
    fields = {**asdict(PlaySettings()), **cast("dict[str, Any]", told)}
    notation = fields.get("notation")
    if not isinstance(notation, str) or len(notation) > 2000:
        raise _DamagedError("its first position is none")
    players = _whole(fields, "players", 2, 4)
    try:
        if notation and parse_position(notation).players != players:
            raise _DamagedError(f"its first position is not for {players}")
    except NotationError as error:
        raise _DamagedError(str(error)) from None
    watched = fields.get("seat") is None
    seconds = fields.get("seconds")
    if not isinstance(seconds, (int, float)) or not 0.1 <= seconds <= 600:
        raise _DamagedError("its seconds a move are not 0.1 to 600")
    return PlaySettings(
        opponent=_player(fields, "opponent"),
        seat=None if watched else _whole(fields, "seat", 0, players - 1),
        partner=_player(fields, "partner"),
        players=players,
        by_time=fields.get("by_time") is True,
        simulations=_whole(fields, "simulations", 1, 100_000),
        seconds=float(seconds),
        seed=_whole(fields, "seed", 0, MOST_SEED),
        notation=notation,
    )


def _player(fields: dict[str, Any], key: str) -> str:
    """A player's name as the engine takes it: one word of a command, or a quoted one."""
    name = fields.get(key)
    if not isinstance(name, str) or not 0 < len(name) <= 500:
        raise _DamagedError(f"its {key} is nobody")
    if not name.isprintable() or '"' in name:
        raise _DamagedError(f"the name of its {key} is none")
    return name


def _whole(fields: dict[str, Any], key: str, low: int, high: int) -> int:
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _DamagedError(f"its {key} is not {low} to {high}")
    return value


def _move(told: Any, players: int) -> KeptMove:
    turn = cast("list[Any]", told) if isinstance(told, list) else []
    if len(turn) != 2 or not isinstance(turn[0], str) or not isinstance(turn[1], list):
        raise _DamagedError("one of its moves is none")
    values = cast("list[Any]", turn[1])
    try:
        parse_move(turn[0], players)
    except NotationError as error:
        raise _DamagedError(str(error)) from None
    if len(values) not in {0, players} or not all(map(_is_value, values)):
        raise _DamagedError("the values of one of its moves are none")
    return KeptMove(turn[0], tuple(map(float, values)))


def _is_value(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and abs(value) <= 1.001
