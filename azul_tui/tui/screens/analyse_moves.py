"""The keys and the mouse in the table of moves: pointer, order, filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.tui.analyse.picture import split, table_inside
from azul_tui.tui.analyse.table import header_columns
from azul_tui.tui.screens.analyse_positions import AnalysePositions

if TYPE_CHECKING:
    from textual import events


class AnalyseMoves(AnalysePositions):
    """The table of moves."""

    def action_move(self, step: int) -> None:
        """Move the pointer; the order stands still for a while."""
        self.moves.move(step, self.azul.clock())
        self.redraw()

    def action_sort(self, step: int) -> None:
        """Sort by the next column."""
        width, height = self.azul.size
        state = self.state()
        inside, _ = table_inside(split(state, width, max(1, height - 2)))
        shown = [key for _, _, key in header_columns(state.columns, inside)]
        self.moves.sort_by_next(step, shown)
        self.redraw()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self.moves.reverse()
        self.redraw()

    def action_filter(self) -> None:
        """Filter as one types."""
        from azul_tui.tui.screens.prompt import PromptScreen

        def typed(text: str) -> None:
            self.moves.filter = text
            self.redraw()

        note = "a colour (red or r), a factory (2>), a line (>3), centre, floor"
        self.azul.push_screen(PromptScreen("show moves with", note, self.moves.filter, None, typed))

    def action_clear(self) -> None:
        """Show all moves and follow the best again."""
        self.message = ""
        self.moves.clear()
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A title sorts, a row is chosen, a second click on it plays the move."""
        width, height = self.azul.size
        state = self.state()
        parts = split(state, width, max(1, height - 2))
        x = event.screen_x - parts.table_at[0] - 1
        y = event.screen_y - 1 - parts.table_at[1] - 1
        inside, lines = table_inside(parts)
        if not 0 <= x < inside or not 0 <= y < lines:
            return
        if y == 0:
            found = header_columns(state.columns, inside)
            key = next((key for start, end, key in found if start <= x < end), "")
            if key:
                self.moves.sort_by(key)
        elif state.look.first + y - 1 < len(state.rows):
            self.moves.choose(state.rows[state.look.first + y - 1], self.azul.clock())
            if event.chain == 2:
                self.action_play_move()
        self.redraw()

    def on_mouse_scroll_down(self, _event: events.MouseScrollDown) -> None:
        """The wheel moves the pointer."""
        self.action_move(3)

    def on_mouse_scroll_up(self, _event: events.MouseScrollUp) -> None:
        """The wheel moves the pointer."""
        self.action_move(-3)
