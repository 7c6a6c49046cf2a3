from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from azul_tui.jobs.doctor import hardware, place, run, software
from azul_tui.jobs.registry import find_job
from azul_tui.jobs.reporter import Reporter
from azul_tui.jobs.start import JobContext
from azul_tui.runs.machine import Memory


def only(findings):
    (finding,) = findings
    return finding


def context_for(root, output, *, json_lines=False):
    return JobContext(
        spec=find_job("doctor"),
        settings={},
        config=None,
        changes={},
        reporter=Reporter(output, io.StringIO(), json_lines=json_lines),
        runs_root=root,
        directory=root,
    )


def test_everything_that_was_asked_for_is_told(tmp_path):
    output = io.StringIO()
    result = run(context_for(tmp_path, output))
    subjects = (
        "azul-tui", "python", "torch", "numba", "compute", "packages", "processor", "threads",
        "memory", "gpu", "terminal", "runs folder",
    )  # fmt: skip
    assert set(subjects) <= set(result["findings"])
    for subject in subjects:
        assert f"\n{subject} " in "\n" + output.getvalue()
    assert result["ok"] == (not result["problems"])


def test_as_json_there_is_a_record_for_every_finding(tmp_path):
    output = io.StringIO()
    result = run(context_for(tmp_path, output, json_lines=True))
    records = [json.loads(line) for line in output.getvalue().splitlines()]
    assert {record["subject"]: record["told"] for record in records} == result["findings"]


def test_a_runs_folder_that_cannot_be_written_is_a_problem_in_words():
    output = io.StringIO()
    result = run(context_for(Path("/proc/no"), output))
    assert result["ok"] is False
    assert "problem 1: /proc cannot be written" in output.getvalue()
    assert "--dir" in result["problems"][0]


def test_a_runs_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is not a folder" in only(place.runs_folder(tmp_path / "file")).problem
    assert "is not a folder" in only(place.runs_folder(tmp_path / "file" / "below")).problem


def test_looking_makes_no_folder_and_leaves_no_file(tmp_path):
    finding = only(place.runs_folder(tmp_path / "runs"))
    assert finding.problem == ""
    assert "writable" in finding.told
    assert list(tmp_path.iterdir()) == []


def test_a_nearly_full_disk_is_a_problem(tmp_path, monkeypatch):
    nearly_full = SimpleNamespace(total=10**12, used=10**12, free=5 * 10**8)
    monkeypatch.setattr(place.shutil, "disk_usage", lambda _: nearly_full)
    assert "only 500.0 MB are free" in only(place.runs_folder(tmp_path)).problem


class Terminal(io.StringIO):
    def __init__(self, encoding):
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self):
        return self._encoding

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "encoding", "told", "problem", "advice"),
    [
        (
            {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
            "utf-8",
            "16 million colours",
            "",
            "",
        ),
        ({"TERM": "xterm-256color"}, "utf-8", "256 colours, Unicode", "", ""),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "UTF-8", "no colours", "", ""),
        ({"TERM": "xterm"}, "ascii", "16 colours, plain characters (ascii)", "", "--ascii"),
        ({"TERM": "dumb"}, "utf-8", "dumb", "TERM names no terminal", ""),
        ({}, "utf-8", "", "TERM names no terminal", ""),
    ],
)
def test_what_a_terminal_can_do(monkeypatch, environment, encoding, told, problem, advice):
    monkeypatch.setattr(sys, "stdout", Terminal(encoding))
    finding = only(place.terminal(environment))
    assert told in finding.told
    assert problem in finding.problem and bool(problem) == bool(finding.problem)
    assert advice in finding.advice and bool(advice) == bool(finding.advice)


def test_a_small_terminal_is_advised_on(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal("utf-8"))
    monkeypatch.setattr(place.shutil, "get_terminal_size", lambda: os.terminal_size((40, 10)))
    assert "40x10 is small" in only(place.terminal({"TERM": "xterm"})).advice


def test_a_dashboard_that_started_it_has_a_terminal(monkeypatch, tmp_path):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("COLORTERM", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    context = context_for(tmp_path, io.StringIO())
    assert "none here" in run(context)["findings"]["terminal"]
    context.directory = tmp_path / ".jobs" / "doctor-1"
    told = run(context)["findings"]["terminal"]
    assert told.startswith("xterm-256color, the dashboard's, 256 colours")


def test_a_broken_or_missing_torch_is_told_and_the_rest_goes_on(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run(context_for(tmp_path, io.StringIO()))
    assert result["ok"] is False
    assert any(problem.startswith("torch does not work") for problem in result["problems"])
    assert "runs folder" in result["findings"]


def test_what_training_computes_with_is_told():
    told = only(software.compute()).told
    assert told.startswith("inference: ")
    assert "; training: " in told


def test_an_old_torch_and_a_wrong_plotext_are_named(monkeypatch):
    monkeypatch.setattr(software.importlib.metadata, "version", lambda _: "2.10.0+cu126")
    assert "older than 2.11" in only(software.torch()).problem
    monkeypatch.setattr(software.importlib.metadata, "version", lambda _: "6.0.1")
    assert "plotext 6 is another program" in only(software.packages()).problem


def test_limits_of_a_container_and_of_the_environment(monkeypatch):
    monkeypatch.setattr(hardware, "allowed_cores", lambda: 8)
    monkeypatch.setattr(hardware, "core_quota", lambda _: 1.5)
    monkeypatch.setattr(hardware, "cores_below", lambda _: 2)
    finding = only(hardware.processor())
    assert "1.5 of them at a time" in finding.told and "starts 2 workers" in finding.told
    monkeypatch.setattr(hardware, "core_quota", lambda _: 0.5)
    assert "0.5 of a core" in only(hardware.processor()).advice
    limited = Memory(3 * 10**9, 2_500_000_000, limited=True)
    monkeypatch.setattr(hardware, "usable_memory", lambda _: limited)
    finding = only(hardware.memory())
    assert finding.told == "2.5 GB of 3.0 GB free (control group)" and finding.problem == ""
    assert "gpu (" in finding.advice and "buffer_capacity" in finding.advice
    monkeypatch.setattr(hardware, "usable_memory", lambda _: Memory(10**9, 10**8))
    assert "only 100.0 MB" in only(hardware.memory()).problem
    assert "OMP_NUM_THREADS=3" in only(hardware.threads({"OMP_NUM_THREADS": "3"})).told
