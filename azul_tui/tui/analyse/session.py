"""A study of positions: the line explored, the networks asked, and what they said so far.

Knows nothing of the engine's process or the screen: it says which question comes next and
takes the answer.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from azul_tui.game.notation import format_position, parse_position

if TYPE_CHECKING:
    from azul_tui.game.view import PositionView
    from azul_tui.tui.engine.records import AnalysedMove, AnalysisRecord

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
            f'analyse player="{self.player}" simulations={self.simulations} '
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


def first_step(view: PositionView) -> Step:
    """A line's first position."""
    return Step(view, format_position(view))


@dataclass(slots=True)
class AnalyseSession:
    """Positions, networks and results."""

    steps: list[Step] = field(default_factory=lambda: [first_step(parse_position(OPENING))])
    players: list[str] = field(default_factory=lambda: ["pretrained"])
    """One network, or two to compare."""
    seed: int = 0
    """Seed of refills while a line is explored."""
    seeded: bool = True
    """Whether the line begins with the opening position of the seed."""
    target: int = DEFAULT_TARGET
    stopped: bool = False
    found: OrderedDict[tuple[str, str, int], AnalysisRecord] = field(
        default_factory=OrderedDict[tuple[str, str, int], "AnalysisRecord"]
    )
    margins: dict[tuple[str, str], dict[str, tuple[float, float | None]]] = field(
        default_factory=dict[tuple[str, str], "dict[str, tuple[float, float | None]]"]
    )
    played_out: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Networks and positions whose margins were asked for."""

    @property
    def here(self) -> Step:
        """The position that is looked at."""
        return self.steps[-1]

    @property
    def moves(self) -> tuple[str, ...]:
        """The moves of the explored line."""
        return tuple(step.move for step in self.steps[1:])

    # -- what is known

    def analysis(self, player: str) -> AnalysisRecord | None:
        """The deepest search of `player` here that is not beyond the target."""
        notation = self.here.notation
        depths = [n for p, at, n in self.found if p == player and at == notation]
        fitting = [n for n in depths if n <= self.target]
        if not fitting:
            return None
        return self.found[player, notation, max(fitting)]

    def margins_of(self, player: str) -> dict[str, tuple[float, float | None]]:
        """Expected margin of the moves here and its standard error, in points."""
        return self.margins.get((player, self.here.notation), {})

    def take(self, analysis: AnalysisRecord, question: Question) -> None:
        """Remember an answer. One that was cut short counts for the simulations it has."""
        if analysis.notation and analysis.notation != question.notation:
            return
        simulations = analysis.simulations or question.simulations
        if analysis.stopped and simulations >= question.simulations:
            # Nothing says that it is whole, so it must not keep the question from coming again.
            simulations = question.simulations - 1
        key = (question.player, question.notation, simulations)
        if simulations > 0:
            self.found[key] = analysis
            self.found.move_to_end(key)
        if question.margins and not analysis.stopped:
            self.played_out.add((question.player, question.notation))
        if told := _margins(analysis.moves):
            self.margins[question.player, question.notation] = told
        while len(self.found) > KEPT:
            player, notation, _ = self.found.popitem(last=False)[0]
            if not any(p == player and at == notation for p, at, _ in self.found):
                self.margins.pop((player, notation), None)
                self.played_out.discard((player, notation))

    # -- what comes next

    def ramp(self) -> list[int]:
        """Simulations of the searches up to the target, each twice the one before."""
        steps = [self.target]
        while steps[-1] // 2 >= FIRST_SIMULATIONS:
            steps.append(steps[-1] // 2)
        return steps[::-1]

    def next_question(self) -> Question | None:
        """The search to ask for now; None when all is known, or nobody can move."""
        here = self.here
        if here.view.phase != "moving":
            return None
        for simulations in self.ramp():
            last = simulations == self.target
            for player in self.players:
                missing = last and (player, here.notation) not in self.played_out
                if missing or not self._knows(player, simulations):
                    margins = PLAYED_OUT if missing else 0
                    return Question(player, here.notation, simulations, margins)
        return None

    def _knows(self, player: str, simulations: int) -> bool:
        """Whether a search of `player` here had at least so many simulations, and ended."""
        shown = self.analysis(player)
        return shown is not None and shown.simulations >= simulations and not shown.stopped

    @property
    def is_done(self) -> bool:
        """Whether the target is reached."""
        return self.next_question() is None

    # -- what the reader asks for

    def double(self) -> None:
        """Twice the simulations."""
        self.target = min(self.target * 2, MOST_SIMULATIONS)

    def halve(self) -> None:
        """Half the simulations; what was found with so many is shown again."""
        self.target = max(self.target // 2, 1)

    def start(self, view: PositionView, *, seed: int | None = None) -> None:
        """Begin a line at `view`; a seed says that it is that seed's opening."""
        self.steps = [first_step(view)]
        self.seeded = seed is not None
        if seed is not None:
            self.seed = seed

    def go_on(self, move: str, view: PositionView) -> None:
        """Play `move`, which leads to `view`."""
        self.here.chosen = move
        self.steps.append(Step(view, format_position(view), move))

    def go_back(self) -> bool:
        """Take the last move of the line back; False at its beginning."""
        if len(self.steps) == 1:
            return False
        self.steps.pop()
        return True


def _margins(moves: tuple[AnalysedMove, ...]) -> dict[str, tuple[float, float | None]]:
    return {
        move.move: (move.margin, move.margin_error) for move in moves if move.margin is not None
    }
