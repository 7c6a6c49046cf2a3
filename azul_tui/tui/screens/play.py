"""Play: a person against a player, or two players watched, on a board that fills the screen.

The wish that it takes is a `Path`, the checkpoint to play against, or a position to play on from.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from azul_tui.errors import AzulError
from azul_tui.game.constants import COLOR_LETTERS
from azul_tui.game.notation import parse_position
from azul_tui.tui.messages import LinePicked, TilePicked
from azul_tui.tui.screens.place import Place
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board, Table, Target, fitted
from azul_tui.tui.widgets.frame import PLACES, link
from azul_tui.views import play_words, words
from azul_tui.views.play import Move, Session, view_of
from azul_tui.views.play_settings import (
    PlaySettings,
    is_scripted,
    kept_path,
    player_name,
    read_kept,
    short_name,
    write_kept,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.views.play import Game
    from azul_tui.views.play_settings import KeptGame
    from azul_tui.views.words import Spans

MOVE_KEYS = "123456789cfbyrkwCFBYRKW"
MAX_SEED = 1_000_000
STARTING = (
    "The engine is a process of its own. The first time it compiles the rules, which takes a "
    "minute or two; later it starts in seconds. Other places stay usable."
)
BESIDE = 40
"""Columns that the list of moves takes beside the boards; with fewer it stands below them."""
BELOW = 5
"""Lines from which it stands there."""


class PlayScreen(Place):
    """The table; the setup lies over it."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar = [
        Binding("enter", "go_on", "try again"),
        Binding("space", "pause", "stand still, go on"),
        Binding("right", "one_move", "one move"),
        Binding("h", "hint", "hint"),
        Binding("u", "undo", "take back"),
        Binding("v", "value", "value"),
        Binding("n", "again", "new game"),
        Binding("escape", "back", "back, setup"),
        Binding("o", "turn_boards", "the other boards"),
        Binding("a", "analyse", "analyse", show=False),
        Binding("s", "swap", "swap sides", show=False),
        Binding("plus,equals_sign", "stronger(1)", "stronger", show=False),
        Binding("minus", "stronger(-1)", "weaker", show=False),
        Binding("t", "measure", "strength by time or simulations", show=False),
        Binding(
            "1", "move('1')", "a move: factory or C, colour B Y R K W, line or F",
            key_display="1-9", show=False,
        ),
        *(Binding(key, f"move('{key.lower()}')", show=False) for key in MOVE_KEYS[1:]),
        Binding("f1", "app.place('menu')", "to the places", key_display="f1-f7", show=False),
        *(
            Binding(f"f{key}", f"app.place('{mode}')", show=False)
            for key, mode, _ in PLACES[1:]
        ),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.settings = PlaySettings(seed=0)
        """What the setup begins with."""
        self.show_value = True
        self.answer = ""
        """An answer to the last key, until the next one."""
        self.other: int | None = None
        """The seat whose board is wanted where there is no room for all."""
        self.boards: tuple[int, ...] = ()
        """Seats whose boards are shown."""
        self.found: KeptGame | None = None
        """The game that was kept, until it is gone on with or given up."""
        self._written: KeptGame | None = None
        self._not_kept = ""
        self._opened = False
        self._ticking: Timer | None = None
        self._moves_key: object = None

    @cached_property
    def session(self) -> Session:
        """The game under play."""
        return Session(self.azul.engines, self.changed, time.monotonic)

    def compose_body(self) -> ComposeResult:
        """What is going on, the table, who is ahead, what may be chosen."""
        yield Static("", id="headline", classes="line", markup=False)
        with Container(id="table"):
            yield Static("", id="waiting", classes="empty", markup=False)
            yield Board(id="board")
            with Container(id="aside"):
                with VerticalScroll(id="moves", classes="panel"):
                    yield Static("", id="turns", markup=False)
                yield Static("", id="bag", classes="panel", markup=False)
        yield Static("", id="value", classes="line", markup=False)
        yield Static("", id="prompt", classes="line", markup=False)

    def on_mount(self) -> None:
        """Nothing starts before the person deals, or goes on with the game that was kept."""
        self._ticking = self.set_interval(0.5, self.draw, pause=True)
        self.query_one(Board).hovers = True
        self.query_one("#value").tooltip = Content(
            "What each side may expect by the newest thought of a network; level is 50%."
        )
        self.query_one("#moves").border_title = Content.styled("moves", "bold")
        self.query_one("#bag").border_title = Content.styled("bag and lid", "bold")
        try:
            self.found = self._written = read_kept(kept_path(self.azul.runs_root))
            if self.found is not None and self.found.note:
                self.notify(self.found.note, severity="warning", markup=False)
        except AzulError as error:
            self.notify(str(error), severity="warning", markup=False)

    # -- coming and going

    def show(self) -> None:
        """What another place asked for, or the game that is on."""
        wish = self.azul.wish("play")
        if wish is not None:
            self._take(wish)
        elif not self._opened:
            self.back_to_game()
        self._opened = True
        self.draw()

    def _take(self, wish: Any) -> None:
        """Set the table as another place wants it."""
        from azul_tui.tui.screens.play_setup import PlaySetup
        from azul_tui.views.checkpoint_list import seats_of, shipped_rows

        settings = replace(self.settings, notation="")
        try:
            if isinstance(wish, Path):
                root = self.azul.runs_root
                shipped = [row for row in shipped_rows(root) if row.file == wish]
                name = shipped[0].run if shipped else player_name(wish, root)
                seats = shipped[0].players if shipped else seats_of(wish.parent / "config.toml")
                settings = replace(settings, opponent=name, players=seats or settings.players)
            else:
                seats = parse_position(str(wish)).players
                settings = replace(settings, notation=str(wish), players=seats)
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        seat = None if settings.seat is None else min(settings.seat, settings.players - 1)
        self.settings = replace(settings, seat=seat)
        if isinstance(self.azul.screen, PlaySetup):
            self.azul.pop_screen()
        self.open_setup()

    def open_setup(self) -> None:
        """Choose who plays; a game that is on waits."""
        from azul_tui.tui.screens.play_setup import PlaySetup

        def chosen(settings: PlaySettings | None) -> None:
            if settings is None:
                self.back_to_game()
            else:
                self.settings = replace(settings, notation="")
                self.begin(settings)

        waits = self.found is not None or self.session.phase != "none"
        self.azul.push_screen(PlaySetup(self.settings, game_waits=waits), chosen)

    def back_to_game(self) -> None:
        """Go on with the game that is on or was kept; the setup where there is none."""
        session, kept = self.session, self.found
        if kept is not None:
            self.found = None
            self.settings = replace(kept.settings, seed=0, notation="")
            self.run_alone(session.take_up(kept))
        elif session.phase == "none":
            self.open_setup()

    def begin(self, settings: PlaySettings) -> None:
        """Deal; a game that the person has begun is given up only when asked for twice."""
        session, kept = self.session, self.found

        def deal() -> None:
            seed = settings.seed or int(self.azul.clock() * 1000) % MAX_SEED + 1
            self.found = None
            self.run_alone(session.begin(replace(settings, seed=seed)))

        if not session.is_at_stake and (kept is None or kept.settings.seat is None):
            deal()
            return
        from azul_tui.tui.modals import Choose

        answers = (("n", "give it up and deal a new one"), ("b", "back to the game"))
        detail = "It is the one that was kept." if kept is not None else ""
        self.azul.push_screen(
            Choose("This game is not over.", detail, answers, "b"),
            lambda answer: deal() if answer == "n" else self.back_to_game(),
        )

    def run_alone(self, work: Coroutine[Any, Any, None]) -> None:
        """Do one thing at a time: what was being waited for is given up."""
        self.answer = ""
        self.run_worker(work, name="play", group="play", exclusive=True)
        self.draw()

    def on_screen_suspend(self) -> None:
        """Nobody looks: the game goes on, the seconds need not be counted."""
        if self._ticking is not None:
            self._ticking.pause()

    def changed(self) -> None:
        """The session has something new to show, and to keep."""
        session = self.session
        if not self.is_mounted:
            return
        if session.phase != "none":
            self._keep(session.to_keep())
            if session.is_at_stake and self._not_kept:
                self.azul.stakes["play"] = "The game is not kept."
            else:
                self.azul.stakes.pop("play", None)
        elif session.lost:
            self.notify(session.lost, severity="warning", markup=False)
            self._opened = False
            if self.is_current:
                self.show()
        elsewhere = not self.is_current
        if session.phase == "over" and elsewhere and session.game is not None:
            self.notify(f"Play: {play_words.verdict(session.game, session.settings)}", markup=False)
        if session.phase == "broken" and (elsewhere or len(session.problem) > self.size.width - 2):
            self.notify(session.problem, severity="error", markup=False, timeout=20)
        self.refresh_bindings()
        self.draw()

    def _keep(self, game: KeptGame | None) -> None:
        """Write the game when it changed; what is wrong with that is told once."""
        if game == self._written and not (self._not_kept and game is not None):
            return
        before, self._not_kept, self._written = self._not_kept, "", game
        try:
            write_kept(kept_path(self.azul.runs_root), game)
        except AzulError as error:
            self._not_kept = str(error)
            if not before:
                self.notify(self._not_kept, severity="warning", markup=False)

    # -- drawing

    def on_resize(self) -> None:
        """The layout may be another one."""
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Bring every part up to date; one that says the same costs nothing."""
        session = self.session
        if not self.is_current:
            return
        waits = session.phase in {"starting", "thinking"} or session.hinting
        if self._ticking is not None:
            (self._ticking.resume if waits else self._ticking.pause)()
        game, width = session.game, max(20, self.size.width - 2)
        self._say("#headline", self._headline(session, width))
        board, waiting = self.query_one(Board), self.query_one("#waiting", Static)
        waiting.display, board.display = game is None, game is not None
        if game is None:
            told = STARTING if session.phase == "starting" else "n deals a game."
            self._say("#waiting", Content(session.problem or told))
            self.query_one("#aside").display = False
            self._say("#value", Content(""))
        else:
            table = self._arrange(session, game)
            board.show(table)
            self._show_moves(session, game)
            spans = play_words.value_spans(
                session, game, width, self.azul.signs, shown=self.show_value
            )
            if not self.boards:
                spans = (("the boards are cut: there is too little room", "warning"),)
            self._say("#value", content(spans))
        self._say("#prompt", self._prompt(session, width))

    def _say(self, selector: str, text: Content) -> None:
        widget = self.query_one(selector, Static)
        if widget.content != text:
            widget.update(text, layout=False)

    def _headline(self, session: Session, width: int) -> Content:
        """Whose turn it is, how the round ended, and which game this is."""
        game, settings = session.game, session.settings
        state, role = play_words.state_words(session, time.monotonic())
        left: list[tuple[str, str]] = [(words.shortened(state, width), role)]
        if game is None:
            return content(tuple(left))
        names = play_words.seat_names(settings)
        ended = play_words.last_round(game, settings)
        whom = " against ".join(names) if settings.seat is None else short_name(settings.opponent)
        if not settings.scripted:
            whom += f", {settings.strength_words}"
        dot = f" {self.azul.signs.separator} "
        brief = f"round {game.now.round}{dot}move {len(game.turns) + 1}"
        news = [""]
        if session.went_on and not game.over:
            news = ["the game goes on where it was, n deals a new one", "goes on, n deals anew", ""]
        elif ended is not None and not game.over:
            news = [play_words.round_words(ended, names), play_words.round_words(ended, ()), ""]
        rights = [f"{brief}{dot}{whom}{dot}seed {settings.seed}", f"{brief}{dot}{whom}", brief, ""]
        choices = [(new, right) for new in news for right in rights]
        new, right = next(
            ((n, r) for n, r in choices if len(state) + len(n) + len(r) + 6 <= width), ("", "")
        )
        gap = " " * max(1, width - len(state) - len(new) - len(right) - (3 if new else 0))
        left += [(f"   {new}" if new else "", "good"), (gap, ""), (right, "quiet")]
        return content(tuple(left))

    def _arrange(self, session: Session, game: Game) -> Table:
        """The table with as many boards as there is room for, and the moves beside or below."""
        area = self.query_one("#table").size
        settings, pick = session.settings, session.pick
        lit: set[Target] = set()
        chosen: set[Target] = set()
        if pick is not None and pick.begun:
            tiles = {Target("tile", *group) for group in pick.takeable()}
            rows = {Target("line", game.to_move, row) for row in pick.rows()}
            chosen, lit = (tiles, rows) if pick.complete else (set(), tiles)
        elif session.hint is not None:
            move = Move.parse(session.hint.move, settings.players)
            chosen = {Target("tile", *move[:2]), Target("line", game.to_move, move.row)}
        own, position = settings.seat or 0, view_of(game.now)
        follows = game.to_move if game.to_move != own else (own + 1) % settings.players
        table, extent = fitted(
            Table(
                position=position,
                names=tuple(play_words.seat_names(settings)),
                near=own,
                lit=frozenset(lit),
                chosen=frozenset(chosen),
            ),
            *(area.width, area.height, self.azul.signs),
            follows if self.other is None else self.other,
        )
        before, self.boards = self.boards, table.boards if extent != (0, 0) else ()
        if before != self.boards:
            self.refresh_bindings()
        aside, board = self.query_one("#aside"), self.query_one(Board)
        beside = area.width - extent[0] - 2 >= BESIDE
        below = not beside and area.height - extent[1] >= BELOW
        self.set_class(beside, "-beside")
        aside.display = beside or below
        board.styles.width = extent[0] + 2 if beside else "1fr"
        board.styles.height = extent[1] if below else "1fr"
        self.query_one("#bag").display = beside or area.height - extent[1] >= 9
        return table

    def _show_moves(self, session: Session, game: Game) -> None:
        """Every move with what its mover thought, the newest at the bottom; the bag and lid."""
        width = self.query_one("#moves").size.width
        bagged = self.query_one("#bag").display
        turns = len(game.turns)
        key = (session.settings, turns, id(game), self.show_value, width, bagged)
        if key == self._moves_key:
            return
        self._moves_key = key
        names, players = play_words.seat_names(session.settings), session.settings.players
        longest = min(24, max(map(len, names)))
        moves = [turn.move for turn in game.turns]
        spelt = [play_words.move_words(move, players) for move in moves]
        spelt = spelt if longest + max(map(len, spelt), default=0) + 14 <= width else moves
        room = max(map(len, spelt), default=0)
        rows: list[Spans] = []
        for number, turn in enumerate(game.turns, 1):
            name = words.shortened(names[turn.seat], longest)
            told = f"{spelt[number - 1]:<{room}}"
            value = f"{turn.values[turn.seat]:+.2f}" if turn.values and self.show_value else ""
            newest = "strong" if number == turns else ""
            rows.append(((f"{number:>3} ", "quiet"), (f"{name:<{longest}}  ", newest or "quiet"),
                         (told, newest), (f" {value}", "quiet")))  # fmt: skip
            if turn.after.round_ended:
                rows.append(((f"    {play_words.round_words(turn, names)}", "good"),))
        position = view_of(game.now)
        if game.over:
            rows += [((play_words.verdict(game, session.settings), "strong"),)]
            rows += [
                ((f"{name}: {play_words.bonus_words(board)}", ""),)
                for name, board in zip(names, position.boards, strict=True)
            ]
        self.query_one("#turns", Static).update(lines(rows))
        panel = self.query_one("#moves")
        panel.scroll_end(animate=False)
        counts = list(zip(COLOR_LETTERS, position.bag, position.lid, strict=True))
        rows = [((f"     {'bag':>4} {'lid':>4}", "quiet"),)]
        rows += [((f"  {letter}  {bag:>4} {lid:>4}", ""),) for letter, bag, lid in counts]
        rows += [((f" all {sum(position.bag):>4} {sum(position.lid):>4}", "quiet"),)]
        self.query_one("#bag", Static).update(lines(rows))
        bag = " ".join(f"{letter}{count}" for letter, count, _ in counts)
        lid = " ".join(f"{letter}{count}" for letter, _, count in counts)
        shown = "" if bagged else f"bag {bag}   lid {lid}"
        panel.border_subtitle = Content(shown)

    def _prompt(self, session: Session, width: int) -> Content:
        """What can be chosen, each key a click; an answer to the last key, or a hint."""
        pick, hint = session.pick, session.hint
        told, role = self.answer, "$text-warning"
        if pick is not None and pick.refusal:
            told = pick.refusal
        elif hint is not None and not told and session.phase == "yours":
            told = f"hint: {play_words.move_words(hint.move, session.settings.players)}"
            if hint.value is not None and self.show_value:
                told += f", value {hint.value:+.2f}"
            role = "$text-success"
        elif not told and self.boards and len(self.boards) < session.settings.players:
            told, role = "o: the other boards", "$foreground 60%"
        parts = [
            link(text, f"screen.simulate('{key}')", "bold $primary") if key else Content(text)
            for text, key in play_words.prompt(session)
        ]
        line = Content("").join(parts)
        if told and line.cell_length + len(told) + 3 > width:
            return Content.styled(told, role)  # what was asked for comes first
        gap = "   " if line and told else ""
        return line + Content.styled(f"{gap}{told}", role)

    # -- what a key does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can be done at this moment."""
        if f"action_{action}" not in vars(PlayScreen):
            return super().check_action(action, parameters)
        session = self.session
        watched, phase, on = session.settings.seat is None, session.phase, session.game is not None
        return {
            "back": True,
            "simulate": True,
            "go_on": phase == "broken",
            "pause": on and watched and phase in {"thinking", "paused"},
            "one_move": on and watched and phase == "paused",
            "hint": session.pick is not None,
            "again": phase != "none",
            "swap": on and not watched and not session.is_sending,
            "turn_boards": 0 < len(self.boards) < session.settings.players,
            "move": on and not watched and phase != "over",
            "stronger": phase != "none",
            "measure": phase != "none",
        }.get(action, on)

    def action_simulate(self, key: str) -> None:
        """A click on a key in the last line."""
        self.azul.simulate_key(key)

    def action_move(self, key: str) -> None:
        """A step of a move; one that comes too early does nothing."""
        session = self.session
        self.answer = ""
        if session.pick is None or session.phase != "yours":
            return
        move = session.pick.press(key)
        if move is not None:
            self.run_alone(session.play(move))
        self.draw()

    @on(TilePicked)
    def tile_picked(self, message: TilePicked) -> None:
        """A click takes tiles."""
        message.stop()
        if self.session.pick is not None:
            self.session.pick.take(message.source, message.color)
            self.draw()

    @on(LinePicked)
    def line_picked(self, message: LinePicked) -> None:
        """A click lays them on a line of the own board."""
        message.stop()
        session = self.session
        if session.pick is None or session.game is None:
            return
        move = session.pick.lay(message.line) if message.seat == session.game.to_move else None
        if move is not None:
            self.run_alone(session.play(move))
        self.draw()

    def action_back(self) -> None:
        """One step of the move back, then the setup."""
        session = self.session
        self.answer = ""
        if session.pick is None or not session.pick.back():
            self.open_setup()
        self.draw()

    def action_go_on(self) -> None:
        """Try again what went wrong."""
        self.run_alone(self.session.go_on())

    def action_pause(self) -> None:
        """Let the watched game stand still, or go on."""
        session = self.session
        session.paused = not session.paused
        if not session.paused:
            self.run_alone(session.go_on())

    def action_one_move(self) -> None:
        """One move of the watched game."""
        self.run_alone(self.session.step())

    def action_hint(self) -> None:
        """What would the opponent play?"""
        if self.session.pick is not None:
            self.session.pick.refusal = ""
        self.run_alone(self.session.ask_hint())

    def action_undo(self) -> None:
        """Take the last decision back."""
        session = self.session
        if session.game is None:
            return
        if not session.is_sending and session.game.undo_to(session.settings.seat) < 0:
            self.answer = "there is no move of yours to take back"
            self.draw()
        else:
            self.run_alone(session.undo())

    def action_value(self) -> None:
        """Show or hide who is ahead: it gives away what the opponent thinks."""
        self.show_value = not self.show_value
        self.draw()

    def action_again(self) -> None:
        """A new game with the same players, from another deal unless a seed was chosen."""
        settings = self.session.settings
        self.begin(replace(settings, seed=self.settings.seed, notation=""))

    def action_swap(self) -> None:
        """The next seat: in this game, or in a new one when it is over."""
        session = self.session
        if session.settings.seat is None:
            return
        seat = (session.settings.seat + 1) % session.settings.players
        self.settings = replace(self.settings, seat=seat)
        if session.phase == "over":
            self.begin(replace(session.settings, seat=seat, seed=self.settings.seed, notation=""))
        else:
            self.run_alone(session.swap())

    def action_stronger(self, step: int) -> None:
        """Strength of the opponent from its next move on."""
        self._set_strength(self.session.settings.stronger(step))

    def action_measure(self) -> None:
        """Strength by time or by simulations."""
        settings = self.session.settings
        self._set_strength(replace(settings, by_time=not settings.by_time))

    def _set_strength(self, settings: PlaySettings) -> None:
        session = self.session
        session.settings = settings
        self.settings = replace(
            self.settings, by_time=settings.by_time, simulations=settings.simulations,
            seconds=settings.seconds,
        )  # fmt: skip
        one = "scripted players have one strength"
        self.answer = (
            one if settings.scripted else f"from the next move on: {settings.strength_words}"
        )
        self.changed()

    def action_turn_boards(self) -> None:
        """See the next of the boards for which there is no room."""
        session = self.session
        if self.boards:
            own, players = session.settings.seat or 0, session.settings.players
            order = [(own + turn) % players for turn in range(1, players)]
            hidden = [seat for seat in order if seat not in self.boards]
            last = max((order.index(seat) for seat in self.boards if seat != own), default=-1)
            after = [seat for seat in hidden if order.index(seat) > last]
            self.other = (after or hidden or [None])[0]
            self.draw()

    def action_analyse(self) -> None:
        """Open the position in the place Analyse."""
        session = self.session
        if session.game is not None:
            name, notation = session.settings.opponent, session.game.now.notation
            wish = notation if is_scripted(name) else (notation, name)
            self.azul.go_with("analyse", wish)
