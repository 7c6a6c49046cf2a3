"""What a job's parent does: starting it, and asking it for something while it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.child_process import python_command
from azul_tui.errors import JobError, RunError
from azul_tui.runs.control import (
    GROUP_NICENESS,
    NICENESS,
    REQUESTS,
    drop_request,
    job_arguments,
    job_command,
    launch,
    poll_requests,
    remove_request,
)
from azul_tui.runs.listing import list_runs
from azul_tui.runs.machine import own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import Status, judge, note_ending, read_status, write_status

NAME = "00000000000000000005-pause.json"


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
    for _ in range(3):
        drop_request(paths, "pause", clock_ns=lambda: 5)
    assert len(poll_requests(paths)) == 3, "those of the same moment are all kept"


@pytest.mark.parametrize("value", [True, 3, 0.25, "small", ["random", "greedy"]])
def test_a_setting_arrives_with_its_value(paths, value):
    drop_request(paths, "set", key="learning_rate", value=value)
    (request,) = poll_requests(paths)
    assert (request.key, request.value, request.refusal) == ("learning_rate", value, "")
    assert type(request.value) is type(value)


def test_an_unknown_request_is_refused_where_it_is_made(paths):
    with pytest.raises(RunError, match="is no request; requests are pause"):
        drop_request(paths, "explode")
    absent = RunPaths(paths.directory / "absent" / "run")
    with pytest.raises(RunError, match="only the owner of the run"):
        drop_request(absent, "pause")
    assert poll_requests(absent) == []


REFUSED = [
    ("rm -rf.json", b'{"request": "pause"}', "is not named like a request"),
    ("\x1b[2J", b"", "is not named like a request"),
    *(
        (NAME, content, "is not a JSON object")
        for content in (b"", b"\xff", b"[" * 10_000, b"3", b'{"request": "set", "value": NaN}')
    ),
    *(
        (NAME, content, "asks for nothing known")
        for content in (b"{}", b'{"request": "shell"}', b'{"request": ["pause"]}')
    ),
    (NAME, b'{"request": "pause", "x": "' + b"y" * 20_000 + b'"}', "too large"),
    (NAME, b'{"request": "set"}', "needs a key and a value"),
    (NAME, b'{"request": "set", "key": "seed"}', "needs a key and a value"),
    (NAME, b'{"request": "set", "key": "seed", "value": {"a": 1}}', "needs a key and a value"),
]


@pytest.mark.parametrize(("name", "content", "why"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_request_is_refused_with_the_reason(paths, name, content, why):
    (paths.control / name).write_bytes(content)
    (request,) = poll_requests(paths)
    assert why in request.refusal
    assert request.refusal.isprintable()
    remove_request(request)
    assert poll_requests(paths) == []


def test_links_pipes_and_folders_are_refused_and_nothing_behind_them_is_touched(paths, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    secret = precious / "secret"
    secret.write_text('{"request": "pause"}')
    (paths.control / "1-pause.json").symlink_to(secret)
    os.mkfifo(paths.control / "2-pause.json")
    (paths.control / "3-pause.json").mkdir()
    (paths.control / "3-pause.json" / "inside").write_text("kept")
    (paths.control / ".00005-pause.json.unfinished").write_text("{")  # half written: it waits
    found = poll_requests(paths)
    assert len(found) == 3
    assert all(request.refusal for request in found)
    for request in found:
        remove_request(request)
    assert poll_requests(paths) == []
    other = RunPaths(tmp_path / "other")
    other.directory.mkdir()
    other.control.symlink_to(precious)
    assert poll_requests(other) == []
    assert secret.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_only_the_owner_of_the_run_is_obeyed(paths):
    drop_request(paths, "stop")
    (file,) = paths.control.iterdir()
    os.chown(file, 12345, -1)
    (request,) = poll_requests(paths)
    assert "does not belong to the owner" in request.refusal


def test_a_flood_is_taken_in_portions(paths):
    for index in range(100):
        (paths.control / f"{index}-pause.json").write_text('{"request": "pause"}')
    assert len(poll_requests(paths)) == 64


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


# -- starting a job

REPORT = """
import os, sys, time
while os.nice(0) < int(sys.argv[1]):  # its priority is lowered from outside
    time.sleep(0.01)
print(os.getsid(0) == os.getpid(), os.environ["OMP_WAIT_POLICY"], sys.stdin.read() == "")
print("error", file=sys.stderr)
"""


def test_a_job_has_its_own_session_low_priority_and_files_for_its_output(paths):
    command = [sys.executable, "-c", REPORT, str(NICENESS)]
    for _ in range(2):
        assert launch(command, paths).wait() == 0
    assert paths.log.read_text() == 2 * "True passive True\nerror\n"


def test_a_run_that_is_started_says_who_is_at_work_before_that_says_anything(paths):
    process = launch([sys.executable, "-c", "import time; time.sleep(60)"], paths)
    status = read_status(paths.status)
    assert (status.name, status.pid, status.phase) == ("run", process.pid, "starting")
    assert judge(status, time.time()).state == "running"
    group = Path(f"/proc/{process.pid}/autogroup")
    assert not group.exists() or group.read_text().split()[-1] == str(GROUP_NICENESS)
    process.kill()
    process.wait()
    assert judge(status, time.time()).state == "crashed", "known without being its parent"
    note_ending(paths.status, process.pid, process.returncode)
    (run,) = list_runs(paths.directory.parent, time.time())
    assert (run.state, run.reason) == ("crashed", "killed by SIGKILL")


def test_a_start_leaves_the_status_of_a_run_with_records_alone(paths):
    paths.events.write_text('{"event": "run_started", "t": 1.0}\n')
    write_status(paths.status, Status(name="run", state="finished", iteration=7))
    launch([sys.executable, "-c", ""], paths).wait()
    assert read_status(paths.status) == Status(name="run", state="finished", iteration=7)


def test_a_job_outlives_the_process_that_started_it(paths):
    marker = paths.directory / "marker"
    job = f"import time; time.sleep(0.5); open({str(marker)!r}, 'w').write('done')"
    starter = (
        "import os, sys; from pathlib import Path; from azul_tui.runs.control import launch; "
        "from azul_tui.runs.paths import RunPaths; "
        f"launch([sys.executable, '-c', {job!r}], RunPaths(Path({str(paths.directory)!r}))); "
        "os._exit(0)"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], start_new_session=True)
    process.wait()
    with suppress(ProcessLookupError):  # nothing of its session is left, which is the point
        os.killpg(process.pid, signal.SIGHUP)
    while not marker.exists():
        time.sleep(0.02)


def test_a_program_that_cannot_be_started_leaves_the_reason_in_its_folder(paths):
    with pytest.raises(JobError, match="cannot be started"):
        launch(["/absent/program"], paths)
    (run,) = list_runs(paths.directory.parent, time.time())
    assert run.state == "crashed"
    assert run.reason == "could not be started: No such file or directory"
    assert "/absent/program" in paths.log.read_text()
    with pytest.raises(JobError, match="cannot be started"):
        launch([sys.executable], RunPaths(Path("/absent")))


@pytest.mark.parametrize(
    ("code", "state", "ending"),
    [
        (2, "crashed", "exit code 2"),
        (-9, "crashed", "killed by SIGKILL"),
        (-40, "crashed", "killed by signal 40"),
        (-15, "stopped", "killed by SIGTERM"),
        (130, "stopped", "exit code 130"),
        (0, "running", ""),
    ],
)
def test_how_a_process_ended_is_kept_unless_it_said_so_itself(paths, code, state, ending):
    mark = own_mark()
    write_status(paths.status, Status(name="run", **asdict(mark)))
    note_ending(paths.status, mark.pid + 1, code)
    assert read_status(paths.status).state == "running", "the status of another process"
    note_ending(paths.status, mark.pid, code)
    assert (read_status(paths.status).state, read_status(paths.status).ending) == (state, ending)
    for said in ("finished", "stopped"):
        write_status(paths.status, Status(name="run", state=said, **asdict(mark)))
        note_ending(paths.status, mark.pid, code)
        assert (read_status(paths.status).state, read_status(paths.status).ending) == (said, "")


def test_arguments_of_a_job_survive_values_that_look_like_options():
    arguments = job_arguments(
        "train", root=Path("runs"), run_name="x", config="-odd.toml", overrides=["run=-x"]
    )
    assert arguments == [
        "--run", "train", "--dir", "runs", "--yes",
        "--name=x", "--config=-odd.toml", "--set=run=-x",
    ]  # fmt: skip
    assert job_command(arguments) == python_command("azul_tui", *arguments)
