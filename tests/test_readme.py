"""The README's Python examples, started in every way in which people start Python.

Each runs in a fresh process in a folder of its own. Only numbers are made smaller, by replacing
text; what an example leaves to the defaults is set beside such a number. Nothing is patched, and
self-play has its default workers. Whoever starts it leaves no process behind.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import nbformat
import pexpect
import psutil
import pytest
from nbclient import NotebookClient

from azul_tui import config as config_room
from azul_tui.jobs import registry

ROOT = Path(__file__).parents[1]
MARK = "README_EXAMPLE"
"""A variable of the environment by which every process of an example is found again."""
SMALLER = {
    "training_steps_per_iteration=1000": (
        "training_steps_per_iteration=4, max_iterations=1, self_play_games_per_iteration=8, "
        "mcts_simulations=2, min_buffer_size=64, eval_frequency=1, eval_games=2, "
        "eval_simulations=1, gate_games=2"
    ),
    "save_frequency=10": "save_frequency=1",
    "range(1, 11)": "range(10, 11)",
    "self_play_games(model, 64,": "self_play_games(model, 4,",
    "train_for_steps(1000)": "train_for_steps(2)",
}
ENDLESS = {**SMALLER, "training_steps_per_iteration=1000": SMALLER[
    "training_steps_per_iteration=1000"
].replace("max_iterations=1,", "max_iterations=1000000,")}  # fmt: skip

pytestmark = pytest.mark.timeout(300)  # processes have to start, on a busy machine


def examples(replaced=SMALLER) -> list[str]:
    """Every block of Python in the README, in order, with smaller numbers."""
    found = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for text, smaller in replaced.items():
        assert sum(text in example for example in found) == 1, f"{text} is not in the README"
        found = [example.replace(text, smaller) for example in found]
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that is the current one; at the end no process that was started is left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(MARK, uuid.uuid4().hex)
    yield tmp_path
    deadline = time.monotonic() + 10
    while (left := marked()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in left:
        process.kill()
    assert left == []


def marked() -> list[psutil.Process]:
    """Processes that inherited this test's mark."""
    found = []
    for process in psutil.process_iter():
        try:
            inherited = process.environ().get(MARK) == os.environ[MARK]
            if inherited and process.pid != os.getpid():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def workers() -> list[psutil.Process]:
    """The self-play workers among them."""
    return [process for process in marked() if "azul_tui.training.workers" in process.cmdline()]


def start(way, code):
    """Start `code` as a program: from a file, as a module, through a pipe, as an argument."""
    Path("train.py").write_text(code)
    arguments = {"file": ["train.py"], "module": ["-m", "train"], "argument": ["-c", code]}.get(
        way, []
    )
    with Path("train.py").open() as source, Path("output").open("w") as output:
        return subprocess.Popen(
            [sys.executable, *arguments],
            stdin=source if way == "pipe" else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@pytest.mark.parametrize("way", ["file", "pipe"])
def test_the_quick_start_trains_without_a_guard(way, folder):
    program = start(way, examples()[0])
    assert program.wait() == 0, Path("output").read_text()
    assert re.fullmatch(r"\d\.\d+ 1\n", Path("output").read_text())
    assert (folder / "checkpoints/my_run/checkpoint_iter_000001.pt").is_file()


def test_the_loop_of_ones_own_trains_and_saves_and_the_game_is_played_to_its_end(folder):
    program = start("pipe", "".join(examples()[1:]))
    assert program.wait() == 0, Path("output").read_text()
    said = Path("output").read_text()
    assert re.match(r"10 \d\.\d+ 2\n", said)
    assert re.search(r"\n\(\d+, \d+\) \([01](, 1|,)\)\n", said)
    assert (folder / "checkpoints/components/checkpoint_iter_000010.pt").is_file()


def test_all_examples_run_in_one_notebook(folder):
    cells = [nbformat.v4.new_code_cell(example) for example in examples()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=250).execute()
    said = ["".join(part.get("text", "") for part in cell.outputs) for cell in notebook.cells]
    assert re.fullmatch(r"\d\.\d+ 1\n", said[0])
    assert re.match(r"10 \d\.\d+ 2\n", said[1])
    assert (folder / "checkpoints/my_run/checkpoint_iter_000001.pt").is_file()


def test_the_quick_start_trains_as_it_is_typed_and_an_interrupt_gives_the_prompt_back(folder):
    child = pexpect.spawn(sys.executable, ["-i"], encoding="utf-8", timeout=250, echo=False)
    child.expect(">>> ")
    child.send(examples()[0])
    child.expect(r"\d\.\d+ 1\r\n")
    typed = examples(ENDLESS)[0].replace("my_run", "endless")
    child.send(typed)
    wait_for_checkpoint(folder / "checkpoints/endless")
    child.sendintr()
    child.expect("KeyboardInterrupt")
    child.expect(">>> ")
    child.sendline("6 * 7")
    child.expect("42")
    assert workers() == []
    child.sendline("exit()")
    child.expect(pexpect.EOF)
    child.close()


def wait_for_checkpoint(run):
    """Until it has trained: the workers are at work then."""
    deadline = time.monotonic() + 200
    while not list(run.glob("checkpoint_iter_*.pt")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_interrupt_ends_a_script_with_its_workers(folder):
    """As a terminal sends it: to every process of the group."""
    program = start("file", examples(ENDLESS)[0])
    wait_for_checkpoint(folder / "checkpoints/my_run")
    os.killpg(program.pid, signal.SIGINT)
    assert program.wait(timeout=30) == -signal.SIGINT
    said = Path("output").read_text()
    assert said.count("Traceback") == 1, said
    assert said.endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize("moment", ["starting", "playing"])
def test_a_script_that_is_killed_takes_its_workers_along(moment, folder):
    program = start("file", examples(ENDLESS)[0])
    deadline = time.monotonic() + 200
    while not workers() and time.monotonic() < deadline:
        time.sleep(0.02)
    if moment == "playing":
        wait_for_checkpoint(folder / "checkpoints/my_run")
    assert workers()
    program.kill()
    program.wait()


THREAD = """
import threading
def train():
{code}
thread = threading.Thread(target=train)
thread.start()
thread.join()
"""
FAILING = """
def listener(record):
    if record["event"] == "iteration":
        raise ValueError("the script's own fault")
{code}
"""
SHADOWED = ("queue", "random", "json", "decimal", "numpy", "torch", "numba", "textual")


def test_a_module_may_train_in_a_thread(folder):
    lines = "".join(f"    {line}\n" for line in examples()[0].splitlines())
    program = start("module", THREAD.format(code=lines))
    assert program.wait() == 0, Path("output").read_text()
    assert re.fullmatch(r"\d\.\d+ 1\n", Path("output").read_text())


def test_a_command_that_ends_by_an_exception_leaves_no_worker(folder):
    code = examples(ENDLESS)[0].replace('my_run")', 'my_run", listener=listener)')
    program = start("argument", FAILING.format(code=code))
    assert program.wait() == 1
    assert Path("output").read_text().endswith("ValueError: the script's own fault\n")


def test_a_job_imports_nothing_from_the_folder_it_is_started_in(folder, monkeypatch):
    """Also where PYTHONPATH has an empty entry, as `PYTHONPATH=$PYTHONPATH:...` makes one."""
    for name in SHADOWED:
        Path(f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')")
    monkeypatch.setenv("PYTHONPATH", f":{folder}")
    command = [
        sys.executable, "-m", "azul_tui", "--run", "quick", "--name", "x",
        "--set", "max_iterations=1", "--set", "self_play_games_per_iteration=8",
        "--set", "eval_frequency=0", "--set", "min_buffer_size=64", "--set", "batch_size=64",
        "--set", "training_steps_per_iteration=2", "--set", "mcts_simulations=2",
        "--set", "self_play_workers=2",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the wrong" not in done.stdout + done.stderr


def test_the_table_of_settings_is_the_one_that_the_program_knows():
    assert config_room.settings_table().strip() in (ROOT / "docs" / "settings.md").read_text()


def test_every_job_is_in_the_table_of_jobs():
    text = (ROOT / "README.md").read_text()
    missing = [spec.name for spec in registry.jobs() if f"`{spec.name}`" not in text]
    assert not missing
