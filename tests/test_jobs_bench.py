"""The benchmark: what "auto" makes of every candidate."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import torch

from azul_tui.jobs.bench import measure_inference, measure_steps
from azul_tui.network.compute import inference_candidates, precisions_to_try
from azul_tui.network.model import describe_network

CPU = torch.device("cpu")
CONTEXT = cast("Any", SimpleNamespace(integer=lambda name: 1))


def test_every_way_to_evaluate_is_listed_and_auto_is_near_the_best():
    """Within a tenth: the benchmark itself, which measures five times as long, promises 0.95."""
    figures = measure_inference(CONTEXT)
    for preset in ("small", "medium"):
        for batch in (32, 64, 256):
            for candidate in inference_candidates(describe_network(preset), CPU):
                assert figures.pop(f"evals_per_s_{preset}_{batch}_{candidate.name}") > 0.0
        assert 0.9 < figures.pop(f"auto_over_best_inference_{preset}") <= 1.0
    assert not figures


def test_every_number_format_of_a_step_is_listed_and_auto_is_near_the_best():
    threads = torch.get_num_threads()
    try:
        figures = measure_steps(CONTEXT)
    finally:
        torch.set_num_threads(threads)
    for batch in (64, 1024):
        for precision in precisions_to_try("auto", CPU):
            assert figures.pop(f"step_ms_{batch}_{precision}") > 0.0
        assert figures.pop(f"step_over_bare_{batch}") > 0.5
        assert 0.9 < figures.pop(f"auto_over_best_step_{batch}") <= 1.0
    assert not figures
