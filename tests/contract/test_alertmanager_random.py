"""Any sequence of requests that can be made of these is answered as the real Alertmanager answers it.

In CI the same sequences are made every time. ALERTMANAGER_SEED makes others, ALERTMANAGER_SEQUENCES more of them:
    ALERTMANAGER_SEED=5 ALERTMANAGER_SEQUENCES=400 pytest tests/contract/test_alertmanager_random.py
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.contract.alertmanager_pair import Pair, serving_pair
from tests.contract.conftest import COMPARED

pytestmark = [pytest.mark.needs("prometheus-alertmanager"), pytest.mark.xdist_group("alertmanager")]

SEED = int(os.environ.get("ALERTMANAGER_SEED", "20260103"))
SEQUENCES = int(os.environ.get("ALERTMANAGER_SEQUENCES", "60"))
ALERTS, GROUPS, SILENCES = "/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences"

hours = st.sampled_from([None, -30, -3, -2, -1, 1, 2, 30])
values = {
    "sev": st.sampled_from(["SEV1", "SEV2", "SEV3", ""]),
    "treaty_id": st.sampled_from(["A", "B", "", 'ä"\\\n']),
    "severity": st.sampled_from(["critical", "page", "0-%"]),
    "job": st.sampled_from(["x", "y"]),
    "instance": st.sampled_from(["1", "2"]),
    "drill": st.just("true"),
    "bad-name": st.just("x"),
}
names = st.sampled_from(["RTTHigh", "Down", "Absent", ""])
labels = st.builds(
    lambda name, chosen: {"alertname": name, **chosen},
    names,
    st.fixed_dictionaries({}, optional={name: value for name, value in values.items() if name != "bad-name"})
    | st.fixed_dictionaries({}, optional=values),
)
alerts = st.fixed_dictionaries(
    {"labels": labels},
    optional={
        "startsAt": hours,
        "endsAt": hours,
        "annotations": st.dictionaries(st.sampled_from("ab"), st.text(max_size=3)),
    },
)
patterns = st.sampled_from(["SEV1|SEV2", ".*", ".+", "", "A", "SEV[12]", "(?i)a", "x|", "RTT.*", "[^A]*", "(", "a**"])
matchers = st.fixed_dictionaries(
    {"name": st.sampled_from(["sev", "treaty_id", "alertname", "job", "missing"]), "isRegex": st.booleans()},
    optional={"isEqual": st.booleans()},
).flatmap(
    lambda each: (patterns if each["isRegex"] else values.get(each["name"], names)).map(
        lambda value: {**each, "value": value}
    )
)
silences = st.fixed_dictionaries(
    {"matchers": st.lists(matchers, max_size=2), "startsAt": hours, "endsAt": hours},
    optional={"comment": st.text(max_size=3), "id": st.integers(1, 4)},
)
written = st.builds(
    lambda name, operator, value, quote: f'{name}{operator}"{value}"' if quote else f"{name}{operator}{value}",
    st.sampled_from(["sev", "treaty_id", "alertname", "missing", "bad-name"]),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    patterns,
    st.booleans(),
)
flags = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from(["true", "false"]) for name in ("active", "silenced", "inhibited", "unprocessed")},
        "receiver": st.sampled_from(["slack", "pager.*", "archive|drill", "nobody", "x"]),
    },
)
steps = st.one_of(
    st.tuples(st.just("alerts"), st.lists(alerts, max_size=4)),
    st.tuples(st.just("silence"), silences),
    st.tuples(st.just("expire"), st.integers(1, 4)),
    st.tuples(st.just("look"), st.tuples(st.sampled_from([ALERTS, GROUPS]), flags, st.lists(written, max_size=2))),
    st.tuples(st.just("silences"), st.lists(written, max_size=1)),
)


class Run:
    """One sequence among alerts and silences of its own, on servers that stay."""

    def __init__(self, pair: Pair, number: int, now: datetime) -> None:
        self.pair = pair
        self.name = f"run{number}"
        self.now = now.replace(microsecond=0)
        self.silences: list[int] = []  # their places among all

    def play(self, step: tuple[str, Any]) -> None:
        kind, what = step
        if kind == "alerts":
            self.pair.same(
                "POST", ALERTS, [self._timed({**each, "labels": {**each["labels"], "run": self.name}}) for each in what]
            )
        elif kind == "silence":
            self._silence(what)
        elif kind == "expire":
            if what <= len(self.silences):
                self.pair.same("DELETE", f"/api/v2/silence/${self.silences[what - 1]}")
        elif kind == "look":
            path, chosen, filters = what
            self.pair.same("GET", path, params={**chosen, "filter": [f"run={self.name}", *filters]})
        else:
            self.pair.same("GET", SILENCES, params={"filter": [f"run={self.name}", *what]})

    def _silence(self, what: dict[str, Any]) -> None:
        own = {"name": "run", "value": self.name, "isRegex": False}
        body = {"createdBy": "eva", "comment": "", **self._timed(what), "matchers": [own, *what["matchers"]]}
        place = body.pop("id", 0)
        if 0 < place <= len(self.silences):
            body["id"] = f"${self.silences[place - 1]}"
        before = len(self.pair.ids["ours"])
        self.pair.same("POST", SILENCES, body)
        if len(self.pair.ids["ours"]) > before:
            self.silences.append(len(self.pair.ids["ours"]))

    def _timed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Hours from now as times."""
        moments = {
            name: (self.now + timedelta(hours=body[name])).strftime("%Y-%m-%dT%H:%M:%SZ")
            for name in ("startsAt", "endsAt")
            if body.get(name) is not None
        }
        return {**{name: value for name, value in body.items() if name not in ("startsAt", "endsAt")}, **moments}


def test_any_sequence_is_answered_as_the_real_server_answers_it(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    numbers = itertools.count()
    with serving_pair(tmp_path) as pair:

        @seed(SEED)
        @settings(max_examples=SEQUENCES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(sequence=st.lists(steps, min_size=4, max_size=14))
        def play(sequence: list[tuple[str, Any]]) -> None:
            run = Run(pair, next(numbers), datetime.now(UTC))
            for step in [*sequence, ("look", (ALERTS, {}, [])), ("look", (GROUPS, {}, [])), ("silences", [])]:
                run.play(step)

        play()
        assert pair.compared >= 300
    record_property(COMPARED, pair.compared)
    record_property("measured", f"Alertmanager: {pair.compared} made-up requests compared with the real one")
