"""BatchSampler: three tensors, or None, and a stream that can be continued."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from azul_tui.errors import ConfigError
from azul_tui.training.batch_sampler import BatchSampler
from azul_tui.training.replay_buffer import ReplayBuffer
from azul_tui.training.step_benchmark import random_samples


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


def test_a_window_reaches_the_newest_only(buffer: ReplayBuffer):
    sampler = BatchSampler(buffer, 64, seed=0)
    sampler.window = 10
    newest = set(buffer.newest(10)[2][:, 0])
    for _ in range(4):
        assert set(sampler.sample_batch().outcome[:, 0].numpy()) <= newest


def test_memory_is_reused(buffer: ReplayBuffer):
    sampler = BatchSampler(buffer, 8)
    assert sampler.sample_batch().state.data_ptr() == sampler.sample_batch().state.data_ptr()


def test_impossible_samplers_are_refused(buffer: ReplayBuffer):
    with pytest.raises(ConfigError, match="batch_size"):
        BatchSampler(buffer, 0)
    with pytest.raises(ConfigError, match="device"):
        BatchSampler(buffer, 8, device="abacus")
    with pytest.raises((ValueError, TypeError, KeyError)):
        BatchSampler(buffer, 8).load_state_dict({"generator": {"bit_generator": "MT19937"}})
    assert isinstance(np.random.default_rng(0), np.random.Generator)
