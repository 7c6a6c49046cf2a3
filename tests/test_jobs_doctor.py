from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from heard_job import HeardJob

from azul_tui.jobs import doctor
from azul_tui.runs.machine import Memory


def test_everything_that_was_asked_for_is_told_and_recorded(tmp_path):
    heard = HeardJob("doctor", tmp_path).run()
    subjects = (
        "azul-tui", "python", "cache", "torch", "numba", "compute", "packages", "processor",
        "threads", "memory", "gpu", "terminal", "runs folder",
    )  # fmt: skip
    assert list(heard.result["findings"]) == list(subjects)
    told = {record["subject"]: record["told"] for record in heard.records}
    assert told == heard.result["findings"]
    for subject in subjects:
        assert f"\n{subject} " in "\n" + heard.text
    assert heard.result["ok"] == (not heard.result["problems"])
    assert told["compute"].startswith("inference: ") and "; training: " in told["compute"]


def test_a_runs_folder_is_looked_at_in_words_and_left_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for place in ("file", "file/below"):
        assert "is not a folder" in doctor.runs_folder(tmp_path / place).problem
    refused = doctor.runs_folder(Path("/proc/no")).problem
    assert refused.startswith("/proc cannot be written") and "--dir" in refused
    finding = doctor.runs_folder(tmp_path / "runs")
    assert finding.problem == "" and "writable" in finding.told
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    nearly_full = SimpleNamespace(total=10**12, used=10**12, free=5 * 10**8)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: nearly_full)
    assert "only 500.0 MB are free" in doctor.runs_folder(tmp_path).problem


class Terminal(io.StringIO):
    def __init__(self, encoding):
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self):
        return self._encoding

    def isatty(self):
        return True


COLOURFUL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


@pytest.mark.parametrize(
    ("environment", "encoding", "told", "problem", "advice"),
    [
        (COLOURFUL, "utf-8", "16 million colours", "", ""),
        ({"TERM": "xterm-256color"}, "utf-8", "256 colours, Unicode", "", ""),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "UTF-8", "no colours", "", ""),
        ({"TERM": "xterm"}, "ascii", "16 colours, plain characters (ascii)", "", "--ascii"),
        ({"TERM": "dumb"}, "utf-8", "dumb", "TERM names no terminal", ""),
        ({}, "utf-8", "", "TERM names no terminal", ""),
    ],
)
def test_what_a_terminal_can_do(monkeypatch, environment, encoding, told, problem, advice):
    monkeypatch.setattr(sys, "stdout", Terminal(encoding))
    finding = doctor.terminal(environment)
    assert told in finding.told
    assert problem in finding.problem and bool(problem) == bool(finding.problem)
    assert advice in finding.advice and bool(advice) == bool(finding.advice)
    monkeypatch.setattr(doctor.shutil, "get_terminal_size", lambda: os.terminal_size((40, 10)))
    assert "40x10 is small" in doctor.terminal({"TERM": "xterm"}).advice


def test_a_dashboard_that_started_it_has_a_terminal():
    assert "none here" in doctor.terminal(COLOURFUL).told
    told = doctor.terminal(COLOURFUL, of_dashboard=True).told
    assert told.startswith("xterm-256color, the dashboard's, 16 million colours")


def test_a_broken_or_missing_torch_is_told_and_the_rest_goes_on(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = HeardJob("doctor", tmp_path).run().result
    assert result["ok"] is False
    assert any(problem.startswith("torch does not work") for problem in result["problems"])
    assert "runs folder" in result["findings"]


def test_an_old_torch_and_a_wrong_plotext_are_named(monkeypatch):
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda _: "2.10.0+cu126")
    assert "older than 2.11" in doctor.torch().problem
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda _: "6.0.1")
    assert "plotext 6 is another program" in doctor.packages().problem


def test_limits_of_a_container_and_of_the_environment(monkeypatch):
    monkeypatch.setattr(doctor, "allowed_cores", lambda: 8)
    monkeypatch.setattr(doctor, "core_quota", lambda: 1.5)
    monkeypatch.setattr(doctor, "cores_below", lambda _: 2)
    finding = doctor.processor()
    assert "1.5 of them at a time" in finding.told and "starts 2 workers" in finding.told
    monkeypatch.setattr(doctor, "core_quota", lambda: 0.5)
    assert "0.5 of a core" in doctor.processor().advice
    limited = Memory(3 * 10**9, 2_500_000_000, limited=True)
    monkeypatch.setattr(doctor, "usable_memory", lambda: limited)
    finding = doctor.memory()
    assert finding.told == "2.5 GB of 3.0 GB free (control group)" and finding.problem == ""
    assert "gpu (" in finding.advice and "buffer_capacity" in finding.advice
    monkeypatch.setattr(doctor, "usable_memory", lambda: Memory(10**9, 10**8))
    assert "only 100.0 MB" in doctor.memory().problem
    assert "OMP_NUM_THREADS=3" in doctor.threads({"OMP_NUM_THREADS": "3"}).told
