"""Names of runs, checkpoints and players in the settings of a job, checked before it starts.

A job that needs torch takes seconds to load; a misspelt name is refused before that. What is
refused here would be refused by the job as well: nothing is opened, only looked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from azul_tui.config.setting import nearest
from azul_tui.errors import AzulError, CheckpointError, JobError, PlayerError
from azul_tui.players.names import parse_player_name, plays_elsewhere, scripted_players
from azul_tui.runs.paths import RESERVED_NAMES, existing_run, named_path, run_folders, run_paths
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azul_tui.config import SettingValue
    from azul_tui.jobs.registry import JobSpec

_ARCHIVE: Final = b"PK"
"""What a checkpoint file begins with: it is a zip archive."""


def check_names(spec: JobSpec, settings: Mapping[str, SettingValue], root: Path) -> None:
    """Refuse a job whose run, checkpoint, opponent or file is not there.

    Raises:
        AzulError: One of them; the sentence says which, and what would do.
    """
    players = cast("int", settings.get("num_players", 2))
    for setting in spec.settings:
        value = settings[setting.name]
        if not isinstance(value, str) or not value:
            continue
        if setting.name == "run":
            existing_run(root, value)
        elif setting.name == "checkpoint" and spec.resumes:
            if not Path(value).exists():
                raise JobError(f"{plain_text(value)}: there is no such checkpoint file")
            _check_begins_as_checkpoint(Path(value))
        elif setting.name == "checkpoint":
            check_checkpoint_name(value, root)
        elif setting.name == "output" and not (folder := named_path(value).parent).is_dir():
            raise JobError(
                f"{plain_text(value)} cannot be written: there is no folder "
                f"{plain_text(str(folder))}; name another with --set output="
            )
        elif setting.kind == "player":
            check_player_name(value, root, players)
    if spec.name == "arena":
        _check_contestants(settings, root, players)


def _check_contestants(settings: Mapping[str, SettingValue], root: Path, players: int) -> None:
    """Refuse an arena with nobody to play against."""
    player_a, player_b = settings["a"], settings["b"]
    if bool(player_a) != bool(player_b):
        missing = "b" if player_a else "a"
        raise JobError(
            f"a match needs two players: name the other with --set {missing}=NAME, or name"
            " neither for a ladder of --set players"
        )
    named = cast("tuple[str, ...]", settings["players"])
    if len(set(named)) < 2 and not (player_a or settings["run"] or settings["one_table"]):
        raise JobError("a ladder needs two players or more: name them with --set players=[...]")
    for name in () if player_a else named:
        check_player_name(name, root, players)


def check_checkpoint_name(name: str, root: Path) -> None:
    """Refuse what is neither a checkpoint file nor a run that has one.

    Raises:
        CheckpointError: There is neither; the nearest run is offered.
    """
    if name in RESERVED_NAMES:
        return
    path = Path(name)
    found = next((file for file in (path, root / path) if file.is_file()), path)
    if not found.exists():
        near = nearest(name, _nameable(root))
        hint = f"; the nearest is {plain_text(near)}" if near else ""
        shown = plain_text(name, 80)
        try:
            found = run_paths(root, name).directory
        except AzulError:
            raise CheckpointError(
                f"{shown}: there is no such checkpoint file or run{hint}"
            ) from None
        if not found.is_dir():
            raise CheckpointError(
                f"{shown}: there is no such checkpoint file, and no such run in {root}{hint}"
            )
    _check_begins_as_checkpoint(found)


def _check_begins_as_checkpoint(path: Path) -> None:
    """Refuse a folder without checkpoints, and a file that begins as none does."""
    shown = plain_text(str(path))
    try:
        if path.is_dir():
            if not any(entry.suffix == ".pt" for entry in path.iterdir()):
                raise CheckpointError(f"{shown}: no checkpoint can be loaded (it has none)")
            return
        with path.open("rb") as file:
            begins = file.read(len(_ARCHIVE))
    except OSError as error:
        raise CheckpointError(f"{shown}: cannot be read ({error.strerror})") from None
    if begins != _ARCHIVE:
        raise CheckpointError(f"{shown}: is no checkpoint, or it is damaged")


def _nameable(root: Path) -> list[str]:
    """Runs, and the players that came with the program."""
    return [*(folder.name for folder in run_folders(root)), *sorted(RESERVED_NAMES)]


def check_player_name(name: str, root: Path, players: int) -> None:
    """Refuse what is neither a scripted player nor a checkpoint.

    Args:
        name: What the person typed, perhaps with `@` and simulations behind it.
        root: The folder of runs.
        players: Seats at the table.

    Raises:
        PlayerError: It looks like a scripted player and is none.
        CheckpointError: It looks like a file and is not there.
    """
    bare, at, simulations = name.rpartition("@")
    if not at or not simulations.isdigit():
        bare = name
    try:
        parse_player_name(bare, players)
    except PlayerError as error:
        try:
            check_checkpoint_name(bare, root)
        except CheckpointError:
            is_file = "/" in bare or bare.endswith(".pt")
            if is_file or bare in RESERVED_NAMES or (root / bare).is_dir():
                raise
            if plays_elsewhere(bare):
                raise error from None
            near = nearest(bare, [*scripted_players(players), *_nameable(root)])
            if near in _nameable(root):
                raise PlayerError(
                    f"no player, checkpoint file or run is called {plain_text(bare, 80)!r}; did"
                    f" you mean {plain_text(near)}?"
                ) from None
            raise PlayerError(f"{error}; nor is it a checkpoint file or a run") from None
