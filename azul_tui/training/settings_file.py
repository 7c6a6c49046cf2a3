"""`config.toml` of a run, kept up to date with the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.config import dump_config
from azul_tui.runs.files import write_bytes_atomically

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.runs.paths import RunPaths
    from azul_tui.training.journal import Journal


def write_config(paths: RunPaths, config: TrainingConfig) -> None:
    """Write `config.toml`.

    Raises:
        OSError: The disk is full or refuses.
    """
    write_bytes_atomically(paths.config, dump_config(config).encode())


class SettingsFile:
    """The file of one run while a process trains it."""

    def __init__(self, paths: RunPaths, written: TrainingConfig, journal: Journal) -> None:
        """Know what the file holds.

        Args:
            paths: The run.
            written: The settings in the file.
            journal: Waits for a disk that refuses.
        """
        self._paths = paths
        self._written = written
        self._journal = journal

    def bring_up_to_date(self, config: TrainingConfig) -> None:
        """Write the settings if they are others by now."""
        if config != self._written:
            self._journal.persistently(lambda: write_config(self._paths, config))
            self._written = config
