"""What the machine is doing, with drivers that are not there and those that know little."""

from __future__ import annotations

import re
from functools import partial
from types import SimpleNamespace

import pytest
from dashboard import dashboard
from fake_run import make_run

from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import RunRecorder, read_status
from azul_tui.views.progress import Meter


class NVMLError(Exception):
    pass


class Device:
    """An NVIDIA driver, as far as it is asked; `interface` is what a reader sees of it."""

    def __init__(self, *, divided=False):
        self.divided, self.gone = divided, False
        self.interface = SimpleNamespace(
            NVMLError=NVMLError,
            nvmlDeviceGetCount=self.count,
            nvmlDeviceGetHandleByIndex=lambda index: index,
            nvmlDeviceGetName=lambda _: "NVIDIA H200",
            nvmlDeviceGetUUID=lambda index: f"GPU-0123-{index}",
            nvmlDeviceGetMemoryInfo=lambda _: SimpleNamespace(used=21 * 10**9, total=141 * 10**9),
            nvmlDeviceGetUtilizationRates=lambda _: self.only_whole(SimpleNamespace(gpu=64)),
            nvmlDeviceGetPowerUsage=lambda _: self.only_whole(350_000),
        )

    def count(self):
        if self.gone:
            raise NVMLError
        return 1

    def only_whole(self, value):
        if self.divided:
            raise NVMLError
        return value


def meter(device):
    found = Meter()
    found.gpus._load = lambda: device and device.interface
    return found


def text_of(facts):
    return "   ".join("".join(text for text, _ in fact) for fact in facts)


@pytest.mark.parametrize(
    ("divided", "words"), [(False, "gpu H200 64%  21 GB  350 W"), (True, "gpu H200 21 GB")]
)
async def test_the_training_screen_shows_the_gpu(tmp_path, divided, words):
    run = make_run(tmp_path / "run", 3)
    async with dashboard(tmp_path, attach="run", now=run.t) as shown:
        await shown.when(lambda: shown.app.run_now() is not None, "the run is read")
        shown.app.usage = meter(Device(divided=divided)).read()

        def is_shown():
            shown.screen.show()
            return words in shown.text

        await shown.when(is_shown, words)
        assert "memory" in shown.text


def test_a_run_s_status_tells_the_gpu_that_it_trains_on(tmp_path):
    gpus = meter(Device()).gpus
    with RunRecorder(RunPaths(tmp_path / "run"), job="train") as recorder:
        recorder.observe(partial(gpus.status, "0123-0"))
        recorder.status(force=True)
        status = read_status(recorder.paths.status)
    assert (status.gpu_name, status.gpu_percent, status.gpu_watts) == ("NVIDIA H200", 64, 350)
    assert (status.gpu_memory_used, status.gpu_memory_total) == (21e9, 141e9)
    assert meter(None).gpus.status("0123-0") == {}
    assert "gpu H200 64%  21 GB  350 W" in text_of(meter(None).read(status))


def test_a_driver_that_goes_away_is_not_asked_again():
    device = Device()
    found = meter(device)
    assert "gpu" in text_of(found.read())
    device.gone = True
    assert "gpu" not in text_of(found.read())
    device.gone = False
    assert "gpu" not in text_of(found.read())


def test_processor_and_memory_are_known_without_any_gpu():
    found = meter(None)
    assert "cpu" not in text_of(found.read()), "a share needs two readings"
    told = re.fullmatch(r"cpu (\d+)%   memory ([\d.]+) of (\d+) GB", text_of(found.read()))
    assert 0 <= int(told[1]) <= 100
    assert 0 < float(told[2]) < float(told[3])
