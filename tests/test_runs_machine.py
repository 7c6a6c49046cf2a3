"""Cores and memory under the limits of containers, read from trees as kernels show them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from azul_tui.config import TrainingConfig
from azul_tui.runs import machine
from azul_tui.runs.machine import Memory, core_quota, cores_below, usable_memory
from azul_tui.training.workers import (
    buffer_bytes,
    fitting_workers,
    memory_problem,
    worker_bytes,
)

GB = 10**9
UNLIMITED = "9223372036854771712"
MEMINFO = "MemTotal:       64000000 kB\nMemFree: 1000 kB\nMemAvailable:   32000000 kB\n"
V2 = "30 23 0:26 {shows} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "31 25 0:27 {shows} {point} rw,nosuid shared:9 - cgroup cgroup rw,{controllers}"


def v2(shows="/", point="/sys/fs/cgroup"):
    return V2.format(shows=shows, point=point)


def v1(controllers, shows="/", point=None):
    point = point or f"/sys/fs/cgroup/{controllers}"
    return V1.format(shows=shows, point=point, controllers=controllers)


def tree(root, own, mounts, files):
    """A machine: lines of /proc/self/cgroup and mountinfo, and contents of files of groups."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(MEMINFO)
    (root / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in own))
    noise = "22 27 0:21 / /proc rw - proc proc rw\nnot a line of it\n1 2 3\n"
    (root / "proc/self/mountinfo").write_text(noise + "".join(f"{line}\n" for line in mounts))
    for name, content in files.items():
        file = root / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
    return root


CORES = {
    "a container of version 2": (["0::/"], [v2()], {"cpu.max": "200000 100000"}, 2),
    "a fraction": (["0::/"], [v2()], {"cpu.max": "150000 100000"}, 1.5),
    "another period": (["0::/"], [v2()], {"cpu.max": "50000 20000"}, 2.5),
    "no limit": (["0::/"], [v2()], {"cpu.max": "max 100000"}, None),
    "no file, as in the topmost group": (["0::/"], [v2()], {}, None),
    "nonsense": (["0::/"], [v2()], {"cpu.max": "much"}, None),
    "an empty file": (["0::/"], [v2()], {"cpu.max": ""}, None),
    "no quota at all": (["0::/"], [v2()], {"cpu.max": "0 0"}, None),
    "a group below": (["0::/a/b"], [v2()], {"a/b/cpu.max": "300000 100000"}, 3),
    "the strictest of the groups above": (
        ["0::/a/b/c"],
        [v2()],
        {
            "a/cpu.max": "200000 100000",
            "a/b/cpu.max": "max 100000",
            "a/b/c/cpu.max": "800000 100000",
        },
        2,
    ),
    "a sister's limit is not ours": (["0::/a"], [v2()], {"b/cpu.max": "100000 100000"}, None),
    "the host's path beside a mount of the container": (
        ["0::/docker/abc"],
        [v2("/docker/abc")],
        {"cpu.max": "100000 100000"},
        1,
    ),
    "a group inside of what is mounted": (
        ["0::/docker/abc/x"],
        [v2("/docker/abc")],
        {"x/cpu.max": "100000 100000", "cpu.max": "200000 100000"},
        1,
    ),
    "a path that no mount shows": (
        ["0::/host/only"],
        [v2("/docker/abc")],
        {"cpu.max": "100000 100000"},
        1,
    ),
    "outside of the namespace": (["0::/../.."], [v2()], {"cpu.max": "100000 100000"}, None),
    "a mount from outside of the namespace": (
        ["0::/../../x"],
        [v2("/../..")],
        {"x/cpu.max": "100000 100000"},
        1,
    ),
    "version 1": (
        ["4:memory:/g", "3:cpu,cpuacct:/g"],
        [v1("cpu,cpuacct"), v1("memory")],
        {"cpu,cpuacct/g/cpu.cfs_quota_us": 250000, "cpu,cpuacct/g/cpu.cfs_period_us": 100000},
        2.5,
    ),
    "version 1 without a limit": (
        ["3:cpu:/"],
        [v1("cpu")],
        {"cpu/cpu.cfs_quota_us": -1, "cpu/cpu.cfs_period_us": 100000},
        None,
    ),
    "version 1 without a period": (["3:cpu:/"], [v1("cpu")], {"cpu/cpu.cfs_quota_us": 5}, None),
    "version 1 with a limit above": (
        ["3:cpu:/a/b"],
        [v1("cpu")],
        {
            "cpu/a/cpu.cfs_quota_us": 100000,
            "cpu/a/cpu.cfs_period_us": 50000,
            "cpu/a/b/cpu.cfs_quota_us": -1,
            "cpu/a/b/cpu.cfs_period_us": 100000,
        },
        2,
    ),
    "both versions, the controller in 1": (
        ["3:cpu:/a", "1:name=systemd:/z", "0::/z"],
        [v1("cpu"), v1("name=systemd"), v2(point="/sys/fs/cgroup/unified")],
        {"cpu/a/cpu.cfs_quota_us": 100000, "cpu/a/cpu.cfs_period_us": 100000},
        1,
    ),
    "both versions, the controller in 2": (
        ["4:memory:/a", "0::/z"],
        [v1("memory"), v2(point="/sys/fs/cgroup/unified")],
        {"unified/z/cpu.max": "400000 100000"},
        4,
    ),
    "a mount point with a blank": (
        ["0::/"],
        [v2(point=r"/sys/fs/cgroup/a\040b")],
        {"a b/cpu.max": "100000 100000"},
        1,
    ),
    "a colon in the path": (["0::/a:b"], [v2()], {"a:b/cpu.max": "100000 100000"}, 1),
    "nothing mounted": (["0::/"], [], {"cpu.max": "100000 100000"}, None),
    "no group": ([], [v2()], {"cpu.max": "100000 100000"}, None),
}


@pytest.mark.parametrize("what", CORES)
def test_the_processor_time_that_control_groups_allow(tmp_path, what):
    own, mounts, files, cores = CORES[what]
    assert core_quota(tree(tmp_path, own, mounts, files)) == cores


@pytest.mark.parametrize(
    ("quota", "allowed", "cores"),
    [(None, 6, 6), (150_000, 6, 2), (200_000, 6, 2), (30_000, 6, 1), (900_000, 6, 6), (1, 1, 1)],
)
def test_a_fraction_of_a_core_counts_as_one(tmp_path, monkeypatch, quota, allowed, cores):
    monkeypatch.setattr(machine, "allowed_cores", lambda: allowed)
    content = "max" if quota is None else quota
    root = tree(tmp_path, ["0::/"], [v2()], {"cpu.max": f"{content} 100000"})
    assert cores_below(root) == cores


def test_where_nothing_can_be_read_nothing_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "allowed_cores", lambda: 3)
    assert core_quota(tmp_path) is None and cores_below(tmp_path) == 3
    assert usable_memory(tmp_path).total > 0
    (tmp_path / "proc/self/cgroup").mkdir(parents=True)  # a folder where a file belongs
    assert core_quota(tmp_path) is None


FREE = Memory(64_000_000 * 1024, 32_000_000 * 1024)
MEMORY = {
    "version 2": (
        ["0::/"],
        [v2()],
        {"memory.max": 4 * GB, "memory.current": 3 * GB, "memory.stat": "anon 5\ninactive_file 7"},
        Memory(4 * GB, GB + 7, limited=True),
    ),
    "version 2 without a limit": (["0::/"], [v2()], {"memory.max": "max"}, FREE),
    "version 2 that is slowed down": (
        ["0::/"],
        [v2()],
        {"memory.max": "max", "memory.high": 2 * GB},
        Memory(2 * GB, 2 * GB, limited=True),
    ),
    "a group above with less": (
        ["0::/a/b"],
        [v2()],
        {
            "a/memory.max": 3 * GB,
            "a/memory.current": GB,
            "a/b/memory.max": 8 * GB,
            "a/b/memory.current": 0,
        },
        Memory(3 * GB, 2 * GB, limited=True),
    ),
    "version 1": (
        ["4:memory:/g"],
        [v1("memory")],
        {
            "memory/g/memory.limit_in_bytes": 2 * GB,
            "memory/g/memory.usage_in_bytes": 5 * GB // 2,
            "memory/g/memory.stat": f"inactive_file 1\ntotal_inactive_file {GB}",
            "memory/memory.limit_in_bytes": UNLIMITED,
        },
        Memory(2 * GB, GB // 2, limited=True),
    ),
    "version 1 without a limit": (
        ["4:memory:/"],
        [v1("memory")],
        {"memory/memory.limit_in_bytes": UNLIMITED, "memory/memory.usage_in_bytes": 1},
        FREE,
    ),
    "more than used up": (
        ["0::/"],
        [v2()],
        {"memory.max": GB, "memory.current": 2 * GB},
        Memory(GB, 0, limited=True),
    ),
    "nonsense": (["0::/"], [v2()], {"memory.max": "plenty"}, FREE),
}


@pytest.mark.parametrize("what", MEMORY)
def test_the_memory_that_control_groups_leave(tmp_path, what):
    own, mounts, files, memory = MEMORY[what]
    assert usable_memory(tree(tmp_path, own, mounts, files)) == memory


def test_a_machine_s_free_memory_is_less_than_a_generous_limit(tmp_path):
    files = {"memory.max": 60 * GB, "memory.current": 0}
    assert usable_memory(tree(tmp_path, ["0::/"], [v2()], files)) == Memory(
        60 * GB, FREE.available, limited=True
    )


def test_as_many_workers_start_as_cores_and_memory_serve():
    config = TrainingConfig()
    one, buffer = worker_bytes(config), buffer_bytes(config)
    assert fitting_workers(config, 64, Memory(GB, 100 * GB), gpu=False) == 16
    assert fitting_workers(config, 64, Memory(GB, 100 * GB), gpu=True) == 8
    assert fitting_workers(config, 3, Memory(GB, 100 * GB), gpu=False) == 3
    assert fitting_workers(config, 8, Memory(GB, buffer + 3 * one), gpu=False) == 3
    assert fitting_workers(config, 8, Memory(GB, 0), gpu=False) == 1


def test_a_buffer_that_does_not_fit_is_named():
    config = TrainingConfig(buffer_capacity=20_000_000)
    assert buffer_bytes(config) == 20_000_000 * (96 + 360 + 4)
    told = memory_problem(config, 2, Memory(8 * GB, 6 * GB, limited=True))
    assert "20,000,000 positions" in told and "lower buffer_capacity" in told
    assert "6.0 GB are available in this container" in told
    assert memory_problem(config, 2, Memory(64 * GB, 32 * GB)) == ""
    assert "lower self_play_workers" in memory_problem(TrainingConfig(), 16, Memory(8 * GB, 4 * GB))


SHOW = "from azul_tui.runs.machine import *; print(usable_cores(), usable_memory().total)"


def real_group(controller):
    """A folder for a new group of this machine's, where the hierarchy is of version 1 or 2."""
    old = Path("/sys/fs/cgroup", controller)
    folder = (old if old.is_dir() else Path("/sys/fs/cgroup")) / f"azul-tui-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here ({error})")
    return folder


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_real_control_group_limits_the_cores(share):
    folder = real_group("cpu")
    try:
        old = folder / "cpu.cfs_quota_us"
        try:
            if old.exists():
                old.write_text(str(round(100_000 * share)))
            else:
                (folder / "cpu.max").write_text(f"{round(100_000 * share)} 100000")
        except OSError as error:
            pytest.skip(f"the controller is not ours to set ({error})")
        assert run_in(folder).split()[0] == "1"
    finally:
        folder.rmdir()


def test_a_real_control_group_limits_the_memory():
    folder = real_group("memory")
    try:
        old = folder / "memory.limit_in_bytes"
        limit = 1 << 30
        try:
            (old if old.exists() else folder / "memory.max").write_text(str(limit))
        except OSError as error:
            pytest.skip(f"the controller is not ours to set ({error})")
        assert run_in(folder).split()[1] == str(limit)
    finally:
        folder.rmdir()


def run_in(folder):
    """What a process in that group says of the machine."""
    shell = shutil.which("sh")
    command = f'echo $$ > "{folder}/cgroup.procs" && exec "$0" -c "$1"'
    return subprocess.run(
        [shell, "-c", command, sys.executable, SHOW], check=True, capture_output=True, text=True
    ).stdout
