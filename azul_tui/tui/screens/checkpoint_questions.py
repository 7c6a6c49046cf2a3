"""What is asked before a checkpoint is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.tui import phrases
from azul_tui.tui.screens.ask import AskScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.tui.app import AzulApp
    from azul_tui.tui.checkpoints.row import CheckpointRow


def ask_to_delete(
    app: AzulApp, row: CheckpointRow, deleted: Callable[[], None], *, is_last: bool
) -> None:
    """Delete the file after asking, twice when it is the last good one of its run.

    `deleted` is called after the deed, also when the disk refused it.
    """

    def delete() -> None:
        try:
            row.file.unlink(missing_ok=True)
        except OSError as error:
            app.notify(f"{row.file.name} cannot be deleted: {error.strerror}", severity="error")
        deleted()

    def surely(answer: str | None) -> None:
        if answer == "y":
            delete()

    def answered(answer: str | None) -> None:
        if answer != "y":
            return
        if not is_last:
            delete()
            return
        app.push_screen(
            AskScreen(
                f"It is the last good checkpoint of {row.run}. Delete it all the same?",
                "Without it the run cannot be resumed and its weights are gone.",
                (("y", "delete the last one"), ("n", "keep it")),
                safe="n",
            ),
            surely,
        )

    best = " It is the best of its run." if row.best else ""
    app.push_screen(
        AskScreen(
            f"Delete {row.file.name} of {row.run}?",
            f"{phrases.size(row.size_bytes)} are removed from the disk.{best}",
            (("y", "delete it"), ("n", "keep it")),
            safe="n",
        ),
        answered,
    )
