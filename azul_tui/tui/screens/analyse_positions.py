"""The keys of the Analyse place that change the position: a line, an opening, a text, by hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from azul_tui.errors import NotationError
from azul_tui.runs.text import plain_text
from azul_tui.tui.analyse.text import read_position, refusal
from azul_tui.tui.screens.analyse_place import AnalysePlace

if TYPE_CHECKING:
    from textual import events

    from azul_tui.game.view import PositionView


class AnalysePositions(AnalysePlace):
    """Where the line begins and how it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._refused: PositionView | None = None
        """A pasted position that breaks a rule; the editor opens on it."""

    def look_at(
        self, view: PositionView, moves: tuple[str, ...] = (), seed: int | None = None
    ) -> None:
        """Begin a line at `view` and play `moves`."""
        self.session.start(view, seed=seed)
        self.moves.begin()
        if moves or view.phase == "afterstate":
            self.walk(moves)
        else:
            self.think()

    def walk(self, moves: tuple[str, ...]) -> None:
        """Play moves from here in the engine, which knows the refills, and think there."""
        self.walking = True
        self.work(partial(self._walk, moves))

    async def _walk(self, moves: tuple[str, ...]) -> None:
        session = self.session
        try:
            if not moves:  # a scored round: the factories are filled first
                view = await self.thinking.walk(session.here.notation, (), session.seed)
                if view is not None:
                    session.start(view)
            for move in moves:
                view = await self.thinking.walk(session.here.notation, (move,), session.seed)
                if view is None:
                    return
                session.go_on(move, view)
                self.moves.begin()
        except NotationError as error:
            self.say(plain_text(str(error), 300), bad=True)
        finally:
            self.walking = False
        await self.think_on()

    def read(self, text: str) -> None:
        """Look at a position that was pasted or typed; say what is wrong with it otherwise."""
        self._refused = None
        try:
            given = read_position(text)
        except NotationError as error:
            self.say(plain_text(str(error), 300), bad=True)
            return
        if given.faults:
            self._refused = given.view
            self.say(f"{refusal(given.faults)}; e opens it to be mended", bad=True)
            return
        self.message = ""
        self.look_at(given.view, given.moves)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted position is looked at."""
        event.stop()
        self.read(event.text)

    def action_type(self) -> None:
        """Type a position, checked while it is typed."""
        from azul_tui.tui.analyse.prompt import PositionPrompt

        def answered(text: str | None) -> None:
            if text is not None:
                self.read(text)

        self.azul.push_screen(PositionPrompt(self.session.here.notation), answered)

    def action_edit(self) -> None:
        """Set a position up by hand, beginning with this one."""
        from azul_tui.tui.screens.position_editor import PositionEditor

        def answered(view: PositionView | None) -> None:
            if view is not None:
                self._refused = None
                self.message = ""
                self.look_at(view)
            else:
                self.think()

        self.stop_working()
        begun = self._refused if self._refused is not None else self.session.here.view
        self.azul.push_screen(PositionEditor(begun), answered)

    def action_new(self) -> None:
        """The opening of the next seed."""
        self._open(self.session.here.view.players, self.session.seed + 1)

    def action_more_players(self) -> None:
        """An opening for one player more; two after four."""
        players = self.session.here.view.players
        self._open(players + 1 if players < 4 else 2, self.session.seed)

    def _open(self, players: int, seed: int) -> None:
        self.message = ""
        self.walking = True
        self.work(partial(self._deal, players, seed))

    async def _deal(self, players: int, seed: int) -> None:
        try:
            view = await self.thinking.walk(f"new players={players}", (), seed)
            if view is not None:
                self.session.start(view, seed=seed)
                self.moves.begin()
        except NotationError as error:
            self.say(plain_text(str(error), 300), bad=True)
        finally:
            self.walking = False
        await self.think_on()

    def action_play_move(self) -> None:
        """Play the move under the pointer and look at what follows."""
        entry = self.chosen()
        if entry is not None and not self.walking:
            self.message = ""
            self.walk((entry.move,))

    def action_back(self) -> None:
        """Take the last move of the line back."""
        if self.session.go_back():
            self.message = ""
            self.moves.begin()
            self.think()
