"""Charts under the mouse: cursor, pan and zoom."""

from __future__ import annotations

import numpy as np
import pytest
from fake_run import make_run
from textual import events

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp
from azul_tui.tui.charts.curves import Curve
from azul_tui.tui.charts.draw import draw_chart
from azul_tui.tui.charts.view import View
from azul_tui.tui.picture import place_of, plain

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    make_run(root / "laptop", 12, state="finished")
    return root


def opened(root):
    app = AzulApp(root, attach=RunPaths(root / "laptop"), ascii_only=False, tick_s=60.0)
    return app, app.run_test(size=(120, 40))


def wheel(kind, x, y, *, shift=False):
    return kind(None, x, y, 0, 0, 0, shift, False, False, screen_x=x, screen_y=y)


def test_a_column_stands_for_the_x_that_is_drawn_there():
    curve = Curve(name="loss", x=np.arange(101.0), y=np.arange(101.0))
    drawing = draw_chart([curve], View(smoothing=0), 60, 12)
    first, last = drawing.plot_left, drawing.plot_left + drawing.plot_width - 1
    assert drawing.x_at(first - 1) is None
    assert drawing.x_at(last + 1) is None
    assert drawing.x_at(first) == pytest.approx(0, abs=2)
    assert drawing.x_at(last) == pytest.approx(100, abs=2)
    logarithmic = draw_chart([curve], View(smoothing=0, log_x=True), 60, 12)
    left, right = logarithmic.window
    middle = logarithmic.x_at(logarithmic.plot_left + logarithmic.plot_width // 2)
    assert middle == pytest.approx((left * right) ** 0.5, rel=0.1)


def test_a_segment_is_found_as_itself_and_not_as_its_like():
    mark, like = (chr(0x250C), "frame"), (chr(0x250C), "frame")
    picture = [((" ab", ""), like), (("宽", ""), mark)]
    assert place_of(picture, mark) == (1, 2)
    assert place_of(picture[:1], mark) is None


async def test_click_puts_the_cursor_and_takes_it_away(root):
    app, context = opened(root)
    async with context as pilot:
        await pilot.pause()
        app.feed.read_all()
        app.screen.redraw()
        await pilot.pause()
        await pilot.mouse_down(offset=(40, 8))
        await pilot.mouse_up(offset=(40, 8))
        assert "at step" in plain(app.screen.shown_lines())
        cursor = app.screen.view.cursor
        left, right = app.screen.memory.drawings["loss"].window
        assert (cursor - left) / (right - left) == pytest.approx(37 / 69, abs=0.03)
        await pilot.mouse_down(offset=(40, 8))
        await pilot.mouse_up(offset=(40, 8))
        assert app.screen.view.cursor is None
        await pilot.mouse_down(offset=(40, 1))
        await pilot.mouse_up(offset=(40, 1))
        assert app.screen.view.cursor is None, "there is no chart in the progress line"


async def test_the_wheel_zooms_where_the_mouse_is_and_a_drag_pans(root):
    app, context = opened(root)
    async with context as pilot:
        await pilot.pause()
        app.feed.read_all()
        app.screen.redraw()
        await pilot.pause()
        screen = app.screen
        x = screen.spot_at(30, 8).x
        for _ in range(3):
            screen.on_mouse_scroll_up(wheel(events.MouseScrollUp, 30, 8))
            screen.shown_lines()
        assert screen.spot_at(30, 8).x == pytest.approx(x, rel=0.05)
        left, right = screen.memory.drawings["loss"].window
        assert right - left < 600
        await pilot.mouse_down(offset=(30, 8))
        await pilot.hover(offset=(25, 9))
        await pilot.mouse_up(offset=(25, 9))
        assert screen.spot_at(25, 8).x == pytest.approx(x, rel=0.05)
        assert "zoomed, held" in plain(screen.shown_lines())
        screen.on_mouse_scroll_down(wheel(events.MouseScrollDown, 30, 8, shift=True))
        assert screen.memory.drawings["loss"].window != (left, right)
