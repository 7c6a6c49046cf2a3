"""The jobs that show how things work, as a person and as a program starts them."""

from __future__ import annotations

import json

import pytest

from azul_tui.cli import main

SHORT = {
    "losses": [],
    "sampling": ["--set", "games=3"],
    "step": ["--set", "steps=6", "--set", "batch_size=32"],
    "checkpoints": [],
    "selfplay": ["--set", "games=1", "--set", "mcts_simulations=4"],
    "components": ["--set", "iterations=5", "--set", "steps=3"],
}
NUMBERS = {"losses": 1, "sampling": 2, "step": 3, "checkpoints": 4, "selfplay": 5, "components": 7}


def numbers_in(value):
    """Every number of a record, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


@pytest.mark.parametrize("job", SHORT)
def test_as_json_every_line_is_a_record_and_the_last_is_the_result(job, capsys, tmp_path):
    code = main(["--run", job, "--json", "--dir", str(tmp_path), *SHORT[job]])
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert code == 0, captured.err
    assert lines[-1]["event"] == "result"
    assert (lines[-1]["ok"], lines[-1]["job"]) == (True, job)
    assert numbers_in(lines[-1]), "a result holds what was measured"
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("job", SHORT)
def test_by_its_number_it_tells_a_person_what_it_did(job, capsys, tmp_path):
    code = main(["--run", str(NUMBERS[job]), "--dir", str(tmp_path), *SHORT[job]])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert len(captured.out.splitlines()) >= 3
    assert "{" not in captured.out.splitlines()[0], "not for programs"
    assert any(character.isdigit() for character in captured.out)


def test_the_losses_are_those_of_a_network_that_knows_nothing(capsys, tmp_path):
    main(["--run", "losses", "--json", "--dir", str(tmp_path)])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = {key: value for key, value in result.items() if "loss" in key}
    assert found
    assert all(0.0 <= number < 20.0 for number in numbers_in(found))


def test_all_of_them_one_after_the_other(capsys, tmp_path):
    assert main(["--run", "0", "--json", "--dir", str(tmp_path)]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records[-1]["ok"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--run", "losses", "--set", "batch_size=0"], "batch_size"),
        (["--run", "step", "--set", "device=warp"], "device"),
        (["--run", "sampling", "--set", "games=many"], "games"),
    ],
)
def test_a_setting_that_is_refused_is_one_sentence_and_exit_2(arguments, told, capsys, tmp_path):
    assert main([*arguments, "--dir", str(tmp_path)]) == 2
    errors = capsys.readouterr().err
    assert told in errors
    assert errors.count("\n") == 1
