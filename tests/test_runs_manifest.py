"""The list of checkpoints with their digests, as the dashboard verifies by it."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from azul_tui.runs.checkpoint_manifest import (
    CheckpointRecord,
    best_record,
    read_manifest,
    verify_listed,
    write_manifest,
)
from azul_tui.views.checkpoint_list import verify_file


def record(file, *contents):
    digests = tuple(hashlib.sha256(data).hexdigest() for data in contents)
    return CheckpointRecord(
        file=file.name, iteration=5, score=0.5, timestamp=1.0, size=3, sha256=digests
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "checkpoint_iter_000005.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"weights")
    return path


def test_a_file_is_verified_by_the_digest_of_its_list(file):
    assert verify_listed(file) is None, "there is no list"
    write_manifest(file.parent, [record(file, file.read_bytes())])
    assert verify_listed(file) is True
    assert verify_file(file) == ""


def test_a_whole_container_with_another_content_is_told_from_the_file_that_was_written(file):
    """The checksums inside are as good as before: whoever changes a file makes them anew."""
    write_manifest(file.parent, [record(file, file.read_bytes())])
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"other weights")
    assert verify_listed(file) is False
    assert "SHA-256" in verify_file(file)


def test_while_a_file_is_being_replaced_both_contents_verify(file):
    old = file.read_bytes()
    write_manifest(file.parent, [record(file, old, b"new")])
    assert verify_listed(file) is True
    file.write_bytes(b"new")
    assert verify_listed(file) is True


def test_what_is_not_listed_is_verified_by_its_own_checksums(file):
    write_manifest(file.parent, [record(file.with_name("checkpoint_iter_000010.pt"), b"")])
    assert verify_file(file) == ""
    file.write_bytes(file.read_bytes()[:-10])
    assert "no checkpoint" in verify_file(file)
    assert "not there" in verify_file(file.with_name("absent.pt"))


def test_the_list_comes_back(file):
    written = record(file, b"a", b"b")
    write_manifest(file.parent, [written])
    assert read_manifest(file.parent) == {file.name: written}


def test_the_best_model_says_which_checkpoint_is_the_best_else_the_score():
    def scored(file, iteration, score):
        return CheckpointRecord(
            file=file, iteration=iteration, score=score, timestamp=0.0, size=1, sha256=("a",)
        )

    regular = {f"c{n}": scored(f"c{n}", n, score) for n, score in ((18, 0.9), (24, 0.9), (30, 0.5))}
    best = best_record(regular)
    assert best is not None and best.iteration == 24
    listed = best_record({**regular, "best_model.pt": scored("best_model.pt", 18, 0.9)})
    assert listed is not None and listed.iteration == 18
    assert best_record({"c1": scored("c1", 1, None)}) is None
