"""The one place where untrusted text is made safe to show: pod names, annotations, logs, HTTP bodies, errors."""

from __future__ import annotations

import re
import unicodedata

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_][^\n]*?(?:\x07|\x1b\\|(?=\n)|$)"  # OSC, DCS, SOS, PM, APC; one without an end hides one line
    r"|\x1b[ -/]*[0-~]"  # two- and three-byte escapes
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.%]*\]|[^:\[\]]*)(?::[0-9]*)?")
_ELLIPSIS = "…"
# Format characters that turn text round, hide it or join glyphs across cells (Unicode category Cf and kin).
_INVISIBLE = {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks that show nothing (Unicode, Default_Ignorable_Code_Point, beside the format characters).
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def safe(text: str | bytes, limit: int = 512, lines: bool = False) -> str:
    """`text` without anything a terminal or a reader could be misled by, at most `limit` characters.

    Escape sequences go; control and invisible characters become `·`; line breaks and tabs become spaces
    unless `lines`. It does not escape markup: what is shown is never parsed as markup.
    """
    if limit <= 0:
        return ""
    if isinstance(text, bytes):
        text = text[: limit * 8].decode("utf-8", "replace")
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text  # as nearly all is: looked at as a whole, not a character at a time
    cut = len(text) > limit * 8
    text = _ESCAPE_SEQUENCE.sub("", text[: limit * 8])
    result = "".join(_shown(char, lines) for char in text)
    if cut or len(result) > limit:
        return result[: limit - 1] + _ELLIPSIS
    return result


def _shown(char: str, lines: bool) -> str:
    if (char.isascii() and char.isprintable()) or (char == "\n" and lines):
        return char
    category = unicodedata.category(char)
    if char in "\n\r\t\v\f" or category == "Zs":
        return " "
    if category in _INVISIBLE or _IGNORABLE.match(char) or not char.isprintable():
        return "·"
    return char


def redact_url(url: str) -> str:
    """`url` without user name, password, query and fragment: nothing in it can be a secret.

    Broken ones too: a password that is not percent-encoded ends the address early, so what stands before an `@`
    goes wherever that is.
    """
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    where = re.split("[?#]", rest, maxsplit=1)[0]
    broken = "@" in rest and "@" not in where and not _HOST_AND_PORT.fullmatch(where.partition("/")[0])
    where = re.split("[?#]", (rest if broken else where).rpartition("@")[2], maxsplit=1)[0]
    return safe(f"{scheme}{separator}{where}", limit=2048)
