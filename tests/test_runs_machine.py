"""What may be used of this machine: cores and memory under limits of containers, a cache folder."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from azul_tui.config import TrainingConfig
from azul_tui.runs import machine
from azul_tui.runs.machine import (
    CachePlace,
    Memory,
    core_quota,
    cores_below,
    find_cache,
    usable_memory,
)
from azul_tui.training.workers import (
    buffer_bytes,
    fitting_workers,
    memory_problem,
    worker_bytes,
)

GB = 10**9
UNLIMITED = "9223372036854771712"
FREE = Memory(64_000_000 * 1024, 32_000_000 * 1024)
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
    (root / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in own))
    noise = "22 27 0:21 / /proc rw - proc proc rw\nnot a line of it\n1 2 3\n"
    (root / "proc/self/mountinfo").write_text(noise + "".join(f"{line}\n" for line in mounts))
    for name, content in files.items():
        file = root / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
    return root


# fmt: off
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
    "the strictest of the groups above": (["0::/a/b/c"], [v2()], {
        "a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000",
        "a/b/c/cpu.max": "800000 100000"}, 2),
    "a sister's limit is not ours": (["0::/a"], [v2()], {"b/cpu.max": "100000 100000"}, None),
    "the host's path beside a mount of the container":
        (["0::/docker/abc"], [v2("/docker/abc")], {"cpu.max": "100000 100000"}, 1),
    "a group inside of what is mounted": (["0::/docker/abc/x"], [v2("/docker/abc")], {
        "x/cpu.max": "100000 100000", "cpu.max": "200000 100000"}, 1),
    "a path that no mount shows":
        (["0::/host/only"], [v2("/docker/abc")], {"cpu.max": "100000 100000"}, 1),
    "outside of the namespace": (["0::/../.."], [v2()], {"cpu.max": "100000 100000"}, None),
    "a mount from outside of the namespace":
        (["0::/../../x"], [v2("/../..")], {"x/cpu.max": "100000 100000"}, 1),
    "version 1": (["4:memory:/g", "3:cpu,cpuacct:/g"], [v1("cpu,cpuacct"), v1("memory")], {
        "cpu,cpuacct/g/cpu.cfs_quota_us": 250000, "cpu,cpuacct/g/cpu.cfs_period_us": 100000}, 2.5),
    "version 1 without a limit": (["3:cpu:/"], [v1("cpu")], {
        "cpu/cpu.cfs_quota_us": -1, "cpu/cpu.cfs_period_us": 100000}, None),
    "version 1 without a period": (["3:cpu:/"], [v1("cpu")], {"cpu/cpu.cfs_quota_us": 5}, None),
    "version 1 with a limit above": (["3:cpu:/a/b"], [v1("cpu")], {
        "cpu/a/cpu.cfs_quota_us": 100000, "cpu/a/cpu.cfs_period_us": 50000,
        "cpu/a/b/cpu.cfs_quota_us": -1, "cpu/a/b/cpu.cfs_period_us": 100000}, 2),
    "both versions, the controller in 1": (["3:cpu:/a", "1:name=systemd:/z", "0::/z"],
        [v1("cpu"), v1("name=systemd"), v2(point="/sys/fs/cgroup/unified")], {
        "cpu/a/cpu.cfs_quota_us": 100000, "cpu/a/cpu.cfs_period_us": 100000}, 1),
    "both versions, the controller in 2": (["4:memory:/a", "0::/z"],
        [v1("memory"), v2(point="/sys/fs/cgroup/unified")],
        {"unified/z/cpu.max": "400000 100000"}, 4),
    "a mount point with a blank":
        (["0::/"], [v2(point=r"/sys/fs/cgroup/a\040b")], {"a b/cpu.max": "100000 100000"}, 1),
    "a colon in the path": (["0::/a:b"], [v2()], {"a:b/cpu.max": "100000 100000"}, 1),
    "nothing mounted": (["0::/"], [], {"cpu.max": "100000 100000"}, None),
    "no group": ([], [v2()], {"cpu.max": "100000 100000"}, None),
}
# fmt: on


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


# fmt: off
MEMORY = {
    "version 2": (["0::/"], [v2()], {"memory.max": 4 * GB, "memory.current": 3 * GB,
        "memory.stat": "anon 5\ninactive_file 7"}, Memory(4 * GB, GB + 7, limited=True)),
    "version 2 without a limit": (["0::/"], [v2()], {"memory.max": "max"}, FREE),
    "version 2 that is slowed down": (["0::/"], [v2()], {
        "memory.max": "max", "memory.high": 2 * GB}, Memory(2 * GB, 2 * GB, limited=True)),
    "a group above with less": (["0::/a/b"], [v2()], {
        "a/memory.max": 3 * GB, "a/memory.current": GB, "a/b/memory.max": 8 * GB,
        "a/b/memory.current": 0}, Memory(3 * GB, 2 * GB, limited=True)),
    "version 1": (["4:memory:/g"], [v1("memory")], {
        "memory/g/memory.limit_in_bytes": 2 * GB, "memory/g/memory.usage_in_bytes": 5 * GB // 2,
        "memory/g/memory.stat": f"inactive_file 1\ntotal_inactive_file {GB}",
        "memory/memory.limit_in_bytes": UNLIMITED}, Memory(2 * GB, GB // 2, limited=True)),
    "version 1 without a limit": (["4:memory:/"], [v1("memory")], {
        "memory/memory.limit_in_bytes": UNLIMITED, "memory/memory.usage_in_bytes": 1}, FREE),
    "more than used up": (["0::/"], [v2()], {
        "memory.max": GB, "memory.current": 2 * GB}, Memory(GB, 0, limited=True)),
    "nonsense": (["0::/"], [v2()], {"memory.max": "plenty"}, FREE),
    "a generous limit on a busy machine": (["0::/"], [v2()], {
        "memory.max": 60 * GB, "memory.current": 0},
        Memory(60 * GB, FREE.available, limited=True)),
}
# fmt: on


@pytest.mark.parametrize("what", MEMORY)
def test_the_memory_that_control_groups_leave(tmp_path, what, monkeypatch):
    own, mounts, files, memory = MEMORY[what]
    monkeypatch.setattr(psutil, "virtual_memory", lambda: FREE)
    assert usable_memory(tree(tmp_path, own, mounts, files)) == memory


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


@pytest.mark.parametrize(
    ("controller", "old", "new", "place", "told"),
    [
        ("cpu", ("cpu.cfs_quota_us", "50000"), ("cpu.max", "50000 100000"), 0, "1"),
        ("cpu", ("cpu.cfs_quota_us", "100000"), ("cpu.max", "100000 100000"), 0, "1"),
        ("memory", ("memory.limit_in_bytes", f"{1 << 30}"), ("memory.max", f"{1 << 30}"), 1,
         f"{1 << 30}"),
    ],
)  # fmt: skip
def test_a_real_control_group_limits_a_process_in_it(controller, old, new, place, told):
    hierarchy = Path("/sys/fs/cgroup", controller)  # of version 1, where there is one
    folder = hierarchy if hierarchy.is_dir() else hierarchy.parent
    folder = folder / f"azul-tui-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here ({error})")
    try:
        name, value = old if (folder / old[0]).exists() else new
        try:
            (folder / name).write_text(value)
        except OSError as error:
            pytest.skip(f"the controller is not ours to set ({error})")
        command = f'echo $$ > "{folder}/cgroup.procs" && exec "$0" -c "$1"'
        shown = subprocess.check_output(["sh", "-c", command, sys.executable, SHOW], text=True)
        assert shown.split()[place] == told
    finally:
        folder.rmdir()


# -- the cache folder: where it is wished for, and what stands in where it cannot be used

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user's folder takes root to make")


@pytest.fixture
def temporary(tmp_path):
    """Folders for temporary files of this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def found_in(home, **environment):
    return find_cache({"HOME": str(home), "TMPDIR": str(home / "temporary"), **environment})


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, ".cache/azul-tui"),
        ({"AZUL_TUI_CACHE": ""}, ".cache/azul-tui"),
        ({"XDG_CACHE_HOME": "HOME/caches"}, "caches/azul-tui"),
        ({"XDG_CACHE_HOME": "caches"}, ".cache/azul-tui"),
        ({"AZUL_TUI_CACHE": "HOME/x"}, "x"),
        ({"AZUL_TUI_CACHE": "x/y"}, "x/y"),
        ({"AZUL_TUI_CACHE": "~/x"}, "x"),
        ({"AZUL_TUI_CACHE": "HOME/ü and blanks"}, "ü and blanks"),
    ],
)
def test_the_cache_lies_where_caches_lie(tmp_path, monkeypatch, environment, place):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    told = {name: value.replace("HOME", str(tmp_path)) for name, value in environment.items()}
    found = found_in(tmp_path, **told)
    assert found.folder == tmp_path / place and found.problem == ""
    assert found.folder.stat().st_mode & 0o777 == 0o700
    assert found_in(tmp_path, AZUL_TUI_CACHE="off") == CachePlace(None, "", True)


@pytest.mark.parametrize(
    "place",
    [
        "file",
        "file/below",
        "dangling",
        "circle/x",
        "x" * 300,
        "/proc/azul-tui",
        "~nobody-such/x",
    ],
)
def test_a_temporary_folder_stands_in_for_one_that_cannot_be_used(tmp_path, temporary, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    wish = place if place[0] in "/~" else str(tmp_path / place)
    found = found_in(tmp_path, AZUL_TUI_CACHE=wish)
    assert found.folder == temporary / f"azul-tui-{os.geteuid()}"
    assert found.folder.stat().st_mode & 0o777 == 0o700
    assert "AZUL_TUI_CACHE" in found.problem and str(found.folder) in found.problem
    assert found.named


@pytest.mark.parametrize("home", ["", "relative", "/proc/none"])
def test_without_a_home_the_temporary_folder_is_used_or_none(temporary, monkeypatch, home):
    monkeypatch.setattr(machine.os.path, "expanduser", lambda text: text)  # no such user
    found = find_cache({"HOME": home, "TMPDIR": str(temporary)})
    assert found.folder == temporary / f"azul-tui-{os.geteuid()}"
    assert "AZUL_TUI_CACHE" in found.problem and not found.named
    monkeypatch.setattr(machine, "_TEMPORARY", ("/proc",))
    found = find_cache({"HOME": home, "TMPDIR": "relative"})
    assert found.folder is None
    assert "nothing compiled is kept" in found.problem


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_without_room_is_told_before_anything_is_compiled(
    tmp_path, temporary, monkeypatch, number
):
    """A quota shows only when room is asked for: nothing else is asked for so much at once."""
    wished = tmp_path / "full"

    def refuse(descriptor, offset, size):
        if Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(wished):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(machine.os, "posix_fallocate", refuse)
    found = found_in(tmp_path, AZUL_TUI_CACHE=str(wished))
    assert found.folder.parent == tmp_path / "temporary"
    assert os.strerror(number).lower() in found.problem


def test_a_full_disk_that_holds_the_kernels_already_serves(tmp_path, monkeypatch):
    kept = tmp_path / "full" / "kernels-game-0" / "a"
    kept.mkdir(parents=True, mode=0o700)
    (tmp_path / "full").chmod(0o700)
    (kept / "a.nbc").write_bytes(bytes(machine.CACHE_ROOM_BYTES // 2))

    def refuse(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(machine.os, "posix_fallocate", refuse)
    assert found_in(tmp_path, AZUL_TUI_CACHE=str(tmp_path / "full")).problem == ""


def test_where_others_can_write_a_part_of_its_own_is_used(tmp_path, temporary):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    found = found_in(tmp_path, AZUL_TUI_CACHE=str(shared))
    assert found == CachePlace(shared / f"user-{os.geteuid()}", "", True)
    found.folder.chmod(0o777)
    assert found_in(tmp_path, AZUL_TUI_CACHE=str(shared)).folder.parent == tmp_path / "temporary"


@pytest.mark.parametrize("trap", ["link", "open", "file"])
def test_a_temporary_folder_that_a_stranger_prepared_is_not_used(
    tmp_path, temporary, monkeypatch, trap
):
    monkeypatch.setattr(machine, "_TEMPORARY", (str(tmp_path / "second"),))
    (tmp_path / "second").mkdir()
    name = f"azul-tui-{os.geteuid()}"
    if trap == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        (temporary / name).symlink_to(tmp_path / "elsewhere")
    elif trap == "open":
        (temporary / name).mkdir()
        (temporary / name).chmod(0o777)
    else:
        (temporary / name).write_text("")
    assert found_in(tmp_path, AZUL_TUI_CACHE="/proc/none").folder == tmp_path / "second" / name


@as_root
def test_root_leaves_the_home_of_somebody_else_alone(tmp_path, temporary):
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 12345, 12345)
    found = find_cache({"HOME": str(home), "TMPDIR": str(tmp_path / "temporary")})
    assert found.folder.parent == tmp_path / "temporary"
    assert "belongs to another user" in found.problem
    assert list(home.iterdir()) == []
    named = home / "named"
    assert found_in(tmp_path, AZUL_TUI_CACHE=str(named)).folder == named


@as_root
def test_the_folder_of_another_user_is_never_loaded_from(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 12345, 12345)
    found = found_in(tmp_path, AZUL_TUI_CACHE=str(theirs))
    assert found.folder == theirs / "user-0", "root may write there, but not read what is there"
    assert found.folder.stat().st_uid == 0


def test_the_problem_is_told_once_by_a_process_and_those_it_starts(tmp_path):
    program = (
        "import os, subprocess, sys\n"
        "from azul_tui.runs.machine import cache_place, tell_once\n"
        "tell_once(cache_place().problem)\n"
        "tell_once(cache_place().problem)\n"
        "print(cache_place().folder, flush=True)\n"
        "if len(sys.argv) == 1:\n"
        "    sys.exit(subprocess.call([sys.executable, __file__, 'child'], cwd='/'))\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "AZUL_TUI_CACHE": "program.py", "TMPDIR": str(tmp_path)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr.count("cannot be used") == 1
    assert done.stdout.split() == 2 * [str(tmp_path / f"azul-tui-{os.geteuid()}")]
