"""Notices: what is said in passing."""

from __future__ import annotations

from azul_tui.tui.app import AzulApp
from azul_tui.tui.notices import Notice, with_notices
from azul_tui.tui.picture import crop, line_width, plain
from azul_tui.tui.signs import ASCII, UNICODE


def test_a_notice_stands_above_the_key_line_at_the_right():
    picture = with_notices(crop([], 40, 6), [Notice("it pauses")], UNICODE)
    assert plain(picture).splitlines()[4] == " " * 28 + " it pauses"
    assert {line_width(line) for line in picture} == {40}
    assert picture[5] == crop([], 40, 6)[5]


def test_three_notices_at_most_the_newest_last():
    notices = [Notice(f"number {n}", "error") for n in range(5)]
    text = plain(with_notices(crop([], 60, 12), notices, ASCII))
    assert [line.split()[-1] for line in text.splitlines() if line] == ["2", "3", "4"]
    assert "! number 4" in text


def test_a_notice_longer_than_the_screen_leaves_its_end():
    picture = with_notices(crop([], 20, 5), [Notice("word " * 60 + "end")], UNICODE)
    assert len(picture) == 5
    assert "end" in plain(picture)
    assert with_notices(crop([], 6, 2), [Notice("x")], UNICODE) == crop([], 6, 2)


async def test_a_notice_is_seen_and_goes(tmp_path):
    app = AzulApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.notify("[b]not markup[/b]\x1b[31m", timeout=0.2)
        assert "[b]not markup[/b]" in plain(app.screen.shown_lines())
        assert "\x1b" not in plain(app.screen.shown_lines())
        await pilot.pause(0.3)
        assert "not markup" not in plain(app.screen.shown_lines())
