"""Files of other versions in the jobs that read them: settings renamed, removed, added."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from engine_talk import Talk
from test_training_hostile import rewrite
from tiny_training import alerts, overrides, records, tiny

from azul_tui.cli import main
from azul_tui.config import PLAYED_WITH, TrainingConfig, setting_names, stored_config
from azul_tui.errors import ConfigError
from azul_tui.runs.listing import read_ratings, summarize
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status
from azul_tui.training.checkpoint_players import open_player, read_saved_network
from azul_tui.views.checkpoint_list import CheckpointIndex
from azul_tui.views.engine import Engine
from azul_tui.views.play_settings import (
    KeptGame,
    PlaySettings,
    kept_path,
    read_kept,
    write_kept,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of runs with one run of two iterations in it; tests copy it."""
    root = tmp_path_factory.mktemp("runs")
    settings = overrides(max_iterations=2)
    assert main(["--run", "train", "--dir", str(root), "--name", "run", "--yes", *settings]) == 0
    return root


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "runs")


@pytest.fixture
def command(root, capfd, monkeypatch):
    """Runs a command line; its exit code, standard output and standard error."""
    monkeypatch.chdir(root)

    def run(*arguments):
        capfd.readouterr()
        code = main([*arguments, "--dir", str(root)])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


def change(root, edit, files=("checkpoint_iter_000002.pt", "best_model.pt")):
    """Edit the settings that training needs, and those that play needs, of a run's checkpoints."""

    def of(content):
        edit(content, content["extra"]["config"], content["extra"]["playing"])

    for name in files:
        rewrite(root / "run" / name, of)


def newer(content, config, playing):
    """As a version might have written it that has more and other settings than this one."""
    content["compression"] = {"kind": "none"}
    content["network"]["activation"] = "relu"
    playing["search_depth"] = 7
    config["curriculum"] = ["easy", "hard"]
    config["self_play_helpers"] = config.pop("self_play_workers")
    del config["gradient_clip_norm"]
    config["gate"] = "pentanomial"
    config["batch_size"] = 1 << 40
    config["eval_games"] = "many"
    config["warmup_steps"] = None
    config["eval_opponents"] = ["random", 7]


STRANGERS = ("compression", "activation", "search_depth", "curriculum", "self_play_helpers")
REPLACED = ("gate", "batch_size", "eval_games", "warmup_steps", "eval_opponents")
EVALUATE = ("--run", "evaluate", "--set", "games=2", "--set", "simulations=2")


def test_a_checkpoint_of_another_version_plays_and_what_is_odd_is_told_once(root, command):
    change(root, newer)
    for arguments in (
        (*EVALUATE, "--set", "checkpoint=run", "--set", "opponent=random"),
        ("--run", "export", "--set", "checkpoint=run"),
        ("--run", "arena", "--set", "games=2", "--set", "players=run,random"),
    ):
        code, out, err = command(*arguments)
        assert (code, "Traceback" in err) == (0, False), err
        for name in STRANGERS:
            assert out.count(name) == 1, out
        assert out.count("this version does not know") == 1
        for name in REPLACED:
            assert out.count(f"{name} must be ") == 1, out
        assert "UserWarning" not in err


def test_the_engine_warns_where_the_dashboard_hears_it(root, capfd):
    change(root, newer)
    talk = Talk(root)
    assert talk.last("load player=run")["event"] == "ready"
    assert talk.last("choose player=run simulations=2")["event"] == "choice"
    err = capfd.readouterr().err
    assert "warning: " in err
    assert err.count("curriculum") == 1


async def test_the_dashboard_is_told_what_its_engine_warns_of(root):
    change(root, newer)
    warned = []
    engine = Engine(root, warned.append)
    try:
        assert (await engine.ask("load player=run"))["event"] == "ready"
    finally:
        await engine.close()
    assert [text for text in warned if "curriculum" in text] == warned[:1]
    assert not any(text.startswith("warning") for text in warned)


def test_a_run_of_another_version_goes_on_and_its_log_says_what_is_odd(root, command):
    change(root, newer)
    code, out, err = command("--run", "resume", "--set", "run=run", "--set", "max_iterations=3")
    assert code == 0, err
    told = " ".join(alerts(root / "run"))
    for name in (*STRANGERS, *REPLACED):
        assert told.count(name) == 1, told
    assert "may not end exactly" in told
    assert "curriculum" in out
    config = records(root / "run", "run_started")[-1]["config"]
    assert config["gate"] == TrainingConfig().gate
    assert config["batch_size"] == TrainingConfig().batch_size
    assert config["mcts_simulations"] == tiny().mcts_simulations, "what is understood stays"


def test_an_opponent_that_this_version_does_not_know_is_left_out(root, command):
    def edit(_content, config, _playing):
        config["eval_opponents"] = ["random", "grandmaster"]

    def left(content):
        content["extra"]["progress"]["opponents_left"] = ["grandmaster", "random"]

    change(root, edit)
    rewrite(root / "run" / "checkpoint_iter_000002.pt", left)
    code, _, err = command("--run", "resume", "--set", "run=run", "--set", "max_iterations=4")
    assert code == 0, err
    assert any("grandmaster" in text for text in alerts(root / "run"))
    assert {record["opponent"] for record in records(root / "run", "evaluation")} >= {"random"}


@pytest.mark.parametrize(
    ("name", "value", "would_do"),
    [
        ("search", "beam", '"gumbel", "puct"'),
        ("chance", 3, '"afterstate", "sampled"'),
        ("c_puct", "high", "a number from 0 to 100"),
        ("max_considered_actions", 1 << 20, "a whole number from 1 to 300"),
        ("eval_c_scale", None, "a number from 0 to 1,000"),
        ("inference_precision", "int4", '"float32"'),
    ],
)
def test_what_play_needs_and_is_not_understood_is_one_sentence(
    root, command, name, value, would_do
):
    def edit(_content, config, playing):
        config[name] = playing[name] = value

    change(root, edit)
    for arguments in (
        (*EVALUATE, "--set", "checkpoint=run", "--set", "opponent=random"),
        ("--run", "resume", "--set", "run=run", "--set", "max_iterations=3"),
    ):
        code, out, err = command(*arguments)
        assert code == 2
        last = err.strip().splitlines()[-1]
        assert last.startswith("azul-tui: ") and ".pt" in last
        assert f"{name} must be " in last and would_do in last
        assert "Traceback" not in err + out
    assert command("--run", "export", "--set", "checkpoint=run")[0] == 0, "weights are weights"


def test_training_settings_keep_no_network_from_playing(root):
    """Play reads its own table: whatever stands in training's, even no table at all."""

    def edit(content, config, playing):
        for name in PLAYED_WITH:
            config[name] = "of another kind"
        config["num_players"] = 9
        config["network_config"] = "gigantic"
        playing["c_puct"] = 3.0

    change(root, edit)
    saved = read_saved_network(root / "run" / "best_model.pt")
    assert saved.search.c_puct == 3.0
    change(root, lambda content, _config, _playing: content["extra"].update(config=None))
    assert read_saved_network(root / "run" / "best_model.pt").search.c_puct == 3.0


def test_a_checkpoint_of_before_play_had_its_own_table_plays_as_its_run_did(root):
    def edit(content, config, _playing):
        del content["extra"]["playing"]
        config["c_puct"] = 2.5

    change(root, edit)
    saved = read_saved_network(root / "run" / "best_model.pt")
    assert saved.search.c_puct == 2.5
    assert saved.notes == ()


@pytest.mark.parametrize("name", ["num_players", "network_config"])
def test_what_the_weights_depend_on_is_refused_by_a_resume_alone(root, command, name):
    change(root, lambda _content, config, _playing: config.update({name: "unheard of"}))
    code, _, err = command("--run", "resume", "--set", "run=run", "--set", "max_iterations=3")
    assert code == 2
    assert f"{name} must be " in err.strip().splitlines()[-1]
    assert open_player("run", 1, root).name == "run/best_model"


@pytest.mark.parametrize("job", ["evaluate", "export", "resume"])
def test_a_newer_format_is_one_sentence(root, command, job):
    change(root, lambda content, _c, _p: content.update(format="azul-tui checkpoint 2"))
    assert (root / "run" / "checkpoint_iter_000001.pt").is_file(), "which does not take its place"
    what = "run=run" if job == "resume" else "checkpoint=run"
    code, out, err = command("--run", job, "--set", what)
    assert code == 2
    assert "newer version" in err and "'azul-tui checkpoint 1'" in err
    assert "Traceback" not in err + out


def test_an_older_checkpoint_that_is_named_is_gone_on_from(root, command):
    change(root, lambda content, _c, _p: content.update(format="azul-tui checkpoint 7"))
    older = root / "run" / "checkpoint_iter_000001.pt"
    resume = ("--run", "resume", "--set", f'checkpoint="{older}"', "--name", "other")
    code, _, err = command(*resume, "--set", "max_iterations=2")
    assert code == 0, err
    assert (root / "run" / "checkpoint_iter_000002.pt").is_file()


def test_a_run_without_a_checkpoint_begins_again_with_a_config_of_another_version(root, command):
    paths = RunPaths(root / "run")
    for file in (*paths.directory.glob("*.pt"), paths.directory / "checkpoints.json"):
        file.unlink(missing_ok=True)
    text = paths.config.read_text().replace('gate = "off"', 'gate = "pentanomial"')
    paths.config.write_text(text + 'curriculum = ["a"]\n')
    code, out, err = command("--run", "resume", "--set", "run=run", "--set", "max_iterations=1")
    assert code == 0, err
    assert out.count("curriculum") == 1 and "gate must be " in out


def test_what_a_person_writes_is_still_checked_word_for_word(root, command, monkeypatch):
    file = root / "mine.toml"
    file.write_text("batch_sise = 64\n")
    train = ("--run", "train", "--name", "new", "--yes")
    code, _, err = command(*train, "--config", str(file))
    assert code == 2 and "batch_size" in err
    code, _, err = command(*train, "--set", "batch_sise=64")
    assert code == 2 and "batch_size" in err
    monkeypatch.setenv("AZUL_TUI_BATCH_SISE", "64")
    code, _, err = command(*train)
    assert code == 2 and "AZUL_TUI_BATCH_SIZE" in err


def test_lists_read_what_other_versions_say_of_runs(root, command):
    paths = RunPaths(root / "run")
    status = json.loads(paths.status.read_text())
    paths.status.write_text(json.dumps({**status, "mood": "good", "gpu": {"memory": 3}}))
    manifest = paths.directory / "checkpoints.json"
    listed = json.loads(manifest.read_text())
    listed["signed"] = "x"
    for entry in listed["files"]:
        entry["quality"] = [1, 2]
    manifest.write_text(json.dumps({**listed, "format": "azul-tui checkpoints 2"}))
    with paths.events.open("ab") as log:
        log.write(b'{"event":"telepathy","t":1e9,"thoughts":[1]}\n')
    ratings = paths.directory / "ratings.json"
    rated = json.loads(ratings.read_text())
    for row in rated["ratings"]:
        row["glicko"] = 3
    ratings.write_text(json.dumps({**rated, "scale": "log"}))
    code, out, err = command("--list")
    assert code == 0 and "run" in out and not err
    code, out, err = command("--once", "run")
    assert code == 0 and not err
    assert read_status(paths.status).state == "finished"
    assert read_ratings(paths)
    assert summarize(paths, 2e9).checkpoints == 2
    index = CheckpointIndex(root)
    while not index.refresh():
        pass
    assert [row.best for row in index.rows if row.run == "run"].count(True) == 1


def test_recorded_games_with_more_fields_are_replayed(root, command):
    file = next((root / "run" / "games").glob("iter_*.jsonl"))
    games = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps({**game, "clocks": [1]}) + "\n" for game in games))
    code, out, _ = command("--run", "replay", "--set", f'games="{file}"')
    assert code == 0
    assert out.count("clocks") == 1


def test_a_kept_game_of_another_version_goes_on(tmp_path):
    path = kept_path(tmp_path)
    write_kept(path, KeptGame(PlaySettings(seed=7), (("R 2>3", ()),)))
    told = json.loads(path.read_text())
    told["settings"]["handicap"] = 3
    del told["settings"]["partner"]
    path.write_text(json.dumps({**told, "chat": ["hello"]}))
    kept = read_kept(path)
    assert kept.moves == (("R 2>3", ()),)
    assert kept.settings.partner == PlaySettings().partner
    assert "handicap" in kept.note and "chat" in kept.note


@pytest.mark.parametrize(
    "wrong", [None, "x", [], {}, -1, 1e300, True, 10**400, torch.arange(9.0).reshape(3, 3)]
)
def test_no_stored_value_of_a_training_setting_is_worse_than_a_note(wrong):
    values = dict.fromkeys(setting_names(), wrong)
    config, notes = stored_config(values, place="config.toml")
    assert isinstance(config, TrainingConfig)
    assert notes
    assert all(note.startswith("config.toml: ") and "\n" not in note for note in notes)
    with pytest.raises(ConfigError, match=r"config.toml: "):
        stored_config({"c_puct": []}, place="config.toml", needed=PLAYED_WITH)


def test_missing_settings_go_with_those_that_are_there():
    assert stored_config({}, place="x") == (TrainingConfig(), ())
    config, notes = stored_config({"buffer_capacity": 10}, place="x")
    assert (config.min_buffer_size, config.buffer_capacity, notes) == (10, 10, ())
    config, notes = stored_config({"min_buffer_size": 10**6}, place="x")
    assert (config.min_buffer_size, config.buffer_capacity) == (10**6, 10**6)
    odd = {"min_buffer_size": 20, "buffer_capacity": 10, "batch_size": 3}
    config, (note,) = stored_config(odd, place="x")
    assert (config.min_buffer_size, config.batch_size) == (2048, 3)
    assert "min_buffer_size" in note


def test_names_from_a_file_are_harmless_and_few_enough_to_read():
    strange = {f"\x1b[2J{number}": number for number in range(1000)}
    _, (note,) = stored_config(strange, place="x")
    assert note.isprintable() and len(note) < 400


def test_torch_reads_the_tables_of_play_with_weights_only(root):
    content = torch.load(root / "run" / "best_model.pt", weights_only=True)
    assert set(content["extra"]["playing"]) == set(PLAYED_WITH)
