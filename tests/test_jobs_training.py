"""The jobs that train, resume and evaluate, as a person and as a program starts them."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from fingerprint import fingerprint
from tiny_training import alerts, overrides, records, tiny

from azul_tui.cli import main
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status
from azul_tui.training.resuming import find_resume_point


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of runs with one finished run in it; tests copy it."""
    root = tmp_path_factory.mktemp("runs")
    assert main(["--run", "quick", "--dir", str(root), "--name", "run", *overrides()]) == 0
    return root


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "runs")


@pytest.fixture
def command(root, capsys):
    """Runs a command line; its exit code, records and what went to standard error."""

    def run(*arguments):
        capsys.readouterr()
        code = main([*arguments, "--dir", str(root), "--json"])
        captured = capsys.readouterr()
        return code, [json.loads(line) for line in captured.out.splitlines()], captured.err

    return run


def sentence(errors):
    """The one sentence on standard error, without anything else."""
    assert errors.count("\n") == 1, errors
    assert errors.startswith("azul-tui: ")
    return errors


def test_training_tells_its_records_and_ends_with_the_result(root, command):
    code, found, _ = command("--run", "train", "--name", "new", "--yes", *overrides())
    assert code == 0
    kept = records(root / "new")
    assert found[:-1] == kept[:-1]
    assert (kept[-1]["event"], kept[-1]["ok"], kept[-1]["stopped"]) == ("result", True, False)
    result = found[-1]
    assert (result["event"], result["ok"], result["job"]) == ("result", True, "train")
    assert (result["run"], result["iterations"], result["games_total"]) == ("new", 4, 24)
    assert result["last_checkpoint"] == "checkpoint_iter_000004.pt"
    assert {record["event"] for record in found} >= {
        *("run_started", "phase", "step", "self_play", "iteration", "evaluation", "checkpoint")
    }
    assert read_status(RunPaths(root / "new").status).state == "finished"
    assert fingerprint(root / "new") == fingerprint(root / "run")


def test_a_person_reads_how_it_goes(tmp_path, capsys):
    arguments = ["--run", "6", "--dir", str(tmp_path), "--name", "x", *overrides()]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    for words in ("iteration 1: loss", "against greedy", "saved checkpoint_iter", "--attach x"):
        assert words in told


def test_a_name_that_is_taken_is_refused(command):
    code, _, errors = command("--run", "quick", "--name", "run")
    assert code == 2
    assert "resume" in sentence(errors)


def test_resuming_with_more_iterations_names_the_change(root, command):
    code, found, _ = command("--run", "resume", "--set", "run=run", "--set", "max_iterations=5")
    assert code == 0
    assert (found[-1]["iterations"], found[-1]["run"]) == (5, "run")
    assert records(root / "run", "setting")[0]["key"] == "max_iterations"


def test_a_finished_run_has_nothing_to_resume(command):
    code, _, errors = command("--run", "resume", "--set", "run=run")
    assert code == 2
    assert "has finished its 4 iterations" in sentence(errors)


def test_a_run_killed_after_its_last_checkpoint_is_only_finished(root, command):
    status = RunPaths(root / "run").status
    content = json.loads(status.read_text())
    status.write_text(json.dumps({**content, "state": "running"}))
    before = fingerprint(root / "run")
    code, found, _ = command("--run", "resume", "--set", "run=run")
    assert (code, found[-1]["iterations"]) == (0, 4)
    assert read_status(status).state == "finished"
    assert fingerprint(root / "run") == before


def test_a_folder_with_nothing_to_resume_is_one_sentence(root, command):
    (root / "empty").mkdir()
    code, _, errors = command("--run", "resume", "--set", "run=empty")
    assert code == 2
    assert "empty: no checkpoint can be loaded (it has none)" in sentence(errors)


def test_only_damaged_checkpoints_are_one_sentence_that_names_them(root, command):
    for file in (root / "run").glob("*.pt"):
        file.write_bytes(file.read_bytes()[:1000])
    code, _, errors = command("--run", "resume", "--set", "run=run")
    assert code == 2
    assert "checkpoint_iter_000004.pt" in sentence(errors)


def test_a_damaged_newest_checkpoint_is_passed_over_and_said_so(root, command):
    RunPaths(root / "run").checkpoint(4).write_bytes(b"PK")
    code, found, _ = command("--run", "resume", "--set", "run=run")
    assert code == 0
    assert any("000004.pt was passed over" in record.get("text", "") for record in found)
    assert found[-1]["iterations"] == 4


def test_from_a_file_into_a_run_of_another_name(root, command):
    file = RunPaths(root / "run").checkpoint(3)
    before = fingerprint(root / "run")
    arguments = ("--set", f"checkpoint={file}", "--name", "branch", "--set", "learning_rate=0.0005")
    code, found, _ = command("--run", "resume", *arguments)
    assert (code, found[-1]["run"]) == (0, "branch")
    assert any("no longer ends exactly" in text for text in alerts(root / "branch"))
    assert fingerprint(root / "run") == before
    again, _, errors = command("--run", "resume", *arguments)
    assert again == 2
    assert "branch" in sentence(errors)


def test_a_folder_that_a_launcher_made_beforehand_is_taken(root, command):
    RunPaths(root / "branch").create()
    file = RunPaths(root / "run").checkpoint(3)
    code, found, _ = command("--run", "resume", "--set", f"checkpoint={file}", "--name", "branch")
    assert (code, found[-1]["run"]) == (0, "branch")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run=run", "num_players=3", "max_iterations=9"), "num_players cannot change on resume"),
        (("run=run", 'network_config="large"', "max_iterations=9"), "network_config cannot change"),
        (("run=rum",), 'the nearest is "run"'),
        (("checkpoint=absent.pt",), "there is no such checkpoint file"),
    ],
)
def test_what_cannot_be_resumed_is_one_sentence(command, arguments, told):
    settings = [word for argument in arguments for word in ("--set", argument)]
    code, _, errors = command("--run", "resume", *settings)
    assert code == 2
    assert told in sentence(errors)


def test_a_run_without_a_checkpoint_begins_again(root, command):
    for file in (*(root / "run").glob("*.pt"), root / "run" / "checkpoints.json"):
        file.unlink()
    code, found, _ = command("--run", "resume", "--set", "run=run")
    assert (code, found[-1]["iterations"]) == (0, 4)
    assert records(root / "run", "resumed")[-1]["iteration"] == 0


def test_losses_that_are_no_longer_finite_exit_with_3_and_name_the_last_good_checkpoint(
    root, command
):
    """Weights so large that the next step overflows, as after a learning rate too high."""
    file = RunPaths(root / "run").checkpoint(4)
    content = torch.load(file, weights_only=True)
    for name, tensor in content["model_state"].items():
        if name != "observation_scales":
            tensor.fill_(1e30)
    torch.save(content, file)
    (root / "run" / "checkpoints.json").unlink()
    code, found, errors = command(
        "--run", "resume", "--set", "run=run", "--set", "max_iterations=6"
    )
    assert code == 3
    told = "the last good checkpoint is checkpoint_iter_000004.pt"
    assert told in sentence(errors)
    assert "learning_rate" in errors
    assert not found[-1]["ok"]
    assert alerts(root / "run")[-1].endswith(told)
    assert read_status(RunPaths(root / "run").status).state == "crashed"
    assert find_resume_point(root / "run", None).config == tiny(max_iterations=6), "resumable"


def test_weights_that_are_not_finite_are_never_saved(root, command, monkeypatch):
    """The losses of the last step were finite, what it made of the weights is not."""
    monkeypatch.setattr("azul_tui.training.learner.Learner.is_finite", lambda _: False)
    code, _, errors = command("--run", "quick", "--name", "nan", *overrides())
    assert code == 3
    assert "no checkpoint was written yet" in errors
    assert not list((root / "nan").glob("*.pt"))


def test_evaluating_tells_games_score_and_interval(command):
    arguments = ("checkpoint=run", "opponent=random", "games=8", "simulations=2")
    settings = [word for argument in arguments for word in ("--set", argument)]
    code, found, errors = command("--run", "10", *settings)
    assert code == 0, errors
    result = found[-1]
    assert result["games"] == 8
    assert result["wins"] + result["draws"] + result["losses"] == 8
    assert result["low"] <= result["score"] <= result["high"]


def test_an_opponent_that_does_not_exist_is_refused_before_anything_is_played(root, command):
    changes = overrides(eval_opponents=("nobody",))
    code, _, errors = command("--run", "quick", "--name", "x", *changes)
    assert code == 2
    assert "nobody" in sentence(errors)
    assert not (root / "x").exists()


def test_a_refused_resume_under_a_new_name_leaves_nothing_behind(root, command):
    before = sorted(path.name for path in root.iterdir())
    code, _, errors = command("--run", "resume", "--set", "run=run", "--name", "branch")
    assert code == 2
    assert "ask for more with --set max_iterations" in sentence(errors)
    more = ("--set", "max_iterations=9", "--set", "num_players=3")
    code, _, errors = command("--run", "resume", "--set", "run=run", "--name", "branch", *more)
    assert code == 2
    assert "num_players cannot change" in sentence(errors)
    assert sorted(path.name for path in root.iterdir()) == before


def test_a_refused_resume_that_somebody_watches_says_why_in_its_run(root, command):
    """The dashboard makes the folder and its log before the job starts."""
    branch = RunPaths(root / "branch")
    branch.create()
    branch.log.write_text("")
    code, _, _ = command("--run", "resume", "--set", "run=run", "--name", "branch")
    assert code == 2
    assert "max_iterations" in records(branch.directory, "alert")[-1]["text"]
    assert read_status(branch.status).state == "crashed"
