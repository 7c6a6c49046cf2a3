"""The keys of Play's setup: who, how strong, where one sits, from which deal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from azul_tui.errors import AzulError
from azul_tui.tui.screens.play_place import PlayPlace

if TYPE_CHECKING:
    from azul_tui.tui.checkpoints.listing import CheckpointIndex
    from azul_tui.tui.play.open import PlayRequest

LISTING_MS: Final = 4.0
"""Reading of records for the list of checkpoints, each time that it is shown."""


class PlaySetupKeys(PlayPlace):
    """What the keys do before a game."""

    def __init__(self) -> None:
        super().__init__()
        self._player_was_chosen = False
        self._index: CheckpointIndex | None = None

    def list_players(self) -> None:
        """Know who can be chosen; a new checkpoint may have come."""
        from azul_tui.tui.checkpoints.listing import CheckpointIndex

        if self._index is None:
            self._index = CheckpointIndex(self.azul.runs_root)
        self._index.refresh(LISTING_MS)
        self.setup.list_players(self._index.rows)
        if not self._player_was_chosen and self.setup.settings.players == 2:
            # The first player of the list is the strongest that comes with the program.
            self._player_was_chosen = True
            if self.setup.options:
                first = self.setup.options[0].name
                opponent = first if first == "pretrained" else "greedy"
                self.setup.choose("opponent", opponent)

    def take_over(self, request: PlayRequest) -> None:
        """Set the table as another place wants it."""
        try:
            settings = request.applied_to(self.setup.settings)
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._player_was_chosen = self._player_was_chosen or bool(request.opponent)
        self.list_players()
        seats = self.setup.seats_for(request.opponent)
        if seats is not None and not request.notation and not request.players:
            settings = replace(settings, players=seats, seat=min(settings.seat or 0, seats - 1))
        self.setup.settings = settings
        self.list_players()
        self._repair()
        self.setup.chosen = 0
        self.in_setup = True
        if request.start:
            self.action_deal()

    def _repair(self) -> None:
        """Say who cannot sit at the table and who does instead."""
        words = self.setup.repair()
        if words:
            self.notify(words, markup=False)

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        self.setup.move(step)
        self.redraw()

    def action_change(self, step: int) -> None:
        """Another value."""
        before = self.setup.settings.players
        self.setup.change(step)
        if self.setup.settings.players != before:
            self.list_players()
            self._repair()
        self.redraw()

    def action_edit(self) -> None:
        """Type the value under the pointer."""
        from azul_tui.tui.screens.prompt import PromptScreen

        row = self.setup.row
        asked = self.setup.asked(row)
        if asked is None:
            self.action_change(1)
            return
        note, value = asked

        def check(text: str) -> str | None:
            return self.setup.typed(row, text)[1]

        def done(text: str | None) -> None:
            if text is None:
                return
            changed, problem = self.setup.typed(row, text)
            if problem is None:
                self.setup.settings = changed
                self.list_players()
                self._repair()
                self.redraw()

        self.azul.push_screen(PromptScreen(row, note, value, check), done)

    def action_deal(self) -> None:
        """Begin a game with what is chosen."""
        settings = self.setup.settings
        self.begin(settings)
