"""The command as a person or a script starts it; a small stand-in where a job is needed."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import textwrap
import time
import tomllib

import pytest
from fake_run import make_run

from azul_tui.child_process import python_command
from azul_tui.cli import main
from azul_tui.config import TrainingConfig, create_training_config
from azul_tui.jobs import start
from azul_tui.jobs.registry import find_job
from azul_tui.runs.machine import own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import Status, write_status

COMMAND = [sys.executable, "-m", "azul_tui"]


@pytest.fixture(autouse=True)
def empty_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def job(monkeypatch):
    """Lets a test say what the job does that runs under a name of the registry."""

    if "torch" not in sys.modules:  # which a stand-in does not need
        monkeypatch.setitem(sys.modules, "torch", type(sys)("torch"))

    def stand_in(name, run):
        real = start.resolve_name

        def resolve(entry):
            return run if entry.endswith(find_job(name).entry) else real(entry)

        monkeypatch.setattr(start, "resolve_name", resolve)

    return stand_in


def azul(*arguments, **more):
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        **more,
    )


def test_help_lists_the_jobs_and_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "azul_tui", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "6  quick" in done.stdout
    imported = {line.rsplit("|")[-1].strip() for line in done.stderr.splitlines()}
    heavy = "torch numba numpy textual rich plotext psutil asyncio tomli_w".split(" ")
    assert not imported & set(heavy)


def test_help_answers_in_a_fifth_of_a_second():
    """Processor time, best of a few, so that a busy machine does not decide."""
    program = (
        "import resource, subprocess, sys; "
        "subprocess.run([sys.executable, '-m', 'azul_tui', '--help'], stdout=subprocess.DEVNULL); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    )
    times = [
        float(subprocess.check_output([sys.executable, "-c", program], text=True)) for _ in range(3)
    ]
    assert min(times) < 0.2


def test_importing_the_package_imports_neither_torch_nor_numba():
    program = """
    import sys, azul_tui
    azul_tui.create_training_config(batch_size=64)
    assert "TrainingConfig" in dir(azul_tui)
    try:
        azul_tui.absent
    except AttributeError as error:
        assert "absent" in str(error)
    print(sorted({"torch", "numba", "numpy"} & set(sys.modules)))
    """
    assert (
        subprocess.check_output([sys.executable, "-c", textwrap.dedent(program)], text=True)
        == "[]\n"
    )


def test_without_a_terminal_the_dashboard_is_one_line_and_exit_2():
    for arguments in ((), ("--attach",)):
        done = azul(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert "needs a terminal" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--run", "nope"], "azul-tui --help lists them"),
        (["--run", "trian"], "the nearest known one is train"),
        (["--run", "doctor", "--set", "x=1"], "there is none to set"),
        (["--run", "quick", "--set", "learing_rate=1"], "nearest known one is learning_rate"),
        (["--run", "quick", "--set", "batch_size=0"], "batch_size must be a whole number from 1"),
        (["--run", "quick", "--config", "absent.toml"], "absent.toml: there is no such file"),
        (["--run", "quick", "--config", "lapto"], "nearest preset is laptop"),
        (["--run", "quick", "--name", "../x"], "the run name"),
        (["--run", "quick", "--dir", "/proc/no"], "choose another place with --dir"),
        (["--run", "losses", "--name", "x"], "--name is the name of a run, and losses makes none"),
        (["--run", "resume"], "there are no runs in checkpoints"),
        (["--run", "resume", "--set", "run=absent"], 'there is no run "absent"'),
        (["--run", "resume", "--set", "checkpoint=no.pt"], "there is no such checkpoint file"),
        (["--run", "evaluate", "--set", "checkpoint=absent"], "no such run in checkpoints"),
        (["--run", "evaluate", "--set", "opponent=gredy"], "did you mean greedy?"),
        (["--run", "arena", "--set", "a=gredy@100"], "did you mean greedy?"),
        (["--run", "arena", "--set", 'players=["greedy"]'], "needs two players or more"),
        (["--run", "arena", "--set", "a=greedy"], "name the other with --set b=NAME"),
        (["--run", "resume", "--set", "run=pretrained"], "weights without a run"),
        (["--once", "pretrained"], "evaluate, play, arena and export take it"),
        (["--run", "quick", "--config", ""], "there is no file or preset"),
        (["--run", "evaluate", "--set", "checkpoint=pretraned"], "the nearest is pretrained"),
        (["--run", "arena", "--set", 'players=["greedy","gready"]'], "did you mean greedy?"),
        (["--run", "play", "--set", "opponent=pretraned"], "did you mean pretrained?"),
        (["--run", "export", "--set", "output=/no/x"], "cannot be written: there is no folder /no"),
        (["--run", "replay", "--set", "games=~nobody-here/x"], "there is no such home folder"),
        (["--once"], "there are no runs in checkpoints"),
        (["--name", "x"], "--name says how a job runs"),
        (["--print-config", "--set", "a=1"], "unknown setting"),
    ],
)
def test_what_the_user_can_fix_is_one_sentence_and_exit_2(capsys, tmp_path, arguments, told):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.startswith("azul-tui: ") and err.count("\n") == 1
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_a_checkpoint_may_be_named_from_the_folder_of_runs(job, tmp_path):
    job("evaluate", lambda context: {"file": context.text("checkpoint")})
    file = tmp_path / "checkpoints" / "night" / "checkpoint_iter_000001.pt"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PK")
    assert main(["--run", "evaluate", "--set", f"checkpoint=night/{file.name}"]) == 0


def test_arguments_that_make_no_command_exit_2(capsys):
    for arguments in (["--nonsense"], ["--run"], ["--run", "quick", "--list"], ["batch_size=16"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert "a setting is given as --set batch_size=16" in capsys.readouterr().err


def test_what_holds_no_checkpoint_is_refused(capsys, tmp_path):
    (tmp_path / "notes.pt").write_text("not weights")
    (tmp_path / "folder").mkdir()
    (tmp_path / "checkpoints" / "night").mkdir(parents=True)
    (tmp_path / "checkpoints" / "night" / "events.jsonl").touch()
    told = {"notes.pt": "is no checkpoint, or it is damaged", "folder": "(it has none)"}
    more = told | {"night": "(it has none)", "nigt": "the nearest is night"}
    for job, sentences in {"evaluate": more, "export": more, "resume": told}.items():
        for name, sentence in sentences.items():
            assert main(["--run", job, "--set", f"checkpoint={name}"]) == 2
            out, err = capsys.readouterr()
            assert sentence in err and err.count("\n") == 1 and out == ""


def test_play_takes_its_moves_from_a_pipe():
    command = [*COMMAND, "--run", "play", "--set", "opponent=greedy"]
    done = subprocess.run(
        command, input="moves\nquit\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "left the game after 0 moves" in done.stdout


def test_printed_settings_are_a_file_that_gives_them_back(capsys, tmp_path):
    assert main(["--print-config", "--config", "quick", "--set", "seed=9"]) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "mine.toml"
    file.write_text(printed)
    assert main(["--run", "train", "--print-config", "--config", "mine.toml"]) == 0
    assert capsys.readouterr().out == printed
    assert create_training_config(**tomllib.loads(printed)).seed == 9


def test_settings_of_other_jobs_and_as_json(capsys):
    assert main(["--run", "losses", "--print-config", "--set", "batch_size=3"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["batch_size"] == 3
    assert main(["--run", "quick", "--print-config", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record["settings"]) == set(TrainingConfig().to_dict())


def test_a_job_gets_its_settings_and_its_result_is_the_last_line(
    job, capsys, monkeypatch, tmp_path
):
    def run(context):
        context.reporter.say("for a person")
        context.reporter.record("loss", policy_loss=5.2)
        return {"batch": context.integer("batch_size"), "network": context.text("network_config")}

    job("losses", run)
    monkeypatch.setenv("AZUL_TUI_BATCH_SIZE", "5")
    assert main(["--run", "1", "--json"]) == 0
    out, err = capsys.readouterr()
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["event"] for record in records] == ["loss", "result"]
    assert records[-1] | {"t": 0} == {
        "event": "result", "t": 0, "job": "losses", "exit_code": 0, "ok": True,
        "batch": 5, "network": "small",
    }  # fmt: skip
    assert err == "for a person\n"
    assert main(["--run", "losses", "--watch"]) == 0, "which needs a terminal and a training"
    assert capsys.readouterr().out == "for a person\n"
    assert main(["--run", "losses", "--record", str(tmp_path / "job"), "--json"]) == 0
    paths = RunPaths(tmp_path / "job")
    assert paths.events.read_text() == capsys.readouterr().out
    assert json.loads(paths.status.read_text())["state"] == "finished"


def test_a_name_that_is_missing_is_refused_before_torch_is_loaded(tmp_path):
    """Loading it takes seconds, and a misspelt name needs none of them."""
    program = (
        "import sys; from azul_tui.cli import main; "
        "code = main(['--run', 'evaluate', '--set', 'opponent=gredy']); "
        "sys.exit(code if 'torch' not in sys.modules and 'numba' not in sys.modules else 9)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 2, done.stderr


def test_a_training_job_gets_a_directory_and_its_config_and_a_taken_name_is_refused(
    job, capsys, tmp_path
):
    seen = []

    def run(context):
        (context.directory / "events.jsonl").write_text("")
        seen.append(context)

    job("quick", run)
    assert main(["--run", "quick", "--config", "smoke", "--set", "seed=4"]) == 0
    assert seen[0].run_name.startswith("smoke-") and seen[0].config.seed == 4
    assert seen[0].directory.resolve() == tmp_path / "checkpoints" / seen[0].run_name
    assert main(["--run", "quick", "--name", "x"]) == 0
    assert main(["--run", "quick", "--name", "x"]) == 2
    assert "--run resume --set run=x" in capsys.readouterr().err


def test_resume_gets_the_changes_alone(job, tmp_path):
    seen = {}
    RunPaths(tmp_path / "checkpoints" / "x").create()
    job("resume", lambda context: seen.update(changes=context.changes, run=context.text("run")))
    assert main(["--run", "resume", "--set", "run=x", "--set", "max_iterations=9"]) == 0
    assert seen == {"changes": {"max_iterations": 9}, "run": "x"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("AzulError('fix it')", 2),
        ("JobFailedError('no luck')", 1),
        ("DivergedError('not finite')", 3),
        ("RuntimeError('a fault')", 1),
        ("MemoryError()", 1),
        ("OSError(28, 'No space left on device')", 1),
        ("ImportError('failed to map segment from shared object')", 1),
    ],
)
def test_how_a_job_fails_decides_the_exit_code(job, capsys, tmp_path, error, code):
    def run(context):
        from azul_tui import errors

        raise eval(error, {**vars(errors), "RuntimeError": RuntimeError})

    job("losses", lambda context: {"ok": False})
    assert main(["--run", "losses"]) == 1, "a job that says no has failed"
    job("quick", run)
    capsys.readouterr()
    assert main(["--run", "quick", "--json"]) == code
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert (result["ok"], result["exit_code"]) == (False, code)
    assert ("Traceback" in err) == (error == "RuntimeError('a fault')")
    assert not list((tmp_path / "checkpoints").iterdir()), "a run that wrote nothing leaves nothing"


def test_a_training_that_fails_in_the_background_leaves_its_reason(job, tmp_path):
    def run(context):
        from azul_tui.errors import ConfigError

        raise ConfigError("device is cuda but there is none")

    paths = RunPaths(tmp_path / "checkpoints" / "x")
    paths.create()
    paths.log.write_text("")
    job("quick", run)
    assert main(["--run", "quick", "--name", "x"]) == 2
    records = [json.loads(line) for line in paths.events.read_text().splitlines()]
    assert records[0]["text"] == "device is cuda but there is none"
    assert json.loads(paths.status.read_text())["state"] == "crashed"


SPEAKING = """
import sys
from azul_tui.cli import main
from azul_tui.jobs import start

def speak(context):
    context.reporter.say('to nobody')
    context.reporter.record('loss', policy_loss=5.2)
start.resolve_name = lambda entry: speak
sys.exit(main(['--run', 'losses', '--record', 'job']))
"""

STOPPABLE = """
import sys, time
from azul_tui.cli import main
from azul_tui.jobs import start

def wait_for_a_stop(context):
    context.reporter.say("ready")
    while not context.stop.is_set():
        time.sleep(0.01)
    (context.directory / "events.jsonl").write_text("")
    (context.directory / "saved").write_text("yes")
start.resolve_name = lambda entry: wait_for_a_stop
sys.exit(main(["--run", "quick", "--name", "x", *sys.argv[1:]]))
"""


@pytest.mark.parametrize(
    ("number", "code", "reads"),
    [(signal.SIGINT, 130, True), (signal.SIGTERM, 143, True), (signal.SIGTERM, 143, False)],
)
def test_a_first_signal_saves_and_leaves_whether_somebody_reads_or_not(
    tmp_path, number, code, reads
):
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPABLE, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr.readline().startswith(b"loading torch")
    assert process.stderr.readline() == b"ready\n"
    if not reads:
        process.stdout.close()
        process.stderr.close()
    process.send_signal(signal.SIGHUP)  # a hang-up must not end training
    process.send_signal(number)
    assert process.wait(timeout=60) == code
    assert (tmp_path / "checkpoints" / "x" / "saved").exists()
    if reads:
        result = json.loads(process.communicate()[0].splitlines()[-1])
        assert (result["exit_code"], result["ok"], result["stopped"]) == (code, False, True)


def test_the_list_of_runs(capsys, tmp_path):
    assert main(["--list"]) == 0
    assert "no runs in checkpoints yet" in capsys.readouterr().out
    mark = own_mark()
    for name, fields in {
        "done": {"state": "finished", "heartbeat": time.time() - 4000, "best_score": 0.615},
        "live": {"pid": mark.pid, "host": mark.host, "birth": mark.birth, "heartbeat": time.time()},
    }.items():
        paths = RunPaths(tmp_path / "checkpoints" / name)
        paths.create()
        status = Status(name=name, iteration=3, max_iterations=10, total_loss=2.0134, **fields)
        write_status(paths.status, status)
    (tmp_path / "checkpoints" / "\x1b[31mevil").mkdir()
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == "run state iteration loss policy value best size last sign".split()
    told = {line.split()[0]: line for line in lines[1:]}
    assert list(told) == ["evil", "live", "done"], "the newest sign of life first"
    assert told["live"].split()[1:4] == ["running", "3/10", "2.013"]
    assert "61.5%" in told["done"] and "1 h 06 min ago" in told["done"]
    assert "\x1b" not in "".join(lines)
    assert main(["--list", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["event"] for record in records] == ["run", "run", "run", "result"]
    assert records[1]["state"] == "running" and records[-1]["runs"] == 3


def test_the_picture_of_a_run_as_records_ends_with_a_result(capsys, tmp_path):
    run = make_run(tmp_path / "checkpoints" / "run", 3)
    assert main(["--once", "run", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["event"] for record in found] == ["run", "result"]
    assert (found[0]["iteration"], found[-1]["ok"]) == (run.iteration, True)
    assert all("t" in record for record in found)


def test_a_pipe_that_closes_early_gives_no_complaint():
    shell = f"{sys.executable} -m azul_tui --help | head -1"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: azul-tui")
    assert done.stderr == ""


def test_started_without_standard_streams_its_files_do_not_become_them(tmp_path):
    shell = f'{sys.executable} -c "$0" >&- 2>&- <&-'
    done = subprocess.run(["sh", "-c", shell, SPEAKING], check=False)
    assert done.returncode == 0
    events = (tmp_path / "job" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in events] == ["loss", "result"]


def test_a_job_that_asks_starts_only_when_agreed(job, monkeypatch, capsys):
    started = []
    job("train", lambda context: started.append(context.run_name))
    monkeypatch.setattr("azul_tui.cli._has_terminal", lambda: True)
    for answer, expected in (("n\n", 0), ("\n", 0), ("y\n", 1)):
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        assert main(["--run", "train"]) == 0
        assert len(started) == expected
        assert "Full training: takes hours" in capsys.readouterr().err
    assert main(["--run", "train", "--yes"]) == 0
    assert len(started) == 2


def test_columns_of_the_list_stand_under_each_other_in_any_alphabet():
    from azul_tui.cli import _HEADINGS, _table

    rows = [_HEADINGS, ("日本", *"abcdefgh"), ("e\u0301", *"abcdefgh")]
    first, second, third = _table(rows).splitlines()
    assert second.index("a") == first.index("state") - 2, "two letters that take two columns each"
    assert third.index("a") == first.index("state") + 1, "a mark takes none"


@pytest.mark.parametrize("name", ["quick", "resume"])
def test_watching_starts_the_job_in_the_background_and_opens_the_dashboard_on_it(
    monkeypatch, tmp_path, name
):
    """In a terminal, `--watch` is one job process and one dashboard; neither is real here."""
    launched, shown, process = [], [], object()
    monkeypatch.setattr("azul_tui.cli._has_terminal", lambda: True)
    monkeypatch.setattr(
        "azul_tui.jobs.start.launch",
        lambda command, paths: launched.append((command, paths)) or process,
    )
    app = type(sys)("azul_tui.tui.app")
    app.run_app = lambda root, attach, refresh, training: shown.append((attach.name, training)) or 0
    monkeypatch.setitem(sys.modules, "azul_tui.tui.app", app)
    if name == "resume":
        paths = RunPaths(tmp_path / "checkpoints" / "old")
        paths.create()
        write_status(paths.status, Status(name="old", state="stopped", heartbeat=1.0, iteration=3))
    assert main(["--run", name, "--watch", "--set", "seed=3"]) == 0
    ((command, paths),) = launched
    assert shown == [(paths.name, process)], "whoever shows it learns how it ends"
    assert command[:6] == [*python_command("azul_tui"), "--run", name]
    assert "--set=seed=3" in command and "--yes" in command
    assert f"--name={paths.name}" in command
    assert ('--set=run="old"' in command) == (name == "resume")
    assert paths.name.startswith("quick-" if name == "quick" else "old")
