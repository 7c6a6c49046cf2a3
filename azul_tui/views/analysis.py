"""A study of positions: the line explored, the networks asked, what they said, the talk itself.

`Study` says which question comes next and takes the answer; `Thinking` puts the questions to the
engine, one after another. Neither knows a screen. Values are in [-1, 1], for the player to move;
margins are points ahead of the best opponent at the end.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from azul_tui.errors import AzulError, NotationError
from azul_tui.game.legality import why_illegal
from azul_tui.game.notation import format_move, format_position, parse_move, parse_position
from azul_tui.game.violations import position_violations
from azul_tui.runs.text import plain_text
from azul_tui.views.engine import Analysis, Position, read, word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from azul_tui.game.view import PositionView
    from azul_tui.views.engine import AnalysedMove, Record

FIRST_SIMULATIONS: Final = 25
"""The first search of a position has about so many simulations, the next twice as many."""
DEFAULT_TARGET: Final = 400
MOST_SIMULATIONS: Final = 51_200
"""The engine takes up to 100,000."""
PLAYED_OUT: Final = 32
"""Games played out from every move for its margin."""
KEPT: Final = 600
"""Searches that are remembered, so that going back shows what was found at once."""
OPENING: Final = (
    "azul2 r1 move:1 next:1 BYRW/BRKW/RRRK/BBWW/BYYW * bag:B15Y17R15K18W15 lid:- "
    "0,-/-/-/-/-,...../...../...../...../.....,- 0,-/-/-/-/-,...../...../...../...../.....,-"
)
"""The opening position of seed 0, drawn before the engine is there."""
Margin = tuple[float, float | None]
"""Points, and their standard error."""


class Question(NamedTuple):
    """One search to ask for."""

    player: str
    notation: str
    simulations: int
    margins: int

    @property
    def command(self) -> str:
        """The question in the words of the engine's protocol."""
        return (
            f"analyse player={word(self.player)} simulations={self.simulations} "
            f"first={self.simulations} margins={self.margins}"
        )


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
    """Positions, networks and results."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.players = ["pretrained"]
        """One network, or two to compare."""
        self.seed = 0
        """Seed of refills while a line is explored."""
        self.seeded = True
        """Whether the line begins with the opening position of the seed."""
        self.target = DEFAULT_TARGET
        self.stopped = False
        self.found: OrderedDict[tuple[str, str, int], Analysis] = OrderedDict()
        self.margins: dict[tuple[str, str], dict[str, Margin]] = {}
        self.played_out: set[tuple[str, str]] = set()
        """Networks and positions whose margins were asked for."""
        self.start(parse_position(OPENING), seed=0)

    @property
    def here(self) -> Step:
        """The position that is looked at."""
        return self.steps[-1]

    @property
    def moves(self) -> tuple[str, ...]:
        """The moves of the explored line."""
        return tuple(step.move for step in self.steps[1:])

    def analysis(self, player: str) -> Analysis | None:
        """The deepest search of `player` here that is not beyond the target."""
        at = self.here.notation
        depths = [n for p, notation, n in self.found if p == player and notation == at]
        deepest = max((n for n in depths if n <= self.target), default=None)
        return None if deepest is None else self.found[player, at, deepest]

    def margins_of(self, player: str) -> dict[str, Margin]:
        """Expected margin of the moves here and its standard error."""
        return self.margins.get((player, self.here.notation), {})

    def take(self, analysis: Analysis, question: Question) -> None:
        """Remember an answer. One that was cut short counts for the simulations it has."""
        if analysis.notation and analysis.notation != question.notation:
            return
        place = (question.player, question.notation)
        simulations = analysis.simulations or question.simulations
        if analysis.stopped and simulations >= question.simulations:
            # Nothing says that it is whole, so it must not keep the question from coming again.
            simulations = question.simulations - 1
        if simulations > 0:
            self.found[*place, simulations] = analysis
            self.found.move_to_end((*place, simulations))
        if question.margins and not analysis.stopped:
            self.played_out.add(place)
        told = {m.move: (m.margin, m.margin_error) for m in analysis.moves if m.margin is not None}
        if told:
            self.margins[place] = told
        while len(self.found) > KEPT:
            gone = self.found.popitem(last=False)[0][:2]
            if not any(key[:2] == gone for key in self.found):
                self.margins.pop(gone, None)
                self.played_out.discard(gone)

    def next_question(self) -> Question | None:
        """The search to ask for now; None when all is known, or nobody can move."""
        here = self.here
        if here.view.phase != "moving":
            return None
        ramp = [self.target]
        while ramp[0] // 2 >= FIRST_SIMULATIONS:
            ramp.insert(0, ramp[0] // 2)
        for simulations in ramp:
            for player in self.players:
                last = simulations == self.target
                missing = last and (player, here.notation) not in self.played_out
                known = self.analysis(player)
                deep = known is not None and known.simulations >= simulations and not known.stopped
                if missing or not deep:
                    return Question(
                        player, here.notation, simulations, PLAYED_OUT if missing else 0
                    )
        return None

    @property
    def is_done(self) -> bool:
        """Whether the target is reached."""
        return self.next_question() is None

    def deepen(self, factor: float) -> None:
        """So many times the simulations; what was found with fewer is shown again."""
        self.target = min(max(1, int(self.target * factor)), MOST_SIMULATIONS)

    def start(self, view: PositionView, *, seed: int | None = None) -> None:
        """Begin a line at `view`; a seed says that it is that seed's opening."""
        self.steps = [Step(view, format_position(view))]
        self.seeded = seed is not None
        self.seed = self.seed if seed is None else seed

    def go_on(self, move: str, view: PositionView) -> None:
        """Play `move`, which leads to `view`."""
        self.here.chosen = move
        self.steps.append(Step(view, format_position(view), move))

    def go_back(self) -> bool:
        """Take the last move of the line back; False at its beginning."""
        if len(self.steps) > 1:
            self.steps.pop()
            return True
        return False


class AskedEngine(Protocol):
    """What is needed of an engine."""

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        ...

    async def ask(
        self, *commands: str, on_record: Callable[[Record], None] | None = None
    ) -> Record:
        """The last record of the last command."""
        ...


class Thinking:
    """The talk with the engine about one study; cancelling what waits here stops the search too.

    Args:
        study: What is asked about.
        engine: Gives the engine, started if need be.
        changed: Called whenever there is something new to show.
    """

    def __init__(
        self,
        study: Study,
        engine: Callable[[], Awaitable[AskedEngine]],
        changed: Callable[[], None],
    ) -> None:
        self.study = study
        self.activity = ""
        """What the engine is doing, in words."""
        self.trouble = ""
        """Why it does nothing more, in one sentence."""
        self._engine = engine
        self._changed = changed

    async def think(self) -> None:
        """Ask until everything is known, the study is stopped, or something is in the way."""
        engine = None
        try:
            while not self.study.stopped and (question := self.study.next_question()):
                engine = await self._start()
                await self._ask(engine, question)
        except AzulError as error:
            self._trouble(error, gone=engine is None or not engine.alive)
        finally:
            self._busy_with("")

    async def walk(self, notation: str, move: str, seed: int) -> PositionView | None:
        """The position after `move` (or none) from `notation`; None when there is trouble.

        Raises:
            NotationError: The engine refused the position or the move, and is fine itself.
        """
        played = f" moves {move}" if move else ""
        engine = None
        try:
            engine = await self._start()
            self._busy_with("playing the move" if move else "laying out the position")
            record = await engine.ask(f"position {notation} seed={seed} setup=1{played}")
            return parse_position(read(Position, record).notation)
        except AzulError as error:
            if engine is not None and engine.alive:
                raise NotationError(plain_text(str(error), 300)) from None
            self._trouble(error, gone=True)
            return None
        finally:
            self._busy_with("")

    def refuse(self, words: str) -> None:
        """Ask nothing, because of what `words` say."""
        self.trouble = words
        self._changed()

    async def _start(self) -> AskedEngine:
        self.trouble = ""
        self._busy_with("starting the engine")
        return await self._engine()

    async def _ask(self, engine: AskedEngine, question: Question) -> None:
        self._busy_with(f"{question.player}: {question.simulations:,} simulations")

        def hear(record: dict[str, Any]) -> None:
            if record.get("event") == "progress":
                words = plain_text(str(record.get("text") or "preparing"), 60)
                done, total = record.get("done"), record.get("total")
                of = f", {done} of {total}" if isinstance(done, int) and total else ""
                self._busy_with(f"{words}{of}")
            elif record.get("event") == "analysis":
                # The search is there, the games for its margins are still being played.
                self.study.take(read(Analysis, record), question._replace(margins=0))
                self._busy_with(f"playing games for the margins of {question.player}")

        laid = f"position {question.notation} seed={self.study.seed} setup=1"
        analysis = read(Analysis, await engine.ask(laid, question.command, on_record=hear))
        if not analysis.moves:
            raise AzulError("the engine answered without a single move")
        self.study.take(analysis, question)
        self._changed()

    def _trouble(self, error: AzulError, *, gone: bool) -> None:
        words = plain_text(str(error), 400)
        other_table = re.search(r" is for ([2-4]) players", words)
        way = "m chooses another network, r asks again"
        if gone:
            way = "r starts it again"
        elif other_table is not None:
            way = f"m chooses another network, N leads to openings for {other_table[1]}"
        self.trouble = f"{words}; {way}"

    def _busy_with(self, words: str) -> None:
        self.activity = words
        self._changed()


# -- which networks

PRESETS = {2: "laptop", 3: "three-players", 4: "four-players"}
"""Presets that train a network, by players at the table."""


def network_name(file: Path, root: Path) -> str:
    """The name under which the engine finds the checkpoint `file`."""
    from azul_tui.runs.paths import SHIPPED_NAMES, pretrained_directory

    for players, name in SHIPPED_NAMES.items():
        if file.parent in {root / name, pretrained_directory(players)}:
            return name
    return f"{file.parent.name}/{file.name}" if file.parent.parent == root else str(file)


def networks(root: Path, players: int) -> list[tuple[str, str]]:
    """`(name, words)` of the networks for a table of so many.

    The shipped one first, then the runs' with the newest first: of each its best, then its
    checkpoints. A run that does not say for how many it plays is listed too: the engine knows.
    """
    from azul_tui.runs.listing import checkpoint_files
    from azul_tui.views.checkpoint_list import seats_of
    from azul_tui.views.run_list import recent_runs

    shipped = [("pretrained", "pretrained   came with the program")]
    found = shipped if fits("pretrained", root, players) else []
    for paths, _ in recent_runs(root):
        if seats_of(paths.config) not in {None, players}:
            continue
        shown = plain_text(paths.name, 64)
        if paths.best_model.is_file():
            found.append((f"{paths.name}/{paths.best_model.name}", f"{shown}   best of its run"))
        found += [
            (f"{paths.name}/{file.name}", f"{shown} iteration {iteration:,}")
            for iteration, file in reversed(checkpoint_files(paths))
        ]
    return found


def fits(name: str, root: Path, players: int) -> bool:
    """Whether a network may sit at a table of so many; False only where that is known."""
    from azul_tui.runs.paths import RESERVED_NAMES, SHIPPED_NAMES, RunPaths
    from azul_tui.views.checkpoint_list import seats_of, shipped_rows

    run = name.split("/", maxsplit=1)[0]
    if run == SHIPPED_NAMES[2]:  # the engine takes the shipped one of the table at hand
        return any(row.players == players for row in shipped_rows(root))
    if run in RESERVED_NAMES:
        return run == SHIPPED_NAMES[players]
    return seats_of(RunPaths(root / run).config) in {None, players}


def no_network(players: int) -> str:
    """That nobody can look at a table of so many, and what would change that."""
    return f"no network here is for {players} players; the preset {PRESETS[players]} trains one"


# -- a position from text

MAX_TEXT: Final = 20_000
"""Characters of a paste that are looked at; a drawn position of four players has 1,400."""


@dataclass(frozen=True, slots=True)
class GivenPosition:
    """A position as somebody gave it."""

    view: PositionView
    moves: tuple[str, ...] = ()
    """Moves played from it, after the word `moves`, as the engine's protocol writes them."""
    faults: list[str] = field(default_factory=list[str])
    """What the rules hold against it, one sentence each."""


def read_position(text: str) -> GivenPosition:
    """The position in `text`: one line (broken or not), or drawn on many.

    Quotation marks of mails (`>`), code fences and words before the position are passed over.

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
    lines = [line.lstrip("> ") for line in lines if not line.startswith("```")]
    whole = "\n".join(lines)
    drawn, one_line = re.search(r"azul,\s", whole), re.search(r"azul[0-9]+\s", whole)
    moves = ""
    if drawn is not None and (one_line is None or drawn.start() < one_line.start()):
        view = parse_position(whole[drawn.start() :])
    elif one_line is not None:
        rest, _, moves = re.sub(r"\s+", " ", whole[one_line.start() :]).partition(" moves ")
        view = parse_position(rest.strip())
    else:
        raise NotationError(
            "that is no position; one begins with azul2, azul3 or azul4 on one line, "
            "or with 'azul, 2 players' when it is drawn"
        )
    played = tuple(
        format_move(parse_move(each, view.players), view.players)
        for each in re.split(r"[,;]", moves)
        if each.strip()
    )
    return GivenPosition(view, played, position_violations(view))


def what_is_wrong(text: str) -> str:
    """Why `text` is no position to look at; empty when it is one."""
    try:
        return refusal(read_position(text).faults)
    except NotationError as error:
        return plain_text(str(error), 300)


def refusal(faults: list[str]) -> str:
    """What is wrong with a position, in one sentence; empty for nothing."""
    others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{faults[0]}{others}" if faults else ""


def why_no_moves(view: PositionView) -> str:
    """Why nobody can move in `view`; empty when somebody can."""
    if view.phase == "moving":
        return ""
    if view.phase == "over":
        best = max(board.score for board in view.boards)
        leading = [seat + 1 for seat, board in enumerate(view.boards) if board.score == best]
        scores = " : ".join(str(board.score) for board in view.boards)
        if len(leading) == 1:
            return f"the game is over, player {leading[0]} has the most points, {scores}"
        return f"the game is over, {scores}"
    return why_illegal(view, 0) or ""


def best_move(analysis: Analysis | None) -> str:
    """The move that the network would play; empty when nothing is known."""
    return analysis.moves[0].move if analysis is not None and analysis.moves else ""


def by_move(analysis: Analysis | None) -> dict[str, AnalysedMove]:
    """What a network says, by move."""
    return {found.move: found for found in analysis.moves} if analysis is not None else {}
