"""Writing an analysis to a file: the position in both notations, and the table as text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from azul_tui.game.notation import draw_position
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.tui.analyse.table import draw_moves
from azul_tui.tui.picture import plain

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.tui.analyse.state import AnalyseState

FOLDER = ".analyses"
"""Hidden among the runs, so that no list takes it for one."""
WIDTH = 160


def analysis_text(state: AnalyseState) -> str:
    """The position and what is known of its moves; the first line can be pasted back."""
    session = state.session
    known = [
        f"{player}: {found.simulations:,} simulations, value {found.value:+.2f}"
        for player in session.players
        if (found := session.analysis(player)) is not None
    ]
    table = draw_moves(state.rows, state.columns, WIDTH, len(state.rows) + 1, state.look)
    parts = [
        session.here.notation,
        draw_position(session.here.view),
        "\n".join(known),
        plain(table),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_analysis(runs_root: Path, state: AnalyseState, now: float) -> tuple[str, bool]:
    """Write the analysis; a sentence that says where, or why not, and whether it worked."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    path = runs_root / FOLDER / f"position-{stamp}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(path, analysis_text(state).encode("utf-8"), durable=False)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}", False
    return f"written: {path}", True
