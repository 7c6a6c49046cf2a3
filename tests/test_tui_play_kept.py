"""A game in the Play place outlives the place, the dashboard and a crash of it."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_tui_play import Sit, expected_game

from azul_tui.tui.play.kept import (
    KeptGame,
    KeptGameError,
    KeptMove,
    kept_path,
    read_kept,
    write_kept,
)
from azul_tui.tui.play.open import open_play
from azul_tui.tui.play.settings import PlaySettings

pytestmark = pytest.mark.timeout(60)
SETTINGS = PlaySettings(opponent="greedy", seat=1, players=3, by_time=True, seconds=0.5, seed=11)
GAME = KeptGame(SETTINGS, (KeptMove("R 2>3"), KeptMove("B C>F", (0.5, -0.25, -1.0))))


def test_what_is_kept_is_read_back(tmp_path):
    path = kept_path(tmp_path)
    assert read_kept(path) is None
    write_kept(path, GAME)
    assert read_kept(path) == GAME
    assert [entry.name for entry in path.parent.iterdir()] == ["game.json"]


async def test_a_game_with_the_largest_seed_of_the_menu_goes_on(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal(seed=2**32 - 1)
        await t.phase("yours")
        await t.lay(t.session.game.now.record.legal[2])
        await t.when(lambda: len(t.moves) == 2, "the answer")
    assert read_kept(kept_path(tmp_path)).settings.seed == 2**32 - 1


def damaged(**changes):
    """The file of a good game with some fields replaced."""
    good = {"format": 1, "settings": {}, "moves": [["R 2>3", []]]}
    good["settings"] = {
        "opponent": "greedy",
        "seat": 0,
        "partner": "greedy",
        "players": 2,
        "by_time": False,
        "simulations": 100,
        "seconds": 2.0,
        "seed": 7,
        "notation": "",
    }
    for key, value in changes.items():
        place = good if key in {"format", "settings", "moves"} else good["settings"]
        place[key] = value
    return json.dumps(good)


def test_the_undamaged_file_is_a_game(tmp_path):
    path = kept_path(tmp_path)
    path.parent.mkdir()
    path.write_text(damaged())
    assert read_kept(path).moves == (KeptMove("R 2>3"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "no object"),
        (damaged(format=2), "another version"),
        (damaged(settings=None), "who plays"),
        (damaged(opponent=""), "its opponent is nobody"),
        (damaged(opponent="a\nquit"), "the name of its opponent is none"),
        (damaged(partner='a" seed="1'), "the name of its partner is none"),
        (damaged(players=5), "its players is not 2 to 4"),
        (damaged(seat=2), "its seat is not 0 to 1"),
        (damaged(seed=True), "its seed"),
        (damaged(simulations=1e9), "its simulations"),
        (damaged(seconds="NaN"), "its seconds"),
        (damaged(notation="azul2 nonsense"), "field 2"),
        (damaged(moves="R 2>3"), "no list of moves"),
        (damaged(moves=[["R 2>3", []]] * 2000), "no list of moves"),
        (damaged(moves=[["R 9>3", []]]), "R 9>3"),
        (damaged(moves=[["R 2>3", [0.5]]]), "the values of one"),
        (damaged(moves=[["R 2>3", [0.5, 1e400]]]), "the values of one"),
        (damaged(moves=[7]), "one of its moves"),
        (" " * (1 << 18), "it cannot be read"),
    ],
)
def test_a_damaged_game_is_told_in_one_sentence(tmp_path, text, words):
    path = kept_path(tmp_path)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(KeptGameError) as caught:
        read_kept(path)
    said = str(caught.value)
    assert words in said
    assert "the next game replaces it" in said
    assert "\n" not in said


PLAIN = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20)
KEYS = st.sampled_from(["format", "settings", "moves", "seat", "players", "notation", "seed"])
NESTED = PLAIN | st.lists(PLAIN, max_size=4) | st.dictionaries(KEYS, PLAIN, max_size=6)
FILES = st.dictionaries(KEYS, NESTED, max_size=4) | st.lists(NESTED, max_size=4) | PLAIN


@given(st.binary(max_size=200) | FILES.map(lambda value: json.dumps(value).encode()))
def test_no_file_is_worse_than_a_sentence(tmp_path_factory, data):
    path = kept_path(tmp_path_factory.mktemp("runs"))
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(KeptGameError):
        read_kept(path)


def test_links_are_not_followed(tmp_path):
    other = tmp_path / "other"
    write_kept(kept_path(other), GAME)
    path = kept_path(tmp_path / "runs")
    path.parent.mkdir(parents=True)
    path.symlink_to(kept_path(other))
    with pytest.raises(KeptGameError, match="cannot be read"):
        read_kept(path)
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(other)
    assert read_kept(path) is None
    with pytest.raises(KeptGameError, match="is a link"):
        write_kept(path, GAME)


# -- in the place


async def test_a_game_goes_on_in_the_next_dashboard_as_if_nothing_had_been(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        for _ in range(3):
            count = len(t.moves)
            await t.lay(t.session.game.now.record.legal[2])
            await t.when(lambda n=count: len(t.moves) > n + 1 and t.session.phase == "yours", "two")
        await t.press("plus")
        moves, turns = t.moves, t.session.game.turns
    async with Sit(tmp_path) as t:
        await t.phase("yours")
        assert t.moves == moves
        assert t.session.game.turns == turns, "values and scores too"
        assert t.session.settings.simulations == 200
        assert t.session.settings.seed == 7
        assert "the game goes on where it was, n deals a new one" in t.text
        assert "you 65%" in t.text
        assert t.screen.setup.settings.simulations == 200, "the setup is that of the game"
        assert t.screen.setup.settings.seed == 0, "and deals anew"
        await t.lay(t.session.game.now.record.legal[0])
        await t.when(lambda: len(t.moves) > len(moves) + 1, "the answer")
        assert t.session.game.now.record.notation == expected_game(7, *t.moves).notation()
        assert "goes on" not in t.text
        await t.press("q")
        assert not t.app.is_running, "leaving asks nothing: the game is kept"


async def test_a_move_that_nobody_answered_is_kept(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        t.engines.engine.alive = False
        move = t.session.game.now.record.legal[0]
        await t.lay(move)
        await t.phase("broken")
    async with Sit(tmp_path) as t:
        await t.phase("yours")
        assert t.moves[0] == move
        assert len(t.moves) == 2


async def test_what_is_over_or_was_never_begun_is_not_kept(tmp_path):
    path = kept_path(tmp_path)
    games = [expected_game(3)]
    while not games[-1].is_over:
        games.append(games[-1].copy())
        games[-1].apply(games[-1].legal_actions()[0])
    game = games[-4]
    seat = game.to_move
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        assert not path.exists(), "a deal is no game yet"
        open_play(t.app, opponent="greedy", notation=game.notation(), seat=seat, seed=3, start=True)
        start = game.notation()
        await t.when(lambda: t.session.game and t.session.game.base.startswith(start), "the end")
        while t.session.phase != "over":
            await t.when(lambda: t.session.phase in {"yours", "over"}, "a turn")
            if t.session.phase == "yours":
                count = len(t.moves)
                await t.lay(t.session.game.now.record.legal[0])
                await t.when(lambda n=count: len(t.moves) > n, "a move")
        assert not path.exists()
        assert t.session.phase == "over"
    async with Sit(tmp_path) as t:
        await t.until("a new game")


async def test_a_watched_game_stands_still_at_first(tmp_path, monkeypatch):
    monkeypatch.setattr("azul_tui.tui.play.session.WATCH_S", 0.1)
    async with Sit(tmp_path) as t:
        await t.deal(seat=None, partner="greedy", opponent="planner")
        await t.when(lambda: t.session.game is not None and len(t.moves) >= 3, "three moves")
    async with Sit(tmp_path) as t:
        await t.phase("paused")
        assert len(t.moves) >= 3
        assert t.session.settings.partner == "greedy"
        count = len(t.moves)
        await t.press("space")
        await t.when(lambda: len(t.moves) > count, "it goes on")


async def begin_and_leave(root):
    async with Sit(root) as t:
        await t.deal()
        await t.phase("yours")
        await t.lay(t.session.game.now.record.legal[2])
        await t.when(lambda: len(t.moves) == 2 and t.session.phase == "yours", "the answer")
        return t.moves


async def test_a_kept_game_is_given_up_only_when_asked_for_twice(tmp_path):
    moves = await begin_and_leave(tmp_path)
    async with Sit(tmp_path, place="") as t:
        open_play(t.app, opponent="greedy", start=True)
        await t.until("This game is not over.")
        await t.press("b")
        await t.phase("yours")
        assert t.moves == moves
        assert t.session.settings.opponent == "pretrained"
    async with Sit(tmp_path, place="") as t:
        open_play(t.app, opponent="greedy", start=True)
        await t.until("This game is not over.")
        await t.press("n")
        await t.phase("yours")
        assert (t.moves, t.session.settings.opponent) == ([], "greedy")
        assert not kept_path(tmp_path).exists()


async def test_a_kept_game_waits_while_another_opponent_is_looked_at(tmp_path):
    moves = await begin_and_leave(tmp_path)
    async with Sit(tmp_path, place="") as t:
        open_play(t.app, opponent="greedy")
        await t.until("escape goes back to the game that is on")
        await t.press("question_mark", "question_mark")
        await t.until("a new game")
        assert t.engines.started == 0
        await t.press("escape")
        await t.phase("yours")
        assert t.moves == moves


async def test_a_kept_game_that_the_rules_refuse_ends_in_a_sentence_and_the_setup(tmp_path):
    moves = (KeptMove("R 1>1"), KeptMove("R 1>1"))
    write_kept(kept_path(tmp_path), KeptGame(PlaySettings(seed=7), moves))
    async with Sit(tmp_path) as t:
        await t.until("the game that was kept cannot be gone on with")
        await t.until("a new game")
        assert kept_path(tmp_path).exists(), "nobody has asked for another game yet"
        await t.press("1", "6")
        assert "a new game" in t.text


async def test_a_damaged_file_ends_in_a_sentence_and_the_setup(tmp_path):
    kept_path(tmp_path).parent.mkdir()
    kept_path(tmp_path).write_text("{")
    async with Sit(tmp_path) as t:
        await t.until("it is no JSON")
        await t.until("a new game")
        await t.deal()
        await t.phase("yours")
        await t.lay(t.session.game.now.record.legal[2])
        await t.when(lambda: len(t.moves) == 2, "the answer")
        assert read_kept(kept_path(tmp_path)) is not None


async def test_an_engine_that_dies_before_the_game_is_laid_out_loses_nothing(tmp_path):
    moves = await begin_and_leave(tmp_path)
    async with Sit(tmp_path, place="") as t:
        t.engines.unknown.add("pretrained")
        await t.press("6")
        await t.phase("broken")
        assert kept_path(tmp_path).exists()
        t.engines.unknown.clear()
        await t.press("enter")
        await t.phase("yours")
        assert t.moves == moves


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_nothing_is_written_where_nothing_may_be(tmp_path):
    tmp_path.chmod(0o500)
    await leave_what_cannot_be_kept(tmp_path)


async def test_leaving_asks_when_the_game_cannot_be_kept(tmp_path):
    kept_path(tmp_path).parent.write_text("a file where the folder should be")
    await leave_what_cannot_be_kept(tmp_path)


async def leave_what_cannot_be_kept(root):
    async with Sit(root) as t:
        await t.deal()
        await t.phase("yours")
        told, notify = [], t.app.notify
        t.app.notify = lambda words, **options: told.append(words) or notify(words, **options)
        await t.lay(t.session.game.now.record.legal[2])
        # What was said, not what still stands: a notice leaves by itself.
        await t.when(lambda: "the game cannot be kept there" in "".join(told), "the warning")
        await t.when(lambda: len(t.moves) == 2, "the answer")
        await t.press("q")
        await t.until("The game in Play is not over.")
        await t.press("n")
        assert t.app.is_running
