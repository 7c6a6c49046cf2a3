"""What every test starts from: bounded property tests, one thread, no settings from outside."""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before torch or numba are imported anywhere: several workers share a few cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# One profile for all: the first call of a kernel compiles it, which takes as long as it takes.
# Derandomized, so that a run of the tests repeats; `make fuzz` draws anew.
settings.register_profile(
    "tests",
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile(
    "fuzz", parent=settings.get_profile("tests"), derandomize=False, max_examples=2_000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    """Settings in the environment of whoever runs the tests must not reach them."""
    for variable in list(os.environ):
        if variable.startswith("AZUL_TUI_") and variable != "AZUL_TUI_CACHE":
            monkeypatch.delenv(variable)


@pytest.fixture(scope="session")
def made_world(tmp_path_factory):
    """The folder of runs of `every_screen`, made once."""
    from every_screen import make_world

    root = tmp_path_factory.mktemp("made")
    make_world(root)
    return root


@pytest.fixture
def jobs(monkeypatch):
    """Command lines of the jobs that were started; none of them computes anything."""
    from every_screen import quick_jobs

    return quick_jobs(monkeypatch)


@pytest.fixture
def world(made_world, tmp_path, monkeypatch, jobs):
    """A copy of that folder, and a home of its own for what is kept or exported."""
    for variable in ("XDG_CONFIG_HOME", "XDG_DOWNLOAD_DIR", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(made_world, tmp_path / "runs"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    """Name what failed at once: a run that is cut off has told that much."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        sys.stderr.write(f"\n{report.when} failed: {report.nodeid}\n")


class Fuzz:
    """How long and from where a fuzzer draws: bounded and the same in `make test`."""

    def __init__(self):
        self.rng = random.Random(int(os.environ.get("FUZZ_SEED", "0")))

    def rounds(self, count):
        return count * int(os.environ.get("FUZZ_FACTOR", "1"))


@pytest.fixture
def fuzz():
    """For tests marked `fuzz`; `make fuzz` gives them other seeds and more rounds."""
    return Fuzz()
