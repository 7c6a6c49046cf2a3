"""The menu as a picture: entries on the left, the chosen one explained on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.jobs.registry import GROUP_TITLES
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.forms.settings import SettingsForm, draw_form
from azul_tui.tui.picture import Line, Picture, beside, crop, shorten, text_line, wrapped
from azul_tui.tui.table import first_marked, with_marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azul_tui.jobs.registry import JobSpec
    from azul_tui.tui.signs import Signs

ORDER = (1, 2, 3, 4, 5, 7, 0, 6, 8, 9, 10)
"""Menu numbers in the order in which they are shown, by group."""
NUMBER_HEAD = "--run"
"""Heads the column of what starts an entry without the dashboard."""
WELCOME = (
    "Welcome. This program teaches a network to play Azul by playing against itself. "
    "Enter starts a first training of under two minutes; ? shows all keys."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuState:
    """Everything that the picture depends on besides its size."""

    entries: Sequence[JobSpec]
    chosen: int
    form: SettingsForm
    form_focused: bool
    running: Mapping[str, str]
    """Job name to the folder it runs in."""
    welcome: bool
    preset: str | None
    signs: Signs


def ordered(specs: Sequence[JobSpec]) -> list[JobSpec]:
    """The entries in the order of the menu, those without a number last."""
    by_number = {spec.number: spec for spec in specs if spec.number is not None}
    numbered = [by_number[number] for number in ORDER if number in by_number]
    return [*numbered, *(spec for spec in specs if spec.number is None)]


def menu_body(state: MenuState, width: int, height: int) -> Picture:
    """The body of the menu, exactly `height` lines of `width` cells."""
    top: Picture = []
    if state.welcome and height >= 16:
        top = [(), *[((" ", ""), *line) for line in wrapped(WELCOME, max(10, width - 2), "strong")]]
        top.append(())
    room = height - len(top)
    if width >= 76:
        left = min(44, width * 40 // 100)
        picture = beside(entry_lines(state, left, room), left, details(state, width - left, room))
    elif state.form_focused or height < 6:
        picture = (
            details(state, width, room) if state.form_focused else entry_lines(state, width, room)
        )
    else:
        below = max(5, room // 3)
        picture = entry_lines(state, width, room - below)
        picture.extend(details(state, width, below))
    return crop([*top, *picture], width, height)


def entry_lines(state: MenuState, width: int, height: int) -> Picture:
    """The entries under their groups, scrolled so that the chosen one is visible."""
    lines: list[tuple[Line, int | None]] = []
    group = ""
    for index, spec in enumerate(state.entries):
        if spec.group != group:
            group = spec.group
            if lines:
                lines.append(((), None))
            title = f" {GROUP_TITLES[spec.group]}"
            # The numbers are what `--run` takes; a digit key goes to a place, here as elsewhere.
            head = NUMBER_HEAD if index == 0 and width >= len(title) + len(NUMBER_HEAD) + 3 else ""
            heading = text_line(f"{title}{head:>{width - len(title) - 2}}", "quiet")
            lines.append((heading, None))
        lines.append((_entry(state, spec, index == state.chosen, width), index))
    if len(lines) > height:
        lines = [(line, index) for line, index in lines if line]
    entries = [index for _, index in lines]
    first = first_marked(entries.index(state.chosen), len(lines), max(1, height))
    stop = first + height
    return with_marks(
        [line for line, _ in lines[first:stop]],
        _entries_of(entries[: first + 1]) if first > 0 else 0,
        _entries_of(entries[stop - 1 :]) if stop < len(lines) else 0,
        width,
        state.signs,
    )


def _entries_of(lines: Sequence[int | None]) -> int:
    """How many of the lines are entries, not headings."""
    return sum(index is not None for index in lines)


def _entry(state: MenuState, spec: JobSpec, here: bool, width: int) -> Line:
    number = spec.name if spec.number is None else str(spec.number)
    sign = state.signs.pointer if here else " "
    running = f" {state.signs.running} running" if spec.name in state.running else ""
    room = width - 5 - len(running)
    title = shorten(spec.title, max(4, room), state.signs.ellipsis)
    gap = room - len(title) - len(number)
    if gap < 1:  # the title matters more
        number, gap = "", room - len(title)
    role = "" if not here else ("chosen.quiet" if state.form_focused else "chosen")
    return (
        (sign, "key"),
        (f" {title}", role),
        (running, role if here else "good"),
        (" " * max(0, gap), role),
        (f"{number} ", role if here else "quiet"),
    )


def details(state: MenuState, width: int, height: int) -> Picture:
    """What the chosen entry does, how long it takes, and its settings."""
    spec = state.entries[state.chosen]
    inner = width - 4
    content: Picture = wrapped(spec.description, inner)
    other = spec.preset is not None and state.preset != spec.preset
    takes = "as long as the preset says" if other else spec.duration
    content.append((("takes ", "quiet"), (takes, "strong")))
    content.append(())
    content = [((" ", ""), *line) for line in content]
    room = height - 2 - len(content)
    if state.form.specs and room >= 2:
        changed = len(state.form.changes)
        words = [f"{state.preset} preset" if state.preset else "defaults"]
        if changed:
            words.append(f"{changed} changed")
        if state.form.filter:
            words.append(f"filter {state.form.filter}")
        head = " settings: " + ", ".join(words)
        content.append(text_line(head, "title" if state.form_focused else "quiet"))
        content.extend(
            draw_form(state.form, inner, room - 1, focused=state.form_focused, signs=state.signs)
        )
    title: Line = ((spec.title, "title"),)
    footer = "tab to the entries" if state.form_focused else "tab to the settings"
    foot = text_line(footer, "quiet") if state.form.specs else ()
    return panel(content, title, foot, width, height, state.signs)
