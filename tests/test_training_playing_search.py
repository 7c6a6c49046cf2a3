"""The search of measured games differs from self-play's in the weight of the values alone."""

from azul_tui.config import create_training_config
from azul_tui.training.self_play import playing_search, search_settings


def test_only_the_weight_of_the_values_differs() -> None:
    config = create_training_config(c_scale=0.125, eval_c_scale=0.75, max_considered_actions=9)
    assert search_settings(config).c_scale == 0.125
    assert playing_search(config) == search_settings(config)._replace(c_scale=0.75)
