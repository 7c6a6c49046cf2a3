"""The jobs that show how things work, as a person and as a program starts them."""

from __future__ import annotations

import json

import pytest

from azul_tui.cli import main
from azul_tui.jobs.demos import DEMOS


def test_all_of_them_one_after_the_other_with_every_record_that_a_screen_draws(capsys, tmp_path):
    assert main(["--run", "0", "--json", "--dir", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    records = [json.loads(line) for line in captured.out.splitlines()]
    result = records[-1]
    assert (result["event"], result["ok"], result["job"]) == ("result", True, "all")
    assert list(result["parts"]) == list(DEMOS) and result["failed"] == []
    assert {record["event"] for record in records} >= {
        "part", "self_play", "losses", "temperature", "batch", "single_step", "step", "checkpoint",
        "move", "game", "experience", "iteration",
    }  # fmt: skip
    (losses,) = (record for record in records if record["event"] == "losses")
    assert losses["policy_loss"] == pytest.approx(losses["blind_loss"], abs=1.0), "it knows nothing"
    assert 0.0 < losses["value_loss"] < 3.0
    parts = result["parts"]
    assert parts["components"]["last_loss"] < parts["components"]["first_loss"]
    assert parts["checkpoints"]["files"][0] == "best_model.pt"
    assert parts["step"]["successful_steps"] == 50
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--run", "1"], "policy loss "),
        (["--run", "sampling", "--set", "games=1", "--set", "batch_size=999"], "no batch yet"),
        (["--run", "5", "--set", "games=1", "--set", "num_players=3"], "one experience in full"),
    ],
)
def test_by_name_or_number_it_tells_a_person_what_it_did(arguments, told, capsys, tmp_path):
    assert main([*arguments, "--dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(told in line for line in lines)
    assert not any("{" in line for line in lines), "not for programs"
