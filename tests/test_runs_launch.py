from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from azul_tui.child_process import python_command
from azul_tui.errors import JobError
from azul_tui.runs.launch import (
    GROUP_NICENESS,
    NICENESS,
    job_arguments,
    job_command,
    launch,
)
from azul_tui.runs.listing import list_runs
from azul_tui.runs.machine import own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import Status, judge, note_ending, read_status, write_status

REPORT = """
import os, sys
alone = os.getsid(0) == os.getpid()
print(alone, os.nice(0), os.environ["OMP_WAIT_POLICY"], sys.stdin.read() == "")
print("error", file=sys.stderr)
"""


@pytest.fixture
def paths(tmp_path):
    paths = RunPaths(tmp_path / "run")
    paths.create()
    return paths


def test_a_job_has_its_own_session_low_priority_and_files_for_its_output(paths):
    # It waits a moment, because its priority is lowered from outside.
    process = launch([sys.executable, "-c", "import time; time.sleep(0.3)" + REPORT], paths)
    assert process.wait() == 0
    lines = paths.log.read_text().splitlines()
    assert lines == [f"True {max(NICENESS, os.nice(0))} passive True", "error"]


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="a kernel without groups")
def test_the_whole_session_of_a_job_gives_way_to_that_of_the_terminal(paths):
    process = launch([sys.executable, "-c", "import time; time.sleep(5)"], paths)
    try:
        group = Path(f"/proc/{process.pid}/autogroup").read_text()
    finally:
        process.kill()
        process.wait()
    assert group.split()[-1] == str(GROUP_NICENESS)


def test_a_second_job_appends_to_the_log(paths):
    for word in ("one", "two"):
        launch([sys.executable, "-c", f"print('{word}')"], paths).wait()
    assert paths.log.read_text() == "one\ntwo\n"


def test_a_job_outlives_the_process_that_started_it(paths):
    marker = paths.directory / "marker"
    job = f"import time; time.sleep(0.5); open({str(marker)!r}, 'w').write('done')"
    starter = (
        "import os, sys; from pathlib import Path; from azul_tui.runs.launch import launch; "
        "from azul_tui.runs.paths import RunPaths; "
        f"launch([sys.executable, '-c', {job!r}], RunPaths(Path({str(paths.directory)!r}))); "
        "os._exit(0)"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], start_new_session=True)
    process.wait()
    with suppress(ProcessLookupError):  # nothing of its session is left, which is the point
        os.killpg(process.pid, signal.SIGHUP)
    deadline = time.monotonic() + 20
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert marker.exists()


def test_a_program_that_does_not_exist_is_refused_in_one_sentence(paths):
    with pytest.raises(JobError, match="cannot be started"):
        launch(["/absent/program"], paths)
    with pytest.raises(JobError, match="cannot be started"):
        launch([sys.executable], RunPaths(Path("/absent")))


def test_a_run_that_is_started_says_who_is_at_work_before_that_says_anything(paths):
    process = launch([sys.executable, "-c", "import time; time.sleep(60)"], paths)
    status = read_status(paths.status)
    assert (status.name, status.pid, status.phase) == ("run", process.pid, "starting")
    assert judge(status, time.time()).state == "running"
    process.kill()
    process.wait()
    assert judge(status, time.time()).state == "crashed", "known without being its parent"
    note_ending(paths.status, process.pid, process.returncode)
    (run,) = list_runs(paths.directory.parent, time.time())
    assert (run.state, run.reason) == ("crashed", "killed by SIGKILL")


def test_a_program_that_cannot_be_started_leaves_the_reason_in_its_folder(paths):
    with pytest.raises(JobError):
        launch(["/absent/program"], paths)
    (run,) = list_runs(paths.directory.parent, time.time())
    assert (run.state, run.reason) == (
        "crashed",
        "could not be started: No such file or directory",
    )
    assert "/absent/program" in paths.log.read_text()


def test_a_start_leaves_the_status_of_a_run_with_records_alone(paths):
    paths.events.write_text('{"event": "run_started", "t": 1.0}\n')
    write_status(paths.status, Status(name="run", state="finished", iteration=7))
    launch([sys.executable, "-c", ""], paths).wait()
    assert read_status(paths.status) == Status(name="run", state="finished", iteration=7)


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
def test_how_a_process_ended_is_kept(paths, code, state, ending):
    mark = own_mark()
    write_status(paths.status, Status(name="run", **asdict(mark)))
    note_ending(paths.status, mark.pid + 1, code)
    assert read_status(paths.status).state == "running", "the status of another process"
    note_ending(paths.status, mark.pid, code)
    assert (read_status(paths.status).state, read_status(paths.status).ending) == (state, ending)


def test_a_run_that_said_its_end_keeps_it(paths):
    mark = own_mark()
    for state in ("finished", "stopped"):
        write_status(paths.status, Status(name="run", state=state, pid=mark.pid, host=mark.host))
        note_ending(paths.status, mark.pid, -9)
        assert read_status(paths.status).state == state
        assert not read_status(paths.status).ending


def test_arguments_of_a_job_survive_values_that_look_like_options():
    arguments = job_arguments(
        "train", root=Path("runs"), run_name="x", config="-odd.toml", overrides=["run=-x"]
    )
    assert arguments == [
        "--run", "train", "--dir", "runs", "--yes",
        "--name=x", "--config=-odd.toml", "--set=run=-x",
    ]  # fmt: skip
    assert job_command(arguments) == python_command("azul_tui", *arguments)
