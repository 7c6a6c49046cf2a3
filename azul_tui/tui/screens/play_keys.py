"""The keys of the Play place: in the setup they mean something else than at the table."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

from azul_tui.game.constants import factory_count
from azul_tui.tui.frame import PLACES

DIGITS: Final = "123456789"
PLACE_DIGITS: Final = DIGITS[: len(PLACES)]
MAX_SEED: Final = 1_000_000

IN_GAME: Final = frozenset(
    {"undo", "hint", "again", "swap", "stronger", "measure", "value", "analyse", "turn_boards"}
)
IN_SETUP: Final = frozenset({"deal", "move", "change", "edit"})


KEYS: Final = (
    Binding("enter", "deal", "deal"),
    Binding("space", "change(1)", "next value"),
    Binding("e", "edit", "type a value"),
    Binding("up", "move(-1)", "up", show=False),
    Binding("down", "move(1)", "down", show=False),
    Binding("left", "change(-1)", "previous value", show=False),
    Binding("right", "change(1)", "next value", show=False),
    Binding("enter", "go_on", "go on"),
    Binding("space", "pause", "stop the game, go on", id="pause"),
    Binding("right", "one_move", "one move", show=False, id="one-move"),
    Binding("h", "hint", "hint"),
    Binding("u", "undo", "take back"),
    Binding("v", "value", "value"),
    Binding("a", "analyse", "analyse"),
    Binding("n", "again", "new game"),
    Binding("s", "swap", "swap sides", show=False),
    Binding("plus,equals_sign", "stronger(1)", "stronger", show=False),
    Binding("minus", "stronger(-1)", "weaker", show=False),
    Binding("t", "measure", "strength by time or simulations", show=False),
    Binding("o", "turn_boards", "the others' boards", show=False),
    Binding("escape", "back", "setup"),
)


def move_keys(players: int) -> tuple[Binding, ...]:
    """Keys of a move, for the lists of keys: `on_key` takes them."""
    return (
        Binding(f"1-{factory_count(players)} C", "explain", "from"),
        Binding("B Y R K W", "explain", "colour"),
        Binding("1-5 F", "explain", "line"),
    )
