"""The Games screen as a picture: the list of games, or one of them replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.board.draw import draw_board as draw_stacked
from azul_tui.tui.board.scale import Brush
from azul_tui.tui.board.table import draw_table as draw_board
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.games.chart import value_chart
from azul_tui.tui.picture import (
    Line,
    Picture,
    beside,
    crop,
    fit,
    join,
    line_width,
    shorten,
    spread,
    wrapped,
)
from azul_tui.tui.play.settings import short_name
from azul_tui.tui.play.words import move_words
from azul_tui.tui.table import Column, Row, draw_table, first_marked

if TYPE_CHECKING:
    from azul_tui.tui.charts.draw import Drawing
    from azul_tui.tui.engine.records import ListedGame
    from azul_tui.tui.games.session import GameList, Replay
    from azul_tui.tui.palette import Depth
    from azul_tui.tui.signs import Signs

PREVIEW = (112, 24)
"""Cells and lines from which the chosen game is shown beside the list."""
ASIDE = 58
"""Cells of that, at least: five factories stand in a row."""
COLUMNS = (
    Column(title="game", stretch=True, least=30),
    Column(title="players", gives_way=3),
    Column(title="score", align_right=True),
    Column(title="won by", gives_way=1),
    Column(title="moves", align_right=True, gives_way=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GamesView:
    """Everything that the picture depends on besides its size."""

    run: str
    games: GameList
    replay: Replay | None
    """The game that is replayed, or shown beside the list."""
    is_open: bool
    """Whether it is replayed."""
    judge: str
    busy: str
    """What the engine is doing, empty when nothing."""
    trouble: str
    playing: bool
    signs: Signs
    depth: Depth


@dataclass(frozen=True, slots=True)
class GamesPicture:
    """The picture, and where its chart is for whoever clicks."""

    picture: Picture
    chart: Drawing | None = None
    chart_left: int = 0
    chart_top: int = 0


def games_body(view: GamesView, width: int, height: int) -> GamesPicture:
    """The body of the screen."""
    if view.is_open and view.replay is not None:
        return _replayed(view, view.replay, width, height)
    return GamesPicture(_listed(view, width, height))


def _listed(view: GamesView, width: int, height: int) -> Picture:
    """The table, and beside it how the chosen game ended where there is room."""
    games = view.games
    wide = width >= PREVIEW[0] and height >= PREVIEW[1] and bool(games.games)
    left = width - max(ASIDE, width * 2 // 5) if wide else width
    inner = left - 3
    room = max(1, height - 3)
    games.first = first_marked(games.chosen, len(games.games), room, games.first)
    if games.games:
        # Self-play games have no names to show.
        named = any(game.names for game in games.games)
        columns = [column for column in COLUMNS if named or column.title != "players"]
        body = draw_table(
            columns,
            [_row(game, named=named, signs=view.signs) for game in games.games],
            inner,
            height - 2,
            chosen=games.chosen,
            first=games.first,
            signs=view.signs,
        )
    else:
        body = wrapped(_empty_words(view), inner - 2, "" if view.trouble else "quiet")
    body = [((" ", ""), *line) for line in body]
    title: Line = (("games of ", "title"), (plain_text(view.run, 40), "strong"))
    if games.games:
        title = (*title, (f"  {phrases.count(len(games.games))}", "quiet"))
    footer: Line = ((view.trouble or view.busy or _footer(games), "quiet"),)
    picture = panel(body, title, footer, left, height, view.signs)
    if not wide:
        return picture
    return beside(picture, left, _preview(view, width - left, height))


def _brief_label(label: str, signs: Signs) -> str:
    """`it 12 · greedy · game 3`: where columns are narrow the end tells the games apart."""
    if not label.startswith("iteration "):
        return label
    words = label.removeprefix("iteration ").replace(" against ", ", ")
    return f"it {words}".replace(", ", f" {signs.middle} ")


def _row(game: ListedGame, *, named: bool, signs: Signs) -> Row:
    names = [short_name(name) for name in game.names]
    winners = [names[seat] if names else f"player {seat + 1}" for seat in game.winners]
    won = "shared" if len(winners) > 1 else "".join(winners)
    players = ((" - ".join(names) if names else "self-play", "quiet"),) if named else ()
    return Row(
        (
            (_brief_label(game.label, signs), ""),
            *players,
            (" : ".join(str(score) for score in game.scores), "strong"),
            (won, ""),
            (str(game.moves), "quiet"),
        )
    )


def _empty_words(view: GamesView) -> str:
    if view.trouble:
        return view.trouble
    if not view.games.is_listed:
        return view.busy or "asking for the games"
    return (
        "No games are kept here yet. A run keeps two self-play games of every iteration and four "
        "of every evaluation; esc goes back."
    )


def _footer(games: GameList) -> str:
    if games.unreadable:
        return phrases.plural(len(games.unreadable), "file") + " could not be read"
    return f"{games.chosen + 1} of {phrases.count(len(games.games))}" if games.games else ""


def _preview(view: GamesView, width: int, height: int) -> Picture:
    """The end of the chosen game."""
    replay = view.replay
    listed = view.games.current()
    if replay is None or listed is None or replay.listed != listed:
        return panel([], (("how it ended", "title"),), (), width, height, view.signs)
    board = draw_stacked(
        replay.view,
        width - 4,
        height - 2,
        names=[short_name(name) for name in replay.names()],
        signs=view.signs,
    )
    body = [((" ", ""), *line) for line in board]
    return panel(body, (("how it ended", "title"),), (), width, height, view.signs)


def _board(view: GamesView, replay: Replay, width: int, height: int) -> Picture:
    return draw_board(
        replay.view,
        width,
        height,
        names=[short_name(name) for name in replay.names()],
        marks=replay.marks(),
        brush=Brush(view.signs, view.depth),
    ).surface.picture()


def _replayed(view: GamesView, replay: Replay, width: int, height: int) -> GamesPicture:
    """Headline, board, the move in words, and the value curve."""
    chart_height = 0 if height < 16 else 6 if height < 30 else 9
    words = [fit(((" ", ""), *line), width) for line in _words(view, replay, width - 2)]
    room = max(1, height - 1 - len(words) - chart_height)
    board = crop(_board(view, replay, width - 2, room), width - 2, room)
    picture = [_headline(view, replay, width)]
    picture += [((" ", ""), *line) for line in board]
    picture += words
    top = len(picture)
    drawing = None
    if chart_height:
        chart, drawing = value_chart(
            replay,
            width,
            chart_height,
            view.signs,
            judge=short_name(view.judge),
            busy=view.busy or view.trouble,
        )
        picture += chart
    return GamesPicture(crop(picture, width, height), drawing, 1, top + 1)


def _headline(view: GamesView, replay: Replay, width: int) -> Line:
    """Which game, and where in it."""
    listed, dot = replay.listed, f" {view.signs.middle} "
    scores = " : ".join(str(score) for score in listed.scores)
    names = [short_name(name) for name in replay.names()]
    winners = " and ".join(names[seat] for seat in replay.game.winners)
    ended = f"ends {scores}, {winners} won" if winners else f"ends {scores}"
    place = f"round {replay.view.round}{dot}move {replay.at} of {replay.last}"
    if view.playing:
        place = f"playing on{dot}{place}"
    label = shorten(listed.label, max(10, width - len(place) - 4), view.signs.ellipsis)
    room = width - len(place) - len(label) - 8
    ended = shorten(ended, room, view.signs.ellipsis) if room >= 12 else ""
    left: Line = ((" ", ""), (label, "strong"), (f"   {ended}" if ended else "", "quiet"))
    return fit(spread(left, ((place, ""), (" ", "")), width), width)


def _words(view: GamesView, replay: Replay, width: int) -> list[Line]:
    """What was played to get here, and what is played next."""
    names = [short_name(name) for name in replay.names()]
    lines: list[Line] = []
    for number, verb in ((replay.at - 1, "played"), (replay.at, "plays")):
        if not 0 <= number < replay.last:
            text = "the first deal" if number < 0 else "the game is over"
            lines.append(((text, "quiet"),))
            continue
        move = move_words(replay.game.moves[number], replay.game.players)
        who = names[replay.game.movers[number]]
        said: Line = ((f"{who} {verb} ", ""), (move, "strong" if verb == "plays" else ""))
        opinion = _opinion(view, replay, number)
        if line_width(said) + 3 + line_width(opinion) > width:
            opinion = _opinion(view, replay, number, brief=True)
        lines.append(fit(join((said, opinion)), width))
    return lines


def _opinion(view: GamesView, replay: Replay, number: int, *, brief: bool = False) -> Line:
    """What the judge says of a move."""
    review = replay.review(number)
    if review is None or review.swing is None or review.best is None:
        return ()
    if review.swing < 0.005:
        return (("the best", "good"),)
    better = review.best if brief else move_words(review.best, replay.game.players)
    is_mistake = number in replay.mistakes
    parts: list[tuple[str, str]] = [(f"{view.signs.alert} ", "alert")] if is_mistake else []
    cost = f"costs {review.swing:.2f}, {'better' if brief else 'better was'} {better}"
    return (*parts, (cost, "warning" if is_mistake else "quiet"))
