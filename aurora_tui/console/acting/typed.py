"""A shell command over several lines: what a person copies from them is the same command."""

from __future__ import annotations

import shlex

from rich.cells import cell_len


def continued(command: str, cells: int) -> list[str]:
    """`command` in lines of `cells`, `\\` at each end but the last, broken between words.

    A word longer than a line is broken where a shell puts it together again: nothing is added within quotes.
    """
    lines = [""]
    for word in words(command):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) + 2 <= cells or not lines[-1]:
            lines[-1] = longer
        else:
            lines[-1] += " \\"
            lines.append(f"  {word}")
    result: list[str] = []
    for line in lines:
        result += _pieces(line, cells)
    return result


def words(command: str) -> list[str]:
    """The words of `command` as they are written, quotes and all. What no shell would read is one word."""
    result: list[str] = []
    begun: list[str] = []
    for part in command.split(" "):
        begun.append(part)
        word = " ".join(begun)
        if not word:
            continue
        try:
            shlex.split(word)
        except ValueError:  # a quote is open: the space was within it
            continue
        result.append(word)
        begun = []
    return [*result, " ".join(begun)] if begun else result


def _pieces(line: str, cells: int) -> list[str]:
    """`line` in pieces that a shell joins: `\\` and a line break are nothing to it, but within '…', which is closed."""
    result: list[str] = []
    piece, quote, escaped = "", "", False
    for at, character in enumerate(line):
        rest = line[at:]
        end = "'\\" if quote == "'" else "\\"
        fits = cell_len(piece + rest) <= cells if len(rest) <= cells else False
        if not fits and not escaped and cell_len(piece + character + end) + (quote == "'") > max(6, cells):
            result.append(piece + end)
            piece = "'" if quote == "'" else ""
        piece += character
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif character == quote:
            quote = ""
        elif character in ("'", '"') and not quote:
            quote = character
    return [*result, piece]
