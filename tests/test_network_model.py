"""AzulNetwork: sizes, ranges, legality, and a row that knows nothing of others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from azul_tui.errors import ConfigError, GameError
from azul_tui.game.constants import action_count, observation_size, value_count
from azul_tui.game.observation import observation_scales, write_observation
from azul_tui.game.state import GameState
from azul_tui.network import NETWORK_PRESETS, NetworkDescription, create_azul_network
from azul_tui.network.model import ILLEGAL_LOGIT, describe_network, normalised
from azul_tui.training.training_step import random_samples


def observations(players: int, count: int, seed: int = 0) -> torch.Tensor:
    states, _, _ = random_samples(players, count, seed)
    rows = np.zeros((count, observation_size(players)), np.int8)
    for state, row in zip(states, rows, strict=True):
        write_observation(state, row)
    return torch.from_numpy(rows)


def test_the_small_network_has_the_parameters_that_its_layers_say():
    features, trunk = 256 * 256 + 256, 256 * 256 + 256
    policy = 256 * 128 + 128 + 128 * 180 + 180
    value = 256 * 128 + 128 + 128 * 64 + 64 + 64 + 1
    network = create_azul_network("small")
    assert network.parameter_count == features + trunk + policy + value == 228_917


@pytest.mark.parametrize(
    ("preset", "players"),
    [("small", 2), ("small", 3), ("small", 4), ("medium", 2), ("large", 2), ("deep", 2)],
)
def test_sizes_and_ranges(preset: str, players: int):
    network = create_azul_network(preset, players).eval()
    layers = [network.first_layer, *network.trunk_layers]
    assert tuple(layer.out_features for layer in layers) == NETWORK_PRESETS[preset]
    states = observations(players, 16)
    logits, value = network.forward_with_logits(states)
    assert logits.shape == (16, action_count(players))
    assert value.shape == (16, value_count(players))
    assert logits.dtype == value.dtype == torch.float32
    assert value.abs().max() <= 1.0
    policy, _ = network(states)
    torch.testing.assert_close(policy.sum(dim=1), torch.ones(16))
    legal = network.legal_actions(states)
    assert policy[~legal].max() == 0.0
    assert (policy * legal.sum(dim=1, keepdim=True)).max() < 3.0, "nearly undecided at first"
    assert all(map(torch.equal, (logits, value), network.forward_with_logits(states.float())))


@pytest.mark.parametrize("players", [2, 3, 4])
def test_the_mask_is_the_legal_distinct_moves(players: int):
    network = create_azul_network("small", players)
    states, _, _ = random_samples(players, 120, seed=3)
    mask = network.legal_actions(observations(players, 120, seed=3)).numpy()
    for state, row in zip(states, mask, strict=True):
        legal = GameState(state).legal_actions(distinct=True)
        assert sorted(legal) == list(np.flatnonzero(row))
    logits, _ = network.forward_with_logits(observations(players, 120, seed=3))
    assert (logits.detach().numpy()[~mask] == ILLEGAL_LOGIT).all()


def test_an_afterstate_without_legal_moves_stays_finite():
    states = torch.zeros(3, observation_size(2), dtype=torch.int8)
    logits, value = create_azul_network("small").forward_with_logits(states)
    assert torch.isfinite(torch.log_softmax(logits, dim=1)).all()
    assert torch.isfinite(value).all()


def test_the_network_multiplies_by_the_scales_itself():
    network = create_azul_network("small").eval()
    states = observations(2, 4)
    seen: list[torch.Tensor] = []
    hook = network.first_layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network.forward_with_logits(states)
    hook.remove()
    torch.testing.assert_close(seen[0], states * torch.from_numpy(observation_scales(2)))


def test_normalised_is_an_rms_norm_of_the_relu_and_has_its_gradient():
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(5, 64, generator=generator, dtype=torch.float64, requires_grad=True)
    expected = torch.nn.functional.rms_norm(torch.relu(hidden), (64,), eps=1e-6)
    torch.testing.assert_close(normalised(hidden), expected)
    weights = torch.randn(5, 64, generator=generator, dtype=torch.float64)
    (mine,) = torch.autograd.grad((normalised(hidden) * weights).sum(), hidden)
    (theirs,) = torch.autograd.grad((expected * weights).sum(), hidden)
    torch.testing.assert_close(mine, theirs)
    assert torch.isfinite(normalised(torch.zeros(2, 8))).all()


def test_dropout_is_off_by_default_and_only_in_training():
    states = observations(2, 4)
    plain = create_azul_network("small").train()
    assert torch.equal(plain(states)[0], plain(states)[0])
    dropping = create_azul_network("small", dropout=0.5)
    assert not torch.equal(dropping.train()(states)[0], dropping(states)[0])
    assert torch.equal(dropping.eval()(states)[0], dropping(states)[0])


def test_a_seed_decides_the_weights():
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        states.append(create_azul_network("small").state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_unknown_sizes_are_refused_by_name():
    with pytest.raises(ConfigError, match='small, medium, large, deep, got "tiny"'):
        create_azul_network("tiny")
    with pytest.raises(GameError):
        create_azul_network("small", players=5)
    with pytest.raises(ConfigError, match="dropout"):
        create_azul_network("small", dropout=1.0)


@pytest.mark.parametrize(
    "damage",
    [
        {"players": 7},
        {"players": True},
        {"widths": []},
        {"widths": [256, 10**9]},
        {"widths": [256] * 1000},
        {"widths": ["256"]},
        {"policy_width": -1},
        {"value_widths": [64]},
        {"dropout": "a lot"},
        {"dropout": float("nan")},
        {"preset": None},
        {"source_width": 64},  # of an earlier version, as the next
        {"margin": True},
    ],
)
def test_a_damaged_description_is_refused(damage: dict[str, object]):
    description = describe_network("deep", 3, 0.1)
    assert NetworkDescription.from_dict(description.as_dict()) == description
    fields = {**description.as_dict(), **damage}
    with pytest.raises((ConfigError, GameError)):
        NetworkDescription.from_dict(fields)
