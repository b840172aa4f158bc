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
    heads: Sequence[tuple[str, int]] = (),
) -> list[Line]:
    """`height` lines of `width` cells. `note` (what is hidden or filtered) stands in the border, inked when `alarm`.

    `heads` are names of columns, each with the cell of the content it starts at: they stand in the upper border
    as far as it has nothing else to say there.
    """
    edges = _HEAVY if focused else _ROUND
    ink = "accent" if focused else "frame"
    title_ink = "accent bold" if focused else "title bold"
    note_ink = "warn bold" if alarm else "dim"
    if not framed:
        top = _rule("", title, note, "", edges[4], width, (ink, title_ink, note_ink))
        return [
            _with_heads(top, heads, 1, edges[4]),
            *(fit((span(" "), *line), width) for line in content[: height - 1]),
        ]
    inner = width - 4
    top = _rule(edges[0], title, "", edges[1], edges[4], width, (ink, title_ink, note_ink))
    lines = [_with_heads(top, heads, 2, edges[4])]
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


def _with_heads(rule: Line, heads: Sequence[tuple[str, int]], offset: int, dash: str) -> Line:
    """The rule with names of columns in its dashes, where there are dashes enough."""
    at = 0
    parts: list[Span] = []
    for part in rule:
        size = cell_len(part.text)
        if part.text.strip(dash):
            parts.append(part)
        else:
            parts += _labelled(part, [(text, offset + start - at) for text, start in heads])
        at += size
    return tuple(parts)


def _labelled(dashes: Span, labels: Sequence[tuple[str, int]]) -> list[Span]:
    parts: list[Span] = []
    text, done = dashes.text, 0
    for label, start in labels:
        end = start + len(label)
        if start - 1 < done or end > len(text):
            continue
        shown = f" {label}{' ' if end < len(text) else ''}"
        parts += [Span(text[done : start - 1], dashes.ink), Span(shown, "dim")]
        done = start - 1 + len(shown)
    return [part for part in (*parts, Span(text[done:], dashes.ink)) if part.text]


def chosen(line: Line, width: int) -> Line:
    """The line under the cursor."""
    return tuple(Span(part.text, f"{part.ink} chosen") for part in fit(line, width))
