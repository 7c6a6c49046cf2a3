"""The command `azul-tui`: arguments in, a job, the dashboard or a listing out.

Exit codes: 0 done, 1 the job failed, 2 the user's to fix (one sentence on standard error),
3 training diverged, 130 interrupted and 143 terminated, each after saving. What only some commands
need is imported where they need it.
"""

from __future__ import annotations

import sys

from azul_tui.child_process import module_folders

sys.path[:] = module_folders()  # before any other import: none is looked for in the current folder

import argparse
import dataclasses
import io
import os
import time
import unicodedata
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from azul_tui import __version__
from azul_tui.errors import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_USER,
    AzulError,
    JobError,
    system_refusal,
)
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.jobs.start import JobRequest
    from azul_tui.runs.listing import RunSummary
    from azul_tui.runs.paths import RunPaths

__all__ = ["main"]

_EXIT_CODES = """exit codes:
  0 done, 1 the job failed, 2 something for you to fix, 3 training diverged,
  130 interrupted, 143 terminated (both after saving)"""
_NEWEST = ""
"""What `--attach` and `--once` mean when they name no run."""


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
    from azul_tui.jobs.registry import jobs

    numbers = ["" if job.number is None else str(job.number) for job in jobs()]
    listed = [
        f"  {number:>2}  {job.name:<14}{job.title} ({job.duration})"
        for number, job in zip(numbers, jobs(), strict=True)
    ]
    parser = argparse.ArgumentParser(
        prog="azul-tui",
        usage="azul-tui [--run JOB | --attach [RUN] | --once [RUN] | --list] [options]",
        description="Teach a network to play the board game Azul by self-play, and watch it\n"
        "learn. Without arguments: the menu and dashboard.",
        epilog="\n".join(["jobs:", *listed, "", _EXIT_CODES]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    choose = parser.add_mutually_exclusive_group().add_argument
    choose("--run", metavar="JOB", help="run one job, by name or number, without the dashboard")
    run: dict[str, Any] = {"metavar": "RUN", "nargs": "?", "const": _NEWEST}
    live = "open the dashboard on a run, live or finished (default the newest)"
    choose("--attach", **run, help=live)
    choose("--once", **run, help="print a picture of a run and leave (default the newest)")
    choose("--list", action="store_true", help="list the runs: state, iteration, losses, age")
    add = parser.add_argument_group("with --run").add_argument
    add("--config", metavar="FILE", help="settings in TOML, or the name of a preset")
    one = "change one setting; repeat for more"
    add("--set", metavar="KEY=VALUE", action="append", default=[], dest="overrides", help=one)
    add("--name", metavar="RUN", help="name of the run that is made")
    add("--yes", "-y", action="store_true", help="start without asking")
    add("--watch", action="store_true", help="train in the background, with the dashboard on it")
    add("--print-config", action="store_true", help="print the settings as TOML and leave")
    add("--record", metavar="DIR", help=argparse.SUPPRESS)  # where the dashboard wants records
    add = parser.add_argument
    add("--dir", metavar="DIR", help="where runs live (default AZUL_TUI_DIR or ./checkpoints)")
    add("--json", action="store_true", help="JSON lines on standard output, nothing else there")
    add("--ascii", action="store_true", help="draw with plain characters only")
    often = "how often the dashboard looks at a run (default 1, over SSH 2)"
    add("--refresh", metavar="SECONDS", type=_seconds, help=often)
    add("--version", action="version", version=f"azul-tui {__version__}")

    arguments, strays = parser.parse_known_args(argv)
    if strays:
        settings = [stray for stray in strays if not stray.startswith("-") and "=" in stray]
        hint = f"; a setting is given as --set {settings[0]}" if settings else ""
        parser.error(f"unrecognized arguments: {' '.join(strays)}{hint}")
    return arguments


def _seconds(text: str) -> float:
    """A time between two looks; argparse tells why another text would not do."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.1 to 3600")
    return seconds


def _command(arguments: argparse.Namespace) -> int:
    from azul_tui.runs.paths import runs_root

    if arguments.ascii:
        os.environ["AZUL_TUI_ASCII"] = "1"  # jobs and dashboards that are started inherit it
    root = runs_root(arguments.dir, os.environ)
    if arguments.run is not None:
        return _run(arguments, root)
    if arguments.print_config:
        return _print(_settings_text(arguments))
    for option in ("config", "overrides", "name", "watch", "record"):
        if getattr(arguments, option) not in (None, False, []):
            option = "set" if option == "overrides" else option
            raise JobError(f"--{option} says how a job runs; name the job with --run")
    if arguments.list:
        return _print(_runs_text(root, json_lines=arguments.json, now=time.time()))
    if arguments.once is not None:
        paths = _named_run(root, arguments.once)
        from azul_tui.tui.once import run_text

        return _print(run_text(paths, json_lines=arguments.json))
    return _dashboard(root, arguments.attach, arguments.refresh)


def _run(arguments: argparse.Namespace, root: Path) -> int:
    from azul_tui.jobs.registry import find_job
    from azul_tui.jobs.start import JobRequest, run_in_background, run_job

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
        return _print(_settings_text(arguments, request))
    if arguments.watch and request.interactive and request.spec.trains and not arguments.json:
        started = run_in_background(request)
        if started is None:
            return EXIT_DONE
        paths, process = started
        return _dashboard(root, paths.name, arguments.refresh, process)
    return run_job(request)


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
    from azul_tui.runs.listing import newest_run
    from azul_tui.runs.paths import existing_run

    return newest_run(root, time.time()) if name == _NEWEST else existing_run(root, name)


def _has_terminal() -> bool:
    """Whether a person can read here and answer; a terminal without a cursor cannot be drawn on."""
    try:
        there = sys.stdin.isatty() and sys.stdout.isatty()
    except ValueError:  # closed since
        return False
    return there and os.environ.get("TERM", "") != "dumb"


# -- `--list`, the runs, and `--print-config`, the settings that a start would have

_HEADINGS = ("run", "state", "iteration", "loss", "policy", "value", "best", "size", "last sign")


def _runs_text(root: Path, *, json_lines: bool, now: float) -> str:
    """Every run in `root`, as a table or as JSON lines."""
    from azul_tui.runs.events import encode_plain
    from azul_tui.runs.listing import list_runs

    runs = list_runs(root, now)
    if json_lines:
        records = [{"event": "run", "t": now, **_record(run)} for run in runs]
        records.append({"event": "result", "t": now, "ok": True, "runs": len(runs)})
        return "".join(encode_plain(record).decode("ascii") for record in records)
    if runs:
        return _table([_HEADINGS, *(_row(run, now) for run in runs)])
    return f"no runs in {plain_text(os.fspath(root))} yet; azul-tui --run quick makes the first\n"


def _row(run: RunSummary, now: float) -> tuple[str, ...]:
    from azul_tui.jobs.reporter import in_bytes, in_words
    from azul_tui.runs.status import NO_NEWS

    status = run.status
    state = NO_NEWS if run.stalled else run.state
    losses = (status.total_loss, status.policy_loss, status.value_loss)
    return (
        run.name,
        f"{state}, {status.ending}" if status.ending else state,
        f"{status.iteration:,}" + (f"/{status.max_iterations:,}" if status.max_iterations else ""),
        *("–" if loss is None else f"{loss:.3f}" for loss in losses),
        "–" if status.best_score is None else f"{100 * status.best_score:.1f}%",
        in_bytes(run.size_bytes),
        f"{in_words(max(0.0, now - run.changed))} ago",
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    """Rows under headings, columns as wide as they need to be; all but the first two to the right.

    East Asian letters take two columns of a terminal, marks none.
    """

    def columns(text: str) -> int:
        wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
        return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)

    widths = [max(map(columns, cells)) for cells in zip(*rows, strict=True)]
    lines: list[str] = []
    for row in rows:
        gaps = [" " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)]
        left = [cell + gap for cell, gap in zip(row[:2], gaps, strict=False)]
        right = [gap + cell for cell, gap in zip(row[2:], gaps[2:], strict=True)]
        lines.append("  ".join(left + right).rstrip() + "\n")
    return "".join(lines)


def _record(run: RunSummary) -> dict[str, object]:
    return {
        **dataclasses.asdict(run.status),
        "name": run.name,
        "state": run.state,
        "stalled": run.stalled,
        "reason": run.reason,
        "size_bytes": run.size_bytes,
        "checkpoints": run.checkpoints,
        "directory": os.fspath(run.paths.directory),
    }


def _settings_text(arguments: argparse.Namespace, request: JobRequest | None = None) -> str:
    """The settings that a job, or a training, would start with, as TOML that `--config` takes.

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    from azul_tui.config import dump_config, dump_toml, find_config, resolve_config
    from azul_tui.jobs.start import resolve_request
    from azul_tui.runs.events import encode_plain

    own: dict[str, Any] = {}
    if request is None:
        file = None if arguments.config is None else find_config(arguments.config)
        config = resolve_config(file, os.environ, arguments.overrides)
    else:
        resolved = resolve_request(request)
        own, config = dict(resolved.settings), resolved.config
        if config is None:
            own |= resolved.changes
    if arguments.json:
        values = own if config is None else own | config.to_dict()
        return encode_plain({"event": "config", "settings": values}).decode("ascii")
    return dump_toml(own) if config is None else dump_config(config)


# -- standard streams: full, closed by a reader who has seen enough, or closed before the start


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
