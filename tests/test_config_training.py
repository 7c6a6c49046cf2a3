from __future__ import annotations

import dataclasses
import math

import pytest

from azul_tui.config import (
    TrainingConfig,
    changed_settings,
    config_from_mapping,
    create_training_config,
    exactness_broken_by,
    settings_table,
    training_setting,
    training_settings,
)
from azul_tui.errors import ConfigError

NAMES_OF_THE_SPECIFICATION = """
self_play_games_per_iteration mcts_simulations temperature temperature_threshold num_players
buffer_capacity min_buffer_size batch_size learning_rate weight_decay training_steps_per_iteration
gradient_clip_norm policy_loss_weight value_loss_weight loss_temperature network_config eval_games
eval_frequency save_frequency save_best_model keep_latest_checkpoints max_iterations device seed
""".split()


def test_the_quick_start_of_the_specification_is_accepted_as_written():
    config = create_training_config(
        batch_size=64,
        learning_rate=0.001,
        training_steps_per_iteration=1000,
        save_frequency=10,
        network_config="medium",
        policy_loss_weight=1.0,
        value_loss_weight=1.0,
        loss_temperature=1.0,
        gradient_clip_norm=1.0,
    )
    assert config.batch_size == 64
    assert config.save_frequency == 10
    assert config.max_iterations == TrainingConfig().max_iterations


def test_every_setting_that_the_specification_names_exists():
    assert set(NAMES_OF_THE_SPECIFICATION) <= {spec.name for spec in training_settings()}


def test_a_config_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingConfig().batch_size = 3


def test_every_default_is_accepted_by_its_own_rule_and_explained():
    for spec in training_settings():
        assert spec.check(spec.default) == spec.default
        assert spec.help.endswith("."), spec.name
        assert spec.group, spec.name
        if spec.kind in {"int", "float"}:
            assert spec.minimum is not None and spec.maximum is not None, spec.name


def test_numbers_just_outside_the_range_are_refused_and_those_on_its_edge_are_not():
    for spec in training_settings():
        if spec.kind not in {"int", "float"}:
            continue
        for edge, outside in ((spec.minimum, -1), (spec.maximum, +1)):
            assert spec.check(edge) == edge
            with pytest.raises(ConfigError, match=f"{spec.name} must be a"):
                spec.check(edge + outside)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", True),
        ("batch_size", 64.0),
        ("batch_size", "64"),
        ("batch_size", None),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("learning_rate", True),
        ("learning_rate", 10**400),
        ("save_best_model", 1),
        ("network_config", "huge"),
        ("network_config", 3),
        ("eval_opponents", "random"),
        ("eval_opponents", ["random", 3]),
        ("eval_opponents", ["x"] * 65),
        ("device", "cpu\n"),
        ("seed", {}),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_one_sentence_with_what_would_do(name, value):
    with pytest.raises(ConfigError) as caught:
        create_training_config(**{name: value})
    told = str(caught.value)
    assert told.startswith(f"{name} must be {training_setting(name).accepted()}, got ")
    assert len(told) < 250 and told.isprintable()


def test_whole_numbers_are_taken_where_numbers_are_wanted():
    config = create_training_config(temperature=1, learning_rate=1)
    assert type(config.temperature) is float
    assert type(config.learning_rate) is float


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    with pytest.raises(ConfigError, match=r'unknown setting "batchsize".*batch_size'):
        create_training_config(batchsize=3)


def test_settings_that_do_not_go_together_are_refused():
    with pytest.raises(ConfigError, match="min_buffer_size must be at most buffer_capacity"):
        create_training_config(buffer_capacity=10, min_buffer_size=11)
    with pytest.raises(ConfigError, match="nothing would be learned"):
        create_training_config(policy_loss_weight=0, value_loss_weight=0)


def test_stored_values_are_refused_with_the_place_they_came_from():
    with pytest.raises(ConfigError, match=r"^run\.pt: buffer_capacity must be"):
        config_from_mapping({"buffer_capacity": 0}, place="run.pt")
    with pytest.raises(ConfigError, match=r"^run\.pt: min_buffer_size must be at most"):
        config_from_mapping({"buffer_capacity": 5}, place="run.pt")


def test_a_dictionary_of_settings_gives_the_config_back():
    config = create_training_config(eval_opponents=("greedy",), seed=7)
    assert create_training_config(**config.to_dict()) == config


def test_changes_that_break_exactness_are_named():
    old = TrainingConfig()
    new = old.replace(max_iterations=200, eval_games=10, learning_rate=0.01, self_play_workers=3)
    assert set(changed_settings(old, new)) == {
        "max_iterations",
        "eval_games",
        "learning_rate",
        "self_play_workers",
    }
    assert exactness_broken_by(old, new) == ("learning_rate",)
    cosine = old.replace(learning_rate_schedule="cosine")
    assert exactness_broken_by(cosine, cosine.replace(max_iterations=7)) == ("max_iterations",)


def test_the_table_for_readers_has_a_line_for_every_setting():
    lines = settings_table().splitlines()
    for spec in training_settings():
        assert any(line.startswith(f"| `{spec.name}`") for line in lines)
