"""JSON patch, merge patch and strategic merge patch change objects as the API's documents say."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.drill.kubernetes.patch import json_patch, merge_patch, strategic_merge
from aurora_tui.drill.kubernetes.status import Refused

POD = {"spec": {"containers": [{"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]}}


@pytest.mark.parametrize(
    ("operations", "after"),
    [
        ([{"op": "add", "path": "/m/b", "value": 2}], {"m": {"a": 1, "b": 2}, "l": [1, 2]}),
        ([{"op": "replace", "path": "/m/a", "value": 3}], {"m": {"a": 3}, "l": [1, 2]}),
        ([{"op": "remove", "path": "/m/a"}], {"m": {}, "l": [1, 2]}),
        ([{"op": "add", "path": "/l/-", "value": 3}], {"m": {"a": 1}, "l": [1, 2, 3]}),
        ([{"op": "add", "path": "/l/0", "value": 0}], {"m": {"a": 1}, "l": [0, 1, 2]}),
        ([{"op": "copy", "from": "/m/a", "path": "/m/x~1y"}], {"m": {"a": 1, "x/y": 1}, "l": [1, 2]}),
        ([{"op": "move", "from": "/l", "path": "/k"}], {"m": {"a": 1}, "k": [1, 2]}),
        ([{"op": "test", "path": "/m/a", "value": 1}], {"m": {"a": 1}, "l": [1, 2]}),
    ],
)
def test_a_json_patch_applies(operations: list[dict[str, Any]], after: dict[str, Any]) -> None:
    assert json_patch({"m": {"a": 1}, "l": [1, 2]}, operations) == after


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/m/a", "value": 2},
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/m/b", "value": 1},
        {"op": "leap", "path": "/m"},
    ],
)
def test_a_json_patch_that_does_not_apply_is_refused_whole(operation: dict[str, Any]) -> None:
    before = {"m": {"a": 1}}
    with pytest.raises(Refused) as refused:
        json_patch(before, [{"op": "add", "path": "/m/z", "value": 1}, operation])
    assert refused.value.code == 422
    assert before == {"m": {"a": 1}}


def test_a_merge_patch_merges_objects_deletes_by_null_and_replaces_lists() -> None:
    before = {"a": {"b": 1, "c": 2}, "l": [1, 2]}
    assert merge_patch(before, {"a": {"b": None, "d": {"e": None}}, "l": [3]}) == {"a": {"c": 2, "d": {}}, "l": [3]}


def test_a_strategic_merge_patch_merges_containers_by_name() -> None:
    after = strategic_merge(POD, {"spec": {"containers": [{"name": "b", "image": "b:2"}]}})
    assert after["spec"]["containers"] == [POD["spec"]["containers"][0], {"name": "b", "image": "b:2"}]


def test_a_strategic_merge_patch_keeps_the_element_order_it_names() -> None:
    patch = {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a"}]}}
    assert [c["name"] for c in strategic_merge(POD, patch)["spec"]["containers"]] == ["b", "a"]


def test_a_strategic_merge_patch_deletes_and_replaces_on_demand() -> None:
    deleted = strategic_merge(POD, {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}})
    assert [c["name"] for c in deleted["spec"]["containers"]] == ["b"]
    replaced = strategic_merge(POD, {"spec": {"$patch": "replace", "nodeName": "n"}})
    assert replaced == {"spec": {"nodeName": "n"}}


def test_lists_without_a_merge_key_are_replaced() -> None:
    assert strategic_merge({"args": ["a", "b"]}, {"args": ["c"]}) == {"args": ["c"]}


def test_finalizers_are_added_and_taken_away() -> None:
    before = {"finalizers": ["a", "b"]}
    assert strategic_merge(before, {"finalizers": ["c"]}) == {"finalizers": ["a", "b", "c"]}
    assert strategic_merge(before, {"$deleteFromPrimitiveList/finalizers": ["a"]}) == {"finalizers": ["b"]}
