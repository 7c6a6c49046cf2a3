"""The place of runs, as somebody sees and uses it."""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import asynccontextmanager, nullcontext

import pytest
from dashboard import NARROW, WIDE, a_run, check_picture, dashboard
from fake_run import START

from azul_tui.errors import RunError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.machine import host_name, own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import CRASHED_AFTER_S
from azul_tui.tui.widgets.listing import Listing, RowList
from azul_tui.views.run_list import archive_run, delete_run, rename_run
from azul_tui.views.table import diff_lines

LONG = "growth-of-a-run-that-somebody-named-after-everything-in-it-100"
SOON = START + 1360  # the run that goes on wrote ten seconds ago


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three runs: one that goes on, one that has finished, one of a long name."""
    root = tmp_path_factory.mktemp("three")
    a_run(root, "laptop", 15)
    a_run(root, "quick-1", 5, seed=1, state="finished", batch_size=512, max_iterations=5)
    a_run(root, LONG, 4, seed=2, state="stopped", learning_rate=0.002)
    return root


@asynccontextmanager
async def runs(root, now=SOON, **options):
    """The place of runs."""
    async with dashboard(root, now=now, **options) as shown:
        await shown.press("3")
        yield shown


def order(shown):
    """Names in the table from top to bottom."""
    return shown.screen.query_one(Listing).keys


async def choose(shown, name):
    """Put the cursor on that run."""
    await shown.when(lambda: name in order(shown), name)
    listing = shown.screen.query_one(Listing)
    shown.screen.query_one(RowList).highlighted = listing.keys.index(name)
    await shown.pilot.pause()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
async def test_runs_look_as_they_should(three, size):
    async with runs(three, size=size) as shown:
        await shown.until("step 1,500")
        await shown.press("space", "space", "space")
        await shown.until("settings that differ")
        feeds = shown.screen.feeds
        await shown.when(lambda: len(feeds) == 3 and all(f.at_end for f in feeds.values()), "read")
        await shown.until("quick")
        await check_picture(shown, f"runs-{size[0]}x{size[1]}")


async def test_the_newest_is_on_top_and_titles_sort_by_a_click(three):
    async with runs(three) as shown:
        await shown.until("3 runs")
        await shown.when(lambda: order(shown)[0] == "laptop", "the newest on top")
        await shown.click_words("iteration", line=2)
        assert order(shown) == ["laptop", "quick-1", LONG]
        await shown.click_words("iteration", line=2)
        assert order(shown) == [LONG, "quick-1", "laptop"]
        await shown.press("s")
        assert "best vs greedy▾" in shown.text


async def test_runs_are_filtered_while_typing(three):
    async with runs(three) as shown:
        await shown.until("3 runs")
        await shown.press("slash", *"quick FIN")
        await shown.until("1 of 3 runs")
        assert order(shown) == ["quick-1"]
        await shown.press("x")
        await shown.until("none matches; escape clears the filter")
        await shown.press("escape")
        await shown.when(lambda: len(order(shown)) == 3, "all again")
        await shown.press("down")
        assert shown.screen.query_one(RowList).has_focus


async def test_marked_runs_are_overlaid_and_only_differences_are_listed(three):
    async with runs(three) as shown:
        await shown.until("laptop")
        await shown.press("space", "space")
        text = await shown.until("settings that differ")
        assert "2 marked" in text
        settings = text.split("settings that differ")[1]
        assert "batch_size" in settings or "learning_rate" in settings
        assert "network_config" not in settings
        await shown.press("t", "t", "t")
        title = await shown.until("score against greedy")
        assert "laptop" in title.split("score against greedy")[1].splitlines()[0]
        await shown.press("u")
        await shown.when(lambda: "settings that differ" not in shown.text, "unmarked")


def test_the_diff_keeps_two_columns_and_says_what_it_leaves_out():
    settings = [{"a_long_setting": "1", "same": "x"}, {"a_long_setting": "2", "same": "x"}, {}]
    rows = diff_lines(["one", "two", "three"], settings, 36)
    shown = ["".join(text for text, _ in row) for row in rows]
    assert all(len(row) <= 36 for row in shown)
    assert shown[0].split() == ["one", "two"]
    assert shown[-1] == "and 1 more run beside these"


async def test_scores_against_different_opponents_are_never_in_one_column(tmp_path):
    a_run(tmp_path, "easy", 5, state="finished", eval_opponents=["random"], eval_games=100)
    a_run(tmp_path, "hard", 5, state="finished", eval_opponents=["random", "greedy"])
    a_run(tmp_path, "three", 5, state="finished", eval_opponents=["greedy"], num_players=3)
    async with runs(tmp_path) as shown:
        await shown.until("3 runs")
        await shown.when(lambda: "reading" not in shown.text, "all of them")
        seen = {}
        title = re.compile(r"best vs (.*?)   ")
        for count in range(3):
            await shown.when(lambda: title.search(shown.text), "the scores")
            await shown.when(lambda: title.search(shown.text)[1].strip() not in seen, str(count))
            opponent = title.search(shown.text)[1].strip()
            rows = [row for row in shown.text.splitlines()[3:6] if "78" in row.split("✓")[1]]
            seen[opponent] = [row.split()[0] for row in rows]
            await shown.press("o")
        assert seen == {"random": ["easy"], "greedy": ["hard"], "greedy, 3 players": ["three"]}
        await shown.until("78 ± 8%")


async def test_enter_and_a_double_click_look_at_a_run_and_one_click_chooses_it(three):
    async with runs(three) as shown:
        await shown.until("quick-1")
        await shown.click_words("quick-1")
        assert shown.app.current_mode == "runs"
        assert shown.screen.listing.chosen.name == "quick-1"
        await shown.press("g")
        await shown.until("games of quick-1")
        await shown.press("escape", "enter")
        assert shown.app.current_mode == "training"
        assert shown.app.feed.name == "quick-1"
        await shown.press("3")
        y = next(i for i, row in enumerate(shown.text.splitlines()) if "laptop" in row)
        await shown.pilot.click(offset=(6, y), times=2)
        await shown.when(lambda: shown.app.feed.name == "laptop", "laptop")


async def test_resuming_asks_first_and_a_finished_run_is_asked_how_far(three):
    async with runs(three) as shown:
        await choose(shown, LONG)
        await shown.press("r")
        text = await shown.until("Resume ")
        assert "to 100 iterations" in text
        await shown.press("escape")
        await choose(shown, "quick-1")
        await shown.press("r")
        await shown.until("How many more iterations?")
        await shown.press("escape")
        await choose(shown, "laptop")
        await shown.press("r")
        await shown.until("is training already")
        assert shown.app.jobs.running == []


async def test_runs_are_renamed_archived_and_deleted_but_never_a_live_one(tmp_path):
    run = a_run(tmp_path, "live", 2)
    for name in ("one", "two"):
        a_run(tmp_path, name, 1, state="finished")
    async with runs(tmp_path, attach="one", now=run.t) as shown:
        for key in ("delete", "n", "z"):
            await choose(shown, "live")
            await shown.press(key)
            await shown.until("the run live is going on")
            assert not shown.screen.is_modal, "a live run is refused before anything is asked"
        await choose(shown, "one")
        await shown.press("n", "end", "slash")
        await shown.until("may hold")
        await shown.press("backspace", *"xyz", "enter")
        await choose(shown, "onexyz")
        assert (tmp_path / "onexyz").is_dir()
        assert shown.app.feed.name == "onexyz", "the run that is looked at is followed"
        await shown.press("z", "y")
        await shown.when(lambda: "onexyz" not in order(shown), "archived")
        assert (tmp_path / ".archive" / "onexyz").is_dir()
        assert shown.app.feed is None
        await choose(shown, "two")
        await shown.press("D")
        text = await shown.until("Delete two for good?")
        assert "kB" in text
        await shown.press("enter")
        assert (tmp_path / "two").is_dir(), "enter is the safe answer"
        await shown.press("delete", "y")
        await shown.when(lambda: order(shown) == ["live"], "gone")
    assert (tmp_path / "live").is_dir()


async def test_a_run_that_somebody_else_deletes_leaves_the_list_and_says_so(tmp_path):
    run = a_run(tmp_path, "one", 3)
    a_run(tmp_path, "two", 1, state="finished")
    async with dashboard(tmp_path, attach="one", now=run.t) as shown:
        await shown.until("step 300")
        shutil.rmtree(tmp_path / "one")
        await shown.until("its folder is gone")
        await shown.press("3")
        await shown.when(lambda: order(shown) == ["two"], "only the other")


async def test_without_runs_it_says_which_key_makes_the_first(tmp_path):
    async with runs(tmp_path / "none") as shown:
        await shown.until("There are no runs yet.")
        await shown.press("r", "space", "delete", "enter", "g")
        assert not shown.screen.is_modal


async def test_1500_runs_are_shown_at_once_and_cost_next_to_nothing(tmp_path):
    first = a_run(tmp_path, "run-0000", 1, state="finished").directory
    (first / "events.jsonl").unlink()
    for number in range(1, 1500):
        folder = tmp_path / f"run-{number:04d}"
        folder.mkdir()
        for file in ("status.json", "config.toml"):
            os.link(first / file, folder / file)
    async with runs(tmp_path, size=NARROW, now=START + 90_000) as shown:
        listing = shown.screen.query_one(Listing)
        await shown.when(lambda: listing.keys, "the first rows")
        await shown.when(lambda: len(listing.keys) == 1500, "all rows", 60)
        index = shown.screen.index
        used = time.thread_time()
        assert index.refresh()
        assert time.thread_time() - used < 0.12, "2% of a core at a look every six seconds"
        version = index.version
        index.refresh()
        assert index.version == version, "what did not change is not shown anew"
        rows = shown.text.splitlines()[3:9]
        assert all("run-" in row and "1/100" in row for row in rows), "a line each"
        await shown.press("end")
        assert shown.screen.listing.chosen is not None
        await shown.press("slash", *"run-0077")
        await shown.when(lambda: listing.keys == ["run-0077"], "found", 20)


@pytest.mark.parametrize(
    ("fields", "seconds", "words"),
    [
        ({"pid": 2**22 + 5}, 0, ""),
        ({"pid": os.getpid(), "birth": own_mark().birth}, 0, f"by process {os.getpid()}"),
        ({"pid": 2**22 + 5, "host": "elsewhere"}, CRASHED_AFTER_S - 1, "on host elsewhere"),
        ({"pid": 2**22 + 5, "host": "elsewhere"}, CRASHED_AFTER_S + 1, ""),
    ],
    ids=["killed", "alive", "another machine", "another machine, long silent"],
)
def test_only_a_run_that_nobody_holds_is_moved_or_deleted(tmp_path, fields, seconds, words):
    paths = RunPaths(tmp_path / "quick-1122")
    paths.create()
    mark = {"host": host_name(), "birth": "", "since": 1000.0, **fields}
    paths.lock.write_bytes(encode_plain(mark))
    with pytest.raises(RunError, match=words) if words else nullcontext():
        moved = archive_run(rename_run(paths, "other", 1000.0 + seconds), 1000.0 + seconds)
        delete_run(RunPaths(moved), 1000.0 + seconds)
        assert not moved.exists()
    assert paths.directory.is_dir() == bool(words)
