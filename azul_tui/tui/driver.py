"""The terminal's input, with an escape key that is noticed at once.

An escape may be the key or the beginning of an arrow key; which one, only a pause tells. The
library's thread looks for the end of that pause ten times a second: 100 to 200 ms pass before
escape does anything. This one looks when the pause is over.
"""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

ESCAPE_S = 0.025
"""How long the rest of an arrow key is waited for; it comes in one packet, over SSH too."""
IDLE_S = 0.1
"""How often a thread without input looks whether the program ends."""


class PromptDriver(LinuxDriver):
    """The library's driver for terminals, its input thread apart."""

    def run_input_thread(self) -> None:
        """Turn what the terminal sends into events until the program ends."""
        if "ESCDELAY" not in os.environ:
            constants.ESCAPE_DELAY = ESCAPE_S  # pyright: ignore[reportConstantRedefinition, reportAttributeAccessIssue]
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        escaped = False
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(constants.ESCAPE_DELAY + 0.001 if escaped else IDLE_S):
                    try:
                        data = os.read(self.fileno, 4096)
                    except OSError:
                        break  # the terminal is gone; SIGHUP says so as well
                    if not data:
                        break
                    text = decode(data)
                    for event in parser.feed(text):
                        self.process_message(event)
                    escaped = text.endswith("\x1b")
                for event in parser.tick():
                    escaped = False
                    self.process_message(event)
