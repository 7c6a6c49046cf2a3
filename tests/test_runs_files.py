"""Files, names and texts of runs: whole or not there, inside their folder, harmless to show."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.errors import RunError
from azul_tui.runs.files import open_own, read_bounded, write_atomically, write_bytes_atomically
from azul_tui.runs.paths import (
    RunPaths,
    check_run_name,
    existing_run,
    new_job_folder,
    new_run,
    pretrained_directory,
    run_folders,
    run_paths,
    runs_root,
)
from azul_tui.runs.text import plain_text


def names(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_as_a_whole_or_stays(tmp_path, durable):
    path = tmp_path / "status.json"
    for content in (b"1", b"22"):
        write_bytes_atomically(path, content, durable=durable)
        assert path.read_bytes() == content

    def fail(unfinished):
        unfinished.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"22"
    assert names(tmp_path) == ["status.json"]


def test_a_file_size_limit_is_met_without_loss(tmp_path):
    """The kernel itself refuses the bytes, as a full disk or a quota does."""
    program = """
import resource, signal, sys
from pathlib import Path
from azul_tui.runs.files import write_bytes_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
write_bytes_atomically(path, b"good")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    write_bytes_atomically(path, b"x" * 5000)
except OSError as error:
    print("refused", error.errno)
"""
    path = tmp_path / "x"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("refused")
    assert path.read_bytes() == b"good"
    assert names(tmp_path) == ["x"]


def test_what_is_read_and_written_is_a_regular_file_of_that_name(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "link").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        with pytest.raises(OSError, match=r"symbolic links|regular file"):
            open_own(tmp_path / name)
    for name in ("link", "pipe", ".", "absent", "a\0b"):
        assert read_bounded(tmp_path / name, 100) is None
    assert read_bounded(secret, 6) == b"secret"
    assert read_bounded(secret, 5) is None
    (tmp_path / ".status.json.unfinished").symlink_to(secret)
    write_bytes_atomically(tmp_path / "status.json", b"{}")
    assert secret.read_bytes() == b"secret"
    assert not (tmp_path / "status.json").is_symlink()


# -- names of runs

GOOD = ["laptop-1122", "a", "x" * 64, "Über 9", "run_2.5+b", "naïve=1, (b)"]
BAD = [
    "", ".", "..", "../x", "a/b", "/etc", "a\\b", "-x", ".hidden", " a", "a ", "a\nb", "a\x1b[2Jb",
    "x" * 65, "a\0b", "a\u202eb", "a\ud800", "pretrained", "a*b", "a[bold]b", "🀄" * 10, "a:b", "~",
]  # fmt: skip


def test_names_that_climb_hide_or_upset_a_terminal_are_refused_in_one_sentence():
    assert [check_run_name(name) for name in GOOD] == GOOD
    for name in BAD:
        with pytest.raises(RunError) as caught:
            check_run_name(name)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 250


@given(st.text(max_size=80))
def test_an_accepted_name_stays_in_the_folder(name):
    try:
        paths = run_paths(Path("/runs"), name)
    except RunError:
        return
    assert Path("/runs", name).resolve() == paths.directory == Path("/runs") / name
    assert name.isprintable()


def test_links_are_not_followed_out_of_the_folder_which_may_be_one_itself(tmp_path):
    outside, root = tmp_path / "outside", tmp_path / "runs"
    (tmp_path / "disk" / "inside").mkdir(parents=True)
    root.symlink_to(tmp_path / "disk")
    outside.mkdir()
    for name, target in (("out", outside), ("up", ".."), ("loop", "loop"), ("in", root / "inside")):
        (root / name).symlink_to(target)
    for name in ("out", "up", "loop"):
        with pytest.raises(RunError, match="link that leads out"):
            run_paths(root, name)
    for name in (".jobs", "pretrained"):
        (root / name).mkdir()
    (root / "README.md").write_text("")
    assert existing_run(root, "in").name == "in"
    assert [folder.name for folder in run_folders(root)] == ["in", "inside"]
    assert run_folders(tmp_path / "absent") == []


@pytest.mark.parametrize("name", ["control", "games", "replay"])
def test_a_folder_inside_that_is_a_link_is_refused_in_one_sentence(tmp_path, name):
    paths = RunPaths(tmp_path / "run")
    paths.directory.mkdir()
    (paths.directory / name).symlink_to(tmp_path)
    with pytest.raises(RunError, match=f"{name}: is a link, and what a run writes stays"):
        paths.create()


def test_files_have_the_names_of_the_specification():
    paths = RunPaths(Path("checkpoints/x"))
    assert paths.checkpoint(5) == Path("checkpoints/x/checkpoint_iter_000005.pt")
    assert paths.best_model == Path("checkpoints/x/best_model.pt")
    assert pretrained_directory().is_dir()


def test_where_runs_live(tmp_path):
    assert runs_root("x", {"AZUL_TUI_DIR": "y"}) == Path("x")
    assert runs_root(None, {"AZUL_TUI_DIR": "y"}) == Path("y")
    assert runs_root(None, {}) == Path("checkpoints")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is not a folder"):
        runs_root(str(tmp_path / "file"), {})
    with pytest.raises(RunError, match="NUL"):
        runs_root("a\0b", {})


def test_new_runs_are_called_after_the_day_and_never_twice(tmp_path):
    noon = time.mktime((2025, 11, 22, 12, 0, 0, 0, 0, -1))
    found = [new_run(tmp_path / "runs", "quick", now=noon).name for _ in range(3)]
    assert found == ["quick-1122", "quick-1122-2", "quick-1122-3"]
    assert (tmp_path / "runs" / "quick-1122" / "control").is_dir()
    assert new_job_folder(tmp_path, "losses", now_ns=5).directory.is_dir()
    assert [folder.name for folder in run_folders(tmp_path)] == ["runs"]


def test_a_run_that_cannot_be_made_or_found_is_refused_in_one_sentence(tmp_path):
    for make in (lambda: new_run(Path("/proc/no"), "quick"), RunPaths(Path("/proc/no")).create):
        with pytest.raises(RunError, match="choose another place with --dir"):
            make()
    (tmp_path / "laptop-1122").mkdir()
    with pytest.raises(RunError, match='nearest is "laptop-1122"'):
        existing_run(tmp_path, "laptop-112")
    with pytest.raises(RunError, match="--list shows them"):
        existing_run(tmp_path, "zzz")


# -- text


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("plain", "plain"),
        ("\x1b[2J\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x9b31mred", "red"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("two\nlines\ttab", "two lines tab"),
        ("a\u202eb\u2066c\u200bd\ufeffe", "abcde"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("thin\u2009no-break\u00a0line\u2028end", "thin no-break line end"),
        ("Fußball 日本 ▁▂", "Fußball 日本 ▁▂"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
        ("a" + "\u0301" * 500, "a" + "\u0301" * 4),
        ("x" * 10_000, "x" * 199 + "…"),
    ],
)
def test_what_acts_on_a_terminal_is_removed(dirty, clean):
    assert plain_text(dirty) == clean


def test_lines_are_kept_on_request():
    assert plain_text("a\nb\r\x1b[Hc", keep_lines=True) == "a\nb c"


@pytest.mark.fuzz
@given(st.text() | st.text("\x1b[]0;m\x07\\\x9b\u202eab"), st.integers(1, 50))
def test_nothing_harmful_is_left_and_nothing_is_too_long(text, limit):
    shown = plain_text(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert plain_text(shown, limit) == shown
