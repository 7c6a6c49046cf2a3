"""Analyse and the position editor as a person drives them, over an engine that answers at once."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from dashboard import NARROW, WIDE, check_picture, dashboard
from fake_engine import FakeEngine, opinion
from fake_run import POSITION, make_run
from textual import events

from azul_tui.game.notation import parse_position
from azul_tui.game.state import GameState
from azul_tui.tui.screens.analyse import MoveList
from azul_tui.tui.widgets.board import Board
from azul_tui.views.analysis import OPENING
from azul_tui.views.play_settings import fits, networks, player_name

pytestmark = pytest.mark.timeout(240)
OTHER = GameState.new(2, 7).notation()
DONE = "400 of 400 simulations"
CHECKPOINT = "laptop/checkpoint_iter_000010.pt"
BOTH_SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    make_run(root / "laptop", 10)
    return root


@asynccontextmanager
async def place(root, size=WIDE, *, until=DONE, waits=False, unstartable="", **options):
    """The place, once `until` is on it; its engine thinks for ever if it `waits`."""
    async with dashboard(root, size=size, **options) as shown:
        shown.engine = shown.app.engine = FakeEngine()
        shown.engine.unstartable = unstartable
        if waits:
            shown.engine.thinking.clear()
        await shown.press("7")
        shown.place, shown.study = shown.screen, shown.screen.study
        await shown.until(until)
        yield shown


def moves(shown):
    return [row.move for row in shown.study.shown]


async def looks_at(shown, notation):
    await shown.when(lambda: shown.study.here.notation == notation, notation)


async def paste(shown, text):
    shown.app.post_message(events.Paste(text))
    await shown.pilot.pause()


# -- the table


@BOTH_SIZES
async def test_a_position_looks_as_it_should(root, size):
    async with place(root, size) as shown:
        await check_picture(shown, f"analyse-{size[0]}x{size[1]}")


async def test_it_opens_on_the_shipped_player_and_searches_deeper_and_deeper(root):
    async with place(root) as shown:
        assert "round 1   player 1 to move   seed 0" in shown.text and "90 moves" in shown.text
        best = max(moves(shown), key=lambda move: opinion("pretrained", move))
        assert moves(shown)[0] == best and f"★  {best}" in shown.text
        assert shown.engine.searches == [("pretrained", n) for n in (25, 50, 100, 200, 400)]
        await shown.press("plus")
        await shown.until("800 of 800 simulations")
        assert shown.engine.searches[5:] == [("pretrained", 800)]
        await shown.press("minus", "minus")
        await shown.until("200 of 200 simulations")
        await shown.press("space")  # everything is known: think on
        await shown.until(DONE)
        assert len(shown.engine.searches) == 6


async def test_space_stops_and_goes_on_and_leaving_stops_too(root):
    async with place(root, waits=True, until="compiling the search, 1 of 3") as shown:
        await shown.press("space")
        await shown.until("stopped; space goes on")
        assert shown.engine.cancelled == 1
        await shown.press("space")
        await shown.until("compiling the search")
        await shown.press("slash", *"red", "enter")  # a field over the table stops nothing
        assert shown.engine.cancelled == 1
        await shown.press("4")
        await shown.when(lambda: shown.engine.cancelled == 2, "the search to stop")
        shown.engine.thinking.set()
        await shown.press("7")
        await shown.until(DONE)
        await shown.place.query_one("#study").remove()
        shown.place.draw()  # a last word of the engine, while the screen closes


async def test_the_order_stands_still_while_one_moves(root):
    async with place(root, waits=True, until="compiling the search") as shown:
        before = moves(shown)
        await shown.press("down", "j", "down", "k")
        shown.engine.thinking.set()
        await shown.until(DONE)
        assert moves(shown) == before
        shown.place.release()  # as it does four seconds after the last key
        assert moves(shown) != before
        assert shown.study.chosen.move == before[2]
        await shown.press("escape")
        assert shown.study.chosen.move == moves(shown)[0]


async def test_moves_are_sorted_by_key_and_click_and_filtered_by_typing(root):
    async with place(root) as shown:
        for title in ("value", "margin", "move", "prior", "visits"):
            await shown.press("s")
            assert f"{title}▼" in shown.text or f"{title}▲" in shown.text
            rows = moves(shown)
            await shown.press("S")
            assert moves(shown) != rows
        await shown.click_words("prior")
        await shown.until("prior▼")
        await shown.click_words("prior▼")
        await shown.until("prior▲")
        await shown.press("slash", *"red", "space", *">f")
        await shown.until("of 90 moves")
        assert moves(shown) and all(m[0] == "R" and m[-1] == "F" for m in moves(shown))
        await shown.press("space", "9")
        await shown.until("no move fits the filter")
        await shown.press("escape")
        assert len(moves(shown)) == 90


async def test_a_line_is_explored_by_keys_and_clicks_and_taken_back(root):
    async with place(root) as shown:
        first, move = moves(shown)[0], moves(shown)[3]
        await shown.click_words(f" {move} ")
        await shown.when(lambda: shown.study.chosen.move == move, "the click")
        assert not shown.study.moves
        await shown.pilot.click(MoveList, offset=(6, 3), times=2)
        await shown.until("move 1 of the line")
        assert shown.study.moves == [move]
        await shown.until(DONE)
        asked = len(shown.engine.searches)
        await shown.press("backspace")
        await shown.until("seed 0")
        assert shown.study.chosen.move == move
        assert len(shown.engine.searches) == asked, "what was found is remembered"
        await shown.press("home", "enter")
        await shown.when(lambda: shown.study.moves == [first], "the first move")


async def test_a_round_that_ends_is_refilled_from_the_seed(root):
    game = GameState.parse(OPENING, seed=0)
    before = last = None
    while game.round == 1:
        before, last = game.notation(), int(game.legal_actions()[0])
        game.apply(last)
    scored = GameState.parse(before)
    scored.apply(last, refill=False)
    async with place(root) as shown:
        await paste(shown, before)
        await looks_at(shown, before)
        await shown.press("enter")
        await shown.until("round 2")
        await paste(shown, scored.notation())
        await looks_at(shown, game.notation())


# -- positions


async def test_a_pasted_position_is_looked_at_and_a_wrong_one_says_what_is_wrong(root):
    quoted = "```\n" + OTHER.replace(" ", "\n", 3) + "\n```"
    async with place(root, (200, 60)) as shown:
        for text in (OTHER, f"> {OTHER}", quoted):
            shown.study.start(parse_position(OPENING))
            await paste(shown, text)
            await looks_at(shown, OTHER)
            assert "seed" not in await shown.until(DONE)
        for text, words in (
            ("good morning", "that is no position"),
            (OPENING.replace("RRRK", "RRQK"), "'RRQK'"),
            (f"{OPENING} moves R 3>2, R 3>2", "is not legal"),
        ):
            await paste(shown, text)
            await shown.until(words)
        assert shown.study.moves == ["R 3>2"], "a line is walked as far as it goes"
        await paste(shown, POSITION)  # in the editor
        await shown.until("5 wrong")


async def test_n_deals_the_next_seed_and_more_players(root):
    async with place(root) as shown:
        await shown.press("n")
        await looks_at(shown, GameState.new(2, 1).notation())
        await shown.until("seed 1")
        for players in (3, 4, 2):
            await shown.press("N")
            await shown.when(lambda n=players: shown.study.here.view.players == n, "a table")
        await shown.until(DONE)


@pytest.mark.parametrize("size", [(60, 20), NARROW, WIDE, (200, 60)])
async def test_boards_of_a_table_are_whole_or_turned(root, size):
    async with place(root, size) as shown:
        assert shown.screen.query_one(Board).text.count("-3") == 4, "two floor lines"
        await shown.press("N", "N")
        await shown.when(lambda: shown.study.here.view.players == 4, "four players")
        await shown.until(DONE)
        seen = set()
        for _ in range(4):
            seen |= {n for n in "1234" if f"player {n}  " in shown.text}
            await shown.press("o")
        assert seen == set("1234")
        assert shown.screen.query_one(MoveList).size.height >= 4


# -- the editor


@BOTH_SIZES
async def test_the_editor_looks_as_it_should(root, size):
    async with place(root, size) as shown:
        await shown.press("e")
        await shown.until("it can be")
        await check_picture(shown, f"editor-{size[0]}x{size[1]}")


async def test_a_position_is_set_up_by_hand(root):
    async with place(root) as shown:
        await shown.press("e")
        await shown.until("it can be")
        editor = shown.screen
        board = editor.query_one(Board)
        await shown.pilot.click(Board, offset=spot(board, "tile", 0, 1))  # of factory 1
        await shown.press("b")
        await shown.until("factory 1 holds 5 tiles")
        await shown.until("there are 21 blue tiles")
        await shown.press("g")
        await shown.until("it cannot be looked at")
        await shown.press("u", "home", "delete", "k", "f")
        await shown.until("it can be")
        await shown.press("down", "backspace")
        await shown.until("the first-player marker is nowhere")
        await shown.pilot.click(Board, offset=spot(board, "line", 0, 5))
        await shown.press("*", "enter")
        await shown.until(DONE)
        view = shown.study.here.view
        assert view.factories[0] == (0, 1, 1, 1, 1) and view.bag[0] == 16
        assert view.boards[0].marker and not view.marker_in_centre


def spot(board, *target):
    """Where something lies on a board."""
    places = ((x, y) for y in range(board.size.height) for x in range(board.size.width))
    return next(at for at in places if board.target_at(*at) == target)


async def test_fields_take_shorthand_and_are_undone_and_pasted(root):
    async with place(root) as shown:
        await shown.press("e", "ctrl+u", *"bbyk/", "k", "2")
        await shown.until("BBYK/K2")
        editor = shown.screen
        await shown.when(
            lambda: editor.view.factories == ((2, 1, 0, 1, 0), (0, 0, 0, 2, 0), *[(0,) * 5] * 3),
            "two factories",
        )
        await shown.press("9", "9", "9")
        await shown.until("! the factories: 'K2999' is not a")
        await shown.press(*["u"] * 11)
        await shown.when(lambda: editor.view == parse_position(OPENING), "the opening")
        await shown.pilot.click(Board, offset=spot(editor.query_one(Board), "line", 1, 2))
        await shown.press(
            "backspace", *"yy", "end", *["left"] * 10, "backspace", *"/by", *["delete"] * 2
        )
        await shown.until("0,-/-/YY/-/-,/BY/-/-/-,-")
        assert editor.view.boards[1].lines[2] == (1, 2)
        assert editor.view.boards[1].wall[1] == (False, True, True, False, False)
        await paste(shown, POSITION)  # wrong ones can be mended here
        await shown.until("16 blue tiles")
        await shown.press("n")
        await shown.until("but no tile")
        await shown.press("escape")
        await shown.until("90 moves")
        assert shown.study.here.notation == OPENING


async def test_another_number_of_players_has_its_own_fields(root):
    async with place(root) as shown:
        await shown.press("e", *["shift+tab"] * 4, "4")
        await shown.until("player 4")
        await shown.press("backspace", "2")
        await shown.when(lambda: shown.screen.view == parse_position(OPENING), "two players")


# -- networks and the engine


async def test_two_networks_are_compared_and_a_refused_one_says_why(root):
    async with place(root) as shown:
        await shown.press("c")
        await shown.until("compare with")
        await shown.press(*"iteration", "enter")
        await shown.until("prior B")
        text = await shown.until("A: ")
        assert "differ" in text and "far apart on" in text
        assert shown.study.players == ["pretrained", CHECKPOINT]
        await shown.press("c", *"none", "enter")
        await shown.when(lambda: len(shown.study.players) == 1, "one network")
        shown.engine.refuses["pretrained"] = "pretrained is for 3 players, and the table has 2"
        await shown.press("n")
        await shown.until("N leads to openings for 3")
        await shown.press("m", *"laptop", "enter")
        await shown.until(DONE)
        assert shown.study.players == [CHECKPOINT]


async def test_an_engine_that_dies_or_cannot_be_started_is_named_and_started_again(root):
    words = "the engine cannot be started: no memory"
    async with place(root, until="r starts it again", unstartable=words) as shown:
        assert words in shown.text
        shown.engine.unstartable = ""
        await shown.press("r")
        await shown.until(DONE)
        shown.engine.dies = True
        await shown.press("plus")
        await shown.until("ended by SIGKILL")
        await shown.press("r")
        await shown.until("800 of 800")
        assert shown.engine.started == 2


def test_networks_for_other_tables_are_not_offered(tmp_path):
    make_run(tmp_path / "three", 10, num_players=3)
    make_run(tmp_path / "two", 10, num_players=2)
    offered = [name for name, _ in networks(tmp_path, 3)]
    assert offered[0] == "pretrained-3" and "three/checkpoint_iter_000010.pt" in offered
    assert not any(name.startswith("two/") for name in offered)
    assert fits("three", tmp_path, 3) and not fits("three", tmp_path, 2)
    assert player_name(tmp_path / "two" / "best_model.pt", tmp_path) == "two/best_model.pt"


# -- in and out


async def test_other_places_open_it_on_a_position_with_networks(tmp_path):
    make_run(tmp_path / "laptop", 10)
    make_run(tmp_path / "three", 10, num_players=3)
    file = tmp_path / CHECKPOINT
    async with place(tmp_path) as shown:
        shown.app.go_with("analyse", (OTHER, file))
        await looks_at(shown, OTHER)
        assert shown.study.players == [CHECKPOINT]
        await shown.press("4")
        shown.app.go_with("analyse", (file, "pretrained"))
        await shown.until("prior B")
        await shown.press("4")
        shown.app.go_with("analyse", tmp_path / "three" / "checkpoint_iter_000010.pt")
        await shown.when(lambda: shown.study.here.view.players == 3, "its own table")
        await shown.until("three/checkpoint")


async def test_the_position_goes_to_play_the_clipboard_and_a_file(tmp_path):
    async with place(tmp_path) as shown:
        await shown.press("y")
        await shown.until("copied: azul2 r1")
        assert shown.app.clipboard == OPENING
        await shown.press("x")
        await shown.until("written:")
        (file,) = (tmp_path / ".analyses").iterdir()
        text = file.read_text()
        assert text.splitlines()[0] == OPENING
        assert "pretrained: 400 simulations" in text and text.count("±") == 90
        await paste(shown, text)  # what was written can be pasted back
        await shown.until(DONE)
        wishes = []
        shown.app.go_with = lambda place, wish: wishes.append((place, wish))
        await shown.press("p")
        assert wishes == [("play", OPENING)]
