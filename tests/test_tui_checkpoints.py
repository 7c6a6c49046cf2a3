"""The place of checkpoints, as somebody sees and uses it."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dashboard import NARROW, WIDE, a_run, check_picture, dashboard
from fake_run import START

from azul_tui.jobs.registry import find_job
from azul_tui.runs.checkpoint_manifest import CheckpointRecord, write_manifest
from azul_tui.runs.paths import SHIPPED_NAMES
from azul_tui.tui.widgets.form import Setting
from azul_tui.tui.widgets.listing import Listing, RowList
from azul_tui.views import checkpoint_list
from azul_tui.views.checkpoint_list import CheckpointIndex

LONG = "growth-of-a-run-that-somebody-named-after-everything-in-it-100"
BEST = CheckpointRecord(
    file="best_model.pt", iteration=5, score=0.75, timestamp=1.0, size=3, sha256=("0" * 64,)
)


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """Without the players that came with the program, whose files have no fixed age."""
    monkeypatch.setattr(
        checkpoint_list, "pretrained_directory", lambda _players: tmp_path / "nowhere"
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two runs with checkpoints of a fixed age."""
    root = tmp_path_factory.mktemp("two")
    a_run(root, "laptop", 15, batch_size=512)
    a_run(root, LONG, 10, seed=1, state="finished", max_iterations=10)
    settle(root)
    return root


def settle(root):
    """Files as old as their iteration tells, in an order that no clock decides."""
    for file in sorted(root.glob("*/*.pt")):
        t = START + 60 * int(file.stem[-2:]) + (file.parent.name == "laptop")
        os.utime(file, (t, t))


def listed(root):
    index = CheckpointIndex(root)
    while not index.refresh():
        pass
    return [row for row in index.rows if not row.shipped]


@asynccontextmanager
async def checkpoints(root, count, now=START + 1360, **options):
    """The place once so many checkpoints are listed and verified."""
    async with dashboard(root, now=now, **options) as shown:
        await shown.press("4")
        await shown.until(f"{count} checkpoints")
        index = shown.screen.index
        await shown.when(lambda: None not in map(index.wrong, index.rows), "verified")
        shown.screen.show()
        await shown.pilot.pause()
        yield shown


async def choose(shown, run, iteration):
    listing = shown.screen.query_one(Listing)
    key = str(shown.app.runs_root / run / f"checkpoint_iter_{iteration:06d}.pt")
    await shown.when(lambda: key in listing.keys, key)
    shown.screen.query_one(RowList).highlighted = listing.keys.index(key)
    await shown.pilot.pause()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
async def test_checkpoints_look_as_they_should(two, size):
    async with checkpoints(two, 5, size=size) as shown:
        await shown.until("laptop iteration 15")
        await shown.when(lambda: "not yet" not in shown.text, "said")
        await check_picture(shown, f"checkpoints-{size[0]}x{size[1]}")


async def test_what_is_known_of_a_checkpoint_is_listed(two):
    async with checkpoints(two, 8) as shown:
        await choose(shown, "laptop", 15)
        text = await shown.until("laptop iteration 15")
        for words in ("vs greedy", "45 ± 5%", "★", "◆", "✓", "newest, best", "batch_size"):
            assert words in text
        await shown.press("o")
        await shown.until("vs random")
        assert "99 ± 3%" in shown.text
        await shown.press("slash", *"laptop iteration 10", "enter")
        await shown.until("1 of 8 checkpoints")


async def test_titles_sort_and_scores_that_are_not_known_come_last(two):
    async with checkpoints(two, 8) as shown:
        await shown.click_words("vs greedy", line=2)
        keys = shown.screen.query_one(Listing).keys
        assert [Path(key).parent.name for key in keys[-3:]] == [
            Path(key).parent.name for key in keys if "pretrained" in key
        ]
        assert keys[0].endswith("laptop/checkpoint_iter_000015.pt")
        await shown.click_words("vs greedy", line=2)
        keys = shown.screen.query_one(Listing).keys
        assert "pretrained" in keys[-1], "unknown scores are last either way"
        assert keys[0].endswith("000005.pt")


async def test_two_are_compared(two):
    async with checkpoints(two, 8, size=NARROW) as shown:
        await choose(shown, "laptop", 15)
        await shown.press("c")
        await shown.until("1 marked")
        await choose(shown, LONG, 5)
        await shown.press("c")
        text = await shown.until("compared")
        assert "policy" in text.split("compared")[1]
        await shown.press("c")
        await shown.when(lambda: "compared" not in shown.text, "no more")


async def test_a_damaged_checkpoint_is_named(tmp_path):
    run = a_run(tmp_path, "run", 5, state="finished")
    file = run.directory / "checkpoint_iter_000005.pt"
    file.write_bytes(file.read_bytes()[:-40])
    async with dashboard(tmp_path, now=run.t) as shown:
        await shown.press("4")
        await shown.until("damaged: it is no checkpoint")


async def test_the_last_good_checkpoint_is_asked_about_twice(tmp_path):
    run = a_run(tmp_path, "run", 10, state="finished")
    files = sorted(run.directory.glob("*.pt"))
    async with checkpoints(tmp_path, 5, now=run.t) as shown:
        await choose(shown, "run", 5)
        await shown.press("delete")
        await shown.until("Delete run iteration 5?")
        await shown.press("y")
        await shown.until("4 checkpoints")
        assert not files[0].exists()
        await choose(shown, "run", 10)
        await shown.press("D", "y")
        await shown.until("the last good checkpoint of run")
        await shown.press("n")
        assert files[1].exists()
        await shown.press("D", "y")
        await shown.until("the last good checkpoint of run")
        await shown.press("y")
        await shown.until("3 checkpoints")
        assert not files[1].exists()


async def test_what_came_with_the_program_is_neither_resumed_nor_deleted(tmp_path, monkeypatch):
    async with dashboard(tmp_path) as shown:
        await shown.press("4")
        await shown.until("◆")
        await shown.press("r", "D", "R")
        assert type(shown.screen).__name__ == "CheckpointsScreen"
        assert "r resume" not in shown.text
        # And without any, the place says which key makes the first.
        monkeypatch.setattr(checkpoint_list, "pretrained_directory", lambda _: tmp_path / "nowhere")
        await shown.until("There are no checkpoints yet.")
        await shown.press("r", "v", "c", "space", "delete", "x", "y", "enter")
        assert not shown.screen.is_modal


async def test_going_back_to_an_older_checkpoint_says_what_is_given_up(tmp_path):
    a_run(tmp_path, "run", 12, state="stopped")
    async with dashboard(tmp_path, now=START + 9000) as shown:
        await shown.press("4")
        await choose(shown, "run", 10)
        await shown.press("r")
        await shown.until("Resume run iteration 10?")
        assert "given up" not in shown.text
        await shown.press("escape")
        await choose(shown, "run", 5)
        await shown.press("r")
        text = await shown.until("up to iteration 10, is given")
        assert "begin a new run from it" in text
        await shown.press("escape")
        assert shown.app.jobs.all == {}


async def test_a_new_run_from_a_checkpoint_has_a_name_and_the_settings_of_its_run(
    tmp_path, monkeypatch
):
    a_run(tmp_path, "night-1", 5, state="finished", learning_rate=0.004)
    started = []
    async with dashboard(tmp_path, now=START + 9000) as shown:
        monkeypatch.setattr(
            shown.app.jobs, "start", lambda *args, **named: started.append((args, named))
        )
        await shown.press("4")
        await choose(shown, "night-1", 5)
        await shown.press("R")
        await shown.until("new_run   ")
        form = shown.screen.forms["resume"]
        assert form.changes() == {
            "checkpoint": str(tmp_path / "night-1" / "checkpoint_iter_000005.pt"),
            "new_run": "night-2",
        }
        assert form.base["learning_rate"] == 0.004
        field = next(s for s in form.query(Setting) if s.spec.name == "new_run").field
        field.focus()
        await shown.press("end", "ctrl+u", *"no/way", "enter")
        await shown.until("may hold letters")
        assert started == []
        await shown.press("end", "ctrl+u", *"other", "enter")
        (args, named) = started[0]
        assert args == (find_job("resume"), [f'checkpoint="{form.values["checkpoint"]}"'])
        assert named["name"] == "other"


async def test_a_checkpoint_is_taken_to_another_place(two, monkeypatch):
    went, file = [], two / "laptop" / "checkpoint_iter_000010.pt"
    async with checkpoints(two, 8) as shown:
        monkeypatch.setattr(shown.app, "go_with", lambda mode, wish: went.append((mode, wish)))
        await choose(shown, "laptop", 10)
        await shown.press("v", "p", "a")
        assert went == [("evaluate", file), ("play", file), ("analyse", file)]
        await shown.press("space")
        await choose(shown, "laptop", 15)
        await shown.press("space", "v", "p")
        newest = file.with_name("checkpoint_iter_000015.pt")
        assert went[3] == ("evaluate", (file, newest)), "two that are marked meet each other"
        assert isinstance(went[4][1], Path), "one plays against one"


async def test_a_checkpoint_that_somebody_wished_to_see_is_chosen(two):
    async with dashboard(two, now=START + 1360) as shown:
        shown.app.go_with("checkpoints", two / LONG / "checkpoint_iter_000005.pt")
        await shown.when(
            lambda: (
                shown.app.current_mode == "checkpoints"
                and (row := shown.screen.listing.chosen) is not None
                and (row.run, row.iteration) == (LONG, 5)
            ),
            "the wished one",
        )


# -- the list without a terminal


def test_the_best_model_is_listed_when_its_own_checkpoint_was_cleaned_up(tmp_path):
    folder = tmp_path / "run"
    a_run(tmp_path, "run", 12)
    (folder / "best_model.pt").write_bytes(b"best")
    write_manifest(folder, [BEST])
    assert [(row.iteration, row.best) for row in listed(tmp_path)] == [(5, True), (10, False)]
    (folder / "checkpoint_iter_000005.pt").unlink()
    rows = {row.iteration: row for row in listed(tmp_path)}
    assert sorted(rows) == [5, 10]
    assert rows[5].file.name == "best_model.pt"
    assert rows[5].best
    assert rows[10].newest
    (folder / "best_model.pt").unlink()
    assert [row.iteration for row in listed(tmp_path)] == [10], "a list alone is no checkpoint"
    (folder / "checkpoint_iter_000010.pt").unlink()
    (folder / "best_model.pt").write_bytes(b"best")
    (row,) = listed(tmp_path)
    assert (row.file.name, row.iteration, row.best, row.newest) == ("best_model.pt", 5, True, False)


def test_a_list_is_read_again_where_something_changed_and_only_there(tmp_path):
    run = a_run(tmp_path, "one", 5)
    a_run(tmp_path, "two", 5)
    index = CheckpointIndex(tmp_path)
    while not index.refresh():
        pass
    version = index.version
    assert index.refresh()
    assert index.version == version
    for _ in range(5):
        run.one_iteration()
    shutil.rmtree(tmp_path / "two")
    assert index.refresh()
    own = [(row.run, row.iteration) for row in index.rows if not row.shipped]
    assert own == [("one", 5), ("one", 10)]


@pytest.mark.parametrize("players", [2, 3, 4])
def test_a_shipped_player_shows_how_strong_it_is(tmp_path, players):
    index = CheckpointIndex(tmp_path)
    while not index.refresh():
        pass
    assert [row.run for row in index.rows] == list(SHIPPED_NAMES.values())
    (row,) = [row for row in index.rows if row.players == players]
    assert row.shipped
    assert row.iteration > 0
    assert row.record["total_loss"] > 0
    assert row.rating is not None
    assert row.rating.elo > {2: 1500, 3: 1200, 4: 1100}[players]
    assert row.rated_over == "random"
