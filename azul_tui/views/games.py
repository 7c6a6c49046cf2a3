"""The recorded games of a run: the one that is replayed, what is thought of it, and in words.

Knows nothing of the engine's process or of a screen. Seats and moves count from 0; values are what
the first player may expect, in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azul_tui.errors import AzulError
from azul_tui.game.notation import parse_position
from azul_tui.runs.text import plain_text
from azul_tui.views.play import move_words
from azul_tui.views.play_settings import short_name
from azul_tui.views.words import shortened

if TYPE_CHECKING:
    from azul_tui.game.view import PositionView
    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.engine import ListedGame, RecordedGame, ReviewedMove
    from azul_tui.views.run_charts import ChartContent
    from azul_tui.views.words import Spans

NO_GAMES = (
    "No games are kept here yet. A run keeps two self-play games of every iteration and four of "
    "every evaluation."
)


@dataclass(slots=True)
class Replay:
    """One game, looked at move by move."""

    listed: ListedGame
    game: RecordedGame
    at: int = 0
    """Moves played so far: 0 is the first deal."""
    reviews: list[ReviewedMove] = field(default_factory=list["ReviewedMove"])
    """By number; they come in while the game is looked at."""
    mistakes: tuple[int, ...] = ()
    """Numbers of the worst moves, the worst first; known when the review has ended."""
    is_reviewed: bool = False
    trouble: str = ""
    """Why there is no review."""

    def __post_init__(self) -> None:
        """Refuse what does not hang together, which a fault alone can bring about."""
        count = len(self.game.moves)
        if len(self.game.positions) != count + 1 or len(self.game.movers) != count:
            raise AzulError(f"{self.listed.label}: the engine told {count} moves, other positions")
        assert self.view

    @property
    def last(self) -> int:
        """Moves of the whole game."""
        return len(self.game.positions) - 1

    @property
    def notation(self) -> str:
        """The position that is looked at."""
        return self.game.positions[self.at]

    @property
    def view(self) -> PositionView:
        """The same as plain values."""
        return parse_position(self.notation)

    def go(self, at: int) -> None:
        """Look at the position after `at` moves, or the nearest there is."""
        self.at = min(max(at, 0), self.last)

    def next_mistake(self) -> int | None:
        """The position before the next of the worst moves, the first after the last."""
        numbers = sorted(self.mistakes)
        return next((number for number in numbers if number > self.at), next(iter(numbers), None))

    def review(self, number: int) -> ReviewedMove | None:
        """What is thought of move `number`; None before it is known."""
        return self.reviews[number] if 0 <= number < len(self.reviews) else None

    def names(self) -> list[str]:
        """A name for every seat; those that would be equal carry their seat."""
        names = [short_name(name) for name in self.listed.names]
        if len(names) != self.game.players:
            return [f"player {seat + 1}" for seat in range(self.game.players)]
        return [f"{n} {s + 1}" if names.count(n) > 1 else n for s, n in enumerate(names)]


def judges(paths: RunPaths) -> list[str]:
    """Networks whose opinion can be asked: the run's own, and the shipped one."""
    from azul_tui.runs.listing import checkpoint_files

    if paths.best_model.is_file():
        return [paths.name, "pretrained"]
    files = checkpoint_files(paths)
    return [f"{paths.name}/{files[-1][1].name}", "pretrained"] if files else ["pretrained"]


# -- in words


def game_rows(games: tuple[ListedGame, ...], width: int) -> list[Spans]:
    """A line for every game: which it is, who played, how it ended."""
    told: list[tuple[str, str, str, str]] = []
    for game in games:
        names = [short_name(name) for name in game.names]
        winners = [names[seat] if names else f"player {seat + 1}" for seat in game.winners]
        won = "shared" if len(winners) > 1 else f"{''.join(winners)} won"
        scores = " : ".join(str(score) for score in game.scores)
        told.append((plain_text(game.label, 80), won, scores, f"{game.moves} moves"))
    widths = [max((len(each[part]) for each in told), default=0) for part in range(4)]
    room = max(10, width - widths[2] - widths[3] - 5)
    label = min(widths[0], room)
    named = min(widths[1], room - label - 2)
    gap = " " * max(0, room - label - (named + 2 if named >= 12 else 0))
    rows: list[Spans] = []
    for text, won, scores, moves in told:
        who = f"  {shortened(won, named):<{named}}" if named >= 12 else ""
        rows.append(
            (
                (f" {shortened(text, label):<{label}}", ""), (f"{who}{gap}", "quiet"),
                (f"  {scores:>{widths[2]}}", "strong"), (f"  {moves:>{widths[3]}}", "quiet"),
            )
        )  # fmt: skip
    return rows


def headline(replay: Replay, width: int, dot: str) -> Spans:
    """Which game, how it ended, and where in it."""
    names = replay.names()
    winners = " and ".join(names[seat] for seat in replay.game.winners)
    ended = "ends " + " : ".join(str(score) for score in replay.listed.scores)
    ended += f", {winners} won" if winners else ""
    place = f"round {replay.view.round} {dot} move {replay.at} of {replay.last}"
    label = shortened(plain_text(replay.listed.label, 80), max(10, width - len(place) - 3))
    room = width - len(place) - len(label) - 6
    ended = shortened(ended, room) if room >= 12 else ""
    gap = " " * max(1, width - len(label) - len(ended) - len(place) - (3 if ended else 0))
    return (label, "strong"), (f"   {ended}" if ended else "", "quiet"), (gap, ""), (place, "")


def move_rows(replay: Replay, width: int) -> list[Spans]:
    """What was played to get here, and what is played next, each with what the judge says."""
    names, rows = replay.names(), list[tuple[tuple[str, str], ...]]()
    for number, verb in ((replay.at - 1, "played"), (replay.at, "plays")):
        if not 0 <= number < replay.last:
            rows.append((("the first deal" if number < 0 else "the game is over", "quiet"),))
            continue
        who = f"{shortened(names[replay.game.movers[number]], max(8, width // 3))} {verb} "
        move = move_words(replay.game.moves[number], replay.game.players)
        for brief in (False, True):
            opinion, role = _opinion(replay, number, brief=brief)
            if len(who + move + opinion) + 3 <= width:
                break
        else:
            opinion = shortened(opinion, max(0, width - len(who + move) - 3))
        rows.append(
            ((who, ""), (move, "strong" if verb == "plays" else ""), (f"   {opinion}", role))
        )
    return rows


def _opinion(replay: Replay, number: int, *, brief: bool) -> tuple[str, str]:
    """What the judge says of a move, and the role of the words."""
    review = replay.review(number)
    if review is None or review.swing is None or review.best is None:
        return "", ""
    if review.swing < 0.005:
        return "the best", "good"
    better = review.best if brief else move_words(review.best, replay.game.players)
    told = f"costs {review.swing:.2f}, {'better' if brief else 'better was'} {better}"
    is_mistake = number in replay.mistakes
    return f"{'! ' if is_mistake else ''}{told}", "warning" if is_mistake else "quiet"


def value_title(replay: Replay) -> Spans:
    """Whose value it is, what it is now, how many mistakes there were."""
    here = replay.review(replay.at)
    spans = [(f"expected by {replay.names()[0]}", "title")]
    spans += [(f"  {here.value:+.2f}", "strong")] if here is not None else []
    if replay.is_reviewed:
        count = len(replay.mistakes)
        words = "no mistakes" if not count else f"{count} mistake{'s' if count > 1 else ''}"
        spans += [
            ("   ", ""),
            (f"! {words}" if count else words, "mark.setting" if count else "quiet"),
        ]
    return tuple(spans)


def value_content(replay: Replay) -> ChartContent:
    """The value curve over the whole game, marks at mistakes."""
    import numpy as np

    from azul_tui.views.charts import Curve, Level, Mark
    from azul_tui.views.run_charts import ChartContent

    values = np.full(replay.last + 1, np.nan)
    known = [review.value for review in replay.reviews][: len(values)]
    values[: len(known)] = known
    return ChartContent(
        name="value",
        title=value_title(replay),
        curves=[]
        if replay.trouble
        else [Curve(name="value", x=np.arange(len(values), dtype=np.float64), y=values)],
        levels=[Level(name="even", y=0.0)],
        marks=[Mark(x=float(number), kind="setting") for number in replay.mistakes],
        limits=(-1.0, 1.0),
        empty=replay.trouble or "the network has not looked at it yet",
    )
