"""What is asked before a run is renamed, archived or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.errors import AzulError
from azul_tui.tui import phrases

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.runs.listing import RunSummary
    from azul_tui.tui.app import AzulApp


def ask_name(app: AzulApp, run: RunSummary, renamed: Callable[[str], None]) -> None:
    """Ask for another name; `renamed` is told of it once the run has it."""
    from azul_tui.runs.paths import run_paths
    from azul_tui.tui.runs.changes import rename_run
    from azul_tui.tui.screens.prompt import PromptScreen

    def check(text: str) -> str | None:
        try:
            taken = run_paths(app.runs_root, text).directory.exists()
        except AzulError as error:
            return str(error)
        return "there is a run of that name" if taken and text != run.name else None

    def done(text: str | None) -> None:
        if text is None or text == run.name:
            return
        if _did(app, lambda: rename_run(run.paths, text, app.clock())):
            renamed(text)

    app.push_screen(PromptScreen(f"another name for {run.name}", "", run.name, check), done)


def ask_to_archive(app: AzulApp, run: RunSummary, archived: Callable[[], None]) -> None:
    """Move the run out of sight, after asking."""
    from azul_tui.tui.runs.changes import archive_run
    from azul_tui.tui.screens.ask import AskScreen

    def answered(answer: str | None) -> None:
        if answer == "y" and _did(app, lambda: archive_run(run.paths, app.clock())):
            archived()

    app.push_screen(
        AskScreen(
            f"Archive {run.name}?",
            "It moves into the hidden folder .archive beside the runs; nothing is lost.",
            (("y", "archive it"), ("n", "leave it")),
            safe="n",
        ),
        answered,
    )


def ask_to_delete(app: AzulApp, run: RunSummary, deleted: Callable[[], None]) -> None:
    """Delete the run, after asking with its size; a live one is refused."""
    from azul_tui.tui.runs.changes import delete_run, refuse_live
    from azul_tui.tui.screens.ask import AskScreen

    if not _did(app, lambda: refuse_live(run.paths, app.clock(), "delete")):
        return

    def answered(answer: str | None) -> None:
        if answer == "y" and _did(app, lambda: delete_run(run.paths, app.clock())):
            deleted()

    app.push_screen(
        AskScreen(
            f"Delete {run.name} for good?",
            f"{phrases.size(run.size_bytes)} with "
            f"{phrases.plural(run.checkpoints, 'checkpoint')} are removed from the disk.",
            (("y", "delete it"), ("n", "keep it")),
            safe="n",
        ),
        answered,
    )


def _did(app: AzulApp, deed: Callable[[], object]) -> bool:
    """Do something to the folder, or say why not; whether it was done."""
    try:
        deed()
    except AzulError as error:
        app.notify(str(error), severity="error", markup=False, timeout=8)
        return False
    return True
