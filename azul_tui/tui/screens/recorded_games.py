"""What the Games screen asks of the engine: the games of a run, one of them, its review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from azul_tui.errors import AzulError
from azul_tui.tui.engine.process import quoted
from azul_tui.tui.engine.records import read_game, read_games, read_review
from azul_tui.tui.games.picture import PREVIEW
from azul_tui.tui.games.session import GameList, check_game
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.engine.process import EngineRecord
    from azul_tui.tui.engine.records import ListedGame
    from azul_tui.tui.games.session import Replay
    from azul_tui.tui.messages import RunAdvanced

LISTING: Final = "games list"
LOOKING: Final = "games look"
LIST_EVERY_S: Final = 5.0
SIMULATIONS: Final = 100


class RecordedGamesScreen(PictureScreen):
    """A screen that has the games of a run, and lets the engine look at them.

    Args:
        paths: The run.
        place: The place that is marked in the top line.
    """

    def __init__(self, paths: RunPaths, place: str) -> None:
        super().__init__()
        self.paths = paths
        self.PLACE = place  # pyright: ignore[reportAttributeAccessIssue] - as it was opened
        self.games = GameList()
        self.replay: Replay | None = None
        self.is_open = False
        self.busy = ""
        self.trouble = ""
        self.judges = self._judges()
        self._changed = -1.0
        self._looked_at = -1e9

    def _judges(self) -> list[str]:
        """Networks whose opinion can be asked: the run's own, and the shipped one."""
        own = [self.paths.name] if self.paths.best_model.is_file() else []
        newest = [] if own else self._newest_checkpoint()
        return [*own, *newest, "pretrained"]

    def _newest_checkpoint(self) -> list[str]:
        from azul_tui.runs.listing import checkpoint_files

        files = checkpoint_files(self.paths)
        return [str(files[-1][1])] if files else []

    # -- coming and going

    def on_mount(self) -> None:
        """Ask for the list."""
        self._list()

    def on_screen_resume(self) -> None:
        """Look for new games, and finish a review that was left."""
        super().on_screen_resume()
        self._list_when_changed()
        if self.is_open and self.replay is not None and not self.replay.is_reviewed:
            self._look(self._review(self.replay))

    def on_screen_suspend(self) -> None:
        """Leaving ends what the engine does for this screen."""
        super().on_screen_suspend()
        self.workers.cancel_group(self, LOOKING)  # pyright: ignore[reportUnknownMemberType]

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """A live run keeps more and more games."""
        if not self.is_open:
            self._list_when_changed()
        self.redraw()

    def _list_when_changed(self) -> None:
        now = self.azul.clock()
        if not self.games.is_listed or abs(now - self._looked_at) < LIST_EVERY_S:
            return
        self._looked_at = now
        try:
            changed = self.paths.games.stat().st_mtime
        except OSError:
            return
        if changed != self._changed:
            self._list()

    # -- asking the engine

    def _list(self) -> None:
        self.run_worker(self._ask_list(), group=LISTING, exclusive=True)

    def _look(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this instead of what is under way for a game."""
        self.run_worker(work, group=LOOKING, exclusive=True)

    async def _ask(self, what: str, command: str, on_record: Any = None) -> EngineRecord:
        """Ask, telling `what` is waited for; AzulError when it is refused."""
        self.busy = "starting the engine"
        self.redraw()
        engine = await self.azul.engine.get()
        self.busy = what
        self.redraw()
        return await engine.ask(command, on_record or self._hear)

    def _hear(self, record: EngineRecord) -> None:
        """How far something is."""
        if record.get("event") == "progress":
            self.busy = str(record.get("text"))
            self.redraw()

    async def _ask_list(self) -> None:
        """List the run's games."""
        if not self.paths.games.is_dir():
            self.games.fill((), ())
            self.redraw()
            return
        try:
            self._changed = self.paths.games.stat().st_mtime
            record = await self._ask("listing", f"games {quoted(str(self.paths.games))}")
            unreadable = [str(text) for text in record.get("unreadable") or ()]
            self.games.fill(read_games(record), tuple(unreadable))
            self.trouble = ""
        except (AzulError, OSError) as error:
            self.trouble = str(error)
        self.busy = ""
        self.redraw()
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Fetch the game under the pointer where it is shown beside the list."""
        listed = self.games.current()
        if listed is None or self.is_open or self.size.width < PREVIEW[0]:
            return
        if self.replay is None or self.replay.listed != listed:
            self._look(self._preview(listed))

    async def _preview(self, listed: ListedGame) -> None:
        await self._fetch(listed)
        if self.replay is not None and self.replay.listed == listed:
            self.replay.go(self.replay.last)
        self.redraw()

    async def _fetch(self, listed: ListedGame) -> None:
        """Have the game as `replay`, unless it cannot be had."""
        try:
            record = await self._ask(
                "reading the game", f"game {quoted(listed.file)} {listed.index}"
            )
            self.replay = check_game(listed, read_game(record))
            self.trouble = ""
        except AzulError as error:
            self.trouble = str(error)
        self.busy = ""

    async def _open(self, listed: ListedGame) -> None:
        """Replay a game from its start, and have it reviewed."""
        if self.replay is None or self.replay.listed != listed:
            await self._fetch(listed)
        if self.replay is None or self.replay.listed != listed:
            self.redraw()
            return
        self.is_open = True
        self.replay.go(0)
        if not self.replay.is_reviewed:
            await self._review(self.replay)
        self.redraw()

    async def _review(self, replay: Replay) -> None:
        """Ask the judge about every move."""
        judge, listed = self.judges[0], replay.listed
        replay.reviews.clear()
        replay.mistakes, replay.trouble = (), ""

        def hear(record: EngineRecord) -> None:
            self._hear(record)
            if record.get("event") == "review":
                replay.reviews.append(read_review(record))
                self.redraw()

        command = f"review {quoted(listed.file)} {listed.index} player={quoted(judge)}"
        try:
            record = await self._ask(
                "reviewing the game", f"{command} simulations={SIMULATIONS}", hear
            )
            numbers = record.get("mistakes") or ()
            replay.mistakes = tuple(number for number in numbers if isinstance(number, int))
            replay.is_reviewed = True
        except AzulError as error:
            replay.trouble = str(error)
        self.busy = ""
        self.redraw()
