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
from azul_tui.runs.events import MAX_RECORD_BYTES, EventLog, decode_line, encode, number, text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_are_lines_with_kind_and_time(tmp_path):
    with EventLog(tmp_path / "events.jsonl", clock=lambda: 12.3456) as log:
        returned = log.append("step", step=3, total_loss=2.5)
        assert log.position == (tmp_path / "events.jsonl").stat().st_size
    assert lines(tmp_path / "events.jsonl") == [returned]
    assert returned == {"event": "step", "t": 12.346, "step": 3, "total_loss": 2.5}


def test_numbers_that_are_not_finite_are_written_as_null_and_named(tmp_path):
    line = encode(
        "step", 0.0, {"a": math.nan, "b": [1.0, -math.inf], "c": {"d": np.float32("inf")}}
    )
    record = json.loads(line, parse_constant=lambda _: pytest.fail("NaN was written"))
    assert record["a"] is None
    assert record["b"] == [1.0, None]
    assert record["c"] == {"d": None}
    assert record["not_finite"] == ["a", "b", "c.d"]


def test_numpy_paths_and_tuples_are_written_as_plain_values():
    fields = {
        "i": np.int64(3),
        "f": np.float32(0.5),
        "a": np.arange(3),
        "p": Path("x"),
        "t": (1, 2),
        "flag": np.bool_(True),
    }
    record = json.loads(encode("x", 0.0, {"v": fields}))
    assert record["v"] == {"i": 3, "f": 0.5, "a": [0, 1, 2], "p": "x", "t": [1, 2], "flag": True}


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_is_written_is_ascii_and_is_read_back(fields):
    fields = {
        key: value for key, value in fields.items() if key not in {"event", "t", "not_finite"}
    }
    line = encode("x", 1.0, fields)
    assert line.isascii() and line.endswith(b"\n") and line.count(b"\n") == 1
    assert b"\x1b" not in line
    record = decode_line(line)
    assert record == {"event": "x", "t": 1.0, **fields}


def test_a_record_that_no_reader_would_take_is_refused():
    with pytest.raises(ValueError, match="larger than any reader takes"):
        encode("x", 0.0, {"text": "x" * MAX_RECORD_BYTES})


@pytest.mark.parametrize("torn", [b'{"event":"st', b"\xff\xfe", b"x" * 200_000])
def test_a_line_torn_by_a_crash_is_cut_off(tmp_path, torn):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event":"a","t":0}\n' + torn)
    with EventLog(path) as log:
        log.append("b")
    assert [record["event"] for record in lines(path)] == ["a", "b"]


def test_a_resume_goes_back_to_the_position_of_its_checkpoint(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventLog(path) as log:
        log.append("a")
        position = log.position
        log.append("lost")
    with EventLog(path, keep=position) as log:
        log.append("b")
    assert [record["event"] for record in lines(path)] == ["a", "b"]
    with EventLog(path, keep=10**9) as log:
        log.append("c")
    assert [record["event"] for record in lines(path)] == ["a", "b", "c"]
    with EventLog(path, keep=5) as log:
        assert log.position == 0, "a position inside a line keeps only whole lines"


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


def test_a_log_that_cannot_be_written_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(RunError, match=r"events\.jsonl: cannot be written"):
        EventLog(tmp_path / "absent" / "events.jsonl")


def test_values_of_a_stranger_are_taken_only_when_they_fit():
    record = {"a": 1, "b": "2", "c": True, "d": math.nan, "e": 10**400, "f": "\x1b[2Jhi", "g": None}
    assert number(record, "a") == 1.0
    assert [number(record, key) for key in "bcdegz"] == [None] * 6
    assert text(record, "f") == "hi"
    assert text(record, "a") == ""
