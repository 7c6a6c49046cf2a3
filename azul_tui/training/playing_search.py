"""How a network searches when strength counts, in evaluation, play and analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.training.self_play import search_settings

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.search.settings import SearchSettings


def playing_search(config: TrainingConfig) -> SearchSettings:
    """The search of self-play, with the weight of the values that plays best.

    Self-play wants variety and a policy that is not too sure of few visits; a game that is
    measured wants the best move. EXPERIMENTS.md has the figures.
    """
    return search_settings(config)._replace(c_scale=config.eval_c_scale)
