"""The Azul table as a widget: what it shows at each size, and what a click on it means."""

from __future__ import annotations

import pytest
from fake_run import POSITION
from textual.app import App

from azul_tui.game.notation import parse_position
from azul_tui.tui.messages import LinePicked, TilePicked  # noqa: TC001 - read by the library
from azul_tui.tui.themes import variables
from azul_tui.tui.widgets.board import FLOOR, Board, Table, Target
from azul_tui.views.signs import ASCII, UNICODE


class Shown(App):
    """An app of one board."""

    CSS = "Board { width: 1fr; height: 1fr; }"

    def __init__(self, table, signs=UNICODE):
        super().__init__()
        self.signs, self.table, self.picked = signs, table, []

    def get_theme_variable_defaults(self):
        return variables(dark=True)

    def compose(self):
        yield Board()

    def on_mount(self):
        self.query_one(Board).show(self.table)

    def on_tile_picked(self, message: TilePicked):
        self.picked.append(("tile", message.source, message.color))

    def on_line_picked(self, message: LinePicked):
        self.picked.append(("line", message.seat, message.line))


def table(**fields):
    return Table(position=parse_position(POSITION), **fields)


@pytest.mark.parametrize("size", [(120, 40), (100, 30), (76, 22), (58, 14)])
@pytest.mark.parametrize("signs", [UNICODE, ASCII], ids=["unicode", "ascii"])
async def test_everything_is_on_the_table_at_every_size(size, signs):
    app = Shown(table(notes=("last move  R from 2 to line 3",)), signs)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = app.query_one(Board).text
        for words in ("centre", "player 1", "player 2", "24", "19", "last move", "-3"):
            assert words in text
        # Tiles are capitals: factories 12, centre 5 and the marker, boards 18.
        tiles = sum(text.count(letter) for letter in "BYRKW")
        assert tiles == 12 + 5 + 18
        assert signs is UNICODE or text.isascii()


def places_of(board):
    """Where each target lies first."""
    found = {}
    for y in range(board.size.height):
        for x in range(board.size.width):
            if (target := board.target_at(x, y)) is not None:
                found.setdefault(target, (x, y))
    return found


@pytest.mark.parametrize("near", [None, 0, 1])
async def test_a_click_on_any_tile_or_line_says_which(near):
    app = Shown(table(near=near))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        found = places_of(app.query_one(Board))
        lines = {Target("line", seat, line) for seat in (0, 1) for line in range(FLOOR + 1)}
        assert lines | {Target("tile", 0, 0), Target("tile", 5, 4)} <= {*found}
        for target in (Target("tile", 0, 0), Target("tile", 5, 4), Target("line", 1, 2)):
            await pilot.click(offset=found[target])
            await pilot.pause()
            assert app.picked[-1] == tuple(target)


async def test_what_may_be_chosen_stands_out():
    app = Shown(table())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        board = app.query_one(Board)
        line, tile, other = Target("line", 0, 3), Target("tile", 5, 4), Target("tile", 0, 0)
        found = places_of(board)

        def grounds():
            """The colour under each of the three."""
            cells = [(*found[target], board.render_line(found[target][1])) for target in
                     (line, tile, other)]  # fmt: skip
            return [next(iter(strip.crop(x, x + 1))).style.bgcolor for x, _, strip in cells]

        before = grounds()
        board.show(table(lit=frozenset({line, tile})))
        after = grounds()
        assert after[0] != before[0], "a line that takes the tiles lights up"
        assert after[1] == before[1], "what may be taken looks as ever"
        assert after[2] != before[2], "the rest is dimmed"
