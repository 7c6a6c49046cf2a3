from __future__ import annotations

import os
import subprocess
import sys

import pytest

from azul_tui.runs.files import (
    open_own,
    read_bounded,
    write_atomically,
    write_bytes_atomically,
)


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


def test_a_file_of_a_run_is_no_link_no_pipe_and_no_folder(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "link").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        with pytest.raises(OSError, match=r"symbolic links|regular file"):
            open_own(tmp_path / name)
        assert read_bounded(tmp_path / name, 100) is None
    with open_own(secret) as file:
        assert file.read() == b"secret"


def test_what_is_written_does_not_follow_a_link_that_waits_for_it(tmp_path):
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / ".status.json.unfinished").symlink_to(precious)
    write_bytes_atomically(tmp_path / "status.json", b"{}")
    assert precious.read_bytes() == b"precious"
    assert (tmp_path / "status.json").read_bytes() == b"{}"
    assert not (tmp_path / "status.json").is_symlink()
