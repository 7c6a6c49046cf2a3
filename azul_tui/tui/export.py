"""Writing a chart beside its run: the data as CSV, the picture as text or SVG."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from azul_tui.runs.files import write_bytes_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.tui.charts.curves import Curve
    from azul_tui.tui.picture import Picture


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


def picture_svg(picture: Picture, title: str, width: int) -> str:
    """The picture as SVG, in the colours of the dashboard."""
    from rich.console import Console
    from rich.text import Text

    from azul_tui.tui.palette import role_style

    console = Console(
        width=width, record=True, file=io.StringIO(), color_system="truecolor", force_terminal=True
    )
    for line in picture:
        text = Text(no_wrap=True, overflow="crop")
        for part, role in line:
            text.append(part, role_style(role, "full"))
        console.print(text)
    return console.export_svg(title=title)


def write_export(folder: Path, stem: str, kind: str, content: str) -> str:
    """Write `content` into `folder`; returns a sentence that says where, or why not."""
    safe = "".join(letter if letter.isalnum() else "-" for letter in stem)
    path = folder / f"chart-{safe}.{kind}"
    try:
        write_bytes_atomically(path, content.encode("utf-8"), durable=False)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return f"written: {path}"
