"""A match in words: what is level depends on how many sit at the table."""

import pytest

from azul_tui.tui.score_words import elo_text, games_for_firmer, verdict


@pytest.mark.parametrize(
    ("players", "low", "high", "said"),
    [
        (2, 0.45, 0.55, "not decided"),
        (2, 0.51, 0.60, "A is stronger"),
        (3, 0.35, 0.45, "A is stronger"),
        (3, 0.30, 0.40, "not decided"),
        (3, 0.20, 0.30, "B is stronger"),
        (4, 0.26, 0.45, "A is stronger"),
        (4, 0.10, 0.24, "B is stronger"),
    ],
)
def test_level_is_an_equal_share_of_the_games(players, low, high, said):
    middle = (low + high) / 2
    assert verdict(middle, low, high, players).startswith(said)
    decides = games_for_firmer(middle, low, high, 100, players)
    assert ("halve" in decides) == (said != "not decided")


@pytest.mark.parametrize("players", [2, 3, 4])
def test_an_equal_share_is_no_elo_apart(players):
    assert elo_text(1 / players, players) in {"Elo +0", "Elo -0"}


def test_elo_counts_from_the_odds_against_equal_opponents():
    # 57.25% of four players' games: 400 log10(3 x 0.5725 / 0.4275), as the arena has it.
    assert elo_text(0.5725, 4) == "Elo +242"
    assert elo_text(0.615) == "Elo +81"
