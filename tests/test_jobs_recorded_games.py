"""The job `replay`: agrees with sixty recorded games, and finds whatever is changed in them."""

import copy
import gzip
import json

import pytest
from azul_positions import TRACES, traces
from heard_job import HeardJob
from hypothesis import given, settings
from hypothesis import strategies as st

from azul_tui.errors import JobError
from azul_tui.game.record import parse_recorded, replay_recorded
from azul_tui.jobs import recorded_games

GAMES = traces()


def start(path, root, *, json_lines=True):
    return HeardJob("replay", root, json_lines=json_lines, games=str(path)).run()


def written(tmp_path, games, name="games.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(game) + "\n" for game in games))
    return path


def test_the_sixty_recorded_games_agree_in_every_number(tmp_path):
    heard = start(TRACES, tmp_path)
    moves = sum(len(game["moves"]) for game in GAMES)
    assert heard.result == {"ok": True, "games": 60, "moves": moves, "mismatches": 0}
    assert heard.records == []
    assert f"60 games, {moves:,} moves replayed: every number agrees" in heard.text


def test_plain_and_packed_files_are_told_apart_by_their_bytes(tmp_path):
    plain = written(tmp_path, GAMES[:2], "plain.gz")
    packed = tmp_path / "packed.jsonl"
    packed.write_bytes(gzip.compress(b"\n" + plain.read_bytes() + b"  \n"))  # blank lines are none
    assert start(plain, tmp_path).result == start(packed, tmp_path).result


def test_a_mismatch_names_game_move_and_field(tmp_path):
    game = copy.deepcopy(GAMES[1])
    game["n_legal"][12] += 1
    heard = start(written(tmp_path, [GAMES[0], game, GAMES[2]]), tmp_path)
    assert heard.result["ok"] is False
    assert (heard.result["games"], heard.result["mismatches"]) == (3, 1)
    (record,) = heard.records
    assert {key: record[key] for key in ("event", "game", "line", "move", "field")} == {
        "event": "mismatch",
        "game": 2,
        "line": 2,
        "move": 13,
        "field": "n_legal",
    }
    assert record["recorded"] == record["ours"] + 1


def test_a_person_reads_where_it_is(tmp_path):
    game = copy.deepcopy(GAMES[0])
    game["winners"] = [0]
    heard = start(written(tmp_path, [game]), tmp_path, json_lines=False)
    assert "game 1: winners is [0] in the record, and by the rules: [1]" in heard.text
    assert "1 game, 54 moves replayed: 1 do not agree" in heard.text


def found_in(game, change):
    """Fields in which a changed game disagrees, with rounds and moves."""
    game = copy.deepcopy(game)
    change(game)
    found = replay_recorded(parse_recorded(game)).disagreements
    return [(item.field, item.round, item.move) for item in found]


def edit(path, change):
    """A function that changes the value at `path` of a game."""

    def apply(game):
        *way, last = path
        for key in way:
            game = game[key]
        game[last] = change(game[last])

    return apply


def remove(path):
    def apply(game):
        for key in path[:-1]:
            game = game[key]
        del game[path[-1]]

    return apply


def one_more(value):
    return value + 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edit(["n_legal", 30], one_more), [("n_legal", 2, 30)]),
        (edit(["rounds", 2, "bag", 4], one_more), [("bag", 2, None)]),
        (edit(["scores_after_round", 1, 0], one_more), [("scores_after_round", 1, None)]),
        (edit(["final_scores", 1], one_more), [("final_scores", None, None)]),
        (edit(["winners"], lambda _: [0, 1]), [("winners", None, None)]),
        (edit(["winners"], lambda _: [7]), [("winners", None, None)]),
        (edit(["moves", 20], lambda _: [0, 0, 9]), [("moves", 1, 20)]),
        (edit(["moves", 20], lambda _: [10**30, 0, 0]), [("moves", 1, 20)]),
        (edit(["moves", 11, 1], one_more), [("moves", 1, 11)]),
        (remove(["moves", -1]), [("moves", 4, 53)]),
        (remove(["scores_after_round", -1]), [("scores_after_round", 4, None)]),
        (
            remove(["rounds", -1]),
            [("moves", None, 42), ("scores_after_round", None, None), ("rounds", None, None)],
        ),
        (edit(["moves"], lambda moves: [*moves, [0, 0, 0]]), [("moves", None, 54)]),
        (
            edit(["scores_after_round"], lambda rows: [*rows, [0, 0]]),
            [("scores_after_round", None, None)],
        ),
        (edit(["rounds"], lambda rounds: [*rounds, rounds[0]]), [("rounds", None, None)]),
        (edit(["rounds", 1, "factories", 0, 0], one_more), [("factories", 1, None)]),
        (edit(["rounds", 0, "factories", 0], lambda _: [5, -1, 0, 0, 0]), [("factories", 0, None)]),
    ],
)
def test_whatever_is_changed_is_found_and_nothing_else(change, expected):
    assert found_in(GAMES[0], change) == expected


def test_a_deal_that_bag_and_lid_could_not_give_is_found():
    number, at = next(
        (number, at)
        for number, game in enumerate(GAMES)
        for at, entry in enumerate(game["rounds"])
        if at and game["rounds"][at - 1]["bag"] == [0] * 5 and sum(entry["bag"])
    )
    before = GAMES[number]["rounds"][at]["factories"]
    color = max(range(5), key=lambda color: sum(row[color] for row in before))

    def all_of_one_color(game):
        game["rounds"][at]["factories"] = [[0] * color + [4] + [0] * (4 - color)] * len(before)

    assert found_in(GAMES[number], all_of_one_color) == [("factories", at, None)]


def test_another_first_player_is_noticed():
    assert found_in(GAMES[0], edit(["first_player"], one_more))


@settings(max_examples=200)
@given(st.sampled_from(range(60)), st.data())
def test_no_single_number_can_be_changed_unnoticed(number, data):
    """But for moves, another of which may come to the same."""
    game = copy.deepcopy(GAMES[number])
    fixed = ("players", "first_player", "moves", "meta")
    value, way = {key: game[key] for key in game if key not in fixed}, []
    while isinstance(value, dict | list):
        keys = sorted(value) if isinstance(value, dict) else range(len(value))
        way.append(data.draw(st.sampled_from(keys)))
        value = value[way[-1]]
    other = data.draw(st.integers(-3, 30))
    edit(way, lambda _: other)(game)
    assert bool(replay_recorded(parse_recorded(game)).disagreements) == (other != value)


@given(st.sampled_from(range(60)), st.randoms(use_true_random=False))
def test_a_garbled_game_never_breaks_the_replay(number, random):
    """Moves shuffled, rounds swapped: disagreements or a sentence, never another error."""
    game = copy.deepcopy(GAMES[number])
    random.choice([random.shuffle, list.reverse])(game[random.choice(["moves", "rounds"])])
    replayed = replay_recorded(parse_recorded(game))
    assert 0 <= replayed.moves <= len(game["moves"])


# Files that hold something else.


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (["players"], 5, "players must be 2, 3 or 4, got 5"),
        (["players"], "2", "players: expected a whole number, got a text"),
        (["players"], 3, "rounds[0].factories: 7 are expected, got 5"),
        (["first_player"], 2, "first_player must be a seat from 0 to 1, got 2"),
        (["rounds"], [], "rounds: expected a list of length >= 1"),
        (["rounds", 0], [], "rounds[0]: expected an object, got a list"),
        (["rounds", 0, "bag"], [1, 2], "rounds[0].bag: expected a list of length >= 5"),
        (["rounds", 3, "lid"], None, "rounds[3].lid: expected a list, got nothing"),
        (["moves", 7], [1, 2], "moves[7]: expected a list of length >= 3"),
        (["moves", 7, 0], 1.5, "moves[7][0]: expected a whole number, got a decimal number"),
        (["n_legal", 3], True, "n_legal[3]: expected a whole number, got true or false"),
        (["scores_after_round", 0], [1], "scores_after_round[0]: 2 are expected, got 1"),
        (["final_scores"], [1, 2, 3], "final_scores: 2 are expected, got 3"),
    ],
)
def test_a_field_that_is_not_as_it_should_be_is_named_with_its_line(
    tmp_path, path, value, complaint
):
    game = copy.deepcopy(GAMES[0])
    edit(path, lambda _: value)(game)
    file = written(tmp_path, [GAMES[1], game])
    with pytest.raises(JobError) as caught:
        start(file, tmp_path)
    assert str(caught.value).startswith(f"{file}, line 2: ")
    assert complaint in str(caught.value)


@pytest.mark.parametrize("key", [key for key in GAMES[0] if key != "meta"])
def test_a_missing_field_is_named(tmp_path, key):
    game = {name: value for name, value in GAMES[0].items() if name != key}
    with pytest.raises(JobError, match=f"line 1: the game: it has no field {key}"):
        start(written(tmp_path, [game]), tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no games"),
        (b"{", "line 1 is not JSON"),
        (b"[1, 2]\n", "line 1: the game: expected an object, got a list"),
        (b"null\n", "line 1: the game: expected an object, got nothing"),
        (b'"\xff"\n', "line 1 is not JSON"),
        (b"\x00\x01\x02", "line 1 is not JSON"),
        (b"[" * 100_000, "line 1 is not JSON"),
        (b'{"players": ' + b"9" * 5000 + b"}", "line 1 is not JSON"),
        (b"\x1f\x8bnonsense", "is damaged after line 0"),
        (gzip.compress(b"{}\n" * 1000, mtime=0)[:-9], "line 1: the game: it has no field players"),
    ],
    ids=range(10),
)
def test_a_file_of_something_else_is_refused_in_a_sentence(tmp_path, content, complaint):
    path = tmp_path / "games.jsonl"
    path.write_bytes(content)
    with pytest.raises(JobError) as caught:
        start(path, tmp_path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_cut_short_says_after_which_line(tmp_path):
    packed = gzip.compress(b"".join(json.dumps(game).encode() + b"\n" for game in GAMES))
    path = tmp_path / "games.jsonl.gz"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    with pytest.raises(JobError, match=r"is damaged after line \d\d: "):
        start(path, tmp_path)


def test_no_file_and_an_absent_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(JobError, match="replay needs a file of recorded games: --set games=FILE"):
        start("", tmp_path)
    with pytest.raises(JobError, match=r"none\.jsonl cannot be read: No such file"):
        start(tmp_path / "none.jsonl", tmp_path)
    with pytest.raises(JobError, match="holds no files of recorded games"):
        start(tmp_path, tmp_path)


def test_a_line_without_end_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded_games, "MAX_LINE_BYTES", 1000)
    with pytest.raises(JobError, match="line 1 is too long for a game"):
        start(written(tmp_path, GAMES[:1]), tmp_path)


def test_a_stop_is_obeyed_between_games(tmp_path):
    heard = HeardJob("replay", tmp_path, games=str(TRACES))
    heard.context.stop.set(15)
    assert heard.run().result["games"] == 0


def test_only_one_game_is_held_at_a_time(tmp_path, monkeypatch):
    """The next line is not read before the game of the last one was replayed."""
    order = []
    parse, play = recorded_games.parse_recorded, recorded_games.replay_recorded
    monkeypatch.setattr(
        recorded_games, "parse_recorded", lambda value: order.append("parse") or parse(value)
    )
    monkeypatch.setattr(
        recorded_games, "replay_recorded", lambda game: order.append("replay") or play(game)
    )
    start(TRACES, tmp_path)
    assert order == ["parse", "replay"] * 60
