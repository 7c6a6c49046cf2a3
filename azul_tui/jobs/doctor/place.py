"""The terminal, and the folder in which runs live."""

from __future__ import annotations

import locale
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING

from azul_tui.jobs.describe import in_bytes
from azul_tui.jobs.doctor.finding import Finding
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from azul_tui.runs.machine import CachePlace

LEAST_FREE_BYTES = 2 * 10**9
SMALLEST_TERMINAL = (60, 20)


def terminal(environment: Mapping[str, str], *, of_dashboard: bool = False) -> Iterator[Finding]:
    """What can be drawn here: size, colours, characters.

    Args:
        environment: Usually `os.environ`.
        of_dashboard: A dashboard started this job: its terminal counts, whose size it knows.
    """
    encoding = (sys.stdout.encoding or locale.getpreferredencoding(do_setlocale=False)).lower()
    unicode = "utf" in encoding
    advice = "" if unicode else "this terminal's encoding is not UTF-8; use --ascii or set LANG"
    drawing = "Unicode" if unicode else f"plain characters ({plain_text(encoding, 20)})"
    if not sys.stdout.isatty() and not of_dashboard:
        yield Finding("terminal", f"none here (output goes to a file or a pipe), {drawing}")
        return
    columns, rows = shutil.get_terminal_size()
    kind = environment.get("TERM", "")
    problem = ""
    if kind in {"", "dumb"}:
        problem = "TERM names no terminal that can be drawn on; set it, for example xterm-256color"
    elif not of_dashboard and (columns < SMALLEST_TERMINAL[0] or rows < SMALLEST_TERMINAL[1]):
        advice = f"{columns}x{rows} is small for the dashboard; 80x24 shows everything important"
    size = "the dashboard's" if of_dashboard else f"{columns}x{rows}"
    told = f"{plain_text(kind, 30)}, {size}, {_colours(environment)}, {drawing}"
    yield Finding("terminal", told, problem, advice)


def _colours(environment: Mapping[str, str]) -> str:
    if environment.get("NO_COLOR"):
        return "no colours (NO_COLOR is set)"
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return "16 million colours"
    return "256 colours" if "256" in environment.get("TERM", "") else "16 colours"


def cache(found: CachePlace) -> Iterator[Finding]:
    """Where compiled code is kept: a folder that somebody named has to do, a default may not."""
    told = "none" if found.folder is None else f"in {plain_text(str(found.folder))}"
    problem = plain_text(found.problem, 500)
    if found.named or found.folder is None:
        yield Finding("cache", told, problem)
    else:
        yield Finding("cache", told, advice=problem)


def runs_folder(root: Path) -> Iterator[Finding]:
    """Whether runs can be written, and how much room they have."""
    place = plain_text(str(root.absolute()))
    problem = not_writable(root)
    if problem:
        yield Finding("runs folder", place, f"{problem}; choose another with --dir or AZUL_TUI_DIR")
        return
    free = shutil.disk_usage(_existing(root)).free
    if free < LEAST_FREE_BYTES:
        problem = (
            f"only {in_bytes(free)} are free where runs live and a night of training wants "
            f"{in_bytes(LEAST_FREE_BYTES)}; make room or choose another place with --dir"
        )
    yield Finding("runs folder", f"{place}, writable, {in_bytes(free)} free", problem)


def not_writable(folder: Path) -> str:
    """Why nothing can be written into a folder or, while it is absent, where it would be made."""
    target = _existing(folder)
    if not target.is_dir():
        return f"{plain_text(str(target))} is not a folder"
    try:
        with tempfile.TemporaryFile(dir=target) as file:
            file.write(b"azul-tui")
    except OSError as error:
        return f"{plain_text(str(target))} cannot be written ({error.strerror})"
    return ""


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
