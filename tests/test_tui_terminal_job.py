"""A job that is lent the terminal, in a real pseudo-terminal."""

from __future__ import annotations

import os
import sys

import pexpect
import pytest

pytestmark = pytest.mark.timeout(60)

LENDER = """
import sys
from azul_tui.tui.terminal_job import lend_terminal
code = lend_terminal([sys.executable, "-c", sys.argv[1]])
print("code", code, flush=True)
import select
print("typed", bool(select.select([sys.stdin], [], [], 0.3)[0]), flush=True)
"""


def lend(program):
    return pexpect.spawn(
        sys.executable, ["-c", LENDER, program], env=dict(os.environ), timeout=20, encoding="utf-8"
    )


def test_keys_typed_while_the_job_ends_do_not_reach_the_dashboard():
    child = lend("import time; print('ready', flush=True); time.sleep(1)")
    child.expect("ready")
    child.send("qq2\r")
    child.expect("returning to the dashboard")
    child.expect("code 0")
    child.expect("typed False")
    child.close()


def test_ctrl_c_ends_the_job_and_leaves_the_dashboard_alone():
    child = lend(
        "import sys, time\n"
        "try: print('ready', flush=True); time.sleep(20)\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    child.expect("ready")
    child.sendintr()
    child.expect("returning to the dashboard")
    child.expect("code 130")
    child.close()


def test_what_a_job_says_when_it_fails_can_be_read():
    child = lend("import sys; print('no such opponent'); sys.exit(2)")
    child.expect("no such opponent")
    child.expect("enter returns to the dashboard")
    child.send("\r")
    child.expect("code 2")
    child.close()


def test_ctrl_c_in_a_game_by_lines_leaves_it():
    arguments = ["-m", "azul_tui", "--run", "play", "--set", "opponent=random"]
    child = pexpect.spawn(sys.executable, arguments, timeout=50, encoding="utf-8")
    child.expect("player 2 .*floor")
    child.sendintr()
    child.expect("left the game")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "saving" not in (child.before or "")
