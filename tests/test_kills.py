"""A few kills; `make kills` is the long one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_five_kills_and_nothing_is_different():
    tool = Path(__file__).parent / "kills" / "kills.py"
    command = [sys.executable, str(tool), "--kills", "5", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["kills"], result["identical"], result["lost"]) == (5, True, 0)
    assert sum(result["moments"].values()) == 5
