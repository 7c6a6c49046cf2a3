"""Checkpoints: what is kept, what comes back, and that nothing else does."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from azul_tui import ReplayBuffer, create_training_components
from azul_tui.errors import CheckpointError
from azul_tui.network import create_azul_network
from azul_tui.network.model import AzulNetwork, NetworkDescription
from azul_tui.runs.checkpoint_manifest import MANIFEST_NAME, read_manifest
from azul_tui.training import checkpoint as module
from azul_tui.training.checkpoint import (
    FORMAT,
    LARGEST_FILE,
    ModelCheckpointManager,
    encode,
    load_network,
    newest_valid,
    plain,
    read_checkpoint,
)

TINY = NetworkDescription(
    preset="small", players=2, widths=(8, 8), policy_width=8, value_widths=(8, 4)
)


def network(seed: int = 0) -> AzulNetwork:
    torch.manual_seed(seed)
    return AzulNetwork(TINY)


def optimizer_of(model: AzulNetwork) -> torch.optim.AdamW:
    """An optimizer after one step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    logits, value = model.forward_with_logits(torch.ones(2, 256, dtype=torch.int8))
    (logits.square().mean() + value.square().mean()).backward()
    optimizer.step()
    optimizer.zero_grad()
    return optimizer


def manager(folder: Path, **settings: object) -> ModelCheckpointManager:
    return ModelCheckpointManager(folder, clock=lambda: 1234.5, **settings)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".pt")


def files(*iterations: int) -> list[str]:
    return [f"checkpoint_iter_{iteration:06d}.pt" for iteration in iterations]


def equal(one: AzulNetwork, other: AzulNetwork) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


# What is saved comes back


def test_everything_comes_back(tmp_path: Path):
    model = network()
    optimizer = optimizer_of(model)
    stats = {"total_loss": np.float32(1.5), "steps": np.int64(3), "file": Path("a"), "ok": True}
    stats |= {"rate": np.float64(0.5), "torch": torch.__version__, "word": np.str_("x")}
    extra = {"progress": {"games": [1, (2, 3)]}, "weights": model.first_layer.weight[:, :2]}
    path = manager(tmp_path).save_checkpoint(model, optimizer, 5, stats, 0.25, extra)
    assert path == tmp_path / "checkpoint_iter_000005.pt"

    loaded = network(seed=1)
    fresh = torch.optim.AdamW(loaded.parameters(), lr=0.5, fused=True)
    content = manager(tmp_path).load_checkpoint(path, loaded, fresh)
    assert equal(model, loaded)
    saved, restored = optimizer.state_dict(), fresh.state_dict()
    assert saved["param_groups"] == restored["param_groups"]
    for number, entry in saved["state"].items():
        for key, tensor in entry.items():
            assert torch.equal(restored["state"][number][key], tensor)
    assert (content["iteration"], content["score"], content["timestamp"]) == (5, 0.25, 1234.5)
    plainly = {"total_loss": 1.5, "steps": 3, "file": "a", "ok": True}
    assert content["stats"] == plainly | {"rate": 0.5, "torch": str(torch.__version__), "word": "x"}
    assert content["extra"]["progress"] == {"games": [1, (2, 3)]}
    assert torch.equal(content["extra"]["weights"], model.first_layer.weight[:, :2])


def test_a_network_is_rebuilt_from_its_file_alone_with_the_weights_that_play(tmp_path: Path):
    for preset, players in (("small", 3), ("deep", 2)):
        model, acting = create_azul_network(preset, players), create_azul_network(preset, players)
        extra = {"config": {"seed": 4}, "acting_state": acting.state_dict()}
        path = manager(tmp_path).save_checkpoint(model, None, 1, {}, extra=extra)
        loaded, settings = load_network(path)
        assert equal(acting, loaded)
        assert not loaded.training
        assert loaded.description == model.description
        assert settings == {"seed": 4}


def test_what_cannot_be_loaded_is_not_saved(tmp_path: Path):
    for thing in (object(), {1, 2}, np.zeros(3), {"key": {3.5: 1}}, lambda: 0):
        with pytest.raises(TypeError, match="checkpoint"):
            manager(tmp_path).save_checkpoint(network(), None, 1, {"thing": thing})
    with pytest.raises(ValueError, match="score"):
        manager(tmp_path).save_checkpoint(network(), None, 1, {}, score=float("nan"))
    assert names(tmp_path) == []


# What is kept


def test_the_newest_and_the_best_are_kept(tmp_path: Path):
    saving = manager(tmp_path, save_frequency=5, keep_latest=3)
    assert [i for i in range(21) if saving.should_save_checkpoint(i)] == [5, 10, 15, 20]
    assert saving.get_best_checkpoint() is None
    for number, score in enumerate([0.1, 0.9, 0.3, None, 0.4, 0.2], start=1):
        saving.save_checkpoint(network(number), None, 5 * number, {}, score)
    assert names(tmp_path) == ["best_model.pt", *files(20, 25, 30)]
    assert read_checkpoint(tmp_path / "best_model.pt")["iteration"] == 10
    for one in (saving, manager(tmp_path)):  # a new manager knows what the old one did
        assert one.best_score == 0.9
        assert one.get_best_checkpoint() == tmp_path / "best_model.pt"
        kept = [(record.iteration, record.score) for record in one.checkpoint_history]
        assert kept == [(20, None), (25, 0.4), (30, 0.2)]
        assert [record.file for record in one.checkpoint_history] == files(20, 25, 30)


def test_without_a_best_file_the_best_checkpoint_is_not_cleaned_up(tmp_path: Path):
    saving = manager(tmp_path, keep_latest=1, save_best=False)
    for number, score in enumerate([0.1, 0.9, 0.3, 0.2], start=1):
        saving.save_checkpoint(network(), None, number, {}, score)
    assert names(tmp_path) == files(2, 4)
    assert saving.get_best_checkpoint() == tmp_path / files(2)[0]


def test_going_on_from_an_earlier_iteration_replaces_the_later_ones(tmp_path: Path):
    old = manager(tmp_path)
    for number, score in ((5, 0.3), (10, 0.2), (15, 0.8)):
        old.save_checkpoint(network(), None, number, {}, score)
    new = manager(tmp_path)
    new.continue_from(module.open_checkpoint(tmp_path / files(10)[0])[1])
    assert new.best_score == 0.3
    assert "superseded_checkpoint_iter_000015.pt" in names(tmp_path), "no successor is there yet"
    assert newest_valid(tmp_path).path.name == files(10)[0]
    new.save_checkpoint(network(), None, 11, {}, 0.6)
    assert names(tmp_path) == ["best_model.pt", *files(5, 10, 11)]
    assert new.best_score == 0.6
    assert read_checkpoint(tmp_path / "best_model.pt")["iteration"] == 11


# What is damaged


def test_the_newest_that_verifies_is_found_and_the_others_are_named(tmp_path: Path):
    saving = manager(tmp_path)
    for number in (1, 2, 3):
        saving.save_checkpoint(network(), None, number, {})
    newest = tmp_path / files(3)[0]
    newest.write_bytes(newest.read_bytes()[:-100])
    (tmp_path / files(4)[0]).write_bytes(b"")
    found = newest_valid(tmp_path)
    assert (found.path, found.content["iteration"]) == (tmp_path / files(2)[0], 2)
    assert [name for name, _ in found.skipped] == files(4, 3)
    assert "SHA-256" in found.skipped[1][1]
    for file in tmp_path.glob("*.pt"):
        file.unlink()
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CheckpointError, match="it has none"):
            newest_valid(folder)


def test_a_write_that_fails_leaves_the_old_file_and_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    saving, model = manager(tmp_path), network()
    path = saving.save_checkpoint(model, None, 5, {}, 0.5)
    write = module.write_bytes_atomically

    def full(target: Path, data: bytes) -> None:
        if target.suffix == ".pt":
            raise OSError(28, "No space left on device")
        write(target, data)

    monkeypatch.setattr(module, "write_bytes_atomically", full)
    with pytest.raises(OSError, match="No space"):
        saving.save_checkpoint(network(1), None, 5, {}, 0.9)
    for file in (path, tmp_path / "best_model.pt"):
        assert equal(load_network(file)[0], model)
    assert saving.best_score == 0.5
    monkeypatch.undo()
    saving.save_checkpoint(network(1), None, 5, {}, 0.9)
    assert equal(load_network(path)[0], network(1))


@pytest.mark.parametrize("stage", range(1, 7))
def test_a_crash_at_any_write_leaves_files_that_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: int
):
    """Power fails before the `stage`-th replacement of a file, manifest or checkpoint."""
    saving = manager(tmp_path, keep_latest=2)
    for number, score in ((1, 0.5), (2, 0.6), (3, 0.7)):
        saving.save_checkpoint(network(number), None, number, {}, score)
    replacements = 0
    replace = Path.replace

    def crash(self: Path, target: Path) -> Path:
        nonlocal replacements
        replacements += 1
        if replacements == stage:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", crash)
    finished = True
    try:
        saving.save_checkpoint(network(9), None, 3, {}, 0.9)
    except KeyboardInterrupt:
        finished = False
    monkeypatch.undo()
    assert finished == (stage > 5), "manifest, file, manifest, best, manifest"
    for file in tmp_path.glob("*.pt"):
        seeds = {3, 9} if file.name != files(2)[0] else {2}
        loaded = load_network(file)[0]
        assert any(equal(loaded, network(seed)) for seed in seeds), file.name
    found = newest_valid(tmp_path)
    assert (found.path.name, found.skipped) == (files(3)[0], [])


def test_a_damaged_manifest_is_no_manifest(tmp_path: Path):
    path = manager(tmp_path).save_checkpoint(network(), None, 1, {}, 0.5)
    entry = json.loads((tmp_path / MANIFEST_NAME).read_text())["files"][0]
    for damage in (
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"files": 3}',
        json.dumps({"files": [3, {}, {"file": "../a"}, {**entry, "size": "x"}]}).encode(),
    ):
        (tmp_path / MANIFEST_NAME).write_bytes(damage)
        assert read_manifest(tmp_path) == {}
        assert read_checkpoint(path)["iteration"] == 1
        assert manager(tmp_path).checkpoint_history == []


def mutate(data: bytes, rng) -> bytes:
    """One of seven kinds of damage, at random places."""
    broken = bytearray(data)
    # The front holds the pickle, the end the directory of the archive.
    near = rng.choice((0, 0, len(data) - 2_000, rng.randrange(len(data) - 2_000)))
    at = near + rng.randrange(1_990)
    match rng.randrange(7):
        case 0:
            for _ in range(rng.randrange(1, 4)):
                broken[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case 1:
            del broken[at:]
        case 2:
            del broken[at : at + rng.randrange(1, 5_000)]
        case 3:
            broken[at:at] = rng.randbytes(rng.randrange(1, 64))
        case 4:
            length = len(broken[at : at + rng.randrange(1, 4096)])
            broken[at : at + length] = bytes(length)
        case 5:
            broken[at] ^= 1 << rng.randrange(8)
        case _:  # where a zip archive keeps its names and sizes, and the pickle its instructions
            broken[rng.choice((len(data) - 200, 64, 128)) + rng.randrange(60)] = rng.randrange(256)
    return bytes(broken)


@pytest.mark.fuzz
def test_no_mutated_file_loads_wrongly(tmp_path: Path, fuzz):
    """Without a manifest, which would know at once; damage may hit padding only."""
    path = manager(tmp_path / "source").save_checkpoint(network(), None, 3, {"loss": 1.25}, 0.5)
    data, whole = path.read_bytes(), encode(plain(read_checkpoint(path)))
    stranger, canary = tmp_path / "stranger.pt", tmp_path / "canary"
    code = pickle.dumps(Canary(canary), 2)
    refusals: list[str] = []
    for number in range(fuzz.rounds(800)):
        broken = bytearray(mutate(data, fuzz.rng))
        if number % 4 == 0:
            at = fuzz.rng.randrange(2_000)
            broken[at : at + len(code)] = code
        stranger.write_bytes(broken)
        try:
            content = read_checkpoint(stranger)
        except CheckpointError as error:
            refusals.append(str(error))
        else:
            assert encode(plain(content)) == whole
    assert len(refusals) > fuzz.rounds(400)
    assert not canary.exists()
    for text in refusals:
        assert text.startswith(str(stranger))
        assert "\n" not in text


# What is hostile


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def archive(program: bytes, compression: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as made:
        made.writestr("archive/data.pkl", program)
        made.writestr("archive/byteorder", b"little")
        made.writestr("archive/version", b"3\n")
        for name, data in members.items():
            made.writestr(f"archive/{name}", data)
    return stream.getvalue()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_checkpoint_never_runs(tmp_path: Path, protocol: int):
    canary, path = tmp_path / "canary", tmp_path / "best_model.pt"
    content = {"format": FORMAT, "iteration": 1, "extra": Canary(canary)}
    program = pickle.dumps(content, protocol)
    stream = io.BytesIO()
    torch.save(content, stream, pickle_protocol=protocol or 1)
    for data in (program, archive(program), stream.getvalue()):
        path.write_bytes(data)
        for read in (read_checkpoint, manager(tmp_path).load_checkpoint):
            with pytest.raises(CheckpointError, match=str(path)):
                read(path)
        with pytest.raises(CheckpointError):
            newest_valid(tmp_path)
    assert not canary.exists()
    pickle.loads(program)
    assert canary.exists(), "the canary would have sung"


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path):
    path = tmp_path / "a.pt"
    program = pickle.dumps({"format": FORMAT}, 2)
    path.write_bytes(archive(program, zipfile.ZIP_DEFLATED, **{"data/0": bytes(50_000_000)}))
    assert path.stat().st_size < 100_000
    with pytest.raises(CheckpointError, match="unpack"):
        read_checkpoint(path)


def write_content(path: Path, **changes: object) -> None:
    """A file that torch can load, with some keys changed or, if None, left out."""
    content = {
        "format": FORMAT,
        "iteration": 1,
        "network": TINY.as_dict(),
        "model_state": dict(network().state_dict()),
        "optimizer_state": None,
        "stats": {},
        "score": None,
        "timestamp": 0.0,
        "extra": {},
        **changes,
    }
    torch.save({key: value for key, value in content.items() if value != "absent"}, path)


def with_weights(**changes: object) -> dict[str, object]:
    state = {**network().state_dict(), **changes}
    return {key: tensor for key, tensor in state.items() if tensor is not None}


SPARSE = torch.sparse_coo_tensor(size=(10**6, 10**6), check_invariants=True)
CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "another program"}, "no checkpoint of this program"),
        ({"format": "azul-tui checkpoint 2"}, "a newer version of azul-tui wrote it"),
        ({"iteration": "absent"}, "is damaged .*`iteration`"),
        ({"model_state": "absent"}, "is damaged .*`model_state`"),
        ({"model_state": 3}, "is damaged .*model_state"),
        ({"iteration": -1}, "is damaged .*iteration"),
        ({"iteration": True}, "is damaged .*iteration"),
        ({"score": float("nan")}, "is damaged .*score"),
        ({"timestamp": None}, "is damaged .*timestamp"),
        ({"network": {}}, "describes no network"),
        ({"network": {**TINY.as_dict(), "players": 9}}, "describes no network"),
        ({"network": {**TINY.as_dict(), "widths": [4096] * 16}}, "instead of"),
        ({"network": {**TINY.as_dict(), "players": 3}}, "instead of"),
        ({"model_state": with_weights(first_layer=torch.zeros(1))}, "unknown weights"),
        ({"model_state": with_weights(**{"value_output.bias": None})}, "are missing"),
        ({"model_state": with_weights(**{"value_output.bias": torch.zeros(2)})}, "instead of"),
        (
            {"model_state": with_weights(**{"value_output.bias": torch.zeros(1).double()})},
            "instead of",
        ),
        ({"model_state": with_weights(**{"value_output.bias": 3})}, "are missing"),
        ({"model_state": with_weights(observation_scales=torch.zeros(256))}, "observation"),
        ({"extra": {"acting_state": {}}}, "are missing"),
        ({"extra": {"a": torch.zeros(1).expand(10**12)}}, "larger than the file"),
        ({"extra": {"a": torch.zeros(4, 4).T}}, "larger than the file"),
        ({"extra": {"a": SPARSE}}, "larger than the file"),
        ({"extra": {"a": {1, 2}}}, "holds"),
        ({"extra": {"a": bytearray(3)}}, "holds"),
        ({"extra": {"a": torch.device("cpu")}}, "holds"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, object], words: str):
    path = tmp_path / "\x1b[31ma.pt"
    write_content(path, **changes)
    with pytest.raises(CheckpointError, match=words) as caught:
        read_checkpoint(path)
    assert "\x1b" not in str(caught.value), "names reach a terminal as plain text"
    write_content(path, extra={"circle": CIRCLE})  # each object is looked at once
    assert read_checkpoint(path)["iteration"] == 1


def test_what_is_no_checkpoint_is_refused_and_not_waited_for(tmp_path: Path):
    path = tmp_path / "a.pt"
    for data in (b"", b"\x89PNG\r\n" + bytes(100), b"PK\x05\x06" + bytes(18), pickle.dumps({})):
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match=r"is no checkpoint"):
            read_checkpoint(path)
    os.mkfifo(tmp_path / "pipe.pt")
    with (tmp_path / "large.pt").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    for name in ("absent.pt", ".", "pipe.pt", "large.pt", "a\0b", "x" * 5000):
        with pytest.raises(CheckpointError):
            read_checkpoint(tmp_path / name)


def test_another_network_is_refused_before_anything_changes(tmp_path: Path):
    path = manager(tmp_path).save_checkpoint(network(), None, 1, {})
    model = create_azul_network("small")
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(CheckpointError, match="small for 2 players"):
        manager(tmp_path).load_checkpoint(path, model)
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())


def test_parts_for_different_numbers_of_players_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="2 and 3 players"):
        create_training_components(network(), ReplayBuffer(10, players=3), save_dir=tmp_path)


def test_another_optimizer_is_refused(tmp_path: Path):
    model = network()
    state = optimizer_of(model).state_dict()
    other = optimizer_of(network())
    first = state["state"][0]
    damages: list[object] = [
        None,
        {},
        {**state, "state": {0: {**first, "exp_avg": torch.zeros(3)}}},
        {**state, "state": {0: first}},
        {**state, "state": {"a": 1}},
        {**state, "state": [1]},
        {**state, "param_groups": []},
        {**state, "param_groups": [{**state["param_groups"][0], "params": [0]}]},
    ]
    for damage in damages:
        path = tmp_path / "a.pt"
        write_content(path, optimizer_state=damage)
        with pytest.raises(CheckpointError, match="optimizer"):
            manager(tmp_path).load_checkpoint(path, model, other)
