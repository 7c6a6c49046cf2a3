from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
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
from azul_tui.runs.paths import RunPaths

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


def test_arguments_of_a_job_survive_values_that_look_like_options():
    arguments = job_arguments(
        "train", root=Path("runs"), run_name="x", config="-odd.toml", overrides=["run=-x"]
    )
    assert arguments == [
        "--run", "train", "--dir", "runs", "--yes",
        "--name=x", "--config=-odd.toml", "--set=run=-x",
    ]  # fmt: skip
    assert job_command(arguments) == python_command("azul_tui", *arguments)
