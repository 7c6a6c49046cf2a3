"""The command line where the world is not as it should be: full disks, closed pipes, lost folders.

Each command is a process of its own, started by a shell as a person or a script would.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_run import make_run

LISTINGS = ("--help", "--version", "--list", "--list --json", "--print-config", "--once")


@pytest.fixture
def place(tmp_path):
    make_run(tmp_path / "checkpoints" / "größe", 3)
    return tmp_path


def shell(line, folder, **environment):
    """Run a shell line in which `azul` is the command; standard error is kept."""
    azul = f"azul() {{ '{sys.executable}' -m azul_tui \"$@\"; }}; cd '{folder}'; "
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        ["bash", "-c", azul + line],
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        env={**inherited, **environment},
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("environment", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["", "unbuffered"])
def test_a_listing_that_nobody_takes(place, environment):
    """On a full disk one sentence and exit 2; a reader who left at once hears no complaint."""
    for listing in LISTINGS[:: 2 if environment else 1]:
        done = shell(f"azul {listing} > /dev/full", place, **environment)
        assert done.returncode == 2
        assert done.stderr == (
            "azul-tui: standard output cannot be written: No space left on device\n"
        )
        line = f"mkfifo pipe; : < pipe & azul {listing} > pipe; code=$?; rm pipe; exit $code"
        done = shell(line, place, **environment)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_may_not_grow_is_a_sentence_as_well(place):
    done = shell("ulimit -f 0; azul --list > listing", place)
    assert done.returncode == 2
    assert done.stderr == "azul-tui: standard output cannot be written: File too large\n"


def test_a_full_disk_under_standard_output_does_not_hide_that_a_job_answered_nobody(place):
    traces = Path(__file__).parent / "data/traces.jsonl.gz"
    done = shell(f"azul --run replay --set games='{traces}' > /dev/full", place)
    assert done.returncode == 2
    assert done.stderr.endswith("standard output cannot be written: No space left on device\n")
    assert "Traceback" not in done.stderr


def test_in_a_folder_that_is_gone_listings_work_and_no_run_is_made(place):
    for listing in ("--help", "--list", "--print-config", "--run quick --print-config"):
        done = shell(f"mkdir gone; cd gone; rmdir ../gone; azul {listing}", place)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    done = shell("mkdir gone; cd gone; rmdir ../gone; azul --run quick", place)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "choose another place with --dir" in done.stderr


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("/etc/passwd", "is not a folder"),
        ("'~nobody-of-that-name/runs'", "there is no such home folder"),
        ("x" * 300, "File name too long"),
        ("/x" * 3000, "File name too long"),
    ],
    ids=["file", "home", "name", "path"],
)
def test_an_odd_folder_of_runs_is_refused_in_a_sentence(tmp_path, folder, told):
    for command in ("--list", "--once", "--run quick"):
        done = shell(f"azul {command} --dir {folder}", tmp_path)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert told in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1:strict"])
def test_a_terminal_without_unicode_gets_signs_in_place_of_letters(place, encoding):
    for listing in ("--list", "--once"):
        done = shell(f"azul {listing}", place, PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_docstrings_and_assertions_may_be_stripped(place):
    traces = Path(__file__).parent / "data/traces.jsonl.gz"
    done = shell(
        f"azul --list && azul --run replay --set games='{traces}'",
        place,
        PYTHONOPTIMIZE="2",
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert done.returncode == 0, done.stderr
    assert "every number agrees" in done.stdout
