"""A game line by line: what a person types and what comes back."""

from __future__ import annotations

import pytest
from heard_job import HeardJob

from azul_tui.game.notation import format_move
from azul_tui.game.state import GameState
from azul_tui.jobs.play import GameWithAPerson, legal_moves_text
from azul_tui.players.registry import create_player


@pytest.fixture
def table(tmp_path):
    """A person on seat 0 against `greedy`; `output` collects what is said."""
    heard = HeardJob("play", tmp_path, json_lines=False, seed=3)
    made = GameWithAPerson(heard.context, create_player("greedy"), GameState.new(2, 3), 0)
    made.output = heard.output
    return made


def first_legal(game):
    return format_move(int(game.legal_actions()[0]), game.players)


class Person:
    """Always plays the first legal move."""

    def __init__(self, table):
        self.table = table

    def __iter__(self):
        while True:
            yield first_legal(self.table.game)


def test_a_whole_game_is_played_and_its_result_told(table):
    result = table.play(Person(table))
    assert result["finished"]
    assert table.game.is_over
    assert table.game.violations() == []
    assert "you lose" in table.output.getvalue(), "the first legal move every time loses to greedy"


def test_what_cannot_be_played_is_explained_and_changes_nothing(table):
    before = table.game.notation()
    table.play(["R 9>1", "nonsense", "", "moves", "hint", "help", "position", "board", "undo"])
    said = table.output.getvalue()
    assert table.game.notation() == before
    assert before in said
    assert "greedy would play" in said
    assert "there is no move of yours to take back" in said
    assert said.count("help lists what you can type") == 2
    assert "left the game" in said


def test_undo_goes_back_to_before_ones_own_move(table):
    before = table.game.notation()
    result = table.play([first_legal(table.game), "undo", "quit"])
    assert table.game.notation() == before
    assert result["moves"] == 0, "moves taken back were not made"
    assert "left the game after 0 moves" in table.output.getvalue()


def test_the_moves_listed_are_the_legal_ones(table):
    listed = set()
    for line in legal_moves_text(table.game).splitlines():
        start, targets = line.split(">")
        listed |= {table.game.parse_move(f"{start}>{target}") for target in targets.split()}
    assert listed == set(table.game.legal_actions().tolist())
