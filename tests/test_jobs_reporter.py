from __future__ import annotations

import io
import json

import pytest

from azul_tui.jobs.reporter import Reporter
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


def test_in_a_terminal_progress_is_one_line_that_is_overwritten(clock):
    output = Terminal()
    reporter = Reporter(output, io.StringIO(), clock=clock)
    for done in range(100):
        clock.now += 0.01
        reporter.progress(done, 100, "games", left_s=5.0)
    reporter.say("done")
    assert output.getvalue().count("\n") == 1
    assert 5 <= output.getvalue().count("\r") <= 13
    assert output.getvalue().endswith("\r\x1b[Kdone\n")
    assert "  0/100 games 0%, 5.0 s left in the run" in output.getvalue()


def test_in_a_file_progress_is_a_line_now_and_then(clock):
    output = io.StringIO()
    reporter = Reporter(output, io.StringIO(), clock=clock)
    for done in range(100):
        clock.now += 0.1
        reporter.progress(done, 100)
        reporter.on_record(
            {"event": "step", "t": 0.0, "iteration": 1, "step": done, "total_loss": 2.0}
        )
    assert 1 <= len(output.getvalue().splitlines()) <= 4
    assert "\r" not in output.getvalue()


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
    paths = RunPaths(tmp_path / "job")
    output = io.StringIO()
    with RunRecorder(paths, job="losses", clock=clock) as recorder:
        reporter = Reporter(output, io.StringIO(), json_lines=True, recorder=recorder, clock=clock)
        reporter.record("loss", policy_loss=5.0)
        clock.now += 2
        reporter.progress(3, 10, "games")
        assert read_status(paths.status).done == 3.0
    assert paths.events.read_text() == output.getvalue()
