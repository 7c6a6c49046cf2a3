"""What a person may do to a run as a whole."""

from __future__ import annotations

import os

import pytest

from azul_tui.errors import RunError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.processes import host_name, own_mark
from azul_tui.runs.status import CRASHED_AFTER_S
from azul_tui.tui.runs.changes import archive_run, delete_run, rename_run

NOW = 1000.0


@pytest.fixture
def paths(tmp_path):
    paths = RunPaths(tmp_path / "quick-1122")
    paths.create()
    return paths


def hold(paths, **fields):
    mark = {"pid": 2**22 + 5, "host": host_name(), "birth": "", "since": NOW, **fields}
    paths.lock.write_bytes(encode_plain(mark))


def test_a_run_whose_process_was_killed_can_be_renamed_archived_and_deleted(paths):
    hold(paths)
    renamed = rename_run(paths, "other", NOW)
    assert renamed.directory.is_dir()
    archived = archive_run(renamed, NOW)
    assert archived.is_dir()
    delete_run(RunPaths(archived), NOW)
    assert not archived.exists()


def test_a_run_that_is_held_is_left_alone_and_its_process_named(paths):
    hold(paths, pid=os.getpid(), birth=own_mark().birth)
    for deed in (lambda: rename_run(paths, "other", NOW), lambda: delete_run(paths, NOW)):
        with pytest.raises(RunError, match=f"going on by process {os.getpid()}"):
            deed()
    assert paths.directory.is_dir()


def test_another_machine_is_believed_for_a_while(paths):
    hold(paths, host="elsewhere")
    with pytest.raises(RunError, match="on host elsewhere"):
        delete_run(paths, NOW + CRASHED_AFTER_S - 1)
    delete_run(paths, NOW + CRASHED_AFTER_S + 1)
    assert not paths.directory.exists()
