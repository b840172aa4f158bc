"""Read one settings file: TOML, UTF-8, of sane size; whatever is wrong with it becomes a problem, never a traceback."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from aurora_tui.settings.document import Document
from aurora_tui.settings.problem import Problem, file_problem

MISSING = "there is no such file"
_LARGEST = 1 << 20
_DEEPEST = 20


def read(file: Path) -> Document | Problem:
    """The document in `file`, or what is wrong with the file as a whole."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return file_problem(file, MISSING, "name a TOML file that exists")
    except IsADirectoryError:
        return file_problem(file, "is a folder", "name a TOML file")
    except PermissionError:
        return file_problem(file, "may not be read by you", "give yourself read permission, or name another file")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return file_problem(file, f"cannot be read: {reason}", "name a TOML file that can be read")
    if len(data) > _LARGEST:
        return file_problem(file, "is larger than 1 MiB", "name a settings file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return file_problem(
            file, f"line {line} is not UTF-8 (byte 0x{data[error.start]:02x})", "save the file as UTF-8"
        )
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return file_problem(file, f"not valid TOML: {error}", "correct that line; https://toml.io shows the syntax")
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets nested thousands deep.
        return file_problem(file, f"not usable TOML: {error}", "write plain tables, lists and values")
    if _deeper_than(values, _DEEPEST):
        return file_problem(file, f"is nested more than {_DEEPEST} tables deep", "write plain tables, lists and values")
    return Document(values, file)


def _deeper_than(values: Any, limit: int) -> bool:
    """Without recursion: one dotted key may nest thousands of tables."""
    level = [values]
    for _ in range(limit):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
