"""ReplayBuffer: what was added is what is drawn, the newest of it, uniformly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from azul_tui.errors import ConfigError, GameError
from azul_tui.game.constants import action_count, observation_size, state_size, value_count
from azul_tui.game.observation import write_observation
from azul_tui.training.replay_buffer import ReplayBuffer
from azul_tui.training.step_benchmark import random_samples


def numbered(numbers: range, players: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions that carry their number as outcome; the position itself is an empty table."""
    count = len(numbers)
    states = np.zeros((count, state_size(players)), np.int8)
    states[:, 0] = players
    policies = np.zeros((count, action_count(players)), np.float32)
    policies[:, 0] = 1.0
    outcomes = np.zeros((count, value_count(players)), np.float32)
    outcomes[:, 0] = numbers
    return states, policies, outcomes


def test_sampling_is_uniform_over_the_newest_after_wrapping():
    """Chi-square at a fixed seed: a fair sampler fails for 1 seed in 1000."""
    buffer = ReplayBuffer(capacity=10)
    buffer.add(*numbered(range(7)))
    buffer.add(*numbered(range(7, 14)))
    drawn = buffer.sample(10_000, np.random.default_rng(0)).outcome[:, 0].astype(int)
    counts = np.bincount(drawn, minlength=14)
    assert counts[:4].sum() == 0, "overwritten positions must not come back"
    assert chisquare(counts[4:]).pvalue > 1e-3


def test_a_window_draws_from_the_newest_only_and_uniformly():
    """Chi-square at a fixed seed: a fair sampler fails for 1 seed in 1000."""
    buffer = ReplayBuffer(capacity=10)
    buffer.add(*numbered(range(13)))
    drawn = buffer.sample(10_000, np.random.default_rng(1), window=4).outcome[:, 0].astype(int)
    counts = np.bincount(drawn, minlength=13)
    assert counts[:9].sum() == 0
    assert chisquare(counts[9:]).pvalue > 1e-3
    assert set(buffer.sample(500, np.random.default_rng(1), window=99).outcome[:, 0]) == set(
        range(3, 13)
    )


@given(st.integers(1, 12), st.lists(st.integers(0, 30), max_size=6))
def test_the_newest_are_kept_whatever_the_pieces(capacity: int, pieces: list[int]):
    buffer = ReplayBuffer(capacity)
    added = 0
    for piece in pieces:
        buffer.add(*numbered(range(added, added + piece)))
        added += piece
        kept = min(capacity, added)
        assert len(buffer) == kept
        assert buffer.added == added
        assert list(buffer.newest(capacity)[2][:, 0]) == list(range(added - kept, added))


@pytest.mark.parametrize("players", [2, 3, 4])
def test_a_sample_is_the_observation_policy_and_outcome_of_a_stored_position(players: int):
    states, policies, outcomes = random_samples(players, 60, seed=4)
    outcomes[:, 0] = np.arange(60)
    buffer = ReplayBuffer(100, players)
    buffer.add(states, policies, outcomes)
    sample = buffer.sample(200, np.random.default_rng(0))
    expected = np.zeros(observation_size(players), np.int8)
    for observation, policy, outcome in zip(*sample, strict=True):
        number = int(outcome[0])
        write_observation(states[number], expected)
        assert np.array_equal(observation, expected)
        assert np.array_equal(policy, policies[number].astype(np.float32))
        assert np.array_equal(outcome, outcomes[number])
    assert sample.observation.dtype == np.int8
    assert sample.policy.dtype == sample.outcome.dtype == np.float32


def test_every_finite_half_float_comes_back_exactly():
    """All 31,744 that are not negative, subnormal ones and zero included."""
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16)
    rows = -(-len(halves) // 180)
    policies = np.zeros((rows, 180), np.float16)
    policies.ravel()[: len(halves)] = halves
    states, _, outcomes = numbered(range(rows))
    buffer = ReplayBuffer(rows)
    buffer.add(states, policies, outcomes)
    sample = buffer.sample(20 * rows, np.random.default_rng(0))
    numbers = sample.outcome[:, 0].astype(int)
    assert set(numbers) == set(range(rows))
    assert np.array_equal(sample.policy, policies[numbers].astype(np.float32))


def test_equal_generators_draw_equal_samples():
    buffer = ReplayBuffer(50)
    buffer.add(*numbered(range(50)))
    one = buffer.sample(32, np.random.default_rng(9))
    other = buffer.sample(32, np.random.default_rng(9))
    assert np.array_equal(one.outcome, other.outcome)
    assert not np.array_equal(one.outcome, buffer.sample(32, np.random.default_rng(8)).outcome)


@pytest.mark.parametrize("added", [3, 10, 17])
def test_a_restored_buffer_draws_what_the_original_would(added: int):
    original = ReplayBuffer(10)
    original.add(*numbered(range(added)))
    restored = ReplayBuffer(10)
    restored.restore(added, *original.newest(10))
    for buffer in (original, restored):
        buffer.add(*numbered(range(added, added + 4)))
    one = original.sample(64, np.random.default_rng(2))
    other = restored.sample(64, np.random.default_rng(2))
    assert np.array_equal(one.outcome, other.outcome)
    assert original.added == restored.added
    with pytest.raises(ValueError, match="holds"):
        ReplayBuffer(10).restore(11, *numbered(range(4)))


def test_outcomes_of_two_players_may_be_a_plain_list():
    buffer = ReplayBuffer(4)
    states, policies, outcomes = numbered(range(3))
    buffer.add(states, policies, outcomes[:, 0])
    assert len(buffer) == 3


def test_wrong_shapes_types_and_numbers_are_refused_and_change_nothing():
    buffer = ReplayBuffer(4)
    states, policies, outcomes = numbered(range(3))
    wrong = [
        (states[:, :-1], policies, outcomes),
        (states, policies[:2], outcomes),
        (states, policies, outcomes.repeat(2, axis=1)),
        (states.astype(np.int16), policies, outcomes),
        (states, policies * np.nan, outcomes),
        (states, policies, outcomes + np.inf),
    ]
    for arguments in wrong:
        with pytest.raises(ValueError, match="must"):
            buffer.add(*arguments)
    assert len(buffer) == 0
    with pytest.raises(ValueError, match="empty"):
        buffer.sample(1, np.random.default_rng(0))


def test_impossible_buffers_are_refused():
    with pytest.raises(ConfigError, match="buffer_capacity"):
        ReplayBuffer(0)
    with pytest.raises(ConfigError, match="memory"):
        ReplayBuffer(10**13)
    with pytest.raises(GameError):
        ReplayBuffer(10, players=1)
    assert ReplayBuffer(10).bytes_per_position == 96 + 360 + 4
