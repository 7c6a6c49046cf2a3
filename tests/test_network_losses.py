"""The losses: golden values that anyone can derive, and the traps."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.errors import ConfigError
from azul_tui.network.losses import (
    LossFunctions,
    policy_cross_entropy_loss,
    value_mse_loss,
)


def test_a_network_that_knows_nothing_pays_log_of_the_action_count():
    loss = policy_cross_entropy_loss(torch.zeros(4, 180), torch.eye(180)[:4])
    assert loss.item() == pytest.approx(math.log(180))


def test_a_certain_and_right_network_pays_nothing_and_a_wrong_one_its_margin():
    logits = torch.tensor([[50.0, 0.0, 0.0]])
    right, wrong = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    assert policy_cross_entropy_loss(logits, right).item() == pytest.approx(0.0, abs=1e-6)
    assert policy_cross_entropy_loss(logits, wrong).item() == pytest.approx(50.0)


def test_the_loss_is_least_where_the_policies_agree_and_is_then_the_entropy():
    target = torch.softmax(torch.randn(6, 30, generator=torch.Generator().manual_seed(0)), dim=1)
    agreeing = policy_cross_entropy_loss(target.log(), target)
    entropy = -(target * target.log()).sum(dim=1).mean()
    assert agreeing.item() == pytest.approx(entropy.item(), abs=1e-6)
    assert policy_cross_entropy_loss(target.log() + torch.randn(6, 30), target) > agreeing


@given(st.floats(0.05, 20.0))
def test_a_temperature_divides_the_logits(temperature: float):
    logits = torch.tensor([[0.3, -1.0, 2.0]])
    target = torch.tensor([[0.2, 0.5, 0.3]])
    scaled = policy_cross_entropy_loss(logits / temperature, target)
    assert policy_cross_entropy_loss(logits, target, temperature).item() == pytest.approx(
        scaled.item(), rel=1e-5
    )


def test_rows_without_a_policy_add_nothing_and_do_not_thin_the_mean():
    target = torch.zeros(4, 10)
    target[1, 3] = 1.0
    assert policy_cross_entropy_loss(torch.zeros(4, 10), target).item() == pytest.approx(
        math.log(10)
    )
    assert policy_cross_entropy_loss(torch.zeros(4, 10), torch.zeros(4, 10)).item() == 0.0


def test_masked_logits_leave_loss_and_gradient_finite_at_any_temperature():
    logits = torch.randn(8, 180).masked_fill(torch.rand(8, 180) < 0.8, -1e4).requires_grad_()
    target = torch.softmax(logits.detach(), dim=1)
    for temperature in (0.1, 2.0):
        loss = policy_cross_entropy_loss(logits, target, temperature)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


def test_a_column_against_a_row_is_the_same_and_never_a_square():
    """`(B, 1)` minus `(B,)` would be `(B, B)`: 1.0 here instead of 0.0."""
    values = torch.tensor([-1.0, 1.0])
    for predicted in (values, values.unsqueeze(1)):
        for target in (values, values.unsqueeze(1)):
            assert value_mse_loss(predicted, target).item() == 0.0
            assert value_mse_loss(predicted, target / 2).item() == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("loss", "first", "second"),
    [
        *((value_mse_loss, a, b) for a, b in (((4, 1), (3, 1)), ((4, 3), (4,)), ((4, 1), (1, 4)))),
        *((policy_cross_entropy_loss, a, b) for a, b in (((4, 9), (4, 1)), ((9,), (9,)))),
    ],
)
def test_other_shapes_are_refused(loss, first: tuple[int, ...], second: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"\(B, "):
        loss(torch.zeros(first), torch.zeros(second))


def test_the_combined_loss_weighs_its_parts():
    losses = LossFunctions(policy_weight=2.0, value_weight=0.5, temperature=1.0)
    logits, target = torch.zeros(3, 180), torch.eye(180)[:3]
    total, policy, value = losses.combined_loss(logits, torch.ones(3, 1), target, torch.zeros(3, 1))
    assert policy.item() == pytest.approx(math.log(180))
    assert value.item() == pytest.approx(1.0)
    assert total.item() == pytest.approx(2.0 * math.log(180) + 0.5)


@pytest.mark.parametrize("wrong", [{"policy_weight": -1.0}, {"temperature": 0.0}])
def test_losses_that_are_none_are_refused(wrong: dict[str, float]):
    with pytest.raises(ConfigError):
        LossFunctions(**wrong)
