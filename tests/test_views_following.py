"""Following a run directory: what is read, what it costs, what it survives."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from fake_run import START, FakeRun, make_run

from azul_tui.views import following as follow
from azul_tui.views.following import RunData, RunFeed


def test_a_run_is_read_into_its_places(tmp_path):
    run = make_run(tmp_path / "run", 15)
    feed = RunFeed(tmp_path / "run")
    data = feed.read_all()
    assert data.last_step == run.step == 1500
    assert data.steps.records == 1500
    assert len(data.evaluations) == 6
    assert [c.iteration for c in data.checkpoints] == [5, 10, 15]
    assert feed.status.iteration == 15
    assert feed.live["move"] == 23
    assert feed.log.lines[-1] == "iteration 15 done in 1 min 52 s"
    assert feed.state(run.t).state == "running"


def test_a_feed_that_opens_before_the_first_byte_waits(tmp_path):
    feed = RunFeed(tmp_path / "run")
    assert feed.tick() in {True, False}
    assert not feed.data.records
    assert feed.state(START) is None
    run = FakeRun(tmp_path / "run")
    run.start()
    feed.tick()
    assert feed.data.started["name"] == "run"


def test_following_costs_what_is_new(tmp_path):
    run = make_run(tmp_path / "run", 5)
    feed = RunFeed(tmp_path / "run")
    feed.read_all()
    before, version = feed.data.records, feed.data.version
    assert not feed.tick()
    assert feed.data.version == version
    run.one_step()
    assert feed.tick()
    assert feed.data.records == before + 1


def test_a_huge_file_is_sampled_first_and_exact_afterwards(tmp_path, monkeypatch):
    monkeypatch.setattr(follow, "SAMPLED_BYTES", 100_000)
    run = make_run(tmp_path / "run", 40)
    feed = RunFeed(tmp_path / "run")
    data = feed.read_all(exact=False)
    assert feed.is_sampled
    assert data.steps.records < 1500
    assert data.last_step == run.step, "the newest step is on the chart at once"
    assert len(data.evaluations) == 16, "only steps are sampled"
    exact = feed.read_all()
    assert not feed.is_sampled
    assert exact.steps.records == run.step
    run.one_step()
    feed.tick()
    assert feed.data.last_step == run.step


def test_a_file_that_was_replaced_is_read_anew(tmp_path):
    make_run(tmp_path / "run", 3)
    feed = RunFeed(tmp_path / "run")
    feed.read_all()
    (tmp_path / "run" / "events.jsonl").unlink()
    run = FakeRun(tmp_path / "run", seed=1)
    run.start()
    run.one_step()
    feed.tick()
    feed.tick()
    assert feed.data.steps.records == 1


def test_garbage_is_counted_and_stepped_over(tmp_path):
    run = FakeRun(tmp_path / "run")
    run.start()
    with (tmp_path / "run" / "events.jsonl").open("ab") as file:
        file.write(b'\xff\xfe not json\n[1, 2]\n{"event": 5}\n{}\n' + b"x" * 2000 + b"\n")
    run.one_step()
    data = RunFeed(tmp_path / "run").read_all()
    assert data.skipped >= 3 and data.steps.records == 1


def test_records_with_wrong_types_do_not_stop_the_reading():
    data = RunData()
    values = [None, "text", [], {}, True, 1e400, -1, math.nan, "\x1b[31m", 10**400]
    kinds = (
        "run_started phase step self_play iteration evaluation checkpoint control setting "
        "alert compile result other"
    ).split()
    fields = (
        "t iteration step total_loss policy_loss value_loss games score low high file best "
        "text level key old new request accepted reason done total name seconds phase "
        "buffer_size buffer_capacity not_finite"
    ).split()
    for index, kind in enumerate(kinds * 20):
        record = {"event": kind}
        for place, field in enumerate(fields):
            record[field] = values[(index * 7 + place * 3) % len(values)]
        data.absorb([record])
    assert data.records == len(kinds) * 20
    shown = [h.text for h in data.happenings] + [c.file for c in data.checkpoints]
    assert not any("\x1b" in text for text in shown)


def test_a_loss_that_is_not_finite_is_an_alert_and_repeated_steps_keep_x_ascending():
    data = RunData()
    step = {"event": "step", "t": START, "step": 0, "total_loss": None}
    data.absorb([step | {"not_finite": ["total_loss"]}])
    assert [alert.text for alert in data.alerts] == ["the loss is not finite at step 0"]
    steps = [*range(1, 101), *range(81, 131)]  # of a run that was resumed
    data.absorb([step | {"step": at, "total_loss": 1.0} for at in steps])
    x = data.steps.columns("step", "total_loss")[0]
    assert (x[1:] >= x[:-1]).all() and x[-1] == 130


def test_an_unreadable_file_is_said_and_survived(tmp_path, monkeypatch):
    make_run(tmp_path / "run", 1)
    feed = RunFeed(tmp_path / "run")

    def refuse(*_args, **_kwargs):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(feed._main.tail, "read", refuse)
    feed.tick()
    assert "cannot be read: Input/output error" in feed.problem


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"{}" * 10])
def test_broken_small_files_read_as_absent(tmp_path, content):
    directory = tmp_path / "run"
    run = FakeRun(directory)
    run.start()
    for name in ("status.json", "live.json"):
        (directory / name).write_bytes(content)
    feed = RunFeed(directory)
    feed.tick()
    assert feed.status is None
    assert feed.live == {}


def test_the_log_is_read_as_it_grows(tmp_path):
    path = Path(tmp_path / "log.txt")
    log = follow.LogTail(path, keep=3)
    assert not log.read()
    path.write_text("one\ntwo\nhal")
    assert log.read()
    assert log.lines == ["one", "two"]
    with path.open("a") as file:
        file.write("f\nfour\nfive\n")
    log.read()
    assert log.lines == ["half", "four", "five"]


def test_after_a_resume_what_earlier_lines_said_of_later_ones_is_left_out():
    data = RunData()
    evaluation = {"event": "evaluation", "opponent": "greedy", "score": 0.5}
    for iteration in (1, 2, 3):
        data.absorb(
            [
                {"event": "step", "step": 10 * iteration, "total_loss": 1.0 * iteration},
                {"event": "iteration", "iteration": iteration, "total_loss": 1.0},
                {**evaluation, "iteration": iteration},
                {"event": "checkpoint", "iteration": iteration, "file": f"{iteration}"},
            ]
        )
    data.absorb([{"event": "resumed", "iteration": 1, "step": 10}])
    data.absorb([{"event": "step", "step": 20, "total_loss": 9.0}])
    steps, losses, _, _ = data.steps.columns("step", "total_loss")
    assert (list(steps), list(losses)) == ([10, 20], [1.0, 9.0])
    assert list(data.iterations.columns("iteration", "total_loss")[0]) == [1]
    assert [found.iteration for found in data.evaluations] == [1]
    assert [found.iteration for found in data.checkpoints] == [1]
