"""Checks written as words: automatic items of a checklist, conditions of a stage's gate. Each names what can be judged.

`situation.checklist` and `situation.gate` judge them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aurora_tui.settings.document import Document, Place
from aurora_tui.settings.problem import Problem, problem_at
from aurora_tui.situation.duration import Duration

_SEVERITIES = ["SEV1", "SEV2", "SEV3", "SEV4"]
_CHECKS = (
    "write one of slo:<id>, slos, green_hours:<n>, no_incidents:<SEV>, phase_done:<id>, checkpoint:<id>, daily:<id>:<n>"
)
_GATES = f"{_CHECKS}, phase:<id>, verdict:go, checkpoint:<phase>/<id>, after:<checkpoint>:<duration>"
_UNKNOWN = "names something unknown"


def check_problems(document: Document) -> Iterator[Problem]:
    """Every check that could not be judged."""
    for place in document.places("phase", "*", "checklist", "*", "check"):
        yield from _problem(document, place, _checkpoints(document, place[:2]), gate=False)
    everywhere = [name for phase in document.places("phase", "*") for name in _checkpoints(document, phase)]
    everywhere += [
        f"{document.at((*phase, 'id'))}/{name}"
        for phase in document.places("phase", "*")
        for name in _checkpoints(document, phase)
    ]
    for place in document.places("runbook", "*", "stage", "*", "gate", "*"):
        yield from _problem(document, place, everywhere, gate=True)


def _problem(document: Document, place: Place, checkpoints: list[str], *, gate: bool) -> Iterator[Problem]:
    check = document.at(place)
    if not isinstance(check, str):
        return
    name, *words = check.split(":")
    known: list[str] | None = None
    match name:
        case "slo" | "phase_done" | "daily":
            known = _ids(document, {"slo": "slo", "phase_done": "phase", "daily": "daily"}[name])
        case "phase" if gate:
            known = _ids(document, "phase")
        case "checkpoint":
            known = checkpoints
        case "after" if gate:
            known = checkpoints
        case "verdict" if gate:
            known = ["go"]
        case "no_incidents":
            known = _SEVERITIES
    counts = words[1:] if name == "daily" else words if name == "green_hours" else []
    expected = {"slos": 0, "daily": 2, "after": 2}.get(name, 1)
    if (known is None and name not in ("slos", "green_hours")) or len(words) != expected:
        yield problem_at(document, place, "is not a check", _GATES if gate else _CHECKS)
    elif not all(re.fullmatch(r"[1-9][0-9]{0,3}", count) for count in counts):
        yield problem_at(document, place, "does not end in a count", "write a whole number from 1 to 9999")
    elif name == "after" and not _is_duration(words[1]):
        yield problem_at(document, place, "does not end in a duration", 'write for example "6h" or "30m"')
    elif known is not None and words[0] not in known:
        right = "known are " + ", ".join(sorted(set(known))) if known else "none is defined"
        yield problem_at(document, place, _UNKNOWN, f"name one that is: {right}")


def _is_duration(text: str) -> bool:
    try:
        Duration.parse(text)
    except ValueError:
        return False
    return True


def _ids(document: Document, table: str) -> list[str]:
    return [text for place in document.places(table, "*", "id") if isinstance(text := document.at(place), str)]


def _checkpoints(document: Document, phase: Place) -> list[str]:
    """The checkpoints of the phase at `phase`."""
    value = document.at((*phase, "checkpoint"))
    entries = value if isinstance(value, list) else []
    return [one["id"] for one in entries if isinstance(one, dict) and isinstance(one.get("id"), str)]
