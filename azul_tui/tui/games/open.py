"""The way to the games of a run, from a place or from the command palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.errors import AzulError

if TYPE_CHECKING:
    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.app import AzulApp


def open_games(app: AzulApp, paths: RunPaths | None = None) -> None:
    """Show the games of a run: the given one, else the one looked at, else the newest."""
    from azul_tui.runs.listing import newest_run
    from azul_tui.tui.screens.games import GamesScreen

    if paths is None and app.feed is not None:
        paths = app.feed.paths
    try:
        paths = paths or newest_run(app.runs_root, app.clock())
    except AzulError:
        app.notify("there is no run yet, and so no game; 6 in the menu makes one in two minutes")
        return
    if isinstance(app.screen, GamesScreen):
        if app.screen.paths.directory == paths.directory:
            return
        app.screen.dismiss(None)
    app.push_screen(GamesScreen(paths, app.current_mode))
