"""The one style of error: what happened, to what, and what the person can do about it."""

from __future__ import annotations


class AuroraError(Exception):
    """Root of all our errors. `what` names the event and its object, `remedy` what to do.

    Neither may hold a secret: URLs are passed through `aurora_tui.text.redact_url` first.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}" if self.remedy else self.what


class UsageError(AuroraError):
    """Bad input: flags, files, values. Exit code 2, nothing changed."""

    exit_code = 2
