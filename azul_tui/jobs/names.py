"""Names of runs, checkpoints and players in the settings of a job, checked before it starts.

A job that needs torch takes seconds to load; a misspelt name is refused before that. What is
refused here would be refused by the job as well: nothing is opened, only looked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from azul_tui.errors import AzulError, CheckpointError, JobError, PlayerError
from azul_tui.players.names import parse_player_name, plays_elsewhere
from azul_tui.runs.paths import RESERVED_NAMES, existing_run, run_paths
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azul_tui.config import SettingValue
    from azul_tui.jobs.registry import JobSpec


def check_names(spec: JobSpec, settings: Mapping[str, SettingValue], root: Path) -> None:
    """Refuse a job whose run, checkpoint, opponent or file is not there.

    Raises:
        AzulError: One of them; the sentence says which, and what would do.
    """
    seats = settings.get("num_players", 2)
    players = seats if isinstance(seats, int) else 2
    for setting in spec.settings:
        value = settings.get(setting.name)
        if not isinstance(value, str) or not value:
            continue
        if setting.name == "run":
            existing_run(root, value)
        elif setting.name == "checkpoint" and spec.resumes:
            if not Path(value).exists():
                raise JobError(f"{plain_text(value)}: there is no such checkpoint file")
        elif setting.name == "checkpoint":
            check_checkpoint_name(value, root)
        elif setting.kind == "player":
            check_player_name(value, root, players)
    if spec.name == "arena":
        check_contestants(settings)


def check_contestants(settings: Mapping[str, SettingValue]) -> None:
    """Refuse an arena with nobody to play against.

    Raises:
        JobError: One side of a match is missing, or a ladder has fewer than two players.
    """
    player_a, player_b = settings["a"], settings["b"]
    if bool(player_a) != bool(player_b):
        missing = "b" if player_a else "a"
        raise JobError(
            f"a match needs two players: name the other with --set {missing}=NAME, or name"
            " neither for a ladder of --set players"
        )
    named = settings["players"]
    few = isinstance(named, tuple) and len(set(named)) < 2
    if few and not (player_a or settings["run"] or settings["one_table"]):
        raise JobError("a ladder needs two players or more: name them with --set players=[...]")


def check_checkpoint_name(name: str, root: Path) -> None:
    """Refuse what is neither a checkpoint file nor a run.

    Raises:
        CheckpointError: There is neither.
    """
    if name in RESERVED_NAMES or Path(name).exists():
        return
    shown = plain_text(name, 80)
    try:
        there = run_paths(root, name).directory.is_dir()
    except AzulError:
        raise CheckpointError(f"{shown}: there is no such checkpoint file or run") from None
    if not there:
        raise CheckpointError(
            f"{shown}: there is no such checkpoint file, and no such run in {root}"
        )


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
    bare = name.rpartition("@")[0] if name.rpartition("@")[2].isdigit() and "@" in name else name
    try:
        parse_player_name(bare, players)
    except PlayerError as error:
        try:
            check_checkpoint_name(bare, root)
        except CheckpointError:
            if "/" in bare or bare.endswith(".pt") or bare in RESERVED_NAMES:
                raise
            if plays_elsewhere(bare):
                raise error from None
            raise PlayerError(f"{error}; nor is it a checkpoint file or a run") from None
