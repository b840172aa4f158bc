"""What a check answers, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from aurora_tui.actions.plan import Check, Outcome
from aurora_tui.errors import AuroraError
from aurora_tui.text import safe

SECONDS = 5.0  # real seconds that a check may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one look gave. `forced`: what the operator set aside by it, in words."""

    checks: tuple[Check, ...] = ()
    forced: tuple[str, ...] = ()


def ok(title: str, words: str = "") -> Answer:
    """Nothing stands against it."""
    return Answer(checks=(Check(title=title, outcome=Outcome.OK, words=words),))


def warning(title: str, words: str, remedy: str = "") -> Answer:
    """To be known before going on."""
    return Answer(checks=(Check(title=title, outcome=Outcome.WARNING, words=words, remedy=remedy),))


def refused(title: str, words: str, remedy: str = "") -> Answer:
    """It may not be done."""
    return Answer(checks=(Check(title=title, outcome=Outcome.REFUSED, words=words, remedy=remedy),))


def forced(title: str, words: str, recorded: str) -> Answer:
    """It would be refused, but was set aside: `recorded` says so in the ledger."""
    return Answer(checks=(Check(title=title, outcome=Outcome.WARNING, words=words),), forced=(recorded,))


def together(*answers: Answer) -> Answer:
    """All of them as one."""
    return Answer(
        checks=tuple(check for answer in answers for check in answer.checks),
        forced=tuple(words for answer in answers for words in answer.forced),
    )


async def bounded(title: str, look: Awaitable[Answer], *, harmful: bool = False, seconds: float = SECONDS) -> Answer:
    """What `look` answers; when it cannot be made, or takes too long, a warning (`harmful`: a refusal) that says so."""
    try:
        async with asyncio.timeout(seconds):
            return await look
    except TimeoutError:
        why, remedy = f"no answer within {seconds:g} s", "Look at the API server, and plan again."
    except AuroraError as error:
        why, remedy = safe(error.what, 400), error.remedy
    answer = refused if harmful else warning
    return answer(title, f"could not be checked: {why}", remedy)
