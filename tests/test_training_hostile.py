"""Files of strangers and of failing disks: shards, progress, checkpoints of whole runs."""

from __future__ import annotations

import io
import itertools
import math
import os
import shutil
import zipfile

import numpy as np
import pytest
import torch
from tiny_training import alerts, resume, tiny, train

from azul_tui.errors import AzulError, CheckpointError
from azul_tui.runs.paths import RunPaths
from azul_tui.training.checkpoint import read_checkpoint
from azul_tui.training.replay import (
    ReplayBuffer,
    Shard,
    digest_of,
    read_shard,
    restore_buffer,
)
from azul_tui.training.resuming import RunProgress, find_resume_point, progress_from_dict


def one_sentence(error):
    """What a person reads: short, and no traceback in it."""
    assert "\n" not in str(error)
    assert len(str(error)) < 600


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(folder, tiny(max_iterations=2, dropout=0.0))
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def shard(copied):
    """One real shard, and its arrays by name."""
    path = min(RunPaths(copied).replay.iterdir())
    with np.load(path) as stored:
        return path, dict(stored)


def refused(path, players=2, digest=None):
    """The one sentence with which a shard is refused."""
    with pytest.raises(CheckpointError) as error:
        read_shard(path, digest or digest_of(path), players)
    assert "\n" not in str(error.value)
    assert path.name in str(error.value)
    return str(error.value)


def test_a_real_shard_is_read_back(shard):
    path, arrays = shard
    found = read_shard(path, digest_of(path), 2)
    assert (found.states == arrays["states"]).all()
    assert found.policies.sum(dtype=np.float64) == arrays["shares"].sum(dtype=np.float64)


def test_shards_of_other_games_and_other_bytes_are_refused(shard, tmp_path):
    path, _ = shard
    assert "of another game" in refused(path, players=3)
    assert "SHA-256 differs" in refused(path, digest="0" * 64)
    assert "cannot be read" in refused(tmp_path / "absent.npz", digest="0" * 64)
    assert "cannot be read" in refused(tmp_path, digest="0" * 64)
    other = tmp_path / "text.npz"
    other.write_text("hello")
    assert "is not a replay shard" in refused(other)


@pytest.mark.parametrize(
    ("name", "row", "value"),
    [
        ("states", (0, 0), 9),  # players
        ("states", (0, 1), 2),  # seat to move
        ("states", (0, 1), -1),
        ("states", (3, 5), 3),  # phase
        ("states", (0, 18), 6),  # colour of a pattern line
        ("states", (0, 90), 127),
        ("outcomes", (0, 0), math.nan),
        ("outcomes", (0, 0), 1.5),
        ("shares", 0, math.inf),
        ("actions", 0, 60_000),
        ("counts", 0, 9_999),
    ],
)
def test_a_number_that_a_kernel_must_never_see_is_refused(shard, name, row, value):
    """Kernels check nothing: a seat of 9 would be read from beyond the board."""
    path, arrays = shard
    arrays[name] = arrays[name].copy()
    arrays[name][row] = value
    np.savez(path, **arrays)
    refused(path)


def test_arrays_that_claim_more_than_they_hold_are_refused_before_memory_is_taken(shard):
    path, arrays = shard
    for shape in ("(1000000000000, 96)", "(-1, 96)"):
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in arrays.items():
                stream = io.BytesIO()
                np.save(stream, array)
                data = stream.getvalue()
                if name == "states":
                    data = data.replace(str(array.shape).encode(), shape.encode(), 1)
                archive.writestr(f"{name}.npy", data)
        refused(path)


def test_a_zip_bomb_and_a_pickle_are_refused(shard, tmp_path):
    path, arrays = shard
    np.savez_compressed(path, **arrays)
    refused(path)
    canary = tmp_path / "canary"

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(canary),)

    arrays["shares"] = np.array([Bomb()], dtype=object)
    np.savez(path, **arrays)
    refused(path)
    assert not canary.exists()


@pytest.mark.fuzz
def test_mutated_shards_are_refused_or_harmless(shard, fuzz):
    path, _ = shard
    original = path.read_bytes()
    for _ in range(fuzz.rounds(60)):
        data = bytearray(original)
        for _ in range(fuzz.rng.choice((1, 1, 3, 20))):
            data[fuzz.rng.randrange(len(data))] = fuzz.rng.randrange(256)
        if fuzz.rng.random() < 0.2:
            del data[fuzz.rng.randrange(len(data)) :]
        path.write_bytes(data)
        try:
            found = read_shard(path, digest_of(path), 2)
        except CheckpointError as error:
            one_sentence(error)
            continue
        buffer = ReplayBuffer(len(found.states), 2)
        buffer.add(*found)
        drawn = buffer.sample(32, np.random.default_rng(0))
        assert np.isfinite(drawn.policy).all()


def test_a_buffer_with_a_damaged_shard_begins_with_what_there_is(copied):
    newest, *_ = sorted(RunPaths(copied).replay.iterdir(), reverse=True)
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 255
    newest.write_bytes(data)
    results = resume(copied, tiny(max_iterations=3, dropout=0.0))
    assert results["iterations"] == 3
    assert any("SHA-256 differs" in text and "goes on with 0" in text for text in alerts(copied))


def test_shards_that_are_too_few_are_named(tmp_path):
    buffer = ReplayBuffer(10, 2)
    assert restore_buffer(buffer, tmp_path, [], 5) == ["the replay shards hold 0 positions, not 5"]
    assert restore_buffer(buffer, tmp_path, [], 0) == []


def test_a_shard_outside_its_folder_or_without_sense_is_refused():
    right = {"file": "iter_000001.npz", "samples": 1, "sha256": ""}
    assert progress_from_dict({"shards": [right]}).shards == [Shard(**right)]
    for wrong in (
        *(None, [], {}),
        {**right, "file": "../iter_000001.npz"},
        {**right, "file": "/etc/passwd"},
        {**right, "samples": -1},
        {**right, "samples": 1 << 60},
        {**right, "samples": True},
        {**right, "sha256": None},
    ):
        with pytest.raises(CheckpointError):
            progress_from_dict({"shards": [wrong]})


# Progress


def test_progress_comes_back_as_it_was_saved():
    progress = RunProgress(
        iteration=3,
        played=True,
        steps_done=2,
        steps_wanted=9,
        opponents_left=["greedy"],
        score=0.25,
        games_total=12,
        samples_total=900,
        elapsed_s=1.5,
        best_score=0.5,
        loss_sums={"total_loss": 1.0, "policy_loss": 0.5, "value_loss": 0.5},
        shards=[Shard("iter_000001.npz", 900, "ab")],
    )
    assert progress_from_dict(progress.as_dict()) == progress


HOSTILE = (None, -1, 1 << 80, 1.5, math.nan, math.inf, "x", b"x", [], {}, [1], {"a": 1}, True)


def test_no_damaged_progress_leads_to_anything_but_a_sentence():
    for name, value in itertools.product((*RunProgress().as_dict(), "unknown"), HOSTILE):
        try:
            found = progress_from_dict({**RunProgress(iteration=1).as_dict(), name: value})
        except CheckpointError as error:
            one_sentence(error)
            continue
        assert progress_from_dict(found.as_dict()) == found
    with pytest.raises(CheckpointError):
        progress_from_dict("no table")


# Whole checkpoints


def rewrite(path, change):
    """A checkpoint whose content somebody changed, with a manifest that does not know."""
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)
    (path.parent / "checkpoints.json").unlink(missing_ok=True)


def paths_into(content, trail=()):
    """Where the plain values and tables of a checkpoint's training part lie."""
    for key, value in content.items():
        yield (*trail, key)
        if isinstance(value, dict):
            yield from paths_into(value, (*trail, key))


def put(content, trail, value):
    for key in trail[:-1]:
        content = content[key]
    content[trail[-1]] = value


@pytest.mark.fuzz
def test_whatever_is_changed_in_the_training_part_never_ends_in_a_traceback(copied, fuzz):
    """Resume either refuses in one sentence or trains on."""
    path = RunPaths(copied).checkpoint(2)
    pristine = path.read_bytes()
    trails = list(paths_into(read_checkpoint(path)["extra"]))
    for trail in fuzz.rng.sample(trails, min(len(trails), fuzz.rounds(25))):
        value = fuzz.rng.choice(HOSTILE)
        path.write_bytes(pristine)
        rewrite(path, lambda content, where=trail, what=value: put(content["extra"], where, what))
        try:
            point = find_resume_point(path)
            assert point.number == 2
        except AzulError as error:
            one_sentence(error)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["extra"]["training"].update(sampler={"generator": {}}),
        lambda content: content["extra"]["training"].update(
            sampler={
                "generator": {
                    "bit_generator": "PCG64",
                    "state": {"state": 1 << 300, "inc": -5},
                    "has_uint32": 0,
                    "uinteger": 0,
                }
            }
        ),
        lambda content: content["extra"]["training"].update(step="many"),
        lambda content: content["extra"]["training"].update(averages=[]),
        lambda content: content["extra"]["training"].update(averages=[torch.zeros(2)]),
        lambda content: content.update(optimizer_state=None),
        lambda content: content["optimizer_state"].update(state={}),
        lambda content: content["optimizer_state"]["param_groups"][0].update(betas="x"),
        lambda content: content["extra"]["progress"].update(opponents_left=["../../x"]),
        lambda content: content["extra"]["progress"].update(samples_total=1 << 40),
        lambda content: content["extra"]["compute"].update(threads=1 << 40),
        lambda content: content["extra"].update(log_position=1 << 40),
    ],
)
def test_a_damaged_training_state_is_one_sentence_or_does_no_harm(copied, change):
    rewrite(RunPaths(copied).checkpoint(2), change)
    try:
        resume(copied, tiny(max_iterations=3, dropout=0.0))
    except AzulError as error:
        one_sentence(error)
