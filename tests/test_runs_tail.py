from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.runs.events import (
    MAX_RECORD_BYTES,
    READ_BYTES,
    EventTail,
    decode_line,
    decode_lines,
    encode,
    last_records,
)


def step(number, **fields):
    return {"event": "step", "t": float(number), "step": number, **fields}


def as_line(record):
    return encode(
        record["event"],
        record["t"],
        {k: v for k, v in record.items() if k not in "event t".split()},
    )


def read_all(tail, **bounds):
    records, skipped = [], 0
    for _ in range(10_000):
        batch = tail.read(**bounds)
        records += batch.records
        skipped += batch.skipped
        if batch.caught_up:
            return records, skipped
    pytest.fail("never caught up")


texts = st.text(max_size=12)
records = st.builds(step, st.integers(0, 10**6), note=texts)


@pytest.mark.fuzz
@given(st.lists(records, max_size=6), st.data())
def test_cut_at_any_byte_before_and_after_make_up_what_was_written(tmp_path, written, data):
    path = tmp_path / "events.jsonl"
    path.unlink(missing_ok=True)
    whole = b"".join(map(as_line, written))
    cut = data.draw(st.integers(0, len(whole)))
    tail = EventTail(path)
    path.write_bytes(whole[:cut])
    before, _ = read_all(tail)
    assert len(before) == whole[:cut].count(b"\n")
    with path.open("ab") as file:
        file.write(whole[cut:])
    after, skipped = read_all(tail)
    assert before + after == written
    assert skipped == 0
    assert tail.offset == len(whole)


@given(
    st.lists(records, min_size=1, max_size=30),
    st.lists(st.integers(1, 60), min_size=1, max_size=80),
    st.integers(1, 200),
)
def test_any_rhythm_of_writing_and_reading_gives_every_record_once(tmp_path, written, bites, most):
    path = tmp_path / "events.jsonl"
    path.unlink(missing_ok=True)
    whole = b"".join(map(as_line, written))
    tail, read, at, turn = EventTail(path), [], 0, 0
    while at < len(whole):
        bite = bites[turn % len(bites)]
        with path.open("ab") as file:
            file.write(whole[at : at + bite])
        at, turn = at + bite, turn + 1
        batch = tail.read(max_bytes=most)
        assert not batch.restarted and not batch.skipped
        read += batch.records
    read += read_all(tail)[0]
    assert read == written


GARBAGE = [
    b"",
    b"   ",
    b"garbage",
    b"[1, 2]",
    b"3",
    b'"event"',
    b'{"t": 1}',
    b'{"event": 3}',
    b'{"event":"step","total_loss":NaN}',
    b'{"event":"step","total_loss":Infinity}',
    b'{"event":"step","total_loss":1e999}',
    b'{"event":"step","total_loss":-1E+400}',
    b'{"event":"step","x":' + b"9" * 400 + b".0}",
    b'{"event":"step","x":' + b"9" * 5000 + b"}",
    b'{"event":"x","d":' + b"[" * 100_000,
    '{"event":"ü"}'.encode("latin-1"),
    '{"event":"x"}'.encode("utf-16"),
    b"\x00" * 50,
    b'{"event":"st{"event":"step"}',
    b"\xff\xfe\xfd",
]


def test_garbage_between_records_is_skipped_and_counted(tmp_path):
    path = tmp_path / "events.jsonl"
    lines = []
    for index, line in enumerate(GARBAGE):
        lines += [as_line(step(index)), line.replace(b"\n", b"") + b"\n"]
    path.write_bytes(b"".join(lines))
    tail = EventTail(path)
    found, skipped = read_all(tail)
    assert found == [step(index) for index in range(len(GARBAGE))]
    assert skipped == tail.skipped == len(GARBAGE) - 2, "empty lines are nothing"


def test_exponents_that_stay_finite_are_numbers():
    assert decode_line(b'{"event":"x","v":1e300,"w":1e-999}') == {
        "event": "x",
        "v": 1e300,
        "w": 0.0,
    }


@pytest.mark.parametrize("size", [READ_BYTES * 3, MAX_RECORD_BYTES + 1, MAX_RECORD_BYTES * 3 + 7])
def test_a_huge_line_is_one_skipped_line_and_is_never_held_whole(tmp_path, size):
    path = tmp_path / "events.jsonl"
    path.write_bytes(as_line(step(1)) + b"x" * size + b"\n" + as_line(step(2)))
    assert read_all(EventTail(path)) == ([step(1), step(2)], 1)
    tail = EventTail(path)
    path.write_bytes(as_line(step(1)) + b"x" * size)
    assert tail.read().records == [step(1)]
    with path.open("ab") as file:
        file.write(b"xx\n" + as_line(step(2)))
    read_all(tail)
    assert (tail.skipped, tail.offset) == (1, path.stat().st_size)


def test_a_long_record_within_the_limit_is_read(tmp_path):
    path = tmp_path / "events.jsonl"
    long = step(1, note="x" * (READ_BYTES * 2))
    path.write_bytes(as_line(long) + as_line(step(2)))
    assert read_all(EventTail(path)) == ([long, step(2)], 0)


def test_an_absent_file_reads_as_empty_until_it_is_there(tmp_path):
    tail = EventTail(tmp_path / "events.jsonl")
    assert tail.read().records == []
    (tmp_path / "events.jsonl").write_bytes(as_line(step(1)))
    batch = tail.read()
    assert (batch.records, batch.restarted) == ([step(1)], False)


@pytest.mark.parametrize("rewritten", ["cut", "cut and grown", "replaced", "replaced and longer"])
def test_a_file_that_is_cut_or_replaced_is_read_anew(tmp_path, rewritten):
    path = tmp_path / "events.jsonl"
    old = [step(index) for index in range(20)]
    path.write_bytes(b"".join(map(as_line, old)))
    tail = EventTail(path)
    tail.read()
    count = 60 if "grown" in rewritten or "longer" in rewritten else 3
    fresh = [step(index + 7) for index in range(count)]
    if "replaced" in rewritten:
        other = tmp_path / "other"
        other.write_bytes(b"".join(map(as_line, fresh)))
        other.replace(path)
    else:
        path.write_bytes(b"".join(map(as_line, fresh)))
    batch = tail.read()
    assert batch.restarted
    assert batch.records == fresh
    assert not tail.read().restarted


def test_a_read_is_bounded_by_bytes_and_by_time(tmp_path):
    path = tmp_path / "events.jsonl"
    count = 20_000
    path.write_bytes(b"".join(as_line(step(index)) for index in range(count)))
    tail = EventTail(path)
    batch = tail.read(max_bytes=1000)
    assert 0 < len(batch.records) < 30
    assert not batch.caught_up
    ticks = iter(range(1000))
    batch = tail.read(max_ms=1.0, clock=lambda: float(next(ticks)))
    assert not batch.caught_up
    assert tail.offset < 2 * READ_BYTES, "one chunk, then the clock said stop"
    assert len(read_all(tail)[0]) + len(batch.records) > 0


def test_a_stride_passes_over_steps_alone_and_evenly(tmp_path):
    path = tmp_path / "events.jsonl"
    lines = [as_line(step(index)) for index in range(1, 1001)]
    lines.insert(500, as_line({"event": "checkpoint", "t": 0.0}))
    path.write_bytes(b"".join(lines))
    tail = EventTail(path)
    found = []
    while True:
        batch = tail.read(max_bytes=777, step_stride=10)
        found += batch.records
        if batch.caught_up:
            break
    steps = [record["step"] for record in found if record["event"] == "step"]
    assert steps == list(range(10, 1001, 10))
    assert sum(record["event"] == "checkpoint" for record in found) == 1
    assert tail.steps_seen == 1000


def test_the_last_records_of_a_long_log_cost_little(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(as_line(step(index)) for index in range(5000)) + b'{"torn')
    last = last_records(path, max_bytes=1000)
    assert 5 < len(last) < 30
    assert last[-1] == step(4999)
    assert last_records(tmp_path / "absent") == []
    assert last_records(tmp_path) == []


@pytest.mark.fuzz
def test_mutated_logs_never_raise_and_never_give_what_is_no_record(fuzz):
    rng = fuzz.rng
    good = b"".join(as_line(step(index, total_loss=0.5)) for index in range(5))
    for _ in range(fuzz.rounds(2000)):
        data = bytearray(good)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.choice(b'\x00\x1b\xff{}[]":,.eE+-0123456789nN\n')
        found, skipped, _ = decode_lines(bytes(data))
        assert len(found) + skipped == len([line for line in data.split(b"\n") if line.strip()])
        for record in found:
            assert isinstance(record["event"], str)
            json.dumps(record, allow_nan=False)
