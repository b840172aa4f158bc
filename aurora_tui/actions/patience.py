"""What a failure means for a step: to be asked again after a while, to be looked at anew, or the end of it.

Nothing is tried again blindly: after every failure the step is asked where it stands before anything is written.
"""

from __future__ import annotations

import random
from enum import Enum

from aurora_tui.errors import AuroraError
from aurora_tui.kube.errors import ApiError, CredentialError, Unreachable, Unreadable

_FIRST = 0.2  # real seconds
_LONGEST = 5.0  # a step has minutes: who comes back after an outage is noticed soon
_CONFLICT = 0.05
_LONGEST_CONFLICT = 1.0


class Remedy(Enum):
    """What to do about a failure."""

    WAIT = "wait"  # it may pass: no answer, too many requests, a server or a proxy in trouble
    LOOK = "look"  # another wrote first: read again, at once
    RENEW = "renew"  # who we are is not accepted (any more)
    STOP = "stop"  # it will be answered the same the next time


def remedy_of(error: AuroraError) -> Remedy:
    """The remedy for what went wrong with a step."""
    if isinstance(error, CredentialError):
        return Remedy.RENEW
    if isinstance(error, (Unreachable, Unreadable)):
        return Remedy.WAIT
    if not isinstance(error, ApiError):
        return Remedy.STOP
    if error.status == 409:
        return Remedy.LOOK
    if error.status == 401:
        return Remedy.RENEW
    # A redirect is a proxy's login page: who stands behind it has not been asked.
    if error.status in (408, 425, 429) or error.status >= 500 or 300 <= error.status < 400:
        return Remedy.WAIT
    return Remedy.STOP


class Pauses:
    """How long to wait after each failure in a row: full jitter under a ceiling that doubles, Retry-After honoured."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._failures = 0

    def after(self, error: AuroraError) -> float:
        """Real seconds to wait now. Conflicts are tried again soon: what is read anew is what makes them pass."""
        conflict = remedy_of(error) is Remedy.LOOK
        first, longest = (_CONFLICT, _LONGEST_CONFLICT) if conflict else (_FIRST, _LONGEST)
        ceiling = min(longest, first * 2.0 ** min(self._failures, 16))
        self._failures += 1
        asked_for = error.retry_after if isinstance(error, ApiError) else None
        return max(self._chance.uniform(0.0, ceiling), asked_for or 0.0)

    def well(self) -> None:
        """An answer came: the next failure is a first one."""
        self._failures = 0
