"""The games of a run: listed, replayed, reviewed, and taken to other places."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from dashboard import NARROW, WIDE, check_picture, dashboard
from engine_talk import Talk
from recorded_example import example_actions, write_example_game
from textual import events

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.screens import games
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.listing import RowList
from azul_tui.views.engine import EngineError

pytestmark = pytest.mark.timeout(120)
MOVES = len(example_actions())
WORST = (20, 7)


class RulesWithoutNetworks:
    """An engine in this process; only its opinions are made up."""

    def __init__(self):
        self.talk = Talk()
        self.asked = []
        self.refusal = self.gone = ""
        self.alive = True

    async def close(self):
        pass

    async def ask(self, command, on_record=None):
        if self.gone:
            raise EngineError(self.gone)
        self.asked.append(command)
        await asyncio.sleep(0)
        if command.startswith("review"):
            return self.review(on_record)
        record = self.talk.last(command)
        if record["event"] == "error":
            raise EngineError(record["text"])
        return record

    def review(self, on_record):
        if self.refusal:
            raise EngineError(self.refusal)
        for number in range(MOVES + 1):
            swing = 0.4 if number in WORST else 0.0
            played = {"best_value": 0.2, "played_value": 0.2 - swing, "swing": swing}
            move = {"best": "B 1>1", **played} if number < MOVES else {}
            on_record({"event": "review", "number": number, "value": number / MOVES, **move})
        return {"event": "reviewed", "mistakes": list(WORST), "last": True}


@pytest.fixture
def run(tmp_path):
    """A run that has kept three games."""
    paths = RunPaths(tmp_path / "night")
    paths.directory.mkdir()
    (paths.directory / "events.jsonl").touch()
    write_example_game(paths.games / "iter_000003.jsonl")
    write_example_game(paths.games / "iter_000004.jsonl", seed=6, tag="game 4")
    write_example_game(
        paths.games / "eval_000004_greedy.jsonl",
        title="iteration 4 against greedy",
        tag="game 1",
        names=["iteration 4", "greedy"],
    )
    return paths


@asynccontextmanager
async def desk(run, size=WIDE, **engine):
    """The games of the run, over an engine in this process."""
    async with dashboard(run.directory.parent, size=size) as shown:
        shown.engine = shown.app.engine = RulesWithoutNetworks()
        for name, value in engine.items():
            setattr(shown.engine, name, value)
        shown.app.push_screen(games.GamesScreen(run))
        await shown.until("games of night" if run.name == "night" else "games of")
        yield shown


async def replayed(shown):
    """Replay the first game, with its review."""
    await shown.until("3 games")
    await shown.press("enter")
    await shown.until("2 mistakes")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
async def test_a_replayed_game_looks_as_it_should(run, size):
    async with desk(run, size) as shown:
        await replayed(shown)
        await shown.press("m")
        await check_picture(shown, f"games-replay-{size[0]}x{size[1]}")


async def test_games_are_listed_sorted_and_chosen_by_clicks(run):
    async with desk(run) as shown:
        await shown.until("how it ended")
        await shown.until("iteration 3")
        await shown.pilot.pause(0.3)
        labels = ["iteration 4 against", "iteration 4, game 4", "iteration 3"]
        text = shown.text
        assert [text.index(label) for label in labels] == sorted(map(text.index, labels))
        assert "2 : 0" in text and "won by" in text and "│  iteration 4         2" in text
        await shown.click_words("game▾")
        assert shown.text.index(labels[2]) < shown.text.index(labels[0]), "the oldest first"
        await shown.click_words("iteration 4, game 4")
        assert shown.screen.query_one(RowList).highlighted == 1 and not shown.screen.is_open
        await shown.pilot.double_click(RowList, offset=(5, 1))
        await shown.until("move 0 of 56")


async def test_a_game_is_replayed_move_by_move(run):
    async with desk(run) as shown:
        await replayed(shown)
        assert f"move 0 of {MOVES}" in shown.text
        assert "the first deal" in shown.text
        await shown.press("right", "right", "left")
        text = await shown.until(f"move 1 of {MOVES}")
        assert "iteration 4 played" in text
        await shown.press("pagedown")
        await shown.until(f"move 11 of {MOVES}")
        await shown.press("end", "right")
        await shown.until("the game is over")
        await shown.press("home")
        await shown.until(f"move 0 of {MOVES}")
        await shown.press("escape")
        await shown.until("games of night")
        await shown.press("escape")
        assert not isinstance(shown.screen, games.GamesScreen)


async def test_the_wheel_and_a_click_on_the_curve_move_through_it(run):
    async with desk(run) as shown:
        await replayed(shown)
        shown.app.post_message(events.MouseScrollDown(None, 5, 5, 0, 1, 0, False, False, False))
        await shown.until(f"move 1 of {MOVES}")
        curve = shown.screen.query_one(Chart)
        await shown.pilot.click(Chart, offset=(curve.size.width // 2, 4))
        await shown.pilot.pause()
        assert abs(shown.screen.replay.at - MOVES / 2) <= 3


async def test_the_worst_moves_are_visited_in_order(run):
    async with desk(run) as shown:
        await replayed(shown)
        assert "expected by iteration 4" in shown.text
        visited = []
        for _ in range(3):
            await shown.press("m")
            visited.append(shown.screen.replay.at)
        assert visited == [7, 20, 7]
        assert "costs 0.40, better was B from 1 to line 1" in shown.text


async def test_space_plays_on_and_any_step_stops_it(run, monkeypatch):
    monkeypatch.setattr(games, "PLAY_S", 0.02)
    async with desk(run) as shown:
        await replayed(shown)
        await shown.press("space")
        await shown.when(lambda: shown.screen.replay.at >= 4, "four moves")
        await shown.press("left")
        at = shown.screen.replay.at
        await shown.pilot.pause(0.2)
        assert shown.screen.replay.at == at
        await shown.press("end", "left", "space")
        await shown.until("the game is over")


async def test_a_position_goes_to_analyse_and_to_play(run):
    async with desk(run) as shown:
        await replayed(shown)
        wishes = []
        shown.app.go_with = lambda place, wish: wishes.append((place, wish))
        await shown.press("right", "a", "p")
        notation = shown.screen.replay.game.positions[1]
        assert wishes == [("analyse", (notation, "pretrained")), ("play", notation)]
        await shown.press("end", "p")
        assert len(wishes) == 2, "a finished game cannot be played on"


async def test_a_review_that_is_refused_leaves_the_replay_usable(run):
    words = "pretrained is for 2 players, and the game before it has 3"
    async with desk(run, refusal=words) as shown:
        await shown.until("3 games")
        await shown.press("enter")
        await shown.until("pretrained is for 2 players")
        await shown.press("right")
        await shown.until(f"move 1 of {MOVES}")
        shown.engine.refusal = ""
        await shown.press("r")
        await shown.until("2 mistakes")


async def test_an_engine_that_does_not_start_is_told_and_asked_again(run):
    async with desk(run, gone="the engine cannot be started: No such file") as shown:
        await shown.until("cannot be started")
        shown.engine.gone = ""
        await shown.press("r")
        await shown.until("3 games")


async def test_leaving_while_the_engine_thinks_ends_in_the_list_and_then_outside(run):
    async with desk(run) as shown:
        await replayed(shown)
        answers = asyncio.Event()

        async def ask(command, on_record=None):
            await answers.wait()

        shown.engine.ask = ask
        await shown.press("n", "escape")
        await shown.until("games of night")
        await shown.press("escape")
        assert not isinstance(shown.screen, games.GamesScreen)
        answers.set()
        await shown.pilot.pause(0.1)


async def test_a_run_without_games_says_what_would_be_here(tmp_path):
    run = RunPaths(tmp_path / "night")
    run.directory.mkdir()
    (run.directory / "events.jsonl").touch()
    async with desk(run, NARROW) as shown:
        await shown.until("No games are kept here yet")
        await shown.press("enter", "m", "a", "space", "end")
        assert shown.engine.asked == []


async def test_a_file_that_is_no_game_is_counted_and_the_others_shown(run):
    (run.games / "iter_000009.jsonl").write_text("{}\n")
    async with desk(run) as shown:
        await shown.until("1 file could not be read")
        await shown.until("iteration 3")
