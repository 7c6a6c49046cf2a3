"""NetworkEvaluator: as near to the network as its number format allows, row by row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch

from azul_tui.errors import ConfigError
from azul_tui.game.constants import observation_size
from azul_tui.network import (
    AzulNetwork,
    NetworkDescription,
    NetworkEvaluator,
    create_azul_network,
    resolve_device,
)
from azul_tui.network.amx import has_tiles, tiles_of
from azul_tui.network.compute import inference_candidates, precisions_to_try
from azul_tui.network.inference import DeviceInference
from azul_tui.network.vectors import PANEL, panels_of

CPU = torch.device("cpu")
FORMATS = ("float32", "vectors", "bfloat16", "tiles")
"""Two of float32 and two of bfloat16, the latter one kernel each."""
LARGEST_ERROR = {
    "float32": (2e-5, 1e-5),
    "vectors": (2e-5, 1e-5),
    "bfloat16": (0.08, 0.05),
    "tiles": (0.08, 0.05),
}
"""Of a legal logit and of a value, for the weights that `network` makes."""


class InferenceError(NamedTuple):
    """Largest differences between an evaluator and its network in float32."""

    legal_logit: float
    value: float


@torch.inference_mode()
def inference_error(evaluator, network, observations) -> InferenceError:
    """How far the evaluator's results are from the network's own on `(B, F)` observations."""
    logits, values = evaluator(observations)
    states = torch.from_numpy(observations)
    exact_logits, exact_values = network.unmasked_logits(states)
    legal = network.legal_actions(states).numpy()
    assert legal.any(axis=1).all()
    return InferenceError(
        float(np.abs(logits - exact_logits.numpy())[legal].max()),
        float(np.abs(values - exact_values.numpy()).max()),
    )


def evaluator_of(made: AzulNetwork, batch_size: int, form: str) -> NetworkEvaluator:
    """An evaluator of one form, whatever this machine would choose."""
    if form == "tiles" and not has_tiles():
        pytest.skip("this processor has no AMX")
    precision = {"tiles": "bfloat16", "vectors": "float32"}.get(form, form)
    implementation = {"tiles": "amx", "vectors": "vectors"}.get(form, "folded")
    return NetworkEvaluator(made, batch_size, "cpu", precision, implementation)


def network(preset: str = "small", players: int = 2, seed: int = 0) -> AzulNetwork:
    """Weights of a decided network: policies and values far from their start."""
    torch.manual_seed(seed)
    made = create_azul_network(preset, players).eval()
    with torch.no_grad():
        made.policy_output.weight.mul_(10.0)
        made.value_output.weight.mul_(10.0)
        for name, parameter in made.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0.0, 0.3)
    return made


def observations(count: int, players: int = 2, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, 4, (count, observation_size(players)))
    return (rows * generator.integers(0, 2, rows.shape)).astype(np.int8)


@pytest.mark.parametrize("precision", FORMATS)
@pytest.mark.parametrize(
    ("preset", "players"),
    [("small", 2), ("deep", 3), ("medium", 4)],
)
def test_results_are_those_of_the_network(precision: str, preset: str, players: int):
    made = network(preset, players)
    evaluator = evaluator_of(made, 64, precision)
    error = inference_error(evaluator, made, observations(64, players))
    logit, value = LARGEST_ERROR[precision]
    assert error.legal_logit < logit
    assert error.value < value


@pytest.mark.parametrize("precision", FORMATS)
@pytest.mark.parametrize("batch_size", [1, 24, 100])
def test_a_row_depends_on_nothing_but_itself(precision: str, batch_size: int):
    """Bit for bit: other rows, the place among them, and what was there before."""
    evaluator = evaluator_of(network(), batch_size, precision)
    rows = observations(batch_size)
    results = evaluator(rows)
    logits, values = (array.copy() for array in results)
    assert all(map(np.array_equal, evaluator(rows), (logits, values)))
    assert evaluator(rows)[0] is results[0] and logits.dtype == values.dtype == np.float32
    generator = np.random.default_rng(1)
    order = generator.permutation(batch_size)
    moved_logits, moved_values = evaluator(rows[order])
    assert np.array_equal(moved_logits, logits[order])
    assert np.array_equal(moved_values, values[order])
    for place in generator.integers(0, batch_size, 3):
        others = observations(batch_size, seed=2)
        others[place] = rows[0]
        other_logits, other_values = evaluator(others)
        assert np.array_equal(other_logits[place], logits[0])
        assert np.array_equal(other_values[place], values[0])


@pytest.mark.parametrize("precision", FORMATS)
def test_new_weights_are_taken_and_old_ones_are_not_watched(precision: str):
    first, second = network(seed=1), network(seed=2)
    evaluator = evaluator_of(first, 16, precision)
    rows = observations(16)
    before = evaluator(rows)[0].copy()
    with torch.no_grad():
        first.first_layer.weight.zero_()
    assert np.array_equal(evaluator(rows)[0], before)
    evaluator.load_weights(second.state_dict())
    fresh = evaluator_of(second, 16, precision)
    assert np.array_equal(evaluator(rows)[0], fresh(rows)[0])
    assert not np.array_equal(evaluator(rows)[0], before)


@pytest.mark.parametrize("form", ["vectors", "tiles"])
def test_in_one_kernel_the_batch_size_does_not_matter_either(form: str):
    rows = observations(100)
    logits, values = (array.copy() for array in evaluator_of(network(), 100, form)(rows))
    for size in (1, 31, 33, 64, 65):
        some, some_values = evaluator_of(network(), size, form)(rows[:size])
        assert np.array_equal(some, logits[:size])
        assert np.array_equal(some_values, values[:size])


def test_tiles_hold_every_weight_where_the_processor_looks_for_it():
    """Tile (outputs, inputs) has in its row r, for each output, the inputs 2r and 2r + 1."""
    weight = np.arange(64 * 32, dtype=np.float32).reshape(64, 32) % 256
    tiles = torch.from_numpy(tiles_of(weight)).view(torch.bfloat16).float().numpy()
    tiles = tiles.reshape(4, 1, 16, 16, 2)
    for output, number in ((0, 0), (17, 5), (63, 31)):
        assert (
            tiles[output // 16, 0, number // 2, output % 16, number % 2] == weight[output, number]
        )
    padded = tiles_of(np.ones((40, 33), np.float32))
    assert np.count_nonzero(padded) == 40 * 33
    assert padded.size == 64 * 64


def test_panels_hold_every_weight_where_the_kernel_looks_for_it():
    """Panel (outputs) has in its row r the weights of input r, one for each output."""
    weight = np.arange(64 * 48, dtype=np.float32).reshape(64, 48)
    panels = panels_of(weight).reshape(64 // PANEL, 48, PANEL)
    for output, number in ((0, 0), (17, 5), (63, 47)):
        assert panels[output // PANEL, number, output % PANEL] == weight[output, number]
    padded = panels_of(np.ones((40, 33), np.float32))
    assert np.count_nonzero(padded) == 40 * 33
    assert padded.size == 64 * 33


def test_a_network_of_odd_widths_goes_without_tiles():
    torch.manual_seed(0)
    description = NetworkDescription(
        preset="odd", players=2, widths=(40, 40, 24), policy_width=24, value_widths=(16, 8)
    )
    made = AzulNetwork(description).eval()
    names = [each.implementation for each in inference_candidates(description, CPU)]
    assert not {"amx", "vectors"} & set(names)
    with pytest.raises(ConfigError, match="'amx' does not evaluate odd"):
        NetworkEvaluator(made, 8, "cpu", "bfloat16", "amx")
    evaluator = NetworkEvaluator(made, 8, "cpu", "bfloat16")
    assert inference_error(evaluator, made, observations(8)).legal_logit < 0.08


def test_a_device_takes_new_weights_into_the_memory_that_its_graph_reads():
    """The buffers for GPUs, on the processor, where there is no graph to capture."""
    first, second = network(seed=1), network(seed=2)
    inference = DeviceInference(first.description, CPU, torch.float32, 8)
    inference.load(first.state_dict())
    rows = observations(8)
    with torch.no_grad():
        expected = [made.unmasked_logits(torch.from_numpy(rows))[0] for made in (first, second)]
    logits, _ = inference(rows)
    torch.testing.assert_close(torch.from_numpy(logits), expected[0], rtol=1e-4, atol=1e-4)
    places = [tensor.data_ptr() for tensor in inference._weights.tensors()]
    inference.load(second.state_dict())
    assert [tensor.data_ptr() for tensor in inference._weights.tensors()] == places
    torch.testing.assert_close(
        torch.from_numpy(inference(rows)[0]), expected[1], rtol=1e-4, atol=1e-4
    )
    with torch.no_grad():
        second.first_layer.weight.zero_()
    torch.testing.assert_close(
        torch.from_numpy(inference(rows)[0]), expected[1], rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda: resolve_device("tpu"), ConfigError, "auto, cpu, cuda, mps"),
        (lambda: precisions_to_try("float64", CPU), ConfigError, "auto, float32, bfloat16"),
        (lambda: NetworkEvaluator(network(), 8, "cpu", "float16"), ConfigError, "auto, float32"),
        (
            lambda: NetworkEvaluator(network(), 8, "cpu", "float32", "graph"),
            ConfigError,
            "'graph' does not evaluate small",
        ),
        (lambda: NetworkEvaluator(network(), 0), ValueError, "at least 1"),
        (lambda: NetworkEvaluator(network(), 8)(observations(7)), ValueError, "int8"),
        (lambda: NetworkEvaluator(network(), 8)(observations(8) * 1.0), ValueError, "int8"),
        (lambda: NetworkEvaluator(network(), 8).load_network(network("medium")), ValueError, "not"),
    ],
)
def test_what_cannot_be_is_refused_in_words(wrong, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        wrong()
