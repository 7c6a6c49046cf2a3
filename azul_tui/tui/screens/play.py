"""Play: a person against a player, or two players watched, on a board that fills the screen.

Before a game `PlaySetup` asks who plays, how strong, where one sits, from which deal. The wish that
the place takes is a `Path`, the checkpoint to play against, or a position to play on from.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.errors import AzulError
from azul_tui.game.constants import COLOR_LETTERS
from azul_tui.game.notation import parse_position
from azul_tui.players.names import scripted_players
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import FormChanged, LinePicked, TilePicked
from azul_tui.tui.modals import Choose
from azul_tui.tui.modals import Pick as PickBox
from azul_tui.tui.screens.place import FramedScreen, Place
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board, Table, Target, fitted
from azul_tui.tui.widgets.form import Setting, SettingsForm
from azul_tui.tui.widgets.frame import PLACES
from azul_tui.views import words
from azul_tui.views.play import Move, Session, move_words
from azul_tui.views.play_settings import (
    ABOUT,
    SEATS,
    SPECS,
    PlaySettings,
    is_scripted,
    kept_path,
    networks,
    player_name,
    read_kept,
    short_name,
    table_for,
    write_kept,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.game.view import PositionView
    from azul_tui.views.play import Pick
    from azul_tui.views.play_settings import KeptGame

IN_THE_FORM = [field for field in SPECS if field != "opponent"]
NAMED = "named by you"
HOW_TO = "A move is three keys: factory or C, colour, line or F. Or click the tiles, then the line."
A_MOVE = "a move: factory or C, colour B Y R K W, line or F"
MAX_SEED = 1_000_000
STARTING = "the first time, compiling the rules takes a minute or two"
BESIDE, BELOW = 40, 5
"""Columns that the list of moves needs beside the boards, or else lines below them."""


class Opponents(OptionList):
    """Who can be played against; enter deals."""

    BINDINGS: ClassVar = [Binding("enter", "screen.deal", "deal")]


class PlaySetup(FramedScreen[PlaySettings | None]):
    """The setup; its result is None when the person goes back to the game that is on."""

    AUTO_FOCUS = "#opponents"
    BINDINGS: ClassVar = [
        Binding("enter", "deal", "deal", show=False),
        Binding("slash", "find", "find a player"),
        Binding("escape", "back", "back to the game"),
    ]

    def __init__(self, settings: PlaySettings, *, game_waits: bool) -> None:
        super().__init__()
        self.settings, self.game_waits, self.dealt = settings, game_waits, False
        self.problem = ""
        """What keeps the form from being dealt."""
        self.options: dict[str, str] = {}
        """Who can sit at the table, and words about them."""

    def compose_body(self) -> ComposeResult:
        """Players left, the settings right."""
        with Horizontal(id="setup"):
            opponents = Opponents(id="opponents", classes="panel", markup=False)
            opponents.border_title = Content.styled("opponent", "bold")
            yield opponents
            with Vertical(id="game-settings", classes="panel") as panel:
                panel.border_title = Content.styled("a new game", "bold")
                yield Static(HOW_TO, id="about-game", markup=False)
                yield SettingsForm(id="form")
                with Horizontal(id="buttons"):
                    yield Button("Deal", variant="primary", compact=True)

    async def on_mount(self) -> None:
        """Show what is chosen."""
        self._list()
        seat = self.settings.seat
        chosen = {**asdict(self.settings), "seat": SEATS[-1 if seat is None else seat]}
        await self.query_one(SettingsForm).show(
            [SPECS[field] for field in IN_THE_FORM],
            {},
            changes={SPECS[field].name: chosen[field] for field in IN_THE_FORM},
            pickers={SPECS["partner"].name: self._choices},
        )
        self._fit()

    def _list(self) -> None:
        """Who can sit at the table, with the opponent among them."""
        opponent, players = self.settings.opponent, self.settings.players
        named = self.options.get(opponent, NAMED) == NAMED
        shipped, *others = networks(self.azul.runs_root, players)
        scripted = [(name, ABOUT.get(name, "")) for name in scripted_players(players)]
        self.options = dict([shipped, *scripted, *others])
        if named:
            self.options.setdefault(opponent, NAMED)
        elif opponent not in self.options:  # it plays at a table of another size
            opponent = shipped[0]
            self.settings = replace(self.settings, opponent=opponent)
        listing = self.query_one(Opponents)
        with self.prevent(OptionList.OptionHighlighted):
            listing.clear_options()
            for name, about in self.options.items():
                row = Content(f"{words.shortened(short_name(name), 34):<17}  ")
                listing.add_option(Option(row + Content.styled(about, "dim")))
            listing.highlighted = list(self.options).index(opponent)

    def _choices(self) -> list[tuple[str, str]]:
        return [(name, f"{short_name(name)}   {about}") for name, about in self.options.items()]

    @on(OptionList.OptionHighlighted, "#opponents")
    def choose(self, event: OptionList.OptionHighlighted) -> None:
        """The player under the cursor is the opponent."""
        event.stop()
        self.settings = replace(self.settings, opponent=list(self.options)[event.option_index])
        self._fit()

    @on(FormChanged)
    def form_changed(self, event: FormChanged) -> None:
        """Another size of the table has other players."""
        event.stop()
        form, before = self.query_one(SettingsForm), self.settings
        told: dict[str, Any] = {field: form.value(SPECS[field].name) for field in IN_THE_FORM}
        told["seat"] = None if told["seat"] == SEATS[-1] else SEATS.index(told["seat"])
        try:
            self.settings = PlaySettings.checked({**told, "opponent": before.opponent})
        except AzulError as error:
            self.problem = str(error)
            return
        self.problem = form.problem()
        if self.settings.players != before.players:
            self._list()
        self._fit()

    def _fit(self) -> None:
        """Only the settings that mean something for this game."""
        settings, network = self.settings, not self.settings.scripted
        means = {
            "partner": settings.seat is None,
            "players": not settings.notation,
            "by_time": network,
            "simulations": network and not settings.by_time,
            "seconds": network and settings.by_time,
        }
        for field, setting in zip(IN_THE_FORM, self.query(Setting), strict=False):
            setting.display = means.get(field, True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Back leads to a game."""
        return self.game_waits if action == "back" else super().check_action(action, parameters)

    @on(Button.Pressed)
    @on(Input.Submitted)
    def action_deal(self) -> None:
        """Begin a game with what is chosen."""
        if self.problem:
            self.notify(self.problem, severity="error", markup=False)
        else:
            self.dealt = True
            self.dismiss(self.settings)

    def action_back(self) -> None:
        """Back to the game that is on."""
        self.dismiss(None)

    def action_find(self) -> None:
        """Find a player by typing, or name one that is not in the list."""

        def picked(name: str | None) -> None:
            name = plain_text(name or "", 500).replace('"', "").strip()
            if name:
                self.settings = replace(self.settings, opponent=name)
                self._list()
                self._fit()

        question = "Opponent: choose, or type a run or a path"
        chosen = self.settings.opponent
        self.azul.push_screen(PickBox(question, self._choices(), chosen, free=True), picked)


class PlayScreen(Place):
    """The table; the setup lies over it."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar = [
        Binding("enter", "do('go_on')", "try again"),
        Binding("space", "do('pause')", "pause, resume"),
        Binding("right", "do('step')", "one move"),
        Binding("h", "do('ask_hint')", "hint"),
        Binding("u", "do('undo')", "take back"),
        Binding("v", "value", "value"),
        Binding("n", "again", "new game"),
        Binding("escape", "back", "back, setup"),
        Binding("o", "turn_boards", "the other boards"),
        Binding("s", "do('swap')", "swap sides"),
        Binding("a", "analyse", "analyse"),
        Binding("plus,equals_sign", "strength(2)", "stronger", show=False),
        Binding("minus", "strength(0.5)", "weaker", show=False),
        Binding("t", "strength(0)", "strength by time or simulations", show=False),
        Binding("1", "move('1')", A_MOVE, key_display="1-9", show=False),
        *(Binding(key, f"move('{key.lower()}')", show=False) for key in "23456789cfbyrkwCFBYRKW"),
        Binding("f1", "app.place('menu')", "to the places", key_display="f1-f7", show=False),
        *(Binding(f"f{key}", f"app.place('{mode}')", show=False) for key, mode, _ in PLACES[1:]),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.show_value = True
        self.answer = ""  # to the last key, until the next one
        self.boards: tuple[int, ...] = ()
        """Seats whose boards are shown."""
        self.other: int | None = None  # the seat whose board is wanted where not all have room
        self._setup: PlaySetup | None = None  # the last one that was opened
        self._kept: KeptGame | None = None
        self._ticking: Timer | None = None

    @cached_property
    def session(self) -> Session:
        """The game under play."""
        return Session(self.azul.engine, self.changed, time.monotonic)

    def compose_body(self) -> ComposeResult:
        """What is going on, the table, who is ahead, what may be chosen."""
        yield Static("", id="headline", classes="line", markup=False)
        with Container(id="table"):
            yield Board(id="board")
            with Container(id="aside"):
                with VerticalScroll(id="moves", classes="panel"):
                    yield Static("", id="turns", markup=False)
                yield Static("", id="bag", classes="panel", markup=False)
        yield Static("", id="value", classes="line", markup=False)
        yield Static("", id="prompt", classes="line", markup=False)

    def on_mount(self) -> None:
        """Nothing starts before the person deals, but for the game that was kept."""
        self._ticking = self.set_interval(0.5, self.draw, pause=True)
        self.query_one(Board).hovers = True
        self.query_one("#value").tooltip = Content(
            "What each side may expect by the newest thought of a network; level is 50%."
        )
        self.query_one("#moves").border_title = Content.styled("moves", "bold")
        try:
            self._kept = kept = read_kept(kept_path(self.azul.runs_root))
        except AzulError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        if kept is not None:
            self.session.begin(kept.settings, kept.moves)
            self.go_on()
            self.notify("The game goes on where it was; n deals a new one.")
            if kept.note:
                self.notify(kept.note, severity="warning", markup=False)

    # -- coming and going

    def show(self) -> None:
        """What another place asked for, or the game that is on."""
        wish = self.azul.wish("play")
        if wish is not None:
            self._take(wish)
        elif self.session.phase == "none" and self.azul.screen is self:
            if self._setup is None:
                self.ask(self.session.settings)
            elif not self._setup.dealt:  # somebody went from it to the place below it
                self.ask(self._setup.settings)
        self.draw()

    def _take(self, wish: Any) -> None:
        """Set the table as another place wants it."""
        settings, root = replace(self.session.settings, notation=""), self.azul.runs_root
        if isinstance(wish, Path):
            name = player_name(wish, root)
            seats = table_for(name, root, settings.players)
            settings = replace(settings, opponent=name, players=seats)
        else:
            seats = parse_position(str(wish)).players
            settings = replace(settings, notation=str(wish), players=seats)
        if isinstance(self.azul.screen, PlaySetup):
            self.azul.pop_screen()
        seat = settings.seat and min(settings.seat, settings.players - 1)
        self.ask(replace(settings, seat=seat))

    def ask(self, settings: PlaySettings) -> None:
        """Ask what to play, beginning with these settings."""
        waits = self.session.phase != "none"
        self._setup = PlaySetup(replace(settings, seed=0), game_waits=waits)

        def answered(chosen: PlaySettings | None) -> None:
            if chosen is not None:
                self.deal(chosen)

        self.azul.push_screen(self._setup, answered)

    @work(group="deal", exclusive=True)
    async def deal(self, settings: PlaySettings) -> None:
        """Begin a game; what the person has begun is not given up unasked."""
        session, azul = self.session, self.azul
        answers = (("n", "give it up and deal a new one"), ("b", "back to the game"))
        question = Choose("This game is not over.", "", answers, "b")
        if not session.is_at_stake or await azul.push_screen_wait(question) == "n":
            seed = settings.seed or int(azul.clock() * 1000) % MAX_SEED + 1
            session.begin(replace(settings, seed=seed))
            self.go_on()

    def go_on(self) -> None:
        """Do what comes next in the game; what was being waited for is given up."""
        self.run_worker(self.session.go_on, name="play", group="play", exclusive=True)
        self.changed()

    def changed(self) -> None:
        """The session has something new to show, and to keep."""
        if not self.is_mounted:
            return
        session, away, stakes = self.session, not self.is_current, self.azul.stakes
        lost, problem, game = session.phase == "none", session.problem, session.to_keep()
        if problem and (lost or away or len(problem) > self.size.width - 2):
            self.notify(problem, severity="error", markup=False, timeout=20)
        if session.phase == "over" and away:
            self.notify(f"Play: {session.verdict()}", markup=False)
        if lost and problem:  # the game that was kept is none
            session.problem, self._setup = "", None
            if not away:
                self.show()
        elif not lost and game != self._kept:
            self._kept = game
            try:
                write_kept(kept_path(self.azul.runs_root), game)
                stakes.pop("play", None)
            except AzulError as error:  # told once
                if "play" not in stakes:
                    self.notify(str(error), severity="warning", markup=False)
                stakes["play"] = "The game is not kept."
        self.refresh_bindings()
        self.draw()

    # -- drawing

    def on_resize(self) -> None:
        """The layout may be another one."""
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Bring every part up to date; one that says the same costs nothing."""
        session, width, signs = self.session, max(20, self.size.width - 2), self.azul.signs
        if self._ticking is not None:
            (self._ticking.resume if session.waits and self.is_current else self._ticking.pause)()
        if not self.is_current:
            return
        now = session.now
        self.show_text("#headline", content(session.headline(width, f" {signs.separator} ")))
        value = ((words.shortened(session.problem, width), "alert"),)
        if now is None:
            self.query_one(Board).show(None, STARTING if session.waits else "")
            self.query_one("#aside").display = False
        else:
            self._arrange(parse_position(now.notation))
            if not self.boards:
                value = (("the boards are cut: there is too little room", "warning"),)
            elif not self.show_value:
                value = (("the value is hidden, v shows it", "quiet"),)
            elif not session.problem:
                value = session.value_spans(width, signs)
        self.show_text("#value", content(value))
        self.show_text("#prompt", self._prompt(width))

    def _arrange(self, position: PositionView) -> None:
        """The table with as many boards as there is room for, and the moves beside or below."""
        session, area = self.session, self.query_one("#table").size
        players, pick = position.players, session.pick
        lit: set[Target] = set()
        chosen: set[Target] = set()
        if pick is not None and (pick.source is not None or pick.color is not None):
            lit = {Target("tile", *tiles) for tiles in pick.takeable()}
            if pick.complete:
                rows = {Target("line", position.to_move, row) for row in pick.rows()}
                chosen, lit = lit, rows
        elif session.hint is not None:
            move = Move.parse(session.hint.move, players)
            chosen = {Target("tile", *move[:2]), Target("line", position.to_move, move.row)}
        own = session.settings.seat or 0
        follows = position.to_move if position.to_move != own else (own + 1) % players
        table = Table(
            position=position, names=tuple(session.settings.names()), near=own,
            lit=frozenset(lit), chosen=frozenset(chosen),
        )  # fmt: skip
        wanted = follows if self.other is None else self.other
        table, (wide, high) = fitted(table, area.width, area.height, self.azul.signs, wanted)
        before, self.boards = self.boards, table.boards if wide else ()
        if before != self.boards:
            self.refresh_bindings()
        beside = area.width - wide - 2 >= BESIDE
        below = not beside and area.height - high >= BELOW
        self.set_class(beside, "-beside")
        self.query_one("#aside").display = beside or below
        board = self.query_one(Board)
        board.styles.width = wide + 2 if beside else "1fr"
        board.styles.height = high if below else "1fr"
        board.show(table)
        panel = self.query_one("#moves")
        room = area.width - (wide + 6 if beside else 40)
        rows = session.move_rows(room, values=self.show_value)
        if self.show_text("#turns", lines(rows)):
            panel.scroll_end(animate=False)
        counts = ["".join(f"{word:>4}" for word in ("", *COLOR_LETTERS, "all"))]
        for name, tiles in (("bag", position.bag), ("lid", position.lid)):
            counts.append("".join(f"{word:>4}" for word in (name, *tiles, sum(tiles))))
        self.show_text("#bag", Content("\n".join(counts)))

    def _prompt(self, width: int) -> Content:
        """What can be chosen; an answer to the last key, or a hint."""
        session, told, role = self.session, self.answer, "$text-warning"
        if session.hint is not None and not told:
            move, value = session.hint.move, session.hint.value
            told, role = f"hint: {move_words(move, session.settings.players)}", "$text-success"
            told += f", value {value:+.2f}" if value is not None and self.show_value else ""
        elif not told and 0 < len(self.boards) < session.settings.players:
            told, role = "o: the other boards", "$foreground 60%"
        taken, keys = session.pick.prompt() if session.pick is not None else ("", "")
        line = Content(f"{taken}  " if taken else "") + Content.styled(keys, "bold $primary")
        if line.cell_length + len(told) + 3 > width and told:
            line = Content("")  # what was asked for comes first
        return line + Content.styled(f"{'   ' if line else ''}{words.shortened(told, width)}", role)

    # -- what a key does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can be done at this moment."""
        if action == "turn_boards":
            return 0 < len(self.boards) < self.session.settings.players
        if action == "back" or f"action_{action}" not in vars(PlayScreen):
            return super().check_action(action, parameters)
        return self.session.can(str(parameters[0]) if action == "do" else action)

    def action_do(self, what: str) -> None:
        """What the session does by itself."""
        self.answer = ""
        if what != "go_on":
            getattr(self.session, what)()
        self.go_on()

    def action_move(self, key: str) -> None:
        """A step of a move; one that comes too early does nothing."""
        self._choose(lambda pick: pick.press(key))

    @on(TilePicked)
    def tile_picked(self, message: TilePicked) -> None:
        """A click takes tiles."""
        message.stop()
        self._choose(lambda pick: pick.choose(message.source, message.color))

    @on(LinePicked)
    def line_picked(self, message: LinePicked) -> None:
        """A click lays them on a line of the own board."""
        message.stop()
        if message.seat == self.session.settings.seat:
            self._choose(lambda pick: pick.choose(pick.source, pick.color, message.line))

    def _choose(self, step: Callable[[Pick], Move | None]) -> None:
        """Go one step on with the move in hand; play it once it is whole."""
        pick = self.session.pick
        if pick is not None:
            move, self.answer = step(pick), pick.refusal
            if move is not None:
                self.session.play(move)
                self.go_on()
            self.draw()

    def action_back(self) -> None:
        """One step of the move back, then the setup."""
        pick, self.answer = self.session.pick, ""
        if pick is None or not pick.back():
            self.ask(replace(self.session.settings, notation=""))
        self.draw()

    def action_value(self) -> None:
        """Show or hide who is ahead: it gives away what the opponent thinks."""
        self.show_value = not self.show_value
        self.draw()

    def action_again(self) -> None:
        """A new game with the same players."""
        self.deal(self.session.settings.next_deal())

    def action_strength(self, factor: float) -> None:
        """Strength of the opponent from its next move on; 0 measures it the other way."""
        session = self.session
        settings = session.settings
        other = replace(settings, by_time=not settings.by_time)
        session.settings = settings.stronger(factor) if factor else other
        self.answer = session.settings.strength_words
        if not settings.scripted:
            self.answer = f"from the next move on: {self.answer}"
        self.changed()

    def action_turn_boards(self) -> None:
        """See the next of the boards for which there is no room."""
        players = self.session.settings.players
        last = self.boards[-1]
        turns = [(last + turn) % players for turn in range(1, players)]
        self.other = next(seat for seat in turns if seat not in self.boards)
        self.draw()

    def action_analyse(self) -> None:
        """Open the position in the place Analyse."""
        session = self.session
        if session.now is not None:
            name, notation = session.settings.opponent, session.now.notation
            self.azul.go_with("analyse", notation if is_scripted(name) else (notation, name))
