"""Job `engine`: rules, players and networks for other programs, a line at a time.

Commands come in on standard input, one a line; records go out on standard output, one JSON
object a line. `docs/protocol.md` has every command and record. What was said before does not
end the process: only `quit`, the end of the input or a signal does.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from azul_tui.jobs.engine.commands import Commands
from azul_tui.jobs.engine.conversation import Conversation

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext


def engine(context: JobContext) -> dict[str, Any]:
    """Answer commands until there are no more."""
    # Words for a person would stand between the records.
    context.reporter.json_lines = True
    commands = Commands(context.runs_root)
    conversation = Conversation(sys.stdout, commands.obey, context.stop.is_set)
    conversation.listen(sys.stdin.fileno())
    return {"commands": conversation.answer_all()}
