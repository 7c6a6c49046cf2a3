"""Notices: what is said in passing."""

from __future__ import annotations

from azul_tui.tui import painted_app
from azul_tui.tui.app import AzulApp
from azul_tui.tui.notices import Notice, notice_lines
from azul_tui.tui.picture import line_width, plain
from azul_tui.tui.signs import ASCII, UNICODE


def test_a_notice_has_a_line_of_its_own_that_still_says_where_the_keys_are():
    lines = notice_lines([Notice("it pauses")], 40, 24, UNICODE)
    assert plain(lines) == " it pauses" + " " * 19 + "? all keys"
    assert {line_width(line) for line in lines} == {40}
    assert {role for line in lines for _, role in line} == {"notice"}


def test_the_newest_notices_are_shown_whole_and_older_ones_wait():
    notices = [Notice(f"number {n}", "error") for n in range(5)]
    text = plain(notice_lines(notices, 60, 9, ASCII))
    assert [line.split()[2] for line in text.splitlines()] == ["2", "3", "4"]
    assert "! number 4" in text


def test_a_notice_longer_than_a_third_of_the_screen_is_shortened_and_says_so():
    lines = notice_lines([Notice("begin " + "word " * 60 + "end")], 20, 9, UNICODE)
    assert len(lines) == 3
    assert "begin" in plain(lines)
    assert plain(lines).endswith("…")
    assert notice_lines([Notice("x")], 8, 24, UNICODE) == []
    assert notice_lines([Notice("x")], 80, 2, UNICODE) == []
    assert notice_lines([], 80, 24, UNICODE) == []


def test_words_of_a_warning_stand_below_each_other():
    text = plain(notice_lines([Notice("one two three four five", "warning")], 20, 24, UNICODE))
    assert [line[:6] for line in text.splitlines()] == [" ! one", "   fou"]


async def test_a_notice_is_seen_and_goes(tmp_path):
    app = AzulApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.notify("[b]not markup[/b]\x1b[31m", timeout=0.2)
        assert "[b]not markup[/b]" in plain(app.screen.shown_lines())
        assert "\x1b" not in plain(app.screen.shown_lines())
        await pilot.pause(0.3)
        assert "not markup" not in plain(app.screen.shown_lines())


async def test_a_notice_covers_the_key_line_alone(tmp_path):
    app = AzulApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        before = plain(app.screen.shown_lines()).splitlines()
        app.notify("short")
        assert plain(app.screen.shown_lines()).splitlines()[:-1] == before[:-1]
        app.notify("long " * 20)
        lines = plain(app.screen.shown_lines()).splitlines()
        assert len(lines) == 24
        # Three lines of notices: the panel of the menu ends above them, frame and all.
        assert "└" in lines[-4]
        assert lines[-3].startswith(" short")
        assert lines[-2].startswith(" long long")


async def test_an_error_stays_until_a_key_that_still_does_what_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr(painted_app, "READ_S", 0.1)
    app = AzulApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.notify("the disk is full", severity="error", timeout=0.05)
        await pilot.press("2")  # too soon to have read it
        assert "! the disk is full" in plain(app.screen.shown_lines())
        await pilot.pause(0.15)
        assert "! the disk is full" in plain(app.screen.shown_lines())
        await pilot.press("3")
        assert "the disk is full" not in plain(app.screen.shown_lines())
        assert app.current_mode == "runs"
