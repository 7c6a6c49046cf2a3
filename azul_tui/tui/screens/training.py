"""Training: charts, phases, the game being played, the log, and the keys that steer a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import ChartExported, ChartViewed
from azul_tui.tui.screens.place import Place
from azul_tui.tui.spans import content, lines
from azul_tui.tui.widgets.board import Board
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.log import GrowingLog
from azul_tui.views import progress, words
from azul_tui.views.signs import bar

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.tui.messages import RunSwitched
    from azul_tui.views.charts import View
    from azul_tui.views.progress import RunNow
    from azul_tui.views.ratings import RatingsFile
    from azul_tui.views.run_charts import ChartSource
    from azul_tui.views.words import Spans

STEERING = frozenset({"pause", "checkpoint", "edit", "stop", "cancel"})
MORE_CHARTS = ("score", "simulations/s", "buffer", "learning rate", "gradient norm")
NO_RUN = "No run is open.\n\n1 opens the menu, which starts one; 3 lists the runs that there are."


class TrainingScreen(Place):
    """One run, live or finished."""

    BINDINGS: ClassVar = [
        Binding("r", "resume", "resume"),
        Binding("p", "pause", "pause"),
        Binding("c", "checkpoint", "checkpoint now"),
        Binding("e", "edit", "edit settings"),
        Binding("enter", "full_chart", "full chart"),
        Binding("tab", "next_chart(1)", "next panel, or chart", show=False),
        Binding("shift+tab", "next_chart(-1)", "previous panel, or chart", show=False),
        Binding("t", "side_chart(1)", "next chart", show=False),
        Binding("T", "side_chart(-1)", "previous chart", show=False),
        Binding("m", "apart", "losses apart or together", show=False),
        Binding("b", "board", "board", show=False),
        Binding("g", "games", "games that it kept", show=False),
        Binding("f", "whole_log", "whole log", show=False),
        Binding("s", "stop", "stop after this iteration", show=False),
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
        self._source: ChartSource | None = None
        self._ratings: RatingsFile | None = None
        self._drawn: object = None

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
        return self.has_class("-narrow") or self.has_class("-short")

    def on_run_switched(self, message: RunSwitched) -> None:
        """Another run begins with whole charts."""
        self._source = self._ratings = self._drawn = None
        for chart in self.query(Chart):
            if chart.view is not None:
                chart.look(chart.view.whole())
        super().on_run_switched(message)

    def on_resize(self) -> None:
        """The layout may be another one; charts and lines fit their new places."""
        self.call_after_refresh(self.show_anew)

    def show_anew(self) -> None:
        """Show everything again, changed or not."""
        self._drawn = None
        self.show()

    def show(self) -> None:
        """Everything that is known of the run."""
        run = self.azul.run_now()
        self.set_class(run is None, "-no-run")
        if run is None:
            opening = plain_text(self.azul.opening, 64)
            self.say("#empty", Content(f"opening {opening}" if opening else NO_RUN))
            return
        before = self.has_class("-ended"), self._bindings_key
        self.set_class(not run.active and run.state != "", "-ended")
        self._bindings_key = run.state
        if before != (self.has_class("-ended"), run.state):
            self.refresh_bindings()
        self._show_lines(run)
        self._show_charts(run)
        self._show_game()
        feed = self.azul.feed
        if feed is not None:
            log = self.query_one("#log", GrowingLog)
            texts, total, source = feed.log_lines()
            log.show_lines(texts or ["nothing has been written yet"], total, (feed.name, source))

    _bindings_key: str = ""

    def _show_lines(self, run: RunNow) -> None:
        width = max(10, self.size.width - 2)
        head, facts = progress.progress_facts(run)
        tail: Spans = progress.join(facts, max(0, width - len(head) - 8))
        room = width - len(head) - sum(len(text) for text, _ in tail) - 4
        full, empty = bar(progress.done_share(run), max(0, room), self.azul.signs)
        spans: list[tuple[str, str]] = [(head, "strong")]
        if run.status is not None and room > 4:
            spans += [(" ", ""), (full, "bar"), (empty, "bar.empty"), (" ", "")]
        self.say("#progress", content((*spans, ("  ", ""), *tail)))
        notices = progress.notices(run, self.azul.alerts_seen)
        panel = self.query_one("#notices", Static)
        panel.set_class(not notices, "hidden")
        panel.set_class(all(notice.level == "info" for notice in notices), "calm")
        if notices:
            more = f"  (and {len(notices) - 3} more)" if len(notices) > 3 else ""
            seen = "   a: seen" if len(run.data.alerts) > self.azul.alerts_seen else ""
            texts = [f"! {notice.text}" for notice in notices[:3]]
            texts[0] += more + seen
            self.say("#notices", Content("\n".join(texts)))
        if self.small:
            self.say("#phase", self._one_phase(run, width))
        else:
            self.say("#phases", self._phases(run))
            title = "this iteration" if run.active else "at the end"
            self.say_title(self.query_one("#phases"), title)

    def _one_phase(self, run: RunNow, width: int) -> Content:
        """What is done now and the most important facts in one line."""
        bars = progress.phase_bars(run)
        here = next((b for b in bars if b.here), None)
        parts: list[Spans] = []
        if here is not None:
            full, empty = bar(here.share, 14, self.azul.signs)
            text = f" {here.text}" if here.text else ""
            parts.append(
                ((f"{here.name} ", "strong"), (full, "bar"), (empty, "bar.empty"), (text, ""))
            )
        elif run.active:
            parts.append(((run.state_words, "strong"),))
        else:
            parts.append(((run.state, "strong"), (f"; {progress.way_back(run)}", "quiet")))
        share = bars[-1].share if bars else None
        if share is not None:
            parts.append((("buffer ", "quiet"), (words.percent(share), "strong")))
        parts += progress.usage_facts(self.azul.follower.usage, run.status)[:1] + progress.facts(
            run
        )
        return content(progress.join(parts, width))

    def _phases(self, run: RunNow) -> Content:
        width = max(20, (self.size.width // 2 if run.active else self.size.width) - 2)
        rows: list[Spans] = []
        bar_width = max(6, min(24, width - 36))
        for each in progress.phase_bars(run):
            full, empty = bar(each.share, bar_width, self.azul.signs)
            role = "strong" if each.here else "quiet"
            rows.append(
                (
                    (f" {each.name:<11}", role),
                    (full, "bar"),
                    (empty, "bar.empty"),
                    (f" {each.text}", role if each.name != "buffer" else ""),
                )
            )
        if not rows:
            rows.append(((f" {progress.waiting_words(run)}", "quiet"),))
        usage = progress.usage_facts(self.azul.follower.usage, run.status)
        for parts in (progress.facts(run), usage[:2], usage[2:]):
            rows += [((" ", ""), *progress.join(parts, width - 2))] if parts else []
        return lines(rows)

    def _show_charts(self, run: RunNow) -> None:
        """Draw the charts that are seen, when there is something new in them."""
        from azul_tui.views.charts import View
        from azul_tui.views.ratings import over_training
        from azul_tui.views.run_charts import CHARTS

        source = self.source(run)
        main = self.query_one("#main", Chart)
        view = main.view or View()
        waiting = progress.waiting_words(run) if run.data.last_step == 0 else ""
        key = (
            run.data.version, view, self.side, self.chart, self.apart, source.ratings,
            self.size, run.active, waiting,
        )  # fmt: skip
        if key == self._drawn:
            return
        self._drawn = key
        name = CHARTS[self.chart] if self.small else "loss"
        self.draw(main, name, view, run)
        if self.small:
            return
        rated = over_training(source.ratings)
        side = self.side or ("rating" if rated else "score")
        self.draw(self.query_one("#side", Chart), side, view, run)
        if self.has_class("-very-wide") and self.has_class("-very-tall"):
            rest = [chart for chart in MORE_CHARTS if chart != side]
            for number, chart in enumerate(rest[:3]):
                self.draw(self.query_one(f"#more-{number}", Chart), chart, view, run)

    def draw(self, chart: Chart, name: str, view: View, run: RunNow) -> None:
        """Draw what is called `name`: the losses one above the other where a shared axis hides."""
        from dataclasses import replace

        source = self.source(run)
        content_ = source.content(name, view)
        if name != "loss":
            chart.draw([content_], growing=run.active)
            return
        content_ = replace(content_, empty=progress.waiting_words(run))
        if self.apart is None and source.losses_look_flat(view):
            self.apart = True
        if self.apart and run.data.last_step:
            chart.draw(source.losses_apart(view), growing=run.active, low=content_)
        else:
            chart.draw([content_], growing=run.active)

    def source(self, run: RunNow) -> ChartSource:
        """What makes the curves of the run."""
        from azul_tui.views.ratings import RatingsFile
        from azul_tui.views.run_charts import ChartSource

        feed = self.azul.feed
        if self._source is None or self._source.data is not run.data:
            self._source = ChartSource(run.data)
        if self._ratings is None and feed is not None:
            self._ratings = RatingsFile(feed.paths)
        if self._ratings is not None:
            self._source.ratings = self._ratings.refresh()
        return self._source

    def _show_game(self) -> None:
        feed = self.azul.feed
        board = self.query_one("#game", Board)
        if feed is None or not board.display or self.small:
            return
        from azul_tui.tui.screens.full_views import live_game

        title, table, notice = live_game(feed.live)
        board.show(table, notice, title=title)

    def say(self, selector: str, text: Content) -> None:
        """Change a line when it says something else: an unchanged one costs nothing."""
        widget = self.query_one(selector, Static)
        if widget.content != text:
            widget.update(text, layout=selector in {"#notices", "#phases"})

    def say_title(self, widget: Any, title: str) -> None:
        """Change a panel's title when it says something else."""
        # What the library gives back is the title as markup.
        if widget.border_title != Content.styled(title, "bold").markup:
            widget.border_title = Content.styled(title, "bold")

    # -- charts

    @on(ChartViewed)
    def share_view(self, message: ChartViewed) -> None:
        """All charts look at the same part of the run."""
        message.stop()
        for chart in self.query(Chart):
            chart.look(message.view)
        self._drawn = None
        self.show()

    @on(ChartExported)
    def write_chart(self, message: ChartExported) -> None:
        """Write a chart beside its run."""
        message.stop()
        feed = self.azul.feed
        if feed is not None:
            self.azul.write_export(feed.directory, message)

    def action_next_chart(self, direction: int) -> None:
        """On a small screen the next chart, else the next panel."""
        from azul_tui.views.run_charts import CHARTS

        if not self.small:
            self.focus_next() if direction > 0 else self.focus_previous()
            return
        self.chart = (self.chart + direction) % len(CHARTS)
        self.show()

    def action_side_chart(self, direction: int) -> None:
        """The next chart beside the loss."""
        from azul_tui.views.run_charts import CHARTS

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

    def action_full_chart(self) -> None:
        """The focused chart, else the main one, on a screen of its own."""
        from azul_tui.tui.screens.full_views import FullChart

        focused = (
            self.focused if isinstance(self.focused, Chart) else self.query_one("#main", Chart)
        )
        if focused.contents:
            name = focused.contents[0].name
            self.azul.push_screen(FullChart(self, name if len(focused.contents) == 1 else "loss"))

    def action_board(self) -> None:
        """The game being played, on a screen of its own."""
        from azul_tui.tui.screens.full_views import FullBoard

        self.azul.push_screen(FullBoard())

    def action_games(self) -> None:
        """The games that the run has kept."""
        from azul_tui.tui.screens.games import GamesScreen

        if self.azul.feed is not None:
            self.azul.push_screen(GamesScreen(self.azul.feed.paths))

    def action_whole_log(self) -> None:
        """Everything that the run has written."""
        from azul_tui.tui.screens.full_views import FullLog

        feed = self.azul.feed
        if feed is not None:
            self.azul.push_screen(FullLog(feed.paths.log))

    # -- steering

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
        if action in {"full_chart", "board", "games", "whole_log", "side_chart", "apart"}:
            return run is not None
        return super().check_action(action, parameters)

    def action_pause(self) -> None:
        """Pause, or go on."""
        run = self.azul.run_now()
        paused = run is not None and run.state == "paused"
        self.azul.request("resume" if paused else "pause")
        self.show()

    def action_checkpoint(self) -> None:
        """Ask for a checkpoint."""
        self.azul.request("checkpoint")
        self.notify("a checkpoint is written as soon as the current work allows", markup=False)

    def action_stop(self) -> None:
        """End after this iteration."""
        self.azul.request("stop")
        self.show()

    def action_cancel(self) -> None:
        """End at once, when the person means it."""
        from azul_tui.tui.modals import Choose

        def answered(answer: str | None) -> None:
            if answer == "y":
                self.azul.request("cancel")
                self.show()

        self.azul.push_screen(
            Choose(
                "Cancel this run now?",
                "It ends at once and saves; the games and steps under way are lost.",
                (("y", "yes, cancel the run"), ("n", "no, let it go on")),
                safe="n",
            ),
            answered,
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
