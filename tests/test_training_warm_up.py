"""Compiling is told when it takes long, whatever the cache looked like."""

import threading

import pytest

from azul_tui.training import warm_up


def _run(monkeypatch: pytest.MonkeyPatch, stages, *, compiled: bool):
    told: list[tuple[int, int, str]] = []
    heard = threading.Event()

    def report(done: int, total: int, name: str, seconds: float) -> None:
        assert seconds >= 0.0
        told.append((done, total, name))
        heard.set()

    monkeypatch.setattr(warm_up, "PATIENCE_S", 0.05)
    monkeypatch.setattr(warm_up, "is_compiled", lambda _: compiled)
    monkeypatch.setattr(
        warm_up, "STAGES", tuple((name, lambda players, do=do: do(heard)) for name, do in stages)
    )
    warm_up.compile_kernels(2, report)
    return told


def test_an_empty_cache_is_told_from_the_first_stage_on(monkeypatch):
    stages = [("rules", lambda _: None), ("search", lambda _: None)]
    told = _run(monkeypatch, stages, compiled=False)
    assert told == [(0, 2, "rules"), (1, 2, "search"), (2, 2, "done")]


def test_a_full_cache_is_not_mentioned(monkeypatch):
    assert _run(monkeypatch, [("rules", lambda _: None)], compiled=True) == []


def test_a_stage_that_takes_long_is_told_while_it_lasts(monkeypatch):
    """A new release changed some kernels: the cache has others, so it looked full."""
    stages = [
        ("rules", lambda _: None),
        ("search", lambda heard: heard.wait(20.0)),
        ("network", lambda _: None),
    ]
    told = _run(monkeypatch, stages, compiled=True)
    assert told == [(1, 3, "search"), (2, 3, "network"), (3, 3, "done")]
