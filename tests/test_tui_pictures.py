"""Pictures as SVG, and the pictures of the real screens."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from fake_run import make_run
from play_engine import FakeEngines

from azul_tui.tui.picture import laid_over, line_width, plain
from azul_tui.tui.pictures import PLACES, take_pictures
from azul_tui.tui.svg import CELL_HEIGHT, CELL_WIDTH, picture_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_words_are_stretched_to_their_cells_and_escaped():
    root = ET.fromstring(picture_svg([(("  a<b  c", "strong"),)], "x & y", 20))
    assert root.findtext(f"{SVG}title") == "x & y"
    texts = list(root.iter(f"{SVG}text"))
    assert [text.text for text in texts] == ["a<b", "c"]
    assert [text.get("x") for text in texts] == [str(2 * CELL_WIDTH), str(7 * CELL_WIDTH)]
    assert texts[0].get("textLength") == str(3 * CELL_WIDTH)


def test_no_braille_or_frame_is_left_to_a_font():
    svg = picture_svg([(("┌─⣿⠁┐ ▸━█", "series.0"),)], "chart", 10)
    assert svg.isascii()
    dots = next(p for p in ET.fromstring(svg).iter(f"{SVG}path") if p.get("stroke-linecap"))
    assert dots.get("d", "").count("M") == 8 + 1


def test_neighbours_with_one_ground_are_one_rectangle():
    line = (("ab", "chosen"), ("cd", "chosen.quiet"), ("e", ""))
    rectangles = list(ET.fromstring(picture_svg([line], "row", 5)).iter(f"{SVG}rect"))
    assert [r.get("width") for r in rectangles[1:]] == [str(4 * CELL_WIDTH)]
    assert rectangles[1].get("height") == str(CELL_HEIGHT)


async def test_every_place_has_its_picture(tmp_path):
    make_run(tmp_path / "laptop-1122", 8, state="finished")
    taken = await take_pictures(tmp_path, clock=lambda: 1_700_001_000.0, engine=FakeEngines())
    assert set(taken) == set(PLACES)
    for svg in taken.values():
        assert "laptop-1122" in svg
        assert len(svg.encode()) < 300_000
    assert "your turn" in taken["play"]
    assert "400 of 400 simulations" in taken["analyse"]


def test_a_box_lies_over_the_middle_and_cuts_wide_characters_cleanly():
    below = [(("abcdefgh", ""),), (("ab漢字漢", ""),), (("abcdefgh", ""),)]
    laid = laid_over(below, [(("XYZ", "key"),)], 3)
    assert all(line_width(line) == 8 for line in laid)
    assert "XYZ" in plain(laid)
