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


def record(file, *contents, iteration=5, score=0.5):
    digests = tuple(hashlib.sha256(data).hexdigest() for data in contents)
    return CheckpointRecord(file=file, iteration=iteration, score=score, size=3, sha256=digests)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "checkpoint_iter_000005.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"weights")
    return path


def test_a_file_is_verified_by_the_digest_of_its_list_not_by_its_own_checksums(file):
    assert verify_listed(file) is None, "there is no list"
    written = record(file.name, b"before", file.read_bytes())
    write_manifest(file.parent, [written])
    assert read_manifest(file.parent) == {file.name: written}
    assert verify_listed(file) is True
    assert verify_file(file) == ""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"other weights")
    assert verify_listed(file) is False
    assert "SHA-256" in verify_file(file)
    file.write_bytes(b"before")  # while a file is being replaced both contents verify
    assert verify_listed(file) is True


def test_what_is_not_listed_is_verified_by_its_own_checksums(file):
    write_manifest(file.parent, [record("checkpoint_iter_000010.pt", b"")])
    assert verify_file(file) == ""
    file.write_bytes(file.read_bytes()[:-10])
    assert "no checkpoint" in verify_file(file)
    assert "not there" in verify_file(file.with_name("absent.pt"))


def test_the_best_model_says_which_checkpoint_is_the_best_else_the_score():
    regular = {
        f"c{number}": record(f"c{number}", iteration=number, score=score)
        for number, score in ((18, 0.9), (24, 0.9), (30, 0.5))
    }
    assert best_record(regular).iteration == 24
    best = record("best_model.pt", iteration=18)
    assert best_record({**regular, "best_model.pt": best}).iteration == 18
    assert best_record({"c1": record("c1", iteration=1, score=None)}) is None
