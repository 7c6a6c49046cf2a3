"""The player that came with the program is listed with its figures, without opening its weights."""

from azul_tui.tui.checkpoints.listing import CheckpointIndex


def test_the_shipped_player_shows_how_strong_it_is(tmp_path):
    index = CheckpointIndex(tmp_path)
    while not index.refresh(budget_ms=1000.0):
        pass
    (row,) = index.rows
    assert row.shipped
    assert row.iteration > 0
    assert row.score is not None
    assert row.score > 0.9
    assert row.total_loss is not None
    assert row.rating is not None
    assert row.rating.elo > 1500
    assert row.rated_over == "random"
