from __future__ import annotations

import subprocess
import sys

import pytest

from azul_tui.runs.files import read_bounded, write_atomically, write_bytes_atomically


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "status.json"
    write_bytes_atomically(path, b"old")

    def fail(unfinished):
        unfinished.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["status.json"]


@pytest.mark.parametrize("durable", [True, False])
def test_the_new_content_replaces_the_old(tmp_path, durable):
    path = tmp_path / "x"
    for content in (b"1", b"22"):
        write_bytes_atomically(path, content, durable=durable)
        assert path.read_bytes() == content
    assert names(tmp_path) == ["x"]


def test_a_file_size_limit_is_met_without_loss(tmp_path):
    """The kernel itself refuses the bytes, as a full disk or a quota does."""
    program = """
import resource, signal, sys
from pathlib import Path
from azul_tui.runs.files import write_bytes_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
write_bytes_atomically(path, b"good")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    write_bytes_atomically(path, b"x" * 5000)
except OSError as error:
    print("refused", error.errno)
"""
    path = tmp_path / "x"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("refused")
    assert path.read_bytes() == b"good"
    assert names(tmp_path) == ["x"]


def test_reading_is_bounded_and_never_fails(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"12345")
    assert read_bounded(file, 5) == b"12345"
    assert read_bounded(file, 4) is None
    assert read_bounded(tmp_path, 5) is None
    assert read_bounded(tmp_path / "absent", 5) is None
    assert read_bounded(tmp_path / "a\0b", 5) is None
