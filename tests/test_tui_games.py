"""The Games screen: a run's games listed, replayed, reviewed, and taken to other places."""

from __future__ import annotations

import asyncio
import time

import pytest
from engine_talk import Talk
from recorded_example import example_actions, write_example_game

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp
from azul_tui.tui.engine.process import EngineError
from azul_tui.tui.picture import plain
from azul_tui.tui.screens.games import GamesScreen

MOVES = len(example_actions())
WORST = (20, 7)


class RulesWithoutNetworks:
    """An engine in this process; only its opinions are made up."""

    def __init__(self):
        self.talk = Talk()
        self.asked = []
        self.refusal = ""
        self.alive = True

    async def get(self):
        return self

    async def close(self):
        pass

    async def ask(self, command, on_record=None):
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


class Desk:
    """An app with the Games screen open on a run."""

    def __init__(self, run, size=(120, 40)):
        self.run = run
        self.app = AzulApp(run.directory.parent, ascii_only=False, tick_s=3600.0)
        self.app.engine = self.engine = RulesWithoutNetworks()
        self.size = size

    async def __aenter__(self):
        self.context = self.app.run_test(size=self.size)
        self.pilot = await self.context.__aenter__()
        self.app.push_screen(GamesScreen(self.run, "runs"))
        await self.settle()
        return self

    async def __aexit__(self, *error):
        await self.context.__aexit__(*error)

    @property
    def screen(self):
        return self.app.screen

    async def settle(self):
        """Wait until nothing is asked any more."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            await self.pilot.pause()
            screen = self.app.screen
            if not isinstance(screen, GamesScreen):
                return
            mine = [worker for worker in screen.workers if worker.group.startswith("games")]
            if screen.games.is_listed and all(worker.is_finished for worker in mine):
                return
        raise AssertionError("the screen never came to rest")

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    def shown(self):
        return plain(self.app.screen.shown_lines())


async def test_games_are_listed_newest_first_with_how_they_ended(run):
    async with Desk(run) as desk:
        shown = desk.shown()
        labels = ["it 4 · greedy · game 1", "it 4 · game 4", "it 3"]
        assert [shown.index(label) for label in labels] == sorted(map(shown.index, labels))
        assert "games of night  3" in shown
        assert "2 : 0" in shown
        assert "how it ended" in shown
        assert "enter replay" in shown
        await desk.press("down", "down", "down", "up")
        assert desk.screen.games.chosen == 1


async def test_a_game_is_replayed_move_by_move(run):
    async with Desk(run) as desk:
        await desk.press("enter")
        assert f"move 0 of {MOVES}" in desk.shown()
        assert "the first deal" in desk.shown()
        await desk.press("right", "right", "left")
        assert f"move 1 of {MOVES}" in desk.shown()
        assert "iteration 4 played" in desk.shown()
        await desk.press("pagedown")
        assert f"move 11 of {MOVES}" in desk.shown()
        await desk.press("end", "right")
        assert "the game is over" in desk.shown()
        await desk.press("home")
        assert f"move 0 of {MOVES}" in desk.shown()
        await desk.press("escape")
        assert "games of night" in desk.shown()


async def test_the_worst_moves_are_marked_and_visited_in_order(run):
    async with Desk(run) as desk:
        await desk.press("enter")
        assert "expected by iteration 4" in desk.shown()
        assert "2 mistakes" in desk.shown()
        visited = []
        for _ in range(3):
            await desk.press("m")
            visited.append(desk.screen.replay.at)
        assert visited == [7, 20, 7]
        assert "costs 0.40, better was B from 1 to line 1" in desk.shown()
        axis = next(line for line in desk.shown().splitlines() if "└┴" in line)
        assert axis.count("!") == 2


async def test_space_plays_on_and_any_step_stops_it(run, monkeypatch):
    monkeypatch.setattr("azul_tui.tui.screens.games.PLAY_S", 0.02)
    async with Desk(run) as desk:
        await desk.press("enter", "space")
        end = time.monotonic() + 20
        while desk.screen.replay.at < 4 and time.monotonic() < end:
            await desk.pilot.pause(0.02)
        assert desk.screen.replay.at >= 4
        await desk.press("left")
        assert desk.screen.playing is None
        await desk.press("end", "left", "space")
        while desk.screen.playing is not None and time.monotonic() < end:
            await desk.pilot.pause(0.02)
        assert desk.screen.replay.at == MOVES, "it stops at the end by itself"


async def test_a_position_goes_to_analyse_and_to_play(run, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "azul_tui.tui.analyse.entry.open_analyse", lambda app, **what: opened.append(what)
    )
    monkeypatch.setattr("azul_tui.tui.play.open.open_play", lambda app, **what: opened.append(what))
    async with Desk(run) as desk:
        await desk.press("enter", "right", "a", "p")
        notation = desk.screen.replay.notation
        assert notation == desk.screen.replay.game.positions[1]
        assert [what["notation"] for what in opened] == [notation, notation]
        assert opened[0]["checkpoint"] == "pretrained"
        assert opened[1]["seat"] == 1
        await desk.press("end", "p")
        assert len(opened) == 2, "a finished game cannot be played on"


async def test_a_review_that_is_refused_leaves_the_replay_usable(run):
    async with Desk(run) as desk:
        desk.engine.refusal = "pretrained is for 2 players, and the game before it has 3"
        await desk.press("enter", "right")
        assert "pretrained is for 2 players" in desk.shown()
        assert f"move 1 of {MOVES}" in desk.shown()
        desk.engine.refusal = ""
        await desk.press("r")
        assert "2 mistakes" in desk.shown()


async def test_an_engine_that_does_not_start_is_told_and_asked_again(run):
    async with Desk(run) as desk:
        await desk.press("escape")

        async def fail():
            raise EngineError("the engine cannot be started: No such file")

        desk.engine.get = fail
        desk.app.push_screen(GamesScreen(run, "runs"))
        await desk.pilot.pause()
        end = time.monotonic() + 20
        while "cannot be started" not in desk.shown() and time.monotonic() < end:
            await desk.pilot.pause(0.02)
        assert "cannot be started" in desk.shown()
        del desk.engine.get
        await desk.press("r")
        assert "games of night  3" in desk.shown()


async def test_keys_of_a_game_say_in_the_list_that_one_has_to_be_opened(run):
    async with Desk(run) as desk:
        await desk.press("m")
        assert "enter replays the chosen game" in desk.shown()
        assert desk.screen.is_open is False


async def test_a_run_without_games_says_what_would_be_here(tmp_path):
    run = RunPaths(tmp_path / "young")
    run.directory.mkdir()
    (run.directory / "events.jsonl").touch()
    async with Desk(run, (80, 24)) as desk:
        assert "No games are kept here yet" in desk.shown()
        await desk.press("enter", "m", "a", "space", "end")
        assert desk.engine.asked == []


async def test_a_file_that_is_no_game_is_counted_and_the_others_shown(run):
    (run.games / "iter_000009.jsonl").write_text("{}\n")
    async with Desk(run) as desk:
        assert "1 file could not be read" in desk.shown()
        assert "it 3" in desk.shown()


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (200, 60)])
async def test_it_fits_every_size(run, size):
    async with Desk(run, size) as desk:
        await desk.press("enter", "m")
        lines = desk.screen.shown_lines()
        assert len(lines) == size[1]
        assert f"move 7 of {MOVES}" in desk.shown()
        assert "costs 0.40" in desk.shown()
        await desk.press("escape")
        assert "it 3" in desk.shown()


async def test_a_click_on_the_curve_goes_to_that_move(run):
    async with Desk(run) as desk:
        await desk.press("enter")
        drawn = desk.screen._drawn
        middle = drawn.chart_left + drawn.chart.plot_left + drawn.chart.plot_width // 2
        await desk.pilot.click(offset=(middle, drawn.chart_top + 3))
        assert abs(desk.screen.replay.at - MOVES / 2) <= 1


async def test_g_opens_the_games_of_a_run(run):
    app = AzulApp(run.directory.parent, attach=run, ascii_only=False, tick_s=3600.0)
    app.engine = RulesWithoutNetworks()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("g")
        await pilot.pause()
        assert isinstance(app.screen, GamesScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert app.current_mode == "training" and not isinstance(app.screen, GamesScreen)
