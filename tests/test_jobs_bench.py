"""The benchmark: every candidate is listed beside what "auto" makes of them."""

from __future__ import annotations

import torch
from heard_job import HeardJob

from azul_tui.jobs.bench import measure_inference, measure_steps
from azul_tui.network.compute import inference_candidates, precisions_to_try
from azul_tui.network.model import describe_network

CPU = torch.device("cpu")


def test_every_way_to_evaluate_and_every_number_format_of_a_step_is_listed(tmp_path):
    context = HeardJob("bench", tmp_path, repetitions=1).context
    threads = torch.get_num_threads()
    try:
        figures = measure_inference(context, ("small",)) | measure_steps(context, (64,))
    finally:
        torch.set_num_threads(threads)
    for batch in (32, 64, 256):
        for candidate in inference_candidates(describe_network("small"), CPU):
            assert figures.pop(f"evals_per_s_small_{batch}_{candidate.name}") > 0.0
    for precision in precisions_to_try("auto", CPU):
        assert figures.pop(f"step_ms_64_{precision}") > 0.0
    assert figures.pop("step_over_bare_64") > 0.0
    for ratio in ("inference_small", "step_64"):
        assert 0.0 < figures.pop(f"auto_over_best_{ratio}") <= 1.0
    assert not figures


def test_figures_are_printed_recorded_and_kept(tmp_path):
    heard = HeardJob("bench", tmp_path, repetitions=1, only=("playouts",)).run()
    (record,) = heard.records
    assert record["name"] == "playouts_per_s" and record["value"] > 0.0
    assert heard.result["figures"] == {"playouts_per_s": record["value"]}
    assert "playouts_per_s" in (tmp_path / "bench.jsonl").read_text()
