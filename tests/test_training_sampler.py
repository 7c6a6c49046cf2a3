"""BatchSampler: three tensors, or None, and a stream that can be continued."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from azul_tui.errors import ConfigError
from azul_tui.training.replay import ReplayBuffer
from azul_tui.training.step_benchmark import random_samples
from azul_tui.training.training_step import POSITIONS_AT_ONCE, BatchSampler


@pytest.fixture(scope="module")
def buffer() -> ReplayBuffer:
    made = ReplayBuffer(200)
    made.add(*random_samples(2, 120, seed=0))
    return made


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


def test_a_saved_stream_goes_on_where_it_was(buffer: ReplayBuffer):
    sampler = BatchSampler(buffer, 8, seed=3)
    sampler.sample_batch()
    state = sampler.state_dict()
    expected = [sampler.sample_batch().outcome.clone() for _ in range(3)]
    other = BatchSampler(buffer, 8, seed=99)
    other.load_state_dict(state)
    for outcome in expected:
        assert torch.equal(other.sample_batch().outcome, outcome)


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


@pytest.mark.parametrize("taken", [0, 1, 5, POSITIONS_AT_ONCE // 8, POSITIONS_AT_ONCE // 8 + 3])
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
    resumed.restore(straight.added, *straight.newest(50))
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


def test_impossible_samplers_are_refused(buffer: ReplayBuffer):
    with pytest.raises(ConfigError, match="batch_size"):
        BatchSampler(buffer, 0)
    with pytest.raises(ConfigError, match="device"):
        BatchSampler(buffer, 8, device="abacus")
    with pytest.raises((ValueError, TypeError, KeyError)):
        BatchSampler(buffer, 8).load_state_dict({"generator": {"bit_generator": "MT19937"}})
    assert isinstance(np.random.default_rng(0), np.random.Generator)
