"""An engine in the test's own process: real rules, opinions made from the names of the moves.

It speaks the protocol's words, keeps what it was asked, and can be slow, refuse or die.
"""

from __future__ import annotations

import asyncio
import re
import zlib

from azul_tui.game.state import GameState
from azul_tui.views.analysed_moves import distinct_moves
from azul_tui.views.engine import EngineError


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
        "event": "analysis", "player": player, "notation": game.notation(), "last": True,
        "simulations": simulations, "value": value, "seconds": 0.1, "moves": told,
        "values": values if game.players > 2 else [value, -value][:: 1 - 2 * game.to_move],
    }  # fmt: skip


class FakeEngine:
    """Answers `position` and `analyse`."""

    def __init__(self):
        self.alive = True
        self.searches = []
        """`(player, simulations)` of every search that was asked for."""
        self.cancelled = 0
        """Questions that somebody stopped waiting for."""
        self.gate = None
        """An event that searches wait for; None answers at once."""
        self.refuses = {}
        """Player: the sentence with which it is refused."""
        self.game = GameState.new()

    async def ask(self, *commands, on_record=None):
        try:
            return [await self._answer(command, on_record) for command in commands][-1]
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def _answer(self, command, on_record):
        await asyncio.sleep(0)
        if not self.alive:
            raise EngineError("the engine has ended with code 9: out of memory")
        if command.startswith("position"):
            return self._position(command.removeprefix("position "))
        options = dict(re.findall(r'([a-z]+)="?([^" ]*)"?', command))
        player, simulations = options["player"], int(options["simulations"])
        self.searches.append((player, simulations))
        if player in self.refuses:
            raise EngineError(self.refuses[player])
        on_record({"event": "progress", "text": "compiling the search", "done": 1, "total": 3})
        if self.gate is not None:
            await self.gate.wait()
        return analysis_of(self.game, player, simulations, int(options["margins"]))

    def _position(self, words):
        options = dict(re.findall(r"(players|seed|setup)=(\d+)", words))
        words = re.sub(r"(players|seed|setup)=\d+", "", words)
        start, _, moves = words.partition(" moves ")
        seed = int(options.get("seed", 0))
        try:
            if start.strip() == "new":
                self.game = GameState.new(int(options.get("players", 2)), seed)
            else:
                self.game = GameState.parse(start, seed)
            if self.game.phase == "afterstate":
                self.game.refill()
            for move in filter(None, map(str.strip, moves.split(","))):
                self.game.apply(self.game.parse_move(move))
        except Exception as error:
            raise EngineError(str(error)) from None
        return {"event": "position", "notation": self.game.notation(), "last": True}


class FakeShared:
    """Stands where the dashboard keeps its engine; a dead one is replaced when it is asked for."""

    def __init__(self):
        self.engine = FakeEngine()
        self.started = 1
        self.refusal = ""

    async def get(self):
        if self.refusal:
            raise EngineError(self.refusal)
        if not self.engine.alive:
            self.engine = FakeEngine()
            self.started += 1
        return self.engine

    async def close(self):
        pass
