from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.jobs.describe import describe, in_bytes, in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "?"),
        (0.44, "0.4 s"),
        (41, "41 s"),
        (59.7, "1 min 00 s"),
        (185, "3 min 05 s"),
        (4320, "1 h 12 min"),
        (100_000, "1 d 3 h"),
    ],
)
def test_lengths_of_time_in_words(seconds, words):
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (1.4e6, "1.4 MB"), (3.1e9, "3.1 GB")],
)
def test_sizes_in_words(count, words):
    assert in_bytes(count) == words


def test_an_iteration_and_an_evaluation_as_lines():
    iteration = {
        "event": "iteration", "iteration": 3, "total_loss": 2.0134, "policy_loss": 1.741,
        "value_loss": None, "successful_steps": 1000, "training_time": 12.4,
    }  # fmt: skip
    assert describe(iteration) == (
        "iteration 3: loss 2.013 (policy 1.741, value –), 1,000 steps in 12 s"
    )
    evaluation = {
        "event": "evaluation", "opponent": "greedy", "games": 100, "wins": 60, "draws": 3,
        "score": 0.615, "low": 0.52, "high": 0.703,
    }  # fmt: skip
    assert describe(evaluation) == (
        "  against greedy: 61.5% (52.0 to 70.3), 60 won, 3 drawn of 100 games"
    )


KINDS = (
    "run_started compute phase step self_play iteration evaluation checkpoint control setting "
    "alert compile result whatever"
).split()
KEYS = (
    "name resumed_from iteration done total games positions seconds sims_per_s total_loss opponent "
    "score low high wins draws file best level text key old new accepted reason request"
).split()


@given(
    st.sampled_from(KINDS),
    st.dictionaries(
        st.sampled_from(KEYS),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([1]),
    ),
)  # fmt: skip
def test_any_record_is_described_harmlessly(kind, fields):
    line = describe({"event": kind, "t": 0.0, **fields})
    assert "\x1b" not in line
    assert len(line) < 2000


def test_what_the_gate_decided_and_where_the_weights_stand():
    gate = {
        "event": "gate", "iteration": 20, "opponent": "iteration 10", "decision": "ahead",
        "accepted": True, "score": 0.594, "games": 128, "seconds": 4.2,
    }  # fmt: skip
    assert describe(gate) == (
        "  gate against iteration 10: ahead, the new best, 59.4% of 128 games in 4.2 s"
    )
    told = describe({**gate, "decision": "behind", "accepted": False, "score": 0.47})
    assert "iteration 10: behind, 47.0% of" in told
    for said in ("better", "not better", "undecided"):  # as earlier versions recorded it
        assert f"iteration 10: {said}, 59.4%" in describe(
            {**gate, "decision": said, "accepted": False}
        )
    assert describe({"event": "gate", "decision": "first", "accepted": True}) == (
        "  gate: the first weights are the best so far"
    )
    rating = {"event": "rating", "elo": 612.3, "low": 570.0, "high": 650.4, "anchor": "random"}
    assert describe(rating) == "  rated 612 Elo above random (570 to 650)"
