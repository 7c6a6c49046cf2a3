"""Compiling once and for all, and the arithmetic that kernels rely on."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game import kernel as kernels
from azul_tui.game.kernel import cache_root, small
from azul_tui.game.packed import present, read_five, sum_of_five

CODE = (
    "import numpy as np; from azul_tui.game.random import mix; from azul_tui.game import kernel;"
    "print(kernel.is_compiled('game')); print(int(mix(np.uint64(1))))"
)


def run_python(code, folder):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "AZUL_TUI_CACHE": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()


def files_in(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}


def test_a_kernel_is_compiled_once_and_then_read_from_the_disk(tmp_path):
    first, value = run_python(CODE, tmp_path)
    written = files_in(tmp_path)
    assert first == "False"
    assert written, "compiled code is kept in the folder that AZUL_TUI_CACHE names"
    assert run_python(CODE, tmp_path) == ["True", value]
    assert files_in(tmp_path) == written


def test_the_folder_of_compiled_code_changes_with_any_source_it_may_come_from(
    tmp_path, monkeypatch
):
    package = tmp_path / "azul_tui"
    for room in ("game", "search", "players"):
        (package / room).mkdir(parents=True)
        (package / room / "a.py").write_text("one = 1\n")
    monkeypatch.setattr(kernels, "__file__", str(package / "game" / "kernel.py"))
    folders = kernels._cache_folder.__wrapped__  # the function behind functools.cache
    before = {room: folders(room) for room in ("game", "search", "players")}
    (package / "search" / "a.py").write_text("one = 2\n")
    after = {room: folders(room) for room in ("game", "search", "players")}
    assert after["game"] == before["game"], "the rules are not compiled from the search"
    assert after["search"] != before["search"]
    assert after["players"] != before["players"]
    (package / "game" / "b.py").write_text("")
    assert folders("game") != before["game"]
    assert folders("search") != after["search"]


@pytest.mark.parametrize(
    ("platform", "environment", "place"),
    [
        ("linux", {"AZUL_TUI_CACHE": "/some/where"}, "/some/where"),
        ("linux", {"XDG_CACHE_HOME": "/caches"}, "/caches/azul-tui"),
        ("linux", {}, "HOME/.cache/azul-tui"),
        ("darwin", {}, "HOME/Library/Caches/azul-tui"),
    ],
)
def test_compiled_code_lies_where_caches_lie(monkeypatch, platform, environment, place):
    for name in ("AZUL_TUI_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert str(cache_root()) == place.replace("HOME", str(Path.home()))


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
