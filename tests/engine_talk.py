"""Talking to an engine inside the process of the tests."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path

from azul_tui.jobs.engine.commands import Commands
from azul_tui.jobs.engine.conversation import Conversation

NOWHERE = Path("/nonexistent")


class Talk:
    """One conversation: everything is said at once, then everything is heard."""

    def __init__(self, root=NOWHERE, commands=None):
        self.commands = commands or Commands(root)

    def raw(self, data):
        """All records that answer these bytes."""
        reader, writer = os.pipe()
        output = io.StringIO()
        conversation = Conversation(output, self.commands.obey, lambda: False)

        def write():
            with os.fdopen(writer, "wb") as file:
                file.write(data)

        writing = threading.Thread(target=write)
        writing.start()
        conversation.listen(reader)
        conversation.answer_all()
        writing.join()
        # Who still hears would read on in the next conversation's pipe, which may get this number.
        for thread in threading.enumerate():
            if thread.name == "hear":
                thread.join()
        os.close(reader)
        return [json.loads(line) for line in output.getvalue().splitlines()]

    def all(self, *lines):
        """All records that answer these commands."""
        return self.raw("".join(f"{line}\n" for line in lines).encode())

    def last(self, *lines):
        """The last record that answers the last of these commands."""
        return self.all(*lines)[-1]
