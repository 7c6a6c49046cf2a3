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
from azul_tui.game.violations import violations
from azul_tui.network import create_azul_network
from azul_tui.training.replay import (
    ReplayBuffer,
    restore_buffer,
    shards_in_window,
    write_shard,
)
from azul_tui.training.self_play import self_play_games
from azul_tui.training.training_step import random_samples


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
    buffer.append(*numbered(range(7)))
    buffer.append(*numbered(range(7, 14)))
    drawn = buffer.sample(10_000, np.random.default_rng(0)).outcome[:, 0].astype(int)
    counts = np.bincount(drawn, minlength=14)
    assert counts[:4].sum() == 0, "overwritten positions must not come back"
    assert chisquare(counts[4:]).pvalue > 1e-3


@given(st.integers(1, 12), st.lists(st.integers(0, 30), max_size=6))
def test_the_newest_are_kept_whatever_the_pieces(capacity: int, pieces: list[int]):
    buffer = ReplayBuffer(capacity)
    added = 0
    for piece in pieces:
        buffer.append(*numbered(range(added, added + piece)))
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
    buffer.append(states, policies, outcomes)
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
    buffer.append(states, policies, outcomes)
    sample = buffer.sample(20 * rows, np.random.default_rng(0))
    numbers = sample.outcome[:, 0].astype(int)
    assert set(numbers) == set(range(rows))
    assert np.array_equal(sample.policy, policies[numbers].astype(np.float32))


@pytest.mark.parametrize("iterations", [1, 3, 6])
def test_a_buffer_restored_from_its_shards_draws_what_the_original_would(tmp_path, iterations):
    """Before the ring is full and after, and with more shards than it needs."""
    network = create_azul_network("small")
    original, restored, shards = ReplayBuffer(400), ReplayBuffer(400), []
    for iteration in range(iterations):
        batch = self_play_games(network, 2, simulations=2, seed=iteration)
        original.add(batch.states, batch.policies, batch.outcomes)
        shards.append(write_shard(tmp_path, iteration, batch))
    needed = shards_in_window(shards, 400)
    assert len(needed) < len(shards) or iterations < 6
    assert restore_buffer(restored, tmp_path, needed, original.added) == []
    for buffer in (original, restored):
        buffer.add(batch.states, batch.policies, batch.outcomes)
    for one, other in zip(
        original.sample(64, np.random.default_rng(2)),
        restored.sample(64, np.random.default_rng(2)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert original.added == restored.added


@pytest.mark.parametrize("players", [2, 3, 4])
def test_what_self_play_gives_is_taken_in_every_form_of_numbers(players):
    batch = self_play_games(create_azul_network("small", players), 3, simulations=2)
    samples = batch.states, batch.policies, batch.outcomes
    straight = ReplayBuffer(2_000, players)
    straight.append(*samples)
    outcomes = batch.outcomes[:, 0] if players == 2 else batch.outcomes
    negative_zeros = np.where(batch.policies == 0, np.float16(-0.0), batch.policies)
    for policies in (batch.policies, batch.policies.astype(np.float64), negative_zeros):
        buffer = ReplayBuffer(2_000, players)
        buffer.add(batch.states, policies, outcomes.astype(np.float64))
        for taken, stored in zip(buffer.newest(2_000), straight.newest(2_000), strict=True):
            np.testing.assert_array_equal(taken, stored)
    buffer.add(batch.states[:0], batch.policies[:0], outcomes[:0])
    assert len(buffer) == len(batch.states)


def spoilt(part, row, column, value):
    """Real samples with one number changed."""
    samples = [array.copy() for array in random_samples(2, 5, seed=4)]
    samples[1] = samples[1].astype(np.float64)
    samples[part][row, column] = value
    return samples


def refusals():
    """`(arguments of add, what the sentence says)`."""
    states, policies, outcomes = random_samples(2, 5, seed=4)
    illegal = int(np.flatnonzero(policies[2] == 0)[-1])
    legal = int(policies[2].argmax())
    yield (states[:, :-1], policies, outcomes), r"states must have the shape \(5, 96\), got"
    yield (states, policies[:2], outcomes), r"policies must have the shape \(5, 180\), got"
    yield (states, policies, outcomes[:4]), r"outcomes must have the shape \(5, 1\), got"
    yield (states, policies, outcomes.repeat(2, axis=1)), r"outcomes must have the shape"
    yield (states[0], policies[0], outcomes[0]), "states must have the shape"
    yield (states.astype(np.int16), policies, outcomes), "states must be int8, got int16"
    yield (states.astype(float), policies, outcomes), "states must be an array of int8, got"
    yield (states, policies > 0, outcomes), "policies must be an array of numbers, got bool"
    yield (states, policies, ["won"] * 5), "outcomes must be an array of numbers, got"
    yield (states, [[1.0], [1.0, 2.0]], outcomes), "policies must be an array of numbers"
    yield (None, policies, outcomes), "states must be an array of int8, got None"
    yield spoilt(1, 2, legal, np.nan), r"policies\[2\] must be finite and at least 0, got nan"
    yield spoilt(1, 2, legal, 1e300), r"policies\[2\] must be finite and at least 0, got inf"
    yield spoilt(1, 2, legal, -0.25), r"policies\[2\] must be finite and at least 0, got -0.25"
    yield spoilt(1, 2, illegal, 0.5), rf"policies\[2\] must be 0 .* 0.5 for .*action {illegal}"
    yield spoilt(1, 2, legal, 0.0), r"policies\[2\] must sum to 1, or be all 0 .*, got 0\."
    yield spoilt(2, 3, 0, np.inf), r"outcomes\[3\] must be finite, got \[inf\]"
    yield spoilt(2, 3, 0, 7.0), r"outcomes\[3\] must be in \[-1, 1\], got \[7.0\]"
    yield spoilt(2, 3, 0, -1.01), r"outcomes\[3\] must be in"
    wrong = {0: 3, 1: 2, 2: -1, 5: 3, 7: 5, 8: 99, 18: 6, 23: 6, 28: 64, 33: 9, 39: 100}
    for byte, value in wrong.items():
        yield spoilt(0, 1, byte, value), r"states\[1\] must be a position of this game: \w"


@pytest.mark.parametrize(("arguments", "sentence"), list(refusals()))
def test_what_is_no_sample_is_refused_in_a_sentence_that_names_the_row(arguments, sentence):
    buffer = ReplayBuffer(9)
    with pytest.raises(ConfigError, match=sentence) as refused:
        buffer.add(*arguments)
    assert "\n" not in str(refused.value)
    assert len(buffer) == 0


@given(st.integers(0, 95), st.integers(-128, 127))
def test_whatever_position_is_refused_breaks_a_rule_that_has_a_name(byte, value):
    samples = spoilt(0, 0, byte, value)
    samples[1][:] = 0.0
    refusal = ""
    try:
        ReplayBuffer(9).add(*samples)
    except ConfigError as error:
        refusal = str(error)
    assert not refusal or violations(samples[0][0].tolist())[0] in refusal


def test_impossible_buffers_are_refused():
    with pytest.raises(ConfigError, match="capacity"):
        ReplayBuffer(0)
    with pytest.raises(ConfigError, match="memory"):
        ReplayBuffer(10**13)
    with pytest.raises(GameError):
        ReplayBuffer(10, players=1)
    with pytest.raises(ConfigError, match="empty"):
        ReplayBuffer(4).sample(1, np.random.default_rng(0))
    assert ReplayBuffer(10).bytes_per_position == 96 + 360 + 4
