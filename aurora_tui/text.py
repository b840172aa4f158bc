"""The one place where untrusted text is made safe to show: pod names, annotations, logs, HTTP bodies, errors."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit, urlunsplit

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"  # two- and three-byte escapes
    r"|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
_ELLIPSIS = "…"
# Format characters that turn text round, hide it or join glyphs across cells (Unicode category Cf and kin).
_INVISIBLE = {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def safe(text: str | bytes, limit: int = 512, lines: bool = False) -> str:
    """`text` without anything a terminal or a reader could be misled by, at most `limit` characters.

    Escape sequences go; control and invisible characters become `·`; line breaks and tabs become spaces
    unless `lines`. It does not escape markup: what is shown is never parsed as markup.
    """
    if isinstance(text, bytes):
        text = text[: limit * 8].decode("utf-8", "replace")
    cut = len(text) > limit * 8
    text = _ESCAPE_SEQUENCE.sub("", text[: limit * 8])
    out: list[str] = []
    for char in text:
        if (char.isascii() and char.isprintable()) or (char == "\n" and lines):
            out.append(char)
        elif char in "\n\r\t\v\f":
            out.append(" ")
        elif unicodedata.category(char) in _INVISIBLE or not (char.isprintable() or unicodedata.combining(char)):
            out.append("·")
        else:
            out.append(char)
    result = "".join(out)
    if cut or len(result) > limit:
        return result[: limit - 1] + _ELLIPSIS
    return result


def redact_url(url: str) -> str:
    """`url` without user name, password, query and fragment: nothing in it can be a secret."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
