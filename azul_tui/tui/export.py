"""Writing a chart beside its run: the data as CSV, the picture as text or SVG."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from azul_tui.runs.files import write_bytes_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.tui.charts.curves import Curve


def curves_csv(curves: list[Curve], x_name: str) -> str:
    """The curves as CSV: one line a point, columns curve, x, value, low, high."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["curve", x_name, "value", "low", "high"])
    for curve in curves:
        lows = curve.low if curve.low is not None else curve.y
        highs = curve.high if curve.high is not None else curve.y
        for x, y, low, high in zip(
            curve.x.tolist(), curve.y.tolist(), lows.tolist(), highs.tolist(), strict=True
        ):
            writer.writerow([curve.name, f"{x:.10g}", f"{y:.6g}", f"{low:.6g}", f"{high:.6g}"])
    return out.getvalue()


def write_export(folder: Path, stem: str, kind: str, content: str) -> str:
    """Write `content` into `folder`; returns a sentence that says where, or why not."""
    safe = "".join(letter if letter.isalnum() else "-" for letter in stem)
    path = folder / f"chart-{safe}.{kind}"
    try:
        write_bytes_atomically(path, content.encode("utf-8"), durable=False)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return f"written: {path}"
