"""Where everything goes: a pure function from the terminal's size and the panels' needs to rectangles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

LEAST_WIDTH, LEAST_HEIGHT = 60, 16
_TWO_COLUMNS = 110
_TALL = 30
STACK = ("slo", "workloads", "alerts", "checkpoints")  # from the top, when one column must do


class Box(NamedTuple):
    """Cells: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int


class Geometry(NamedTuple):
    """The whole screen. `framed`: panels have borders; else only a title line. None: the terminal is too small."""

    boxes: dict[str, Box]
    framed: bool


def arrange(width: int, height: int, wants: Mapping[str, int]) -> Geometry | None:
    """Boxes of header, banner, slo, checkpoints, workloads, alerts, keys and details; `wants` are rows of content."""
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return None
    wide = width >= _TWO_COLUMNS
    head = 1 if wide else 2
    verdict = 2 if wide else 3
    top = head + verdict
    body = height - top - 1
    boxes = {
        "header": Box(0, 0, width, head),
        "banner": Box(0, head, width, verdict),
        "keys": Box(0, height - 1, width, 1),
    }
    framed = wide or height >= _TALL
    boxes |= _two_by_two(width, top, body, wants) if wide else _stacked(width, top, body, wants, framed)
    boxes["details"] = _over(boxes, width, top, body, wide)
    return Geometry(boxes, framed)


def _two_by_two(width: int, top: int, body: int, wants: Mapping[str, int]) -> dict[str, Box]:
    left = width * 3 // 5
    needed = max(wants.get("slo", 0), wants.get("checkpoints", 0)) + 2
    upper = max(3, min(needed, body * 3 // 5))
    if body - upper > max(wants.get("workloads", 0), wants.get("alerts", 0)) + 2:
        upper = min(max(upper, body // 2), body - 5)
    return {
        "slo": Box(0, top, left, upper),
        "checkpoints": Box(left, top, width - left, upper),
        "workloads": Box(0, top + upper, left, body - upper),
        "alerts": Box(left, top + upper, width - left, body - upper),
    }


def _stacked(width: int, top: int, body: int, wants: Mapping[str, int], framed: bool) -> dict[str, Box]:
    """Every panel keeps its title and a row; the rest of the lines goes round in order of importance."""
    frame = 2 if framed else 1
    least = {"slo": 4, "workloads": 2, "alerts": 2, "checkpoints": 1}
    rows = {name: 1 for name in STACK}
    spare = body - sum(rows.values()) - frame * len(STACK)
    for goal in (least, {name: max(least[name], wants.get(name, 0)) for name in STACK}):
        for name in STACK:
            extra = max(0, min(spare, goal[name] - rows[name]))
            rows[name] += extra
            spare -= extra
    rows[STACK[1]] += max(0, spare)
    boxes, y = {}, top
    for name in STACK:
        boxes[name] = Box(0, y, width, rows[name] + frame)
        y += rows[name] + frame
    return boxes


def _over(boxes: Mapping[str, Box], width: int, top: int, body: int, wide: bool) -> Box:
    """Details lie over the lower panels; the banner, and the gauges where there is room, stay in sight."""
    shown = 6 if wide and body >= 28 else 0
    margin = 4 if wide else 0
    return Box(margin, top + shown, width - 2 * margin, body - shown)
