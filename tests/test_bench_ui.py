"""The measuring of the dashboard runs, and its last line is what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parent / "bench_ui" / "bench_ui.py"


@pytest.mark.timeout(600)
def test_the_measuring_of_the_dashboard_ends_in_one_record():
    parts = ["first_paint", "steady", "switches", "many_runs"]
    command = [sys.executable, str(TOOL), "--short", "--only", *parts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["event"] == "result" and record["runs"] == 30
    assert record["figures"]["first_paint_over_empty_s"] > 0
    assert record["figures"]["bytes_per_s_1hz"] > 0
    assert {"idle_cpu_percent", "rss_growth_mb", "runs_idle_cpu_percent"} <= set(record["figures"])
