"""The embedded Alertmanager answers as the real one: the same requests, in the same order, to both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.contract.alertmanager_pair import Pair, serving_pair
from tests.contract.conftest import COMPARED

pytestmark = [pytest.mark.needs("prometheus-alertmanager"), pytest.mark.xdist_group("alertmanager")]

ALERTS, SILENCES = "/api/v2/alerts", "/api/v2/silences"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
MATCHER = {"name": "alertname", "value": "RTTHigh", "isRegex": False, "isEqual": True}
SILENCE: dict[str, Any] = {
    "matchers": [MATCHER],
    "startsAt": "2024-01-01T00:00:00Z",
    "endsAt": "2099-01-01T00:00:00Z",
    "createdBy": "ops@bastion",
    "comment": "known",
}


def hence(**span: float) -> str:
    """A moment from now, RFC 3339, in whole seconds."""
    return (datetime.now(UTC) + timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def alert(name: str, /, **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, **labels}}


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory, record_property: Callable[[str, object], None]) -> Iterator[Pair]:
    with serving_pair(tmp_path_factory.mktemp("alertmanager")) as pair:
        yield pair
    record_property(COMPARED, pair.compared)


def look(pair: Pair) -> None:
    """Everything that the two show."""
    for path in (ALERTS, "/api/v2/alerts/groups", SILENCES, "/api/v2/receivers"):
        pair.same("GET", path)


def test_alerts_are_found_by_state_receiver_and_matchers(pair: Pair) -> None:
    posted = [
        {
            **alert("RTTHigh", sev="SEV2", treaty_id="A", severity="critical"),
            "annotations": {"summary": "slow <b>&"},
            "generatorURL": "http://prometheus/graph?g0.expr=up&x=1",
        },
        alert("RTTHigh", sev="SEV2", treaty_id="B", job="x"),
        alert("Boom", sev="SEV1", treaty_id="A"),
        alert("CapacityLow", sev="SEV3", treaty_id="A", empty=""),
        {**alert("CapacityLow", sev="SEV3", treaty_id="B"), "startsAt": "2026-01-03T14:00:00Z"},
        alert("Synthetic", sev="SEV1", drill="true", instance="b"),
        alert("Synthetic", sev="SEV1", drill="true", instance="a"),
        alert("Other", severity="page", text='say "hi" \\ \n bye', umlaut="größe"),
        alert("Ordered", a="1", job="y", instance="0"),
        alert("Ordered", a="2", job="x", instance="2"),
        alert("Ordered", a="3", job="x", instance="1"),
        alert("Ordered", a="0"),
        alert("Down", job="x", instance="1"),
        alert("Absent", job="x", instance="1"),
        alert("Absent", job="x", instance="2"),
    ]
    look(pair)
    pair.same("POST", ALERTS, posted)
    pair.same("POST", SILENCES, {**SILENCE, "matchers": [{**MATCHER, "value": "RTT.*", "isRegex": True}, tid("A")]})
    look(pair)
    for flags in product((None, "true", "false"), repeat=4):
        names = ("active", "silenced", "inhibited", "unprocessed")
        query = {name: flag for name, flag in zip(names, flags, strict=True) if flag is not None}
        pair.same("GET", ALERTS, params=query)
    for flags in product(("true", "false"), repeat=3):
        query = dict(zip(("active", "silenced", "inhibited"), flags, strict=True))
        pair.same("GET", "/api/v2/alerts/groups", params=query)
    for receiver in ("pagerduty", "pager.*", "pager", "archive|slack", "", "(", "nobody", "drill$"):
        pair.same("GET", ALERTS, params={"receiver": receiver})
        pair.same("GET", "/api/v2/alerts/groups", params={"receiver": receiver})
    for query in (
        "active=maybe",
        "active=",
        "active=1&active=false",
        "receiver=a&receiver=slack",
        "active=TRUE",
        "x=y",
    ):
        pair.same("GET", f"{ALERTS}?{query}")


def tid(treaty: str) -> dict[str, Any]:
    return {"name": "treaty_id", "value": treaty, "isRegex": False}


FILTERS = (
    *(
        "sev=SEV2",
        'sev="SEV2"',
        'sev!="SEV2"',
        "sev=~SEV[12]",
        'sev=~"SEV[12]"',
        "sev!~SEV.",
        "sev=~SEV",
        "sev=",
        "sev!=",
    ),
    *('sev=""', 'sev=~""', 'sev!~""', 'sev=~".*"', 'sev=~".+"', 'sev!~".+"', "missing=", "missing!=", 'missing=~".*"'),
    *(
        "nonsense",
        "",
        " sev = SEV2 ",
        'sev="SEV2',
        'sev=SEV2"',
        'sev="a"b"',
        "=x",
        "a-b=c",
        "sev==SEV2",
        "sev=~=x",
        "0a=b",
    ),
    *('sev=~"("', "sev=~[", "sev=~*", "sev=~a**", "sev=~a)", r"sev=~\1", "sev=~(?=x)", "sev=~(?i)sev2", "sev=~a{2,1}"),
    *("sev=~[z-a]", "sev=~[[:alpha:]]+[0-9]", r"sev=~SEV\d", "sev=~a{1001}", "sev=~x{,2}", "sev=~SEV1|SEV2"),
    *(r'text="say \"hi\" \\ \n bye"', r"text=say \x", "text=~(?s)say.*bye", "text=~say.*bye", "sev=~a)|(b", "sev=~\\"),
    *("umlaut=größe", "umlaut=~gr.{2}e", "umlaut=~GRÖSSE", "alertname=RTTHigh,sev=SEV2", '{sev="SEV2"}', "sev=~^SEV2$"),
    *(
        "sev=~SEV(?P<n>[12])",
        "sev=~(?:SEV)?2?",
        "sev=~a*+",
        "sev=~(?<n>a)",
        "sev=~+a",
        "sev=~|",
        "sev=~[^S]",
        "sev=~SEV$|x",
    ),
)


def test_filters_are_read_and_refused_alike(pair: Pair) -> None:
    pair.same("POST", ALERTS, [alert("A", sev=f"SEV{n}") for n in range(1, 4)])
    pair.same("POST", ALERTS, [alert("B", text='say "hi" \\ \n bye', umlaut="größe"), alert("C")])
    for text in FILTERS:
        pair.same("GET", ALERTS, params={"filter": text})
    for text in ("sev=SEV2", "nonsense", "sev=~("):
        pair.same("GET", "/api/v2/alerts/groups", params={"filter": text})
        pair.same("GET", SILENCES, params={"filter": text})
    pair.same("GET", ALERTS, params={"filter": ["sev=~SEV.", "sev!=SEV1", "alertname=A"]})


def test_posted_alerts_are_checked_alike(pair: Pair) -> None:
    good = {"labels": {"alertname": "Good"}}
    bodies: tuple[Any, ...] = (
        *([], {}, "[", "", "null", "3", '"x"', "[3]", '["x"]', "[[]]", "[{}]", '[{"labels":null}]'),
        [{"labels": {}}],
        [{"labels": {"a": ""}}],
        [{"labels": {"a-b": "x"}}],
        [{"labels": {"ä": "x"}}],
        [{"labels": {"": "x"}}],
        [{"labels": {"a": 1}}],
        [{"labels": {"a": None, "b": "x"}}],
        [{"labels": []}],
        [{"labels": "x"}],
        [{"annotations": {}}],
        [{"labels": {"a": "x"}, "annotations": {"a-b": "x"}}],
        [{"labels": {"a": "x"}, "annotations": {"a": 1}}],
        [{"labels": {"a": "x"}, "annotations": {"empty": "", "full": "x"}}],
        [{"labels": {"a": "x"}, "unknown": 1}],
        [{"labels": {"a": "x"}, "generatorURL": "no address"}],
        [{"labels": {"a": "x"}, "generatorURL": ""}],
        [{"labels": {"a": "x"}, "generatorURL": 3}],
        [{"labels": {"a": "x"}, "startsAt": 3}],
        [{"labels": {"a": "x"}, "startsAt": "yesterday"}],
        [{"labels": {"a": "x"}, "endsAt": "2026-01-03"}],
        [{"labels": {"a": "x"}, "startsAt": "2026-01-03T14:00:00Z", "endsAt": "2026-01-03T13:00:00Z"}],
        [good, {"labels": {"a-b": "x"}}, {"labels": {}}],
        [good, {"annotations": {}}],
        [{"labels": {"alertname": "Good"}}, {"labels": {"alertname": "Good"}, "annotations": {"last": "wins"}}],
    )
    for body in bodies:
        pair.same("POST", ALERTS, body)
        pair.same("GET", ALERTS)
    pair.same("POST", ALERTS, [good], headers={"Content-Type": "text/plain"})
    pair.same("POST", ALERTS, [good], headers={"Content-Type": "application/json; charset=utf-8"})
    pair.same("POST", ALERTS)
    pair.same("POST", ALERTS, [good], headers={"Content-Type": ""})


MOMENTS = (
    *(
        "2026-01-03T14:00:00Z",
        "2026-01-03T14:00:00.123456789Z",
        "2026-01-03T14:00:00+02:00",
        "2026-01-03T14:00:00.5-0330",
    ),
    *("2026-01-03T14:00:00", "2026-01-03T14:00:00.25", "2026-01-03 14:00:00", "2026-01-03T14:00Z", "2026-01-03T14:00"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z"),
    *("2026-01-03T14:00:00+0200", "2026-1-3T14:00:00Z", "2026-01-03t14:00:00z", "", "2026-01-03T24:00:00Z", " "),
)


def test_times_are_read_and_written_alike(pair: Pair) -> None:
    for place, moment in enumerate(MOMENTS):
        labels = {"alertname": f"T{place}"}
        pair.same("POST", ALERTS, [{"labels": labels, "startsAt": moment}])
        pair.same("POST", ALERTS, [{"labels": {**labels, "end": "x"}, "startsAt": moment, "endsAt": hence(hours=1)}])
        pair.same("GET", ALERTS, params={"filter": f"alertname=T{place}"})


def test_an_alert_posted_again_is_merged_alike(pair: Pair) -> None:
    moments = (None, hence(hours=-3), hence(hours=-2), hence(hours=-1), hence(hours=1), hence(hours=2), hence(hours=3))
    spans = [(start, end) for start, end in product(moments, moments) if not start or not end or start < end]
    for place, (first, second) in enumerate(product(spans[::3], spans[1::4])):
        for start, end in (first, second):
            times = {name: each for name, each in (("startsAt", start), ("endsAt", end)) if each}
            pair.same("POST", ALERTS, [{**alert(f"M{place}"), **times}])
        pair.same("POST", ALERTS, [alert(f"N{place}"), {**alert(f"M{place}"), "startsAt": hence(minutes=-90)}])
    pair.same("GET", ALERTS)
    pair.same("GET", "/api/v2/alerts/groups")


def test_silences_are_checked_alike(pair: Pair) -> None:
    def matching(*matchers: Any) -> dict[str, Any]:
        return {**SILENCE, "matchers": list(matchers)}

    bodies: list[Any] = [*([], {}, "{", "", "null", "3"), SILENCE]
    bodies += [{name: value for name, value in SILENCE.items() if name != left_out} for left_out in SILENCE]
    bodies += [{**SILENCE, name: value} for name in SILENCE for value in (None, "", 3, [], {})]
    bodies += [matching({**MATCHER, name: value}) for name in MATCHER for value in (None, "", 3, [], "x")]
    bodies += [
        matching({"name": "a", "value": text, "isRegex": True}) for text in ("(", ".*", ".+", "x|", "a)", "\\", "")
    ]
    bodies += [matching({"name": "a", "value": text, "isRegex": False, "isEqual": False}) for text in ("", "x")]
    bodies += [
        matching({"name": name, "value": "x", "isRegex": False}) for name in ("a-b", "", "0", "ä", "a:b", "__name__")
    ]
    bodies += [
        matching(MATCHER, {"name": "a", "value": "", "isRegex": False}),
        matching("x"),
        matching({}),
    ]
    bodies += [
        {**SILENCE, "startsAt": hence(hours=start), "endsAt": hence(hours=end)}
        for start, end in ((-2, -1), (-1, 1), (1, 2), (2, 1), (1, 1))
    ]
    bodies += [{**SILENCE, "id": each} for each in (UNKNOWN, "not-an-id", "", None, 3)]
    bodies += [{**SILENCE, "unknown": 1}, {**SILENCE, "status": {"state": "expired"}}, {**SILENCE, "updatedAt": "x"}]
    for body in bodies:
        pair.same("POST", SILENCES, body)
    pair.same("GET", SILENCES)
    pair.same("POST", SILENCES, SILENCE, headers={"Content-Type": "text/plain"})


def test_silences_are_replaced_and_expired_alike(pair: Pair) -> None:
    pair.same("POST", ALERTS, [alert("RTTHigh", sev="SEV2"), alert("Other", sev="SEV3")])
    later = {**SILENCE, "startsAt": hence(hours=1), "endsAt": hence(hours=2)}
    other = [{**MATCHER, "value": "Other"}]
    bad = [{**MATCHER, "value": "(", "isRegex": True}]
    steps: tuple[dict[str, Any], ...] = (
        SILENCE,
        {"id": "$1", "comment": "for longer", "endsAt": hence(hours=5)},
        {"id": "$1", "startsAt": hence(hours=-1)},  # an active silence keeps its start, or is replaced
        {"id": "$3", "matchers": other},
        {"id": "$4", "matchers": bad},  # refused, and yet the old one is over
        {"id": "$4"},  # an expired one is never woken
        later,
        {**later, "id": "$6", "startsAt": hence(hours=3), "endsAt": hence(hours=4)},
        {**later, "id": "$6", "startsAt": hence(hours=-1)},
        {**later, "id": "$8", "endsAt": hence(hours=-1)},
        {"matchers": [{**MATCHER, "isEqual": False}], "comment": "all others"},
    )
    for step in steps:
        pair.same("POST", SILENCES, {**SILENCE, **step})
        look(pair)
    for place in range(1, len(pair.ids["ours"]) + 1):
        pair.same("GET", f"/api/v2/silence/${place}")
        pair.same("DELETE", f"/api/v2/silence/${place}")
        pair.same("DELETE", f"/api/v2/silence/${place}")
        pair.same("GET", f"/api/v2/silence/${place}")
        look(pair)
    filters = (
        "alertname=RTTHigh",
        "alertname=Other",
        "alertname!=RTTHigh",
        "alertname=~RTT.*",
        "sev=",
        "alertname=~.*",
    )
    for text in filters:
        pair.same("GET", SILENCES, params={"filter": text})
    for id in (UNKNOWN, "not-an-id", UNKNOWN.replace("-", ""), UNKNOWN.upper()):
        pair.same("GET", f"/api/v2/silence/{id}")
        pair.same("DELETE", f"/api/v2/silence/{id}")


def test_what_it_does_not_know_is_refused_alike(pair: Pair) -> None:
    for method, path in (
        *(("GET", path) for path in ("/-/ready", "/-/healthy", "/api/v2/nothing", "/nothing", "/api", "/api/v2/")),
        *((method, ALERTS) for method in ("PUT", "DELETE", "PATCH")),
        *((method, SILENCES) for method in ("PUT", "DELETE")),
        *((method, "/api/v2/status") for method in ("POST", "PUT")),
        *((method, f"/api/v2/silence/{UNKNOWN}") for method in ("POST", "PUT")),
        ("GET", "/api/v2/silence"),
    ):
        pair.same(method, path)


def test_both_say_what_they_run_alike(pair: Pair) -> None:
    real, ours = (client.get("/api/v2/status").json() for client in (pair.real, pair.ours))
    pair.compared += 1
    assert ours.keys() == real.keys()
    assert (ours["cluster"], ours["config"]) == (real["cluster"], real["config"])
    assert ours["versionInfo"].keys() == real["versionInfo"].keys()
    assert ours["versionInfo"]["version"] == real["versionInfo"]["version"]
