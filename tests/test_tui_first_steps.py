"""What somebody meets who tries every key: each one works, or says why it does not."""

from __future__ import annotations

import pytest
from fake_run import make_run
from test_tui_screens import Drive

from azul_tui.config import SettingSpec
from azul_tui.runs.paths import RunPaths
from azul_tui.tui.forms.settings import SettingsForm, parse_value, typed_value
from azul_tui.tui.picture import last_lines
from azul_tui.tui.screens.leave import LeaveScreen
from azul_tui.tui.signs import choose_signs

pytestmark = pytest.mark.timeout(60)


class Job:
    """A process that goes on until it is ended."""

    returncode = None

    def poll(self):
        return self.returncode

    def terminate(self):
        self.returncode = -15


async def test_the_number_of_a_place_leaves_what_covers_it(tmp_path):
    run = make_run(tmp_path / "night", 3)
    async with Drive(tmp_path, "night", now=run.t) as d:
        await d.until("loss")
        for key in "gbe":
            await d.press(key)
            assert d.kind != "TrainingScreen"
            await d.press("2")
            assert d.kind == "TrainingScreen"
        await d.press("3", "g")
        assert d.kind == "GamesScreen"
        await d.press("3")
        assert d.kind == "RunsScreen"
        await d.press("g", "4")
        assert d.app.current_mode == "checkpoints"


async def test_keys_that_steer_say_why_they_do_nothing_once_a_run_has_ended(tmp_path):
    make_run(tmp_path / "done", 3, state="finished")
    async with Drive(tmp_path, "done") as d:
        await d.until("finished")
        for key in "pcsxe":
            await d.press(key)
            assert "done has finished; r asks how many iterations more" in d.text
            d.app.notices.clear()
        assert not list((tmp_path / "done" / "control").iterdir())


async def test_what_came_with_the_program_is_not_offered_to_be_resumed(tmp_path):
    run = make_run(tmp_path / "night", 6)
    async with Drive(tmp_path, now=run.t) as d:
        await d.press("4")
        await d.until("pretrained")
        screen = d.app.screen
        shipped = next(row for row in screen.rows() if row.shipped)
        own = next(row for row in screen.rows() if not row.shipped)
        screen.chosen_key = shipped.key
        screen.redraw()
        assert "r resume" not in d.text.splitlines()[-1]
        for key in "rR":
            await d.press(key)
            assert "weights alone and cannot be resumed; v evaluates," in d.text
            d.app.notices.clear()
        screen.chosen_key = own.key
        screen.redraw()
        assert "r resume" in d.text.splitlines()[-1]


async def test_evaluate_says_that_there_is_nothing_to_cancel(tmp_path):
    async with Drive(tmp_path) as d:
        await d.press("5")
        assert "x cancel" not in d.text.splitlines()[-1]
        await d.press("x")
        assert "no match is going on; g starts one" in d.text


@pytest.mark.parametrize(
    ("jobs", "said", "not_said"),
    [
        ({"night": "train"}, ["night is still", "this iteration", "its checkpoints stay"], []),
        ({"evaluate-17": "evaluate"}, ["Evaluate a trained model is still"], ["iteration"]),
        ({"bench-17": "bench"}, ["Benchmark is still", "it goes on"], ["stop:", "checkpoints"]),
        (
            {"night": "train", "bench-17": "bench"},
            ["night, Benchmark are still", "they go on", "trainings end after", "rest at once"],
            [],
        ),
    ],
)
async def test_leaving_speaks_of_what_is_running(tmp_path, jobs, said, not_said):
    async with Drive(tmp_path) as d:
        d.app.processes = {name: Job() for name in jobs}
        d.app.job_names = jobs
        d.app.job_paths = {name: RunPaths(tmp_path / name) for name in jobs}
        await d.press("q")
        question = d.app.screen
        assert isinstance(question, LeaveScreen)
        text = "\n".join("".join(part for part, _ in line) for line in question.lines(70))
        assert all(words in text for words in said), text
        assert not any(words in text for words in not_said), text
        await d.press("n")


async def test_marked_runs_are_compared_at_80_columns_however_many_there_are(tmp_path):
    for number in range(9):
        make_run(tmp_path / f"night-{number}", 1, batch_size=32 * number + 32)
    async with Drive(tmp_path, size=(80, 24)) as d:
        await d.press("3")
        await d.until("9 runs")
        await d.press("space", "space")
        text = await d.until("settings that differ")
        assert "batch_size" in text and "more" in text
        assert len(text.splitlines()) == 24


async def test_help_that_does_not_fit_says_that_it_goes_on(tmp_path):
    run = make_run(tmp_path / "night", 1)
    async with Drive(tmp_path, "night", size=(80, 24), now=run.t) as d:
        await d.until("loss")
        await d.press("question_mark")
        assert "more lines" in d.text.splitlines()[-2]
        await d.press(*["down"] * 50)
        assert "more lines" in d.text.splitlines()[1]
        assert "these keys" in d.text


DISK_FULL = (
    "checkpoints/night/checkpoint_iter_000030.pt: cannot be written (No space left on device); "
    "the run waits and tries again every few seconds, free some space or stop it"
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_an_alert_is_told_to_its_end(tmp_path, size):
    run = make_run(tmp_path / "night", 3)
    run.event("alert", level="error", text=DISK_FULL)
    run.event("alert", level="warning", text="a setting was refused")
    run.event("alert", level="warning", text="another was refused")
    async with Drive(tmp_path, "night", size=size, now=run.t) as d:
        await d.until("a seen")
        told = [line for line in d.text.splitlines()[2:6] if line[:3] in {" ! ", "   "}]
        words = " ".join(" ".join(told).replace("(and 1 more)   a seen", "").split())
        assert DISK_FULL in words
        assert len(d.text.splitlines()) == size[1]
        assert "(and 1 more)" in d.text
        await d.press("a")
        assert "No space left" not in d.text.splitlines()[2]


@pytest.mark.parametrize(("ascii_only", "sample"), [(False, "╍╍ policy"), (True, "+ policy")])
async def test_without_colour_the_title_shows_how_each_curve_is_drawn(tmp_path, ascii_only, sample):
    run = make_run(tmp_path / "night", 3)
    async with Drive(tmp_path, "night", now=run.t) as d:
        d.app.signs, d.app.patterns = choose_signs(ascii_only=ascii_only), True
        d.app.screen.redraw()
        await d.until(sample)
        d.app.signs, d.app.patterns = choose_signs(ascii_only=False), False
        d.app.screen.redraw()
        assert sample not in await d.until("total")


async def test_a_demo_that_is_run_again_has_the_settings_that_it_had(tmp_path, monkeypatch):
    started = []

    def start(_app, job, arguments, paths):
        paths.directory.mkdir(parents=True, exist_ok=True)
        started.append((job, list(arguments)))

    monkeypatch.setattr("azul_tui.tui.app.AzulApp.start_job", start)
    run = make_run(tmp_path / "night", 6)
    async with Drive(tmp_path, now=run.t) as d:
        await d.press("4")
        await d.until("night")
        d.app.screen.chosen_key = next(r.key for r in d.app.screen.rows() if not r.shipped)
        await d.press("x")
        await d.until("Export weights")
        assert "[4 Checkpoints]" in d.text
        await d.press("g")
        while len(started) < 2:
            await d.pilot.pause(0.01)
        await d.press("escape")
        assert d.kind == "CheckpointsScreen"
    first, second = ([w for w in words if w.startswith("--set")] for _, words in started)
    assert first == second != []


async def test_a_job_that_failed_is_called_by_what_it_does(tmp_path):
    for name in ("night", "evaluate-17"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.txt").write_text("azul-tui: there is no such checkpoint\n")
    async with Drive(tmp_path) as d:
        d.app.job_names = {"night": "train", "evaluate-17": "evaluate"}
        for name in d.app.job_names:
            d.app._say_why(name, RunPaths(tmp_path / name), 2)
        said = [notice.text for notice in d.app.notices]
    assert said == [
        "night failed: there is no such checkpoint",
        "Evaluate a trained model failed: there is no such checkpoint",
    ]


def test_numbers_are_typed_with_and_without_marks_and_paths_are_left_whole():
    number = SettingSpec(name="games", kind="int", default=10_000, help="", minimum=1)
    path = SettingSpec(name="checkpoint", kind="str", default="", help="")
    assert typed_value(number, 10_000) == "10000"
    assert parse_value(number, "1,000") == 1000
    assert typed_value(path, "runs/a, b/best_model.pt") == "runs/a, b/best_model.pt"
    assert parse_value(path, "runs/a, b/best_model.pt") == "runs/a, b/best_model.pt"
    assert SettingsForm.of((path,), {}).value("checkpoint") == ""


async def test_a_path_with_a_comma_is_still_one_after_it_was_looked_at(tmp_path):
    async with Drive(tmp_path) as d:
        await d.press("5")
        form = d.app.screen.form
        form.chosen = [spec.name for spec in form.specs].index("checkpoint")
        form.set("checkpoint", "a,b/best_model.pt")
        await d.press("enter")
        assert d.app.screen.value == "a,b/best_model.pt"
        await d.press("enter")
        assert form.value("checkpoint") == "a,b/best_model.pt"
        form.chosen = [spec.name for spec in form.specs].index("games")
        await d.press("enter", *"1,000", "enter")
        assert form.value("games") == 1000


def test_what_a_log_line_tells_stays_where_it_is_longer_than_the_panel():
    said = ["one", "  against greedy: 74.0% (64.5 to 81.7), 74 won, 0 drawn of 100 games"]
    lines = last_lines(said, 40, 3)
    assert lines[0] == "one"
    assert all(len(line) <= 40 for line in lines)
    assert " ".join(" ".join(lines[1:]).split()) == said[1].strip()
    assert last_lines(said, 40, 2)[-1].endswith("of 100 games")
    assert last_lines(said, 40, 0) == []
