"""What can go wrong and be put right by the person at the keyboard.

    AzulError              exit code 2
    ├── ConfigError        a setting or an argument: unknown, of the wrong type, out of range
    ├── RunError           a run directory: name, lock, permissions, no such run
    │   └── RunLockedError another process writes to it
    ├── CheckpointError    a checkpoint file: absent, damaged, of another network
    │   └── NewerCheckpointError  one that a newer version wrote
    ├── GameError          a position or a move that the rules do not allow
    │   └── NotationError  a text that is not a position, a move or a game
    ├── PlayerError        a player that does not exist or cannot play this game
    ├── JobError           a job that cannot start as asked
    ├── JobFailedError     exit code 1: a job that started and could not finish
    └── DivergedError      exit code 3: a loss or a gradient that is no longer finite

The text of each is one sentence that names the file, the key or the value and says what
would be accepted. Anything else that is raised is a fault of this program.
"""

from __future__ import annotations

import os
from typing import ClassVar

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USER = 2
EXIT_DIVERGED = 3
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class AzulError(Exception):
    """The user can fix the cause; the message is one sentence that says how."""

    exit_code: ClassVar[int] = EXIT_USER


class ConfigError(AzulError, ValueError):
    """A setting or an argument is unknown, of the wrong type or out of range."""


class RunError(AzulError):
    """A run directory cannot be used as asked."""


class RunLockedError(RunError):
    """Another process holds the run; the message names its pid and host."""


class CheckpointError(AzulError):
    """A checkpoint file is absent, damaged, or does not fit the network."""


class NewerCheckpointError(CheckpointError):
    """A checkpoint file is whole and in a format of a newer version; nothing may take its place."""


class GameError(AzulError):
    """The rules do not allow this position or this move."""


class NotationError(GameError):
    """A text does not describe a position, a move or a game."""


class PlayerError(AzulError):
    """A player does not exist or cannot play this game."""


class JobError(AzulError):
    """A job cannot start as asked."""


class JobFailedError(AzulError):
    """A job started and could not finish."""

    exit_code: ClassVar[int] = EXIT_FAILED


class DivergedError(AzulError):
    """A loss, a gradient or a weight is no longer finite; the last good checkpoint is named."""

    exit_code: ClassVar[int] = EXIT_DIVERGED


def system_refusal(error: Exception) -> str:
    """What the system refused, in words for the person who can change it."""
    if isinstance(error, MemoryError):
        return f"there is not enough memory{f' ({error})' if str(error) else ''}"
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{place}{error.strerror}"
    return str(error) or type(error).__name__
