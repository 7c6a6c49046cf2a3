"""Settings: what is accepted, from which place, in which order, and what a refused one is told."""

from __future__ import annotations

import dataclasses
import math
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.config import (
    SettingSpec,
    TrainingConfig,
    changed_settings,
    create_training_config,
    dump_config,
    exactness_broken_by,
    find_config,
    find_preset,
    load_config,
    preset_names,
    resolve_config,
    resolve_settings,
    stored_config,
    training_setting,
    training_settings,
)
from azul_tui.errors import ConfigError

SPECS = training_settings()
NUMBERS = [spec for spec in SPECS if spec.kind in {"int", "float"}]
NAMES_OF_THE_SPECIFICATION = """
self_play_games_per_iteration mcts_simulations temperature temperature_threshold num_players
buffer_capacity min_buffer_size batch_size learning_rate weight_decay training_steps_per_iteration
gradient_clip_norm policy_loss_weight value_loss_weight loss_temperature network_config eval_games
eval_frequency save_frequency save_best_model keep_latest_checkpoints max_iterations device seed
""".split()


def refusal(act, *arguments, **named):
    with pytest.raises(ConfigError) as caught:
        act(*arguments, **named)
    told = str(caught.value)
    assert "\n" not in told and told.isprintable() and len(told) < 400, told
    return told


def test_every_setting_is_named_explained_and_takes_its_own_default():
    assert set(NAMES_OF_THE_SPECIFICATION) <= {spec.name for spec in SPECS}
    for spec in SPECS:
        assert spec.check(spec.default) == spec.default
        assert spec.help.endswith(".") and spec.group, spec.name
    for spec in NUMBERS:
        for edge, outside in ((spec.minimum, -1), (spec.maximum, +1)):
            assert spec.check(edge) == edge
            assert refusal(spec.check, edge + outside).startswith(f"{spec.name} must be a")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", True), ("batch_size", 64.0), ("batch_size", "64"), ("batch_size", None),
        ("batch_size", np.float64(3)), ("batch_size", np.array([3])), ("batch_size", np.bool_(1)),
        ("learning_rate", math.nan), ("learning_rate", math.inf), ("learning_rate", True),
        ("learning_rate", 10**400), ("learning_rate", np.datetime64("2020")),
        ("save_best_model", 1), ("network_config", "huge"), ("network_config", 3),
        ("eval_opponents", "random"), ("eval_opponents", ["random", 3]),
        ("eval_opponents", ["x"] * 65), ("device", "cpu\n"), ("seed", {}), ("seed", 10**4000),
        ("trackers", ["mlflow"]),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_refused_with_what_would_do(name, value):
    for make in (create_training_config, TrainingConfig):
        told = refusal(make, **{name: value})
        assert told.startswith(f"{name} must be {training_setting(name).accepted()}, got ")


def test_numbers_of_other_libraries_are_taken_as_pythons_own():
    config = create_training_config(
        batch_size=np.int64(64), learning_rate=np.float32(0.5), temperature=1, seed=np.array(3),
        save_best_model=np.bool_(0), eval_opponents=[np.str_("greedy")], device=np.str_("cpu"),
    )  # fmt: skip
    values = (
        config.batch_size, config.learning_rate, config.temperature, config.seed,
        config.save_best_model, config.eval_opponents, config.device,
    )  # fmt: skip
    assert values == (64, 0.5, 1.0, 3, False, ("greedy",), "cpu")
    assert [type(value) for value in values] == [int, float, float, int, bool, tuple, str]
    assert type(config.eval_opponents[0]) is str


def test_settings_that_do_not_go_together_or_do_not_exist_are_refused():
    told = refusal(create_training_config, buffer_capacity=10, min_buffer_size=11)
    assert told == "min_buffer_size must be at most buffer_capacity (10), got 11"
    told = refusal(create_training_config, policy_loss_weight=0, value_loss_weight=0)
    assert "nothing would be learned" in told
    assert refusal(create_training_config, batchsize=3) == (
        'unknown setting "batchsize"; the nearest known one is batch_size'
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingConfig().batch_size = 3


def test_changes_are_told_apart_by_whether_they_break_exactness():
    old = TrainingConfig()
    new = old.replace(max_iterations=200, eval_games=10, learning_rate=0.01, self_play_workers=3)
    assert set(changed_settings(old, new)) == {
        "max_iterations", "eval_games", "learning_rate", "self_play_workers",
    }  # fmt: skip
    assert exactness_broken_by(old, new) == ("learning_rate",)
    cosine = old.replace(learning_rate_schedule="cosine")
    assert exactness_broken_by(cosine, cosine.replace(max_iterations=7)) == ("max_iterations",)


# -- files and presets


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
    chosen = st.sampled_from(spec.choices) if spec.choices else words
    return st.lists(chosen, max_size=5).map(tuple)


@st.composite
def configs(draw):
    values = {spec.name: draw(values_of(spec)) for spec in SPECS if draw(st.booleans())}
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
    assert stored_config(config.to_dict(), place="") == (config, ())
    assert list(tomllib.loads(dump_config(config))) == [spec.name for spec in SPECS]


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("smoke", {}), ("quick", {}), ("laptop", {}), ("gpu", {"device": "cuda"}),
        ("three-players", {"num_players": 3, "eval_opponents": ("random", "heuristic")}),
        ("four-players", {"num_players": 4, "eval_opponents": ("random", "heuristic")}),
        ("alphazero", {  # the published one, without what came later
            "search": "puct", "chance": "sampled", "gate": "off", "warmup_steps": 0,
            "learning_rate_schedule": "constant", "ema_decay": 0.0, "value_target_lambda": 1.0,
            "full_search_fraction": 1.0, "afterstate_samples": 0,
        }),
    ],
)  # fmt: skip
def test_every_preset_is_found_and_chooses_what_it_is_for(name, chosen):
    assert name in preset_names()
    assert find_config(name) == find_preset(name)
    config = load_config(find_preset(name))
    assert config != TrainingConfig()
    assert {key: getattr(config, key) for key in chosen} == chosen


FILES = {
    "batch_size = -5\n": "mine.toml: batch_size must be a whole number from 1 to 1,048,576, got -5",
    "btach_size = 5\n": 'mine.toml: unknown setting "btach_size"; the nearest known one is batch_s',
    "[training]\nbatch_size = 5\n": 'mine.toml: unknown setting "training"',
    "buffer_capacity = 10\n": "mine.toml: min_buffer_size must be at most buffer_capacity (10)",
    "seed = \n": "mine.toml: is not valid TOML",
    "seed = " + "[" * 20_000: "mine.toml: is not valid TOML",
    "seed = 1" + "0" * 5_000: "mine.toml: is not valid TOML",
    "#" * (1 << 20) + "\n": "mine.toml: is larger than 1 MiB",
    'device = "cp\udcff"': "mine.toml: is not UTF-8 text (byte 12)",
}


@pytest.mark.parametrize("content", FILES, ids=range(len(FILES)))
def test_a_refused_file_is_told_in_one_sentence(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.toml"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert refusal(load_config, file).startswith(FILES[content])
    assert "cannot be read" in refusal(load_config, tmp_path)
    assert "no such file" in refusal(load_config, tmp_path / "absent.toml")


def test_a_file_is_found_before_the_preset_of_its_name_and_may_begin_with_a_mark(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick").write_bytes(b"\xef\xbb\xbfseed = 5\r\n")
    assert load_config(find_config("quick")).seed == 5
    for name in ("quik", "nonsense", "a\0b", "x" * 5000, ""):
        assert "there is no file or preset" in refusal(find_config, name)


@pytest.mark.fuzz
def test_mutated_files_are_valid_or_refused_in_one_sentence(tmp_path, fuzz):
    rng = fuzz.rng
    rounds = fuzz.rounds(1000)
    good = dump_config(TrainingConfig()).encode()
    pieces = [
        *(b"=", b'"', b"[", b"]", b"\n", b"nan", b"inf", b"1e999", b"-", b"\x00", b"\xff", b"'''"),
        *(b"9" * 400, b"true", b"{}", b"\x1b[2J", "\u202e".encode(), b"# ", b".", b"0x"),
    ]
    valid = 0
    for _ in range(rounds):
        data = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            match rng.randrange(3):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    data[at : at + rng.randint(1, 40)] = b""
                case _:
                    data[at:at] = rng.choice(pieces)
        file = tmp_path / "mutated.toml"
        file.write_bytes(data)
        try:
            load_config(file)
            valid += 1
        except ConfigError:
            assert "mutated.toml: " in refusal(load_config, file)
    assert 0 < valid < rounds, "mutations must be neither harmless nor always fatal"


def test_what_an_older_or_newer_version_stored_is_read_and_told():
    config, notes = stored_config(
        {
            "later": 1,
            "margin_loss_weight": 0.0,
            "batch_size": -1,
            "buffer_capacity": 100,
            "seed": 7,
        },
        place="run.pt",
        needed=("network_config",),
    )
    assert config == TrainingConfig(buffer_capacity=100, min_buffer_size=100, seed=7)
    unknown, refused = notes
    assert unknown == "run.pt: this version does not know later, and leaves it out"
    assert refused.startswith("run.pt: batch_size must be a whole number from 1 to 1,048,576")
    assert refused.endswith("got -1; the default, 512, takes its place")
    told = refusal(stored_config, {"network_config": "sets"}, place="f", needed=("network_config",))
    assert told.startswith('f: network_config must be one of "small"')


# -- which place has the last word


def test_later_places_have_the_last_word(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("batch_size = 100\nseed = 1\neval_games = 10\n")
    environment = {"AZUL_TUI_SEED": "2", "AZUL_TUI_EVAL_GAMES": "20", "AZUL_TUI_DIR": "/tmp"}
    config = resolve_config(file, environment, ["eval_games=30"])
    assert (config.batch_size, config.seed, config.eval_games) == (100, 2, 30)
    assert config.learning_rate == TrainingConfig().learning_rate


@pytest.mark.parametrize(
    ("override", "name", "value"),
    [
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
    message = refusal(resolve_config, overrides=[override])
    assert message.startswith("--set: ") and told in message


def test_the_environment_is_checked_like_any_other_place():
    told = refusal(resolve_config, environment={"AZUL_TUI_SEED": "x"})
    assert told.startswith("AZUL_TUI_SEED: seed must be ") and told.endswith('got "x"')
    assert "unset it" in refusal(resolve_config, environment={"AZUL_TUI_dir": "3"})
    told = refusal(resolve_config, environment={"AZUL_TUI_BATCHSIZE": "3"})
    assert "nearest known one is AZUL_TUI_BATCH_SIZE" in told


def test_another_job_has_settings_of_its_own():
    specs = (
        SettingSpec(name="games", kind="int", default=3, help=""),
        SettingSpec(name="run", kind="str", default="", help=""),
    )
    environment = {"AZUL_TUI_SEED": "2", "AZUL_TUI_GAMES": "5"}  # a training's is nothing to it
    assert resolve_settings(specs, environment=environment) == {"games": 5}
    for text in ("1122", "a=b"):  # text stays text
        assert resolve_settings(specs, overrides=[f"run={text}"]) == {"run": text}
