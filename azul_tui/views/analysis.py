"""A study of positions: the line explored, the networks asked, what they said.

`Study` puts one question after another to the engine and knows no screen. Values are in [-1, 1],
for the player to move; margins are points ahead of the best opponent at the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from azul_tui.errors import AzulError, NotationError
from azul_tui.game.constants import COLOR_LETTERS, MAX_PLAYERS, factory_count
from azul_tui.game.notation import (
    format_move,
    format_position,
    format_wall_row,
    parse_move,
    parse_position,
)
from azul_tui.game.view import why_illegal
from azul_tui.runs.text import plain_text
from azul_tui.views.engine import Analysis, EngineError, Position, read, word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from azul_tui.game.view import PositionView
    from azul_tui.views.engine import AnalysedMove, Engine, Engines, Record

FIRST_SIMULATIONS: Final = 25
"""The first search of a position has about so many simulations, the next twice as many."""
MOST_SIMULATIONS: Final = 51_200
"""The engine takes up to 100,000."""
PLAYED_OUT: Final = 32
"""Games played out from every move for its margin."""
KEPT: Final = 150
"""Positions that are remembered, so that going back shows what was found at once."""
OPENING: Final = (
    "azul2 r1 move:1 next:1 BYRW/BRKW/RRRK/BBWW/BYYW * bag:B15Y17R15K18W15 lid:- "
    "0,-/-/-/-/-,...../...../...../...../.....,- 0,-/-/-/-/-,...../...../...../...../.....,-"
)
"""The opening position of seed 0, drawn before the engine is there."""


@dataclass(slots=True)
class Step:
    """One position of the explored line."""

    view: PositionView
    notation: str
    move: str = ""
    """The move that led here, empty for the first."""
    chosen: str = ""
    """The move that the reader looks at; empty follows the best."""


class Study:
    """Positions, networks, results, and the talk with the engine.

    Cancelling a coroutine that waits here stops the search too.

    Args:
        root: Where the runs lie.
        engines: Gives the engine, started if need be.
        changed: Called whenever there is something new to show.
    """

    def __init__(self, root: Path, engines: Engines, changed: Callable[[], None]) -> None:
        self.root = root
        self._engines, self._changed = engines, changed
        self.seated: dict[int, list[str]] = {}
        """By players at the table, the network that is asked, or the two that are compared."""
        self.found: dict[tuple[str, str], dict[int, Analysis]] = {}
        """By network and notation, then by simulations."""
        self.target = 400
        """Simulations of the deepest search that is wanted."""
        self.stopped = False
        self.activity = ""
        """What the engine is doing, in words."""
        self.trouble = ""
        """Why it does nothing more, in one sentence."""
        self.seed = 0
        """Of refills while a line is explored."""
        self.start(parse_position(OPENING), seed=0)

    # -- the line

    def start(self, view: PositionView, *, seed: int | None = None) -> None:
        """Begin a line at `view`; a seed says that it is that seed's opening."""
        self.steps = [Step(view, format_position(view))]
        self.seeded = seed is not None
        self.seed = self.seed if seed is None else seed

    @property
    def here(self) -> Step:
        """The position that is looked at."""
        return self.steps[-1]

    @property
    def moves(self) -> list[str]:
        """The moves of the explored line."""
        return [step.move for step in self.steps[1:]]

    @property
    def players(self) -> list[str]:
        """The networks of this table."""
        return self.seated.setdefault(self.here.view.players, ["pretrained"])

    # -- what is known, and what is not

    def searches(self, player: str) -> dict[int, Analysis]:
        """What `player` said of the position here, by simulations."""
        return self.found.get((player, self.here.notation), {})

    def analysis(self, player: str) -> Analysis | None:
        """The deepest search of `player` here that is not beyond the target."""
        searches = self.searches(player)
        return searches.get(max((n for n in searches if n <= self.target), default=0))

    def opinions(self, player: str) -> dict[str, AnalysedMove]:
        """What `player` says of the moves here, its best first.

        Games for margins are played once, beside the deepest search of that time.
        """
        played: dict[str, dict[str, float | None]] = {}
        for search in self.searches(player).values():
            for move in search.moves:
                if move.margin is not None:
                    told = {"margin": move.margin, "margin_error": move.margin_error}
                    played[move.move] = told
        best = self.analysis(player)
        moves = best.moves if best is not None else ()
        return {move.move: move._replace(**played.get(move.move, {})) for move in moves}

    def next_question(self) -> tuple[str, int, int] | None:
        """Network, simulations and games a move of the search to ask for now, None for none."""
        if self.here.view.phase != "moving":
            return None
        ramp = [self.target]
        while ramp[0] // 2 >= FIRST_SIMULATIONS:
            ramp.insert(0, ramp[0] // 2)
        for simulations in ramp:
            for player in self.players:
                known = self.searches(player)
                played = any(move.margin is not None for a in known.values() for move in a.moves)
                margins = PLAYED_OUT if simulations == self.target and not played else 0
                if margins or not any(simulations <= n <= self.target for n in known):
                    return player, simulations, margins
        return None

    def deepen(self, factor: float) -> None:
        """So many times the simulations; what was found with fewer is shown again."""
        self.target = min(max(1, int(self.target * factor)), MOST_SIMULATIONS)

    # -- the talk

    async def think(self) -> None:
        """Ask until everything is known, the study is stopped, or something is in the way."""
        players, engine = self.here.view.players, None
        try:
            if not all(fits(name, self.root, players) for name in self.players):
                self.seated[players] = [networks(self.root, players)[0][0]]
            while not self.stopped and (question := self.next_question()):
                engine = await self._start()
                await self._ask(engine, *question)
        except AzulError as error:
            self._say_trouble(error, engine)
        finally:
            self._busy_with("")

    async def walk(self, moves: Sequence[str], opening: tuple[int, int] | None = None) -> None:
        """Play moves in the engine, which knows the refills.

        Args:
            moves: From here on; none fills the factories after a round that was scored.
            opening: Players and seed of a game that begins the line instead.

        Raises:
            NotationError: The engine refused the position or a move, and is fine itself.
        """
        engine = None
        try:
            engine = await self._start()
            for move in moves or [""]:
                self._busy_with("playing the move" if move else "laying out the position")
                players, seed = opening or (0, self.seed)
                laid = f"new players={players}" if opening else self.here.notation
                played = f" moves {move}" if move else ""
                record = await engine.ask(f"position {laid} seed={seed} setup=1{played}")
                view = parse_position(read(Position, record).notation)
                if move:
                    self.here.chosen = move
                    self.steps.append(Step(view, format_position(view), move))
                else:
                    self.start(view, seed=seed if opening else None)
        except AzulError as error:
            if engine is not None and engine.alive:
                raise NotationError(plain_text(str(error), 300)) from None
            self._say_trouble(error, engine)
        finally:
            self._busy_with("")

    async def _start(self) -> Engine:
        self.trouble = ""
        self._busy_with("starting the engine")
        return await self._engines.get()

    async def _ask(self, engine: Engine, player: str, simulations: int, margins: int) -> None:
        self._busy_with(f"{player}: {simulations:,} simulations")
        searches = self.found.setdefault((player, self.here.notation), {})
        while len(self.found) > KEPT:
            del self.found[next(iter(self.found))]

        def hear(record: Record) -> None:
            if record.get("event") == "progress":
                words = plain_text(str(record.get("text") or "preparing"), 60)
                done, total = record.get("done"), record.get("total")
                of = f", {done} of {total}" if isinstance(done, int) and total else ""
                self._busy_with(f"{words}{of}")
            elif record.get("event") == "analysis":
                # The search is there, the games for its margins are still being played.
                searches[simulations] = read(Analysis, record)
                self._busy_with(f"playing games for the margins of {player}")

        answer = await engine.ask(
            f"position {self.here.notation} seed={self.seed} setup=1",
            f"analyse player={word(player)} simulations={simulations} "
            f"first={simulations} margins={margins}",
            on_record=hear,
        )
        searches[simulations] = read(Analysis, answer)
        self._changed()

    def _say_trouble(self, error: AzulError, engine: Engine | None) -> None:
        words = plain_text(str(error), 400)
        other_table = re.search(r" is for ([2-4]) players", words)
        way = "m chooses another network, r asks again"
        if isinstance(error, EngineError) and (engine is None or not engine.alive):
            way = "r starts it again"
        elif other_table is not None:
            way = f"m chooses another network, N leads to openings for {other_table[1]}"
        self.trouble = f"{words}; {way}"

    def _busy_with(self, words: str) -> None:
        self.activity = words
        self._changed()


# -- which networks


def network_name(file: Path, root: Path) -> str:
    """The name under which the engine finds the checkpoint `file`."""
    from azul_tui.runs.paths import RESERVED_NAMES

    folder = file.parent
    if folder.name in RESERVED_NAMES:
        return folder.name
    return f"{folder.name}/{file.name}" if folder.parent == root else str(file)


def networks(root: Path, players: int) -> list[tuple[str, str]]:
    """`(name, words)` of the networks for a table of so many; raises AzulError for none.

    The shipped one first, then the runs' with the newest first: of each its best, then its
    checkpoints. A run that does not say for how many it plays is listed too: the engine knows.
    """
    from azul_tui.runs.listing import checkpoint_files
    from azul_tui.views.run_list import recent_runs

    shipped = [("pretrained", "pretrained   came with the program")]
    found = shipped if fits("pretrained", root, players) else []
    for paths, _ in recent_runs(root):
        if fits(paths.name, root, players):
            files = [(f"iteration {n:,}", file) for n, file in reversed(checkpoint_files(paths))]
            if paths.best_model.is_file():
                files.insert(0, ("  best of its run", paths.best_model))
            shown = plain_text(paths.name, 64)
            found += [(f"{paths.name}/{file.name}", f"{shown} {words}") for words, file in files]
    if not found:
        preset = {2: "laptop", 3: "three-players", 4: "four-players"}[players]
        raise AzulError(f"no network here is for {players} players; the preset {preset} trains one")
    return found


def fits(name: str, root: Path, players: int) -> bool:
    """Whether a network may sit at a table of so many; False only where that is known."""
    from azul_tui.runs.paths import RESERVED_NAMES, SHIPPED_NAMES, RunPaths
    from azul_tui.views.checkpoint_list import shipped_rows
    from azul_tui.views.run_list import seats_of

    run = name.split("/", maxsplit=1)[0]
    if run == SHIPPED_NAMES[2]:  # the engine takes the shipped one of the table at hand
        return any(row.players == players for row in shipped_rows(root))
    if run in RESERVED_NAMES:
        return run == SHIPPED_NAMES[players]
    return seats_of(RunPaths(root / run).config) in {None, players}


# -- a position from text

MAX_TEXT: Final = 20_000
"""Characters of a paste that are looked at; a position of four players has some 500."""


def read_position(text: str) -> tuple[PositionView, list[str]]:
    """The position in `text`, on one line, broken or not.

    Quotation marks of mails (`>`), code fences and words before the position are passed over.

    Returns:
        The position, and the moves after the word `moves` as the engine's protocol writes them.

    Raises:
        NotationError: One sentence that names what is wrong.
    """
    if not text.strip():
        raise NotationError("there is no text in it; copy a position first")
    if len(text) > MAX_TEXT:
        raise NotationError(
            f"that text has {len(text):,} characters; a position has fewer than {MAX_TEXT:,}"
        )
    lines = [line.strip() for line in text.splitlines()]
    words = [line.lstrip("> ") for line in lines if not line.startswith("```")]
    whole = " ".join(" ".join(words).split())  # mails break a long line
    begin = re.search(r"azul[0-9]+ ", whole)
    if begin is None:
        raise NotationError("that is no position; one begins with azul2, azul3 or azul4")
    told, _, played = whole[begin.start() :].partition(" moves ")
    view = parse_position(told)
    moves = [
        format_move(parse_move(move, view.players), view.players)
        for move in re.split(r"[,;]", played)
        if move.strip()
    ]
    return view, moves


TILES = "tiles as letters or with counts, BBYK or B2YK"
BOARD = (
    ("score", "", "points"),
    ("lines", "", "pattern lines with / between them, YY or Y2 for two yellow tiles"),
    ("wall", "", "the tiles that lie in each row, with / between rows"),
    ("floor", "", f"{TILES}; * is the first-player marker"),
)
PARTS = (
    ("players", "azul", "how many play, 2 to 4"),
    ("round", "r", "the round, from 1"),
    ("move", "move:", "the player who is to move"),
    ("next", "next:", "the player who starts the next round"),
    ("factories", "", f"{TILES}, with / between factories"),
    ("centre", "", f"{TILES}; * is the first-player marker"),
    ("bag", "bag:", TILES),
    ("lid", "lid:", TILES),
    *BOARD * MAX_PLAYERS,
)
"""Name of each part of a position in notation, the word before it, and what it takes.

A wall is told here as the tiles that lie in each row; what is left out is empty.
"""
FACTORIES, CENTRE, BAG = 4, 5, 6


def part_values(view: PositionView) -> list[str]:
    """What each part says of a position; somebody is to move, as in all that is looked at."""
    words = format_position(replace(view, phase="moving", end_reason="")).split()
    values = [w.removeprefix(part[1]) for w, part in zip(words[:8], PARTS, strict=False)]
    for board in words[8:]:
        score, lines, wall, floor = board.split(",")
        wall = "/".join(row.replace(".", "") or "-" for row in wall.split("/"))
        values += [score, lines, wall, floor]
    return values


def spelled(values: list[str]) -> str:
    """The position that the parts spell, as far as they spell one."""
    values = ["".join(value.split()) or "-" for value in values]
    players = int(values[0]) if values[0] in {"2", "3", "4"} else 2

    def rows(value: str, count: int) -> list[str]:
        found = [row.strip("-") or "-" for row in value.split("/")]
        return found + ["-"] * (count - len(found))

    def counted(row: re.Match[str]) -> str:
        return f"{row[1]}{len(row[0])}"

    def cells(row: str, at: int) -> str:
        if set(row) - set(f"{COLOR_LETTERS}-."):
            return row
        return re.sub(f"[^{row}]", ".", format_wall_row((True,) * 5, at))

    values[FACTORIES] = "/".join(rows(values[FACTORIES], factory_count(players)))
    words = [part[1] + value for part, value in zip(PARTS[:8], values, strict=False)]
    for seat in range(players):
        score, lines, wall, floor = values[8 + 4 * seat :][:4]
        walls = "/".join(cells(row, min(at, 4)) for at, row in enumerate(rows(wall, 5)))
        score = "0" if score == "-" else score
        laid = "/".join(re.sub(r"^([BYRKW])\1*$", counted, row) for row in rows(lines, 5))
        words.append(f"{score},{laid},{walls},{floor}")
    return " ".join(words)


def why_no_moves(view: PositionView) -> str:
    """Why nobody can move in `view`; empty when somebody can."""
    if view.phase == "moving":
        return ""
    if view.phase == "over":
        points = [board.score for board in view.boards]
        scores = " : ".join(map(str, points))
        if points.count(max(points)) > 1:
            return f"the game is over, {scores}"
        first = points.index(max(points)) + 1
        return f"the game is over, player {first} has the most points, {scores}"
    return why_illegal(view, 0) or ""
