"""The place of matches, as somebody uses it; words of a match without a screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from dashboard import NARROW, WIDE, a_run, check_picture, dashboard
from fake_run import START

from azul_tui.jobs.registry import find_job
from azul_tui.runs.machine import ProcessMark, own_mark, process_birth
from azul_tui.tui.widgets.form import Setting
from azul_tui.tui.widgets.listing import RowList
from azul_tui.views.match import (
    columns,
    elo_text,
    lines_of,
    match_job,
    read_matches,
    two_ended_bar,
)
from azul_tui.views.play_settings import short_name
from azul_tui.views.signs import ASCII, UNICODE


def label(a="laptop-1122/checkpoint_iter_000035", b="greedy", **more):
    return {"player_a": a, "player_b": b, "players": 2, "planned": 400, "simulations": 100} | more


def result(wins=240, draws=6, losses=154, low=0.567, high=0.663, **more):
    games = wins + draws + losses
    seat = {"games": games // 2, "score": 0.6, "margin": 4.0}
    return {
        "event": "result", "exit_code": 0, **label(planned=games), "games": games, "wins": wins,
        "draws": draws, "losses": losses, "score": (wins + draws / 2) / games, "low": low,
        "high": high, "margin": 4.2, "margin_low": 2.1, "margin_high": 6.3, "moves_per_game": 62.0,
        "s_per_game": 0.21, "by_seat": [{"seat": 0, **seat}, {"seat": 1, **seat}],
    } | more  # fmt: skip


def tally(**more):
    return {"event": "tally", **label(), "games": 130, "wins": 71, "draws": 4, "losses": 55} | more


def a_match(root, number, *records, state="finished", t=START, job="evaluate", mark=None):
    """The folder that a match leaves."""
    folder = root / ".jobs" / f"{job}-{number}"
    folder.mkdir(parents=True)
    lines = [json.dumps({"t": t, **record}) + "\n" for record in records]
    (folder / "events.jsonl").write_text("".join(lines))
    mark = mark or own_mark()
    status = {"job": job, "state": state, "heartbeat": t, "pid": mark.pid, "host": mark.host}
    status |= {"birth": mark.birth, "done": 210.0, "total": 400.0}
    (folder / "status.json").write_text(json.dumps(status))
    return folder


def texts(match, **options):
    rows = lines_of(match, 76, START + 60, UNICODE, **options)
    return "\n".join("".join(text for text, _ in line) for line in rows)


def found_in(root, now=START):
    return read_matches(root, now, {})


def cells(match):
    return [column.cell(match).text for column in columns(START)]


async def set_value(shown, name, value):
    setting = next(s for s in shown.screen.query(Setting) if s.spec.name == name)
    setting.query_one("Input").value = value
    await shown.pilot.pause()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
async def test_a_result_looks_as_it_should(tmp_path, size):
    run = a_run(tmp_path, iterations=12)
    a_match(tmp_path, 1, result(), t=run.t - 60)
    a_match(tmp_path, 2, result(45, 2, 53, 0.36, 0.57, player_b="planner"), t=START - 5000)
    async with dashboard(tmp_path, size=size, attach="laptop-1122", now=run.t) as shown:
        await shown.press("5")
        await shown.until("A is stronger: 60.8%")
        await shown.until("iteration 10")
        await check_picture(shown, f"evaluate-{size[0]}x{size[1]}")


async def test_a_result_says_what_was_played_whatever_the_form_says(tmp_path):
    a_match(tmp_path, 1, result(4, 0, 2, 0.2, 0.9, player_b="random", planned=6, simulations=8))
    async with dashboard(tmp_path) as shown:
        await shown.press("5")
        await shown.until("laptop-1122 iteration 35 against random")
        await set_value(shown, "B", "planner")
        await set_value(shown, "games", "900")
        text = await shown.until("against planner")
        assert "laptop-1122 iteration 35 against random" in text
        assert "6 games, 8 simulations a move" in text
        assert "not decided: 66.7%" in text


async def test_a_match_that_went_on_without_a_dashboard_is_found_and_can_be_ended(tmp_path):
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), sys.exit(7)))\n"
        "print('ready', flush=True)\ntime.sleep(600)\n"
    )
    command = [sys.executable, "-c", program]
    sleeper = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220 - at once there
    try:
        assert sleeper.stdout.readline()
        mark = ProcessMark(sleeper.pid, own_mark().host, process_birth(sleeper.pid) or "")
        a_match(tmp_path, 1, result(), t=START - 300)
        folder = a_match(tmp_path, 2, tally(), state="running", mark=mark)
        async with dashboard(tmp_path, now=START + 1) as shown:
            await shown.press("5")
            await shown.until("being played")
            assert "A won 71   drawn 4   B won 55   of 400" in shown.text
            await shown.press("g")
            assert len(list((tmp_path / ".jobs").iterdir())) == 2, "nothing is started beside it"
            await shown.press("x")
            assert "cancelling" in shown.text, "at once"
            await shown.when(lambda: sleeper.poll() == 7, "the signal")
            ended = {"state": "stopped", "heartbeat": START}
            (folder / "status.json").write_text(json.dumps(ended))
            await shown.until("cancelled after 130 of 400 games")
            assert "x cancel" not in await shown.until(" g start ")
            await shown.when(lambda: not shown.app.jobs.running, "the end")
            await shown.pilot.pause(0.3)
            found = shown.screen.found
            await shown.pilot.pause(1.3)
            assert shown.screen.found is found, "nothing is read any more"
    finally:
        sleeper.kill()
        sleeper.communicate()


async def test_a_match_is_started_shown_and_not_started_twice(tmp_path):
    """A real one, between two scripted players."""
    async with dashboard(tmp_path, clock=time.time) as shown:
        await shown.press("5")
        await set_value(shown, "A", "naive")
        await set_value(shown, "B", "random")
        await set_value(shown, "games", "6")
        await shown.press("g", "g", "g")
        assert len(shown.app.jobs.all) == 1
        await shown.until("╭─ naive against random")
        await set_value(shown, "B", "planner")
        await shown.until("finished, just now", 240)
        await shown.until("A is naive, B is random")
        text = await shown.until(" g start ")
        assert "of 6" in text and "x cancel" not in text
        assert "against planner" in text, "the form"
        await shown.when(lambda: not shown.app.jobs.running, "the end", 60)


async def test_a_match_from_the_menu_is_told_by_what_was_asked_for_there(tmp_path, jobs):
    """The form beside it says greedy, 100 games, and is changed while the match is played."""
    a_match(tmp_path, 1, result())
    asked = ['checkpoint="pretrained"', 'opponent="random"', "games=6", "simulations=1"]
    async with dashboard(tmp_path, clock=time.time) as shown:
        job = shown.app.jobs.start(find_job("evaluate"), asked)
        shown.app.show_job(job)
        await shown.until("╭─ pretrained against random")
        assert shown.screen.job is job and len(jobs) == 1
        await set_value(shown, "B", "planner")
        await set_value(shown, "games", "900")
        played = label("pretrained", "random", planned=6, simulations=1, games=4, wins=3, losses=1)
        with job.paths.events.open("a") as log:
            log.write(json.dumps({"event": "tally", "t": time.time(), **played}) + "\n")
        await shown.until("6 games, 1 simulations a move")
        await shown.until("A is pretrained, B is random")
        assert "against planner" in shown.text, "the form"


async def test_sides_are_picked_swapped_and_wished_for(tmp_path):
    a_run(tmp_path, iterations=12)
    async with dashboard(tmp_path) as shown:
        await shown.press("5", "a", *"iteration 5", "enter")
        await shown.until("│ laptop-1122 iteration 5")
        await shown.press("w")
        await shown.until("against laptop-1122 iteration 5")
        shown.app.go_with("evaluate", tmp_path / "laptop-1122" / "checkpoint_iter_000010.pt")
        await shown.until("│ laptop-1122 iteration 10")
        assert "against laptop-1122 iteration 5" in shown.text, "B stays"
        a_match(tmp_path, 1, result(player_b="planner"))
        await shown.press("escape", "1", "5")
        await shown.until("B is planner")


def test_a_checkpoint_has_one_name():
    for name in ("runs/laptop-1122/checkpoint_iter_000035.pt", "laptop-1122/checkpoint_iter_35@32"):
        assert short_name(name) == "laptop-1122 iteration 35"
    assert short_name("pretrained-3/best_model") == "pretrained-3"
    assert short_name("night/best_model.pt") == "night best"
    assert short_name("alphabeta-hard") == "alphabeta-hard"


def test_a_checkpoint_is_evaluated_and_scripted_players_meet_in_the_arena():
    values = dict.fromkeys(("B", "games", "simulations", "seats", "seed", "device"), 3)
    assert match_job(values | {"A": ""})[0] == "evaluate"
    job, overrides = match_job(values | {"A": "naive"})
    assert job == "arena" and "num_players=3" in overrides and 'a="naive"' in overrides


def test_every_match_is_listed_once_and_ladders_are_not(tmp_path):
    a_run(tmp_path, "night", 0)
    a_match(tmp_path, 1, {"event": "match", **label()}, result())
    a_match(tmp_path, 2, {"event": "match", "score": 0.5}, {"event": "result"}, job="arena")
    for name in ("evaluate-none", "bench-4"):
        (tmp_path / ".jobs" / name).mkdir()
    kept = [result() | {"event": "evaluation", "t": START}, result(seed=1, t=START)]
    text = "".join(json.dumps(record) + "\n" for record in kept)
    (tmp_path / "night" / "evaluations.jsonl").write_text(text + "no record\n")
    assert len(found_in(tmp_path)) == 2


def test_a_match_that_was_cancelled_before_its_first_pair_has_no_score(tmp_path):
    nothing = dict.fromkeys(("wins", "draws", "losses", "games", "low"), 0)
    none = result() | nothing | {"score": 0.5, "high": 1.0}
    a_match(tmp_path, 1, {"event": "match", **label()}, none, state="stopped")
    (match,) = found_in(tmp_path)
    assert "50.0%" not in cells(match) and "stopped" in cells(match)
    assert "cancelled after 0 of 400 games" in texts(match)


def test_a_match_whose_process_died_is_no_running_one(tmp_path):
    gone = ProcessMark(os.getpid(), own_mark().host, "another birth")
    a_match(tmp_path, 1, tally(), state="running", mark=gone)
    (tmp_path / ".jobs" / "evaluate-1" / "log.txt").write_text("MemoryError: no memory\n\n")
    (match,) = found_in(tmp_path, START + 1)
    assert not match.running
    assert "failed" in texts(match) and "MemoryError: no memory" in texts(match)


@pytest.mark.parametrize("value", [None, -5, 1e300, "x", [], True, {"a": 1}])
def test_records_of_others_do_no_harm(tmp_path, value):
    hostile = result() | dict.fromkeys(
        ("wins", "games", "players", "by_seat", "planned", "margin", "player_a", "simulations"),
        value,
    )
    a_match(tmp_path, 1, hostile)
    for match in found_in(tmp_path):
        texts(match)
        assert max(map(len, cells(match)[1:])) <= 28


@pytest.mark.parametrize("width", [1, 7, 40, 80])
def test_the_bar_fills_from_both_ends(width):
    for signs in (UNICODE, ASCII):
        bar = two_ended_bar(30, 10, 20, 100, width, signs)
        assert sum(len(text) for text, _ in bar) == width
        for wins, draws, losses in ((30, 10, 20), (22, 1, 9), (1, 0, 1), (0, 0, 3), (0, 4, 0)):
            full = two_ended_bar(wins, draws, losses, wins + draws + losses, width, signs)
            assert sum(len(text) for text, _ in full) == width
            assert not full[2][0] and (draws or not full[1][0] + full[3][0])


@pytest.mark.parametrize(
    ("players", "low", "high", "said"),
    [
        (2, 0.45, 0.55, "not decided"), (2, 0.51, 0.60, "A is stronger"),
        (3, 0.35, 0.45, "A is stronger"), (3, 0.30, 0.40, "not decided"),
        (4, 0.26, 0.45, "A is stronger"), (4, 0.10, 0.24, "B is stronger"),
    ],
)  # fmt: skip
def test_level_is_an_equal_share_of_the_games(tmp_path, players, low, high, said):
    middle = (low + high) / 2
    a_match(tmp_path, 1, result(low=low, high=high, players=players, score=middle))
    (match,) = found_in(tmp_path)
    text = " ".join(texts(match).split())
    assert f"{said}: {middle:.1%} ± {(high - low) * 50:.1f}, Elo" in text
    assert ("would halve the interval" in text) == (said != "not decided")
    assert ("is level" in text) == (players > 2)


def test_elo_counts_from_the_odds_against_equal_opponents():
    told = [elo_text(0.615), elo_text(1 / 3, 3), elo_text(0.5725, 4), elo_text(1), elo_text(0)]
    assert told == ["Elo +81", "Elo +0", "Elo +242", "Elo above +800", "Elo below -800"]


async def test_the_gates_of_a_training_are_told_by_what_they_decided(tmp_path):
    run = a_run(tmp_path, iterations=6)
    for iteration, decision in ((5, "behind"), (6, "ahead")):
        run.t += 60
        figures = {"games": 64, "wins": 39, "draws": 1, "losses": 24, "score": 0.617}
        run.event("gate", iteration=iteration, opponent="iteration 4", decision=decision,
                  low=0.52, high=0.70, margin=3.0, **figures)  # fmt: skip
    async with dashboard(tmp_path, attach="laptop-1122", now=run.t) as shown:
        await shown.press("5")
        await shown.until("laptop-1122 iteration 6 against iteration 4")
        await shown.until("A is ahead and becomes the best: 61.7% (52.0 to 70.0), Elo +83")
        shown.screen.query_one(RowList).focus()
        await shown.press("down")
        await shown.until("A is behind, B stays the best")


async def test_earlier_matches_are_shown_and_sorted_by_clicks(tmp_path):
    for number, opponent, score in ((1, "random", 0.9), (2, "greedy", 0.95), (3, "random", 0.99)):
        a_match(tmp_path, number, result(player_b=opponent, score=score), t=START - number)
    async with dashboard(tmp_path) as shown:
        await shown.press("5")
        await shown.until("B is random")
        await shown.click_words("greedy   95.0%")
        await shown.until("B is greedy")
        await shown.click_words("score")
        at = [shown.text.rindex(score) for score in ("99.0%", "90.0%", "95.0%")]
        assert at == sorted(at), "against random, then against greedy"


async def test_a_game_of_an_evaluation_is_called_so_and_has_no_number(tmp_path):
    run = a_run(tmp_path, iterations=5)
    run.games = -5  # what is shown of an evaluation is game -1
    run.live(58)
    async with dashboard(tmp_path, attach="laptop-1122", now=run.t) as shown:
        assert "game -1" not in await shown.until("evaluation game, move 58")
