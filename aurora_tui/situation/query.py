"""The mission's PromQL texts with their placeholders filled in: which treaty, what window, how fresh.

- `$treaty`, inside a string: a regular expression for the treaty label's value;
- `$window`, a range such as `3d`: the stretch that a share of good events is asked over;
- `$fresh`, three scrape intervals such as `45s`: the longest a gauge may be old.

https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
"""

from __future__ import annotations

import re

from aurora_tui.situation.duration import Duration

ALL_TREATIES = ".+"
FRESH_INTERVALS = 3

# A comment or a string literal (in which quotes and `#` mean nothing), or a placeholder of bare PromQL.
_TOKEN = re.compile(
    r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|\$(?P<name>window|fresh)\b""",
    re.DOTALL,
)
_TREATY = re.compile(r"\$treaty\b")
_SPECIAL = frozenset(r"\.+*?()|[]{}^$")


def substitute(query: str, *, treaty: str | None, scrape_interval: float, window: float | None = None) -> str:
    """`query` with its placeholders filled in; `treaty` None asks for all of them. Times are seconds.

    A treaty's name is matched literally: it is escaped for RE2 and then for the string it stands in.
    ValueError when the query holds `$window` and no window is given.
    """
    pattern = ALL_TREATIES if treaty is None else _matching_exactly(treaty)

    def fill(token: re.Match[str]) -> str:
        text = token.group()
        if token["name"] == "fresh":
            return str(Duration(FRESH_INTERVALS * scrape_interval))
        if token["name"] == "window":
            if window is None:
                raise ValueError(f"the query needs a window, and none was given: {query}")
            return str(Duration(window))
        if text[0] == "#":
            return text
        # Only a back-quoted string takes a backslash as it is.
        escaped = pattern if text[0] == "`" else pattern.replace("\\", "\\\\")
        return _TREATY.sub(lambda _: escaped, text)

    return _TOKEN.sub(fill, query)


def _matching_exactly(value: str) -> str:
    """An RE2 pattern that matches `value` and nothing else. It holds no quote and no control character."""
    return "".join(
        f"\\x{ord(char):02x}" if char in "\"'`" or ord(char) < 32 else f"\\{char}" if char in _SPECIAL else char
        for char in value
    )
