"""The cache folder: found where it is wished for, and what stands in where it cannot be used."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from azul_tui.runs import cache
from azul_tui.runs.cache import CachePlace, find_cache

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user's folder takes root to make")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Folders for temporary files of this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def found_in(home, **environment):
    return find_cache({"HOME": str(home), "TMPDIR": str(home / "temporary"), **environment})


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, ".cache/azul-tui"),
        ({"AZUL_TUI_CACHE": ""}, ".cache/azul-tui"),
        ({"XDG_CACHE_HOME": "HOME/caches"}, "caches/azul-tui"),
        ({"XDG_CACHE_HOME": "caches"}, ".cache/azul-tui"),
        ({"XDG_CACHE_HOME": ""}, ".cache/azul-tui"),
        ({"AZUL_TUI_CACHE": "HOME/x"}, "x"),
        ({"AZUL_TUI_CACHE": "x/y"}, "x/y"),
        ({"AZUL_TUI_CACHE": "HOME/ü and blanks"}, "ü and blanks"),
    ],
)
def test_the_cache_lies_where_caches_lie(tmp_path, monkeypatch, environment, place):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    told = {name: value.replace("HOME", str(tmp_path)) for name, value in environment.items()}
    found = found_in(tmp_path, **told)
    assert found.folder == tmp_path / place and found.problem == ""
    assert found.folder.stat().st_mode & 0o777 == 0o700


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert found_in(tmp_path, AZUL_TUI_CACHE="~/x").folder == tmp_path / "x"
    assert not (tmp_path / "~").exists()


def test_off_keeps_nothing():
    assert find_cache({"AZUL_TUI_CACHE": "off"}) == CachePlace(None, "", True)


def unusable(tmp_path):
    """What may be wrong with a folder, by name."""
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    return {
        "a file in its place": tmp_path / "file",
        "a file above it": tmp_path / "file" / "below",
        "a link to nothing": tmp_path / "dangling",
        "a link to itself": tmp_path / "circle" / "x",
        "too long a name": tmp_path / ("x" * 300),
        "a folder of the kernel's": Path("/proc/azul-tui"),
        "a user that is not": Path("~nobody-of-that-name/x"),
    }


@pytest.mark.parametrize(
    "what",
    [
        "a file in its place",
        "a file above it",
        "a link to nothing",
        "a link to itself",
        "too long a name",
        "a folder of the kernel's",
        "a user that is not",
    ],
)
def test_a_temporary_folder_stands_in_for_one_that_cannot_be_used(tmp_path, temporary, what):
    found = found_in(tmp_path, AZUL_TUI_CACHE=str(unusable(tmp_path)[what]))
    assert found.folder == temporary / f"azul-tui-{os.geteuid()}"
    assert found.folder.stat().st_mode & 0o777 == 0o700
    assert "AZUL_TUI_CACHE" in found.problem and str(found.folder) in found.problem
    assert found.named


@pytest.mark.parametrize("home", ["", "relative", "/proc/none"])
def test_without_a_home_the_temporary_folder_is_used(temporary, monkeypatch, home):
    monkeypatch.setattr(cache.os.path, "expanduser", lambda text: text)  # no such user
    found = find_cache({"HOME": home, "TMPDIR": str(temporary)})
    assert found.folder == temporary / f"azul-tui-{os.geteuid()}"
    assert "AZUL_TUI_CACHE" in found.problem and not found.named


def test_nothing_is_kept_where_no_folder_can_be_used(monkeypatch):
    monkeypatch.setattr(cache, "_TEMPORARY", ("/proc",))
    found = find_cache({"HOME": "/proc/none", "TMPDIR": "relative"})
    assert found.folder is None
    assert "nothing compiled is kept" in found.problem


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_without_room_is_told_before_anything_is_compiled(tmp_path, monkeypatch, number):
    """A quota shows only when room is asked for: nothing else is asked for so much at once."""
    wished = tmp_path / "full"

    def refuse(descriptor, offset, size):
        if Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(wished):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cache.os, "posix_fallocate", refuse)
    found = found_in(tmp_path, AZUL_TUI_CACHE=str(wished))
    assert found.folder.parent == tmp_path / "temporary"
    assert os.strerror(number).lower() in found.problem


def test_a_full_disk_that_holds_the_kernels_already_serves(tmp_path, monkeypatch):
    kept = tmp_path / "full" / "kernels-game-0" / "a"
    kept.mkdir(parents=True, mode=0o700)
    (tmp_path / "full").chmod(0o700)
    (kept / "a.nbc").write_bytes(bytes(cache.ROOM_BYTES // 2))

    def refuse(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(cache.os, "posix_fallocate", refuse)
    assert found_in(tmp_path, AZUL_TUI_CACHE=str(tmp_path / "full")).problem == ""


def test_where_others_can_write_a_part_of_its_own_is_used(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    found = found_in(tmp_path, AZUL_TUI_CACHE=str(shared))
    assert found == CachePlace(shared / f"user-{os.geteuid()}", "", True)
    found.folder.chmod(0o777)
    assert found_in(tmp_path, AZUL_TUI_CACHE=str(shared)).folder.parent == tmp_path / "temporary"


@pytest.mark.parametrize("trap", ["link", "open", "file"])
def test_a_temporary_folder_that_a_stranger_prepared_is_not_used(
    tmp_path, temporary, monkeypatch, trap
):
    monkeypatch.setattr(cache, "_TEMPORARY", (str(tmp_path / "second"),))
    (tmp_path / "second").mkdir()
    name = f"azul-tui-{os.geteuid()}"
    if trap == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        (temporary / name).symlink_to(tmp_path / "elsewhere")
    elif trap == "open":
        (temporary / name).mkdir()
        (temporary / name).chmod(0o777)
    else:
        (temporary / name).write_text("")
    assert found_in(tmp_path, AZUL_TUI_CACHE="/proc/none").folder == tmp_path / "second" / name


@as_root
def test_root_leaves_the_home_of_somebody_else_alone(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 12345, 12345)
    found = find_cache({"HOME": str(home), "TMPDIR": str(tmp_path / "temporary")})
    assert found.folder.parent == tmp_path / "temporary"
    assert "belongs to another user" in found.problem
    assert list(home.iterdir()) == []
    named = home / "named"
    assert found_in(tmp_path, AZUL_TUI_CACHE=str(named)).folder == named


@as_root
def test_the_folder_of_another_user_is_never_loaded_from(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 12345, 12345)
    found = found_in(tmp_path, AZUL_TUI_CACHE=str(theirs))
    assert found.folder == theirs / "user-0", "root may write there, but not read what is there"
    assert found.folder.stat().st_uid == 0


def test_the_problem_is_told_once_by_a_process_and_those_it_starts(tmp_path):
    program = (
        "import os, subprocess, sys\n"
        "from azul_tui.runs.cache import cache_place, tell_once\n"
        "tell_once(cache_place().problem)\n"
        "tell_once(cache_place().problem)\n"
        "print(cache_place().folder, flush=True)\n"
        "if len(sys.argv) == 1:\n"
        "    sys.exit(subprocess.call([sys.executable, __file__, 'child'], cwd='/'))\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "AZUL_TUI_CACHE": "program.py", "TMPDIR": str(tmp_path)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr.count("cannot be used") == 1
    assert done.stdout.split() == 2 * [str(tmp_path / f"azul-tui-{os.geteuid()}")]
