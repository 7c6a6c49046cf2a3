"""Every key of a screen, from its bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.screen import Screen

    from azul_tui.tui.app import AzulApp

MOUSE = "click: places, rows, titles, keys. In a chart: click cursor, drag pan, wheel zoom."


class KeysScreen(ModalScreen[None]):
    """The keys of `screen`, those of its focused part first."""

    BINDINGS: ClassVar = [Binding("escape,question_mark,q", "close", "close", show=False)]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.rows: list[tuple[str, str]] = []
        by_action: dict[tuple[int, str], int] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if not binding.description or not active.enabled:
                continue
            name = cast("AzulApp", screen.app).get_key_display(binding)
            known = by_action.get((id(active.node), binding.action))
            if known is not None:
                keys, words = self.rows[known]
                if name not in keys.split(", "):
                    self.rows[known] = (f"{keys}, {name}", words)
                continue
            by_action[id(active.node), binding.action] = len(self.rows)
            self.rows.append((name, binding.description))

    def compose(self) -> ComposeResult:
        """A list that scrolls."""
        longest = max((len(keys) for keys, _ in self.rows), default=0)
        lines = [
            Content.styled(f"{keys:>{longest}}", "bold $primary") + Content(f"  {words}")
            for keys, words in self.rows
        ]
        with VerticalScroll(classes="box tall"):
            yield Label("All keys here", classes="question", markup=False)
            yield Static(Content("\n").join(lines), markup=False)
            yield Static(f"\n{MOUSE}\n?, esc or q closes.", classes="detail", markup=False)

    def on_click(self, event: events.Click) -> None:
        """Beside the box."""
        if event.widget is self:
            self.dismiss(None)

    def action_close(self) -> None:
        """Away with it."""
        self.dismiss(None)
