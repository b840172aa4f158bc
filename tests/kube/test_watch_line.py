"""A line of a watch is an object, a step forward, or a failure; anything else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aurora_tui.kube.errors import ApiError, Unreadable
from aurora_tui.kube.listing import Resource, reader
from aurora_tui.kube.objects import Pod
from aurora_tui.kube.watch_line import Told, read_line
from tests.kube.api_server import pod, status_body

PODS: Resource[Pod] = Resource("pods", ("api/v1",), Pod)
READ = reader(PODS)


def told(kind: str, item: Any) -> Told[Pod]:
    return read_line(json.dumps({"type": kind, "object": item}).encode(), "watch pods in prod", READ)


def numbered(version: str) -> dict[str, Any]:
    made = pod("p0")
    return {**made, "metadata": {**made["metadata"], "resourceVersion": version}}


@pytest.mark.parametrize(("kind", "gone"), [("ADDED", False), ("MODIFIED", False), ("DELETED", True)])
def test_an_object_is_there_or_gone(kind: str, gone: bool) -> None:
    one = told(kind, numbered("7"))
    assert one.item is not None
    assert (one.item.metadata.uid, one.version, one.gone) == ("uid-p0", "7", gone)


def test_a_bookmark_says_only_how_far_it_is() -> None:
    assert told("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": "9"}}) == Told("9")


def test_an_error_is_the_apis_own() -> None:
    with pytest.raises(ApiError, match="too old") as raised:
        told("ERROR", status_body(410, "Expired", "too old"))
    assert raised.value.expired


def test_an_unknown_type_is_no_kubernetes() -> None:
    with pytest.raises(Unreadable, match="an event of type 'PARTY'"):
        told("PARTY", {})
