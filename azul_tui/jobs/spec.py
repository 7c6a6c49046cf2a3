"""What is known of a job before it starts, for menu, `--help`, `--run` and forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from azul_tui.config import SettingSpec

Group = Literal["see", "train", "measure", "tool"]
GROUP_TITLES: dict[Group, str] = {
    "see": "see how it works",
    "train": "train",
    "measure": "measure",
    "tool": "tools",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSpec:
    """One job."""

    name: str
    """For `--run`."""
    number: int | None = None
    """In the menu; None for those beyond it."""
    title: str
    group: Group
    description: str
    """Two sentences."""
    duration: str
    """How long it takes on a laptop, in words."""
    settings: tuple[SettingSpec, ...] = ()
    """Its own settings; see `job_settings` for those of training too."""
    preset: str | None = None
    """The preset that a job which makes a run starts from."""
    resumes: bool = False
    """Goes on with a run that exists: training settings are changes to it."""
    asks: bool = False
    """Long enough that a person is asked before it starts."""
    needs_terminal: bool = False
    """Talks with a person while it runs."""
    for_programs: bool = False
    """Talks with another program while it runs, so that no menu offers it."""
    loads_torch: bool = True
    """Whether it begins with a library that takes seconds to load, and says so."""

    @property
    def module(self) -> str:
        """The module whose `run(context)` does it."""
        return f"azul_tui.jobs.{self.name.replace('-', '_')}"

    @property
    def makes_run(self) -> bool:
        """Whether it writes a run directory of its own."""
        return self.preset is not None

    @property
    def trains(self) -> bool:
        """Whether it takes the training settings."""
        return self.preset is not None or self.resumes
