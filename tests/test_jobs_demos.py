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


@pytest.mark.parametrize("job", SHORT)
def test_as_json_every_line_is_a_record_and_the_last_is_the_result(job, capsys, tmp_path):
    code = main(["--run", job, "--json", "--dir", str(tmp_path), *SHORT[job]])
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert code == 0, captured.err
    assert lines[-1]["event"] == "result"
    assert (lines[-1]["ok"], lines[-1]["job"]) == (True, job)
    assert "Traceback" not in captured.err


def test_by_its_number_it_tells_a_person_what_it_did(capsys, tmp_path):
    assert main(["--run", "1", "--dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("policy loss " in line and "nats" in line for line in lines)
    assert not any("{" in line for line in lines), "not for programs"


def test_the_losses_are_those_of_a_network_that_knows_nothing(capsys, tmp_path):
    main(["--run", "losses", "--json", "--dir", str(tmp_path)])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (losses,) = (record for record in records if record["event"] == "losses")
    assert losses["policy_loss"] == pytest.approx(losses["blind_loss"], abs=1.0)
    assert 0.0 < losses["value_loss"] < 3.0


def test_all_of_them_one_after_the_other(capsys, tmp_path):
    assert main(["--run", "0", "--json", "--dir", str(tmp_path)]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records[-1]["ok"]
