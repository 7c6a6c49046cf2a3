"""`config.toml` of a run, kept up to date with the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.config import dump_config, dump_toml
from azul_tui.runs.files import write_bytes_atomically

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.network import Compute
    from azul_tui.runs.paths import RunPaths
    from azul_tui.training.journal import Journal


def write_config(paths: RunPaths, config: TrainingConfig, compute: Compute | None = None) -> None:
    """Write `config.toml`; what the run computes with stands in it as comments.

    Raises:
        OSError: The disk is full or refuses.
    """
    text = dump_config(config)
    if compute is not None:
        in_use = dump_toml(compute.to_plain()).splitlines()
        text += "\n# in use\n" + "".join(f"# {line}\n" for line in in_use)
    write_bytes_atomically(paths.config, text.encode())


class SettingsFile:
    """The file of one run while a process trains it."""

    def __init__(self, paths: RunPaths, compute: Compute, journal: Journal) -> None:
        """Nothing is written yet.

        Args:
            paths: The run.
            compute: What it computes with.
            journal: Waits for a disk that refuses.
        """
        self._paths = paths
        self._compute = compute
        self._written: TrainingConfig | None = None
        self._journal = journal

    def bring_up_to_date(self, config: TrainingConfig) -> None:
        """Write the settings if they are others by now."""
        if config != self._written:
            self._journal.persistently(lambda: write_config(self._paths, config, self._compute))
            self._written = config
