"""Training: charts, phases, the game being played, the log, and the keys that steer a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from azul_tui.errors import AzulError
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import ChartExported, ChartViewed
from azul_tui.tui.screens.place import Place
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board, Table
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.log import GrowingLog
from azul_tui.views import progress

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.tui.messages import RunSwitched
    from azul_tui.views.charts import View
    from azul_tui.views.following import LogTail
    from azul_tui.views.progress import RunNow
    from azul_tui.views.ratings import RatingsFile

STEERING = frozenset({"pause", "request", "edit", "cancel"})
LOOKING = frozenset({"full_chart", "games", "only", "side_chart", "apart"})
HIDDEN_BY = {
    "chart": ("side", "more", "phase", "lower"),
    "board": ("charts", "more", "phase", "right"),
    "log": ("charts", "more", "phase", "game", "phases"),
}
"""What can have the whole screen, and what it takes the place of."""
LOG_BYTES, LOG_LINES = 4_000_000, 5000
"""The most of a log that is shown when it has the whole screen."""
MORE_CHARTS = ("score", "simulations/s", "buffer", "learning rate", "gradient norm")
NO_RUN = "No run is open.\n\n1 opens the menu, which starts one; 3 lists the runs that there are."


class TrainingScreen(Place):
    """One run, live or finished."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "only('')", "back"),
        Binding("r", "resume", "resume"),
        Binding("p", "pause", "pause"),
        Binding("c", "request('checkpoint')", "checkpoint now"),
        Binding("e", "edit", "edit settings"),
        Binding("enter", "full_chart", "full chart"),
        Binding("tab", "next_chart(1)", "next panel, or chart", show=False),
        Binding("shift+tab", "next_chart(-1)", "previous panel, or chart", show=False),
        Binding("t", "side_chart(1)", "next chart", show=False),
        Binding("T", "side_chart(-1)", "previous chart", show=False),
        Binding("m", "apart", "separate or combined losses", show=False),
        Binding("b", "only('board')", "board", show=False),
        Binding("g", "games", "kept games", show=False),
        Binding("f", "only('log')", "whole log", show=False),
        Binding("s", "request('stop')", "stop after this iteration", show=False),
        Binding("x", "cancel", "cancel at once", show=False),
        Binding("a", "seen", "alerts seen", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.chart = 0
        """Index of the chart of a small screen."""
        self.side: str = ""
        """The chart beside the loss; empty for the best there is."""
        self.apart: bool | None = None
        """Whether each loss has an axis of its own; None when the curves decide."""
        self.only = ""
        """The part that has the whole screen, one of `HIDDEN_BY`; empty for none."""
        self._log: LogTail | None = None
        self._ratings: RatingsFile | None = None
        self._drawn: object = None
        self._state: str | None = None

    def compose_body(self) -> ComposeResult:
        """Lines on top, charts in the middle, board, phases and log below."""
        yield Static("", id="progress", classes="line", markup=False)
        yield Static("", id="notices", classes="hidden", markup=False)
        with Horizontal(id="charts"):
            yield Chart(id="main")
            yield Chart(id="side")
        with Horizontal(id="more"):
            for number in range(3):
                yield Chart(id=f"more-{number}")
        yield Static("", id="phase", classes="line", markup=False)
        with Horizontal(id="lower"):
            yield Board(id="game")
            with Vertical(id="right"):
                yield Static("", id="phases", classes="panel", markup=False)
                log = GrowingLog(id="log", classes="panel")
                log.border_title = Content.styled("log", "bold")
                yield log
        yield Static(NO_RUN, id="empty", classes="empty", markup=False)

    # -- showing

    @property
    def small(self) -> bool:
        """Whether there is room for one chart alone."""
        return self.only == "chart" or self.has_class("-narrow") or self.has_class("-short")

    def on_run_switched(self, message: RunSwitched) -> None:
        """Another run begins with whole charts."""
        self._ratings = self._drawn = self._log = None
        for chart in self.query(Chart):
            if chart.view is not None:
                chart.look(chart.view.whole())
        super().on_run_switched(message)

    def on_resize(self) -> None:
        """The layout may be another one; charts and lines fit their new places."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Everything that is known of the run."""
        run, feed = self.azul.run_now(), self.azul.feed
        self.set_class(run is None, "-no-run")
        if run is None or feed is None:
            opening = plain_text(self.azul.opening, 64)
            self.show_text("#empty", Content(f"opening {opening}" if opening else NO_RUN))
            return
        self.set_class(not run.active and run.state != "", "-ended")
        if run.state != self._state:
            self._state = run.state
            self.refresh_bindings()
        self._show_lines(run)
        self._show_charts(run)
        board = self.query_one("#game", Board)
        if board.display:
            show_game(board, feed.live)
        texts, total, source = feed.log_lines()
        if self.only == "log":
            from azul_tui.views.following import LogTail

            self._log = self._log or LogTail(feed.paths.log, LOG_LINES)
            self._log.read(LOG_BYTES)
            texts, total, source = self._log.lines, self._log.total, "whole"
        texts = texts or ["nothing has been written yet"]
        self.query_one("#log", GrowingLog).show_lines(texts, total, (feed.name, source))

    def _show_lines(self, run: RunNow) -> None:
        width, signs = max(10, self.size.width - 2), self.azul.signs
        self.show_text("#progress", content(progress.head_line(run, width, signs)))
        notices, calm = progress.notice_lines(run, self.azul.alerts_seen)
        panel = self.query_one("#notices", Static)
        panel.set_class(not notices, "hidden")
        panel.set_class(calm, "calm")
        if notices:
            self.show_text("#notices", Content("\n".join(notices)))
        if self.small:
            self.show_text("#phase", content(progress.phase_line(run, width, signs)))
            return
        room = max(20, (self.size.width // 2 if run.active else self.size.width) - 2)
        self.show_text("#phases", lines(progress.phase_lines(run, room, signs)))
        title = Content.styled("this iteration" if run.active else "at the end", "bold")
        phases = self.query_one("#phases")
        # What the library gives back is the title as markup.
        if phases.border_title != title.markup:
            phases.border_title = title

    def _show_charts(self, run: RunNow) -> None:
        """Draw the charts that are seen, when there is something new in them."""
        from azul_tui.views.charts import CHARTS, View
        from azul_tui.views.ratings import RatingsFile, over_training

        assert self.azul.feed is not None
        self._ratings = self._ratings or RatingsFile(self.azul.feed.paths)
        ratings, main = self._ratings.refresh(), self.query_one("#main", Chart)
        view = main.view or View()
        waiting = progress.waiting_words(run) if run.data.last_step == 0 else ""
        key = (
            run.data.version, view, self.side, self.chart, self.apart, ratings, self.size,
            self.small, run.active, waiting,
        )  # fmt: skip
        if key == self._drawn:
            return
        self._drawn = key
        if self.small:
            self.draw(main, CHARTS[self.chart], view, run)
            return
        side = self.side or ("rating" if over_training(ratings) else "score")
        shown = {"main": "loss", "side": side}
        if self.has_class("-very-wide") and self.has_class("-very-tall"):
            rest = [chart for chart in MORE_CHARTS if chart != side]
            shown |= {f"more-{number}": chart for number, chart in enumerate(rest[:3])}
        for id_, chart in shown.items():
            self.draw(self.query_one(f"#{id_}", Chart), chart, view, run)

    def draw(self, chart: Chart, name: str, view: View, run: RunNow) -> None:
        """Draw what is called `name`: the losses one above the other where a shared axis hides."""
        from azul_tui.views.charts import apart, one_looks_flat, run_chart

        content_ = run_chart(run.data, name, view, self._ratings.rows if self._ratings else ())
        if name == "loss":
            content_ = replace(content_, empty=progress.waiting_words(run))
            if self.apart is None and one_looks_flat(content_):
                self.apart = True
        several = name == "loss" and self.apart and run.data.last_step
        contents = apart(content_) if several else [content_]
        chart.draw(contents, growing=run.active, low=content_ if several else None)

    # -- charts

    @on(ChartViewed)
    def share_view(self, message: ChartViewed) -> None:
        """All charts look at the same part of the run."""
        message.stop()
        for chart in self.query(Chart):
            chart.look(message.view)
        self.show()

    @on(ChartExported)
    def write_chart(self, message: ChartExported) -> None:
        """Write a chart beside its run."""
        message.stop()
        if self.azul.feed is not None:
            self.azul.write_export(self.azul.feed.directory, message)

    def action_next_chart(self, direction: int) -> None:
        """On a small screen the next chart, else the next panel."""
        from azul_tui.views.charts import CHARTS

        if self.small:
            self.chart = (self.chart + direction) % len(CHARTS)
            self.show()
        elif direction > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_side_chart(self, direction: int) -> None:
        """The next chart beside the loss."""
        from azul_tui.views.charts import CHARTS

        if self.small:
            self.action_next_chart(direction)
            return
        names: list[str] = [*CHARTS[1:]]
        now = self.side or self.query_one("#side", Chart).contents[0].name
        self.side = names[(names.index(now) + direction) % len(names)]
        self.show()

    def action_apart(self) -> None:
        """Each loss with an axis of its own, or all on one."""
        self.apart = not self.apart
        self.show()

    # -- looking closer

    def action_only(self, part: str) -> None:
        """Give the whole screen to one of `HIDDEN_BY`, or take it back.

        Not by a class of the screen: that styles every widget anew, half of what the key cost.
        """
        self.only = only = "" if self.only == part else part
        for id_ in dict.fromkeys(each for hidden in HIDDEN_BY.values() for each in hidden):
            hidden = id_ in HIDDEN_BY.get(only, ())
            self.query_one(f"#{id_}").styles.display = "none" if hidden else None
        if only == "board":
            self.query_one("#game").styles.display = "block"
        self.query_one("#lower").styles.height = "1fr" if only in {"board", "log"} else None
        self.query_one("#main").styles.width = "1fr" if only == "chart" else None
        if only == "log":
            self.query_one("#log").focus()
        self.refresh_bindings()
        self.call_after_refresh(self.show)

    def action_full_chart(self) -> None:
        """Give the whole screen to the focused chart, else to the main one."""
        from azul_tui.views.charts import CHARTS

        main = self.query_one("#main", Chart)
        chart = self.focused if isinstance(self.focused, Chart) else main
        names = [content_.name for content_ in chart.contents]
        self.chart = CHARTS.index(names[0]) if len(names) == 1 else 0
        self.action_only("chart")

    def action_games(self) -> None:
        """The games that the run has kept."""
        from azul_tui.tui.screens.games import GamesScreen

        if self.azul.feed is not None:
            self.azul.push_screen(GamesScreen(self.azul.feed.paths))

    # -- steering

    @property
    def first_keys(self) -> tuple[str, ...]:
        """Those of a chart that has the whole screen."""
        full = ("escape", "v", "l", "left_square_bracket", "right_square_bracket")
        return full if self.only == "chart" else ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that steer are there while the run listens, the way back once it does not."""
        if not self.is_mounted:
            return True
        run = self.azul.run_now()
        if action in STEERING:
            return run is not None and run.active and not run.launch
        if action == "resume":
            return run is not None and not run.active and run.state != ""
        if action == "seen":
            return run is not None and len(run.data.alerts) > self.azul.alerts_seen
        if action == "only" and parameters == ("",):
            return self.only != ""
        return run is not None if action in LOOKING else super().check_action(action, parameters)

    def action_request(self, request: str) -> None:
        """Ask the run for something."""
        self.azul.request(request)
        if request == "checkpoint":
            told = "a checkpoint is written as soon as the current work allows"
            self.notify(told, markup=False)
        self.show()

    def action_pause(self) -> None:
        """Pause, or go on."""
        run = self.azul.run_now()
        self.action_request("resume" if run is not None and run.state == "paused" else "pause")

    def action_cancel(self) -> None:
        """End at once, when the person means it."""
        from azul_tui.tui.modals import Choose

        question = Choose(
            "Cancel this run now?",
            "It ends at once and saves; the games and steps under way are lost.",
            (("y", "yes, cancel the run"), ("n", "no, let it go on")),
            safe="n",
        )
        self.azul.push_screen(
            question, lambda answer: self.action_request("cancel") if answer == "y" else None
        )

    def action_seen(self) -> None:
        """Alerts go once they were seen."""
        run = self.azul.run_now()
        if run is not None:
            self.azul.alerts_seen = len(run.data.alerts)
            self.show()

    def action_edit(self) -> None:
        """Change a setting of a run that goes on."""
        from azul_tui.tui.screens.live_settings import edit_live_settings

        edit_live_settings(self.azul)

    def action_resume(self) -> None:
        """Go on with a run that has ended."""
        if self.azul.feed is not None:
            self.azul.resume(self.azul.feed.paths)


def show_game(board: Board, live: dict[str, Any]) -> None:
    """Show on a board the game that a run's `live.json` tells of."""
    from azul_tui.game.notation import parse_position

    notation, game, move = live.get("position"), live.get("game"), live.get("move")
    if not isinstance(notation, str):
        board.show(None, "no game is being played", title="game")
        return
    title = f"game {game:,}" if isinstance(game, int) and game >= 0 else "evaluation game"
    title += f", move {move:,}" if isinstance(move, int) and move >= 0 else ""
    try:
        position = parse_position(notation[:2000])
    except AzulError as error:
        board.show(None, plain_text(str(error)), title=title)
        return
    last, value = plain_text(str(live.get("last_move") or ""), 60), live.get("value")
    valued = f"   value {value:+.2f}" if isinstance(value, (int, float)) else ""
    notes = (f"last move  {last}{valued}",) if last else ()
    board.show(Table(position=position, notes=notes), title=title)
