"""What of this machine may be used, and who uses it: cores, memory, processes, GPUs."""

from __future__ import annotations

import errno
import fcntl
import functools
import math
import os
import re
import socket
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


# -- how much of this machine a process may use: cores and memory, with the limits of containers
#
# A container, a batch system or systemd limits a process by its control group (cgroup): processor
# time as microseconds in each period, memory in bytes. The limits of the group and of every group
# above it hold together, in version 1 of the interface (a hierarchy for each controller), version 2
# (one for all) and where both are mounted. Everything is read below `root`, for tests a made tree.

_ROOT: Final = Path("/")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes, under whatever limits it."""

    total: int
    available: int
    limited: bool = False
    """Whether a control group allows less than the machine has."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A control group of this process, or one above it, in one hierarchy."""

    folder: Path
    version: int

    def number(self, name: str) -> int | None:
        """The whole number in a file of the group; None for "max" and what cannot be read."""
        try:
            return int(self._read(name))
        except (OSError, ValueError):
            return None

    def cores(self) -> float | None:
        """Processor time a second that it may use; None without a limit."""
        if self.version == 1:
            quota, period = self.number("cpu.cfs_quota_us"), self.number("cpu.cfs_period_us")
        else:
            try:
                quota, period = (int(word) for word in self._read("cpu.max").split())
            except (OSError, ValueError):  # "max 100000", or the topmost group, which has no file
                return None
        if quota is None or period is None or quota <= 0 or period <= 0:
            return None
        return quota / period

    def memory(self) -> Memory | None:
        """What its limit leaves; None without one."""
        if self.version == 1:
            limits = [self.number("memory.limit_in_bytes")]
            used, cache = self.number("memory.usage_in_bytes"), "total_inactive_file"
        else:
            limits = [self.number("memory.max"), self.number("memory.high")]
            used, cache = self.number("memory.current"), "inactive_file"
        known = [limit for limit in limits if limit is not None and limit >= 0]
        if not known:
            return None
        total = min(known)
        # The kernel gives pages of files back before it refuses memory.
        held = max(0, (used or 0) - self._statistic(cache))
        return Memory(total, max(0, total - held), limited=True)

    def _read(self, name: str) -> str:
        return (self.folder / name).read_text("ascii")

    def _statistic(self, name: str) -> int:
        try:
            found = re.search(rf"^{name} (\d+)$", self._read("memory.stat"), re.MULTILINE)
        except (OSError, ValueError):
            return 0
        return int(found[1]) if found else 0


@functools.cache
def usable_cores() -> int:
    """Cores that this process may keep busy, at least 1; looked up once."""
    return cores_below(_ROOT)


def cores_below(root: Path) -> int:
    """Cores by affinity and by control groups, a fraction rounded up.

    One and a half cores keep two processes three quarters busy each, and one process wastes the
    half.
    """
    quota = core_quota(root)
    allowed = allowed_cores()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def allowed_cores() -> int:
    """Cores that the scheduler may put this process on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def core_quota(root: Path = _ROOT) -> float | None:
    """Cores' worth of processor time that control groups allow; None without a limit."""
    found = [cores for group in _groups(root, "cpu") if (cores := group.cores()) is not None]
    return min(found, default=None)


def usable_memory(root: Path = _ROOT) -> Memory:
    """Memory of the machine, or what control groups leave of it."""
    machine = _machine_memory(root)
    found = [memory for group in _groups(root, "memory") if (memory := group.memory()) is not None]
    limited = [memory for memory in found if memory.total < machine.total]
    if not limited:
        return machine
    return Memory(
        min(memory.total for memory in limited),
        min(machine.available, *(memory.available for memory in limited)),
        limited=True,
    )


def _machine_memory(root: Path) -> Memory:
    lines = "\n".join(_lines(root / "proc/meminfo"))
    found = {
        name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB$", lines, re.MULTILINE)
    }
    try:
        return Memory(1024 * found["MemTotal"], 1024 * found["MemAvailable"])
    except KeyError:
        import psutil  # another system

        memory = psutil.virtual_memory()
        return Memory(memory.total, memory.available)


def _groups(root: Path, controller: str) -> Iterator[_Group]:
    """The process's group and those above it, in every mounted hierarchy with the controller."""
    paths = _own_paths(root)
    for mount in _mounts(root):
        if mount.controllers is None:
            path, version = paths.get(""), 2
        elif controller in mount.controllers:
            path, version = paths.get(controller), 1
        else:
            continue
        below = None if path is None else _below(path, mount.shows)
        if below is None:
            continue
        top = root / mount.point.relative_to("/")
        for part in (below, *below.parents):
            yield _Group(top / part, version)


def _own_paths(root: Path) -> dict[str, PurePosixPath]:
    """The process's group for each controller, that of version 2 under ""; see cgroups(7)."""
    paths: dict[str, PurePosixPath] = {}
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2) if line.count(":") >= 2 else ("", "", "")
        if path.startswith("/"):
            paths.update(dict.fromkeys(controllers.split(","), PurePosixPath(path)))
    return paths


@dataclass(frozen=True, slots=True)
class _Mount:
    point: PurePosixPath
    shows: PurePosixPath
    """The group that is seen at `point`."""
    controllers: frozenset[str] | None
    """Of a hierarchy of version 1; None for version 2."""


def _mounts(root: Path) -> Iterator[_Mount]:
    """Where hierarchies of groups are mounted; see proc_pid_mountinfo(5)."""
    for line in _lines(root / "proc/self/mountinfo"):
        mount, separator, system = (part.split() for part in line.partition(" - "))
        if not separator or len(mount) < 5 or len(system) < 3:
            continue
        shows, point = (PurePosixPath(_unescaped(text)) for text in mount[3:5])
        if system[0] == "cgroup2":
            yield _Mount(point, shows, None)
        elif system[0] == "cgroup":
            yield _Mount(point, shows, frozenset(system[-1].split(",")))


def _below(path: PurePosixPath, shows: PurePosixPath) -> PurePosixPath | None:
    """Where group `path` is found in a mount that shows group `shows`; None for nowhere.

    Inside a container both are the container's as a rule. Where the path is the host's and the
    mount shows something else, what it shows is the container itself. A path with ".." lies
    outside of this namespace: its limits are not to be seen here.
    """
    if path.is_relative_to(shows):
        found = path.relative_to(shows)
        return None if ".." in found.parts else found
    return None if ".." in path.parts else PurePosixPath()


def _unescaped(text: str) -> str:
    """A path of mountinfo: blanks and backslashes are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []


# -- whether the process that wrote something is still there
#
# A number names a process within one namespace of processes: two containers on one disk each have
# a process 7, and may share their host name as well. So a mark names kernel and namespace, too, and
# where the number says nothing, the lock that the process would hold does.

NO_LOCKS_HERE = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""What a disk without locks answers."""


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """One process, told apart from a later one that got the same number."""

    pid: int
    host: str
    birth: str
    """When it started, in the words of its kernel; "" where that cannot be known."""
    space: str = ""
    """Its namespace of processes; "" where there are none, or that cannot be known."""


@cache
def host_name() -> str:
    """The name of this machine."""
    return socket.gethostname()


def own_mark() -> ProcessMark:
    """This process."""
    return mark_of(os.getpid())


def mark_of(pid: int) -> ProcessMark:
    """A process of this machine, in this process's own namespace."""
    return ProcessMark(pid, host_name(), process_birth(pid) or "", own_space())


@cache
def own_space() -> str:
    """The namespace of processes that this one is in, as far as `/proc` shows the same one."""
    try:
        shown = str(Path("/proc/self").readlink()) == str(os.getpid())
        return str(Path("/proc/self/ns/pid").readlink()) if shown else ""
    except OSError:  # another system than Linux
        return ""


def shares_kernel(mark: ProcessMark) -> bool:
    """Whether the process ran under this very kernel, so that its locks are seen from here."""
    kernel, dash, _ = mark.birth.partition("-")
    return bool(dash and kernel) and kernel == _kernel()


def is_alive(mark: ProcessMark, lock: Path | None = None) -> bool | None:
    """Whether the process runs; None when nobody here knows.

    Args:
        mark: The process.
        lock: The lock file that it holds while it runs, for a process whose number means nothing
            here: one of another container or machine.
    """
    if mark.pid <= 0:
        return False
    here = own_space()
    if here and here == mark.space and shares_kernel(mark):
        return process_birth(mark.pid) in {"", mark.birth}
    if not mark.space and (mark.host == host_name() or shares_kernel(mark)):
        birth = process_birth(mark.pid)
        if birth is not None and (not mark.birth or not birth or birth == mark.birth):
            return True
        if mark.host == host_name():  # written by an older version, or on a system without them
            return lock is not None and is_held(lock) is True
    held = is_held(lock) if lock is not None else None
    # A free lock says nothing of another machine: not every network disk passes locks on.
    return held if held or shares_kernel(mark) else None


def is_held(lock: Path) -> bool | None:
    """Whether any process that this kernel or disk knows of holds a lock; None if unknown.

    It is taken for an instant together with other readers; a writer that meets one tries again.
    """
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks on this disk
        return None
    finally:
        os.close(handle)
    return False


def process_birth(pid: int) -> str | None:
    """When a process of this machine started; "" when unknown, None when it is gone.

    A process that ended and waits for its parent to notice counts as gone.
    """
    if sys.platform == "linux":
        return _birth_on_linux(pid)
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return ""


def _birth_on_linux(pid: int) -> str | None:
    # A /proc of another namespace shows this process, too, under a number of its own.
    shown = "self" if pid == os.getpid() else str(pid)
    try:
        stat = Path(f"/proc/{shown}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError:  # a hidden /proc: the process may be there
        return ""
    # After the command's name, which is in brackets and may hold anything: state is field 3,
    # start time in ticks since boot is field 22 (proc(5)).
    fields = stat[stat.rfind(")") + 2 :].split()
    return None if fields[0] in "ZX" else f"{_kernel()}-{fields[19]}"


@cache
def _kernel() -> str:
    """A short name of the running kernel, another one after every boot; "" where there is none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
    return boot.strip()[:8]


# -- what NVIDIA GPUs are doing, as their driver tells through nvidia-ml-py, an optional package


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One graphics processor: shares in percent, memory in bytes, power in watts."""

    name: str
    percent: float | None
    """None where the driver does not tell, as for a part of a divided device."""
    used: int
    total: int
    watts: float | None
    uuid: str = ""


class GpuMeter:
    """Asks the driver; the package is imported at the first reading."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._tried = False

    def read(self) -> tuple[Gpu, ...]:
        """Every GPU that the driver knows, in its order."""
        if not self._tried:
            self._tried = True
            self._nvml = _load_nvml()
        nvml = self._nvml
        if nvml is None:
            return ()
        found: list[Gpu] = []
        try:
            for index in range(nvml.nvmlDeviceGetCount()):
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                memory = nvml.nvmlDeviceGetMemoryInfo(handle)
                found.append(
                    Gpu(
                        name=_text(nvml.nvmlDeviceGetName(handle)),
                        percent=_busy(nvml, handle),
                        used=int(memory.used),
                        total=int(memory.total),
                        watts=_watts(nvml, handle),
                        uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
                    )
                )
        except nvml.NVMLError:
            self._nvml = None  # the driver went away; asking again would fail every second
        return tuple(found)

    def status(self, uuid: str = "") -> dict[str, object]:
        """Fields of a run's status on the GPU with that UUID, else on the first; {} without one."""
        found = self.read()
        if not found:
            return {}
        gpu = next((gpu for gpu in found if uuid and gpu.uuid.endswith(uuid)), found[0])
        return {
            "gpu_name": gpu.name,
            "gpu_percent": gpu.percent,
            "gpu_memory_used": gpu.used,
            "gpu_memory_total": gpu.total,
            "gpu_watts": gpu.watts,
        }


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _busy(nvml: Any, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except nvml.NVMLError:
        return None  # a part of a divided device has no share of its own


def _watts(nvml: Any, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetPowerUsage(handle)) / 1000
    except nvml.NVMLError:
        return None  # some devices do not measure it


def _load_nvml() -> Any:
    """The driver's interface; None without the package or without a driver."""
    if not Path("/dev/nvidiactl").exists():
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml
