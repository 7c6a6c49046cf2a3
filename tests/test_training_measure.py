"""The best score means something: it is set back when scores are measured otherwise."""

from __future__ import annotations

import pytest
from tiny_training import alerts, records, resume, tiny, train

from azul_tui.runs.control import drop_request
from azul_tui.runs.paths import RunPaths
from azul_tui.training.evaluation import in_words, measure_of, read_measure
from azul_tui.training.resuming import find_resume_point

EASY = {"eval_frequency": 1, "gate": "off"}


@pytest.fixture(autouse=True)
def requests_are_seen_at_once(monkeypatch):
    monkeypatch.setattr("azul_tui.training.run.POLL_EVERY_S", 0.0)


@pytest.fixture
def run(tmp_path):
    """Two iterations, measured against random last."""
    folder = tmp_path / "run"
    train(folder, tiny(max_iterations=2, eval_opponents=("greedy", "random"), **EASY))
    assert find_resume_point(folder, None).progress.best_score is not None
    return folder


@pytest.mark.parametrize(
    "change", [{"eval_opponents": ("random", "greedy")}, {"eval_simulations": 1}]
)
def test_another_opponent_or_search_begins_the_best_anew_and_says_so(run, change):
    settings = {"eval_opponents": ("greedy", "random"), **EASY, **change}
    resume(run, tiny(max_iterations=3, **settings))
    told = [text for text in alerts(run) if "does not compare" in text]
    assert len(told) == 1
    assert "against random with 2 simulations, does not compare with scores against" in told[0]
    third = records(run, "checkpoint")[-1]
    assert (third["iteration"], third["best"]) == (3, True), "there is none to be worse than"
    assert find_resume_point(run, None).progress.best_score == third["score"]
    assert find_resume_point(run, None).measure == measure_of(tiny(**settings))


def test_a_resume_that_measures_alike_keeps_the_best(run):
    before = find_resume_point(run, None).progress.best_score
    config = tiny(max_iterations=3, eval_opponents=("greedy", "random"), eval_games=6, **EASY)
    resume(run, config)
    assert not [text for text in alerts(run) if "does not compare" in text]
    assert find_resume_point(run, None).progress.best_score >= before


def test_simulations_that_are_changed_live_begin_it_anew_too(tmp_path):
    folder = tmp_path / "run"

    def listen(record):
        if record["event"] == "checkpoint" and record["iteration"] == 1:
            drop_request(RunPaths(folder), "set", key="eval_simulations", value=1)

    train(folder, tiny(max_iterations=3, **EASY), listener=listen)
    told = [text for text in alerts(folder) if "does not compare" in text]
    assert len(told) == 1
    assert "with 2 simulations, does not compare with scores against greedy with 1" in told[0]


def test_a_branch_does_not_call_best_what_it_has_not_measured(run, tmp_path):
    config = tiny(max_iterations=2, **EASY)
    train(tmp_path / "branch", config, resume_from=run)
    assert not [record for record in records(tmp_path / "branch", "checkpoint") if record["best"]]


def test_a_measure_in_words_and_from_a_file():
    config = tiny()
    assert in_words(measure_of(config)) == "against greedy with 2 simulations"
    assert in_words(("random", 0)) == "against random by the bare policy"
    for damaged in (None, [], ["random"], [1, 2], ["random", True], "random", {"random": 1}):
        assert read_measure(damaged, config) == measure_of(config)
    assert read_measure(["random", 7], config) == ("random", 7)
