"""Every job: its number in the menu, its name for `--run`, what it does, what it takes.

The menu, `--help`, `--run` and the forms are made from this list. It imports no job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.config import training_settings, unknown_name
from azul_tui.errors import JobError
from azul_tui.jobs.further_jobs import FURTHER_JOBS
from azul_tui.jobs.menu_jobs import MENU_JOBS
from azul_tui.jobs.spec import GROUP_TITLES, JobSpec

if TYPE_CHECKING:
    from azul_tui.config import SettingSpec

__all__ = ["GROUP_TITLES", "JobSpec", "find_job", "job_settings", "jobs"]

_ALL = (*MENU_JOBS, *FURTHER_JOBS)


def jobs() -> tuple[JobSpec, ...]:
    """Every job, those of the menu first and by number."""
    return _ALL


def find_job(text: str) -> JobSpec:
    """The job of that name or menu number.

    Raises:
        JobError: There is none; the nearest known one is offered.
    """
    for spec in _ALL:
        if text == spec.name or (spec.number is not None and text == str(spec.number)):
            return spec
    told = unknown_name("job", text, [spec.name for spec in _ALL], place="--run")
    raise JobError(f"{told}; azul-tui --help lists them")


def job_settings(spec: JobSpec) -> tuple[SettingSpec, ...]:
    """Everything that `--set` and a form may name for this job."""
    return (*spec.settings, *training_settings()) if spec.trains else spec.settings
