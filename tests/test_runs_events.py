"""The event log: written by one process and read by others meanwhile."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.errors import RunError
from azul_tui.runs.events import (
    MAX_RECORD_BYTES,
    READ_BYTES,
    EventLog,
    EventTail,
    decode_line,
    decode_lines,
    encode,
    last_records,
    number,
    text,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def step(number, **fields):
    return {"event": "step", "t": float(number), "step": number, **fields}


def as_line(record):
    rest = {key: value for key, value in record.items() if key not in {"event", "t"}}
    return encode(record["event"], record["t"], rest)


def test_records_are_lines_with_kind_and_time(tmp_path):
    with EventLog(tmp_path / "events.jsonl", clock=lambda: 12.3456) as log:
        returned = log.append("step", step=3, total_loss=2.5)
        assert log.position == (tmp_path / "events.jsonl").stat().st_size
    assert lines(tmp_path / "events.jsonl") == [returned]
    assert returned == {"event": "step", "t": 12.346, "step": 3, "total_loss": 2.5}


def test_values_are_written_as_json_knows_them():
    fields = {
        "a": math.nan, "b": [1.0, -math.inf], "c": {"d": np.float32("inf")}, "i": np.int64(3),
        "f": np.float32(0.5), "n": np.arange(3), "p": Path("x"), "u": (1, 2), "o": np.bool_(True),
        "s": "half a pair: \udcff, a pair: 🀄",
    }  # fmt: skip
    record = json.loads(encode("x", 0.0, fields), parse_constant=lambda _: pytest.fail("NaN"))
    assert record == {
        "event": "x", "t": 0.0, "a": None, "b": [1.0, None], "c": {"d": None}, "i": 3, "f": 0.5,
        "n": [0, 1, 2], "p": "x", "u": [1, 2], "o": True, "s": "half a pair: ?, a pair: 🀄",
        "not_finite": ["a", "b", "c.d"],
    }  # fmt: skip
    with pytest.raises(ValueError, match="larger than any reader takes"):
        encode("x", 0.0, {"text": "x" * MAX_RECORD_BYTES})


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_is_written_is_ascii_and_is_read_back(fields):
    fields = {k: v for k, v in fields.items() if k not in {"event", "t", "not_finite"}}
    line = encode("x", 1.0, fields)
    assert line.isascii() and line.endswith(b"\n") and line.count(b"\n") == 1
    assert b"\x1b" not in line
    assert decode_line(line) == {"event": "x", "t": 1.0, **fields}


@pytest.mark.parametrize("torn", [b'{"event":"st', b"\xff\xfe", b"x" * 200_000])
def test_a_line_torn_by_a_crash_is_cut_off(tmp_path, torn):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event":"a","t":0}\n' + torn)
    with EventLog(path) as log:
        log.append("b")
    assert [record["event"] for record in lines(path)] == ["a", "b"]


def test_a_full_disk_leaves_whole_lines(tmp_path):
    program = """
import resource, signal, sys
from pathlib import Path
from azul_tui.runs.events import EventLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = EventLog(Path(sys.argv[1]))
log.append("first", text="x" * 500)
resource.setrlimit(resource.RLIMIT_FSIZE, (700, resource.RLIM_INFINITY))
for _ in range(2):
    try:
        log.append("second", text="y" * 500)
    except OSError:
        print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append("third")
"""
    path = tmp_path / "events.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused", "refused"]
    assert [record["event"] for record in lines(path)] == ["first", "third"]
    with pytest.raises(RunError, match=r"events\.jsonl: cannot be written"):
        EventLog(tmp_path / "absent" / "events.jsonl")


def test_values_of_a_stranger_are_taken_only_when_they_fit():
    record = {"a": 1, "b": "2", "c": True, "d": math.nan, "e": 10**400, "f": "\x1b[2Jhi", "g": None}
    assert number(record, "a") == 1.0
    assert [number(record, key) for key in "bcdegz"] == [None] * 6
    assert text(record, "f") == "hi"
    assert text(record, "a") == ""


# -- following a log


def read_all(tail, **bounds):
    records, skipped = [], 0
    for _ in range(10_000):
        batch = tail.read(max_ms=1e9, **bounds)
        records += batch.records
        skipped += batch.skipped
        if batch.caught_up:
            return records, skipped
    pytest.fail("never caught up")


records = st.builds(step, st.integers(0, 10**6), note=st.text(max_size=12))


@pytest.mark.fuzz
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
    assert tail.read().records == [], "the reader may be there first"
    while at < len(whole):
        bite = bites[turn % len(bites)]
        with path.open("ab") as file:
            file.write(whole[at : at + bite])
        at, turn = at + bite, turn + 1
        batch = tail.read(max_bytes=most)
        assert not batch.restarted and not batch.skipped
        read += batch.records
        if batch.caught_up:
            assert len(read) == whole[:at].count(b"\n")
    read += read_all(tail)[0]
    assert read == written
    assert tail.offset == len(whole)


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
    written = []
    for index, line in enumerate(GARBAGE):
        written += [as_line(step(index)), line.replace(b"\n", b"") + b"\n"]
    path.write_bytes(b"".join(written))
    tail = EventTail(path)
    found, skipped = read_all(tail)
    assert found == [step(index) for index in range(len(GARBAGE))]
    assert skipped == tail.skipped == len(GARBAGE) - 2, "empty lines are nothing"
    assert decode_line(b'{"event":"x","v":1e300,"w":1e-999}') == {
        "event": "x", "v": 1e300, "w": 0.0,
    }  # fmt: skip


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


@pytest.mark.parametrize("rewritten", ["cut", "cut and grown", "replaced", "replaced and longer"])
def test_a_file_that_is_cut_or_replaced_is_read_anew(tmp_path, rewritten):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(as_line(step(index)) for index in range(20)))
    tail = EventTail(path)
    tail.read()
    count = 60 if "grown" in rewritten or "longer" in rewritten else 3
    fresh = [step(index + 7) for index in range(count)]
    other = tmp_path / "other" if "replaced" in rewritten else path
    other.write_bytes(b"".join(map(as_line, fresh)))
    other.replace(path)
    batch = tail.read()
    assert batch.restarted
    assert batch.records == fresh
    assert not tail.read().restarted


def test_a_read_is_bounded_by_bytes_and_by_time(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(as_line(step(index)) for index in range(20_000)))
    tail = EventTail(path)
    batch = tail.read(max_bytes=1000)
    assert 0 < len(batch.records) < 30
    assert not batch.caught_up
    ticks = iter(range(1000))
    batch = tail.read(max_ms=1.0, clock=lambda: float(next(ticks)))
    assert not batch.caught_up
    assert tail.offset < 2 * READ_BYTES, "one chunk, then the clock said stop"


def test_a_stride_passes_over_steps_alone_and_evenly(tmp_path):
    path = tmp_path / "events.jsonl"
    written = [as_line(step(index)) for index in range(1, 1001)]
    written.insert(500, as_line({"event": "checkpoint", "t": 0.0}))
    path.write_bytes(b"".join(written))
    tail = EventTail(path)
    found, _ = read_all(tail, max_bytes=777, step_stride=10)
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
    assert last_records(tmp_path / "absent") == last_records(tmp_path) == []


@pytest.mark.fuzz
def test_mutated_logs_never_raise_and_never_give_what_is_no_record(fuzz):
    rng = fuzz.rng
    good = b"".join(as_line(step(index, total_loss=0.5)) for index in range(5))
    for _ in range(fuzz.rounds(1000)):
        data = bytearray(good)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.choice(b'\x00\x1b\xff{}[]":,.eE+-0123456789nN\n')
        found, skipped, _ = decode_lines(bytes(data))
        assert len(found) + skipped == len([line for line in data.split(b"\n") if line.strip()])
        for record in found:
            assert isinstance(record["event"], str)
            json.dumps(record, allow_nan=False)
