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


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("listing", LISTINGS)
def test_a_listing_that_cannot_be_written_is_one_sentence_and_exit_2(place, listing, buffered):
    environment = {} if buffered else {"PYTHONUNBUFFERED": "1"}
    done = shell(f"azul {listing} > /dev/full", place, **environment)
    assert done.returncode == 2
    assert done.stderr == ("azul-tui: standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("listing", LISTINGS)
def test_a_reader_who_leaves_at_once_hears_no_complaint(place, listing, buffered):
    environment = {} if buffered else {"PYTHONUNBUFFERED": "1"}
    line = f"{{ sleep 0.1; azul {listing}; }} | true; exit ${{PIPESTATUS[0]}}"
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


@pytest.mark.parametrize("listing", [*LISTINGS[:-1], "--run quick --print-config"])
def test_listings_work_in_a_folder_that_is_gone(place, listing):
    done = shell(f"mkdir gone; cd gone; rmdir ../gone; azul {listing}", place)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_no_run_is_made_in_a_folder_that_is_gone(place):
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
@pytest.mark.parametrize("command", ["--list", "--once", "--run quick", "--print-config"])
def test_an_odd_folder_of_runs_is_refused_in_a_sentence(tmp_path, command, folder, told):
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
