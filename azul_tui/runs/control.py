"""Requests to a running job, dropped into `control/` as files.

Whoever owns the run directory may drop one; the job takes them in order of their names,
removes each and answers with a `control` event. Nothing else reaches a running job.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from azul_tui.errors import RunError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths

REQUESTS = ("pause", "resume", "stop", "checkpoint", "set", "cancel")
MAX_REQUEST_BYTES = 1 << 14
MAX_REQUESTS_PER_POLL = 64
_FILE_NAME = re.compile(r"[0-9]{1,20}-[a-z]{1,16}\.json")

SettableValue = bool | int | float | str | list[str]


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """One request as the job finds it."""

    request: str
    """One of `REQUESTS`, or "" when the file is none."""
    file: Path
    id: str = ""
    """The answer repeats it, so that the one who asked finds the answer."""
    key: str = ""
    """The setting, for `set`."""
    value: SettableValue | None = None
    refusal: str = ""
    """Why it must not be obeyed, in words; "" for one that may be."""


def drop_request(
    paths: RunPaths,
    request: str,
    *,
    key: str = "",
    value: SettableValue | None = None,
    clock_ns: Callable[[], int] = time.time_ns,
) -> str:
    """Ask a running job for something; returns the id that its answer will carry.

    Raises:
        RunError: There is no such request, or the run directory is not writable.
    """
    if request not in REQUESTS:
        raise RunError(
            f'"{plain_text(request, 20)}" is no request; requests are {", ".join(REQUESTS)}'
        )
    now_ns = clock_ns()
    request_id = f"{now_ns:020d}-{os.getpid()}"
    record = {"request": request, "key": key, "value": value, "id": request_id}
    try:
        paths.control.mkdir(exist_ok=True)
        file = _free_name(paths.control, now_ns, request)
        write_bytes_atomically(file, encode_plain(record), durable=False)
    except OSError as error:
        raise RunError(
            f"{plain_text(str(paths.control))}: a request cannot be left there ({error.strerror}); "
            "only the owner of the run can steer it"
        ) from None
    return request_id


def poll_requests(paths: RunPaths) -> list[ControlRequest]:
    """The requests that wait, oldest first; those with a `refusal` must only be answered.

    Costs one directory listing when nothing waits. Hidden names are requests that are still
    being written.
    """
    try:
        facts = paths.control.lstat()
        if not stat.S_ISDIR(facts.st_mode):  # a link: what lies behind it is not ours to remove
            return []
        files = sorted(file for file in paths.control.iterdir() if not file.name.startswith("."))
    except OSError:  # no folder, no requests
        return []
    return [_read(file, facts.st_uid) for file in files[:MAX_REQUESTS_PER_POLL]]


def remove_request(request: ControlRequest) -> None:
    """Take an answered request out of the folder.

    Raises:
        OSError: It cannot be removed; it would be found again at the next poll.
    """
    if request.file.is_dir() and not request.file.is_symlink():
        # Not ours to empty: out of the way is enough.
        request.file.replace(request.file.with_name(f".refused-{request.file.name[:100]}"))
        return
    with suppress(FileNotFoundError):
        request.file.unlink()


def _free_name(folder: Path, now_ns: int, request: str) -> Path:
    """Names sort by time; two requests in the same nanosecond differ by one."""
    while (file := folder / f"{now_ns:020d}-{request}.json").exists():
        now_ns += 1
    return file


def _read(file: Path, owner: int) -> ControlRequest:
    def refused(why: str) -> ControlRequest:
        return ControlRequest("", file, refusal=f"{plain_text(file.name, 60)}: {why}")

    if not _FILE_NAME.fullmatch(file.name):
        return refused("is not named like a request")
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return refused(f"cannot be read ({error.strerror})")
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            return refused("is not a regular file")
        if facts.st_uid != owner:
            return refused("does not belong to the owner of the run")
        if facts.st_size > MAX_REQUEST_BYTES:
            return refused("is too large for a request")
        data = os.read(handle, MAX_REQUEST_BYTES)
    finally:
        os.close(handle)
    try:
        value: object = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return refused("is not JSON")
    if not isinstance(value, dict):
        return refused("is not a JSON object")
    return _understood(cast("dict[str, object]", value), file)


def _understood(fields: dict[str, object], file: Path) -> ControlRequest:
    asked, key, request_id = fields.get("request"), fields.get("key", ""), fields.get("id", "")
    key = key if isinstance(key, str) else ""
    request_id = plain_text(request_id, 60) if isinstance(request_id, str) else ""
    if not isinstance(asked, str) or asked not in REQUESTS:
        why = f"{plain_text(file.name, 60)}: asks for nothing known ({', '.join(REQUESTS)})"
        return ControlRequest("", file, request_id, refusal=why)
    value = _settable(fields.get("value"))
    refusal = ""
    if asked == "set" and (not key or value is None):
        refusal = "set needs a key and a value"
    return ControlRequest(asked, file, request_id, plain_text(key, 60), value, refusal)


def _settable(value: object) -> SettableValue | None:
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        words = [word for word in cast("list[object]", value) if isinstance(word, str)]
        return words if len(words) == len(cast("list[object]", value)) else None
    return None
