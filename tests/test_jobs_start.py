"""What a start says before the job itself can."""

from __future__ import annotations

import sys
import types

import pytest

from azul_tui.cli import main
from azul_tui.jobs import start
from azul_tui.jobs.registry import find_job
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status

SAID = "loading torch"


@pytest.fixture
def heard(monkeypatch, capsys):
    """What was said by the time that the job's module is asked for, which does nothing here."""
    seen = {}

    def load(name):
        seen["module"] = name
        seen["said"] = capsys.readouterr().out
        if "folder" in seen:
            seen["phase"] = read_status(RunPaths(seen["folder"]).status).phase
        return types.SimpleNamespace(run=lambda context: {})

    monkeypatch.setattr(start.importlib, "import_module", load)
    for name in ("torch", "azul_tui.jobs.quick", "azul_tui.jobs.losses"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return seen


def test_torch_is_announced_before_it_is_loaded(heard, tmp_path):
    assert main(["--run", "quick", "--dir", str(tmp_path)]) == 0
    assert heard["module"] == "azul_tui.jobs.quick"
    assert heard["said"].startswith(SAID)


def test_the_dashboard_reads_it_in_the_status_of_a_job(heard, tmp_path):
    heard["folder"] = tmp_path / "job"
    heard["folder"].mkdir()
    assert main(["--run", "losses", "--dir", str(tmp_path), "--record", str(tmp_path / "job")]) == 0
    assert heard["phase"] == SAID


def test_a_job_without_torch_and_a_second_start_say_nothing_of_it(heard, tmp_path, monkeypatch):
    assert not find_job("replay").loads_torch
    assert main(["--run", "engine", "--dir", str(tmp_path)]) == 0
    assert SAID not in heard["said"]
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    assert main(["--run", "quick", "--dir", str(tmp_path)]) == 0
    assert SAID not in heard["said"]
