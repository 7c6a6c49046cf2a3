"""The Analyse place, driven as a person would, over an engine that answers at once."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import pytest
from analyse_engine import FakeShared, opinion
from driven_app import DrivenApp
from fake_run import POSITION, make_run
from textual import events

from azul_tui.game.notation import draw_position, parse_position
from azul_tui.game.state import GameState
from azul_tui.runs.paths import RunPaths
from azul_tui.tui.analyse.entry import open_analyse, player_name
from azul_tui.tui.analyse.moves import HOLD_S
from azul_tui.tui.analyse.networks import fits, networks
from azul_tui.tui.analyse.session import OPENING
from azul_tui.tui.analyse.setup import field_rows
from azul_tui.tui.analyse.words import side_panel
from azul_tui.tui.app import AzulApp
from azul_tui.tui.picture import line_width, plain
from azul_tui.tui.screens.analyse import AnalyseScreen

pytestmark = pytest.mark.timeout(60)
LAPTOP = "laptop/checkpoint_iter_000010.pt"
OTHER = GameState.new(2, 7).notation()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    make_run(root / "laptop", 10)
    return root


class Place(DrivenApp):
    """The app in the Analyse place, and what it shows."""

    def __init__(self, root, size=(120, 40), **options):
        self.now = 1_700_000_000.0
        options = {"ascii_only": False} | options
        super().__init__(AzulApp(root, clock=lambda: self.now, tick_s=5.0, **options))
        self.app.engine = self.shared = FakeShared()
        self.size = size

    async def __aenter__(self):
        self.context = self.app.run_test(size=self.size)
        self.pilot = await self.context.__aenter__()
        await self.pilot.pause()
        return self

    async def __aexit__(self, *error):
        await self.context.__aexit__(*error)

    @property
    def engine(self):
        return self.shared.engine

    @property
    def session(self):
        return self.place.session

    @property
    def place(self):
        return next(s for s in self.app.screen_stack if isinstance(s, AnalyseScreen))

    @property
    def words(self):
        """What is said beside the board, unbroken."""
        said = plain(side_panel(self.place.state(), 400, 20))
        return " ".join(said.replace("│", " ").split())

    async def told(self, words):
        await self.when(lambda: words in self.words, words)
        return self.words

    @property
    def rows(self):
        return [entry.move for entry in self.place.state().rows]

    async def type(self, words):
        await self.press(*["space" if letter == " " else letter for letter in words])

    async def paste(self, words):
        self.app.post_message(events.Paste(words))
        await self.pilot.pause()

    async def opened(self):
        await self.press("7")
        await self.until("400 of 400 simulations")
        return self


# -- the table


async def test_the_place_opens_on_the_shipped_player_and_an_opening(root):
    async with Place(root) as p:
        await p.press("7")
        assert "[7 Analyse]" in p.text
        text = await p.until("400 of 400 simulations")
        assert "round 1  player 1 to move  seed 0" in text
        assert "90 moves" in text and "pretrained" in text
        best = max(p.rows, key=lambda move: opinion("pretrained", move))
        assert p.rows[0] == best
        assert f"▸★  {best}" in text
        assert p.engine.searches == [("pretrained", n) for n in (25, 50, 100, 200, 400)]


async def test_simulations_are_stepped_up_and_down(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("plus")
        await p.until("800 of 800 simulations")
        assert p.engine.searches[5:] == [("pretrained", 800)]
        await p.press("minus", "minus")
        assert "200 of 200 simulations" in p.text
        await p.press("space")  # everything is known: think on
        await p.until("400 of 400 simulations")
        assert len(p.engine.searches) == 6


async def test_space_stops_and_goes_on(root):
    async with Place(root) as p:
        p.engine.gate = asyncio.Event()
        await p.press("7")
        await p.until("compiling the search, 1 of 3")
        assert "space stop" in p.text
        await p.press("space")
        await p.until("stopped; space goes on")
        assert p.engine.cancelled == 1
        assert "space go on" in p.text
        p.engine.gate = None
        await p.press("space")
        await p.until("400 of 400 simulations")


async def test_leaving_the_place_stops_the_search_and_coming_back_goes_on(root):
    async with Place(root) as p:
        p.engine.gate = asyncio.Event()
        await p.press("7")
        await p.until("compiling the search")
        await p.press("4")
        await p.pilot.pause()
        assert p.engine.cancelled == 1
        asked = len(p.engine.asked)
        await p.pilot.pause(0.05)
        assert len(p.engine.asked) == asked
        p.engine.gate = None
        await p.press("7")
        await p.until("400 of 400 simulations")


async def test_a_box_over_the_place_does_not_stop_the_search(root):
    async with Place(root) as p:
        p.engine.gate = asyncio.Event()
        await p.press("7")
        await p.until("compiling the search")
        await p.press("slash")
        await p.type("red")
        await p.press("enter")
        assert p.engine.cancelled == 0
        p.engine.gate.set()
        await p.until("400 of 400 simulations")


async def test_the_order_stands_still_while_one_moves(root):
    async with Place(root) as p:
        p.engine.gate = asyncio.Event()
        await p.press("7")
        await p.until("compiling the search")
        before = p.rows
        await p.press("down", "j", "down", "k")
        chosen = before[2]
        p.engine.gate.set()
        await p.until("400 of 400 simulations")
        assert p.rows == before
        p.now += HOLD_S
        assert p.rows != before
        assert p.place.chosen().move == chosen
        await p.press("escape")
        assert p.place.chosen().move == p.rows[0]
        await p.press("end")
        assert p.place.chosen().move == p.rows[-1]


async def test_any_column_sorts(root):
    async with Place(root) as p:
        await p.opened()
        for title in ("value", "Q", "margin", "policy", "move", "prior", "visits"):
            await p.press("s")
            assert f"{title}▼" in p.text or f"{title}▲" in p.text
            rows = p.rows
            await p.press("S")
            assert p.rows != rows
            await p.press("S")


async def test_moves_are_filtered_by_typing(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("slash")
        await p.type("red >2")
        assert {move[0] for move in p.rows} == {"R"}
        assert {move[-1] for move in p.rows} == {"2"}
        await p.press("enter")
        assert "/red >2" in p.text and f"{len(p.rows)} of 90 moves" in p.text
        await p.press("slash", "end")
        await p.type(" zebra")
        await p.press("enter")
        assert "no move fits the filter 'red >2 zebra'" in p.text
        await p.press("enter")  # there is no move to play
        await p.press("escape")
        assert len(p.rows) == 90


async def test_the_mouse_chooses_sorts_and_plays(root):
    async with Place(root) as p:
        await p.opened()
        lines = p.text.splitlines()
        head = next(y for y, line in enumerate(lines) if "best continuation" in line)
        await p.pilot.click(offset=(lines[head].index("margin"), head))
        assert "margin▼" in p.text
        wanted = p.rows[2]
        await p.pilot.click(offset=(20, head + 3))
        assert p.place.chosen().move == wanted
        await p.pilot.click(offset=(20, head + 3), times=2)
        await p.until("move 1 of the line")
        assert p.session.moves == (wanted,)


# -- exploring a line


async def test_a_line_is_explored_and_taken_back(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("down", "down")
        first = p.place.chosen().move
        await p.press("enter")
        await p.until("player 2 to move  move 1 of the line")
        await p.until("400 of 400 simulations")
        game = GameState.parse(OPENING)
        game.apply(game.parse_move(first))
        assert p.session.here.notation == game.notation()
        assert f"line  {first}" in p.text
        await p.press("enter")
        await p.until("player 1 to move  move 2 of the line")
        searches = len(p.engine.searches)
        await p.press("backspace", "backspace")
        assert "seed 0" in p.text and "400 of 400 simulations" in p.text
        assert p.place.chosen().move == first
        await p.pilot.pause()
        assert len(p.engine.searches) <= searches + 1
        await p.press("backspace")
        assert p.session.here.notation == OPENING


async def test_the_chosen_move_is_lit_on_the_board(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("down")
        color = p.place.chosen().move[0]
        roles = {role for line in p.screen.shown_lines() for _, role in line}
        assert f"ghost.{color}" in roles or p.place.chosen().move.endswith("F")


async def test_a_round_that_ends_is_refilled_from_the_seed(root):
    game = GameState.parse(OPENING, seed=0)
    moves = []
    while game.round == 1:
        moves.append(game.legal_actions()[0])
        before = game.notation()
        game.apply(int(moves[-1]))
    async with Place(root) as p:
        await p.opened()
        await p.paste(before)
        await p.until("400 of 400 simulations")
        await p.press("enter")
        await p.until("round 2")
        assert p.session.here.view.phase == "moving"


# -- positions


@pytest.mark.parametrize("text", [OTHER, draw_position(parse_position(OTHER)), f"> {OTHER}\n"])
async def test_a_pasted_position_is_looked_at(root, text):
    async with Place(root) as p:
        await p.opened()
        await p.press("s", "slash")
        await p.type("red")
        await p.press("enter")
        await p.paste(text)
        await p.until("400 of 400 simulations")
        assert p.session.here.notation == OTHER
        assert "seed" not in p.text.splitlines()[1]
        assert len(p.rows) > 20


async def test_a_pasted_line_is_walked(root):
    async with Place(root) as p:
        await p.opened()
        await p.paste(f"position {OPENING} moves R 3>2, W 4>1")
        await p.until("move 2 of the line")
        assert p.session.moves == ("R 3>2", "W 4>1")
        await p.paste(f"{OPENING} moves R 3>2, R 3>2")
        await p.until("is not legal")
        assert p.session.moves == ("R 3>2",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("good morning", "that is no position"),
        (OPENING.replace("RRRK", "RRQK"), "'RRQK' is not a set of tiles"),
        (POSITION, "more); e opens it to be mended"),
    ],
)
async def test_a_wrong_paste_is_refused_in_one_sentence(root, text, words):
    async with Place(root, (200, 60)) as p:
        await p.press("7")
        await p.paste(text)
        await p.until(words)
        assert p.session.here.notation == OPENING
        await p.press("escape")
        assert words not in p.text


async def test_a_position_is_typed_and_checked_while_it_is_typed(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("i", "backspace", "x")
        await p.until("'x' is not a set of tiles")
        await p.press("enter")  # nothing happens: it is wrong
        await p.press("ctrl+u")
        await p.until("there is no text in it")
        await p.paste(draw_position(parse_position(OTHER)))
        await p.until("400 of 400 simulations")
        assert p.session.here.notation == OTHER
        await p.press("i", "enter")
        await p.until("400 of 400 simulations")


async def test_n_deals_the_next_seed_and_more_players(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("n")
        await p.until("seed 1")
        assert p.session.here.notation == GameState.new(2, 1).notation()
        await p.press("N")
        await p.until("1 ━")
        await p.until("400 of 400 simulations")
        assert p.session.here.view.players == 3
        # Every seat has its value.
        for seat in range(3):
            assert f"{opinion('pretrained', seat):+.2f}"[:4] in p.text
        await p.press("N")
        await p.until("400 of 400 simulations")
        await p.press("N")
        await p.until("400 of 400 simulations")
        assert p.session.here.view.players == 2


async def test_a_game_that_is_over_says_so(root):
    over = OPENING.replace("move:1", "over-empty:1").replace("/", "/")
    text = over.replace("BYRW/BRKW/RRRK/BBWW/BYYW *", "-/-/-/-/- -")
    text = text.replace("bag:B15Y17R15K18W15", "bag:-").replace(
        "...../...../...../...../.....,-", "...../...../...../...../.....,-"
    )
    async with Place(root) as p:
        await p.opened()
        p.place.session.start(parse_position(text))
        p.place.think()
        await p.until("the game is over, 0 : 0")
        assert "nobody to move" in p.text
        await p.press("enter", "p")
        await p.until("nobody can move here")


# -- the editor


async def test_a_position_is_set_up_by_hand(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("e")
        assert "it can be" in p.text and "factory 1" in p.text
        await p.press("b")
        await p.until("there are 21 blue tiles instead of 20")
        assert "factory 1 holds 5 tiles, more than 4" in p.text
        await p.press("g")
        await p.until("it cannot be looked at")
        await p.press("R", "f")
        await p.until("it can be")
        await p.press("down", "right", "plus")
        await p.until("with player 1")
        await p.press("g")
        await p.until("400 of 400 simulations")
        view = p.session.here.view
        assert view.factories[0] == (2, 1, 0, 0, 1)
        assert view.boards[0].marker and not view.marker_in_centre
        assert not p.session.seeded


async def test_fields_are_typed_undone_emptied_and_pasted(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("e", "enter")
        await p.until("Accepted: tiles as letters")
        await p.press("ctrl+u")
        await p.type("kkxx")
        await p.until("is not a set of tiles")
        await p.press("backspace", "backspace", "enter")
        await p.until("K 22")
        assert p.screen.view.factories[0] == (0, 0, 0, 2, 0)
        await p.press("delete")
        assert p.screen.view.factories[0] == (0,) * 5
        await p.press("u", "u")
        assert p.screen.view == parse_position(OPENING)
        await p.paste(POSITION)  # wrong ones can be mended here
        await p.until("wrong")
        await p.paste("nothing of the kind")
        await p.until("that is no position")
        await p.press("n")
        await p.until("no tile lies on the table")
        await p.press("escape")
        await p.until("90 moves")
        assert p.session.here.notation == OPENING


async def test_a_refused_paste_opens_in_the_editor(root):
    async with Place(root) as p:
        await p.opened()
        await p.paste(POSITION)
        await p.press("e")
        await p.until("wrong")
        assert p.screen.view == parse_position(POSITION)
        await p.press("f")


async def test_the_arrows_reach_every_field(root):
    async with Place(root) as p:
        await p.press("7", "e")
        seen = set()
        for _ in range(50):
            seen.add(p.screen.at)
            await p.press("right")
        assert len(seen) == len([field for row in field_rows(2) for field in row])
        for _ in range(20):
            await p.press("down")
        assert p.screen.at.kind == "floor"
        for _ in range(20):
            await p.press("up")
        assert p.screen.at.kind in {"players", "round", "turn", "next"}


# -- networks


async def test_two_networks_are_compared(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("c")
        await p.until("compare with")
        await p.type("laptop 10")
        await p.until("laptop/checkpoint_iter_000010.pt")
        await p.press("enter")
        await p.told("far apart on")
        await p.until("400 of 400 simulations")
        assert p.session.players == ["pretrained", LAPTOP]
        searches = [player for player, _ in p.engine.searches[5:]]
        assert searches == [LAPTOP] * 5
        for title in ("prior A", "prior B", "Q A", "Q B", "differ"):
            assert title in p.text
        a, b = (max(p.rows, key=lambda m: opinion(name, m)) for name in p.session.players)
        assert f"A plays {a}, B plays {b}" in p.words
        await p.press("s", "s", "s", "s")
        assert "differ▼" in p.text and "!" in p.text
        await p.press("c", "home")
        await p.press("pageup", "enter")
        await p.until("visits▼")
        assert p.session.players == ["pretrained"]


async def test_another_network_is_chosen(root):
    async with Place(root) as p:
        await p.opened()
        await p.press("m", "down", "enter")
        await p.until("laptop/")
        assert p.session.players[0].startswith("laptop/")
        await p.press("c")
        await p.type("iter_000010")
        await p.press("enter")


async def test_a_network_that_is_refused_says_why(root):
    async with Place(root) as p:
        p.engine.refuses["pretrained"] = "pretrained is for 2 players, and the game has 3"
        await p.press("7", "N")
        await p.until("pretrained is for 2 players")
        assert "starts it again" not in p.text
        p.engine.refuses.clear()
        await p.press("r")
        await p.until("400 of 400 simulations")


@pytest.fixture
def tables(tmp_path):
    """Runs for two, three and four players, and one that does not say."""
    for number, name in enumerate(("two", "three", "four"), start=2):
        make_run(tmp_path / name, 5)
        (tmp_path / name / "config.toml").write_text(f"num_players = {number}\n")
    make_run(tmp_path / "unsaid", 5)
    return tmp_path


def test_networks_for_other_tables_are_not_offered(tables):
    for players, name in ((2, "two"), (3, "three"), (4, "four")):
        runs = {choice.name.split("/")[0] for choice in networks(tables, players)}
        assert runs - {"pretrained"} == {name, "unsaid"}
    assert fits("two/checkpoint_iter_000005.pt", tables, 2)
    assert not fits("two", tables, 3)
    assert fits("unsaid", tables, 3)
    assert fits("/somewhere/else.pt", tables, 4)


async def test_each_table_keeps_its_own_networks(tables, monkeypatch):
    monkeypatch.setattr(
        "azul_tui.tui.checkpoints.shipped.pretrained_directory", lambda *_: tables / "nothing"
    )
    async with Place(tables) as p:
        await p.opened()
        first = list(p.session.players)
        assert first[0].startswith("two/")
        await p.press("m")
        await p.until("type to filter")
        assert "three/" not in p.text and "four/" not in p.text
        await p.type("unsaid")
        await p.press("enter")
        await p.until("400 of 400 simulations")
        assert p.session.players[0].startswith("unsaid/")
        p.session.players = list(first)
        await p.press("N")
        await p.told(f"is for 3 players, {first[0]} is not")
        await p.when(lambda: p.session.players[0].startswith("three/"), "the run for three")
        await p.until("400 of 400 simulations")
        await p.press("N", "N")
        await p.when(lambda: p.session.players == first, "the choice for two")
        assert all(
            player.split("/")[0] in {"two", "three", "four", "unsaid"}
            for player, _ in p.engine.searches
        )


async def test_a_table_without_any_network_says_what_would_train_one(tmp_path, monkeypatch):
    make_run(tmp_path / "two", 5)
    (tmp_path / "two" / "config.toml").write_text("num_players = 2\n")
    monkeypatch.setattr(
        "azul_tui.tui.checkpoints.shipped.pretrained_directory", lambda *_: tmp_path / "nothing"
    )
    async with Place(tmp_path) as p:
        await p.opened()
        asked = len(p.engine.searches)
        await p.press("N", "N")
        await p.told("no network here is for 4 players; the preset four-players trains one")
        assert len(p.engine.searches) == asked
        await p.press("m")
        await p.until("the preset four-players trains one")
        await p.press("escape", "N")
        await p.until("400 of 400 simulations")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (100, 30), (200, 60)])
@pytest.mark.parametrize("players", [3, 4])
async def test_boards_of_large_tables_are_whole(root, size, players):
    async with Place(root, size) as p:
        await p.press("7", *"N" * (players - 2))
        await p.when(lambda: p.session.here.view.players == players, "the opening")
        await p.pilot.pause()
        heads = re.findall(r"player (\d) +0 points", p.text)
        floors = re.findall(r"-?1 +-?1 +-?2 +-?2 +-?2 +-?3 +-?3", p.text)
        assert len(floors) == len(heads) >= 2, "no board is cut"
        if len(heads) == players:
            assert "the others" not in p.text
            return
        assert f"{len(heads)} of {players} boards, o the others" in p.text
        seen = set()
        for _ in range(players - 1):
            seen |= set(re.findall(r"player (\d) +0 points", p.text))
            await p.press("o")
        assert seen == set("1234"[:players])


# -- an engine that is slow, or gone


async def test_an_engine_that_dies_is_named_and_started_again(root):
    async with Place(root) as p:
        p.engine.gate = asyncio.Event()
        await p.press("7")
        await p.until("compiling the search")
        p.engine.die()
        await p.told("the engine has ended with code 9: out of memory; r starts it again")
        assert "out of memory" in p.text
        await p.press("down", "s", "slash", "escape")  # the place stays usable
        await p.press("r")
        await p.until("400 of 400 simulations")
        assert p.shared.started == 2


async def test_an_engine_that_cannot_be_started_is_named(root):
    async with Place(root) as p:
        p.shared.refusal = "the engine cannot be started: no memory"
        await p.press("7")
        await p.told("the engine cannot be started: no memory; r starts it again")
        await p.press("enter", "n")
        p.shared.refusal = ""
        await p.press("r")
        await p.until("400 of 400 simulations")


# -- in and out


async def test_other_places_open_it_on_a_position_with_a_checkpoint(root):
    async with Place(root) as p:
        file = RunPaths(root / "laptop").best_model
        name = player_name(file, root)
        open_analyse(p.app, notation=OTHER, checkpoint=name, compare="pretrained")
        await p.pilot.pause()
        await p.told("far apart on")
        assert p.session.players == ["laptop/best_model.pt", "pretrained"]
        assert p.session.here.notation == OTHER


async def test_the_checkpoint_browser_opens_it_with_one_network_or_two(root):
    async with Place(root) as p:
        await p.press("4", "a")
        await p.until("400 of 400 simulations")
        assert len(p.session.players) == 1
        chosen = p.session.players[0]
        await p.press("4", "space", "down", "space", "a")
        await p.until("prior B")
        assert p.session.players[0] == chosen and len(set(p.session.players)) == 2


async def test_the_board_of_a_training_opens_it(root):
    async with Place(root, attach=RunPaths(root / "laptop")) as p:
        p.app.feed.read_all()
        await p.press("2", "b", "a")
        assert p.app.current_mode == "analyse"
        assert p.session.players == [LAPTOP]
        # The position of this fake run breaks rules, and that is said.
        await p.told("e opens it to be mended")
        p.app.feed.live.clear()
        await p.press("2")
        await p.press("b", "a")
        assert p.app.current_mode == "training"


def test_checkpoints_have_names_that_the_engine_knows(root, tmp_path):
    from azul_tui.runs.paths import pretrained_directory

    assert player_name(root / "a" / "best_model.pt", root) == "a/best_model.pt"
    assert player_name(pretrained_directory() / "best_model.pt", root) == "pretrained"
    assert player_name(root / "pretrained" / "best_model.pt", root) == "pretrained"
    assert player_name(tmp_path / "x.pt", root) == str(tmp_path / "x.pt")


async def test_p_plays_on_from_here(root):
    async with Place(root) as p:
        await p.opened()
        await p.paste(OTHER)
        await p.until("400 of 400 simulations")
        request = []
        p.app.action_go = request.append
        await p.press("p")
        assert request == ["play"]
        assert p.app.play_request.notation == OTHER


async def test_the_notation_is_copied_and_the_analysis_written(tmp_path):
    async with Place(tmp_path) as p:
        await p.opened()
        await p.press("y")
        await p.until("copied: azul2 r1")
        assert p.app.clipboard == OPENING
        await p.press("x")
        await p.until("written:")
        (file,) = (tmp_path / ".analyses").iterdir()
        text = file.read_text()
        assert text.splitlines()[0] == OPENING
        assert "pretrained: 400 simulations" in text
        assert text.count("±") == 90
        await p.paste(text)  # what was written can be pasted back
        await p.until("400 of 400 simulations")
        assert p.session.here.notation == OPENING


# -- sizes


SIZES = [(20, 5), (33, 9), (40, 12), (60, 20), (80, 24), (100, 29), (119, 31), (120, 40)]
SIZES += [(161, 45), (170, 44), (200, 60), (300, 100), (300, 5), (20, 100)]


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("compared", [False, True], ids=["one", "two"])
async def test_it_fits_every_size(root, players, compared):
    async with Place(root) as p:
        await p.press("7")
        p.place.look_at(GameState.new(players, 3).view())
        if compared:
            p.session.players = ["pretrained", "laptop/best_model.pt"]
        p.place.think()
        await p.until("400 of 400 simulations")
        for width, height in SIZES:
            lines = p.place.draw_all(width, height)
            assert len(lines) == height
            assert {line_width(line) for line in lines} == {width}, (width, height)
        small = plain(p.place.draw_all(80, 24))
        for words in ("prior", "visits", "Q", "player 1", "player 2", "▸"):
            assert words in small
        assert "continuation"[:4] in plain(p.place.draw_all(120, 40))


async def test_80x24_shows_every_number_of_a_move(root):
    async with Place(root, (80, 24)) as p:
        await p.press("7")
        await p.until("400/400 sims")
        head = next(line for line in p.text.splitlines() if "prior" in line)
        for title in ("move", "prior", "visits▼", "value", "Q", "margin", "best"):
            assert title in head
        assert "enter play the move" in p.text
        await p.press("e")
        await p.until("it can be")


async def test_ascii_and_no_colour(root, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with Place(root, (80, 24), ascii_only=True) as p:
        await p.press("7")
        await p.until("400/400 sims")
        assert p.text.isascii()
        await p.press("e")
        await p.until("it can be")
        assert p.text.isascii()


def test_nothing_heavy_is_imported():
    script = (
        "import sys\n"
        "import azul_tui.tui.screens.analyse, azul_tui.tui.screens.position_editor\n"
        "import azul_tui.tui.analyse.networks, azul_tui.tui.analyse.prompt\n"
        "import azul_tui.tui.analyse.export\n"
        "print(sorted(set(sys.modules) & {'torch', 'numba', 'numpy', 'llvmlite'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


async def test_two_networks_at_a_larger_table_have_their_letter_on_every_bar(tables):
    async with Place(tables) as p:
        await p.press("7", "N")
        await p.when(lambda: p.session.here.view.players == 3, "the opening")
        await p.press("c")
        await p.until("compare with")
        await p.type("three")
        await p.press("enter")
        await p.until("B three/")
        for name in ("A1", "A2", "A3", "B1", "B2", "B3"):
            assert f"{name} " in p.words
