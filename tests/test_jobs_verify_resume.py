"""A short verify-resume; `make kills` is the long one."""

from __future__ import annotations

import json

import pytest

from azul_tui.cli import main
from azul_tui.jobs.killed_run import MOMENTS, Moment, read_moment


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_five_kills_and_nothing_is_different(tmp_path, capsys):
    arguments = ["--run", "verify-resume", "--set", "kills=5", "--set", "seed=5", "--json"]
    assert main([*arguments, "--dir", str(tmp_path)]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["kills"], result["identical"], result["lost"]) == (5, True, 0)
    assert sum(result["moments"].values()) == 5


@pytest.mark.parametrize("kind", MOMENTS)
def test_a_moment_is_read_as_it_was_written(kind):
    moment = Moment(kind, 2.5, 0.125)
    assert read_moment(str(moment)) == moment
