"""Before a game: who plays, how strong, where one sits, from which deal."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.errors import AzulError
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import FormChanged
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.widgets.form import Setting, SettingsForm
from azul_tui.views.checkpoint_list import CheckpointIndex, shipped_rows
from azul_tui.views.play_settings import (
    SEATS,
    SPECS,
    PlaySettings,
    player_options,
    short_name,
)
from azul_tui.views.words import shortened

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.views.checkpoint_list import CheckpointRow

ABOUT = "A move is three keys: factory or C, colour, line or F. Or click the tiles, then the line."
NAMED = "named by you"
IN_THE_FORM = [field for field in SPECS if field != "opponent"]


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
        self.settings, self.game_waits = settings, game_waits
        self.problem = ""
        """What keeps the form from being dealt."""
        self.rows: list[CheckpointRow] = []
        self.options: list[tuple[str, str]] = []
        """Who can sit at the table, with words about them."""

    def compose_body(self) -> ComposeResult:
        """Players left, the settings right."""
        with Horizontal(id="setup"):
            opponents = Opponents(id="opponents", classes="panel", markup=False)
            opponents.border_title = Content.styled("opponent", "bold")
            yield opponents
            with Vertical(id="game-settings", classes="panel") as panel:
                panel.border_title = Content.styled("a new game", "bold")
                yield Static(ABOUT, id="about-game", markup=False)
                yield SettingsForm(id="form")
                with Horizontal(id="buttons"):
                    yield Button("Deal", variant="primary", compact=True)

    async def on_mount(self) -> None:
        """Show what is chosen; checkpoints are listed meanwhile."""
        self.rows = shipped_rows(self.azul.runs_root)
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
        self.run_worker(self._find_checkpoints, thread=True, group="list")

    def _find_checkpoints(self) -> None:
        index = CheckpointIndex(self.azul.runs_root)
        index.refresh(0.5)
        self.rows = index.rows
        self.azul.call_from_thread(self._list)

    def _list(self) -> None:
        """Who can sit at the table, with the opponent among them."""
        if not self.is_attached:  # the person may have dealt while checkpoints were listed
            return
        opponent = self.settings.opponent
        named = dict(self.options).get(opponent, NAMED) == NAMED
        self.options = player_options(self.rows, self.settings.players, self.azul.runs_root)
        if opponent not in dict(self.options) and named:
            self.options.append((opponent, NAMED))
        elif opponent not in dict(self.options):  # it plays at a table of another size
            opponent = self.options[0][0]
            self.settings = replace(self.settings, opponent=opponent)
        listing = self.query_one(Opponents)
        with self.prevent(OptionList.OptionHighlighted):
            listing.clear_options()
            for name, about in self.options:
                row = Content(f"{shortened(short_name(name), 34):<17}  ")
                listing.add_option(Option(row + Content.styled(about, "dim")))
            listing.highlighted = list(dict(self.options)).index(opponent)

    def _choices(self) -> list[tuple[str, str]]:
        return [(name, f"{short_name(name)}   {about}") for name, about in self.options]

    @on(OptionList.OptionHighlighted, "#opponents")
    def choose(self, event: OptionList.OptionHighlighted) -> None:
        """The player under the cursor is the opponent."""
        event.stop()
        self.settings = replace(self.settings, opponent=self.options[event.option_index][0])
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
        settings = self.settings
        means = {
            "partner": settings.seat is None,
            "by_time": not settings.scripted,
            "simulations": not settings.scripted and not settings.by_time,
            "seconds": not settings.scripted and settings.by_time,
            "players": not settings.notation,
        }
        shown = {SPECS[field].name: does for field, does in means.items()}
        for setting in self.query(Setting):
            setting.display = shown.get(setting.spec.name, True)

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
            self.dismiss(self.settings)

    def action_back(self) -> None:
        """Back to the game that is on."""
        self.dismiss(None)

    def action_find(self) -> None:
        """Find a player by typing, or name one that is not in the list."""
        from azul_tui.tui.modals import Pick

        def picked(name: str | None) -> None:
            name = plain_text(name or "", 500).replace('"', "").strip()
            if name:
                self.settings = replace(self.settings, opponent=name)
                self._list()
                self._fit()

        question = "Opponent: choose, or type a run or a path"
        chosen = self.settings.opponent
        self.azul.push_screen(Pick(question, self._choices(), chosen, free=True), picked)
