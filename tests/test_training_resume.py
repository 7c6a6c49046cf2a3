"""A resumed run ends where the uninterrupted one does, bit by bit, and says what it changed."""

from __future__ import annotations

import hashlib
import json
import random
import shutil

import pytest
import torch
from fingerprint import _digest, fingerprint
from test_training_hostile import rewrite
from tiny_training import StopAt, alerts, records, resume, tiny, train

from azul_tui.config import load_config
from azul_tui.errors import CheckpointError, ConfigError, RunError
from azul_tui.network import Compute
from azul_tui.runs.control import drop_request
from azul_tui.runs.paths import RunPaths
from azul_tui.training.checkpoint import read_checkpoint
from azul_tui.training.resuming import find_beginning, find_resume_point, progress_from_dict


@pytest.fixture(autouse=True)
def requests_are_seen_at_once(monkeypatch):
    """The tiny runs of these tests may end within the time between two looks."""
    monkeypatch.setattr("azul_tui.training.run.POLL_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The uninterrupted run; tests copy it before they change anything."""
    folder = tmp_path_factory.mktemp("runs") / "straight"
    train(folder)
    return folder


@pytest.fixture
def copied(straight, tmp_path):
    """A copy of the uninterrupted run, called `run`."""
    return shutil.copytree(straight, tmp_path / "run")


@pytest.fixture
def cut_back(copied):
    """The same as if it had been killed some time after its third checkpoint was in place."""
    RunPaths(copied).checkpoint(4).unlink()
    return copied


def interrupt_at(kind, iteration=0):
    """A listener that ends the process, as far as a test can, at the next record of a kind."""

    def listen(record):
        if record["event"] == kind and record.get("iteration", 0) >= iteration:
            raise KeyboardInterrupt

    return listen


# Bit by bit


def test_a_digest_takes_what_a_drained_sampler_leaves():
    """A tensor without elements comes back with strides that no other type may be read with."""
    empty = torch.empty(0, dtype=torch.int64).as_strided((0,), (0,))
    assert _digest({"rows": empty}) == _digest({"rows": torch.empty(0, dtype=torch.int64)})
    assert _digest({"rows": empty}) != _digest({"rows": torch.zeros(1, dtype=torch.int64)})


def test_the_same_run_is_the_same_whoever_plays_and_another_seed_is_another(straight, tmp_path):
    train(tmp_path / "again", tiny(self_play_workers=2))
    assert fingerprint(tmp_path / "again") == fingerprint(straight)
    train(tmp_path / "other", tiny(seed=1))
    here, there = fingerprint(straight), fingerprint(tmp_path / "other")
    assert all(here[part] != there[part] for part in ("weights", "optimizer", "replay", "events"))


@pytest.mark.parametrize("seed", range(3))
def test_left_at_any_question_and_resumed_it_ends_the_same(straight, tmp_path, seed):
    """Questions are asked in self-play, between training steps and in evaluation games."""
    draw = random.Random(seed)
    folder = tmp_path / "run"
    results = train(folder, should_stop=StopAt(draw.randint(1, 120)))
    while results["stopped"]:
        begun = any(folder.glob("checkpoint_iter_*.pt"))
        stop = StopAt(draw.randint(40, 240))
        if begun:
            results = resume(folder, should_stop=stop)
        else:
            results = train(folder, find_beginning(folder), should_stop=stop)
    assert fingerprint(folder) == fingerprint(straight)


@pytest.mark.parametrize("event", ["phase", "self_play", "step", "checkpoint"])
def test_killed_at_any_record_after_a_checkpoint_it_ends_the_same(straight, cut_back, event):
    with pytest.raises(KeyboardInterrupt):
        resume(cut_back, listener=interrupt_at(event, iteration=3))
    resume(cut_back)
    assert fingerprint(cut_back) == fingerprint(straight)


def test_the_log_goes_on_with_a_record_of_where_and_keeps_what_was_said(straight, cut_back):
    before = records(cut_back)
    resume(cut_back)
    after = records(cut_back)
    assert after[: len(before)] == before
    (resumed,) = records(cut_back, "resumed")
    assert (resumed["iteration"], resumed["step"]) == (3, 18)
    assert after.index(resumed) == len(before)
    assert not records(straight, "resumed")
    assert [record["stopped"] for record in records(cut_back, "result")] == [False, False]


def test_a_best_model_that_was_not_written_any_more_is_written_on_resume(straight, copied):
    """The kill came between the checkpoint and the best model made from it."""
    assert read_checkpoint(RunPaths(straight).best_model)["iteration"] == 4
    RunPaths(copied).best_model.unlink()
    (copied / "checkpoints.json").unlink()
    resume(copied)
    assert fingerprint(copied) == fingerprint(straight)


def test_a_best_model_is_not_believed_to_be_written_because_the_list_says_so(straight, copied):
    """The kill came when the list was ahead of the best model: it names both contents."""
    paths = RunPaths(copied)
    older = paths.checkpoint(3).read_bytes()
    paths.best_model.write_bytes(older)
    listed = json.loads((copied / "checkpoints.json").read_text())
    for entry in listed["files"]:
        if entry["file"] == "best_model.pt":
            entry["sha256"] = [hashlib.sha256(older).hexdigest(), *entry["sha256"]]
    (copied / "checkpoints.json").write_text(json.dumps(listed))
    resume(copied)
    assert fingerprint(copied) == fingerprint(straight)


def test_a_damaged_newest_checkpoint_is_passed_over_named_and_trained_again(straight, copied):
    newest = RunPaths(copied).checkpoint(4)
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    resume(copied)
    assert fingerprint(copied) == fingerprint(straight)
    told = " ".join(alerts(copied))
    assert "checkpoint_iter_000004.pt was passed over" in told
    assert "damaged" in told


def test_every_kept_checkpoint_has_its_whole_buffer(tmp_path):
    """Clean-up deletes no shard that a kept checkpoint names, however games are spread."""
    folder = tmp_path / "run"
    config = tiny(buffer_capacity=1500, max_iterations=9, keep_latest_checkpoints=3)

    def grow(record):
        if record["event"] == "iteration" and record["iteration"] == 5:
            drop_request(RunPaths(folder), "set", key="self_play_games_per_iteration", value=30)

    train(folder, config, listener=grow)
    shards = {file.name for file in RunPaths(folder).replay.iterdir()}
    assert len(shards) < 9, "old shards are deleted"
    kept = sorted(folder.glob("checkpoint_iter_*.pt"))
    assert len(kept) == 3
    for file in kept:
        progress = progress_from_dict(read_checkpoint(file)["extra"]["progress"])
        assert {shard.file for shard in progress.shards} <= shards


# What it is computed with


def test_a_checkpoint_names_what_it_was_computed_with_and_a_resume_keeps_it(cut_back, monkeypatch):
    extra = read_checkpoint(RunPaths(cut_back).checkpoint(3))["extra"]
    compute = Compute.from_plain(extra["compute"])
    assert compute is not None
    assert compute.torch == torch.__version__
    assert find_resume_point(cut_back).compute == compute
    shown = (cut_back / "config.toml").read_text().rpartition("# in use\n")[2]
    for name, value in compute.to_plain().items():
        assert f"# {name} = " in shown and str(value).strip() in shown
    assert load_config(cut_back / "config.toml") == tiny()
    monkeypatch.setattr("azul_tui.training.workers.usable_cores", lambda: 7)
    resume(cut_back, tiny(device="cpu"))
    after = read_checkpoint(RunPaths(cut_back).checkpoint(4))["extra"]["compute"]
    assert after == extra["compute"]
    assert not [text for text in alerts(cut_back) if "bit for bit" in text or "exactly" in text]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inference": "quantum"}, "inference "),
        ({"device": "cuda:7"}, "device cpu (was cuda:7)"),
        ({"torch": "1.0.0"}, f"torch {torch.__version__} (was 1.0.0)"),
        ({"processor": "abacus"}, "(was abacus)"),
        ({"threads": 3}, ""),
        (None, "is not known"),
        ("x", "is not known"),
        ({"threads": 0}, "is not known"),
        ({"device": 3}, "is not known"),
    ],
)
def test_what_this_machine_lacks_is_said_in_one_line(cut_back, change, words):
    def computed(content):
        extra = content["extra"]
        extra["compute"] = extra["compute"] | change if isinstance(change, dict) else change

    rewrite(RunPaths(cut_back).checkpoint(3), computed)
    point = find_resume_point(cut_back)
    here = Compute.from_plain(read_checkpoint(RunPaths(cut_back).best_model)["extra"]["compute"])
    if change == {"threads": 3}:  # what can be kept is kept
        assert point.compute.threads == 3
        return
    (said,) = point.warnings(RunPaths(cut_back), here)
    assert words in said and "not end bit for bit" in said and "\n" not in said


# What changes


def test_changed_settings_are_named_and_those_that_break_exactness_as_such(copied):
    results = resume(copied, tiny(max_iterations=5, eval_games=6))
    assert results["iterations"] == 5
    changes = {
        record["key"]: (record["old"], record["new"]) for record in records(copied, "setting")
    }
    assert changes == {"max_iterations": (4, 5), "eval_games": (4, 6)}
    assert not any("exactly" in text for text in alerts(copied))
    resume(copied, tiny(max_iterations=6, eval_games=6, batch_size=8, weight_decay=0.25))
    told = " ".join(alerts(copied))
    assert "batch_size, weight_decay changed" in told
    assert "no longer ends exactly" in told
    groups = read_checkpoint(RunPaths(copied).checkpoint(6))["optimizer_state"]["param_groups"]
    assert groups[0]["weight_decay"] == 0.25


def test_changes_survive_a_kill_right_after_the_resume(copied):
    """They are saved at once; another resume does not know what the first was asked for."""
    with pytest.raises(KeyboardInterrupt):
        resume(copied, tiny(max_iterations=6), listener=interrupt_at("self_play"))
    assert find_resume_point(copied).config.max_iterations == 6


def test_a_finished_run_saved_again_under_other_settings_is_the_same(tmp_path):
    """No step is made between: the learning rate and the figures are those of the last one."""
    folder = tmp_path / "run"
    config = tiny(max_iterations=2, learning_rate_schedule="cosine", eval_frequency=0)
    train(folder, config)
    before = fingerprint(folder)
    stats = read_checkpoint(RunPaths(folder).checkpoint(2))["stats"]
    assert stats["total_loss"] > 0.0
    resume(folder, config.replace(self_play_workers=2))
    after = read_checkpoint(RunPaths(folder).checkpoint(2))
    assert after["extra"]["config"]["self_play_workers"] == 2, "it was saved again"
    assert fingerprint(folder) == before
    assert after["stats"] == stats


@pytest.mark.parametrize("change", [{"num_players": 3}, {"network_config": "medium"}])
def test_what_the_weights_depend_on_cannot_change(copied, change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))} cannot change on resume"):
        resume(copied, tiny(**change))


def test_a_setting_made_while_it_ran_is_kept_with_a_checkpoint_and_named_without(tmp_path):
    folder, stop = tmp_path / "run", StopAt(10**6)

    def ask(record):
        if record["event"] == "iteration" and record["iteration"] == 1:
            drop_request(RunPaths(folder), "set", key="mcts_simulations", value=2)
        elif record["event"] == "setting":
            stop.left = 0

    config = tiny(save_frequency=50, eval_frequency=0)
    assert train(folder, config, listener=ask, should_stop=stop)["stopped"]
    assert find_resume_point(folder).config.mcts_simulations == 2

    def set_and_kill(record):
        if record["event"] == "phase" and record["phase"] == "training":
            drop_request(RunPaths(folder), "set", key="mcts_simulations", value=9)
        elif record["event"] == "setting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(folder, listener=set_and_kill)
    resume(folder)
    assert any("mcts_simulations had been set to 9" in text for text in alerts(folder))


# Where from, where to


def test_another_run_begins_from_a_checkpoint_and_leaves_the_old_one_alone(copied, tmp_path):
    before, source, branch = fingerprint(copied), RunPaths(copied).checkpoint(3), tmp_path / "b"
    with pytest.raises(KeyboardInterrupt):
        train(branch, None, resume_from=source, listener=interrupt_at("self_play"))
    assert fingerprint(copied) == before
    shutil.rmtree(copied)  # the branch has all that it needs
    resume(branch)
    found = fingerprint(branch)
    for part in ("weights", "optimizer", "training", "replay"):
        assert found[part] == before[part], part
    started = records(branch, "run_started")[0]
    assert started["resumed_from"] == "run/checkpoint_iter_000003.pt"


def test_going_back_to_an_earlier_checkpoint_retires_the_later_ones(copied):
    with pytest.raises(KeyboardInterrupt):
        train(
            copied,
            tiny(batch_size=8),
            resume_from=RunPaths(copied).checkpoint(3),
            listener=interrupt_at("self_play"),
        )
    point = find_resume_point(copied)
    assert (point.number, point.config.batch_size) == (3, 8), "4 belongs to what was given up"
    resume(copied)
    assert not list(copied.glob("superseded_*"))


def test_a_run_killed_before_its_first_checkpoint_begins_again(straight, tmp_path):
    folder = tmp_path / "run"
    assert find_beginning(tmp_path) is None
    assert find_beginning(straight) is None
    with pytest.raises(KeyboardInterrupt):
        train(folder, listener=interrupt_at("step"))
    with pytest.raises(CheckpointError, match="it has none"):
        find_resume_point(folder)
    config = find_beginning(folder)
    assert config == tiny()
    train(folder, config)
    assert fingerprint(folder) == fingerprint(straight)


def test_a_second_training_in_the_same_folder_is_refused(straight):
    with pytest.raises(RunError, match="holds the checkpoints of another training"):
        train(straight)


def test_a_best_model_is_weights_for_a_branch_too(straight, tmp_path):
    results = train(tmp_path / "branch", None, resume_from=RunPaths(straight).best_model)
    assert results["iterations"] == 4


@pytest.mark.parametrize("name", ["absent.pt", "config.toml", "events.jsonl", "replay"])
def test_what_is_no_checkpoint_is_refused_in_one_sentence(straight, name):
    with pytest.raises(CheckpointError) as error:
        find_resume_point(straight / name)
    assert "\n" not in str(error.value)
    assert name in str(error.value)
