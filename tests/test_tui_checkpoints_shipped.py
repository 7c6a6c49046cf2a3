"""The players that came with the program are listed with their figures, without opening weights."""

import pytest

from azul_tui.runs.paths import SHIPPED_NAMES
from azul_tui.tui.checkpoints.listing import CheckpointIndex


@pytest.mark.parametrize("players", [2, 3, 4])
def test_a_shipped_player_shows_how_strong_it_is(tmp_path, players):
    index = CheckpointIndex(tmp_path)
    while not index.refresh(budget_ms=1000.0):
        pass
    assert [row.run for row in index.rows] == list(SHIPPED_NAMES.values())
    (row,) = [row for row in index.rows if row.players == players]
    assert row.shipped
    assert row.iteration > 0
    assert row.score is not None
    assert row.score > {2: 0.9, 3: 0.6, 4: 0.5}[players]
    assert row.total_loss is not None
    assert row.rating is not None
    assert row.rating.elo > {2: 1500, 3: 1200, 4: 1100}[players]
    assert row.rated_over == "random"
