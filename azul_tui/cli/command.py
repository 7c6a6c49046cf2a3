"""From arguments to a job, the dashboard or a listing.

Exit codes: 0 done, 1 the job failed, 2 the user's to fix (one sentence on standard error),
3 training diverged, 130 interrupted and 143 terminated, each after saving.
Nothing is imported before it is known to be needed.
"""

from __future__ import annotations

import io
import os
import sys
import time
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from azul_tui.cli.arguments import NEWEST, build_parser
from azul_tui.errors import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_USER,
    AzulError,
    JobError,
    system_refusal,
)

if TYPE_CHECKING:
    import argparse
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.jobs.start import JobRequest
    from azul_tui.runs.paths import RunPaths

_ONLY_WITH_A_JOB = {
    "config": "--config",
    "overrides": "--set",
    "name": "--name",
    "watch": "--watch",
    "record": "--record",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Raises:
        SystemExit: With 0 after `--help` and `--version`, with 2 for arguments that make no
            command.
    """
    _open_missing_streams()
    told = io.StringIO()
    try:
        with redirect_stdout(told):  # --help is written here, where a full disk is noticed
            arguments = _parse(argv)
    except SystemExit as leaving:
        raise SystemExit(_print(told.getvalue()) or leaving.code) from None
    try:
        return _command(arguments)
    except AzulError as error:
        _complain(str(error))
        return error.exit_code
    except (OSError, MemoryError) as error:
        _complain(system_refusal(error))
        return EXIT_USER
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        _flush_or_give_up()


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = build_parser()
    arguments, strays = parser.parse_known_args(argv)
    if strays:
        shown = " ".join(strays)
        setting = next(
            (stray for stray in strays if not stray.startswith("-") and "=" in stray), ""
        )
        hint = f"; a setting is given as --set {setting}" if setting else ""
        parser.error(f"unrecognized arguments: {shown}{hint}")
    return arguments


def _command(arguments: argparse.Namespace) -> int:
    from azul_tui.runs.paths import runs_root

    if arguments.ascii:
        os.environ["AZUL_TUI_ASCII"] = "1"  # jobs and dashboards that are started inherit it
    root = runs_root(arguments.dir, os.environ)
    if arguments.run is not None:
        return _run(arguments, root)
    if arguments.print_config:
        from azul_tui.cli.print_settings import training_settings_text

        return _print(
            training_settings_text(arguments.config, arguments.overrides, json_lines=arguments.json)
        )
    for name, option in _ONLY_WITH_A_JOB.items():
        if getattr(arguments, name) not in (None, False, []):
            raise JobError(f"{option} says how a job runs; name the job with --run")
    if arguments.list:
        from azul_tui.cli.print_runs import runs_text

        return _print(runs_text(root, json_lines=arguments.json, now=time.time()))
    if arguments.once is not None:
        paths = _named_run(root, arguments.once)
        from azul_tui.tui.once import run_text

        return _print(run_text(paths, json_lines=arguments.json))
    return _dashboard(root, arguments.attach, arguments.refresh)


def _run(arguments: argparse.Namespace, root: Path) -> int:
    from azul_tui.jobs.registry import find_job
    from azul_tui.jobs.start import JobRequest, run_job

    request = JobRequest(
        spec=find_job(arguments.run),
        config=arguments.config,
        overrides=tuple(arguments.overrides),
        name=arguments.name,
        root=root,
        json_lines=arguments.json,
        yes=arguments.yes,
        record=arguments.record,
        interactive=_has_terminal(),
    )
    if arguments.print_config:
        from azul_tui.cli.print_settings import job_settings_text

        return _print(job_settings_text(request))
    if arguments.watch and _can_watch(request):
        from azul_tui.jobs.start import run_in_background

        started = run_in_background(request)
        if started is None:
            return EXIT_DONE
        paths, process = started
        return _dashboard(root, paths.name, arguments.refresh, process)
    return run_job(request)


def _can_watch(request: JobRequest) -> bool:
    return request.interactive and request.spec.trains and not request.json_lines


def _dashboard(
    root: Path,
    attach: str | None,
    refresh: float | None,
    training: subprocess.Popen[bytes] | None = None,
) -> int:
    # A browser's terminal is no terminal of this process: `textual serve` names a driver instead.
    if not (_has_terminal() or os.environ.get("TEXTUAL_DRIVER")):
        raise JobError(
            "the dashboard needs a terminal; without one use --run JOB, --list, --once or --help"
        )
    paths = None if attach is None else _named_run(root, attach)
    from azul_tui.tui.app import run_app

    return run_app(root, attach=paths, refresh=refresh, training=training)


def _named_run(root: Path, name: str) -> RunPaths:
    if name == NEWEST:
        from azul_tui.runs.listing import newest_run

        return newest_run(root, time.time())
    from azul_tui.runs.paths import existing_run

    return existing_run(root, name)


def _has_terminal() -> bool:
    """Whether a person can read here and answer; a terminal without a cursor cannot be drawn on."""
    try:
        there = sys.stdin.isatty() and sys.stdout.isatty()
    except ValueError:  # closed since
        return False
    return there and os.environ.get("TERM", "") != "dumb"


def _print(text: str) -> int:
    """Write a listing; the exit code.

    A reader who has seen enough (`| head`) is no fault; a full disk is the user's to mend.
    """
    try:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:  # a terminal or a pipe without Unicode
            sys.stdout.write(text.encode("ascii", "replace").decode("ascii"))
        sys.stdout.flush()
    except BrokenPipeError:
        return EXIT_DONE
    except (OSError, ValueError) as error:
        _complain(f"standard output cannot be written: {system_refusal(error)}")
        return EXIT_USER
    finally:
        _flush_or_give_up()
    return EXIT_DONE


def _complain(sentence: str) -> None:
    from azul_tui.runs.text import plain_text

    try:
        sys.stderr.write(f"azul-tui: {plain_text(sentence, 1000)}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody is there to read it
        return


def _open_missing_streams() -> None:
    """Put nothing in place of standard streams that were closed before the start.

    Otherwise the next file that is opened, an event log say, would become standard output.
    """
    for descriptor, mode in enumerate("rww"):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            stream = os.fdopen(descriptor, mode, encoding="utf-8", closefd=False)
            setattr(sys, ("stdin", "stdout", "stderr")[descriptor], stream)


def _flush_or_give_up() -> None:
    """A reader that left (`| head`) must not turn into a complaint at the end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
