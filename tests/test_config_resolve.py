from __future__ import annotations

import pytest

from azul_tui.config import SettingSpec, TrainingConfig, resolve_config, resolve_settings
from azul_tui.errors import ConfigError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("batch_size = 100\nseed = 1\neval_games = 10\n")
    return path


def test_later_places_have_the_last_word(file):
    environment = {"AZUL_TUI_SEED": "2", "AZUL_TUI_EVAL_GAMES": "20", "HOME": "/"}
    config = resolve_config(file, environment, ["eval_games=30"])
    assert (config.batch_size, config.seed, config.eval_games) == (100, 2, 30)
    assert config.learning_rate == TrainingConfig().learning_rate


def test_changes_go_on_top_of_a_base():
    base = TrainingConfig(batch_size=7)
    assert resolve_config(overrides=["seed=3"], base=base) == base.replace(seed=3)


@pytest.mark.parametrize(
    ("override", "name", "value"),
    [
        ("batch_size=64", "batch_size", 64),
        ("batch_size = 1_000", "batch_size", 1000),
        ("learning_rate=1e-3", "learning_rate", 0.001),
        ("network_config=small", "network_config", "small"),
        ('network_config="small"', "network_config", "small"),
        ("save_best_model=false", "save_best_model", False),
        ("eval_opponents=random,greedy", "eval_opponents", ("random", "greedy")),
        ('eval_opponents=["greedy"]', "eval_opponents", ("greedy",)),
        ("eval_opponents=uct-100", "eval_opponents", ("uct-100",)),
    ],
)
def test_overrides_are_toml_or_bare_words(override, name, value):
    assert getattr(resolve_config(overrides=[override]), name) == value


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("batch_size", "is not of the form key=value"),
        ("=3", "is not of the form key=value"),
        ("batchsize=3", "nearest known one is batch_size"),
        ("batch_size=many", 'batch_size must be a whole number from 1 to 1,048,576, got "many"'),
        ("batch_size=1\nseed=2", "batch_size must be"),
        ("save_best_model=yes", "save_best_model must be true or false"),
        ("learning_rate=nan", "got nan"),
    ],
)
def test_refused_overrides_name_the_option_key_and_value(override, told):
    with pytest.raises(ConfigError) as caught:
        resolve_config(overrides=[override])
    assert str(caught.value).startswith("--set: ")
    assert told in str(caught.value)


def test_the_environment_is_checked_like_any_other_place():
    with pytest.raises(ConfigError, match=r"^AZUL_TUI_SEED: seed must be .*, got \"x\""):
        resolve_config(environment={"AZUL_TUI_SEED": "x"})
    with pytest.raises(ConfigError, match="nearest known one is AZUL_TUI_BATCH_SIZE"):
        resolve_config(environment={"AZUL_TUI_BATCHSIZE": "3"})
    resolve_config(environment={"AZUL_TUI_DIR": "/tmp", "AZUL_TUI_ASCII": "1"})


def test_a_training_setting_in_the_environment_is_nothing_to_another_job():
    specs = (SettingSpec(name="games", kind="int", default=3, help=""),)
    environment = {"AZUL_TUI_SEED": "2", "AZUL_TUI_GAMES": "5"}
    assert resolve_settings(specs, environment=environment) == {"games": 5}


def test_text_settings_keep_what_looks_like_a_number():
    specs = (SettingSpec(name="run", kind="str", default="", help=""),)
    assert resolve_settings(specs, overrides=["run=1122"]) == {"run": "1122"}
    assert resolve_settings(specs, overrides=["run=a=b"]) == {"run": "a=b"}
