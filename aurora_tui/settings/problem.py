"""What is wrong with the settings, one line a problem: file, key, value, what is wrong, what would be right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aurora_tui.errors import UsageError
from aurora_tui.settings.document import ABSENT, Document, Origin, Place, written_as
from aurora_tui.text import safe

_LONGEST_VALUE = 60
_LONGEST_REPORT = 7000
_SECRET_NAME = re.compile(
    r"passw|token|secret|credential|bearer|authori[sz]ation|cookie|api.?key|private", re.IGNORECASE
)
_USER_INFO = re.compile(r"(?<=://).*@|^(?!\w+://)\S+:.*@", re.DOTALL)


class Problem(NamedTuple):
    """`place` () is the file as a whole. `value` ABSENT: none to show. `wrong` may not hold a value."""

    origin: Origin
    key: str
    value: str
    wrong: str
    right: str

    def __str__(self) -> str:
        subject = " = ".join(part for part in (self.key, self.value) if part)
        # A flag's own value stands behind its name, a file's behind the file and the key.
        about = f"{self.origin}: {subject}" if self.key else " = ".join(filter(None, (str(self.origin), subject)))
        # The key is a person's, and the parser's words may quote the file.
        return safe(f"{about}: {self.wrong}" + (f"; {self.right}" if self.right else ""), limit=600)


def problem_at(document: Document, place: Place, wrong: str, right: str, *, show: bool = True) -> Problem:
    """A problem with the value at `place` of `document`; it is shown unless it is absent or may be a secret."""
    value = document.at(place)
    shown = shown_value(value) if show and value is not ABSENT and not is_secret(place) else ""
    return Problem(document.origin(place), safe(written_as(document, place), limit=200), shown, wrong, right)


def file_problem(origin: Path, wrong: str, right: str) -> Problem:
    """A problem with a file as a whole."""
    return Problem(origin, "", "", wrong, right)


def is_secret(place: Place) -> bool:
    """Whether what stands at `place` may be a secret, or may have been written there by mistake for one."""
    names = [step for step in place if isinstance(step, str)]
    return "auth" in names or any(_SECRET_NAME.search(name) for name in names)


def shown_value(value: Any) -> str:
    """`value` short, on one line, safe to print and without user names and passwords in addresses."""
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, list):
        return "[…]" if value else "[]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{safe(without_user_info(value), limit=_LONGEST_VALUE)}"'
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return "a number of many digits"  # printing thousands of them is refused by Python itself
    return safe(str(value), limit=_LONGEST_VALUE)


def without_user_info(text: str) -> str:
    """`text` without what stands before the `@` of an address, and after its `?` or `#`: all may be secrets."""
    cleaned = _USER_INFO.sub("…@", text)
    if "://" in cleaned:
        cleaned = re.sub(r"([?#]).*", r"\1…", cleaned, flags=re.DOTALL)
    return cleaned


def refuse(problems: Sequence[Problem]) -> None:
    """Raise one UsageError that tells all of `problems`, if there are any."""
    if not problems:
        return
    lines: list[str] = []
    for problem in dict.fromkeys(str(problem) for problem in problems):
        if sum(map(len, lines)) + len(problem) > _LONGEST_REPORT:
            break
        lines.append(problem)
    left = len(set(map(str, problems))) - len(lines)
    if left:
        lines.append(f"… and {left} more")
    if len(lines) == 1:
        raise UsageError(lines[0], "")
    raise UsageError("\n".join([f"{len(lines) - bool(left) + left} problems in the settings", *lines]), "")
