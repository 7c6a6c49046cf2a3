"""The place Play, driven as a person would, against an engine that follows a script."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from dashboard import NARROW, WIDE, a_run, check_picture, dashboard
from fake_engine import FakeEngine
from hypothesis import given, settings
from hypothesis import strategies as st

from azul_tui.errors import ConfigError
from azul_tui.game.state import GameState
from azul_tui.tui.modals import Choose
from azul_tui.tui.screens.play import PlayScreen, PlaySetup
from azul_tui.tui.widgets.board import Board, Target
from azul_tui.views.play_settings import KeptGame, PlaySettings, kept_path, read_kept, write_kept

pytestmark = pytest.mark.timeout(240)


class Sitting:
    """The place under test."""

    def __init__(self, shown):
        self.shown, self.engine = shown, shown.app.engine
        self.press, self.until, self.app = shown.press, shown.until, shown.app
        self.when = shown.when

    @property
    def text(self):
        return self.shown.text

    @property
    def place(self):
        return next(s for s in self.app.screen_stack if isinstance(s, PlayScreen))

    @property
    def session(self):
        return self.place.session

    @property
    def moves(self):
        """Those that the engine has played."""
        played = len(self.session.positions) - 1
        return [move for move, _ in self.session.moves[: max(0, played)]]

    @property
    def legal(self):
        return self.session.now.legal

    async def phase(self, phase, seconds=30.0):
        await self.when(lambda: self.session.phase == phase, phase, seconds)
        await self.shown.pilot.pause()

    async def deal(self, *, seed=7, **settings):
        """From the setup, up to the person's turn."""
        await self.when(lambda: isinstance(self.app.screen, PlaySetup), "setup")
        await self.shown.pilot.pause()
        setup = self.app.screen
        setup.settings = replace(setup.settings, seed=seed, **settings)
        await self.press("enter")

    async def dealt(self, **settings):
        """Dealt, and it is the person's turn."""
        await self.deal(**settings)
        await self.phase("yours")

    async def lay(self, move):
        """Play a move with three keys."""
        color, places = move.split()
        source, line = places.split(">")
        await self.press(source.lower(), color.lower(), line.lower())

    async def played(self, count):
        await self.when(lambda: len(self.moves) == count, f"{count} moves")

    async def click(self, *target):
        """Click what lies on the table."""
        board = self.place.query_one(Board)
        spots = ((x, y) for y in range(board.size.height) for x in range(board.size.width))
        spot = next(at for at in spots if board.target_at(*at) == Target(*target))
        await self.shown.pilot.click(Board, offset=spot)
        await self.shown.pilot.pause()


@asynccontextmanager
async def sit(root, **options):
    """The place, with its setup open or the kept game going on."""
    async with dashboard(root, **options) as shown:
        shown.app.engine = FakeEngine()
        await shown.press("6")
        await shown.pilot.pause()
        yield Sitting(shown)


def expected(seed, moves, players=2):
    """The position after `moves`, by the rules alone."""
    game = GameState.new(players, seed)
    for move in moves:
        game.apply(game.parse_move(move))
    return game.notation()


async def test_six_leads_to_the_setup_and_keeps_it_and_nothing_starts_by_itself(tmp_path):
    async with sit(tmp_path) as t:
        text = await t.until("planner")
        assert "[6 Play]" in text and "pretrained" in text and "back to the game" not in text
        await t.press("down", "down", "6")
        await t.until("naive")
        assert t.app.screen.settings.opponent == "naive"
        await t.press("3", "6")
        await t.until("planner")
        assert "no game yet" not in t.text and t.app.screen.settings.opponent == "naive"
        assert t.engine.started == 0


async def test_a_move_is_three_keys_and_the_opponent_answers(tmp_path):
    async with sit(tmp_path) as t:
        await t.dealt()
        move = next(m for m in t.legal if m.endswith(">3"))
        await t.lay(move)
        await t.phase("yours")
        assert t.moves[0] == move and len(t.moves) == 2
        assert t.session.now.notation == expected(7, t.moves)
        assert t.app.current_mode == "play" and "your turn" in t.text


async def test_each_step_lights_what_is_legal_and_escape_goes_back_to_the_setup(tmp_path):
    async with sit(tmp_path) as t:
        await t.deal()
        await t.until("take from  1  2  3  4  5")
        board = t.place.query_one(Board)
        source = next(
            i for i, f in enumerate(board.table.position.factories) if sum(map(bool, f)) > 1
        )
        await t.press(str(source + 1))
        await t.until(f"from {source + 1}: colour")
        assert {target.first for target in board.table.lit} == {source}
        color = next(iter(board.table.lit)).second
        await t.press("byrkw"[color].upper())
        await t.until("to line  1")
        assert board.table.chosen == {Target("tile", source, color)}
        assert {target.kind for target in board.table.lit} == {"line"}
        await t.press("escape")
        await t.until(f"from {source + 1}: colour")
        await t.press("escape")
        await t.until("take from  1  2  3  4  5")
        await t.press("escape")
        await t.until("a new game")
        await t.press("escape")
        await t.until("your turn")


async def test_the_colour_may_come_first_and_what_is_not_possible_is_said_in_words(tmp_path):
    async with sit(tmp_path) as t:
        await t.dealt()
        move = t.legal[0]
        for key, words in (
            ("f", "first the tiles"),
            ("9", "there is no factory 9"),
            ("c", "the centre"),
            (move[0].lower(), " from  1"),
            (move[2], "to line  1"),
            ("8", "lines 1 to 5"),
        ):
            await t.press(key)
            await t.until(words)
        assert t.session.phase == "yours" and not t.moves


async def test_the_mouse_takes_tiles_lays_them_and_presses_keys(tmp_path):
    async with sit(tmp_path) as t:
        await t.dealt()
        group = next(iter(t.session.pick.takeable()))
        await t.click("tile", *group)
        await t.until("to line")
        assert t.place.query_one(Board).table.chosen == {Target("tile", *group)}
        await t.click("line", 1, 2)  # the other's board takes nothing
        assert t.session.phase == "yours" and not t.moves
        await t.click("line", 0, 2)
        await t.played(2)
        assert t.moves[0].endswith(">3")
        await t.phase("yours")
        await t.shown.click_words("h hint")
        await t.until("hint: ")


async def test_thinking_is_told_and_other_places_stay_usable(tmp_path):
    async with sit(tmp_path) as t:
        await t.dealt()
        t.engine.thinking.clear()
        await t.lay(t.legal[0])
        await t.until("pretrained thinks")
        await t.press("3")  # a move that comes too early leads nowhere
        assert t.app.current_mode == "play"
        session = t.session
        await t.press("f3")
        assert t.app.current_mode == "runs"
        t.engine.thinking.set()
        await t.when(lambda: len(session.moves) == 2, "an answer meanwhile")
        await t.press("6")
        await t.phase("yours")
        await t.until("your turn")


async def test_taking_back_hints_values_strength_and_sides(tmp_path):
    async with sit(tmp_path) as t:
        await t.dealt()
        assert "u take back" not in t.text  # there is none yet
        await t.press("h")
        await t.until("value -0.30")
        first = t.legal[0]
        assert t.session.hint.move == first
        await t.lay(first)
        await t.played(2)
        text = await t.until("you 65%")
        assert "35% pretrained   value +0.30" in text
        await t.press("v")
        await t.until("the value is hidden, v shows it")
        await t.press("v", "plus")
        await t.until("from the next move on: 200 simulations")
        await t.press("t")
        await t.until("from the next move on: 2 s a move")
        await t.press("u")
        await t.played(0)
        await t.press("s")
        await t.played(1)
        assert t.session.settings.seat == 1 and "seconds=2" in t.engine.asked[-2]


async def test_an_engine_that_is_killed_is_named_and_enter_goes_on_with_the_same_game(tmp_path):
    async with sit(tmp_path) as t:
        await t.dealt()
        t.engine.dies = True
        move = t.legal[0]
        await t.lay(move)
        text = await t.until("ended by SIGKILL")
        assert "enter try again" in text and "that did not work" in text
        await t.press("enter")
        await t.phase("yours")
        assert t.engine.started == 2 and t.moves[0] == move
        # One that dies while the person thinks is replaced without a word.
        t.engine.alive = False
        await t.lay(t.legal[0])
        await t.played(4)
        assert t.engine.started == 3
        # A player that there is not is named, and the person's choice is kept in the setup.
        t.engine.refuses["nobody"] = "no player is called 'nobody'"
        await t.press("escape")
        await t.deal(opponent="nobody")
        await t.until("This game is not over.")
        await t.press("n")
        await t.until("no player is called 'nobody'")
        await t.press("escape")
        await t.until("named by you")


async def play_to_the_end(t):
    """The last legal move each time; what the first line said on the way."""
    told = ""
    while True:
        await t.when(lambda: t.session.phase in {"yours", "over"}, "a turn")
        told += t.place.query_one("#headline").content.plain
        if t.session.phase == "over":
            return told
        await t.lay(t.legal[-1])


def near_the_end():
    """A position some moves before the last round of a game, and that round's number before."""
    game, history = GameState.new(2, 3), []
    while not game.is_over:
        history.append((game.round, game.notation()))
        game.apply(game.legal_actions()[-1])
    before = [index for index, (number, _) in enumerate(history) if number < game.round]
    return history[before[-3]][1], game.round - 1


async def test_rounds_and_the_game_end_in_words_and_what_is_over_is_not_kept(tmp_path):
    notation, number = near_the_end()
    async with sit(tmp_path) as t:
        await t.deal(notation=notation)
        told = await play_to_the_end(t)
        assert f"round {number}: you " in told
        text = await t.until("s swap sides   a analyse")
        winner = "you win" if 0 in t.session.now.winners else "pretrained wins"
        assert winner in text or "share the victory" in text
        assert read_kept(kept_path(tmp_path)) is None
        await t.press("3")  # digits are places again
        assert t.app.current_mode == "runs"


async def test_two_players_are_watched_move_by_move(tmp_path, monkeypatch):
    monkeypatch.setattr("azul_tui.views.play.WATCH_S", 0.0)
    async with sit(tmp_path) as t:
        t.engine.thinking.clear()
        await t.until("planner")
        assert "first seat" not in t.text
        await t.press("tab", "enter", "end", "enter")  # the last of the seats is to watch
        await t.until("first seat        greedy")
        await t.press("shift+tab", "enter")
        await t.until("greedy thinks")
        await t.press("space")
        t.engine.thinking.set()
        await t.phase("paused")
        await t.press("right")
        await t.played(1)
        await t.phase("paused")
        await t.shown.click_words("space pause, resume")
        await t.phase("over")


@pytest.mark.parametrize("players", [2, 4])
async def test_every_size_shows_whole_boards_and_turns_to_the_others(tmp_path, players):
    async with sit(tmp_path) as t:
        await t.dealt(players=players, opponent="greedy")
        board = t.place.query_one(Board)
        for size in ((60, 20), NARROW, WIDE, (200, 60)):
            await t.shown.pilot.resize_terminal(*size)
            whole = lambda: board.text.count("-3") == 2 * len(t.place.boards) > 0  # noqa: E731
            await t.when(whole, f"whole boards at {size}")
            seen = set()
            for _ in range(players):
                await t.when(whole, "the other boards")
                assert "too little room" not in t.text and t.place.boards[0] == 0
                seen |= set(t.place.boards)
                await t.press("o")
            assert seen == set(range(players))


async def test_a_larger_table_has_its_own_players_and_a_share_for_each(tmp_path):
    a_run(tmp_path)
    async with sit(tmp_path) as t:
        await t.until("laptop-1122 iteration")
        await t.shown.click_words("alphabeta-easy")
        assert t.app.screen.settings.opponent == "alphabeta-easy"
        players = next(s for s in t.app.screen.query("Setting") if s.spec.name == "players")
        players.query_one("Input").value = "3"
        await t.when(lambda: "alphabeta" not in t.text, "other players")
        assert t.app.screen.settings.opponent == "pretrained-3"
        await t.dealt(opponent="pretrained-3", players=3)
        await t.lay(t.legal[0])
        await t.until("%")
        await t.phase("yours")
        assert t.text.splitlines()[-3].count("%") == 3


async def test_a_checkpoint_or_a_position_opens_the_setup(tmp_path):
    a_run(tmp_path)
    async with dashboard(tmp_path) as shown:
        shown.app.engine = FakeEngine()
        file = min((tmp_path / "laptop-1122").glob("checkpoint_iter_*.pt"))
        shown.app.go_with("play", file)
        number = int(file.stem[-6:])
        await shown.until(f"laptop-1122 iteration {number}")
        assert shown.app.screen.settings.opponent == f"laptop-1122/{file.name}"
        shown.app.go_with("play", GameState.new(3, 5).notation())
        await shown.until("azul3 r1")
        assert shown.app.screen.settings.players == 3


# -- what is kept


GAME = KeptGame(
    PlaySettings(opponent="greedy", seat=1, players=3, by_time=True, seconds=0.5, seed=2**40),
    (("R 2>3", ()), ("B C>F", (0.5, -0.25, -1.0))),
)


async def test_a_game_goes_on_after_a_kill_as_if_nothing_had_been(tmp_path):
    async with sit(tmp_path) as t:
        await t.dealt()
        await t.lay(t.legal[0])
        await t.played(2)
        await t.phase("yours")
        t.engine.thinking.clear()
        await t.lay(move := t.legal[0])  # one that nobody answers
        moves = [*t.moves[:2], move]
    # Nothing was asked, nothing was saved at the end: the file is there after every move.
    assert [move for move, _ in read_kept(kept_path(tmp_path)).moves] == moves
    async with sit(tmp_path) as t:
        await t.until("game goes on where it was")
        await t.played(4)
        assert t.moves[:3] == moves and "you 65%" in await t.until("you 65%")
        await t.press("n")
        await t.until("This game is not over.")
        assert isinstance(t.app.screen, Choose)
        await t.press("b")
        await t.press("n", "n")
        await t.when(lambda: t.session.now is not None and not t.moves, "a new game")


async def test_a_kept_game_that_the_rules_refuse_ends_in_a_sentence_and_the_setup(tmp_path):
    write_kept(kept_path(tmp_path), KeptGame(PlaySettings(seed=7), (("R C>1", ()),)))
    async with sit(tmp_path) as t:
        await t.until("cannot be resumed")
        await t.until("a new game")


async def test_leaving_asks_when_the_game_cannot_be_kept(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".play").symlink_to(tmp_path / "elsewhere")
    async with sit(tmp_path) as t:
        await t.dealt()
        await t.lay(t.legal[0])
        await t.until("link,")  # the rest may stand on another line
        await t.played(2)
        await t.press("q")
        await t.until("The game is not kept.")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_is_kept_is_read_back(tmp_path):
    path = kept_path(tmp_path)
    assert read_kept(path) is None
    write_kept(path, GAME)
    assert read_kept(path) == GAME
    assert [entry.name for entry in path.parent.iterdir()] == ["game.json"]
    write_kept(path, None)
    assert read_kept(path) is None
    path.write_text(damaged())
    assert read_kept(path).moves == (("R 2>3", ()),)


def damaged(**changes):
    """The file of a good game with some fields replaced."""
    settings = {
        "opponent": "greedy", "seat": 0, "partner": "greedy", "players": 2, "by_time": False,
        "simulations": 100, "seconds": 2.0, "seed": 7, "notation": "",
    }  # fmt: skip
    good = {"format": 1, "settings": settings, "moves": [["R 2>3", []]]}
    for key, value in changes.items():
        (good if key in good else settings)[key] = value
    return json.dumps(good)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "damaged"),
        ("[" * 100_000, "damaged"),
        (damaged(format=2), "of another version"),
        (damaged(opponent=""), "name a player"),
        (damaged(opponent="a\nquit"), "opponent"),
        (damaged(partner='a" seed="1'), "first seat"),
        (damaged(players=5), "players must be"),
        (damaged(seat=2), "this table has 2 seats"),
        (damaged(seat=True), "this table has 2 seats"),
        (damaged(seconds="NaN"), "seconds a move must be"),
        (damaged(notation="azul2 nonsense"), "field 2"),
        (damaged(moves=[["R 9>3", []]]), "R 9>3"),
        (damaged(moves=[["R 2>3", [0.5, 1e400]]]), "values of its move R 2>3"),
        (damaged(moves=[7]), "damaged"),
    ],
)
def test_a_damaged_game_is_told_in_one_sentence(tmp_path, text, said):
    path = kept_path(tmp_path)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_kept(path)
    assert said in str(caught.value) and "the next game replaces it" in str(caught.value)
    assert "\n" not in str(caught.value)


KEYS = st.sampled_from(["format", "settings", "moves", "seat", "players", "notation", "seed"])
PLAIN = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20)
NESTED = PLAIN | st.lists(PLAIN, max_size=4) | st.dictionaries(KEYS, PLAIN, max_size=6)
FILES = st.dictionaries(KEYS, NESTED, max_size=4) | st.lists(NESTED, max_size=4) | PLAIN


@settings(max_examples=60)
@given(st.binary(max_size=200) | FILES.map(lambda value: json.dumps(value).encode()))
def test_no_file_is_worse_than_a_sentence(tmp_path_factory, data):
    path = kept_path(tmp_path_factory.mktemp("runs"))
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        read_kept(path)


def test_a_kept_game_behind_a_link_is_refused(tmp_path):
    write_kept(kept_path(tmp_path / "other"), GAME)
    path = kept_path(tmp_path / "runs")
    path.parent.mkdir(parents=True)
    path.symlink_to(kept_path(tmp_path / "other"))
    with pytest.raises(ConfigError):
        read_kept(path)


# -- how it looks


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_the_table_looks_as_it_did(tmp_path, size):
    async with sit(tmp_path, size=size) as t:
        await t.dealt()
        for _ in range(3):
            count = len(t.moves)
            await t.lay(next(m for m in t.legal if m.endswith((">3", ">4", ">5"))))
            await t.when(lambda n=count: len(t.moves) == n + 2, "an answer")
            await t.phase("yours")
        move = t.legal[0]
        await t.press(move[2].lower(), move[0].lower())
        await t.until("to line")
        await check_picture(t.shown, f"play-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_the_setup_looks_as_it_did(tmp_path, size):
    async with sit(tmp_path, size=size) as t:
        await t.until("planner")
        await check_picture(t.shown, f"play-setup-{size[0]}x{size[1]}")


# -- the real engine


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_game_survives_the_kill_of_its_engine(tmp_path):
    async with dashboard(tmp_path) as shown:
        await shown.press("6")
        t = Sitting(shown)
        await t.deal(opponent="greedy")
        await t.phase("yours", 300)
        await t.lay(t.legal[0])
        await t.when(lambda: len(t.moves) == 2 and t.session.phase == "yours", "an answer", 60)
        first = t.engine.process
        first.kill()
        await first.wait()
        await t.when(lambda: not t.engine.alive, "its end")
        await t.lay(t.legal[0])
        await t.when(lambda: len(t.moves) == 4 and t.session.phase == "yours", "more", 60)
        assert t.session.now.notation == expected(7, t.moves)
        assert t.engine.process is not first
    assert not t.engine.alive  # it ends with the dashboard
