"""An engine in the process of the test: real rules, players that follow a script.

It answers as the protocol does, but `choose` waits while `thinking` is held, and the process
"dies" when a test says so.
"""

from __future__ import annotations

import asyncio

from analyse_engine import analyse_options, analysis_of

from azul_tui.errors import AzulError
from azul_tui.jobs.engine.table import Table
from azul_tui.tui.engine.process import EngineError


class FakeEngine:
    """One engine process, as long as it lives."""

    def __init__(self, source):
        self.source = source
        self.alive = True

    async def ask_in_turn(self, commands, on_record=None):
        return [await self.ask(command, on_record) for command in commands]

    async def ask(self, command, on_record=None):
        if not self.alive:
            raise EngineError("the engine has ended with code 9: Killed")
        self.source.asked.append(command)
        await asyncio.sleep(0)
        return await getattr(self, f"_{command.split()[0]}")(command, on_record)

    async def _load(self, command, on_record):
        player = _option(command, "player")
        if player in self.source.unknown:
            raise EngineError(f"no player is called {player!r}")
        if on_record is not None:
            on_record({"event": "progress", "text": "compiling the rules", "done": 1, "total": 4})
        await self.source.loading.wait()
        return {"event": "ready", "player": player, "network": True, "seconds": 0.1, "last": True}

    async def _position(self, command, _on_record):
        head, _, moves = command.removeprefix("position ").partition(" moves ")
        words = head.split()
        options = dict(word.split("=") for word in words if "=" in word)
        words = [word for word in words if "=" not in word]
        laid = " ".join(words) + (f" moves {moves}" if moves else "")
        self.table = Table.laid(laid, int(options.get("players", 2)), int(options["seed"]))
        return {"event": "position", **self.table.record(), "last": True}

    async def _play(self, command, _on_record):
        try:
            self.table.play(command.removeprefix("play "))
        except AzulError as error:
            raise EngineError(str(error)) from None
        return {"event": "position", **self.table.record(), "last": True}

    async def _choose(self, command, _on_record):
        await self.source.thinking.wait()
        if self.source.dies:
            self.source.dies, self.alive = False, False
            raise EngineError("the engine has ended with code 9: Killed")
        move = self.table.record()["legal"][0]
        value = self.source.value
        game = self.table.game
        rest = -value if game.players == 2 else self.source.others
        values = [value if seat == game.to_move else rest for seat in range(game.players)]
        told = {"value": value, "values": values, "simulations": 100}
        return {"event": "choice", "move": move, **told, "last": True}

    async def _analyse(self, command, _on_record):
        return analysis_of(self.table.game, *analyse_options(command))


class FakeEngines:
    """Where the app gets its engine from."""

    def __init__(self):
        self.started = 0
        self.engine = None
        self.asked = []
        self.unknown = set()
        self.value = -0.3
        self.others = -0.5
        """What a player thinks that every other seat may expect, of three and four."""
        self.dies = False
        self.thinking = asyncio.Event()
        self.loading = asyncio.Event()
        self.thinking.set()
        self.loading.set()

    async def get(self):
        if self.engine is None or not self.engine.alive:
            self.started += 1
            self.engine = FakeEngine(self)
        return self.engine

    async def close(self):
        self.engine = None


def _option(command, name):
    return next(word for word in command.split() if word.startswith(f"{name}=")).split("=", 1)[1]
