from __future__ import annotations

import pytest

from azul_tui.errors import JobError
from azul_tui.jobs.registry import GROUP_TITLES, find_job, job_settings, jobs

MENU = {
    0: "all",
    1: "losses",
    2: "sampling",
    3: "step",
    4: "checkpoints",
    5: "selfplay",
    6: "quick",
    7: "components",
    8: "train",
    9: "resume",
    10: "evaluate",
}


def test_the_menu_has_the_numbers_of_the_specification():
    assert {spec.number: spec.name for spec in jobs() if spec.number is not None} == MENU


def test_a_job_is_found_by_name_and_by_number():
    for number, name in MENU.items():
        assert find_job(str(number)) is find_job(name)
    assert find_job("doctor").module == "azul_tui.jobs.doctor"


@pytest.mark.parametrize(
    ("text", "told"), [("trian", "train"), ("11", "unknown job"), ("", "unknown job")]
)
def test_an_unknown_job_is_refused(text, told):
    with pytest.raises(JobError, match=told):
        find_job(text)


def test_names_are_unique_and_everything_is_told():
    names = [spec.name for spec in jobs()]
    assert len(set(names)) == len(names)
    for spec in jobs():
        assert spec.group in GROUP_TITLES
        assert spec.description.count(". ") == 1 and spec.description.endswith("."), spec.name
        assert spec.title and spec.duration


def test_every_setting_of_every_job_accepts_its_own_default():
    for spec in jobs():
        settings = job_settings(spec)
        assert len({setting.name for setting in settings}) == len(settings), spec.name
        for setting in settings:
            assert setting.check(setting.default) == setting.default
            assert setting.help.endswith(".")


def test_jobs_that_train_take_the_training_settings():
    trains = {spec.name for spec in jobs() if spec.trains}
    assert trains == {"quick", "train", "resume"}
    assert {spec.name for spec in jobs() if spec.makes_run} == {"quick", "train"}
    assert "learning_rate" in {setting.name for setting in job_settings(find_job("resume"))}
