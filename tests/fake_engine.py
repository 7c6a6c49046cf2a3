"""An engine in the process of the test: real rules, players that follow a script.

It answers as the protocol does, keeps what it was asked, and can be slow, refuse or die.
"""

from __future__ import annotations

import asyncio
import shlex
import zlib

from azul_tui.errors import AzulError
from azul_tui.jobs.engine.commands import Table
from azul_tui.views.analysis import distinct_moves
from azul_tui.views.engine import EngineError

DEAD = "the engine was ended by SIGKILL; the machine may be short of memory"


class FakeEngine:
    """Answers `position`, `load`, `choose` and `analyse`."""

    def __init__(self):
        self.alive = False
        self.started = 0
        self.asked = []
        self.searches = []
        """`(player, simulations)` of every analysis that was asked for."""
        self.cancelled = 0
        """Questions that somebody stopped waiting for."""
        self.refuses = {}
        """Player: the sentence with which it is refused."""
        self.unstartable = ""
        """The sentence with which it cannot be started."""
        self.dies = False
        """Whether it ends at the next choice or analysis."""
        self.value = -0.3
        self.thinking, self.loading = asyncio.Event(), asyncio.Event()
        """What choices and analyses, and the loading of players, wait for."""
        self.thinking.set()
        self.loading.set()

    async def ask(self, *commands, on_record=lambda record: None):
        try:
            for command in commands:
                if not self.alive:
                    if self.unstartable:
                        raise EngineError(self.unstartable)
                    self.alive, self.started = True, self.started + 1
                self.asked.append(command)
                await asyncio.sleep(0)
                verb, *words = shlex.split(command)
                options = dict(word.split("=", 1) for word in words if "=" in word)
                if options.get("player") in self.refuses:
                    raise EngineError(self.refuses[options["player"]])
                answer = await getattr(self, f"_{verb}")(command, options, on_record)
            return {**answer, "last": True}
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def close(self):
        self.alive = False

    async def _position(self, command, options, _on_record):
        words = command.removeprefix("position ").split()
        laid = " ".join(word for word in words if "=" not in word)
        players, seed = int(options.get("players", 2)), int(options.get("seed", 0))
        try:
            self.table = Table.laid(laid, players, seed, by_hand="setup" in options)
        except AzulError as error:
            raise EngineError(str(error)) from None
        return {"event": "position", **self.table.record()}

    async def _load(self, _command, options, on_record):
        on_record({"event": "progress", "text": "compiling the rules", "done": 1, "total": 4})
        await self.loading.wait()
        return {"event": "ready", "player": options["player"]}

    async def _think(self):
        await self.thinking.wait()
        if self.dies:
            self.dies = self.alive = False
            raise EngineError(DEAD)

    async def _choose(self, _command, _options, _on_record):
        await self._think()
        game, value = self.table.game, self.value
        rest = -value if game.players == 2 else -0.5
        values = [value if seat == game.to_move else rest for seat in range(game.players)]
        return {"move": self.table.record()["legal"][0], "value": value, "values": values}

    async def _analyse(self, _command, options, on_record):
        player, simulations = options["player"], int(options["simulations"])
        self.searches.append((player, simulations))
        on_record({"event": "progress", "text": "compiling the search", "done": 1, "total": 3})
        await self._think()
        return analysis_of(self.table.game, player, simulations, int(options["margins"]))


def opinion(player, move):
    """A number in [0, 1) that a player has of a move, the same every time."""
    return zlib.crc32(f"{player} {move}".encode()) % 1000 / 1000


def analysis_of(game, player, simulations, margins):
    """What `player` is made to think of the moves of `game`."""
    # As the real one: moves from factories that hold the same tiles are told once.
    moves = [twins[-1] for twins in distinct_moves(game.view())]
    total = sum(opinion(player, move) ** 4 for move in moves) or 1.0
    told = []
    for move in moves:
        share = opinion(player, move) ** 4 / total
        visits = int(share * simulations)
        value = round(2 * opinion(player, move) - 1, 3)
        told.append({
            "move": move, "prior": round(share, 5), "visits": visits, "policy": share,
            "value": value if visits else None, "completed_q": value,
            "margin": round(20 * value, 1) if margins else None,
            "margin_error": 1.5 if margins else None, "line": [move, "B C>1", "K C>F"],
        })  # fmt: skip
    told.sort(key=lambda move: (-move["visits"], -move["policy"]))
    value = told[0]["completed_q"]
    values = [round(opinion(player, seat), 2) for seat in range(game.players)]
    return {
        "event": "analysis", "simulations": simulations, "value": value, "seconds": 0.1,
        "values": values if game.players > 2 else [value, -value][:: 1 - 2 * game.to_move],
        "moves": told,
    }  # fmt: skip
