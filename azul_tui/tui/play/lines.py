"""The lines above and below the table: what is going on, and what can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.tui.picture import Line, fit, line_width, shorten, spread
from azul_tui.tui.play.settings import is_scripted, short_name
from azul_tui.tui.play.words import (
    ended_round,
    move_words,
    prompt,
    round_scores,
    round_words,
    seat_names,
    state_words,
)

if TYPE_CHECKING:
    from azul_tui.tui.play.game import PlayGame
    from azul_tui.tui.play.view import PlayView


def headline(view: PlayView, game: PlayGame, width: int) -> Line:
    """The line above the table: whose turn it is, how the round ended, which game this is."""
    session, dot = view.session, f" {view.signs.middle} "
    left: list[tuple[str, str]] = [(" ", ""), *state_words(session, view.now)]
    ended = ended_round(game, session.settings)
    names = seat_names(session.settings, game.now.view.players)
    if session.went_on and not game.over:
        room = width - sum(len(text) for text, _ in left) - 4
        told = ("the game goes on where it was, n deals a new one", "goes on, n deals anew")
        left.append((f"   {next((words for words in told if len(words) <= room), '')}", "changed"))
    elif ended is not None and not game.over:
        room = width - sum(len(text) for text, _ in left) - 24
        words = round_words(ended, names)
        words = words if len(words) <= room else round_words(ended, names, brief=True)
        room += 20  # the round's number at the right gives way first
        words = words if len(words) <= room else round_scores(ended)
        words = shorten(words, max(1, room), view.signs.ellipsis)
        left.append((f"   {words}", "changed"))
    record = game.now.record
    brief = f"round {record.round}{dot}move {len(game.turns) + 1}"
    settings = session.settings
    whom = " against ".join(names) if settings.seat is None else short_name(settings.opponent)
    if not all(map(is_scripted, settings.engine_players())):
        whom = f"{whom}, {settings.strength_words}"
    full = f"{brief}{dot}{whom}{dot}seed {settings.seed}"
    used = sum(len(text) for text, _ in left)
    for words in (full, f"{brief}{dot}{whom}", brief):
        if used + len(words) + 3 <= width:
            return spread(tuple(left), ((words, "quiet"), (" ", "")), width)
    return fit(tuple(left), width)


def prompt_line(view: PlayView, game: PlayGame, others: tuple[int, ...], width: int) -> Line:
    """The last line: what can be chosen, and an answer to the last key or a hint.

    Args:
        view: What is shown.
        game: The game.
        others: Seats besides the own one whose boards are on the screen.
        width: Cells.
    """
    session = view.session
    line = prompt(session)
    players = game.now.view.players
    words: Line = ()
    if view.message:
        words = ((view.message, "changed"),)
    elif session.hint is not None and session.phase == "yours":
        hint = session.hint
        value = f", value {hint.value:+.2f}" if hint.value is not None and view.show_value else ""
        words = ((f"hint: {move_words(hint.move, players)}{value}", "changed"),)
    elif len(others) < players - 1:
        words = (("o", "key"), (" the others", "quiet"))
        shown = f"{len(others) + 1} of {players} boards, "
        if line_width(line) + len(shown) + line_width(words) + 2 <= width:
            words = ((shown, "quiet"), *words)
    if not words or line_width(line) + line_width(words) + 2 <= width:
        return spread(line, words, width)
    # What was asked for comes before what can be done next.
    chosen = session.pick is not None and (session.pick.source, session.pick.color) != (None, None)
    asked = view.message or (session.hint is not None and not chosen)
    return words if asked else line
