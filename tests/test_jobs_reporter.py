"""What a person reads of a job, and what a program does."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.jobs.reporter import Reporter, describe, in_bytes, in_words
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import RunRecorder, read_status


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Gone(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text):
        raise BrokenPipeError


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_a_person_gets_lines(clock):
    output, errors = io.StringIO(), io.StringIO()
    reporter = Reporter(output, errors, clock=clock)
    reporter.say("hello")
    record = reporter.record("alert", level="warning", text="disk full")
    reporter.record("phase", phase="training")
    assert output.getvalue() == "hello\nwarning: disk full\n"
    assert errors.getvalue() == ""
    assert record == {"event": "alert", "t": 0.0, "level": "warning", "text": "disk full"}


def test_with_json_nothing_else_is_on_standard_output(clock):
    output, errors = io.StringIO(), io.StringIO()
    reporter = Reporter(output, errors, json_lines=True, clock=clock)
    reporter.say("hello")
    reporter.progress(1, 2, "games")
    reporter.record("step", step=1, total_loss=float("nan"))
    reporter.on_record({"event": "result", "t": 1.0, "ok": True})
    records = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [record["event"] for record in records] == ["step", "result"]
    assert records[0]["total_loss"] is None
    assert errors.getvalue() == "hello\n"


def test_progress_is_one_line_in_a_terminal_and_a_line_now_and_then_in_a_file(clock):
    terminal, file = Terminal(), io.StringIO()
    for output in (terminal, file):
        reporter = Reporter(output, io.StringIO(), clock=clock)
        for done in range(100):
            clock.now += 0.1 if output is file else 0.01
            reporter.progress(done, 100, "games", left_s=5.0)
            step = {"event": "step", "t": 0.0, "iteration": 1, "step": done, "total_loss": 2.0}
            reporter.on_record(step)
        reporter.say("done")
    assert terminal.getvalue().count("\n") == 1
    assert 5 <= terminal.getvalue().count("\r") <= 13
    assert terminal.getvalue().endswith("\r\x1b[Kdone\n")
    assert "  0/100 games 0%, 5.0 s left in the run" in terminal.getvalue()
    assert 2 <= len(file.getvalue().splitlines()) <= 5 and "\r" not in file.getvalue()


def test_a_reader_that_leaves_does_not_end_the_job(clock):
    for json_lines in (False, True):
        reporter = Reporter(Gone(), Gone(), json_lines=json_lines, clock=clock)
        for _ in range(3):
            reporter.say("x")
            reporter.record("alert", text="x")
            reporter.progress(1, 2)


def test_a_terminal_without_unicode_gets_what_it_can_show(clock):
    raw = io.BytesIO()
    output = io.TextIOWrapper(raw, encoding="ascii")
    Reporter(output, io.StringIO(), clock=clock).say("61 – 70 %")
    assert raw.getvalue() == b"61 ? 70 %\n"


def test_a_folder_for_records_gets_them_too(tmp_path, clock):
    paths, output = RunPaths(tmp_path / "job"), io.StringIO()
    with RunRecorder(paths, job="losses", clock=clock) as recorder:
        reporter = Reporter(output, io.StringIO(), json_lines=True, recorder=recorder, clock=clock)
        reporter.record("loss", policy_loss=5.0)
        clock.now += 2
        reporter.progress(3, 10, "games")
        assert read_status(paths.status).done == 3.0
    assert paths.events.read_text() == output.getvalue()


@pytest.mark.parametrize(
    ("words", "value", "told"),
    [
        (in_words, None, "?"),
        (in_words, 0.44, "0.4 s"),
        (in_words, 41, "41 s"),
        (in_words, 59.7, "1 min 00 s"),
        (in_words, 185, "3 min 05 s"),
        (in_words, 4320, "1 h 12 min"),
        (in_words, 100_000, "1 d 3 h"),
        (in_bytes, 0, "0 B"),
        (in_bytes, 999, "999 B"),
        (in_bytes, 1500, "2 kB"),
        (in_bytes, 1.4e6, "1.4 MB"),
        (in_bytes, 3.1e9, "3.1 GB"),
    ],
)
def test_times_and_sizes_in_words(words, value, told):
    assert words(value) == told


GATE = {
    "event": "gate", "iteration": 20, "opponent": "iteration 10", "decision": "ahead",
    "accepted": True, "score": 0.594, "games": 128, "seconds": 4.2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            {
                "event": "iteration", "iteration": 3, "total_loss": 2.0134, "policy_loss": 1.741,
                "value_loss": None, "successful_steps": 1000, "training_time": 12.4,
            },
            "iteration 3: loss 2.013 (policy 1.741, value –), 1,000 steps in 12 s",
        ),
        (
            {
                "event": "evaluation", "opponent": "greedy", "games": 100, "wins": 60, "draws": 3,
                "score": 0.615, "low": 0.52, "high": 0.703,
            },
            "  against greedy: 61.5% (52.0 to 70.3), 60 won, 3 drawn of 100 games",
        ),
        (GATE, "  gate against iteration 10: ahead, the new best, 59.4% of 128 games in 4.2 s"),
        (
            {**GATE, "decision": "behind", "accepted": False, "score": 0.47},
            "  gate against iteration 10: behind, 47.0% of 128 games in 4.2 s",
        ),
        (
            {"event": "gate", "decision": "first", "accepted": True},
            "  gate: the first weights are the best so far",
        ),
        (
            {"event": "rating", "elo": 612.3, "low": 570.0, "high": 650.4, "anchor": "random"},
            "  rated 612 Elo above random (570 to 650)",
        ),
    ],
)  # fmt: skip
def test_records_as_lines(record, line):
    assert describe(record) == line


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
