"""The recorded games of a run: the one that is replayed, what is thought of it, and in words.

Knows nothing of the engine's process or of a screen. Seats and moves count from 0; values are what
the first player may expect, in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azul_tui.game.notation import parse_position
from azul_tui.runs.text import plain_text
from azul_tui.views.play import move_words
from azul_tui.views.play_settings import short_name
from azul_tui.views.table import Cell, Column
from azul_tui.views.words import plural, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.charts import ChartContent
    from azul_tui.views.engine import ListedGame, RecordedGame, ReviewedMove
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
    mistakes: tuple[int, ...] | None = None
    """Numbers of the worst moves; None until the review has ended."""

    @property
    def last(self) -> int:
        """Moves of the whole game."""
        return len(self.game.positions) - 1

    @property
    def notation(self) -> str:
        """The position that is looked at."""
        return self.game.positions[self.at]

    def go(self, at: int) -> None:
        """Look at the position after `at` moves, or the nearest there is."""
        self.at = min(max(at, 0), self.last)

    def next_mistake(self) -> int | None:
        """The position before the next of the worst moves, the first after the last."""
        numbers = sorted(self.mistakes or ())
        return next((number for number in numbers if number > self.at), next(iter(numbers), None))

    def review(self, number: int) -> ReviewedMove | None:
        """What is thought of move `number`; None before it is known."""
        return self.reviews[number] if 0 <= number < len(self.reviews) else None


def judges(paths: RunPaths) -> list[str]:
    """Networks whose opinion can be asked: the run's own, and the shipped one."""
    from azul_tui.runs.listing import checkpoint_files

    newest = [f"{paths.name}/{file.name}" for _, file in checkpoint_files(paths)[-1:]]
    return [*([paths.name] if paths.best_model.is_file() else newest), "pretrained"]


# -- in words


def seat_names(game: ListedGame) -> list[str]:
    """Who sat where, by number where nobody wrote it down; equal names carry their seat."""
    names = [short_name(name) for name in game.names]
    if len(names) != game.players:
        names = ["player"] * game.players
    return [f"{n} {s + 1}" if names.count(n) > 1 else n for s, n in enumerate(names)]


def ending(game: ListedGame) -> tuple[str, str]:
    """How a game ended, `41 : 37`, and who won it, or `shared`."""
    names = seat_names(game)
    winners = [names[seat] for seat in game.winners if seat < len(names)]
    return " : ".join(map(str, game.scores)), "shared" if len(winners) > 1 else "".join(winners)


def columns(listed: Iterable[ListedGame]) -> list[Column]:
    """The table of these games, the newest of which comes first."""
    newest = {(game.file, game.index): -place for place, game in enumerate(listed)}

    def score(game: ListedGame) -> Cell:
        return Cell(max(game.scores, default=0), ending(game)[0], "strong")

    def winner(game: ListedGame) -> Cell:
        return Cell(ending(game)[1], shortened(ending(game)[1], 30), "quiet")

    def label(game: ListedGame) -> Cell:
        return Cell(newest[game.file, game.index], plain_text(game.label, 80))

    return [
        Column("game", "game", label, right=False, least=31),
        Column("winner", "won by", winner, right=False, gives_way=1, falls=False),
        Column("score", "score", score),
        Column("moves", "moves", lambda g: Cell(g.moves, str(g.moves), "quiet"), gives_way=2),
    ]


def headline(replay: Replay, width: int, dot: str) -> Spans:
    """Which game, how it ended where there is room, and where in it."""
    number = parse_position(replay.notation).round
    place = f"round {number} {dot} move {replay.at} of {replay.last}"
    label = shortened(plain_text(replay.listed.label, 80), max(10, width - len(place) - 3))
    score, winner = ending(replay.listed)
    room = width - len(place) - len(label)
    won = winner if winner == "shared" else f"{winner} won"
    fitting = (f"   ends {score}, {won}", f"   ends {score}", "")
    ended = next(text for text in fitting if len(text) < room or not text)
    return (
        (label, "strong"),
        (ended, "quiet"),
        (f"{'':{max(1, room - len(ended))}}", ""),
        (place, ""),
    )


def move_rows(replay: Replay, width: int) -> list[Spans]:
    """What was played to get here, and what is played next, each with what the judge says."""
    names, rows = seat_names(replay.listed), list[tuple[tuple[str, str], ...]]()
    for number, verb in ((replay.at - 1, "played"), (replay.at, "plays")):
        if not 0 <= number < replay.last:
            rows.append((("the first deal" if number < 0 else "the game is over", "quiet"),))
            continue
        who = f"{shortened(names[replay.game.movers[number]], max(8, width // 3))} {verb} "
        move = move_words(replay.game.moves[number], replay.game.players)
        said, role = _opinion(replay, number, max(0, width - len(who + move) - 3))
        rows.append(((who, ""), (move, "strong" if verb == "plays" else ""), (f"   {said}", role)))
    return rows


def _opinion(replay: Replay, number: int, room: int) -> tuple[str, str]:
    """What the judge says of a move in so many cells, and the role of the words."""
    review = replay.review(number)
    if review is None or review.swing is None or review.best is None:
        return "", ""
    if review.swing < 0.005:
        return shortened("the best", room), "good"
    is_mistake = number in (replay.mistakes or ())
    told = f"{'! ' if is_mistake else ''}costs {review.swing:.2f}, better"
    said = f"{told} was {move_words(review.best, replay.game.players)}"
    if len(said) > room:
        said = f"{told} {review.best}"
    return shortened(said, room), "warning" if is_mistake else "quiet"


def value_content(replay: Replay, below: str, trouble: str) -> ChartContent:
    """The value curve over the whole game, marks at mistakes.

    `below` is what the judge does, or who it is; `trouble` why there is no review.
    """
    import numpy as np

    from azul_tui.views.charts import ChartContent, Curve, Level, Mark

    here, mistakes = replay.review(replay.at), replay.mistakes
    found = "" if mistakes is None else f"   ! {plural(len(mistakes), 'mistake')}"
    title = (
        (f"expected by {seat_names(replay.listed)[0]}", "title"),
        (f"  {here.value:+.2f}" if here is not None else "", "strong"),
        (found if mistakes != () else "   no mistakes", "mark.setting" if mistakes else "quiet"),
        (f"   {below}", "quiet"),
    )
    values = np.full(replay.last + 1, np.nan)
    known = [review.value for review in replay.reviews][: len(values)]
    values[: len(known)] = known
    curve = Curve(name="value", x=np.arange(len(values), dtype=np.float64), y=values)
    return ChartContent(
        name="value", title=title, curves=[] if trouble else [curve],
        levels=[Level(name="even", y=0.0)], limits=(-1.0, 1.0),
        marks=[Mark(x=float(number), kind="setting") for number in mistakes or ()],
        empty=trouble or "the network has not looked at it yet",
    )  # fmt: skip
