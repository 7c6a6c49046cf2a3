"""The setup of a game as a picture: a form, and the players that can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Line, Picture, beside, shorten, text_line, wrapped
from azul_tui.tui.play.settings import short_name
from azul_tui.tui.table import first_visible

if TYPE_CHECKING:
    from azul_tui.tui.play.setup import PlaySetup
    from azul_tui.tui.signs import Signs


def form_width(width: int) -> int:
    """Cells of the form; the list of players has the rest, if there is room for one."""
    return min(50, width // 2) if width >= 76 else width


def click_setup(setup: PlaySetup, x: int, y: int, width: int) -> bool:
    """Choose what lies at a cell of the body that `setup_body` drew; False when nothing does."""
    rows, left = setup.rows(), form_width(width)
    if x < left:
        if not 0 <= y - 2 < len(rows):
            return False
        if rows[y - 2] == setup.row:
            setup.change(1)
        setup.chosen = y - 2
        return True
    option = setup.first + y - 1
    if y < 1 or not 0 <= option < len(setup.options):
        return False
    setup.choose(setup.row, setup.options[option].name)
    return True


def setup_body(
    setup: PlaySetup, width: int, height: int, signs: Signs, *, game_waits: bool
) -> Picture:
    """The body of the screen before a game."""
    left = form_width(width)
    form = panel(
        _form(setup, left - 4, height - 2, signs, game_waits=game_waits),
        (("a new game", "title"),),
        (),
        left,
        height,
        signs,
    )
    if left == width:
        return form
    right = width - left
    row = setup.row if setup.row == "first seat" else "opponent"
    chosen = setup.settings.opponent if row == "opponent" else setup.settings.partner
    title: Line = ((row, "title"), (f" {signs.horizontal * 2} ", "frame"), (setup.value(row), ""))
    listed = _options(setup, chosen, right - 4, height - 2, signs)
    return beside(form, left, panel(listed, title, (), right, height, signs))


def _form(setup: PlaySetup, width: int, height: int, signs: Signs, *, game_waits: bool) -> Picture:
    picture: Picture = [()]
    for row in setup.rows():
        here = row == setup.row
        value = shorten(setup.value(row), width - 16, signs.ellipsis)
        picture.append(
            (
                (f" {signs.pointer if here else ' '} ", "key"),
                (f"{row:<13}", "chosen" if here else ""),
                (f" {value}", "chosen" if here else "strong"),
            )
        )
    picture.append(())
    picture.extend(_indented(wrapped(setup.note(setup.row), width - 3, "quiet")))
    words = "enter deals. In the game a move is three keys: factory or C, colour, line or F."
    tail = wrapped(words, width - 3, "")
    if game_waits:
        tail += wrapped("escape goes back to the game that is on.", width - 3, "")
    if len(picture) + len(tail) + 1 <= height:
        picture.append(())
        picture.extend(_indented(tail))
    return picture


def _indented(picture: Picture) -> Picture:
    return [(("   ", ""), *line) for line in picture]


def _options(setup: PlaySetup, chosen: str, width: int, height: int, signs: Signs) -> Picture:
    options = setup.options
    if not options:
        return [text_line(" looking for players", "quiet")]
    names = [option.name for option in options]
    at = names.index(chosen) if chosen in names else 0
    setup.first = first_visible(at, len(options), height, setup.first)
    shown = options[setup.first : setup.first + height]
    room = min(34, max(len(short_name(option.name)) for option in options))
    # Words that are cut tell less than none: the form tells them of the chosen player.
    described = max(len(option.about) for option in options) <= width - room - 5
    picture: Picture = []
    for option in shown:
        here = option.name == chosen
        name = shorten(short_name(plain_text(option.name, 200)), room, signs.ellipsis)
        picture.append(
            (
                (f" {signs.pointer if here else ' '} ", "key"),
                (f"{name:<{room}}", "chosen" if here else "strong"),
                (f"  {option.about}" if described else "", "quiet"),
            )
        )
    return picture
