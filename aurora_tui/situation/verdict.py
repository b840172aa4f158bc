"""The verdict: one word for the whole situation, worst first, always with its reasons and the next deadline."""

from __future__ import annotations

from enum import Enum

import msgspec


class Word(Enum):
    """Verdicts, worst first (DESIGN, "The screen")."""

    ROLL_BACK = "ROLL BACK"
    BLIND = "BLIND"
    ROLL_BACK_IN = "ROLL BACK IN"
    WATCH = "WATCH"
    GO = "GO"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why, in words. `since` and `deadline` are Unix seconds so that a screen can count them itself."""

    text: str
    word: Word
    since: float | None = None
    deadline: float | None = None
    about: str | None = None  # id of the SLO, criterion, alert or source


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`deadline` is when something becomes worse by itself (a trip), `next_due` the next checkpoint."""

    word: Word
    reasons: tuple[Reason, ...]
    deadline: float | None = None
    next_due: float | None = None
    next_due_title: str | None = None
    runbook: str | None = None
