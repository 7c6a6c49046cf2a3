"""What a CUDA device has to do like the processor; `make gpu-check` runs these on one.

Differences are bounded, not zero: a GPU adds in another order. Weights are those of a decided
network, whose logits differ by tens, so that a wrong layout cannot hide below a bound.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_network_evaluator import inference_error, network
from tiny_training import records, resume, tiny, train

from azul_tui.game.constants import observation_size
from azul_tui.network import NetworkEvaluator
from azul_tui.training.learner import Learner
from azul_tui.training.self_play import InlineExecutor, SelfPlayTask
from azul_tui.training.workers import compute_of

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here"),
]

LARGEST_ERROR = {"float32": (2e-4, 1e-4), "bfloat16": (0.12, 0.08)}
"""Of a legal logit and of a value against float32 on the processor."""


@pytest.mark.parametrize("precision", LARGEST_ERROR)
@pytest.mark.parametrize(("preset", "players"), [("small", 2), ("large", 2), ("medium", 4)])
def test_inference_on_cuda_agrees_with_the_processor(preset, players, precision):
    made = network(preset, players)
    drawn = np.random.default_rng(0).integers(0, 3, (256, observation_size(players)), np.int8)
    evaluator = NetworkEvaluator(made, 256, "cuda", precision)
    for _ in range(3):  # a graph is replayed, into memory that is used again
        error = inference_error(evaluator, made, drawn)
        largest = LARGEST_ERROR[precision]
        assert error.legal_logit < largest[0] and error.value < largest[1]


@torch.inference_mode()
def test_a_captured_graph_says_what_the_same_network_says_eagerly():
    made = network("small")
    drawn = np.random.default_rng(1).integers(0, 3, (64, observation_size(2)), np.int8)
    logits, values = NetworkEvaluator(made, 64, "cuda", "float32")(drawn)
    made.cuda()
    eager_logits, eager_values = made.unmasked_logits(torch.from_numpy(drawn).cuda())
    assert np.abs(logits - eager_logits.cpu().numpy()).max() < 2e-4
    assert np.abs(values - eager_values.cpu().numpy()).max() < 1e-4


def test_new_weights_reach_a_captured_graph():
    first, second = network(seed=0), network(seed=1)
    drawn = np.random.default_rng(2).integers(0, 3, (64, observation_size(2)), np.int8)
    evaluator = NetworkEvaluator(first, 64, "cuda", "float32")
    evaluator.load_network(second)
    assert inference_error(evaluator, second, drawn).legal_logit < 2e-4


def learner_on(device, precision="float32"):
    """A learner of a tiny run with some games in its buffer, the same on every device."""
    config = tiny(dropout=0.0, device=device, training_precision=precision, seed=3)
    made = Learner(config, compute_of(config, threads=1))
    weights = {name: tensor.cpu() for name, tensor in made.model.state_dict().items()}
    batch = InlineExecutor().play(SelfPlayTask(np.arange(6), config.replace(device="cpu")), weights)
    made.buffer.add(batch.states, batch.policies, batch.outcomes)
    return made, config


@pytest.mark.parametrize(("precision", "bound"), [("float32", 1e-3), ("bfloat16", 0.05)])
def test_training_steps_on_cuda_have_the_losses_of_the_processor(precision, bound):
    losses = {}
    for device in ("cpu", "cuda"):
        learner, config = learner_on(device, precision if device == "cuda" else "float32")
        losses[device] = [learner.train(1, config, lambda _: None)["total_loss"] for _ in range(8)]
    assert np.allclose(losses["cuda"], losses["cpu"], atol=bound, rtol=0.0)


def test_a_run_goes_from_cuda_to_the_processor_and_back(tmp_path):
    for iterations, device in ((1, "cuda"), (2, "cpu"), (3, "cuda")):
        config = tiny(device=device, max_iterations=iterations)
        result = (train if iterations == 1 else resume)(tmp_path / "run", config)
        assert result["iterations"] == iterations
    steps = records(tmp_path / "run", "step")
    assert [step["iteration"] for step in steps] == sorted(step["iteration"] for step in steps)
    assert all(np.isfinite(step["total_loss"]) for step in steps)


def test_a_run_on_cuda_that_is_resumed_ends_where_an_uninterrupted_one_does(tmp_path):
    train(tmp_path / "whole", tiny(device="cuda"))
    train(tmp_path / "parts", tiny(device="cuda", max_iterations=2))
    resume(tmp_path / "parts", tiny(device="cuda"))
    whole, parts = (records(tmp_path / name, "step")[-1] for name in ("whole", "parts"))
    assert (whole["step"], whole["iteration"]) == (parts["step"], parts["iteration"])
    assert parts["total_loss"] == pytest.approx(whole["total_loss"], abs=0.05)


def test_the_preset_for_gpus_starts_on_one(tmp_path):
    from azul_tui.config import find_preset, load_config

    config = load_config(find_preset("gpu")).replace(
        max_iterations=1,
        self_play_games_per_iteration=64,
        self_play_workers=2,
        parallel_games=32,
        mcts_simulations=4,
        training_steps_per_iteration=4,
        batch_size=256,
        buffer_capacity=20_000,
        min_buffer_size=1_000,
        eval_frequency=0,
    )
    assert train(tmp_path / "run", config)["iterations"] == 1
