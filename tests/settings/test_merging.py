"""Merging goes table by table, named entries one by one, and never forgets where a value came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.settings.document import ABSENT, Document, written_as

_NAMES = st.sampled_from("abc")
_SHAPES = st.recursive(
    st.one_of(st.integers(0, 3), st.lists(st.integers(0, 3), min_size=1, max_size=2)),
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, inner, max_size=3),
        st.lists(_NAMES, unique=True, min_size=1, max_size=3).flatmap(
            lambda names: st.tuples(
                *(inner.map(lambda value, name=name: {"id": name, "v": value}) for name in names)
            ).map(list)
        ),
    ),
    max_leaves=12,
)
_TABLES = st.dictionaries(_NAMES, _SHAPES, max_size=3)
ONE, TWO, THREE = Path("/one"), Path("/two"), Path("/three")


@given(_TABLES)
def test_merging_nothing_changes_nothing(tables: dict[str, Any]) -> None:
    assert Document(tables, ONE).merged(Document({}, TWO)).values == tables
    assert Document({}, ONE).merged(Document(tables, TWO)).values == tables


@given(_TABLES)
def test_merging_a_file_with_itself_changes_nothing(tables: dict[str, Any]) -> None:
    assert Document(tables, ONE).merged(Document(tables, TWO)).values == tables


@given(_TABLES, _TABLES)
def test_what_is_merged_over_is_there_afterwards(below: dict[str, Any], above: dict[str, Any]) -> None:
    merged = Document(below, ONE).merged(Document(above, TWO))
    assert merged.merged(Document(above, TWO)).values == merged.values


@given(_TABLES, _TABLES)
def test_merging_leaves_both_files_as_they_were(below: dict[str, Any], above: dict[str, Any]) -> None:
    said = repr(below), repr(above)
    Document(below, ONE).merged(Document(above, TWO))
    assert (repr(below), repr(above)) == said


@given(_TABLES, _TABLES, _TABLES)
def test_every_value_came_from_a_file_that_holds_it(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    files = {ONE: first, TWO: second, THREE: third}
    document = Document()
    for path, tables in files.items():
        document = document.merged(Document(tables, path))
    for key, value in document.values.items():
        assert document.all_origins((key,))
        for origin in document.all_origins((key,)):
            assert isinstance(origin, Path)
            assert key in files[origin]
        if not isinstance(value, (dict, list)):
            origin = document.origin((key,))
            assert isinstance(origin, Path)
            assert files[origin][key] == value


def test_tables_are_merged_key_by_key() -> None:
    merged = Document({"a": {"x": 1, "y": 1}}, ONE).merged(Document({"a": {"y": 2}, "b": 3}, TWO))
    assert merged.values == {"a": {"x": 1, "y": 2}, "b": 3}
    assert [merged.origin(place) for place in (("a", "x"), ("a", "y"), ("b",), ("a",))] == [ONE, TWO, TWO, ONE]


def test_entries_with_an_id_are_merged_one_by_one_and_new_ones_follow() -> None:
    below = Document({"slo": [{"id": "a", "x": 1}, {"id": "b", "x": 1}]}, ONE)
    merged = below.merged(Document({"slo": [{"id": "c", "x": 3}, {"id": "b", "y": 2}]}, TWO))
    assert merged.values == {"slo": [{"id": "a", "x": 1}, {"id": "b", "x": 1, "y": 2}, {"id": "c", "x": 3}]}
    assert [merged.origin(("slo", 1, key)) for key in "xy"] == [ONE, TWO]


def test_entries_without_an_id_are_matched_by_name() -> None:
    merged = Document({"alert": [{"name": "A", "x": 1}]}).merged(Document({"alert": [{"name": "A", "x": 2}]}))
    assert merged.values == {"alert": [{"name": "A", "x": 2}]}


def test_other_lists_are_replaced() -> None:
    merged = Document({"kpi": [{"group": "g"}], "n": [1, 2]}).merged(Document({"kpi": [{"group": "h"}], "n": []}))
    assert merged.values == {"kpi": [{"group": "h"}], "n": []}


def test_a_name_that_stands_twice_in_one_file_stays_twice() -> None:
    merged = Document({"slo": [{"id": "a"}]}).merged(Document({"slo": [{"id": "a"}, {"id": "a"}]}))
    assert merged.values == {"slo": [{"id": "a"}, {"id": "a"}]}


def test_a_place_is_written_as_a_person_would_name_it() -> None:
    document = Document({"slo": [{"id": "fill", "reading": [{"value": "x"}]}], "environments": {"my env": {}}})
    assert written_as(document, ("slo", 0, "reading", 0, "value")) == "slo[fill].reading[1].value"
    assert written_as(document, ("environments", "my env", "colour")) == 'environments."my env".colour'
    assert document.at(("slo", 7, "id")) is ABSENT
