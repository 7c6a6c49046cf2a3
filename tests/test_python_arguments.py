"""What is called from Python takes everybody's numbers, and refuses nonsense in one sentence."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from azul_tui import (
    AzulError,
    AzulTrainer,
    BatchSampler,
    GameState,
    LossFunctions,
    ModelCheckpointManager,
    ReplayBuffer,
    TrainingConfig,
    TrainingStep,
    create_azul_network,
    create_training_components,
    create_training_config,
    self_play_games,
)
from azul_tui.training.training_step import random_samples

WHOLE = [np.int8(3), np.uint16(3), np.int64(3), np.uint64(3), np.array(3), torch.tensor(3)]
NO_WHOLE = [True, np.True_, np.array(True), 3.0, np.float64(3), "3", b"3", None, [3], np.array([3])]
FRACTIONS = [
    np.float16(0.5), np.float32(0.5), np.float64(0.5), np.array(0.5), Decimal("0.5"),
    Fraction(1, 2), torch.tensor(0.5),
]  # fmt: skip
NO_NUMBERS = [
    True, np.True_, "0.5", np.str_("0.5"), b"0.5", None, [0.5], np.array([0.5]), float("nan"),
    float("inf"), np.float32("nan"), 1j, np.complex64(1), np.timedelta64(1, "s"), 10**400,
]  # fmt: skip


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A model, a buffer with positions, and what trains one on the other."""
    model = create_azul_network("small")
    buffer = ReplayBuffer(200)
    buffer.add(*random_samples(2, 100, seed=0))
    folder = tmp_path_factory.mktemp("components")
    step, manager = create_training_components(
        model, buffer, 16, save_dir=folder, device="cpu", precision="float32"
    )
    return model, buffer, step, manager


def whole_arguments(parts):
    """`name -> call` of everything that wants a whole number of at least 1."""
    model, buffer, step, manager = parts
    folder = manager.save_dir
    return {
        "create_training_config": lambda n: create_training_config(batch_size=n).batch_size,
        "TrainingConfig": lambda n: TrainingConfig(seed=n).seed,
        "ReplayBuffer": lambda n: ReplayBuffer(n).capacity,
        "players of a buffer": lambda n: ReplayBuffer(9, n).players,
        "BatchSampler": lambda n: BatchSampler(buffer, n).batch_size,
        "seed of a sampler": lambda n: 3 * bool(BatchSampler(buffer, 2, seed=n)),
        "GameState.new": lambda n: GameState.new(players=n).players,
        "seed of a game": lambda n: GameState.new(seed=n).seed,
        "GameState.parse": lambda n: GameState.parse(GameState.new().notation(), n).seed,
        "apply": lambda n: GameState.new(seed=6).apply(n) or 3,
        "create_azul_network": lambda n: create_azul_network("small", n).description.players,
        "self_play_games": lambda n: len(self_play_games(model, n, simulations=1).games),
        "seed of self-play": lambda n: 3 * len(self_play_games(model, 1, seed=n).games),
        "simulations": lambda n: 3 * len(self_play_games(model, 1, simulations=n).games),
        "train_for_steps": lambda n: step.train_for_steps(n)["successful_steps"],
        "should_save_checkpoint": lambda n: 3 + manager.should_save_checkpoint(n),
        "save_checkpoint": lambda n: int(manager.save_checkpoint(model, None, n, {}).stem[-1]),
        "save_frequency": lambda n: ModelCheckpointManager(folder, n).save_frequency,
        "keep_latest": lambda n: ModelCheckpointManager(folder, 1, n).keep_latest,
        "batch_size": lambda n: (
            create_training_components(model, buffer, n, save_dir=folder)[0].sampler.batch_size
        ),
    }


NAMES = tuple(whole_arguments((None, None, None, ModelCheckpointManager("."))))


@pytest.mark.parametrize("name", NAMES)
def test_whatever_has_an_index_is_a_whole_number_and_nothing_else_is(name, parts):
    call = whole_arguments(parts)[name]
    for number in WHOLE:
        result = call(number)
        assert result == 3
        assert type(result) is int
    for nonsense in [*NO_WHOLE, -1]:
        refused_in_a_sentence(call, nonsense)


def fraction_arguments(parts):
    model, buffer, step, manager = parts
    return {
        "create_training_config": lambda x: create_training_config(learning_rate=x).learning_rate,
        "weights of losses": lambda x: LossFunctions(x).policy_weight,
        "temperature": lambda x: LossFunctions(temperature=x).temperature,
        "dropout": lambda x: create_azul_network("small", dropout=x).description.dropout,
        "score": lambda x: manager.load_checkpoint(
            manager.save_checkpoint(model, None, 7, {}, score=x)
        )["score"],
        "learning_rate": lambda x: (
            create_training_components(model, buffer, 4, x, save_dir=manager.save_dir)[
                0
            ].schedule.peak
        ),
        "ema_decay": lambda x: TrainingStep(model, step.sampler, ema_decay=x).ema_decay,
    }


@pytest.mark.parametrize("name", list(fraction_arguments((None, None, None, None))))
def test_whatever_is_a_number_to_float_is_one_and_nothing_else_is(name, parts):
    call = fraction_arguments(parts)[name]
    for number in FRACTIONS:
        result = call(number)
        assert result == 0.5
        assert type(result) is float
    for nonsense in NO_NUMBERS:
        if name != "score" or nonsense is not None:
            refused_in_a_sentence(call, nonsense)


def refused_in_a_sentence(call, nonsense):
    with pytest.raises(AzulError) as refused:
        call(nonsense)
    assert "\n" not in str(refused.value)
    assert 10 < len(str(refused.value)) < 300


def test_seeds_of_games_go_up_to_64_bits():
    assert GameState.new(seed=2**64 - 1).seed == 2**64 - 1
    assert GameState.new(seed=np.uint64(2**63)).seed == 2**63
    refused_in_a_sentence(lambda seed: GameState.new(seed=seed), 2**64)


def test_numpys_texts_and_truths_are_texts_and_truths():
    config = create_training_config(network_config=np.str_("small"), save_best_model=np.False_)
    assert type(config.network_config) is str
    assert config.save_best_model is False


@pytest.mark.parametrize(
    "nonsense", [{"batch_size": 64}, "small", 3, ReplayBuffer, np.zeros(3)], ids=repr
)
def test_what_is_of_another_class_is_refused(nonsense, parts, tmp_path):
    model, buffer, step, manager = parts
    for call in (
        lambda x: AzulTrainer(x, tmp_path),
        lambda x: BatchSampler(x, 4),
        lambda x: create_training_components(x, buffer),
        lambda x: create_training_components(model, x),
        lambda x: TrainingStep(x, step.sampler),
        lambda x: TrainingStep(model, x),
        lambda x: self_play_games(x, 2),
        lambda x: manager.save_checkpoint(x, None, 3, {}),
        lambda x: GameState(x) if not isinstance(x, str) else create_azul_network(x + "er"),
        lambda x: buffer.add(x, x, x),
        lambda x: buffer.sample(2, x),
    ):
        refused_in_a_sentence(call, nonsense)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("nonsense", [3, b"run", "", "a\0b", ["run"], Path], ids=repr)
def test_what_is_no_path_is_refused(nonsense, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    manager = parts[3]
    refused_in_a_sentence(lambda path: AzulTrainer(save_dir=path), nonsense)
    refused_in_a_sentence(lambda path: AzulTrainer(resume_from=path), nonsense)
    refused_in_a_sentence(ModelCheckpointManager, nonsense)
    refused_in_a_sentence(manager.load_checkpoint, nonsense)
    assert list(tmp_path.iterdir()) == []


def test_the_best_of_nothing_is_none_and_loading_that_is_refused(tmp_path):
    manager = ModelCheckpointManager(tmp_path)
    assert manager.get_best_checkpoint() is None
    refused_in_a_sentence(manager.load_checkpoint, manager.get_best_checkpoint())
    manager.save_checkpoint(create_azul_network("small"), None, 1, {}, score=0.5)
    assert manager.get_best_checkpoint() == tmp_path / "best_model.pt"
