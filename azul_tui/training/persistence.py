"""Writing that outlasts a full disk: wait, say so, try again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from azul_tui.runs.recorder import RunRecorder
    from azul_tui.training.steering import Steering

T = TypeVar("T")

RETRY_EVERY_S: Final = 5.0
_SLICE_S: Final = 0.1


def persistently(
    write: Callable[[], T],
    recorder: RunRecorder,
    steering: Steering,
    sleep: Callable[[float], None] = time.sleep,
    retry_every_s: float = RETRY_EVERY_S,
) -> T | None:
    """The result of `write`, tried again while the disk is full or refuses.

    Meanwhile the run counts as paused, with an alert that says why; None when somebody asks to
    leave before there is room.
    """
    told = False
    while True:
        try:
            result = write()
        except OSError as error:
            if not told:
                told = True
                where = plain_text(str(error.filename or recorder.paths.directory))
                with suppress(OSError):
                    recorder.status(state="paused", force=True)
                with suppress(OSError):
                    recorder.record(
                        "alert",
                        level="error",
                        text=f"{where}: cannot be written ({error.strerror}); "
                        "the run waits and tries again until there is room",
                    )
        else:
            if told:
                with suppress(OSError):
                    recorder.record("alert", level="warning", text="writing works again")
                    recorder.status(state="running", force=True)
            return result
        waited = 0.0
        while waited < retry_every_s:
            sleep(_SLICE_S)
            waited += _SLICE_S
            with suppress(OSError):
                steering.poll()
                recorder.status()
            if steering.leaving:
                return None
