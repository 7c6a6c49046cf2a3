"""The real program in a pseudo-terminal: pexpect types, pyte reads the screen."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time

import pexpect
import pyte

CURSOR, ALTERNATE, MOUSE, ANY_MOTION, PASTE = (mode << 5 for mode in (25, 1049, 1000, 1003, 2004))
"""Private modes of a terminal (xterm, "Private Mode Set") as pyte counts them."""


class RealTerminal:
    """`python -m azul_tui ARGUMENTS`, or `command`, in a terminal of `width` x `height`."""

    def __init__(
        self,
        *arguments: str,
        width: int = 120,
        height: int = 40,
        command: tuple[str, ...] = (sys.executable, "-m", "azul_tui"),
        **environment: str,
    ):
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.ByteStream(self.screen)
        self.written = ""
        """What was read last, and everything before it that nobody has thrown away."""
        # A parallel run of tests exports COLUMNS and LINES, which hold against the terminal's size.
        inherited = {key: os.environ[key] for key in os.environ.keys() - {"COLUMNS", "LINES"}}
        usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        inherited.setdefault("XDG_CONFIG_HOME", os.devnull)  # no theme is kept for the developer
        self.child = pexpect.spawn(
            command[0], [*command[1:], *arguments], dimensions=(height, width),
            env=inherited | usual | environment, timeout=5,
        )  # fmt: skip

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def resize(self, width: int, height: int) -> None:
        """Make the terminal another size, as dragging its edge does."""
        self.read(0.01)  # what was drawn for the old size
        self.child.setwinsize(height, width)
        if width and height:
            self.screen.resize(height, width)

    def read(self, seconds: float = 0.1) -> None:
        """Take over what the program writes within `seconds`."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            data = self.child.read_nonblocking(1 << 16, timeout=seconds)
            self.written += data.decode("utf-8", "replace")
            self.stream.feed(data)

    def settled(self, quiet_s: float = 0.5) -> str:
        """Wait until the screen stays as it is for a while, a cursor blinking; returns it."""
        before = None
        while before != (before := self.text):
            end = time.monotonic() + quiet_s
            while time.monotonic() < end:
                self.read(0.05)
        return before

    def wait(self, found, words: object, seconds: float):
        """Read until `found()`, which is called `words`, is true; what it returned."""
        end = time.monotonic() + seconds
        while not (result := found()):
            assert time.monotonic() < end, f"no {words} in\n{self.text}\n{self.written[-2000:]!r}"
            self.read()
        return result

    def until(self, *words: str, seconds: float = 60.0) -> str:
        """Wait until one of `words` is on the screen; returns the screen."""
        self.wait(lambda: any(word in self.text for word in words), words, seconds)
        return self.text

    def shows(self, text: str, seconds: float = 20.0) -> None:
        """Wait until the screen is `text`, which a busy machine takes a while to paint."""
        self.wait(lambda: self.text == text, f"screen that is\n{text}\n", seconds)

    def find(self, pattern: str, seconds: float = 200.0) -> str:
        """Wait until `pattern` matches the screen; its first group."""
        return self.wait(lambda: re.search(pattern, self.text), pattern, seconds)[1]

    def gone(self, words: str, seconds: float = 30.0) -> None:
        """Wait until `words` are not on the screen any more."""
        self.wait(lambda: words not in self.text, f"end of {words!r}", seconds)

    def type(self, *keys: str) -> None:
        """Type keys one after the other, as fast as a person."""
        for key in keys:
            self.child.send(
                {"enter": "\r", "escape": "\x1b", "tab": "\t", "down": "\x1b[B"}.get(key, key)
            )
            self.read(0.15)
            self.read(0.05)

    def ended(self, seconds: float = 20.0) -> int | None:
        """Wait for the program to end; its exit code."""
        end = time.monotonic() + seconds
        while self.child.isalive() and time.monotonic() < end:
            self.read()
        self.child.close()
        return self.child.exitstatus

    def lose(self) -> None:
        """Close the master, as a lost connection does: the kernel sends SIGHUP, nobody else."""
        pty = self.child.ptyproc
        if not pty.closed:
            pty.fileobj.close()
        pty.closed = self.child.closed = True
        pty.fd = self.child.child_fd = -1
        self.child.terminated = pty.terminated = True

    def close(self) -> None:
        """End the program."""
        self.child.close(force=True)
