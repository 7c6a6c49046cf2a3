"""The players that came with the program are listed with their figures, without opening weights."""

import pytest

from azul_tui.runs.paths import SHIPPED_NAMES, pretrained_directory
from azul_tui.tui.checkpoints.listing import CheckpointIndex

THERE = [seats for seats in SHIPPED_NAMES if pretrained_directory(seats).is_dir()]


@pytest.mark.parametrize("players", THERE)
def test_a_shipped_player_shows_how_strong_it_is(tmp_path, players):
    index = CheckpointIndex(tmp_path)
    while not index.refresh(budget_ms=1000.0):
        pass
    assert [row.run for row in index.rows] == [SHIPPED_NAMES[seats] for seats in THERE]
    (row,) = [row for row in index.rows if row.players == players]
    assert row.shipped
    assert row.iteration > 0
    assert row.score is not None
    assert row.score > {2: 0.9, 3: 0.6, 4: 0.5}[players]
    assert row.total_loss is not None
    assert row.rating is not None
    assert row.rating.elo > {2: 1500, 3: 1200, 4: 1100}[players]
    assert row.rated_over == "random"


def test_there_is_one_for_two_and_one_for_three():
    assert {2, 3} <= set(THERE)
