"""What the list of checkpoints shows of a run's files."""

from dataclasses import replace

from fake_run import make_run

from azul_tui.runs.checkpoint_manifest import CheckpointRecord, write_manifest
from azul_tui.tui.checkpoints.listing import CheckpointIndex

BEST = CheckpointRecord(
    file="best_model.pt", iteration=5, score=0.75, timestamp=1.0, size=3, sha256=("0" * 64,)
)


def listed(root):
    index = CheckpointIndex(root)
    while not index.refresh(budget_ms=1000.0):
        pass
    return [row for row in index.rows if not row.shipped]


def test_the_best_model_is_listed_when_its_own_checkpoint_was_cleaned_up(tmp_path):
    folder = tmp_path / "run"
    make_run(folder, 12)
    (folder / "best_model.pt").write_bytes(b"best")
    write_manifest(folder, [BEST])
    assert [(row.iteration, row.best) for row in listed(tmp_path)] == [(5, True), (10, False)]
    (folder / "checkpoint_iter_000005.pt").unlink()
    rows = {row.iteration: row for row in listed(tmp_path)}
    assert sorted(rows) == [5, 10]
    assert rows[5].file.name == "best_model.pt"
    assert rows[5].best
    assert rows[5].score == 0.75
    assert rows[10].newest
    # A list that names a file which is not there adds nothing.
    (folder / "best_model.pt").unlink()
    assert [row.iteration for row in listed(tmp_path)] == [10]


def test_a_run_of_nothing_but_a_best_model_is_listed(tmp_path):
    folder = tmp_path / "run"
    make_run(folder, 12)
    for file in folder.glob("*.pt"):
        file.unlink()
    (folder / "best_model.pt").write_bytes(b"best")
    write_manifest(folder, [replace(BEST, iteration=10)])
    (row,) = listed(tmp_path)
    assert (row.file.name, row.iteration, row.best, row.newest) == (
        "best_model.pt",
        10,
        True,
        False,
    )
