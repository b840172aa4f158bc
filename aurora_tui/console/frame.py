"""A panel's frame: a border with its title, or a title line alone where room is short, and what is out of view."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from aurora_tui.console.ink import Line, Span, cut, fit, span

_ROUND, _HEAVY = "╭╮╰╯─│", "┏┓┗┛━┃"


def frame(
    title: str,
    note: str,
    content: Sequence[Line],
    width: int,
    height: int,
    framed: bool,
    focused: bool,
    alarm: bool = False,
) -> list[Line]:
    """`height` lines of `width` cells. `note` (what is hidden or filtered) stands in the border, inked when `alarm`."""
    edges = _HEAVY if focused else _ROUND
    ink = "accent" if focused else "frame"
    title_ink = "accent bold" if focused else "title bold"
    note_ink = "warn bold" if alarm else "dim"
    if not framed:
        top = _rule("", title, note, "", edges[4], width, (ink, title_ink, note_ink))
        return [top, *(fit((span(" "), *line), width) for line in content[: height - 1])]
    inner = width - 4
    lines = [_rule(edges[0], title, "", edges[1], edges[4], width, (ink, title_ink, note_ink))]
    side = Span(edges[5], ink)
    for number in range(height - 2):
        line = content[number] if number < len(content) else ()
        lines.append((side, _pad(line), *fit(line, inner), _pad(line), side))
    lines.append(_rule(edges[2], "", note, edges[3], edges[4], width, (ink, title_ink, note_ink)))
    return lines


def _pad(line: Line) -> Span:
    """The blank beside a line belongs to the line when it is the chosen one."""
    return Span(" ", "chosen" if line and line[0].ink.endswith("chosen") else "")


def _rule(start: str, title: str, note: str, end: str, dash: str, width: int, inks: tuple[str, str, str]) -> Line:
    """A horizontal border with a title at its left and a note at its right."""
    room = width - len(start) - len(end)
    note = cut(note, max(0, room - cell_len(title) - 6))
    title = cut(title, room - 2)
    left = f" {title} " if title else ""
    right = f" {note} " if note else ""
    dashes = dash * max(0, room - cell_len(left) - cell_len(right) - (1 if right else 0))
    parts = (span(start, inks[0]), span(left, inks[1]), span(dashes, inks[0]), span(right, inks[2]))
    return fit(
        (part for part in (*parts, span(dash if right else "", inks[0]), span(end, inks[0])) if part.text), width
    )


def chosen(line: Line, width: int) -> Line:
    """The line under the cursor."""
    return tuple(Span(part.text, f"{part.ink} chosen") for part in fit(line, width))
