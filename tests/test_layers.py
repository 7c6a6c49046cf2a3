"""What the layers are for, seen from outside: the process of the terminal stays light.

The imports themselves are checked by import-linter (`make layers`).
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import azul_tui.config
import azul_tui.runs
import azul_tui.tui
import azul_tui.views


def modules_of(package):
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return [package.__name__, *(module.name for module in found)]


LIGHT = [
    "azul_tui",
    "azul_tui.cli",
    "azul_tui.errors",
    "azul_tui.jobs.start",
    "azul_tui.jobs.registry",
    "azul_tui.jobs.start",
    *modules_of(azul_tui.config),
    *modules_of(azul_tui.runs),
]


def imported_by(modules):
    program = "import sys\n" + "".join(f"import {name}\n" for name in modules)
    program += "print(*{name.partition('.')[0] for name in sys.modules})"
    return set(subprocess.check_output([sys.executable, "-c", program], text=True).split())


def test_settings_runs_and_command_line_import_nothing_heavy():
    heavy = {"torch", "numba", "numpy", "textual", "rich", "plotext", "psutil"}
    assert not imported_by(LIGHT) & heavy


@pytest.mark.slow
def test_no_part_of_the_dashboard_imports_torch_or_numba():
    assert not imported_by(modules_of(azul_tui.tui)) & {"torch", "numba", "llvmlite"}


def test_what_screens_show_needs_no_terminal():
    assert not imported_by(modules_of(azul_tui.views)) & {"textual", "rich", "plotext", "torch"}
