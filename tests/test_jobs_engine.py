"""The line protocol: every command answered exactly once, in one sentence when it is wrong."""

from __future__ import annotations

import json

import pytest
from engine_talk import Talk

from azul_tui.game.state import GameState
from azul_tui.jobs.engine.conversation import MOST_BYTES, Request, read_lines
from azul_tui.runs.paths import pretrained_directory

NEW = GameState.new(2, 3)


@pytest.fixture(scope="module")
def talk():
    return Talk()


def test_hello_names_the_protocol_and_the_players(talk):
    record = talk.last("hello")
    assert record["protocol"] == 1
    assert {"greedy", "pretrained", "pretrained-4"} <= set(record["players"])
    assert record["last"] is True


def test_a_new_game_is_the_games_of_its_seed(talk):
    record = talk.last("position new players=2 seed=3")
    assert record["notation"] == NEW.notation()
    assert len(record["legal"]) == len(NEW.legal_actions())


def test_the_same_moves_give_the_same_game_whichever_way_they_are_told(talk):
    record = talk.last("position new seed=5")
    moves = []
    while not record["over"]:
        moves.append(record["legal"][len(moves) % len(record["legal"])])
        record = talk.last(f"play {moves[-1]}")
    assert record["moves"] == moves
    assert record["winners"]
    assert record["round_ended"] is True
    told = talk.last(f"position new seed=5 moves {', '.join(moves)}")
    assert told == record
    back = [talk.last("undo") for _ in range(10)][-1]
    assert back["moves"] == moves[:-10]
    for move in moves[-10:]:
        back = talk.last(f"play {move}")
    assert back == record
    assert talk.last("play B 1>1")["text"].startswith("B 1>1 is not legal: the game is over")


def test_an_afterstate_is_refilled(talk):
    game = GameState.new(2, 1)
    while game.phase == "moving":
        game.apply(int(game.legal_actions()[0]), refill=False)
    record = talk.last(f"position {game.notation()} seed=4")
    assert record["round"] == 2
    assert record["legal"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dance", "there is no command 'dance'; commands are hello, position"),
        ("chose player=greedy", "there is no command 'chose'"),
        ("position", "position needs new or a position"),
        ("position newer", "field 1 of the position"),
        ("position new players=5", "players is a whole number from 2 to 4"),
        ("position new moves X 1>1", "is not a move"),
        ("position new seeds=3", "seeds"),
        ("play", "play needs a move"),
        ("play Z", "is not a move"),
        ("undo", "there is no move to take back"),
        ("legal now", "legal takes no 'now'"),
        ("load", "load needs player="),
        ("load player=nobody", "no player is called 'nobody'"),
        ("load player=/no/such.pt", "there is no such checkpoint file"),
        ("choose player=greedy simulations=-1", "simulations is a whole number from 0"),
        ("choose player=greedy seconds=0", "seconds is a number above 0"),
        ("choose player=greedy seconds=nan", "seconds is a number above 0"),
        ("analyse player=greedy", "greedy is a scripted player and has no opinion"),
        ("analyse player=pretrained first=0", "first is a whole number from 1"),
        ("games", "games needs a file or folder"),
        ("games /no/such", "there is no such file or folder"),
        ("game /no/such", "game needs a file and the number"),
        ("review /no/such 0", "review needs player="),
        ("#! hello", "an id is # and 1 to 32 letters"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_and_changes_nothing(talk, line, said):
    before = talk.last("position new seed=3")
    *before_it, record = talk.all(line)
    assert {other["event"] for other in before_it} <= {"progress"}
    assert record["event"] == "error"
    assert record["last"] is True
    assert said in record["text"]
    assert "\n" not in record["text"]
    assert talk.last("legal") == before


def test_a_position_that_cannot_arise_is_refused_with_the_reason(talk):
    text = NEW.notation().replace("bag:B17", "bag:B16")
    record = talk.last(f"position {text}")
    assert record["text"] == "the position cannot arise: there are 19 blue tiles instead of 20"


def test_scripted_players_choose_legal_moves(talk):
    position = talk.last("position new players=3 seed=2")
    for name in ("random", "greedy", "uct-20"):
        record = talk.last(f"choose player={name} seed=1")
        assert record["move"] in position["legal"]
        assert record["value"] is None
        assert record == {**talk.last(f"choose player={name} seed=1"), "seconds": record["seconds"]}
    assert "plays games of two only" in talk.last("choose player=alphabeta-easy")["text"]


def test_a_network_is_for_its_own_number_of_players(talk):
    # By its path: the bare name means the shipped player of the table at hand.
    shipped = next(pretrained_directory(2).glob("*.pt"))
    talk.last("position new players=3")
    record = talk.last(f'choose player="{shipped}"')
    assert record["event"] == "error"
    assert record["text"].endswith("is for 2 players, and the game before it has 3")


def without_seconds(records):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def test_an_analysis_grows_and_repeats(talk):
    talk.last("position new seed=3")
    command = "analyse player=pretrained simulations=60 first=20 margins=4"
    records = talk.all(command)
    analyses = [record for record in records if record["event"] == "analysis"]
    assert [record["simulations"] for record in analyses] == [20, 40, 60, 60]
    assert [record.get("last") for record in analyses] == [None, None, None, True]
    final = analyses[-1]
    legal = talk.last("legal")["legal"]
    assert {move["move"] for move in final["moves"]} <= set(legal)
    assert final["moves"][0]["visits"] >= final["moves"][1]["visits"]
    assert all(move["margin"] is None for move in analyses[0]["moves"])
    assert all(-200 < move["margin"] < 200 for move in final["moves"])
    assert all(move["margin_error"] >= 0 for move in final["moves"])
    assert final["values"] == [final["value"], -final["value"]]
    assert without_seconds(talk.all(command)) == without_seconds(analyses)
    (only,) = talk.all("analyse player=pretrained simulations=10 margins=0")
    assert only["last"] is True
    assert only["moves"][0]["margin"] is None


def test_a_network_chooses_what_its_analysis_puts_first(talk):
    talk.last("position new seed=8")
    analysis = talk.last("analyse player=pretrained simulations=50 first=50 margins=0")
    choice = talk.last("choose player=pretrained simulations=50")
    assert choice["move"] == analysis["moves"][0]["move"]
    assert choice["value"] == analysis["value"]
    assert choice["simulations"] == 50
    bare = talk.last("choose player=pretrained simulations=0")
    assert bare["simulations"] == 0
    assert bare["move"] == max(analysis["moves"], key=lambda move: move["prior"])["move"]


def test_a_finished_game_has_no_move_to_choose(talk):
    record = talk.last("position new seed=5")
    while not record["over"]:
        record = talk.last(f"play {record['legal'][0]}")
    assert talk.last("choose player=greedy")["text"].startswith("the game is over")
    assert talk.last("analyse player=pretrained")["text"].startswith("the game is over")


def test_stop_ends_what_was_said_before_it(talk):
    records = talk.all(
        "position new seed=3",
        "#1 analyse player=pretrained simulations=100000 margins=10000",
        "#2 choose player=pretrained seconds=500",
        "#3 stop",
        "#4 choose player=pretrained simulations=20",
    )
    ends = {record["id"]: record for record in records if record.get("last") and "id" in record}
    assert ends["3"]["event"] == "ok"
    assert ends["1"]["stopped"] is True
    assert ends["1"]["simulations"] <= 25
    assert ends["2"]["stopped"] is True
    assert "stopped" not in ends["4"]
    assert ends["4"]["simulations"] == 20


def test_stop_interrupts_a_scripted_player_that_thinks_for_long(talk):
    records = talk.all("#1 load player=uct-1000000", "#2 choose player=uct-1000000", "#3 stop 2")
    ends = {record["id"]: record for record in records if record.get("last")}
    assert ends["1"]["event"] == "ready"
    assert ends["2"]["stopped"] is True
    assert ends["2"]["move"] in talk.last("legal")["legal"]
    whole = talk.last("choose player=uct-1500 seed=5")
    assert "stopped" not in whole


def test_stop_with_an_id_ends_that_command_alone(talk):
    records = talk.all(
        "#1 choose player=pretrained simulations=50",
        "#2 choose player=pretrained seconds=500",
        "stop 2",
    )
    ends = {record["id"]: record for record in records if record.get("last") and "id" in record}
    assert "stopped" not in ends["1"]
    assert ends["2"]["stopped"] is True


def test_quit_takes_its_turn(talk):
    told = talk.all("#1 hello", "#2 choose player=greedy", "#3 legal", "#4 quit", "#5 hello")
    records = [record for record in told if record.get("last")]
    assert [record["id"] for record in records] == ["1", "2", "3", "4"]
    assert [record["event"] for record in records] == ["hello", "choice", "position", "ok"]


def test_a_search_before_quit_is_ended_by_stop_or_by_a_second_quit(talk):
    for last in ("#9 stop", "#9 quit"):
        records = talk.all("#1 choose player=pretrained seconds=500", "#2 quit", last)
        ends = {record["id"]: record for record in records if record.get("last")}
        assert ends["9"]["event"] == "ok"
        # The second quit may be heard before the search has begun, which is then not answered.
        if last == "#9 stop" or "1" in ends:
            assert ends["1"]["stopped"] is True


def test_lines_of_any_length_are_cut_where_they_end(tmp_path):
    import os

    long = b"x" * (3 * MOST_BYTES)
    path = tmp_path / "input"
    path.write_bytes(b"one\n\n" + long + b"\ntwo\n" + long + b"\nthree")
    descriptor = os.open(path, os.O_RDONLY)
    lines = list(read_lines(descriptor))
    os.close(descriptor)
    assert [line for line in lines if len(line) < 10] == [b"one", b"", b"two", b"three"]
    assert all(MOST_BYTES < len(line) <= 3 * MOST_BYTES for line in lines if len(line) > 10)
    assert "at most 65,536 bytes" in Request(lines[2]).problem


def test_options_stand_anywhere_and_may_be_quoted():
    request = Request(b'#7 review /a folder/x.jsonl player="my run/a.pt" 3 seed=4')
    assert request.id == "7"
    assert request.verb == "review"
    assert request.words == "/a folder/x.jsonl 3"
    assert request.options == {"player": "my run/a.pt", "seed": "4"}
    quoted = Request(b'game "/a  b=c/x y=1.jsonl" 3')
    assert (quoted.words, quoted.options) == ("/a  b=c/x y=1.jsonl 3", {})


@pytest.mark.parametrize("data", [b"\xff\xfe", b"hello \x80", "hallo ä".encode("latin-1")])
def test_what_is_not_utf_8_is_refused(talk, data):
    (record,) = talk.raw(data + b"\n")
    assert "is not UTF-8" in record["text"]


WORDS = (
    "hello position play undo legal load choose analyse games game review stop moves new azul2 "
    "B 1>1 R C>F #1 #x # seed=1 seed= players=9 simulations=3 seconds=0.01 first=1 margins=1 "
    'player=greedy player=random player=pretrained player= player=" \x00 \x1b[31m ä 0 1 -1 /etc / '
    "999999999999999999999 =,,= next:1 bag:B9"
).split(" ")


@pytest.mark.fuzz
def test_whatever_is_said_every_command_is_answered_once(talk, fuzz):
    rng = fuzz.rng
    for _ in range(fuzz.rounds(40)):
        lines = []
        for number in range(rng.randrange(1, 20)):
            kind = rng.random()
            if kind < 0.7:
                words = [rng.choice(WORDS) for _ in range(rng.randrange(0, 8))]
                line = f"#q{number} {' '.join(words)}".encode()
            elif kind < 0.8:
                line = bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
            elif kind < 0.9:
                text = bytearray(NEW.notation().encode())
                for _ in range(rng.randrange(4)):
                    text[rng.randrange(len(text))] = rng.randrange(256)
                line = f"#q{number} position ".encode() + bytes(text)
            else:
                line = b"#q%d play " % number + b"B" * rng.randrange(2 * MOST_BYTES)
            lines.append(line.replace(b"\n", b"").replace(b"quit", b""))
        records = talk.raw(b"\n".join(lines))
        answered = [record.get("id") for record in records if record.get("last")]
        spoken = [line for line in lines if line.strip()]
        assert len(answered) == len(spoken)
        named = [id_ for id_ in answered if id_ is not None]
        assert len(named) == len(set(named)) or any(b"#1" in line for line in spoken)
        for record in records:
            assert isinstance(record["event"], str)
            if record["event"] == "error":
                assert "fault of this program" not in record["text"]
                assert record["text"].isprintable()
                json.dumps(record)
