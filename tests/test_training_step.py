"""TrainingStep: it learns, it resumes bit for bit, and it stops when a loss is not finite."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from azul_tui.errors import CheckpointError, ConfigError, DivergedError
from azul_tui.network import LossFunctions, create_azul_network
from azul_tui.training.replay import ReplayBuffer
from azul_tui.training.training_step import (
    POSITIONS_AT_ONCE,
    BatchSampler,
    LearningRateSchedule,
    StepReport,
    TrainingStep,
    measure_training_steps,
    random_samples,
)

if TYPE_CHECKING:
    from azul_tui.network.model import AzulNetwork

POSITIONS = 300


@pytest.fixture(scope="module")
def buffer() -> ReplayBuffer:
    """Positions whose policy and outcome follow from what a network sees."""
    states, policies, outcomes = random_samples(2, POSITIONS, seed=0)
    decided = np.zeros_like(policies)
    decided[np.arange(POSITIONS), policies.argmax(axis=1)] = 1.0
    made = ReplayBuffer(POSITIONS)
    made.add(states, decided, np.sign(outcomes))
    return made


def make(buffer: ReplayBuffer, seed: int = 0, batch: int = 32, **settings: object) -> TrainingStep:
    torch.manual_seed(seed)
    dropout = settings.pop("dropout", 0.0)
    network = create_azul_network("small", dropout=dropout)
    return TrainingStep(network, BatchSampler(buffer, batch, seed=seed), **settings)


def weights(network: AzulNetwork) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_losses_fall_on_a_problem_that_can_be_learnt(buffer: ReplayBuffer, precision: str):
    step = make(buffer, batch=64, precision=precision)
    before = step.train_for_steps(5)
    step.train_for_steps(140)
    after = step.train_for_steps(5)
    assert after["policy_loss"] < 0.5 * before["policy_loss"]
    assert after["value_loss"] < 0.3 * before["value_loss"]
    assert after["total_loss"] == pytest.approx(
        after["policy_loss"] + after["value_loss"], rel=1e-4
    )


def test_a_single_step_gives_three_losses_and_none_without_a_batch(buffer: ReplayBuffer):
    result = make(buffer).single_training_step()
    assert result is not None
    assert set(result) == {"total_loss", "policy_loss", "value_loss"}
    empty = make(ReplayBuffer(10))
    assert empty.single_training_step() is None
    result = empty.train_for_steps(5)
    assert result["successful_steps"] == 0
    assert math.isnan(result["total_loss"])


def test_the_first_loss_is_that_of_a_network_that_knows_nothing(buffer: ReplayBuffer):
    step = make(buffer, batch=256)
    legal = [
        len(np.flatnonzero(row))
        for row in step.model.legal_actions(step.sampler.sample_batch().state).numpy()
    ]
    result = step.single_training_step()
    assert result["policy_loss"] == pytest.approx(np.log(legal).mean(), abs=0.5)
    assert result["value_loss"] == pytest.approx(1.0, abs=0.3)


def test_reports_come_every_so_many_steps_and_average_to_the_result(buffer: ReplayBuffer):
    seen: list[StepReport] = []
    result = make(buffer).train_for_steps(10, on_step=seen.append, every=4)
    assert [report.step for report in seen] == [4, 8, 10]
    mean = (
        sum(count * report.total_loss for count, report in zip((4, 4, 2), seen, strict=True)) / 10
    )
    assert result["total_loss"] == pytest.approx(mean)
    assert result["successful_steps"] == 10
    assert seen[-1].gradient_norm > 0.0


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"precision": "bfloat16"},
        {"ema_decay": 0.9},
        {"dropout": 0.2},
        {"schedule": LearningRateSchedule(peak=1e-3, warmup_steps=6, total_steps=18)},
    ],
    ids=["plain", "bfloat16", "ema", "dropout", "schedule"],
)
def test_ten_and_ten_steps_are_twenty_bit_for_bit(buffer: ReplayBuffer, settings: dict):
    straight = make(buffer, **settings)
    straight.train_for_steps(20)

    first = make(buffer, **settings)
    first.train_for_steps(10)
    saved, trained = (
        first.state_dict(),
        {key: tensor.clone() for key, tensor in first.model.state_dict().items()},
    )
    second = make(buffer, seed=77, **settings)
    second.model.load_state_dict(trained)
    second.load_state_dict(saved)
    second.train_for_steps(10)

    assert second.step == straight.step == 20
    assert torch.equal(weights(second.model), weights(straight.model))
    for one, other in zip(
        second.averaged_state().values(), straight.averaged_state().values(), strict=True
    ):
        assert torch.equal(one, other)
    if "dropout" not in settings:  # both draw from torch's one generator
        assert second.single_training_step() == straight.single_training_step()


def test_averaged_weights_lag_behind(buffer: ReplayBuffer):
    step = make(buffer, ema_decay=0.5)
    start = {key: tensor.clone() for key, tensor in step.model.state_dict().items()}
    step.train_for_steps(1)
    now, averaged = step.model.state_dict(), step.averaged_state()
    key = "first_layer.weight"
    torch.testing.assert_close(averaged[key], 0.5 * (start[key] + now[key]))
    assert torch.equal(averaged["observation_scales"], now["observation_scales"])
    plain = make(buffer)
    assert torch.equal(plain.averaged_state()[key], plain.model.state_dict()[key])


def test_a_clipped_gradient_is_the_same_gradient_but_shorter(buffer: ReplayBuffer):
    """With plain momentum-free Adam the sign survives any scale, so SGD-like fused Adam is not a
    test; the optimizer's first moment after one step is 0.1 times the clipped gradient."""
    moments = []
    for norm in (0.0, 0.01):
        step = make(buffer, gradient_clip_norm=norm)
        seen: list[StepReport] = []
        step.train_for_steps(1, on_step=seen.append)
        state = step.optimizer.state_dict()["state"]
        moments.append(torch.cat([state[index]["exp_avg"].flatten() for index in sorted(state)]))
        length = seen[0].gradient_norm if norm == 0.0 else norm
        assert moments[-1].norm().item() == pytest.approx(0.1 * length, rel=1e-3)
    cosine = torch.nn.functional.cosine_similarity(moments[0], moments[1], dim=0)
    assert cosine.item() == pytest.approx(1.0, abs=1e-5)


def test_weights_of_the_losses_are_used(buffer: ReplayBuffer):
    step = make(buffer, losses=LossFunctions(policy_weight=0.0, value_weight=1.0))
    before = step.model.policy_output.weight.clone()
    value_before = step.model.value_output.weight.clone()
    step.optimizer.param_groups[0]["weight_decay"] = 0.0
    result = step.train_for_steps(3)
    assert result["total_loss"] == pytest.approx(result["value_loss"], rel=1e-5)
    assert torch.equal(step.model.policy_output.weight, before)
    assert not torch.equal(step.model.value_output.weight, value_before)


def test_a_loss_that_is_not_finite_stops_training(buffer: ReplayBuffer):
    step = make(buffer)
    step.train_for_steps(2)
    with torch.no_grad():
        step.model.first_layer.weight[0, 0] = math.inf
    with pytest.raises(DivergedError, match="learning_rate"):
        step.train_for_steps(3)


def test_schedules_rise_stay_and_fall_and_reach_the_optimizer(buffer: ReplayBuffer):
    constant = LearningRateSchedule(peak=1.0, warmup_steps=4)
    assert [constant.rate_at(step) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    falling = LearningRateSchedule(peak=1.0, total_steps=100)
    assert falling.rate_at(0) == 1.0
    assert falling.rate_at(50) == pytest.approx(0.5)
    assert falling.rate_at(100) == falling.rate_at(10**6) == 0.0
    with pytest.raises(ConfigError, match="learning_rate"):
        LearningRateSchedule(peak=math.nan)
    step = make(buffer, schedule=LearningRateSchedule(peak=0.01, warmup_steps=2))
    result = step.train_for_steps(1)
    assert step.optimizer.param_groups[0]["lr"] == result["learning_rate"] == 0.005


def test_a_damaged_training_state_is_refused(buffer: ReplayBuffer):
    step = make(buffer)
    step.train_for_steps(1)
    good = step.state_dict()
    for damage in (
        {"step": "one"},
        {"optimizer": {}},
        {"optimizer": {**good["optimizer"], "state": {0: {"exp_avg": torch.zeros(3)}}}},
        {"sampler": {"generator": {"state": 3}}},
        {"sampler": {**good["sampler"], "generator": {"bit_generator": "MT19937"}}},
        {"averages": [torch.zeros(2)]},
    ):
        with pytest.raises(CheckpointError):
            make(buffer, ema_decay=0.5).load_state_dict({**good, **damage})


def test_settings_and_optimizers_that_cannot_train_are_refused(buffer: ReplayBuffer):
    with pytest.raises(ConfigError, match="gradient_clip_norm"):
        make(buffer, gradient_clip_norm=-1.0)
    network = create_azul_network("small")
    with pytest.raises(ConfigError, match="fused"):
        TrainingStep(
            network,
            BatchSampler(buffer, 8),
            optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        )


def test_the_benchmark_measures_both_steps_in_one_run():
    timing = measure_training_steps("small", 64, 3, ["float32"])["float32"]
    assert timing["step_ms"] > 0.0
    assert timing["bare_ms"] > 0.0
    assert 0.5 < timing["ratio"] < 3.0


# Batches


def test_a_batch_is_three_tensors(buffer: ReplayBuffer):
    batch = BatchSampler(buffer, 16).sample_batch()
    assert batch is not None
    state, policy, outcome = batch
    assert state.shape == (16, 256)
    assert policy.shape == (16, 180)
    assert outcome.shape == (16, 1)
    assert (state.dtype, policy.dtype, outcome.dtype) == (torch.int8, torch.float32, torch.float32)
    torch.testing.assert_close(policy.sum(dim=1), torch.ones(16), rtol=0, atol=2e-3)
    assert outcome.abs().max() <= 1.0


def test_there_is_no_batch_while_the_buffer_is_too_small():
    buffer = ReplayBuffer(200)
    samples = random_samples(2, 40, seed=0)
    small, patient = BatchSampler(buffer, 16), BatchSampler(buffer, 16, min_size=40)
    assert small.sample_batch() is None
    buffer.add(*(array[:15] for array in samples))
    assert small.sample_batch() is None
    buffer.add(*(array[15:16] for array in samples))
    assert small.sample_batch() is not None
    assert patient.sample_batch() is None
    buffer.add(*(array[16:] for array in samples))
    assert patient.sample_batch() is not None


def test_the_seed_decides_the_batches(buffer: ReplayBuffer):
    drawn = []
    for seed in (1, 1, 2):
        batch = BatchSampler(buffer, 32, seed=seed).sample_batch()
        assert batch is not None
        drawn.append(batch.state.clone())
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_memory_is_reused(buffer: ReplayBuffer):
    sampler = BatchSampler(buffer, 8)
    group = POSITIONS_AT_ONCE // 8
    places = [sampler.sample_batch().state.data_ptr() for _ in range(3 * group)]
    assert len(set(places)) == group


def test_what_was_drawn_before_an_addition_is_not_handed_out_after_it():
    """Batches are gathered some at a time; the buffer here is overwritten as a whole."""
    samples = random_samples(2, 40, seed=0)
    buffer = ReplayBuffer(40)
    buffer.add(samples[0], samples[1], np.zeros(40, np.float32))
    sampler = BatchSampler(buffer, 8)
    assert sampler.sample_batch().outcome.max() == 0.0
    buffer.add(samples[0], samples[1], np.ones(40, np.float32))
    assert sampler.sample_batch().outcome.min() == 1.0


@pytest.mark.parametrize("taken", [0, 5, POSITIONS_AT_ONCE // 8])
@pytest.mark.parametrize("fills_later", [False, True])
def test_a_stream_saved_anywhere_goes_on_the_same(taken: int, fills_later: bool):
    """Within a group of batches, at its end, and over an addition that follows."""
    samples = random_samples(2, 60, seed=0)
    old = [array[:40] for array in samples]
    new = [array[40:] for array in samples]
    straight = ReplayBuffer(50)
    straight.add(*old)
    sampler = BatchSampler(straight, 8, seed=3)
    for _ in range(taken):
        sampler.sample_batch()
    state = sampler.state_dict()

    resumed = ReplayBuffer(50)
    other = BatchSampler(resumed, 8, seed=4)
    other.load_state_dict(state)
    resumed.append(*straight.newest(50))
    if fills_later:
        straight.add(*new)
        resumed.add(*new)
    for number in range(70):
        if number == 40 and not fills_later:
            straight.add(*new)
            resumed.add(*new)
        for mine, theirs in zip(sampler.sample_batch(), other.sample_batch(), strict=True):
            assert torch.equal(mine, theirs)


@pytest.mark.parametrize("rows", [[10**6] * 8, [-1] * 8, [0] * 7, [[0] * 8], [0.5] * 8])
def test_rows_that_do_not_exist_are_drawn_anew(buffer: ReplayBuffer, rows: list):
    sampler = BatchSampler(buffer, 8)
    state = sampler.state_dict()
    state |= {"rows": torch.tensor(rows), "added": buffer.added, "window": -1}
    sampler.load_state_dict(state)
    assert sampler.sample_batch() is not None
