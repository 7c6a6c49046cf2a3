"""TensorBoard and Weights & Biases as listeners of a run's event log.

Numbers become scalars `KIND/FIELD`, those of steps over optimizer steps, others over iterations.
"""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from os import environ
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from azul_tui.errors import ConfigError
from azul_tui.runs.events import number

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from azul_tui.runs.events import Record


def _scalars(record: Record) -> tuple[str, dict[str, float]]:
    kind = record["event"] + (f"/{record['opponent']}" if record["event"] == "evaluation" else "")
    found = {name: number(record, name) for name in record.keys() - {"t", "step", "iteration"}}
    numbers = {f"{kind}/{name}": value for name, value in found.items() if value is not None}
    return "step" if "step" in record else "iteration", numbers


def _tensorboard(folder: Path, records: Iterator[Record]) -> None:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(str(folder / "tensorboard"))
    for record in records:
        axis, numbers = _scalars(record)
        for name, value in numbers.items():
            writer.add_scalar(name, value, record[axis])
        if settings := record.get("config"):
            writer.add_text("settings", "\n".join(f"    {k} = {v}" for k, v in settings.items()))
    writer.close()


def _wandb(folder: Path, records: Iterator[Record]) -> None:
    wandb: Any = importlib.import_module("wandb")
    quiet = wandb.Settings(silent=True, console="off", mode=environ.get("WANDB_MODE", "offline"))
    run = wandb.init(project="azul-tui", name=folder.name, dir=folder, settings=quiet)
    run.define_metric("*", step_metric="iteration")
    run.define_metric("step/*", step_metric="step")
    for record in records:
        axis, numbers = _scalars(record)
        run.config.update(record.get("config", {}), allow_val_change=True)
        run.log({**numbers, axis: record[axis]})
    run.finish()


class Trackers:
    """Hands records on, to each tracker on a thread of its own, so that training never minds."""

    def __init__(self, names: Sequence[str], folder: Path, listener: Any) -> None:
        """Refuse, by a ConfigError, a package that is not installed."""
        for name in names:
            if importlib.util.find_spec(name) is None:
                raise ConfigError(f"{name} is not installed: pip install 'azul-tui[{name}]'")
        self._names, self._folder, self._listener = names, folder, listener
        self._threads: dict[Thread, SimpleQueue[Record | None]] = {}
        self._failures: SimpleQueue[str] = SimpleQueue()

    def __call__(self, record: Record) -> None:
        """Queue a record, and tell on this thread, which trains, what failed on others."""
        if self._listener is not None:
            self._listener(record)
        for thread, queue in self._threads.items() if "iteration" in record else ():
            if thread.is_alive():
                queue.put(record)
        while not self._failures.empty():
            self._alert(self._failures.get())

    @contextmanager
    def following(self, alert: Callable[[str], None]) -> Generator[None]:
        """Track while inside; `alert` is told what fails."""
        self._alert = alert
        for name in self._names:
            queue: SimpleQueue[Record | None] = SimpleQueue()
            thread = Thread(target=self._track, args=[name, iter(queue.get, None)], daemon=True)
            self._threads[thread] = queue
            thread.start()
        try:
            yield
        finally:
            for thread, queue in self._threads.items():
                queue.put(None)
                thread.join(60.0)  # seconds, for a network that has gone away

    def _track(self, name: str, records: Iterator[Record]) -> None:
        try:
            {"tensorboard": _tensorboard, "wandb": _wandb}[name](self._folder, records)
        except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
            self._failures.put(f"the tracker {name} failed and is left out ({error})")
