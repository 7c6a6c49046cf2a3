"""Games: what a run has kept, listed, replayed move by move, and reviewed for mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding

from azul_tui.tui.games.picture import GamesPicture, GamesView, games_body
from azul_tui.tui.screens.recorded_games import LOOKING, RecordedGamesScreen

if TYPE_CHECKING:
    from textual import events
    from textual.timer import Timer

    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.picture import Picture

PLAY_S: Final = 0.8
"""Seconds a move while the game plays on by itself."""

IN_GAME: Final = frozenset({"mistake", "play_on", "step", "to", "analyse", "take_over"})


class GamesScreen(RecordedGamesScreen):
    """The games of one run."""

    BINDINGS: ClassVar = [
        Binding("enter", "open", "replay"),
        Binding("left", "step(-1)", "back"),
        Binding("right", "step(1)", "on"),
        Binding("space", "play_on", "play"),
        Binding("m", "mistake", "next mistake"),
        Binding("a", "analyse", "analyse"),
        Binding("p", "take_over", "play on from here"),
        Binding("o", "judge", "another opinion", show=False),
        Binding("n", "next_game(1)", "next game", show=False),
        Binding("N", "next_game(-1)", "previous game", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
        Binding("home", "move(-100000)", "to the first", show=False),
        Binding("end", "move(100000)", "to the last", show=False),
        Binding("r", "again", "list again", show=False),
        Binding("escape,backspace", "back", "back"),
    ]

    def __init__(self, paths: RunPaths, place: str) -> None:
        super().__init__(paths, place)
        self.playing: Timer | None = None
        self._drawn: GamesPicture | None = None

    # -- what is shown

    def view(self) -> GamesView:
        """Everything that the picture depends on."""
        return GamesView(
            run=self.paths.name,
            games=self.games,
            replay=self.replay,
            is_open=self.is_open,
            judge=self.judges[0],
            busy=self.busy,
            trouble=self.trouble,
            playing=self.playing is not None,
            signs=self.azul.signs,
            depth=self.azul.depth,
        )

    def body(self, width: int, height: int) -> Picture:
        """The list, or a game."""
        self._drawn = games_body(self.view(), width, height)
        return self._drawn.picture

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The list and a game have their own keys."""
        if action in IN_GAME:
            return self.is_open
        if action == "open":
            return not self.is_open and bool(self.games.games)
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> str:
        """Why a key of an open game does nothing in the list."""
        if action in IN_GAME - {"step"} and self.games.games:
            return "enter replays the chosen game; this key is for a game that is replayed"
        return ""

    def describe(self, binding: Binding) -> str:
        """Space stops what it began."""
        if binding.action == "play_on" and self.playing is not None:
            return "stop"
        return super().describe(binding)

    def on_screen_suspend(self) -> None:
        """A game does not play on unseen."""
        super().on_screen_suspend()
        self._stop_playing()

    # -- keys

    def action_open(self) -> None:
        """Replay the game under the pointer."""
        listed = self.games.current()
        if listed is not None:
            self._look(self._open(listed))

    def action_back(self) -> None:
        """From a game to the list, from the list to where the screen was opened."""
        self._stop_playing()
        if not self.is_open:
            self.dismiss(None)
            return
        self.is_open = False
        self.workers.cancel_group(self, LOOKING)  # pyright: ignore[reportUnknownMemberType]
        self.busy = ""
        if self.replay is not None:
            self.replay.go(self.replay.last)
        self._list_when_changed()
        self.redraw()

    def action_again(self) -> None:
        """List again, or review again after something went wrong."""
        self.trouble = ""
        if self.is_open and self.replay is not None:
            self._look(self._review(self.replay))
        else:
            self._list()

    def action_move(self, step: int) -> None:
        """The pointer in the list; in a game ten moves or to its ends."""
        if not self.is_open:
            self.games.move(step)
            self._show_chosen()
        elif abs(step) == 1:
            self.action_next_game(step)
            return
        else:
            self.action_step(step)
        self.redraw()

    def action_next_game(self, step: int) -> None:
        """The game below or above in the list, replayed if this one is."""
        before = self.games.chosen
        self.games.move(step)
        if self.is_open and self.games.chosen != before:
            self._stop_playing()
            self.action_open()
        self.redraw()

    def action_step(self, step: int) -> None:
        """Some moves on or back."""
        if self.replay is not None and self.is_open:
            self._stop_playing()
            self.replay.go(self.replay.at + step)
            self.redraw()

    def action_mistake(self) -> None:
        """To the position before the next of the worst moves."""
        number = self.replay.next_mistake() if self.replay is not None else None
        if self.replay is not None and number is not None:
            self._stop_playing()
            self.replay.go(number)
            self.redraw()
        elif self.replay is not None and not self.replay.is_reviewed:
            self.notify("not looked at yet: mistakes are known when the review has ended")
        else:
            self.notify("the review found no mistake in this game")

    def action_play_on(self) -> None:
        """Let the game play by itself, or stop it."""
        if self.playing is not None:
            self._stop_playing()
        elif self.replay is not None:
            if self.replay.at == self.replay.last:
                self.replay.go(0)
            self.playing = self.set_interval(PLAY_S, self._tick)
        self.redraw()

    def _tick(self) -> None:
        replay = self.replay
        if replay is None or replay.at >= replay.last:
            self._stop_playing()
        else:
            replay.go(replay.at + 1)
        self.redraw()

    def _stop_playing(self) -> None:
        if self.playing is not None:
            self.playing.stop()
            self.playing = None

    def action_judge(self) -> None:
        """Ask the other network."""
        self.judges = [*self.judges[1:], self.judges[0]]
        if self.replay is not None:
            self.replay.is_reviewed = False
            if self.is_open:
                self._look(self._review(self.replay))
        self.redraw()

    def action_analyse(self) -> None:
        """Look at this position in the Analyse place."""
        from azul_tui.tui.analyse.entry import open_analyse

        if self.replay is not None:
            open_analyse(self.azul, notation=self.replay.notation, checkpoint=self.judges[0])

    def action_take_over(self) -> None:
        """Play on from this position in the Play place."""
        from azul_tui.tui.play.open import open_play

        replay = self.replay
        if replay is None:
            return
        if replay.at == replay.last:
            self.notify("the game is over here; go back a move to play on", severity="warning")
            return
        open_play(self.azul, notation=replay.notation, seat=replay.view.to_move)

    # -- the mouse

    def on_click(self, event: events.Click) -> None:
        """A click on the curve goes to that move, one on the list to that game."""
        event.stop()
        drawn = self._drawn
        if self.is_open and self.replay is not None and drawn is not None:
            x = drawn.chart.x_at(event.x - drawn.chart_left) if drawn.chart else None
            if x is not None and event.y > drawn.chart_top:
                self._stop_playing()
                self.replay.go(round(x))
        elif not self.is_open:
            row = self.games.first + event.y - 3
            if 0 <= row < len(self.games.games) and event.y >= 3:
                again = row == self.games.chosen
                self.games.chosen = row
                if again:
                    self.action_open()
                self._show_chosen()
        self.redraw()
