"""The banner's shape: a word, reasons flowing over its lines, something at the right of each; and the wait for news."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from aurora_tui.console.ink import WAITING, Line, Span, cut, fit, span, spread, width, wrap
from aurora_tui.console.pulse import Lost

LEAST_REASON = 16  # cells


def waiting(cells: int, height: int, lost: Lost | None) -> list[Line]:
    """The banner before the first Situation: waiting in words, BLIND once the wait is too long. Never healthy."""
    if lost is None:
        return block((span("▌", "unknown"),), [WAITING], [(), ()], cells, height)
    head = (span("▌", "blind"), span(" ? BLIND ", "blind reverse bold"), span("  "))
    return block(head, [lost.why], [(), ()], cells, height)


def block(
    head: tuple[Span, ...], texts: Sequence[str], right: list[tuple[Span, ...]], cells: int, height: int
) -> list[Line]:
    """Word and reasons from the left over every line, lights and the next deadline at the right of the last ones.

    What stands at the right is left out of a line where it would crowd out the word or the reason.
    """
    indent = width(head)
    sides: list[tuple[Span, ...]] = [(), *right] if height > 2 else list(right)
    lefts = [indent if number == 0 else 2 for number in range(len(sides))]
    sides = [
        side if width(side) + left + LEAST_REASON <= cells else () for side, left in zip(sides, lefts, strict=True)
    ]
    rooms = [max(4, cells - left - width(side) - 2) for side, left in zip(sides, lefts, strict=True)]
    texts = flow(texts, rooms)
    result: list[Line] = []
    for number, side in enumerate(sides):
        said = texts[number] if number < len(texts) else ""
        left = (*head, span(said)) if number == 0 else (span("▌ ", head[0].ink), span(said))
        result.append(spread(left, side, cells))
    return [fit(line, cells) for line in result[:height]]


def flow(texts: Sequence[str], rooms: Sequence[int]) -> list[str]:
    """Reasons over lines of these widths, each kept whole where a line can hold it; says how many found no room."""
    lines: list[str] = []
    waiting = list(texts)
    for number, room in enumerate(rooms):
        if not waiting:
            break
        said = waiting.pop(0)
        if cell_len(said) > room:
            head, *rest = wrap(said, [room, 10_000]) if number < len(rooms) - 1 else [cut(said, room)]
            waiting[:0] = rest
            lines.append(head)
            continue
        while waiting and cell_len(f"{said} · {waiting[0]}") <= room:
            said = f"{said} · {waiting.pop(0)}"
        lines.append(said)
    if waiting:
        more = f" · {len(waiting)} more: v"
        lines[-1] = cut(lines[-1], max(1, rooms[-1] - len(more))) + more
    return lines
