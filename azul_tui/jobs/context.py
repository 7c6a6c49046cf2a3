"""What a job is given: its settings, where to write, whom to tell, when to stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azul_tui.errors import JobError
from azul_tui.jobs.stopping import StopFlag

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.config import SettingValue, TrainingConfig
    from azul_tui.jobs.registry import JobSpec
    from azul_tui.jobs.reporter import Reporter


@dataclass(kw_only=True, slots=True)
class JobContext:
    """One start of one job."""

    spec: JobSpec
    settings: dict[str, SettingValue]
    """The job's own settings, defaults filled in."""
    config: TrainingConfig | None
    """Settings of the run that the job makes; None for a job that makes none."""
    changes: dict[str, SettingValue]
    """Training settings that a file, the environment or `--set` named."""
    reporter: Reporter
    runs_root: Path
    """The folder in which runs live."""
    directory: Path
    """Where the job may write: its run, else its folder for records, else `runs_root`."""
    run_name: str | None = None
    """The run it makes, or the `--name` it was given."""
    yes: bool = False
    """Do not ask."""
    interactive: bool = False
    """A person sits at a terminal and can be asked."""
    stop: StopFlag = field(default_factory=StopFlag)
    warned: set[str] = field(default_factory=set[str])
    """What `warn` has said."""

    def warn(self, text: str) -> None:
        """Tell a person, once, what is odd and does not end the job."""
        if text not in self.warned:
            self.warned.add(text)
            self.reporter.record("alert", level="warning", text=text)

    def integer(self, name: str) -> int:
        """A setting of kind `int`."""
        value = self.settings[name]
        assert isinstance(value, int)
        return value

    def real(self, name: str) -> float:
        """A setting of kind `float`."""
        value = self.settings[name]
        assert isinstance(value, float)
        return value

    def text(self, name: str) -> str:
        """A setting that is written as text."""
        value = self.settings[name]
        assert isinstance(value, str)
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """A setting of kind `list`."""
        value = self.settings[name]
        assert isinstance(value, tuple)
        return value

    def training_config(self) -> TrainingConfig:
        """The settings of the run that the job makes.

        Raises:
            JobError: The job makes none.
        """
        if self.config is None:
            raise JobError(f"{self.spec.name} makes no run and has no training settings")
        return self.config
