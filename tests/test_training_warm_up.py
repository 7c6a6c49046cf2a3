"""Compiling is told when it happens, whatever the cache looked like."""

import numba

from azul_tui.training import run_compute


def compile_something(players: int) -> None:
    assert numba.njit(lambda: players)() == players


def told_of(monkeypatch, *stages):
    told: list[tuple[int, int, str]] = []
    named = tuple(zip(("rules", "search", "network"), stages, strict=False))
    monkeypatch.setattr(run_compute, "STAGES", named)
    seconds = iter(range(100))
    took = run_compute.compile_kernels(
        2, lambda done, total, name, _: told.append((done, total, name)), lambda: next(seconds)
    )
    assert took > 0
    return told


def load(_players: int) -> None:
    """Everything is there."""


def test_an_empty_cache_is_told_from_the_first_stage_on(monkeypatch):
    told = told_of(monkeypatch, compile_something, compile_something)
    assert told == [(0, 2, "rules"), (1, 2, "search"), (2, 2, "done")]


def test_a_full_cache_is_not_mentioned_however_long_it_loads(monkeypatch):
    assert told_of(monkeypatch, load) == []
    assert run_compute.compile_kernels(2, print) > 0  # the real ones may be compiled here
    told = []
    run_compute.compile_kernels(2, lambda *report: told.append(report))
    assert told == [], "compiled a moment ago"


def test_what_a_new_release_changed_is_told_from_its_stage_on(monkeypatch):
    told = told_of(monkeypatch, load, compile_something, load)
    assert told == [(1, 3, "search"), (2, 3, "network"), (3, 3, "done")]
