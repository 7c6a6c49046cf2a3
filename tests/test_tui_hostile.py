"""Text from strangers in every place and box: nothing of it acts on a terminal or is markup."""

from __future__ import annotations

import json
import unicodedata

import pytest
from fake_run import make_run
from rich.cells import cell_len

from azul_tui.cli import main
from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp
from azul_tui.tui.painted_screen import PaintedScreen

pytestmark = pytest.mark.timeout(180)

SIZE = (110, 32)
MARKUP = "[bold red]loud[/bold red][@click=app.quit]press[/] <b>x</b> [/nothing"
HOSTILE = {
    "control sequences": (
        "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]52;c;aGk=\x1b\\\x9b5mC1\x90q\x9c\x00\x08\r\v"
    ),
    "markup": MARKUP,
    "right to left": (
        "\u202eesrever\u202c \u2066isolate\u2069 \u200f\u061c\u200b\ufeff\u2028\u2029 שלום"
    ),
    "10,000 characters": "long\u202e\x1b[1m" + "x" * 10_000,
    "lines": "one\ntwo\rthree\x85four\u2028five\ttab",
    "other encodings": "\ud800\udfff caf\xe9 \uffff\U000e0001\U000f0000 \xad\x7f",
    "stacked marks": "Z" + "\u0301\u0489" * 3000 + " 漢字" * 400 + " 👩‍👩‍👧‍👦🏳️‍🌈",
}
KINDS = [
    ("alert", {"level": "error"}),
    ("setting", {"takes_effect": "now"}),
    ("control", {"accepted": False}),
    ("phase", {}),
    ("compile", {"done": 1, "total": 3, "seconds": 1.0}),
    ("evaluation", {"score": 0.5, "low": 0.4, "high": 0.6, "games": 4, "iteration": 5}),
    ("checkpoint", {"score": 0.5, "best": True, "iteration": 5}),
    ("run_started", {"iteration": 5, "pid": 1}),
    ("table", {}),
    ("something new", {}),
]
WORDS = "level text key old new takes_effect request reason value phase name opponent file".split()
WORDS += "host version resumed_from job title rows columns id error".split()
BOXES = {
    "menu": ["slash", "escape", "tab", "enter", "escape", "S", "escape", "t"],
    "training": ["enter", "escape", "b", "escape", "e", "enter", "escape", "escape", "s", "n"],
    "runs": ["slash", "escape", "enter", "3", "space", "down", "space", "R", "escape", "D", "n"],
    "checkpoints": ["space", "down", "space", "R", "escape", "D", "n", "slash", "escape"],
    "evaluate": ["enter", "escape", "space", "down", "space"],
    "play": ["space", "down", "space", "down", "space", "e", "escape"],
    "analyse": ["i", "escape", "slash", "escape"],
}


def hostile_run(root, text):
    """A run in which every text that anybody could have written is hostile."""
    key = text[:200].encode("utf-8", "replace").decode()  # it goes into a file as it is
    run = make_run(root / "run", 5, state="running", **{key: text, "device": text})
    for kind, fields in KINDS:
        given = {name: text for name in WORDS if name not in fields}
        if kind == "run_started":
            given["config"] = {text[:100]: text, "eval_opponents": [text, text]}
        run.event(kind, **{**given, **fields, text[:50]: text, "t2": [text, {text: text}]})
    run.event(text, text=text)
    for _ in range(3):
        run.say(text.encode("utf-8", "replace").decode())
    with (run.directory / "log.txt").open("ab") as log:
        log.write(text.encode("utf-16", "surrogatepass") + b"\n\xff\xfe\x9b2J\x1bc\n")
    with (run.directory / "events.jsonl").open("ab") as log:
        log.write(b'{"event":"alert","t":1,"text":"caf\xe9"}\n\x1b[2Jgarbage\n\xff\xfe\n')
        log.write(b'{"event":"step","t":NaN}\n{"event":"step","t":1e999}\n' + b"[" * 5000 + b"\n")
    words = dict.fromkeys("phase unit last_checkpoint host job name".split(), text)
    run.status(**words)
    live = {"position": text, "last_move": text, "game": text, "players": 2, "move": 3, "value": 1}
    (run.directory / "live.json").write_text(json.dumps(live))
    rows = [{"name": text, "elo": 5, "low": 1, "high": 9, "games": 3, "score": 0.5}]
    ratings = {"anchor": text, "players": 2, "t": 1, "ratings": rows}
    (run.directory / "ratings.json").write_text(json.dumps(ratings))
    manifest = {"files": [{"file": "checkpoint_iter_000005.pt", "sha256": [text], "score": text}]}
    (run.directory / "checkpoints.json").write_text(json.dumps(manifest))
    game = {"players": 2, "meta": {"policy": text, "tag": text}, "moves": [text], "seed": text}
    (run.directory / "games" / "iter_000005.jsonl").write_text(json.dumps(game) + "\n")
    (run.directory / "evaluations.jsonl").write_text(json.dumps({"event": text}) + "\n")
    (run.directory / "control" / "1-pause.json").write_text(json.dumps({"request": text}))
    second = make_run(root / "second", 6, seed=3, state="stopped")
    second.event("alert", level="error", text=text)
    for name in (text, "[bold]run[/]"):
        folder = "".join(c for c in name[:60] if c not in "/\0" and not "\ud800" <= c <= "\udfff")
        while len(folder.encode()) > 200:
            folder = folder[:-1]
        make_run(root / folder, 5, seed=4, state="finished")
    return run


def acting(text):
    """Characters of a text that act on a terminal."""
    return sorted({c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}})


def look(app, place):
    """Hold what the screen shows against what a screen may show."""
    screen = app.screen
    assert isinstance(screen, PaintedScreen), (place, screen)
    lines = screen.shown_lines()
    assert len(lines) == SIZE[1], place
    for line in lines:
        shown = "".join(text for text, _ in line)
        assert not acting(shown), (place, type(screen).__name__, acting(shown), shown)
        assert cell_len(shown) == SIZE[0], (place, shown)
    for y in range(SIZE[1]):
        for segment in screen.render_line(y):
            assert segment.control is None, place
            style = segment.style
            assert style is None or (not style.meta and style.link is None), place
    return "\n".join("".join(text for text, _ in line) for line in lines)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_every_place_and_box_shows_it_harmlessly(tmp_path, kind):
    run = hostile_run(tmp_path, HOSTILE[kind])
    app = AzulApp(
        tmp_path,
        attach=RunPaths(run.directory),
        clock=lambda: run.t,
        tick_s=1.0,
        ascii_only=False,
    )
    screens = set()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.feed.read_all()
        for place, keys in BOXES.items():
            while len(app.screen_stack) > 1:
                app.pop_screen()
            app.action_go(place)
            await pilot.pause()
            for key in [*keys, "question_mark", "escape", "ctrl+p"]:
                app.look_now()
                await pilot.press(key)
                await pilot.pause()
                look(app, f"{place} after {key}")
                screens.add(type(app.screen).__name__)
            await pilot.press("escape")
        app.notify(HOSTILE[kind], severity="error")
        await pilot.pause()
        look(app, "a notice")
        assert app.is_running
    assert len(screens) >= 12, screens


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("json_lines", [False, True])
def test_lists_and_looks_from_the_command_line_are_harmless(tmp_path, capsys, kind, json_lines):
    hostile_run(tmp_path, HOSTILE[kind])
    more = ["--json"] if json_lines else []
    for arguments in (["--list"], ["--once", "run"]):
        assert main([*arguments, "--dir", str(tmp_path), *more]) == 0
        told = capsys.readouterr().out
        assert not [c for c in acting(told) if c != "\n"], arguments
        if json_lines:
            assert [json.loads(line) for line in told.splitlines()]
        else:
            assert max(len(line) for line in told.splitlines()) <= 240


async def test_markup_is_shown_as_it_is_written(tmp_path):
    run = hostile_run(tmp_path, MARKUP)
    app = AzulApp(tmp_path, attach=RunPaths(run.directory), clock=lambda: run.t, tick_s=1.0)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.feed.read_all()
        app.notify(MARKUP)
        await pilot.pause()
        assert "[bold red]loud[/bold red]" in look(app, "training")


async def test_the_number_of_skipped_records_is_shown(tmp_path, capsys):
    run = hostile_run(tmp_path, "harmless")
    app = AzulApp(tmp_path, attach=RunPaths(run.directory), clock=lambda: run.t, tick_s=1.0)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.feed.read_all()
        skipped = app.feed.data.skipped
        assert skipped == 6
        app.screen.redraw()
        await pilot.pause()
        assert f"{skipped} unreadable records skipped" in look(app, "training")
