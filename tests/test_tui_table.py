"""Tables and lists: what is cut says so, and what is chosen is always seen."""

from __future__ import annotations

import pytest

from azul_tui.jobs.registry import jobs
from azul_tui.tui.forms.differences import draw_diff
from azul_tui.tui.forms.settings import SettingsForm
from azul_tui.tui.menu_picture import MenuState, entry_lines, ordered
from azul_tui.tui.picture import line_width, plain, shorten_middle
from azul_tui.tui.signs import ASCII, UNICODE
from azul_tui.tui.table import Column, Row, draw_table, first_marked

ROWS = [Row(((f"row {number}", ""),)) for number in range(20)]


def table(chosen, before=0, height=8, signs=UNICODE):
    first = first_marked(chosen, len(ROWS), height - 1, before)
    lines = draw_table((Column(title="name"),), ROWS, 30, height, chosen=chosen, first=first)
    return first, plain(lines).splitlines()[1:]


def test_a_cut_list_says_how_many_rows_are_not_shown():
    assert table(0)[1][-1] == "  ↓ 14 more"
    _, middle = table(9)
    assert (middle[0], middle[-1]) == ("  ↑ 5 more", "  ↓ 10 more")
    assert middle[1].split() == ["row", "5"]
    assert table(19)[1][0] == "  ↑ 14 more"
    assert table(19)[1][-1] == "▸ row 19"


@pytest.mark.parametrize("height", [2, 3, 4, 5, 9, 20, 21])
def test_the_chosen_row_is_seen_wherever_one_comes_from(height):
    first = 0
    for chosen in [*range(20), *range(19, -1, -1), 10, 0, 19, 5]:
        first, lines = table(chosen, first, height)
        assert f"▸ row {chosen}" in [line.rstrip() for line in lines]
        assert len(lines) == min(height - 1, 20)


def test_the_menu_says_that_it_goes_on_also_in_ascii():
    entries = ordered([spec for spec in jobs() if not spec.for_programs])
    for signs, up, down in ((UNICODE, "↑", "↓"), (ASCII, "^", "v")):
        state = MenuState(
            entries=entries,
            chosen=0,
            form=SettingsForm.of((), {}),
            form_focused=False,
            running={},
            welcome=False,
            preset=None,
            signs=signs,
        )
        lines = plain(entry_lines(state, 32, 12)).splitlines()
        hidden = len(entries) - sum(spec.title in line for spec in entries for line in lines)
        assert lines[-1].strip() == f"{down} {hidden} more"
        state = MenuState(
            **{name: getattr(state, name) for name in MenuState.__slots__}
            | {"chosen": len(entries) - 1}
        )
        assert plain(entry_lines(state, 32, 12)).splitlines()[0].strip().startswith(f"{up} ")


def test_the_middle_gives_way_and_the_end_stays():
    assert shorten_middle("night-run-with-a-name-12", 12) == "night-…me-12"
    assert shorten_middle("short", 12) == "short"
    assert shorten_middle("abcdef", 2, "..") == "ab"


def test_settings_that_differ_keep_their_values_apart_from_names_and_whole():
    names = ["night-run-with-a-long-name-1", "night-run-with-a-long-name-12"]
    settings = [
        {"learning_rate": "0.0005", "mcts_simulations_grow_iterations": "100000", "same": "1"},
        {"learning_rate": "0.001", "mcts_simulations_grow_iterations": "0", "same": "1"},
    ]
    for width in (34, 46, 80):
        lines = draw_diff(names, settings, ["series.0", "series.1"], width, 6, UNICODE)
        words = [line.split() for line in plain(lines).splitlines()]
        assert all(line_width(line) <= width for line in lines)
        assert [len(line) for line in words] == [3, 3, 3]
        assert words[1][1:] == ["0.0005", "0.001"]
        assert words[2][1:] == ["100000", "0"]
        assert words[0][2].endswith("12")


def test_runs_that_have_no_room_are_counted():
    settings = [{"lr": f"0.00{number}"} for number in range(6)]
    lines = draw_diff([f"run-{n}" for n in range(6)], settings, [""] * 6, 40, 6, UNICODE)
    assert plain(lines).splitlines()[-1].strip() == "2 more runs beside these"
