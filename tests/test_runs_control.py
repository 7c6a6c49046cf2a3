from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.errors import RunError
from azul_tui.runs.control import REQUESTS, drop_request, poll_requests, remove_request
from azul_tui.runs.paths import RunPaths


@pytest.fixture
def paths(tmp_path):
    paths = RunPaths(tmp_path / "run")
    paths.create()
    return paths


def test_every_known_request_arrives_in_order_with_its_id(paths):
    ids = [drop_request(paths, request, key="seed", value=1) for request in REQUESTS]
    found = poll_requests(paths)
    assert [request.request for request in found] == list(REQUESTS)
    assert [request.id for request in found] == ids
    assert [request.refusal for request in found] == [""] * len(REQUESTS)
    for request in found:
        remove_request(request)
        remove_request(request)
    assert poll_requests(paths) == []


def test_requests_of_the_same_moment_are_all_kept(paths):
    for _ in range(3):
        drop_request(paths, "pause", clock_ns=lambda: 5)
    assert len(poll_requests(paths)) == 3


@pytest.mark.parametrize("value", [True, 3, 0.25, "small", ["random", "greedy"]])
def test_a_setting_arrives_with_its_value(paths, value):
    drop_request(paths, "set", key="learning_rate", value=value)
    (request,) = poll_requests(paths)
    assert (request.key, request.value, request.refusal) == ("learning_rate", value, "")


def test_an_unknown_request_is_refused_where_it_is_made(paths):
    with pytest.raises(RunError, match="is no request; requests are pause"):
        drop_request(paths, "explode")
    with pytest.raises(RunError, match="only the owner of the run"):
        drop_request(RunPaths(paths.directory / "absent" / "run"), "pause")


NAME = "00000000000000000005-pause.json"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("rm -rf.json", b'{"request": "pause"}', "is not named like a request"),
        ("\x1b[2J", b"", "is not named like a request"),
        (NAME, b"", "is not JSON"),
        (NAME, b"\xff", "is not JSON"),
        (NAME, b"[" * 10_000, "is not JSON"),
        (NAME, b"3", "is not a JSON object"),
        (NAME, b"{}", "asks for nothing known"),
        (NAME, b'{"request": "shell"}', "asks for nothing known"),
        (NAME, b'{"request": ["pause"]}', "asks for nothing known"),
        (NAME, b'{"request": "pause", "x": "' + b"y" * 20_000 + b'"}', "too large"),
        (NAME, b'{"request": "set"}', "needs a key and a value"),
        (NAME, b'{"request": "set", "key": "seed"}', "needs a key and a value"),
        (NAME, b'{"request": "set", "key": "seed", "value": NaN}', "needs a key and a value"),
        (NAME, b'{"request": "set", "key": "seed", "value": {"a": 1}}', "needs a key and a value"),
    ],
)
def test_what_is_no_request_is_refused_with_the_reason(paths, name, content, why):
    (paths.control / name).write_bytes(content)
    (request,) = poll_requests(paths)
    assert why in request.refusal
    assert request.refusal.isprintable()
    remove_request(request)
    assert poll_requests(paths) == []


def test_links_pipes_and_folders_are_refused_and_nothing_behind_them_is_touched(paths, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text('{"request": "pause"}')
    (paths.control / "1-pause.json").symlink_to(secret)
    os.mkfifo(paths.control / "2-pause.json")
    (paths.control / "3-pause.json").mkdir()
    (paths.control / "3-pause.json" / "inside").write_text("kept")
    found = poll_requests(paths)
    assert len(found) == 3
    assert all(request.refusal for request in found)
    for request in found:
        remove_request(request)
    assert poll_requests(paths) == []
    assert secret.exists()


def test_a_control_folder_that_is_a_link_is_not_emptied(paths, tmp_path):
    paths.control.rmdir()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    paths.control.symlink_to(precious)
    assert poll_requests(paths) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_only_the_owner_of_the_run_is_obeyed(paths):
    drop_request(paths, "stop")
    (file,) = paths.control.iterdir()
    os.chown(file, 12345, -1)
    (request,) = poll_requests(paths)
    assert "does not belong to the owner" in request.refusal


def test_half_written_and_hidden_files_wait(paths):
    (paths.control / ".00005-pause.json.unfinished").write_text("{")
    assert poll_requests(paths) == []


def test_a_flood_is_taken_in_portions(paths):
    for index in range(100):
        (paths.control / f"{index}-pause.json").write_text('{"request": "pause"}')
    assert len(poll_requests(paths)) == 64


def test_a_run_without_a_folder_has_no_requests(tmp_path):
    assert poll_requests(RunPaths(tmp_path / "absent")) == []


@pytest.mark.fuzz
@given(
    st.dictionaries(
        st.sampled_from(["request", "key", "value", "id", "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(["a", 1])
        | st.sampled_from(REQUESTS),
    )
)  # fmt: skip
def test_any_json_object_is_understood_or_refused(tmp_path, fields):
    paths = RunPaths(tmp_path / "run")
    paths.create()
    (paths.control / NAME).write_text(json.dumps(fields))
    (request,) = poll_requests(paths)
    assert request.refusal or request.request in REQUESTS
    assert (request.key + request.id).isprintable()
