"""What `azul-tui` takes on its command line."""

from __future__ import annotations

import argparse

from azul_tui import __version__

EPILOG = """exit codes:
  0 done, 1 the job failed, 2 something for you to fix, 3 training diverged,
  130 interrupted, 143 terminated (both after saving)"""

NEWEST = ""
"""What `--attach` and `--once` mean when they name no run."""


def build_parser() -> argparse.ArgumentParser:
    """The parser; its help lists every job."""
    parser = argparse.ArgumentParser(
        prog="azul-tui",
        usage="azul-tui [--run JOB | --attach [RUN] | --once [RUN] | --list] [options]",
        description="Teach a network to play the board game Azul by self-play, and watch it\n"
        "learn. Without arguments: the menu and dashboard.",
        epilog=f"{_job_lines()}\n\n{EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_commands(parser)
    _add_job_options(parser)
    add = parser.add_argument
    add("--dir", metavar="DIR", help="where runs live (default AZUL_TUI_DIR or ./checkpoints)")
    add("--json", action="store_true", help="JSON lines on standard output, nothing else there")
    add("--ascii", action="store_true", help="draw with plain characters only")
    add(
        "--refresh",
        metavar="SECONDS",
        type=_seconds,
        help="how often the dashboard looks at a run (default 1, over SSH 2)",
    )
    add("--version", action="version", version=f"azul-tui {__version__}")
    return parser


def _add_commands(parser: argparse.ArgumentParser) -> None:
    choose = parser.add_mutually_exclusive_group().add_argument
    choose("--run", metavar="JOB", help="run one job, by name or number, without the dashboard")
    choose(
        "--attach",
        metavar="RUN",
        nargs="?",
        const=NEWEST,
        help="open the dashboard on a run, live or finished (default the newest)",
    )
    choose(
        "--once",
        metavar="RUN",
        nargs="?",
        const=NEWEST,
        help="print a picture of a run and leave (default the newest)",
    )
    choose("--list", action="store_true", help="list the runs: state, iteration, losses, age")


def _add_job_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("with --run").add_argument
    add("--config", metavar="FILE", help="settings in TOML, or the name of a preset")
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="change one setting; repeat for more",
    )
    add("--name", metavar="RUN", help="name of the run that is made")
    add("--yes", "-y", action="store_true", help="start without asking")
    add("--watch", action="store_true", help="train in the background, with the dashboard on it")
    add("--print-config", action="store_true", help="print the settings as TOML and leave")
    add("--record", metavar="DIR", help=argparse.SUPPRESS)  # where the dashboard wants records


def _seconds(text: str) -> float:
    """A time between two looks; argparse tells why another text would not do."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.1 to 3600")
    return seconds


def _job_lines() -> str:
    from azul_tui.jobs.registry import jobs

    lines = ["jobs:"]
    for spec in jobs():
        mark = "" if spec.number is None else str(spec.number)
        lines.append(f"  {mark:>2}  {spec.name:<14}{spec.title} ({spec.duration})")
    return "\n".join(lines)
