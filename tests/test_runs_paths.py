from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.errors import RunError
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

GOOD = ["laptop-1122", "a", "x" * 64, "Über 9", "run_2.5+b", "naïve=1, (b)"]
BAD = [
    "", ".", "..", "../x", "a/b", "/etc", "a\\b", "-x", ".hidden", " a", "a ", "a\nb", "a\x1b[2Jb",
    "x" * 65, "a\0b", "a\u202eb", "a\ud800", "pretrained", "a*b", "a[bold]b", "🀄" * 10, "a:b", "~",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_names_of_runs(name):
    assert check_run_name(name) == name


@pytest.mark.parametrize("name", BAD)
def test_names_that_climb_hide_or_upset_a_terminal_are_refused_in_one_sentence(name):
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
    assert paths.directory.parent == Path("/runs")
    assert Path("/runs", name).resolve() == Path("/runs").resolve() / name
    assert name.isprintable()


def test_files_have_the_names_of_the_specification():
    paths = RunPaths(Path("checkpoints/x"))
    assert paths.checkpoint(5) == Path("checkpoints/x/checkpoint_iter_000005.pt")
    assert paths.best_model == Path("checkpoints/x/best_model.pt")
    assert paths.name == "x"


def test_links_are_not_followed_out_of_the_folder(tmp_path):
    root, outside = tmp_path / "runs", tmp_path / "outside"
    (root / "inside").mkdir(parents=True)
    outside.mkdir()
    (root / "out").symlink_to(outside)
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "in").symlink_to(root / "inside")
    for name in ("out", "up", "loop"):
        with pytest.raises(RunError, match="link that leads out"):
            run_paths(root, name)
    assert run_paths(root, "in").name == "in"
    assert [folder.name for folder in run_folders(root)] == ["in", "inside"]


def test_a_runs_folder_may_itself_be_a_link(tmp_path):
    (tmp_path / "disk" / "a").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    assert existing_run(tmp_path / "runs", "a").directory.is_dir()


def test_the_shipped_player_has_a_folder():
    assert pretrained_directory().is_dir()


def test_hidden_reserved_and_plain_files_are_no_runs(tmp_path):
    for name in (".jobs", "pretrained", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").write_text("")
    assert [folder.name for folder in run_folders(tmp_path)] == ["a"]
    assert run_folders(tmp_path / "absent") == []


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
    names = [new_run(tmp_path / "runs", "quick", now=noon).name for _ in range(3)]
    assert names == ["quick-1122", "quick-1122-2", "quick-1122-3"]
    assert (tmp_path / "runs" / "quick-1122" / "control").is_dir()


def test_a_job_folder_is_hidden_from_the_runs(tmp_path):
    paths = new_job_folder(tmp_path, "losses", now_ns=5)
    assert paths.directory.is_dir()
    assert run_folders(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_refused_in_one_sentence():
    with pytest.raises(RunError, match="choose another place with --dir"):
        new_run(Path("/proc/no"), "quick")
    with pytest.raises(RunError, match="choose another place with --dir"):
        RunPaths(Path("/proc/no")).create()


def test_an_absent_run_is_refused_with_the_nearest_one(tmp_path):
    (tmp_path / "laptop-1122").mkdir()
    with pytest.raises(RunError, match='nearest is "laptop-1122"'):
        existing_run(tmp_path, "laptop-112")
    with pytest.raises(RunError, match="--list shows them"):
        existing_run(tmp_path, "zzz")
