"""Text from strangers on every screen and box: nothing of it acts on a terminal or is markup."""

from __future__ import annotations

import json
import unicodedata

import pytest
from dashboard import NARROW, WIDE, a_run
from every_screen import RUN, SCREENS, go, opened, quick_jobs, rested, tour
from rich.cells import cell_len
from test_tui_evaluate import a_match, result

from azul_tui.cli import main

pytestmark = pytest.mark.timeout(180)
MARKUP = "[red]loud[/red][@click=app.quit]press[/] $text-error [/nothing"
HOSTILE = {
    "control sequences and lines": (
        "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]52;c;aGk=\x1b\\\x9b5mC1\x90q\x9c\x00\x08\r\v"
        "one\ntwo\rthree\x85four\u2028five\ttab"
    ),
    "markup": MARKUP,
    "directions and encodings": (
        "\u202eesrever\u202c \u2066isolate\u2069 \u200f\u061c\u200b\ufeff\u2028\u2029 שלום"
        "\ud800\udfff caf\xe9 \uffff\U000e0001\U000f0000 \xad\x7f"
    ),
    "10,000 characters": "long 👩‍👩‍👧‍👦🏳️‍🌈 漢字"
    + "Z\u0301\u0489" * 30
    + "x漢" * 5000
    + "\u0301" * 900,
}
KINDS = {
    "alert": {"level": "error"}, "setting": {"takes_effect": "now"}, "phase": {}, "table": {},
    "control": {"accepted": False}, "compile": {"done": 1, "total": 3, "seconds": 1.0},
    "evaluation": {"score": 0.5, "low": 0.4, "high": 0.6, "games": 4, "iteration": 5},
    "checkpoint": {"score": 0.5, "best": True, "iteration": 5},
    "run_started": {"iteration": 5, "pid": 1}, "something new": {},
}  # fmt: skip
WORDS = (
    "level text key old new takes_effect request reason value phase name opponent file host "
    "version resumed_from job title rows columns id error"
).split()


def folder_name(text):
    """As much of it as a file system takes."""
    kept = "".join(c for c in text[:60] if c not in "/\0" and not "\ud800" <= c <= "\udfff")
    while len(kept.encode()) > 200:
        kept = kept[:-1]
    return kept


def hostile_world(root, text):
    """A folder in which every text that anybody could have written is hostile."""
    written = text.encode("utf-8", "replace").decode()
    run = a_run(root.parent / "new", RUN, 6, **{written[:200]: written, "device": written[:200]})
    old = root / RUN
    for kind, fields in KINDS.items():
        given = {name: text for name in WORDS if name not in fields}
        if kind == "run_started":
            given["config"] = {text[:100]: text, "eval_opponents": [text, text]}
        run.event(kind, **{**given, **fields, text[:50]: text, "t2": [text, {text: text}]})
    run.event(text, text=text)
    for _ in range(3):
        run.say(written)
    with (run.directory / "log.txt").open("ab") as log:
        log.write(text.encode("utf-16", "surrogatepass") + b"\n\xff\xfe\x9b2J\x1bc\n")
        log.write(b"iteration 6 done\n")
    with (run.directory / "events.jsonl").open("ab") as log:
        log.write(b'{"event":"alert","t":1,"text":"caf\xe9"}\n\x1b[2Jgarbage\n\xff\xfe\n')
        log.write(b'{"event":"step","t":NaN}\n{"event":"step","t":1e999}\n' + b"[" * 5000 + b"\n")
    run.status(
        "running", **dict.fromkeys("phase unit last_checkpoint host job name".split(), text[:300])
    )
    live = json.loads((run.directory / "live.json").read_text()) | {"last_move": text, "game": text}
    (run.directory / "live.json").write_text(json.dumps(live))
    rows = [{"name": text, "elo": 5, "low": 1, "high": 9, "games": 3, "score": 0.5}]
    ratings = {"anchor": text, "players": 2, "t": 1, "ratings": rows}
    (run.directory / "ratings.json").write_text(json.dumps(ratings))
    for file in run.directory.iterdir():
        if file.is_file():
            file.replace(old / file.name)
    for file in (old / "games").glob("*.jsonl"):
        game = json.loads(file.read_text())
        game["meta"] |= {"policy": text, "tag": text, "title": text, "names": [text, text]}
        file.write_text(json.dumps(game) + "\n")
    a_match(root, 20, result(player_a=text, player_b=text), t=run.t)
    for name in (text, "[bold]run[/]"):
        a_run(root, folder_name(name) or "x", 5, seed=4, state="finished")


@pytest.fixture
def hostile(world, monkeypatch):
    def make(text):
        hostile_world(world, text)
        said = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        script = f"print({said!a}.encode('utf-8', 'replace'), flush=True); print({said!a})"
        quick_jobs(monkeypatch, f"{script}; print('policy loss', flush=True); time.sleep(600)")
        return world

    return make


def acting(text):
    """Characters of a text that act on a terminal."""
    return sorted({c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}})


def harm(shown):
    """What of the screen would act on a terminal, is no whole line, or is somebody's click."""
    width, height = shown.app.size
    rows = shown.text.split("\n")[:height]
    for y, row in enumerate(rows):
        if acting(row):
            yield y, acting(row), row
        if cell_len(row) != width:
            yield y, cell_len(row), row
    for y in [y for y, row in enumerate(rows) if "red]" in row]:
        for x in range(0, width, 3):
            style = shown.screen.get_style_at(x, y)
            if style.link or "quit" in str(style.meta.get("@click", "")):
                yield x, y, style.link, style.meta


@pytest.mark.parametrize("kind", HOSTILE)
async def test_every_screen_and_box_shows_it_harmlessly(hostile, kind):
    root, found = hostile(HOSTILE[kind]), []
    async with opened(root, "menu", size=NARROW if "10" in kind else WIDE) as shown:
        async for name in tour(shown, [*SCREENS, "palette", "leave"]):
            found += [(name, *each) for each in harm(shown)]
        shown.app.request("pause")
        await go(shown, "runs")
        for _ in range(5):
            await shown.press("space", "down")
            await rested(shown)
            found += [("marked runs", *each) for each in harm(shown)]
    assert not found, "\n".join(map(str, found[:20]))


async def test_markup_is_shown_as_it_is_written_and_no_click_of_it_acts(hostile):
    async with opened(hostile(MARKUP), "training") as shown:
        for name in ("training", "log", "games", "evaluate", "job", "palette"):
            await go(shown, name)
            await shown.until("[red]loud")
            await shown.hands.click_words("press[/]" if "press[/]" in shown.text else "[red]loud")
            assert shown.app.is_running, name
            await shown.press("escape", "escape")


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("json_lines", [False, True], ids=["words", "json"])
def test_lists_and_looks_from_the_command_line_are_harmless(hostile, capsys, kind, json_lines):
    root = hostile(HOSTILE[kind])
    more = ["--json"] if json_lines else []
    for arguments in (["--list"], ["--once", RUN]):
        assert main([*arguments, "--dir", str(root), *more]) == 0
        told = capsys.readouterr().out
        assert not [c for c in acting(told) if c != "\n"], arguments
        if json_lines:
            assert [json.loads(line) for line in told.splitlines()]
        else:
            assert max(len(line) for line in told.splitlines()) <= 240
