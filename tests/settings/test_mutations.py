"""Whatever is done to a mission file, the answer is settings or a UsageError: never another exception."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_tui.errors import UsageError
from aurora_tui.settings import check_queries, load
from tests.settings.places import AURORA, aurora_tables, write

_ANYTHING = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from([10**300, -(10**300), float("nan"), float("inf"), -0.0]),
    st.floats(),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20),
    st.sampled_from(
        ["0s", "15s", "", "$treaty", "$window", "http://[", "slo:", "daily::", "09:00", "SEV1", "a/b", "~x/y"]
    ),
    st.sampled_from([datetime.time(9), datetime.date(2026, 1, 3)]),
    st.lists(st.one_of(st.integers(), st.text("ab", max_size=3)), max_size=2),
    st.dictionaries(st.text("ab.\u202e", max_size=3), st.integers(), max_size=2),
    st.just([{}]),
    st.just([{"id": "x"}, {"id": "x"}]),
)


def _places(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [so_far, *(place for key, part in inner for place in _places(part, (*so_far, key)))]


PLACES = _places(aurora_tables())[1:]


def _answer(file: Path) -> str:
    """What is said of the file; any exception but a UsageError fails the test."""
    try:
        check_queries(load([file]))
    except UsageError as error:
        return str(error)
    return f"{file} is fine"


@settings(max_examples=250)
@given(place=st.sampled_from(PLACES), value=_ANYTHING)
def test_any_one_value_may_be_anything(place: tuple[Any, ...], value: Any, tmp_path_factory: Any) -> None:
    tables = aurora_tables()
    table: Any = tables
    for step in place[:-1]:
        table = table[step]
    table[place[-1]] = value
    assert _answer(write(tmp_path_factory.getbasetemp() / "mutated.toml", tables))


@settings(max_examples=100)
@given(place=st.sampled_from(PLACES))
def test_any_one_part_may_be_missing(place: tuple[Any, ...], tmp_path_factory: Any) -> None:
    tables = aurora_tables()
    table: Any = tables
    for step in place[:-1]:
        table = table[step]
    del table[place[-1]]
    assert _answer(write(tmp_path_factory.getbasetemp() / "lacking.toml", tables))


_TEXT = AURORA.read_text(encoding="utf-8")


@settings(max_examples=150)
@given(at=st.integers(0, len(_TEXT)), length=st.integers(0, 40), put=st.text("[]{}=\"'.,#\n\\x0\u202e", max_size=3))
def test_any_stretch_of_the_text_may_be_overwritten(at: int, length: int, put: str, tmp_path_factory: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "overwritten.toml"
    file.write_text(_TEXT[:at] + put + _TEXT[at + length :], encoding="utf-8")
    assert str(file) in _answer(file)


@given(data=st.binary(max_size=200))
def test_any_bytes_may_be_a_file(data: bytes, tmp_path_factory: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.toml"
    file.write_bytes(data)
    assert str(file) in _answer(file)
