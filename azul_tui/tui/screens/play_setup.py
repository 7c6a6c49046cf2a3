"""Before a game: who plays, how strong, where one sits, from which deal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import FormChanged
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.widgets.form import Setting, SettingsForm
from azul_tui.views import words
from azul_tui.views.play_settings import (
    SEATS,
    SPECS,
    WATCH,
    PlaySettings,
    is_scripted,
    player_options,
    short_name,
)

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.config import SettingValue
    from azul_tui.views.checkpoint_list import CheckpointRow

ABOUT = "A move is three keys: factory or C, colour, line or F. Or click the tiles, then the line."


class Opponents(OptionList):
    """Who can be played against; enter deals."""

    BINDINGS: ClassVar = [Binding("enter", "screen.deal", "deal")]


class PlaySetup(FramedScreen[PlaySettings | None]):
    """The setup; its result is None when the person goes back to the game that is on."""

    AUTO_FOCUS = "#opponents"
    BINDINGS: ClassVar = [
        Binding("enter", "deal", "deal", show=False),
        Binding("slash", "find", "find a player"),
        Binding("x", "new_deal", "new deal instead"),
        Binding("escape", "back", "back to the game"),
    ]

    def __init__(self, settings: PlaySettings, *, game_waits: bool) -> None:
        super().__init__()
        self.settings = settings
        self.game_waits = game_waits
        self.rows: list[CheckpointRow] = []
        self.options: list[tuple[str, str]] = []

    def compose_body(self) -> ComposeResult:
        """Players left, the settings right."""
        with Horizontal(id="setup"):
            opponents = Opponents(id="opponents", classes="panel", markup=False)
            opponents.border_title = Content.styled("opponent", "bold")
            yield opponents
            with Vertical(id="game-settings", classes="panel"):
                yield Static("", id="about-game", markup=False)
                yield SettingsForm(id="form")
                with Horizontal(id="buttons"):
                    yield Button("Deal", id="deal", variant="primary", compact=True)
                    if self.game_waits:
                        yield Button("Back to the game", id="back", compact=True)

    async def on_mount(self) -> None:
        """Show what is chosen; checkpoints are listed meanwhile."""
        settings = self.settings
        self.query_one("#game-settings").border_title = Content.styled("a new game", "bold")
        self._list()
        values: dict[str, SettingValue] = {
            "you play": WATCH if settings.seat is None else SEATS[settings.seat],
            "strength by": "time" if settings.by_time else "simulations",
        }
        values |= {
            spec.name: getattr(settings, field)
            for field, spec in SPECS.items()
            if field not in {"seat", "by_time"}
        }
        await self.query_one(SettingsForm).show(
            [spec for field, spec in SPECS.items() if field != "opponent"],
            {},
            changes=values,
            pickers={"first seat": self._choices},
        )
        self._fit()
        self.run_worker(self._find_checkpoints, thread=True, group="list")

    def _find_checkpoints(self) -> None:
        from azul_tui.views.checkpoint_list import CheckpointIndex

        index = CheckpointIndex(self.azul.runs_root)
        index.refresh(0.5)

        def found() -> None:
            if self.is_attached:  # the person may have dealt meanwhile
                self.rows = index.rows
                self._list()

        self.azul.call_from_thread(found)

    def on_resize(self) -> None:
        """The rows fill their new width."""
        self.call_after_refresh(self._list)

    def _choices(self) -> list[tuple[str, str]]:
        return [(name, f"{short_name(name)}   {about}") for name, about in self.options]

    def _list(self) -> None:
        """Who can sit at the table; a chosen one who cannot makes room."""
        settings = self.settings
        if not self.rows:
            from azul_tui.views.checkpoint_list import shipped_rows

            self.rows = shipped_rows(self.azul.runs_root)
        self.options = player_options(self.rows, settings.players, self.azul.runs_root)
        names = [name for name, _ in self.options]
        known = {
            name
            for seats in (2, 3, 4)
            for name, _ in player_options(self.rows, seats, self.azul.runs_root)
        }
        if settings.opponent not in names and settings.opponent in known:
            own = settings.opponent in {row.run for row in self.rows if row.shipped}
            self.settings = settings = replace(settings, opponent=names[0] if own else "greedy")
        elif settings.opponent not in names:
            self.options.append((settings.opponent, "named by you"))
            names.append(settings.opponent)
        listing = self.query_one(Opponents)
        width = max(8, listing.scrollable_content_region.width - 2)
        longest = max(len(short_name(name)) for name in names)
        first = min(max(18, longest), width)
        described = max(len(about) for _, about in self.options) + first + 2 <= width
        with self.prevent(OptionList.OptionHighlighted):
            listing.clear_options()
            for name, about in self.options:
                text = words.shortened(short_name(name), first)
                row = Content(f"{text:<{first}}")
                row += Content.styled(f"  {about}" if described else "", "dim")
                listing.add_option(Option(row))
            listing.highlighted = names.index(settings.opponent)
        self._say_about()

    def _say_about(self) -> None:
        settings = self.settings
        about = dict(self.options).get(settings.opponent, "")
        told = Content.styled(f"against {short_name(settings.opponent)}", "bold")
        told += Content(f", {about}" if about else "")
        if self.size.height >= 18:
            told += Content.styled(f"\n{ABOUT}", "$foreground 60%")
        if settings.notation:
            text = "The game starts from the position that was given; x deals a new one."
            told += Content.styled(f"\n{text}", "$text-warning")
        self.query_one("#about-game", Static).update(told)

    @on(OptionList.OptionHighlighted)
    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionHighlighted | OptionList.OptionSelected) -> None:
        """The player under the cursor is the opponent."""
        event.stop()
        self.settings = replace(self.settings, opponent=self.options[event.option_index][0])
        self._say_about()
        self._fit()

    @on(FormChanged)
    def form_changed(self, event: FormChanged) -> None:
        """Another size of the table has other players."""
        event.stop()
        form = self.query_one(SettingsForm)
        if form.problem():
            return
        value, before = form.value, self.settings.players
        seat = str(value("you play"))
        self.settings = replace(
            self.settings,
            seat=None if seat == WATCH else SEATS.index(seat),
            by_time=value("strength by") == "time",
            **{
                field: cast("Any", value(spec.name))
                for field, spec in SPECS.items()
                if field not in {"opponent", "seat", "by_time"}
            },
        )
        if self.settings.players != before:
            self.settings = replace(self.settings, notation="")
            self._list()
        self._fit()

    def _fit(self) -> None:
        """Only the settings that mean something for this game."""
        settings = self.settings
        means = {
            "first seat": settings.seat is None,
            "strength by": not settings.scripted,
            "simulations": not settings.scripted and not settings.by_time,
            "seconds a move": not settings.scripted and settings.by_time,
            "players": not settings.notation,
        }
        for setting in self.query(Setting):
            setting.display = means.get(setting.spec.name, True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A game to go back to, a position to give up."""
        if action == "back":
            return self.game_waits
        if action == "new_deal":
            return bool(self.settings.notation)
        return super().check_action(action, parameters)

    @on(Button.Pressed, "#deal")
    @on(Input.Submitted)
    def action_deal(self) -> None:
        """Begin a game with what is chosen."""
        settings, problem = self.settings, self.query_one(SettingsForm).problem()
        if settings.seat is not None and settings.seat >= settings.players:
            problem = f"you play: this table has {settings.players} seats"
        if settings.seat is None and not is_scripted(settings.partner):
            problem = problem or ("" if settings.partner else "first seat: name a player")
        if problem:
            self.notify(problem, severity="error", markup=False)
            return
        self.dismiss(settings)

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        """Back to the game that is on."""
        self.dismiss(None)

    def action_new_deal(self) -> None:
        """A new deal instead of the position that was given."""
        self.settings = replace(self.settings, notation="")
        self._say_about()
        self._fit()
        self.refresh_bindings()

    def action_find(self) -> None:
        """Find a player by typing, or name one that is not in the list."""
        from azul_tui.tui.modals import Pick

        def picked(name: str | None) -> None:
            name = plain_text(name or "", 500).replace('"', "").strip()
            if name:
                self.settings = replace(self.settings, opponent=name)
                self._list()
                self._fit()

        self.azul.push_screen(
            Pick("Opponent: choose, or type a run or a path", self._choices(),
                 self.settings.opponent, free=True),
            picked,
        )  # fmt: skip
