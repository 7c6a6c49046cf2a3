"""What of this machine may be used, and who uses it: cores, memory, processes, GPUs, a cache."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import re
import socket
import stat
import sys
import tempfile
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


# -- how much of this machine a process may use: cores and memory, with the limits of containers
#
# A container, a batch system or systemd limits a process by its control group (cgroup): processor
# time as microseconds in each period, memory in bytes. The limits of the group and of every group
# above it hold together, in version 1 of the interface (a hierarchy for each controller), version 2
# (one for all) and where both are mounted. Groups are read below `root`, for tests a made tree.

_ROOT: Final = Path("/")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes, under whatever limits it."""

    total: int
    available: int
    limited: bool = False
    """Whether a control group allows less than the machine has."""


@cache
def usable_cores() -> int:
    """Cores that this process may keep busy, at least 1; looked up once."""
    return cores_below(_ROOT)


def cores_below(root: Path) -> int:
    """Cores by affinity and by control groups; a fraction counts as one, or it would be wasted."""
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
    quotas: list[float] = []
    for group, version in _groups(root, "cpu"):
        if version == 1:
            quota = _number(group / "cpu.cfs_quota_us")
            period = _number(group / "cpu.cfs_period_us")
        else:
            quota, period = _number(group / "cpu.max"), _number(group / "cpu.max", 1)
        if quota > 0 and period > 0:
            quotas.append(quota / period)
    return min(quotas, default=None)


def usable_memory(root: Path = _ROOT) -> Memory:
    """Memory of the machine, or what control groups leave of it."""
    import psutil

    machine = psutil.virtual_memory()
    usable = Memory(machine.total, machine.available)
    for group, version in _groups(root, "memory"):
        if version == 1:
            limits = ["memory.limit_in_bytes"]
            used, files = _number(group / "memory.usage_in_bytes"), "total_inactive_file"
        else:
            limits, files = ["memory.max", "memory.high"], "inactive_file"
            used = _number(group / "memory.current")
        known = [limit for name in limits if (limit := _number(group / name)) >= 0]
        if not known or min(known) >= machine.total:
            continue
        # The kernel gives pages of files back before it refuses memory.
        statistics = dict(line.split(" ", 1) for line in _lines(group / "memory.stat"))
        held = max(0, used - int(statistics.get(files, 0)))
        left = max(0, min(known) - held)
        usable = Memory(min(usable.total, *known), min(usable.available, left), limited=True)
    return usable


def _groups(root: Path, controller: str) -> Iterator[tuple[Path, int]]:
    """The process's group and those above it, with the version of their interface; cgroups(7)."""
    own: dict[str, PurePosixPath] = {}  # by controller, that of version 2 under ""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = f"{line}::".split(":", 2)
        own |= dict.fromkeys(controllers.split(","), PurePosixPath(path.removesuffix("::")))
    for line in _lines(root / "proc/self/mountinfo"):
        mount, _, system = (part.split() for part in line.partition(" - "))
        if len(mount) < 5 or len(system) < 3 or system[0] not in {"cgroup", "cgroup2"}:
            continue
        version = 2 if system[0] == "cgroup2" else 1
        if version == 1 and controller not in system[-1].split(","):
            continue
        path = own.get(controller if version == 1 else "")
        shows, point = (PurePosixPath(_unescaped(text)) for text in mount[3:5])
        if path is None:
            continue
        # Inside a container both are the container's as a rule. Where the path is the host's and
        # the mount shows something else, what it shows is the container itself. A path with ".."
        # lies outside of this namespace: its limits are not to be seen here.
        if path.is_relative_to(shows):
            path = path.relative_to(shows)
        elif ".." not in path.parts:
            path = PurePosixPath()
        if ".." not in path.parts:
            top = root / point.relative_to("/")
            yield from ((top / part, version) for part in (path, *path.parents))


def _unescaped(text: str) -> str:
    """A path of mountinfo: blanks and backslashes are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def _number(file: Path, place: int = 0) -> int:
    """A whole number of a file; -1 for "max" and what cannot be read, which is no limit."""
    try:
        return int(_lines(file)[0].split()[place])
    except (IndexError, ValueError):
        return -1


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

    pid: int = 0
    host: str = ""
    birth: str = ""
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
    return ProcessMark(pid, host_name(), process_birth(pid) or "", _own_space())


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
    here = _own_space()
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

    A process that ended and waits for its parent to notice counts as gone. On Linux in ticks since
    the kernel's start: a date, as psutil makes of them, moves whenever somebody sets the clock.
    """
    if sys.platform != "linux":
        import psutil

        try:
            process = psutil.Process(pid)
            gone = process.status() == psutil.STATUS_ZOMBIE
            return None if gone else f"{process.create_time():.2f}"
        except psutil.NoSuchProcess:
            return None
        except psutil.Error:
            return ""
    # A /proc of another namespace shows this process, too, under a number of its own.
    shown = "self" if pid == os.getpid() else str(pid)
    try:
        text = Path(f"/proc/{shown}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError:  # a hidden /proc: the process may be there
        return ""
    # After the command's name, which is in brackets and may hold anything: state is field 3,
    # start time field 22 (proc(5)).
    fields = text[text.rfind(")") + 2 :].split()
    return None if fields[0] in "ZX" else f"{_kernel()}-{fields[19]}"


@cache
def _own_space() -> str:
    """The namespace of processes that this one is in, as far as `/proc` shows the same one."""
    with suppress(OSError):  # another system than Linux
        if str(Path("/proc/self").readlink()) == str(os.getpid()):
            return str(Path("/proc/self/ns/pid").readlink())
    return ""


@cache
def _kernel() -> str:
    """A short name of the running kernel, another one after every boot; "" where there is none."""
    with suppress(OSError, ValueError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    return ""


# -- what NVIDIA GPUs are doing, as their driver tells through nvidia-ml-py, an optional package


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One graphics processor: memory in bytes; named like the fields of a run's status."""

    gpu_name: str
    gpu_percent: float | None
    """None where the driver does not tell, as for a part of a divided device."""
    gpu_memory_used: int
    gpu_memory_total: int
    gpu_watts: float | None
    uuid: str = ""


class GpuMeter:
    """Asks the driver; the package is imported at the first reading."""

    def __init__(self) -> None:
        self._load: Callable[[], Any] = cache(_load_nvml)

    def read(self) -> tuple[Gpu, ...]:
        """Every GPU that the driver knows, in its order."""
        nvml = self._load()
        if nvml is None:
            return ()
        try:
            indices = range(nvml.nvmlDeviceGetCount())
            return tuple(_gpu(nvml, nvml.nvmlDeviceGetHandleByIndex(index)) for index in indices)
        except nvml.NVMLError:
            self._load = lambda: None  # the driver went away; asking again would fail every second
            return ()

    def status(self, uuid: str = "") -> dict[str, object]:
        """Fields of a run's status on the GPU with that UUID, else on the first; {} without one."""
        found = self.read()
        gpu = next((gpu for gpu in found if uuid and gpu.uuid.endswith(uuid)), None)
        fields = asdict(gpu or found[0]) if found else {}
        return {name: value for name, value in fields.items() if name != "uuid"}


def _gpu(nvml: Any, handle: Any) -> Gpu:
    percent = watts = None
    with suppress(nvml.NVMLError):  # a part of a divided device has no share of its own
        percent = float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    with suppress(nvml.NVMLError):  # some devices do not measure it
        watts = float(nvml.nvmlDeviceGetPowerUsage(handle)) / 1000
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return Gpu(
        gpu_name=nvml.nvmlDeviceGetName(handle),
        gpu_percent=percent,
        gpu_memory_used=int(memory.used),
        gpu_memory_total=int(memory.total),
        gpu_watts=watts,
        uuid=nvml.nvmlDeviceGetUUID(handle),
    )


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


# -- the folder in which a machine keeps what it compiled and measured, for the next start
#
# `AZUL_TUI_CACHE` names it, else it lies in the user's cache folder. Compiled code is loaded from
# it and run, so it is a folder of this user that nobody else can write. Where it cannot be used
# (no home, a full disk, a file in its place) a private temporary folder stands in, and without one
# nothing is kept: slower starts, never an end.

CACHE_VARIABLE: Final = "AZUL_TUI_CACHE"
_OFF: Final = "off"
"""What `AZUL_TUI_CACHE` is when nothing shall be kept."""
CACHE_ROOM_BYTES: Final = 32 * 10**6
"""What all compiled kernels take, twice over."""
_TOLD: Final = "AZUL_TUI_CACHE_TOLD"
"""Set once the problem has been told, for the processes that are started."""
_CACHES: Final = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108 - what is found there is checked


class _UnusableError(Exception):
    """Says in words why a folder cannot be the cache."""


@dataclass(frozen=True, slots=True)
class CachePlace:
    """Where things are kept."""

    folder: Path | None
    """A folder that exists, belongs to this user and is written by nobody else; None: nowhere."""
    problem: str = ""
    """Why it is not the folder that was wished for, in a sentence that says what would help."""
    named: bool = False
    """Whether somebody had named one, so that a problem is theirs to know of."""


def cache_folder() -> Path | None:
    """The cache folder of this process and of those it starts; None when nothing can be kept."""
    return cache_place().folder


@cache
def cache_place() -> CachePlace:
    """The cache folder, looked for once; `AZUL_TUI_CACHE` then names it to child processes."""
    place = find_cache(os.environ)
    if place.problem or place.named:
        os.environ[CACHE_VARIABLE] = str(place.folder or _OFF)
    return place


def tell_once(sentence: str) -> None:
    """Tell a person what is wrong with the cache, unless this process or its parent has."""
    if not os.environ.get(_TOLD):
        os.environ[_TOLD] = "1"
        _voice[-1](sentence)


def speak_with(say: Callable[[str], None]) -> None:
    """Have `tell_once` speak so from now on, instead of by a warning of Python's."""
    _voice.append(say)


# Whoever imports this is many frames away: no line of code explains the warning.
_voice: list[Callable[[str], None]] = [
    lambda sentence: warnings.warn_explicit(sentence, RuntimeWarning, "azul_tui", 1)
]


def find_cache(environment: Mapping[str, str]) -> CachePlace:
    """Make sure of a cache folder: the one wished for, a temporary one, or none."""
    wish = environment.get(CACHE_VARIABLE, "").strip()
    if wish == _OFF:
        return CachePlace(None, named=True)
    which = f"the folder {wish} that {CACHE_VARIABLE} names" if wish else "a cache folder"
    try:
        if wish:
            wished = Path(wish).expanduser().absolute()
        else:
            wished = _of_user(environment)
            which = f"the cache folder {wished}"
        return CachePlace(_usable(wished, named=bool(wish)), named=bool(wish))
    except _UnusableError as error:
        reason = str(error)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    except RuntimeError:  # `~` or `~somebody` that leads nowhere
        reason = "no home folder is known for it"
    temporary = _temporary(environment)
    if temporary is None:
        kept = "nothing compiled is kept, and every start takes a minute or two"
    else:
        kept = f"compiled code is kept in {temporary} for now"
    return CachePlace(
        temporary,
        f"{which} cannot be used: {reason}; {kept}; let {CACHE_VARIABLE} name a folder of yours "
        f"with {CACHE_ROOM_BYTES // 10**6} MB of room",
        named=bool(wish),
    )


def _of_user(environment: Mapping[str, str]) -> Path:
    """The program's place in the cache folder of this user."""
    shared = environment.get("XDG_CACHE_HOME", "")
    if sys.platform != "darwin" and shared.startswith("/"):  # others are to be ignored (XDG 0.8)
        return Path(shared) / "azul-tui"
    home = environment.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - of this environment
    if not home.startswith("/"):
        raise _UnusableError("no home folder is known for it")
    return Path(home, *_CACHES, "azul-tui")


def _usable(folder: Path, *, named: bool) -> Path:
    """`folder`, made if need be; a part of it for this user where others can write there, too."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if os.geteuid() == 0 and not named and (owner := existing.stat().st_uid) != 0:
        raise _UnusableError(f"it belongs to another user (number {owner}), and this is root")
    if not _make_private(folder):
        folder = folder / f"user-{os.geteuid()}"
        if not _make_private(folder):
            raise _UnusableError(f"others can write into {folder}")
    _try_room(folder)
    return folder


def _make_private(folder: Path) -> bool:
    """Make a folder; whether it is this user's and nobody else can put anything into it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _UnusableError("a file is in its place") from None
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _try_room(folder: Path) -> None:
    """Reserve what kernels will take and give it back: quotas are met only by asking for room."""
    held = sum(file.stat().st_size for file in folder.glob("*/*/*.nbc"))
    if held >= CACHE_ROOM_BYTES // 4:
        return  # full of kernels already: it serves even where nothing can be added
    size = CACHE_ROOM_BYTES - held
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except (AttributeError, OSError) as error:  # macOS, or a file system, does not know it
            if getattr(error, "errno", errno.ENOSYS) not in NO_LOCKS_HERE:
                raise
            found = os.fstatvfs(file.fileno())
            if found.f_bavail * found.f_frsize < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None


def _temporary(environment: Mapping[str, str]) -> Path | None:
    """A folder for temporary files that is this user's alone, made if need be."""
    for place in (environment.get("TMPDIR", ""), *_TEMPORARY):
        folder = Path(place, f"azul-tui-{os.geteuid()}")
        with suppress(OSError, _UnusableError):
            # Whoever made the name before us may have linked it to anywhere.
            if folder.is_absolute() and _make_private(folder) and not folder.is_symlink():
                _try_room(folder)
                return folder
    return None
