"""Values of settings as people type and read them."""

from __future__ import annotations

import pytest

from azul_tui.config import training_setting
from azul_tui.errors import ConfigError
from azul_tui.views.settings import parse_value


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [("eval_games", "1,000", 1000), ("learning_rate", "1e-4", 1e-4), ("dropout", "0", 0.0)],
)
def test_numbers_are_taken_as_a_person_writes_them(name, typed, value):
    assert parse_value(training_setting(name), typed) == value


@pytest.mark.parametrize("typed", ["abc", "9", "0.1 x", "", "'", "[1", "1=2"])
def test_a_refusal_begins_with_the_setting_and_names_no_option(typed):
    with pytest.raises(ConfigError, match=r"^learning_rate must be a number from 1e-09 to 1"):
        parse_value(training_setting("learning_rate"), typed)
