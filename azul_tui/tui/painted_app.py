"""What an app of pictures is to the terminal: colours, signs, painting, notices, input.

Nothing here knows of runs or of places.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import App, SuspendNotSupported
from textual.binding import Binding
from textual.theme import Theme

from azul_tui.tui.job_control import shell_waits, stand_still, wait_for_foreground
from azul_tui.tui.notices import READ_S, Notice
from azul_tui.tui.painted_screen import PaintedScreen
from azul_tui.tui.painter import Painter
from azul_tui.tui.palette import BACKGROUND, FOREGROUND, depth_of
from azul_tui.tui.signs import choose_signs, locale_has_unicode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from textual.driver import Driver
    from textual.notifications import SeverityLevel

    from azul_tui.tui.palette import Depth
    from azul_tui.tui.signs import Signs

SETTLED_S = 2.0
"""Seconds after which everything that stays has been made."""

AZUL_THEME = Theme(
    name="azul",
    primary="#8fb8e8",
    secondary="#5eb0ff",
    accent="#f0b83d",
    warning="#f0b83d",
    error="#ff7b72",
    success="#62c98f",
    foreground=FOREGROUND,
    background=BACKGROUND,
    surface="#18202a",
    panel="#1f2935",
    dark=True,
)


def _spare_the_collector() -> None:
    """What the program and the library are made of stays: the collector need not walk it again.

    A full collection took 40 ms, in the middle of a key press as soon as anywhere else.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class PaintedApp(App[int]):
    """An app whose screens are pictures.

    Args:
        ascii_only: Draw with ASCII; None asks the locale.
    """

    CSS = "Screen { overflow: hidden; }"
    BINDINGS: ClassVar = [
        Binding("ctrl+l", "paint_anew", "Paint the screen anew", show=False),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, priority=True),
    ]

    def __init__(self, *, ascii_only: bool | None = None) -> None:
        no_color = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if no_color else None)
        if ascii_only is None:
            ascii_only = bool(os.environ.get("AZUL_TUI_ASCII")) or not locale_has_unicode()
        self.signs: Signs = choose_signs(ascii_only=ascii_only)
        self.depth: Depth = depth_of(self.console.color_system, no_color=no_color)
        self.patterns = self.depth == "none"
        """Whether curves must be told apart without colour."""
        self.register_theme(AZUL_THEME)
        self.theme = "azul" if self.depth == "full" else "ansi-dark"
        self.painter = Painter(self)
        self.notices: list[Notice] = []
        """Short messages that are shown now, the oldest first."""
        self._said_at: dict[Notice, float] = {}
        """Monotonic seconds at which each of them came up."""

    def get_driver_class(self) -> type[Driver]:
        """The library's driver; on a Unix terminal with an input thread that heeds escape."""
        found = super().get_driver_class()
        if found.__name__ != "LinuxDriver":
            return found
        from azul_tui.tui.driver import PromptDriver

        return PromptDriver

    def on_mount(self) -> None:
        """Be ready for what happens to the terminal and to the memory."""
        # Through `Any`: the library does not say what its signals carry.
        cast("Any", self).app_resume_signal.subscribe(self, self._come_back)
        if not self.is_headless:
            self.set_timer(SETTLED_S, _spare_the_collector)
            self._heed_job_control()

    def delay_update(self, delay: float = 0.05) -> None:
        """Hold nothing back: the library waits 50 ms at every change of place, against flicker.

        A place is painted in one piece, so that there is nothing to hide.
        """

    def post_display_hook(self) -> None:
        """The library has written to the terminal by itself."""
        self.painter.forget()

    def _come_back(self, _app: object) -> None:
        """Somebody else had the terminal meanwhile."""
        self.action_paint_anew()

    # -- job control

    def action_suspend_process(self) -> None:
        """Give the terminal back to the shell, until `fg`."""
        if shell_waits():
            self._suspend(lambda: stand_still(signal.SIGTSTP))
        else:
            self._say_no_shell()

    def _suspend(self, meanwhile: Callable[[], None]) -> None:
        try:
            with self.terminal_given_away():
                meanwhile()
        except SuspendNotSupported:  # a browser shows the program
            self._say_no_shell()

    def _say_no_shell(self) -> None:
        self.notify("no shell waits behind this screen; q leaves, and what runs goes on")

    @contextmanager
    def terminal_given_away(self) -> Generator[None]:
        """While inside, the terminal is as before the start, and its signals act by themselves.

        Raises:
            SuspendNotSupported: There is no terminal that could be given away.
        """
        self._heed_job_control(heed=False)
        try:
            with self.suspend():
                yield
        finally:
            self._heed_job_control()

    def _heed_job_control(self, *, heed: bool = True) -> None:
        """SIGTSTP and SIGCONT become calls of the event loop.

        In the library's place, which takes the terminal apart inside the signal handler, and
        takes SIGCONT after a SIGSTOP, which leaves no time for that, for the end of a suspension.
        """
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        for number, meanwhile in (
            (signal.SIGTSTP, lambda: stand_still(signal.SIGSTOP)),
            (signal.SIGCONT, wait_for_foreground),
        ):
            if heed:
                loop.add_signal_handler(number, self._suspend, meanwhile)
            else:
                loop.remove_signal_handler(number)

    def action_paint_anew(self) -> None:
        """Write the whole screen again, after something else has written over it."""
        self.painter.forget()
        self.screen.refresh()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002 - the library's callers may name it
    ) -> None:
        """Say something in passing; as part of the picture, not as a widget.

        It goes after a while, an error only at a key.

        Args:
            message: What is said; never read as markup.
            title: Said before it.
            severity: Decides the colour.
            timeout: Seconds that it stays; None for the library's usual time.
            markup: Ignored.
        """
        from azul_tui.runs.text import plain_text

        words = f"{title}: {message}" if title else message
        notice = Notice(plain_text(words, 500), severity)
        # Said again, it is shown once, for as long as the last time asks for.
        self.notices = [*(other for other in self.notices if other != notice), notice]
        said_at = self._said_at[notice] = time.monotonic()
        if not notice.stays:
            seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
            self.set_timer(seconds, lambda: self._drop(notice, said_at))
        self._show_notices()

    def _drop(self, notice: Notice, said_at: float) -> None:
        """The notice has been there long enough, unless it was said again meanwhile."""
        if self._said_at.get(notice) == said_at:
            self._keep(other for other in self.notices if other != notice)

    def _keep(self, notices: Iterable[Notice]) -> None:
        """Show only these from now on."""
        kept = list(notices)
        if kept != self.notices:
            self.notices = kept
            self._said_at = {notice: self._said_at[notice] for notice in kept}
            self._show_notices()

    async def on_event(self, event: events.Event) -> None:
        """A key takes away what was there long enough to be read, and then does what it does."""
        if isinstance(event, events.Key) and not event.is_forwarded and self.notices:
            now = time.monotonic()
            self._keep(n for n in self.notices if now - self._said_at[n] < READ_S)
        await super().on_event(event)

    def _show_notices(self) -> None:
        screen = self.screen
        if isinstance(screen, PaintedScreen):
            screen.redraw()
