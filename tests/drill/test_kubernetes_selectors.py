"""Label and field selectors choose what a real API server's would."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.drill.kubernetes.kinds import EVENT, POD
from aurora_tui.drill.kubernetes.selectors import field_selector, label_selector, labels_match, selector_text
from aurora_tui.drill.kubernetes.status import Refused


def pod(**labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "a", "namespace": "n", "labels": labels}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", True),
        ("track=canary", True),
        ("track==canary", True),
        ("track=stable", False),
        ("track!=stable", True),
        ("absent!=stable", True),
        ("track", True),
        ("!track", False),
        ("!absent", True),
        ("track in (canary, stable)", True),
        ("track notin (canary)", False),
        ("absent notin (canary)", True),
        ("absent in (canary)", False),
        ("app=bridge,track=canary", True),
        ("app=bridge, track in (stable)", False),
        ("app.kubernetes.io/name", False),
    ],
)
def test_a_label_selector_chooses(text: str, chosen: bool) -> None:
    assert label_selector(text)(pod(app="bridge", track="canary")) is chosen


def test_a_label_selector_that_cannot_be_parsed_is_a_bad_request() -> None:
    with pytest.raises(Refused) as refused:
        label_selector("track in canary")
    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("metadata.name=a", True),
        ("metadata.name!=a", False),
        ("metadata.namespace=n,status.phase=Running", True),
        ("status.phase=Pending", False),
        ("spec.nodeName=", True),
    ],
)
def test_a_field_selector_chooses(text: str, chosen: bool) -> None:
    assert field_selector(text, POD)(pod()) is chosen


def test_events_are_chosen_by_what_they_are_about() -> None:
    event = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "a", "uid": "1"}}
    assert field_selector("involvedObject.name=a,involvedObject.kind=Pod,involvedObject.uid=1", EVENT)(event)
    assert not field_selector("involvedObject.name=b", EVENT)(event)


def test_a_field_that_cannot_be_selected_is_refused_in_the_servers_words() -> None:
    with pytest.raises(Refused, match=r"field label not supported: status\.podIPs"):
        field_selector("status.podIPs=1", POD)


def test_a_workloads_selector_has_match_expressions_too() -> None:
    selector = {"matchLabels": {"app": "b"}, "matchExpressions": [{"key": "t", "operator": "In", "values": ["x", "y"]}]}
    assert labels_match(selector, {"app": "b", "t": "y"})
    assert not labels_match(selector, {"app": "b"})
    assert selector_text(selector) == "app=b,t in (x,y)"
