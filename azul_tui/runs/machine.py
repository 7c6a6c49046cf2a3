"""How much of this machine a process may use: cores and memory, with the limits of containers.

A container, a batch system or systemd limits a process by its control group (cgroup): processor
time as microseconds in each period, memory in bytes. The limits of the group and of every group
above it hold together, in version 1 of the interface (a hierarchy for each controller), version 2
(one for all) and where both are mounted. Everything is read below `root`, for tests a made tree.
"""

from __future__ import annotations

import functools
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

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
