"""Leaving the terminal: to its shell until `fg`, or for good, jobs going on or not."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from azul_tui.runs.paths import runs_root
from azul_tui.runs.status import ACTIVE
from azul_tui.runs.text import plain_text
from azul_tui.tui.modals import Choose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from textual.app import App

    from azul_tui.tui.app import AzulApp

NO_SHELL = "no shell waits behind this screen; q leaves, and jobs keep running"

# -- until `fg`


def heed_job_control(app: App[int], *, heed: bool = True) -> None:
    """SIGTSTP and SIGCONT become calls of the event loop.

    In the library's place, which takes the terminal apart inside the signal handler, and takes
    SIGCONT after a SIGSTOP, which leaves no time for that, for the end of a suspension.
    """
    if app.is_headless:
        return
    loop = asyncio.get_running_loop()
    for number, meanwhile in (
        (signal.SIGTSTP, lambda: _stand_still(signal.SIGSTOP)),
        (signal.SIGCONT, _wait_for_foreground),
    ):
        if heed:
            loop.add_signal_handler(number, _suspend, app, meanwhile)
        else:
            loop.remove_signal_handler(number)


def suspend(app: App[int]) -> None:
    """Give the terminal back to the shell, until `fg`."""
    if _shell_waits():
        _suspend(app, lambda: _stand_still(signal.SIGTSTP))
    else:
        app.notify(NO_SHELL)


def _suspend(app: App[int], meanwhile: Callable[[], None]) -> None:
    """The terminal is as before the start meanwhile, and its signals act by themselves."""
    heed_job_control(app, heed=False)
    try:
        with app.suspend():
            meanwhile()
    except SuspendNotSupported:  # a browser shows the program
        app.notify(NO_SHELL)
    finally:
        heed_job_control(app)


def _shell_waits() -> bool:
    """Whether a shell with job control started this program and takes the terminal meanwhile.

    As the kernel has it (setpgid(2), "orphaned process group"): somebody above stands in the
    same session and in another process group. `ssh -t HOST azul-tui` and a tmux window that was
    opened for the dashboard have no such shell.
    """
    import psutil

    session, group, parent = os.getsid(0), os.getpgrp(), os.getppid()
    try:
        while parent > 1 and os.getsid(parent) == session:
            if os.getpgid(parent) != group:
                return True
            parent = psutil.Process(parent).ppid()
    except (OSError, psutil.Error):  # it has ended, or is not ours to look at
        return False
    return False


def _stand_still(number: signal.Signals) -> None:
    """Stop this process group with signal `number` until it may use the terminal again.

    The whole group, as the terminal itself does: a wrapper that waits for this program has to
    stop too, or the shell does not come back.
    """
    os.killpg(os.getpgrp(), number)
    _wait_for_foreground()


def _wait_for_foreground() -> None:
    """Stop again and again while the terminal is somebody else's: `bg` let this program go on."""
    try:
        while sys.__stdin__ and os.tcgetpgrp(sys.__stdin__.fileno()) != os.getpgrp():
            os.killpg(os.getpgrp(), signal.SIGSTOP)
    except (OSError, ValueError):  # the terminal is gone: SIGHUP ends the program
        return


# -- for good


def ask_to_leave(app: AzulApp) -> None:
    """Leave; ask first when a job that was started here runs, or something would be lost."""
    if isinstance(app.screen, Choose) and app.screen.id == "leaving":
        return
    running = [job for job in app.jobs.running if job.at_work]
    lost = " ".join(app.stakes.values())
    if not running and not lost:
        app.exit(0)
        return
    box = Choose(lost, "", (("d", "leave"), ("n", "stay here")), "n")
    if running:
        trains = [job.spec.trains for job in running]
        names = ", ".join(job.title for job in running[:3])
        names += f" and {len(running) - 3} more" if len(running) > 3 else ""
        answers = [("d", "detach: leave, and let it run"), ("c", "cancel: end it now")]
        if any(trains):
            rest = "" if all(trains) else "; end the rest now"
            answers[1:] = [
                ("s", f"stop: train to the end of this iteration, and save{rest}"),
                ("c", "cancel: end now; checkpoints stay"),
            ]
        are = "is" if len(running) == 1 else "are"
        box = Choose(f"{names} {are} still running.", lost, [*answers, ("n", "stay here")], "n")

    def answered(answer: str | None) -> None:
        if answer not in {"d", "s", "c"}:
            return
        for job in running if answer != "d" else ():
            if answer == "s" and job.spec.trains:
                app.request("stop", job.paths)
            else:
                app.jobs.cancel(job)
        app.left_with = answer
        app.exit(0)

    box.id = "leaving"
    app.push_screen(box, answered)


def goodbye(app: AzulApp) -> str:
    """One line for each training that goes on, or was asked to end; empty for none."""
    names = [job.paths.name for job in app.jobs.running if job.spec.trains and job.at_work]
    feed, run = app.feed, app.run_now()
    if feed is not None and run is not None and run.state in ACTIVE and feed.name not in names:
        names.append(feed.name)
    return told(names, app.left_with, app.runs_root, os.environ)


def told(names: Sequence[str], answer: str, root: Path, environment: Mapping[str, str]) -> str:
    """The lines themselves, for the runs `names`.

    `answer` is the letter of how the person left, if asked; `environment` may name the folder
    `root` of runs, so that the line need not.
    """
    where = "" if runs_root(None, environment) == root else f" --dir {shlex.quote(str(root))}"
    words = {
        "s": "stops after this iteration and saves; look at it with",
        "c": "is cancelled, its checkpoints stay; look at it with",
    }.get(answer, "goes on training; come back with")
    return "".join(
        f"{plain_text(name, 64)} {words}: azul-tui --attach {shlex.quote(plain_text(name, 64))}"
        f"{plain_text(where, 400)}\n"
        for name in names
    )
