from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.config import (
    TrainingConfig,
    create_training_config,
    dump_config,
    find_config,
    find_preset,
    load_config,
    preset_names,
    training_settings,
)
from azul_tui.errors import ConfigError


def values_of(spec):
    if spec.kind == "bool":
        return st.booleans()
    if spec.kind == "int":
        return st.integers(int(spec.minimum), int(spec.maximum))
    if spec.kind == "float":
        return st.floats(spec.minimum, spec.maximum)
    if spec.kind == "choice":
        return st.sampled_from(spec.choices)
    words = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
    if spec.choices:
        words = st.sampled_from(spec.choices)
    return st.lists(words, max_size=5).map(tuple)


@st.composite
def configs(draw):
    values = {
        spec.name: draw(values_of(spec)) for spec in training_settings() if draw(st.booleans())
    }
    whole = {**TrainingConfig().to_dict(), **values}
    if whole["buffer_capacity"] < whole["min_buffer_size"]:
        values["min_buffer_size"] = values["buffer_capacity"] = 4096
    if whole["policy_loss_weight"] == whole["value_loss_weight"] == 0:
        values["value_loss_weight"] = 0.5
    return create_training_config(**values)


@pytest.mark.fuzz
@given(configs())
def test_what_is_written_is_read_back_as_it_was(tmp_path, config):
    file = tmp_path / "config.toml"
    file.write_text(dump_config(config), encoding="utf-8")
    assert load_config(file) == config


def test_a_written_config_names_every_setting_under_its_group():
    text = dump_config(TrainingConfig())
    assert set(tomllib.loads(text)) == {spec.name for spec in training_settings()}
    assert text.startswith("# self-play\n")


@pytest.mark.parametrize(
    "name", ["smoke", "quick", "laptop", "gpu", "alphazero", "three-players", "four-players"]
)
def test_every_preset_is_found_and_valid(name):
    assert name in preset_names()
    assert find_config(name) == find_preset(name)
    assert load_config(find_preset(name)) != TrainingConfig()


def test_a_file_called_like_a_preset_is_taken_before_the_preset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick").write_text("seed = 5\n")
    assert load_config(find_config("quick")).seed == 5


def refusal(file):
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    told = str(caught.value)
    assert "\n" not in told and told.isprintable() and len(told) < 400, told
    return told


def test_files_that_cannot_be_settings_are_refused_in_one_sentence(tmp_path):
    absent = tmp_path / "absent.toml"
    assert "no such file" in refusal(absent)
    assert "cannot be read" in refusal(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes('device = "cpü"'.encode("latin-1"))
    assert "not UTF-8" in refusal(latin)
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (1 << 20) + b"\n")
    assert "larger than 1 MiB" in refusal(large)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("seed = \n")
    assert "not valid TOML" in refusal(wrong)
    deep = tmp_path / "deep.toml"
    deep.write_text("seed = " + "[" * 20_000)
    assert "not valid TOML" in refusal(deep)
    digits = tmp_path / "digits.toml"
    digits.write_text("seed = 1" + "0" * 5_000)
    assert "seed" in refusal(digits) or "not valid TOML" in refusal(digits)


def test_a_refusal_names_file_key_value_and_what_would_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.toml"
    file.write_text("batch_size = -5\n")
    assert refusal(file) == (
        "mine.toml: batch_size must be a whole number from 1 to 1,048,576, got -5"
    )
    file.write_text("btach_size = 5\n")
    assert refusal(file) == (
        'mine.toml: unknown setting "btach_size"; the nearest known one is batch_size'
    )
    file.write_text("[training]\nbatch_size = 5\n")
    assert refusal(file).startswith('mine.toml: unknown setting "training"')


def test_a_byte_order_mark_does_no_harm(tmp_path):
    file = tmp_path / "windows.toml"
    file.write_bytes(b"\xef\xbb\xbfseed = 3\r\n")
    assert load_config(file).seed == 3


@pytest.mark.parametrize("name", ["quik", "nonsense", "a\0b", "x" * 5000, ""])
def test_a_name_that_is_neither_file_nor_preset_is_refused(name):
    with pytest.raises(ConfigError) as caught:
        load_config(find_config(name))
    assert str(caught.value).isprintable()


@pytest.mark.fuzz
def test_mutated_files_are_valid_or_refused_in_one_sentence(tmp_path, fuzz):
    rng = fuzz.rng
    rounds = fuzz.rounds(2000)
    good = dump_config(TrainingConfig()).encode()
    pieces = [
        b"=",
        b'"',
        b"[",
        b"]",
        b"\n",
        b"nan",
        b"inf",
        b"1e999",
        b"-",
        b"\x00",
        b"\xff",
        b"'''",
        b"9" * 400,
        b"true",
        b"{}",
        b"\x1b[2J",
        "\u202e".encode(),
        b"# ",
        b".",
        b"0x",
        b"1979-05-27",
    ]
    valid = 0
    for _ in range(rounds):
        data = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    data[at : at + rng.randint(1, 40)] = b""
                case 2:
                    data[at:at] = rng.choice(pieces)
                case _:
                    other = rng.randrange(len(data))
                    data[at:at] = data[other : other + rng.randint(1, 60)]
        file = tmp_path / "mutated.toml"
        file.write_bytes(data)
        try:
            load_config(file)
            valid += 1
        except ConfigError as error:
            told = str(error)
            assert "mutated.toml: " in told
            assert "\n" not in told and told.isprintable() and len(told) < 500, told
    assert 5 < valid < rounds - 5, "mutations must be neither harmless nor always fatal"


def test_the_alphazero_preset_is_the_published_one_without_what_came_later():
    config = load_config(find_preset("alphazero"))
    assert (config.search, config.chance, config.gate) == ("puct", "sampled", "off")
    assert config.learning_rate_schedule == "constant"
    assert (config.warmup_steps, config.ema_decay, config.value_target_mix) == (0, 0.0, 0.0)
    assert (config.full_search_fraction, config.afterstate_samples) == (1.0, 0)
    assert config.dirichlet_fraction > 0.0 < config.temperature


@pytest.mark.parametrize(("name", "players"), [("three-players", 3), ("four-players", 4)])
def test_larger_tables_train_against_heuristic(name, players):
    config = load_config(find_preset(name))
    assert config.num_players == players
    assert config.eval_opponents[-1] == "heuristic"
