"""Where a run keeps its files, and which names a run may have."""

from __future__ import annotations

import difflib
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from azul_tui.errors import RunError
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAME = 64
DIRECTORY_VARIABLE = "AZUL_TUI_DIR"
DEFAULT_DIRECTORY = "checkpoints"
JOBS_FOLDER = ".jobs"
"""Folder for the records of jobs that are no training runs; hidden from lists of runs."""
SHIPPED_NAMES = {2: "pretrained", 3: "pretrained-3", 4: "pretrained-4"}
"""The player that came with the program, by seats at the table."""
RESERVED_NAMES = frozenset(SHIPPED_NAMES.values())
_PUNCTUATION = frozenset("-_.+=@, ()")


class RunPaths:
    """The files of one run directory."""

    def __init__(self, directory: Path) -> None:
        """Nothing is made."""
        self.directory: Final = directory
        self.name: Final = directory.name
        """The run's name, which is its folder's."""
        self.config: Final = directory / "config.toml"
        """Every setting, resolved, as TOML."""
        self.events: Final = directory / "events.jsonl"
        """The append-only log of records."""
        self.status: Final = directory / "status.json"
        """What the run is doing now; replaced about once a second."""
        self.live: Final = directory / "live.json"
        """The self-play game that is shown."""
        self.control: Final = directory / "control"
        """Folder into which requests are dropped."""
        self.log: Final = directory / "log.txt"
        """What a job printed."""
        self.games: Final = directory / "games"
        """Folder with a sample of self-play games."""
        self.replay: Final = directory / "replay"
        """Folder with the shards of the replay buffer."""
        self.lock: Final = directory / "lock"
        """File that the one writer holds."""
        self.best_model: Final = directory / "best_model.pt"
        """The best evaluated weights."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunPaths) and self.directory == other.directory

    def __hash__(self) -> int:
        return hash(self.directory)

    def checkpoint(self, iteration: int) -> Path:
        """The checkpoint of an iteration: `checkpoint_iter_000005.pt`."""
        return self.directory / f"checkpoint_iter_{iteration:06d}.pt"

    def create(self) -> None:
        """Make the folder and those inside it that others look for.

        Raises:
            RunError: The folder cannot be made, or one inside it is a link to another place.
        """
        for folder in (self.control, self.games, self.replay):
            if folder.is_symlink():
                raise RunError(
                    f"{plain_text(str(folder))}: is a link, and what a run writes stays in its "
                    "folder; remove the link"
                )
        try:
            for folder in (self.directory, self.control, self.games):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{plain_text(str(self.directory))}: the run's folder cannot be made "
                f"({error.strerror}); choose another place with --dir"
            ) from None


def runs_root(directory: str | None, environment: Mapping[str, str]) -> Path:
    """Where runs live: `--dir`, else `AZUL_TUI_DIR`, else `./checkpoints`; RunError for a file."""
    text = directory or environment.get(DIRECTORY_VARIABLE) or DEFAULT_DIRECTORY
    if "\0" in text:
        raise RunError("--dir: a path cannot hold a NUL character; name a folder")
    root = named_path(text)
    try:
        if root.exists() and not root.is_dir():
            raise RunError(f"{plain_text(text)}: is not a folder; name one with --dir")
    except OSError as error:  # too long, a folder that must not be entered
        raise RunError(f"{plain_text(text)}: {error.strerror}; name a folder with --dir") from None
    return root


def named_path(text: str) -> Path:
    """The path that somebody wrote, `~` being a home folder; RunError where it is nobody's."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise RunError(
            f"{plain_text(text)}: there is no such home folder; write the path in full"
        ) from None


def pretrained_directory(players: int = 2) -> Path:
    """Folder of the shipped player: beside the code when installed, else in the checkout.

    It may be empty; it is never written to.
    """
    name = SHIPPED_NAMES[players]
    package = Path(__file__).resolve().parent.parent
    installed = package / name
    return installed if installed.is_dir() else package.parent / "checkpoints" / name


def is_shipped(checkpoint: Path) -> bool:
    """Whether a checkpoint file is a shipped player's, which stays as it came."""
    folder = checkpoint.parent.resolve()
    return any(folder == pretrained_directory(seats).resolve() for seats in SHIPPED_NAMES)


def check_run_name(name: str) -> str:
    """The name itself; RunError where it could climb out, hide, or upset a terminal."""
    told = f'"{plain_text(name, MAX_NAME)}"'
    if not 0 < len(name) <= MAX_NAME or len(name.encode("utf-8", "replace")) > 2 * MAX_NAME:
        raise RunError(f"the run name {told} must have 1 to {MAX_NAME} characters")
    if name[0] in ".-" or name != name.strip():
        raise RunError(
            f"the run name {told} must begin with a letter or a digit, without spaces around"
        )
    if not all(char in _PUNCTUATION or unicodedata.category(char)[0] in "LN" for char in name):
        raise RunError(f"the run name {told} may hold letters, digits, spaces and -_.+=@,() only")
    if name in RESERVED_NAMES:
        raise RunError(f"the run name {told} is taken by the program; choose another")
    return name


def run_paths(root: Path, name: str) -> RunPaths:
    """The paths of a run, there or not; RunError for a refused name, or a link that leads out."""
    check_run_name(name)
    directory = root / name
    if not _lies_in(directory, root):
        raise RunError(f'the run "{name}" is a link that leads out of the runs folder; remove it')
    return RunPaths(directory)


def existing_run(root: Path, name: str) -> RunPaths:
    """The paths of a run that exists; RunError, with the nearest known one, where none does."""
    if name in RESERVED_NAMES:
        raise RunError(
            f"{name} came with the program, as weights without a run: evaluate, play, arena "
            "and export take it by that name"
        )
    paths = run_paths(root, name)
    if not paths.directory.is_dir():
        known = [entry.name for entry in run_folders(root)]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f'the nearest is "{plain_text(near[0])}"' if near else "azul-tui --list shows them"
        raise RunError(f'there is no run "{name}" in {plain_text(str(root))}; {hint}')
    return paths


def run_folders(root: Path) -> list[Path]:
    """The folders in `root` that are runs: well named, not hidden, not links out of it."""
    try:
        entries = sorted(root.iterdir())
    except OSError:  # absent or forbidden: there is nothing to show
        return []
    named = (e for e in entries if not e.name.startswith(".") and e.name not in RESERVED_NAMES)
    return [entry for entry in named if _lies_in(entry, root, a_folder=True)]


def new_run(root: Path, stem: str, *, now: float | None = None) -> RunPaths:
    """Make the folder of a new run called after `stem` and the day: `quick-1122`.

    A name that is taken gets a number: `quick-1122-2`. Two processes that ask at the same
    moment get two folders.

    Raises:
        RunError: No folder can be made in `root`.
    """
    day = time.strftime("%m%d", time.localtime(now))
    for number in range(1, 10_000):
        name = f"{stem}-{day}" if number == 1 else f"{stem}-{day}-{number}"
        paths = run_paths(root, name)
        try:
            root.mkdir(parents=True, exist_ok=True)
            paths.directory.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(
                f"{plain_text(str(root))}: no run can be made there ({error.strerror}); "
                "choose another place with --dir"
            ) from None
        paths.create()
        return paths
    raise RunError(f"{plain_text(str(root))}: too many runs are called {stem}-{day}; give a --name")


def claim_run(root: Path, name: str) -> RunPaths:
    """Make the folder of a run under a name that somebody chose.

    A folder in which nothing was recorded yet may be there: whoever starts a job in the
    background makes it first, for the job's output.

    Raises:
        RunError: The name is refused or taken, or the folder cannot be made.
    """
    paths = run_paths(root, name)
    if paths.events.exists():
        raise RunError(
            f'the run "{name}" exists; go on with it: --run resume --set run={name}, '
            "or choose another --name"
        )
    paths.create()
    return paths


def new_job_folder(root: Path, job: str, *, now_ns: int) -> RunPaths:
    """Make a folder for the records of a job that is no training run; RunError as `create`."""
    paths = RunPaths(root / JOBS_FOLDER / f"{job}-{now_ns}")
    paths.create()
    return paths


def _lies_in(path: Path, root: Path, *, a_folder: bool = False) -> bool:
    """Whether a name in `root` is no link that leads out of it, or to nothing."""
    try:
        if a_folder and not path.is_dir():
            return False
        return not path.is_symlink() or path.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a loop of links, a folder that must not be entered
        return False
