"""Compiling once and for all, and the arithmetic that kernels rely on."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game import kernel as kernels
from azul_tui.game.kernel import small
from azul_tui.game.rules import present, read_five, sum_of_five

CODE = (
    "import numpy as np; from azul_tui.game.random import mix; from azul_tui.game import kernel;"
    "print(kernel.is_compiled('game'), int(mix(np.uint64(1))))"
)
MIXED = "6238072747940578789"


def run_python(code, cache, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "AZUL_TUI_CACHE": str(cache), **environment},
        check=True,
        capture_output=True,
        text=True,
    )


DAMAGES = {
    "zeros": lambda data: bytes(len(data) - 40),
    "noise": lambda data: data[: len(data) // 2] + bytes(range(256)) + data[len(data) // 2 + 256 :],
}


def test_a_kernel_is_compiled_once_and_read_from_the_disk_unless_that_is_damaged(tmp_path):
    def files():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}

    assert run_python(CODE, tmp_path).stdout.split() == ["False", MIXED]
    written = files()
    assert written, "compiled code is kept in the folder that AZUL_TUI_CACHE names"
    assert run_python(CODE, tmp_path).stdout.split() == ["True", MIXED]
    assert files() == written
    for number, damage in enumerate(DAMAGES.values()):
        for file in tmp_path.rglob("*.nbi" if number % 2 else "*.nbc"):
            file.write_bytes(damage(file.read_bytes()))
        assert run_python(CODE, tmp_path).stdout.split()[1] == MIXED
    written = files()
    assert run_python(CODE, tmp_path).stdout.split() == ["True", MIXED]
    assert files() == written


def test_the_folder_of_compiled_code_changes_with_any_source_it_may_come_from(
    tmp_path, monkeypatch
):
    package = tmp_path / "azul_tui"
    for room in ("game", "search", "players"):
        (package / room).mkdir(parents=True)
        (package / room / "a.py").write_text("one = 1\n")
    monkeypatch.setattr(kernels, "__file__", str(package / "game" / "kernel.py"))
    folders = kernels._room_folder.__wrapped__  # the function behind functools.cache
    before = {room: folders(room) for room in ("game", "search", "players")}
    (package / "search" / "a.py").write_text("one = 2\n")
    after = {room: folders(room) for room in ("game", "search", "players")}
    assert after["game"] == before["game"], "the rules are not compiled from the search"
    assert after["search"] != before["search"]
    assert after["players"] != before["players"]
    (package / "game" / "b.py").write_text("")
    assert folders("game") != before["game"]
    assert folders("search") != after["search"]


USER = """
import sys, threading
from pathlib import Path

from numba import njit

{before}

@njit(cache=True)
def doubled(number):
    return 2 * number

doubled(4)
import numba

print(numba.config.CACHE_DIR or "unset", numba.config.CACHE_LOCATOR_CLASSES or "unset")
print(doubled.stats.cache_path)
"""
OURS = (
    "import numpy as np; from azul_tui.game.random import derive; print(derive(np.uint64(4), 1, 1))"
)


@pytest.mark.parametrize("chosen", [None, "theirs"])
def test_a_kernel_of_the_user_s_own_is_kept_where_it_would_be_without_us(tmp_path, chosen):
    told = []
    for name, before in (("with.py", OURS), ("without.py", "")):
        script = tmp_path / name
        script.write_text(USER.format(before=before))
        environment = {**os.environ, "AZUL_TUI_CACHE": str(tmp_path / "ours")}
        environment.pop("NUMBA_CACHE_DIR", None)
        if chosen:
            environment["NUMBA_CACHE_DIR"] = str(tmp_path / chosen)
        done = subprocess.run(
            [sys.executable, script], env=environment, check=True, capture_output=True, text=True
        )
        told.append(done.stdout.splitlines()[-2:])
    assert told[0] == told[1]
    assert list((tmp_path / (chosen or "__pycache__")).rglob("with.doubled-*.nbc"))
    assert not list((tmp_path / "ours").rglob("*doubled*"))


THREADS = """
import sys, threading
from numba import njit

done = threading.Event()
places = set()

def declare():
    while not done.is_set():
        places.add(njit(cache=True)(lambda number: number).stats.cache_path)

sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=declare, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
import azul_tui.search.search, azul_tui.players.planner
done.set()
for thread in threads:
    thread.join()
print(len(places), places.pop())
"""


def test_a_kernel_declared_in_another_thread_while_ours_are_is_kept_by_numba(tmp_path):
    script = tmp_path / "threads.py"
    script.write_text(THREADS)
    environment = {**os.environ, "AZUL_TUI_CACHE": str(tmp_path / "ours")}
    environment.pop("NUMBA_CACHE_DIR", None)
    told = subprocess.run(
        [sys.executable, script], env=environment, check=True, capture_output=True, text=True
    ).stdout.split()
    assert told == ["1", str(tmp_path / "__pycache__")]


FULL = """
import errno
from numba.core.caching import IndexDataCacheFile

def full(*_):
    raise OSError(errno.{fault}, "the fault of a test")

IndexDataCacheFile.save = full
"""


@pytest.mark.parametrize("fault", ["ENOSPC", "EACCES"])
def test_code_that_cannot_be_kept_is_used_all_the_same_and_that_is_said_once(tmp_path, fault):
    done = run_python(FULL.format(fault=fault) + OURS + "\n" + CODE, tmp_path)
    assert done.stdout.split()[1:] == ["False", MIXED]
    assert done.stderr.count("compiled code cannot be kept") == 1
    assert "AZUL_TUI_CACHE" in done.stderr


def test_nothing_is_kept_where_the_cache_is_off(tmp_path):
    done = run_python(CODE, "off", HOME=str(tmp_path))
    assert (done.stdout.split(), done.stderr) == (["False", MIXED], "")
    assert list(tmp_path.iterdir()) == []


@given(st.integers(0, 1023))
def test_a_small_number_is_itself(value):
    assert small(value) == value


@given(st.lists(st.integers(0, 50), min_size=12, max_size=12), st.integers(0, 7))
def test_five_counts_are_read_and_summed_at_once(counts, at):
    five = counts[at : at + 5]
    packed = read_five(np.array(counts, np.int8), at)
    assert packed == sum(count << (8 * place) for place, count in enumerate(five))
    flags = [int(present(packed)) >> (8 * place) & 255 for place in range(5)]
    assert flags == [int(count > 0) for count in five]
    assert sum_of_five(packed) == sum(five)
