"""The Play place, driven as a person would, against an engine that follows a script."""

from __future__ import annotations

import asyncio

import pytest
from driven_app import DrivenApp
from fake_run import make_run
from play_engine import FakeEngines

from azul_tui.game.state import GameState
from azul_tui.tui.app import AzulApp
from azul_tui.tui.play.open import open_play
from azul_tui.tui.screens.play import PlayScreen

pytestmark = pytest.mark.timeout(60)


class Table(DrivenApp):
    """The Play place under test."""

    def __init__(self, app, pilot, engines):
        super().__init__(app, pilot)
        self.engines = engines

    @property
    def session(self):
        return self.screen.session

    @property
    def moves(self):
        return [turn.move for turn in self.session.game.turns]

    async def phase(self, phase):
        await self.when(lambda: self.session.phase == phase, phase)

    async def deal(self, *, seed=7, **settings):
        from dataclasses import replace

        self.screen.setup.settings = replace(self.screen.setup.settings, seed=seed, **settings)
        await self.press("enter")

    async def lay(self, move):
        """Play a move with three keys."""
        color, places = move.split()
        source, line = places.split(">")
        await self.press(source.lower(), color.lower(), line.lower())

    async def click(self, kind, first, second):
        table = self.screen._table
        area = next(a for a in table.surface.areas if a.target == (kind, first, second))
        offset = (area.left, area.top + self.screen._table_top)
        await self.pilot.click(offset=offset)
        await self.pilot.pause()


class Sit:
    """Open the Play place without dealing, or another by its key."""

    def __init__(self, root, size=(120, 40), place="6"):
        self.root = root
        self.size = size
        self.place = place

    async def __aenter__(self):
        engines = FakeEngines()
        app = AzulApp(self.root, clock=lambda: 1_700_000_000.0, tick_s=1.0, ascii_only=False)
        app.engine = engines
        self.context = app.run_test(size=self.size)
        pilot = await self.context.__aenter__()
        await pilot.pause()
        await pilot.press(*self.place)
        await pilot.pause()
        return Table(app, pilot, engines)

    async def __aexit__(self, *error):
        await self.context.__aexit__(*error)


def expected_game(seed, *moves):
    """The position after `moves`, by the rules alone."""
    game = GameState.new(2, seed)
    for move in moves:
        game.apply(game.parse_move(move))
    return game


async def test_six_leads_to_the_setup_and_nothing_starts_by_itself(tmp_path):
    async with Sit(tmp_path) as t:
        assert isinstance(t.screen, PlayScreen)
        assert "[6 Play]" in t.text
        assert "opponent" in t.text
        assert "pretrained" in t.text
        assert "planner" in t.text
        assert t.engines.started == 0


async def test_a_move_is_three_keys_and_the_opponent_answers(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        legal = t.session.game.now.record.legal
        move = next(m for m in legal if m.endswith(">3"))
        await t.lay(move)
        await t.phase("yours")
        answer = t.moves[1]
        assert t.moves == [move, answer]
        assert t.session.game.now.record.notation == expected_game(7, *t.moves).notation()
        assert "your turn" in t.text


async def test_only_what_is_legal_is_lit_and_escape_steps_back(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        assert "take from 1 2 3 4 or 5" in t.text
        source = next(
            i for i, f in enumerate(t.session.game.now.view.factories) if sum(map(bool, f)) > 1
        )
        await t.press(str(source + 1))
        await t.until(f"from {source + 1}: ")
        roles = {role for line in t.screen.shown_lines() for _, role in line}
        assert any(role.startswith("faint.") for role in roles), "other factories are faint"
        color = t.session.pick.colors()[0]
        await t.press("byrkw"[color])
        await t.until("to line 1")
        roles = {role for line in t.screen.shown_lines() for _, role in line}
        assert any(role.startswith("ghost.") for role in roles)
        await t.press("escape")
        await t.until(f"from {source + 1}: ")
        await t.press("escape")
        await t.until("take from 1 2 3 4 or 5")
        await t.press("escape")
        await t.until("a new game")
        await t.press("escape")
        await t.until("your turn")


async def test_the_colour_may_come_first(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        move = t.session.game.now.record.legal[3]
        color, places = move.split()
        source, line = places.split(">")
        await t.press(color.lower(), source.lower(), line.lower())
        await t.when(lambda: len(t.moves) >= 2, "a move")
        assert t.moves[0] == move


async def test_an_illegal_step_is_refused_in_words(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        await t.press("c")
        await t.until("the centre is empty")
        await t.press("9")
        await t.until("there is no factory 9")
        assert t.session.phase == "yours"


async def test_the_mouse_takes_tiles_and_lays_them(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        color = next(i for i, n in enumerate(t.session.game.now.view.factories[1]) if n)
        await t.click("tiles", 1, color)
        await t.until("from 2 to line")
        await t.click("line", 1, 2)
        assert len(t.moves) == 0, "the other's board takes nothing"
        await t.click("line", 0, 2)
        await t.when(lambda: len(t.moves) >= 2, "a move")
        assert t.moves[0] == f"{'BYRKW'[color]} 2>3"


async def test_thinking_is_told_and_the_screen_stays_usable(tmp_path):
    async with Sit(tmp_path) as t:
        t.engines.thinking.clear()
        await t.deal(seat=1)
        await t.phase("thinking")
        await t.until("pretrained thinks")
        await t.press("3")
        assert t.app.current_mode == "play", "a digit is a move while a game is on"
        await t.press("v")
        await t.until("the value is hidden")
        await t.press("escape", "1")
        assert t.app.current_mode == "menu"
        t.engines.thinking.set()
        await t.pilot.pause(0.1)
        await t.press("6", "escape")
        await t.phase("yours")
        assert len(t.moves) == 1


async def test_undo_goes_back_to_the_last_decision(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        before = t.session.game.now.record.notation
        await t.lay(t.session.game.now.record.legal[2])
        await t.phase("yours")
        t.engines.thinking.clear()
        await t.lay(t.session.game.now.record.legal[2])
        await t.phase("thinking")
        await t.press("u")
        await t.phase("yours")
        assert len(t.moves) == 2
        await t.press("u")
        await t.when(lambda: not t.moves, "the first position")
        assert t.session.game.now.record.notation == before
        await t.press("u")
        await t.until("no move of yours")


async def test_a_hint_is_the_opponents_choice_with_its_value(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        await t.press("h")
        await t.until("hint: ")
        assert "value -0.30" in t.text
        await t.lay(t.session.game.now.record.legal[0])
        await t.when(lambda: len(t.moves) == 2, "a move")
        assert "hint: " not in t.text


async def test_the_value_is_a_bar_that_can_be_hidden(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        await t.lay(t.session.game.now.record.legal[0])
        await t.phase("yours")
        await t.until("you 65%")
        assert "35% pretrained" in t.text
        await t.press("v")
        assert "65%" not in t.text
        assert "0.30" not in t.text, "nor in the list of moves"


async def test_strength_changes_during_the_game(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        await t.press("plus", "plus", "minus", "plus")
        await t.lay(t.session.game.now.record.legal[0])
        await t.phase("yours")
        assert "simulations=400 " in t.engines.asked[-2]
        await t.press("t")
        await t.lay(t.session.game.now.record.legal[0])
        await t.phase("yours")
        assert "seconds=2 " in t.engines.asked[-2]


async def test_sides_are_swapped(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        await t.press("s")
        await t.when(lambda: len(t.moves) == 1 and t.session.phase == "yours", "the other side")
        assert t.session.settings.seat == 1
        assert t.session.game.to_move == 1


async def test_a_dead_engine_is_told_and_started_again_with_the_game_kept(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        t.engines.dies = True
        move = t.session.game.now.record.legal[0]
        await t.lay(move)
        await t.phase("broken")
        assert "the engine is gone" in t.text
        assert "the engine has ended with code 9: Killed" in t.text
        assert "starts it again, the game is kept" in t.text
        await t.press("enter")
        await t.phase("yours")
        assert t.engines.started == 2
        assert t.moves[0] == move
        assert len(t.moves) == 2


async def test_a_move_that_a_dead_engine_did_not_hear_is_played_by_the_next(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        t.engines.engine.alive = False
        move = t.session.game.now.record.legal[0]
        await t.lay(move)
        await t.phase("broken")
        assert not t.moves
        await t.press("enter")
        await t.phase("yours")
        assert t.moves[0] == move


async def test_a_player_that_does_not_exist_is_told_in_words(tmp_path):
    async with Sit(tmp_path) as t:
        t.engines.unknown.add("nobody")
        await t.deal(opponent="nobody")
        await t.until("no player is called 'nobody'")
        await t.press("escape")
        await t.until("a new game")


async def test_starting_tells_what_it_waits_for(tmp_path):
    async with Sit(tmp_path) as t:
        t.engines.loading.clear()
        await t.deal()
        await t.until("compiling the rules, step 2 of 4")
        t.engines.loading.set()
        await t.phase("yours")


async def play_to_the_end(t):
    for _ in range(200):
        await t.when(lambda: t.session.phase in {"yours", "over"}, "a turn")
        if t.session.phase == "over":
            return
        count = len(t.moves)
        await t.lay(t.session.game.now.record.legal[0])
        await t.when(lambda n=count: len(t.moves) > n, "a move")


async def test_rounds_and_the_game_end_in_words(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        told = False
        for _ in range(200):
            await t.when(lambda: t.session.phase in {"yours", "over"}, "a turn")
            if t.session.phase == "over":
                break
            head = t.text.splitlines()[1]
            told = told or ("round 1" in head and "you " in head)
            count = len(t.moves)
            await t.lay(t.session.game.now.record.legal[0])
            await t.when(lambda n=count: len(t.moves) > n, "a move")
        game = expected_game(7, *t.moves)
        assert told, "the end of round 1 was announced with its scores"
        assert game.is_over
        scores = sorted(game.scores, reverse=True)
        assert f"{scores[0]} to {scores[1]}" in t.text
        assert "again" in t.text
        await t.press("n")
        await t.phase("yours")
        assert not t.moves


async def test_two_players_are_watched_move_by_move(tmp_path, monkeypatch):
    monkeypatch.setattr("azul_tui.tui.play.session.WATCH_S", 0.05)
    async with Sit(tmp_path) as t:
        await t.deal(seat=None, partner="greedy", opponent="planner")
        await t.when(lambda: t.session.game is not None and len(t.moves) >= 2, "two moves")
        await t.press("space")
        await t.phase("paused")
        count = len(t.moves)
        await t.press("right")
        await t.when(lambda: len(t.moves) == count + 1, "one more")
        await t.phase("paused")
        asked = [line for line in t.engines.asked if line.startswith("choose")]
        assert {"player=greedy" in line for line in asked} == {True, False}
        await t.press("2")
        assert t.app.current_mode == "training", "digits are places while one watches"


async def test_it_opens_from_a_position_and_an_opponent(tmp_path):
    game = expected_game(3)
    for _ in range(5):
        game.apply(game.legal_actions()[0])
    async with Sit(tmp_path) as t:
        notation = game.notation()
        open_play(t.app, opponent="greedy", notation=notation, seed=3, seat=1, start=True)
        await t.when(lambda: t.session.game is not None, "a game")
        assert t.session.game.start.record.notation == game.notation()
        assert t.session.settings.opponent == "greedy"
        assert t.session.settings.seat == 1
        open_play(t.app, notation="azul2 nonsense")
        await t.until("field 2 of the position")


async def test_the_mouse_chooses_in_the_setup(tmp_path):
    async with Sit(tmp_path) as t:
        lines = t.text.splitlines()
        y = next(i for i, line in enumerate(lines) if "alphabeta-hard" in line)
        await t.pilot.click(offset=(60, y))
        await t.until("opponent ── alphabeta-hard")
        y = next(i for i, line in enumerate(lines) if "you play" in line)
        await t.pilot.click(offset=(10, y))
        await t.pilot.click(offset=(10, y))
        await t.pilot.pause()
        assert t.screen.setup.settings.seat == 1


async def test_the_menu_deals_with_its_settings(tmp_path):
    async with Sit(tmp_path) as t:
        await t.press("1")
        menu = t.screen
        menu.chosen = next(i for i, spec in enumerate(menu.entries) if spec.name == "play")
        for name, value in {"opponent": "greedy", "seat": 2, "num_players": 3}.items():
            menu.form().set(name, value)
        await t.press("enter")
        await t.when(lambda: t.app.current_mode == "play" and t.session.game, "the table")
        settings = t.session.settings
        assert (settings.opponent, settings.seat, settings.players) == ("greedy", 1, 3)


async def test_a_checkpoint_becomes_the_opponent(tmp_path):
    make_run(tmp_path / "laptop", 6)
    async with Sit(tmp_path) as t:
        await t.press("4", "p")
        await t.when(lambda: t.app.current_mode == "play", "the Play place")
        await t.until("a new game")
        assert t.screen.setup.settings.opponent.startswith("laptop/checkpoint_iter_")
        assert t.screen.setup.settings.opponent in [o.name for o in t.screen.setup.options]


async def test_the_position_opens_in_the_analyse_place(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        notation = t.session.game.now.record.notation
        asked = []
        t.app.action_go = asked.append
        await t.press("a")
        assert asked == ["analyse"]
        assert t.app.analyse_request.notation == notation


async def test_three_and_four_players_sit_down(tmp_path):
    for players in (3, 4):
        async with Sit(tmp_path / str(players), size=(80, 24)) as t:
            await t.deal(players=players, opponent="greedy")
            await t.phase("yours")
            assert all(f"greedy {seat}" in t.text for seat in range(2, players + 1))
            await t.lay(t.session.game.now.record.legal[0])
            await t.when(lambda: len(t.moves) == t.session.settings.players, "all moves")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 12), (20, 5)])
async def test_every_size_shows_the_table(tmp_path, size):
    async with Sit(tmp_path, size=size) as t:
        await t.deal()
        await t.phase("yours")
        await t.lay(t.session.game.now.record.legal[0])
        await t.phase("yours")
        lines = t.text.splitlines()
        if size >= (80, 24):
            for words in ("your turn", "bag", "lid", "you 65%", "take from", "move 3"):
                assert words in t.text, words
            assert all(len(line) <= size[0] for line in lines)


async def test_every_seat_of_a_large_table_has_its_share(tmp_path):
    async with Sit(tmp_path) as t:
        t.engines.value, t.engines.others = -0.2, -0.6
        await t.deal(players=3, opponent="pretrained", seat=1)
        await t.phase("yours")
        line = t.text.splitlines()[-3]
        assert [word for word in line.split() if word[-1:] == "%"] == ["20%", "20%", "40%"]
        assert line.index("you") < line.index("pretrained 3") < line.index("pretrained 1")
        assert [words for words in t.text.splitlines() if "-0.20" in words], "in the list of moves"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("players", [3, 4])
async def test_shares_keep_the_seat_where_names_find_no_room(tmp_path, width, players):
    name = "four/checkpoint_iter_000110.pt"
    async with Sit(tmp_path, size=(width, 30)) as t:
        await t.deal(players=players, opponent=name, seat=1)
        await t.phase("yours")
        line = t.text.splitlines()[-3]
        assert line.count("%") == players
        assert ("four/000110 3" in line) or line.split()[0] == "you"
        for seat in {1, 3, players}:
            assert f"{seat} " in line, "who it is"


async def test_a_table_without_room_for_all_boards_shows_whole_ones_and_turns_to_the_others(
    tmp_path,
):
    async with Sit(tmp_path, size=(60, 20)) as t:
        await t.deal(players=4, opponent="greedy")
        await t.phase("yours")
        seen = set()
        for _ in range(3):
            whole = [line for line in t.text.splitlines() if "points" in line]
            assert len(whole) == 1 and whole[0].count("points") == 2
            assert t.text.count("1 1 2 2 2 3 3") == 2, "floor costs: the boards are whole"
            assert "o the others" in t.text
            seen.add(t.screen.shown_others)
            await t.press("o")
        assert seen == {(1,), (2,), (3,)}
        t.engines.thinking.clear()
        t.screen.other = None
        await t.lay(t.session.game.now.record.legal[0])
        await t.phase("thinking")
        await t.until("greedy 2 thinks")
        assert t.screen.shown_others == (1,)
    async with Sit(tmp_path, size=(80, 24)) as t:
        await t.when(lambda: t.session.game is not None, "the game")
        assert "the others" not in t.text
        assert not t.screen.check_action("turn_boards", ())


async def test_a_terminal_too_small_for_any_whole_board_says_so(tmp_path):
    async with Sit(tmp_path, size=(40, 10)) as t:
        await t.deal()
        await t.phase("yours")
        assert "the boards are cut: too little room" in t.text
        assert "take from" in t.text


async def test_the_list_of_keys_says_which_keys_lead_to_the_places(tmp_path):
    async with Sit(tmp_path, size=(80, 30)) as t:
        await t.press("question_mark")
        assert "1 to 7  places" in t.text
        await t.press("escape")
        await t.deal()
        await t.phase("yours")
        await t.press("question_mark")
        assert "F1 to F7  places" in t.text
        assert "1 to 7" not in t.text
        assert t.text.count("places:") == 1
        await t.press("escape", "f3")
        assert t.app.current_mode == "runs"


async def test_answers_to_keys_stand_beside_the_prompt_until_the_next_key(tmp_path):
    async with Sit(tmp_path, size=(80, 24)) as t:
        await t.deal()
        await t.phase("yours")
        keys = t.text.splitlines()[-1]
        await t.press("plus", "t")
        lines = t.text.splitlines()
        assert lines[-1] == keys, "the key line stays"
        assert "from the next move on: 2 s a move" in lines[-2]
        assert "take from" in lines[-2]
        assert "200 simulations" not in t.text.replace(lines[1], ""), "the newest answer alone"
        await t.press("v")
        assert "next move on" not in t.text
        assert "the value is hidden" in t.text


async def test_a_run_whose_name_holds_blanks_plays(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal(opponent="my run/checkpoint_iter_000001.pt", seat=1)
        await t.when(lambda: t.session.phase in {"yours", "broken"}, "the first move")
        name = '"my run/checkpoint_iter_000001.pt"'
        assert f"load player={name}" in t.engines.asked
        assert any(line.startswith(f"choose player={name} ") for line in t.engines.asked)


async def test_a_hint_asked_while_a_move_is_sent_loses_no_move(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal()
        await t.phase("yours")
        held = asyncio.Event()
        engine = t.engines.engine
        tell = engine._position

        async def late(command, on_record):
            await held.wait()
            return await tell(command, on_record)

        engine._position = late
        move = t.session.game.now.record.legal[0]
        await t.lay(move)
        await t.until("your move is on its way")
        await t.press("h", "s")
        held.set()
        await t.when(lambda: len(t.moves) == 2 and t.session.phase == "yours", "the answer")
        assert t.moves[0] == move
        assert t.session.settings.seat == 0
        await t.press("h")
        await t.until("hint: ")


async def test_the_bag_covers_no_score_of_four_players(tmp_path):
    async with Sit(tmp_path, size=(120, 40)) as t:
        await t.deal(players=4, opponent="greedy")
        await t.phase("yours")
        for seat in (2, 3, 4):
            line = next(line for line in t.text.splitlines() if f"greedy {seat}" in line)
            assert "0 points" in line[line.index(f"greedy {seat}") :]


async def test_a_game_that_has_begun_is_given_up_only_when_asked_for_twice(tmp_path):
    async with Sit(tmp_path) as t:
        await t.deal(seed=0)
        await t.phase("yours")
        await t.lay(t.session.game.now.record.legal[0])
        await t.when(lambda: len(t.moves) == 2, "the answer")
        table = t.screen
        await t.press("n")
        await t.until("This game is not over.")
        await t.press("enter")
        await t.until("your turn")
        assert len(t.moves) == 2
        assert t.screen is table
        await t.press("escape", "enter")
        await t.until("This game is not over.")
        await t.press("b")
        await t.until("your turn")
        await t.press("n", "n")
        await t.when(lambda: t.session.game is not None and not t.moves, "a new deal")
        assert not t.app.game_at_stake


async def test_networks_for_another_table_are_not_offered(tmp_path):
    make_run(tmp_path / "laptop", 6)
    (tmp_path / "laptop" / "config.toml").write_text("num_players = 2\n")
    async with Sit(tmp_path) as t:
        assert any(o.name.startswith("laptop/") for o in t.screen.setup.options)
        await t.press("4", "p")
        await t.until("a new game")
        setup = t.screen.setup
        assert setup.settings.opponent.startswith("laptop/")
        setup.chosen = setup.rows().index("players")
        await t.press("space")
        await t.until("does not play with 3: greedy does")
        assert setup.settings.opponent == "greedy"
        assert not any(o.name.startswith("laptop/") for o in setup.options)
        assert "for 2 players" in (setup.typed("opponent", "laptop")[1] or "")
        assert "strength" not in setup.rows(), "greedy has one strength"


async def test_a_new_game_after_a_given_position_is_dealt_afresh(tmp_path):
    game = expected_game(3)
    game.apply(game.legal_actions()[0])
    notation = game.notation()
    async with Sit(tmp_path) as t:
        open_play(t.app, opponent="greedy", notation=notation, seed=3, seat=1, start=True)
        await t.phase("yours")
        assert t.session.game.start.record.notation == notation
        await t.press("n")
        await t.when(lambda: t.session.game and t.session.game.base.startswith("new "), "a deal")


def test_the_bonuses_of_a_wall_are_named():
    from dataclasses import replace

    from azul_tui.game.notation import parse_position
    from azul_tui.tui.play.words import bonus_words

    board = parse_position(expected_game(3).notation()).boards[0]
    assert bonus_words(board) == "no bonus"
    empty, full = (False,) * 5, (True,) * 5
    assert bonus_words(replace(board, wall=(full, empty, empty, empty, empty))) == "rows +2"
    first = (True, *empty[1:])
    assert bonus_words(replace(board, wall=(first,) * 5)) == "columns +7"
    diagonal = tuple(tuple(row == column for column in range(5)) for row in range(5))
    assert bonus_words(replace(board, wall=diagonal)) == "colours +10"
