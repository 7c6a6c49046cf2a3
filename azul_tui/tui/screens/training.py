"""The training screen: charts, phases, the board, the log, and the keys that steer a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.runs.text import plain_text
from azul_tui.tui.chart_panel import chart_panel
from azul_tui.tui.picture import Picture, text_line
from azul_tui.tui.run_ratings import RatingsFile, over_training
from azul_tui.tui.screens.chart_keys import ChartKeysScreen
from azul_tui.tui.training.charts import CHARTS, ChartSource
from azul_tui.tui.training.picture import BIG, training_body
from azul_tui.tui.training.progress import waiting_text
from azul_tui.tui.training.state import TrainingState

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.tui.following.feed import RunFeed
    from azul_tui.tui.training.charts import ChartContent


STEERING = frozenset({"pause", "request", "edit", "stop", "cancel"})


class TrainingScreen(ChartKeysScreen):
    """One run, live or finished."""

    PLACE = "training"
    BINDINGS: ClassVar = [
        Binding("p", "pause", "pause"),
        Binding("c", "request('checkpoint')", "checkpoint now"),
        Binding("e", "edit", "edit settings"),
        Binding("enter", "full_chart", "full chart"),
        Binding("r", "resume_run", "resume from the last checkpoint"),
        Binding("tab", "next_chart(1)", "next chart"),
        Binding("shift+tab", "next_chart(-1)", "previous chart", show=False),
        Binding("s", "stop", "stop after this iteration"),
        Binding("x", "cancel", "cancel", show=False),
        Binding("b", "board", "board"),
        Binding("g", "games", "games"),
        Binding("a", "seen", "alerts seen", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.chosen_chart = 0
        """Index of the main chart in the small layout, of the side chart in the large one."""
        self._source: ChartSource | None = None
        self._ratings: RatingsFile | None = None
        self._ratings_of: Path | None = None

    def main_chart(self) -> str:
        """The chart that fills a small screen; the loss on a large one."""
        return CHARTS[0] if self._is_big() else CHARTS[self.chosen_chart]

    def _is_big(self) -> bool:
        return self.size.width >= BIG[0] and self.size.height - 2 >= BIG[1]

    def source(self, feed: RunFeed) -> ChartSource:
        """What makes the curves of the followed run."""
        if self._source is None or self._source.data is not feed.data:
            self._source = ChartSource(feed.data)
        if self._ratings is None or self._ratings_of != feed.directory:
            self._ratings, self._ratings_of = RatingsFile(feed.paths), feed.directory
        self._source.ratings = self._ratings.refresh()
        return self._source

    def side_chart(self, feed: RunFeed) -> str:
        """The chart beside the loss: the one chosen, else the rating where there is one."""
        if self.chosen_chart:
            return CHARTS[self.chosen_chart]
        return "rating" if over_training(self.source(feed).ratings) else "score"

    def body(self, width: int, height: int) -> Picture:
        """The run, or how to get one."""
        feed = self.azul.feed
        opening = self.azul.opening
        if feed is None and opening:
            return [(), text_line(f"  opening {opening}", "quiet")]
        if feed is None:
            return [
                (),
                text_line("  No run is looked at.", "strong"),
                (),
                text_line("  1 starts one from the menu, 3 shows those that there are."),
            ]
        return training_body(self.state(feed), width, height)

    def state(self, feed: RunFeed) -> TrainingState:
        """Everything that the picture depends on."""
        app = self.azul
        return TrainingState(
            name=feed.name,
            data=feed.data,
            status=feed.status,
            judgement=app.judgement(),
            live=feed.live,
            log=feed.log_lines(),
            usage=app.usage,
            now=app.clock(),
            signs=app.signs,
            chart=self.draw_chart,
            main_chart=self.main_chart(),
            side_chart=self.side_chart(feed),
            alerts_seen=app.alerts_seen,
            sampled=feed.is_sampled,
            opened=feed.at_end,
            problem=feed.problem,
        )

    def draw_chart(self, name: str, width: int, height: int) -> Picture:
        """The panel of one chart."""
        feed = self.azul.feed
        if feed is None:
            return []
        empty = waiting_text(self.state(feed)) if name == "loss" else EMPTY_CHART.get(name, "")
        return chart_panel(
            self.source(feed).content(name, self.view, self.azul.signs),
            self.view,
            width,
            height,
            memory=self.memory,
            signs=self.azul.signs,
            patterns=self.azul.patterns,
            empty_text=empty or f"no {name} yet",
            growing=self._state_word() in {"running", "paused"},
        )

    def export_content(self) -> tuple[Path, ChartContent] | None:
        """The main chart of the followed run."""
        feed = self.azul.feed
        if feed is None:
            return None
        content = self.source(feed).content(self.main_chart(), self.view, self.azul.signs)
        return feed.directory, content

    def on_run_switched(self) -> None:
        """Another run begins with untouched axes."""
        self.memory.limits.clear()
        self.memory.drawings.clear()
        self.view = self.view.whole()
        self.redraw()

    # -- steering

    def _state_word(self) -> str:
        judgement = self.azul.judgement()
        return judgement.state if judgement is not None else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that steer are there while the run listens, the way back once it does not."""
        state = self._state_word()
        active = state in {"running", "paused"}
        if action in STEERING:
            return active
        if action == "resume_run":
            # While the run goes on, `r` says so; the key line offers it once the run has ended.
            return self.azul.feed is not None
        if action == "seen":
            feed = self.azul.feed
            return feed is not None and len(feed.data.alerts) > self.azul.alerts_seen
        if action in {"full_chart", "board", "next_chart", "games"}:
            return self.azul.feed is not None
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> str:
        """Why a key that steers does nothing now."""
        if self.azul.feed is None:
            return "no run is looked at; 1 starts one, 3 shows those that there are"
        if action == "seen":
            return "there is no alert that was not seen"
        way = "r asks how many iterations more" if self._state_word() == "finished" else "r resumes"
        ended = {"finished": "has finished", "crashed": "has crashed", "stopped": "was stopped"}
        words = ended.get(self._state_word())
        if action in STEERING and words:
            return f"{plain_text(self.azul.feed.name, 64)} {words}; {way}"
        return ""

    def keys(self) -> list[tuple[str, str]]:
        """The keys that matter now; a run that goes on needs no way back."""
        ended = self._state_word() in {"crashed", "stopped", "finished"}
        shown = super().keys()
        return shown if ended else [(key, words) for key, words in shown if key != "r"]

    def describe(self, binding: Binding) -> str:
        """Pause reads as resume while the run is paused; a finished run is asked for more."""
        if binding.action == "pause" and self._state_word() == "paused":
            return "go on"
        if binding.action == "resume_run":
            words = {"finished": "more iterations", "running": "resume, once it has ended"}
            return words.get(self._state_word(), super().describe(binding))
        return super().describe(binding)

    def action_pause(self) -> None:
        """Pause the run, or let it go on."""
        paused = self._state_word() == "paused"
        self.azul.request("resume" if paused else "pause")
        self.notify("it goes on" if paused else "it pauses after the current batch of moves")

    def action_request(self, request: str) -> None:
        """Ask for a checkpoint now."""
        self.azul.request(request)
        self.notify("a checkpoint is written as soon as the current work allows")

    def action_stop(self) -> None:
        """Let the run end after this iteration."""
        self.azul.request("stop")
        self.notify("it stops after this iteration and saves")

    def action_cancel(self) -> None:
        """Cancel at once, when the person means it."""
        from azul_tui.tui.screens.ask import AskScreen

        def answered(answer: str | None) -> None:
            if answer == "y":
                self.azul.request("cancel")

        self.azul.push_screen(
            AskScreen(
                "Cancel this run now?",
                "It ends at once and saves; the games and steps under way have to be done again.",
                (("y", "cancel the run"), ("n", "let it go on")),
                safe="n",
            ),
            answered,
        )

    def action_seen(self) -> None:
        """Alerts go once they were seen."""
        feed = self.azul.feed
        if feed is not None:
            self.azul.alerts_seen = len(feed.data.alerts)
            self.redraw()

    def action_next_chart(self, direction: int) -> None:
        """The next chart on a small screen, the next side chart on a large one."""
        first = 1 if self._is_big() else 0
        count = len(CHARTS) - first
        now = self.chosen_chart
        if first and not now and self.azul.feed is not None:
            now = CHARTS.index(self.side_chart(self.azul.feed))
        self.chosen_chart = first + (max(now, first) - first + direction) % count
        self.redraw()

    def action_full_chart(self) -> None:
        """The main chart on a screen of its own."""
        from azul_tui.tui.screens.full_chart import FullChartScreen

        self.azul.push_screen(FullChartScreen(self, self.chosen_chart))

    def action_games(self) -> None:
        """The games that the run has kept."""
        from azul_tui.tui.games.open import open_games

        open_games(self.azul)

    def action_board(self) -> None:
        """The game being played on a screen of its own."""
        from azul_tui.tui.screens.board import BoardScreen

        self.azul.push_screen(BoardScreen())

    def action_edit(self) -> None:
        """Change the settings that may change while the run goes on."""
        from azul_tui.tui.screens.live_settings import LiveSettingsScreen

        self.azul.push_screen(LiveSettingsScreen())

    def action_resume_run(self) -> None:
        """Let the run go on from its newest checkpoint; a finished one is asked how far."""
        feed = self.azul.feed
        if feed is not None:
            self.run_worker(self._resume(feed), name="resume")

    async def _resume(self, feed: RunFeed) -> None:
        from azul_tui.tui.going_on import go_on

        await go_on(self.azul, feed.paths)


EMPTY_CHART = {
    "score": "the first score comes with the first evaluation",
    "rating": "the first rating comes with the first evaluation",
    "games/s": "speed is known after the first self-play",
    "simulations/s": "speed is known after the first self-play",
    "buffer": "the buffer is reported after the first iteration",
}
