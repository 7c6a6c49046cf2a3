"""A resumed run ends where the uninterrupted one does, bit by bit, and says what it changed."""

from __future__ import annotations

import hashlib
import json
import random
import shutil

import pytest
import torch
from fingerprint import _digest, fingerprint
from tiny_training import StopAt, alerts, records, resume, state_of, tiny, train

from azul_tui.config import load_config
from azul_tui.errors import CheckpointError, ConfigError, RunError
from azul_tui.network import Compute
from azul_tui.runs.control import drop_request
from azul_tui.runs.paths import RunPaths
from azul_tui.training.checkpoint import read_checkpoint
from azul_tui.training.resuming import find_beginning, find_resume_point
from azul_tui.training.run_progress import progress_from_dict


@pytest.fixture(autouse=True)
def requests_are_seen_at_once(monkeypatch):
    """The tiny runs of these tests may end within the time between two looks."""
    monkeypatch.setattr("azul_tui.training.trainer.POLL_EVERY_S", 0.0)


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


def cut_back_to(folder, number):
    """As if the process had been killed right after checkpoint `number` was in place."""
    position = read_checkpoint(RunPaths(folder).checkpoint(number))["extra"]["log_position"]
    for file in folder.glob("checkpoint_iter_*.pt"):
        if int(file.stem[-6:]) > number:
            file.unlink()
    with RunPaths(folder).events.open("r+b") as file:
        file.truncate(position)


# Bit by bit


def test_a_digest_takes_what_a_drained_sampler_leaves():
    """A tensor without elements comes back with strides that no other type may be read with."""
    empty = torch.empty(0, dtype=torch.int64).as_strided((0,), (0,))
    assert _digest({"rows": empty}) == _digest({"rows": torch.empty(0, dtype=torch.int64)})
    assert _digest({"rows": empty}) != _digest({"rows": torch.zeros(1, dtype=torch.int64)})


def test_the_same_run_twice_is_the_same(straight, tmp_path):
    train(tmp_path / "again")
    assert fingerprint(tmp_path / "again") == fingerprint(straight)


def test_another_seed_is_another_run(straight, tmp_path):
    train(tmp_path / "other", tiny(seed=1))
    here, there = fingerprint(straight), fingerprint(tmp_path / "other")
    assert all(here[part] != there[part] for part in ("weights", "optimizer", "replay", "events"))


@pytest.mark.parametrize("seed", range(4))
def test_left_at_any_question_and_resumed_it_ends_the_same(straight, tmp_path, seed):
    """Questions are asked in self-play, between training steps and in evaluation games."""
    draw = random.Random(seed)
    folder = tmp_path / "run"
    results = train(folder, should_stop=StopAt(draw.randint(1, 120)))
    while results["stopped"]:
        begun = any(folder.glob("checkpoint_iter_*.pt"))
        stop = StopAt(draw.randint(20, 160))
        if begun:
            results = resume(folder, should_stop=stop)
        else:
            results = train(folder, find_beginning(folder), start_over=True, should_stop=stop)
    assert state_of(folder) == state_of(straight)


def test_whoever_plays_the_games_the_run_is_the_same(straight, tmp_path):
    train(tmp_path / "run", tiny(self_play_workers=2))
    assert fingerprint(tmp_path / "run") == fingerprint(straight)


def test_the_record_of_a_checkpoint_that_was_cut_off_is_written_again(straight, copied):
    before = fingerprint(straight)
    cut_back_to(copied, 3)
    assert len(records(copied, "checkpoint")) == 2
    resume(copied)
    assert fingerprint(copied) == before
    assert [record["iteration"] for record in records(copied, "checkpoint")] == [1, 2, 3, 4]


def test_a_best_model_that_was_not_written_any_more_is_written_on_resume(straight, copied):
    """The kill came between the checkpoint and the best model made from it."""
    assert read_checkpoint(RunPaths(straight).best_model)["iteration"] == 4
    cut_back_to(copied, 4)
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
    cut_back_to(copied, 4)
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


def test_the_number_of_threads_that_it_began_with_is_kept(copied, monkeypatch):
    cut_back_to(copied, 3)
    monkeypatch.setattr("azul_tui.training.workers.usable_cores", lambda: 7)
    assert find_resume_point(copied, None).threads >= 1
    resume(copied)
    threads = {
        read_checkpoint(RunPaths(copied).checkpoint(number))["extra"]["threads"]
        for number in (3, 4)
    }
    assert len(threads) == 1
    assert not any("bit for bit" in text for text in alerts(copied))


def resumed_with(copied, change, **settings):
    """What was said of exactness when a checkpoint was resumed that somebody changed."""
    cut_back_to(copied, 3)
    path = RunPaths(copied).checkpoint(3)
    content = torch.load(path, weights_only=True)
    change(content["extra"])
    torch.save(content, path)
    (copied / "checkpoints.json").unlink(missing_ok=True)
    config = find_resume_point(copied, None).config.replace(**settings)
    resume(copied, config)
    return [text for text in alerts(copied) if "bit for bit" in text or "exactly" in text]


def test_how_earlier_processes_ended_stays_in_the_log(copied):
    ended = records(copied, "result")
    assert len(ended) == 1
    RunPaths(copied).checkpoint(4).unlink()
    resume(copied, tiny(max_iterations=4), should_stop=StopAt(1))
    resume(copied)
    told = records(copied, "result")
    assert [record["stopped"] for record in told] == [False, True, False]
    assert told[0] == ended[0], "when it ended as well"
    assert [record["event"] for record in records(copied)].count("run_started") >= 2


def test_a_checkpoint_names_what_it_was_computed_with(straight):
    extra = read_checkpoint(RunPaths(straight).checkpoint(4))["extra"]
    compute = Compute.from_plain(extra["compute"])
    assert compute is not None
    assert compute.torch == torch.__version__
    assert compute.inference_precision in {"float32", "bfloat16"}
    assert find_resume_point(straight, None).compute == compute
    shown = (straight / "config.toml").read_text().rpartition("# in use\n")[2]
    for name, value in compute.to_plain().items():
        assert f"# {name} = " in shown and str(value).strip() in shown
    assert load_config(straight / "config.toml") == tiny(max_iterations=4)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("inference", "quantum", "inference "),
        ("device", "cuda:7", "device cpu (was cuda:7)"),
        ("torch", "1.0.0", f"torch {torch.__version__} (was 1.0.0)"),
        ("processor", "abacus", "(was abacus)"),
    ],
)
def test_what_this_machine_lacks_is_said_in_one_line(copied, name, value, words):
    (said,) = resumed_with(copied, lambda extra: extra["compute"].update({name: value}))
    assert words in said
    assert "will not end bit for bit" in said
    assert "\n" not in said


def test_threads_that_a_checkpoint_names_are_kept_on_another_machine(copied):
    before = torch.get_num_threads()
    try:
        said = resumed_with(copied, lambda extra: extra["compute"].update(threads=3))
        assert said == []
        assert read_checkpoint(RunPaths(copied).checkpoint(4))["extra"]["compute"]["threads"] == 3
    finally:
        torch.set_num_threads(before)


def test_a_setting_that_changes_nothing_of_the_computing_breaks_nothing(copied):
    used = find_resume_point(copied, None).compute
    same = {"device": "cpu", "training_precision": used.training_precision}
    assert resumed_with(copied, lambda _: None, self_play_workers=2, **same) == []


def test_a_precision_that_was_asked_for_is_said_to_end_otherwise(copied):
    used = find_resume_point(copied, None).compute
    other = "bfloat16" if used.training_precision == "float32" else "float32"
    (said,) = resumed_with(copied, lambda _: None, training_precision=other)
    assert f"training precision {other} (was {used.training_precision})" in said


@pytest.mark.parametrize("odd", [None, "x", {}, {"threads": 0}, {"device": 3}])
def test_an_older_checkpoint_does_not_say_what_it_was_computed_with(copied, odd):
    (said,) = resumed_with(copied, lambda extra: extra.update(compute=odd))
    assert "is not known" in said and "may not end bit for bit" in said


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


# What changes


def test_changed_limits_are_accepted_and_named(copied):
    config = tiny(max_iterations=5, eval_games=6)
    results = resume(copied, config)
    assert results["iterations"] == 5
    changes = {
        record["key"]: (record["old"], record["new"]) for record in records(copied, "setting")
    }
    assert changes == {"max_iterations": (4, 5), "eval_games": (4, 6)}
    assert not any("exactly" in text for text in alerts(copied))


def test_a_change_that_breaks_exactness_is_named_as_such(copied):
    resume(copied, tiny(max_iterations=5, batch_size=8, weight_decay=0.25))
    told = " ".join(alerts(copied))
    assert "batch_size, weight_decay changed" in told
    assert "no longer ends exactly" in told
    groups = read_checkpoint(RunPaths(copied).checkpoint(5))["optimizer_state"]["param_groups"]
    assert groups[0]["weight_decay"] == 0.25


def test_changes_survive_a_kill_right_after_the_resume(copied):
    """They are saved at once; another resume does not know what the first was asked for."""
    with pytest.raises(KeyboardInterrupt):
        resume(copied, tiny(max_iterations=6), listener=interrupt_at("self_play"))
    assert find_resume_point(copied, None).config.max_iterations == 6


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


def test_a_setting_made_while_it_ran_is_kept_when_a_checkpoint_followed(tmp_path):
    folder = tmp_path / "run"

    def ask(record):
        if record["event"] == "iteration" and record["iteration"] == 1:
            drop_request(RunPaths(folder), "set", key="mcts_simulations", value=2)

    stop = StopAt(10**6)

    def leave(record):
        ask(record)
        if record["event"] == "setting":
            stop.left = 0

    results = train(
        folder, tiny(save_frequency=50, eval_frequency=0), listener=leave, should_stop=stop
    )
    assert results["stopped"]
    assert find_resume_point(folder, None).config.mcts_simulations == 2


def test_a_setting_lost_with_a_kill_is_named(copied):
    cut_back_to(copied, 3)
    with RunPaths(copied).events.open("ab") as log:
        for record in (
            {"event": "phase", "t": 1.0, "phase": "self-play", "iteration": 4},
            {"event": "setting", "t": 1.0, "key": "mcts_simulations", "old": 3, "new": 9},
        ):
            log.write(json.dumps(record).encode() + b"\n")
    resume(copied)
    assert any("mcts_simulations had been set to 9" in text for text in alerts(copied))


# Where from, where to


def test_another_run_begins_from_a_checkpoint_and_leaves_the_old_one_alone(straight, tmp_path):
    before = fingerprint(straight)
    source = RunPaths(straight).checkpoint(3)
    train(tmp_path / "branch", None, resume_from=source)
    assert fingerprint(straight) == before
    found = fingerprint(tmp_path / "branch")
    for part in ("weights", "optimizer", "training", "replay"):
        assert found[part] == before[part], part
    assert records(tmp_path / "branch", "run_started")[0]["resumed_from"] == (
        "straight/checkpoint_iter_000003.pt"
    )


def test_a_branch_can_go_on_at_once_without_the_run_it_came_from(copied, tmp_path):
    branch = tmp_path / "branch"
    with pytest.raises(KeyboardInterrupt):
        train(
            branch,
            None,
            resume_from=RunPaths(copied).checkpoint(3),
            listener=interrupt_at("self_play"),
        )
    expected = fingerprint(copied)
    shutil.rmtree(copied)
    resume(branch)
    assert fingerprint(branch)["weights"] == expected["weights"]


def test_going_back_to_an_earlier_checkpoint_retires_the_later_ones(copied):
    with pytest.raises(KeyboardInterrupt):
        train(
            copied,
            tiny(batch_size=8),
            resume_from=RunPaths(copied).checkpoint(3),
            listener=interrupt_at("self_play"),
        )
    point = find_resume_point(copied, None)
    assert (point.number, point.config.batch_size) == (3, 8), "4 belongs to what was given up"
    resume(copied)
    assert not list(copied.glob("superseded_*"))


def test_a_run_killed_before_its_first_checkpoint_begins_again(straight, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(folder, listener=interrupt_at("step"))
    with pytest.raises(CheckpointError, match="it has none"):
        find_resume_point(folder, None)
    config = find_beginning(folder)
    assert config == tiny()
    train(folder, config, start_over=True)
    assert fingerprint(folder) == fingerprint(straight)


def test_a_folder_without_a_run_has_no_beginning(tmp_path, straight):
    assert find_beginning(tmp_path) is None
    assert find_beginning(straight) is None


def test_a_second_training_in_the_same_folder_is_refused(straight):
    with pytest.raises(RunError, match="holds the checkpoints of another training"):
        train(straight)


def test_a_best_model_is_weights_for_a_branch_too(straight, tmp_path):
    results = train(tmp_path / "branch", None, resume_from=RunPaths(straight).best_model)
    assert results["iterations"] == 4


@pytest.mark.parametrize("name", ["absent.pt", "config.toml", "events.jsonl", "replay"])
def test_what_is_no_checkpoint_is_refused_in_one_sentence(straight, name):
    with pytest.raises(CheckpointError) as error:
        find_resume_point(straight / name, None)
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def interrupt_at(kind):
    """A listener that ends the process, as far as a test can, at the next record of a kind."""

    def listen(record):
        if record["event"] == kind:
            raise KeyboardInterrupt

    return listen
