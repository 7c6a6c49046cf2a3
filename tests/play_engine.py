"""An engine in the process of the test: real rules, players that follow a script.

It answers as the protocol does, but `choose` waits while `thinking` is held, and the process
"dies" when a test says so.
"""

from __future__ import annotations

import asyncio

from azul_tui.errors import AzulError
from azul_tui.jobs.engine.commands import Table
from azul_tui.views.engine import EngineError

DEAD = "the engine was ended by SIGKILL; the machine may be short of memory"


class FakeEngine:
    """One engine process, as long as it lives."""

    def __init__(self, source):
        self.source = source
        self.alive = True

    async def ask(self, *commands, on_record=None):
        answers = []
        for command in commands:
            if not self.alive:
                raise EngineError(DEAD)
            self.source.asked.append(command)
            await asyncio.sleep(0)
            answers.append(await getattr(self, f"_{command.split()[0]}")(command, on_record))
        return answers[-1]

    async def _load(self, command, on_record):
        player = option(command, "player")
        if player in self.source.unknown:
            raise EngineError(f"no player is called {player!r}")
        on_record({"event": "progress", "text": "compiling the rules", "done": 1, "total": 4})
        await self.source.loading.wait()
        return {"event": "ready", "player": player, "last": True}

    async def _position(self, command, _on_record):
        head, _, moves = command.removeprefix("position ").partition(" moves ")
        options = dict(word.split("=") for word in head.split() if "=" in word)
        laid = " ".join(word for word in head.split() if "=" not in word)
        laid += f" moves {moves}" if moves else ""
        try:
            self.table = Table.laid(
                laid, int(options.get("players", 2)), int(options.get("seed", 0))
            )
        except AzulError as error:
            raise EngineError(str(error)) from None
        return {"event": "position", **self.table.record(), "last": True}

    async def _choose(self, _command, _on_record):
        await self.source.thinking.wait()
        if self.source.dies:
            self.source.dies, self.alive = False, False
            raise EngineError(DEAD)
        game, value = self.table.game, self.source.value
        rest = -value if game.players == 2 else -0.5
        values = [value if seat == game.to_move else rest for seat in range(game.players)]
        move = self.table.record()["legal"][0]
        return {"move": move, "value": value, "values": values, "simulations": 100, "last": True}


class FakeEngines:
    """Where the app gets its engine from."""

    def __init__(self):
        self.started = 0
        self.engine = None
        self.asked = []
        self.unknown = set()
        self.value = -0.3
        self.dies = False
        self.thinking, self.loading = asyncio.Event(), asyncio.Event()
        self.thinking.set()
        self.loading.set()

    async def get(self):
        if self.engine is None or not self.engine.alive:
            self.started += 1
            self.engine = FakeEngine(self)
        return self.engine

    async def close(self):
        self.engine = None


def option(command, name):
    """A value of a command."""
    found = next(word for word in command.split() if word.startswith(f"{name}="))
    return found.split("=", 1)[1].strip('"')
