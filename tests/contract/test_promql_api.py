"""The HTTP API to the letter: parameters good and bad, what each path answers, which method it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.contract.conftest import COMPARED
from tests.contract.promql_pair import INSTANT, RANGE, Pair, serving_pair
from tests.contract.promql_samples import END, INTERVAL, START

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.xdist_group("promql")]

SERIES, LABELS = "/api/v1/series", "/api/v1/labels"
TIMES = (
    *("1700001900", "1700001900.5", "1700001900.12345", "1e9", "-5", "1_000", "0x10", " 5", "now", "12:00"),
    *("2023-11-14T22:40:00Z", "2023-11-14T22:40:00.123Z", "2023-11-14T22:40:00+02:00", "2023-11-14T22:40:00,5Z"),
    *("2023-11-14 22:40:00", "2023-11-14", "2023-11-14T22:40:00", "2023-11-14T22:40Z", "2023-11-14T24:00:00Z"),
)
DURATIONS = (
    *("-1", "1", "60", "0.5", "1e30", "NaN", "Inf", "1ms", "1s", "-1s", "5x", "abc", " 5", "5 "),
    *("1h", "1d", "1w", "1y", "1h30m", "1m1h", "1.5h"),
)
SPAN = {"start": START, "end": START + 60}


def values(label: str) -> str:
    return f"/api/v1/label/{label}/values"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with serving_pair(tmp_path_factory.mktemp("prometheus")) as pair:
        yield pair


@pytest.fixture(autouse=True)
def _counted(pair: Pair, record_property: Callable[[str, object], None]) -> Iterator[None]:
    before = pair.compared
    yield
    record_property(COMPARED, pair.compared - before)


def equal(pair: Pair, path: str, parameters: dict[str, Any]) -> None:
    real, ours = pair.ask(path, parameters)
    assert ours == real


@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_read_or_refused_alike(pair: Pair, text: str) -> None:
    equal(pair, INSTANT, {"query": "time()", "time": text})
    equal(pair, RANGE, {"query": "time()", "start": text, "end": "1700001960", "step": "15"})
    equal(pair, RANGE, {"query": "time()", "start": "1700001900", "end": text, "step": "15"})
    for path in (SERIES, LABELS, values("job")):
        equal(pair, path, {"match[]": "up", "start": text})
        equal(pair, path, {"match[]": "up", "end": text})


@pytest.mark.parametrize("text", DURATIONS)
def test_a_step_is_read_or_refused_alike(pair: Pair, text: str) -> None:
    equal(pair, RANGE, {"query": "sum(up)", **SPAN, "step": text})


@pytest.mark.parametrize("text", [text for text in DURATIONS if text not in ("-1", "NaN")])
def test_a_time_limit_is_read_or_refused_alike(pair: Pair, text: str) -> None:
    equal(pair, INSTANT, {"query": "sum(up)", "time": START + 60, "timeout": text})
    equal(pair, RANGE, {"query": "sum(up)", **SPAN, "step": 15, "timeout": text})


@pytest.mark.parametrize("limit", ["-1", "0", "0s", "NaN"])
def test_a_query_without_time_left_has_timed_out(pair: Pair, limit: str) -> None:
    """Whether it was still waiting or had begun, the real server leaves to chance."""
    answers = pair.ask(INSTANT, {"query": "sum(up)", "time": START, "timeout": limit})
    assert [(each.status, each.body["errorType"]) for each in answers] == [(503, "timeout")] * 2
    assert all(each.body["error"].startswith("query timed out in query ") for each in answers)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": "up"},
        {"query": "up", "start": 1},
        {"query": "up", "start": 1, "end": 2},
        {"start": 1, "end": 2, "step": 1},
        {"query": "", "start": 1, "end": 2, "step": 1},
        {"query": "up", "start": 0, "end": 11_000, "step": 1},
        {"query": "up", "start": 0, "end": 11_001, "step": 1},
        {"query": "up", "start": 0, "end": 10_999, "step": 0.5},
        {"query": "up", "start": 10, "end": 5, "step": 1},
        {"query": "up(", "start": 10, "end": 5, "step": 1},
        {"query": "up(", "start": 0, "end": 11_001, "step": 1},
        {"query": "up(", "start": 0, "end": 5, "step": 0},
        {"query": "up(", "start": 0, "end": 5, "step": 1, "timeout": "x"},
        {"query": "up(", "start": 0, "end": 5, "step": 1},
        {"query": "up", "start": 5, "end": 5, "step": 1},
        {"query": "up[5m]", "start": 0, "end": 5, "step": 1},
        {"query": "up[5m:1m]", "start": 0, "end": 5, "step": 1},
        {"query": '"text"', "start": 0, "end": 5, "step": 1},
        {"query": "1", "start": 0, "end": 5, "step": 1},
        {"query": "up", "start": START, "end": START + 0.01, "step": "0.0015"},
        {"query": "up", "start": START, "end": START + 1, "step": "0.3333"},
    ],
)
def test_a_range_is_answered_or_refused_alike(pair: Pair, parameters: dict[str, Any]) -> None:
    equal(pair, RANGE, parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": ""},
        {"query": "up", "time": "never"},
        {"query": "up(", "time": "never"},
        {"query": "up(", "time": 1, "timeout": "x"},
        {"query": "up", "time": END, "limit": 1},
        {"query": "requests_total + on (job) requests_total", "time": END},
        {"query": "bridge_info * on (version) group_left () requests_total", "time": END},
        {"query": "requests_total * on (job) group_left () bytes_total", "time": END},
        {"query": 'label_replace(up, "1bad", "x", "job", ".*")', "time": END},
        {"query": 'label_replace(up, "instance", "x", "job", ".*")', "time": END},
        {"query": '-{__name__=~"requests_total|bytes_total"}', "time": END},
    ],
)
def test_an_instant_is_answered_or_refused_alike(pair: Pair, parameters: dict[str, Any]) -> None:
    equal(pair, INSTANT, parameters)


@pytest.mark.parametrize("path", [SERIES, LABELS, values("job"), values("__name__"), values("le"), values("nowhere")])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"match[]": "up"},
        {"match[]": ["up", 'requests_total{instance="a:1"}']},
        {"match[]": ["up", "up"]},
        {"match[]": ["up", "up{"]},
        {"match[]": "nothing_here"},
        {"match[]": '{__name__=~"up|late.*"}'},
        {"match[]": "{}"},
        {"match[]": '{job=~".*"}'},
        {"match[]": ""},
        {"match": "up"},
        {"match[]": "late_total", "start": START + 2700, "end": START + 3000},
        {"match[]": "up", "start": END + 100_000},
        {"match[]": "up", "end": "1"},
        {"match[]": "up", "start": START + 600, "end": START},
        {"match[]": "up", "limit": "1"},
    ],
)
def test_series_and_labels_are_answered_alike(pair: Pair, path: str, parameters: dict[str, Any]) -> None:
    equal(pair, path, parameters)


def test_a_series_that_has_no_samples_in_the_time_asked_for_is_not_answered(pair: Pair) -> None:
    equal(pair, SERIES, {"match[]": "late_total", "start": START, "end": START + 600})


@pytest.mark.parametrize("label", ["b-ad", "1bad", "b%C3%A9"])
def test_the_values_of_what_cannot_be_a_label_are_refused_alike(pair: Pair, label: str) -> None:
    equal(pair, values(label), {})


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/v1/alerts", {}),
        ("/api/v1/rules", {}),
        ("/api/v1/rules", {"type": "alert"}),
        ("/api/v1/rules", {"type": "RECORD"}),
        ("/api/v1/rules", {"type": "other"}),
        ("/api/v1/targets", {}),
        ("/api/v1/targets", {"state": "active"}),
        ("/api/v1/targets", {"state": "dropped"}),
        ("/api/v1/targets", {"state": "other"}),
        ("/api/v1/alertmanagers", {}),
        ("/api/v1/metadata", {}),
        ("/api/v1/metadata", {"limit": "x"}),
        ("/api/v1/metadata", {"limit": "1", "metric": "up"}),
        ("/api/v1/status/config", {}),
    ],
)
def test_an_empty_server_describes_itself_alike(pair: Pair, path: str, parameters: dict[str, Any]) -> None:
    equal(pair, path, parameters)


@pytest.mark.parametrize("page", ["buildinfo", "runtimeinfo"])
def test_status_pages_have_the_real_ones_keys(pair: Pair, page: str) -> None:
    real, ours = pair.ask(f"/api/v1/status/{page}", {})
    assert {key: type(value) for key, value in ours.body["data"].items()} == {
        key: type(value) for key, value in real.body["data"].items()
    }


def test_flags_are_some_of_the_real_ones_and_have_their_values(pair: Pair) -> None:
    real, ours = pair.ask("/api/v1/status/flags", {})
    assert ours.body["data"]
    assert ours.body["data"].items() <= real.body["data"].items()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
@pytest.mark.parametrize(
    "path", [INSTANT, RANGE, LABELS, values("job"), "/api/v1/rules", "/api/v1/status/flags", "/-/healthy", "/nothing"]
)
def test_a_method_is_taken_or_refused_alike(pair: Pair, method: str, path: str) -> None:
    real, ours = (server.request(method, path, data=form(method)) for server in (pair.real, pair.ours))
    assert summary(ours) == summary(real)


def form(method: str) -> dict[str, str] | None:
    return {"query": "up", "time": str(END), "match[]": "up"} if method == "POST" else None


def summary(answer: httpx.Response) -> tuple[int, str, str | None]:
    return answer.status_code, answer.text, answer.headers.get("allow")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/query", "/nothing", "/-/nothing"])
def test_an_unknown_path_is_not_found(pair: Pair, path: str) -> None:
    real, ours = (server.get(path) for server in (pair.real, pair.ours))
    assert summary(ours) == summary(real)
    assert ours.headers["content-type"] == real.headers["content-type"]


@pytest.mark.parametrize(
    "page", ["status/tsdb", "status/walreplay", "targets/metadata", "scrape_pools", "format_query"]
)
def test_what_nobody_asks_for_is_not_served(pair: Pair, page: str) -> None:
    assert pair.ours.get(f"/api/v1/{page}").status_code == 404


@pytest.mark.parametrize("path", ["/-/ready", "/-/healthy"])
def test_the_server_says_that_it_is_well_alike(pair: Pair, path: str) -> None:
    real, ours = (server.get(path) for server in (pair.real, pair.ours))
    assert summary(ours) == summary(real)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (RANGE, {"query": "sum(up)", "start": START, "end": START + INTERVAL * 4, "step": "15s"}),
        (INSTANT, {"query": "up", "time": END}),
        (SERIES, {"match[]": ["up", "late_total"]}),
        (LABELS, {"match[]": "late_total"}),
        (INSTANT, {"query": "up("}),
    ],
)
def test_a_form_in_a_post_is_read(pair: Pair, path: str, form: dict[str, Any]) -> None:
    real, ours = (server.post(path, data=form) for server in (pair.real, pair.ours))
    assert (ours.status_code, ours.json()) == (real.status_code, real.json())


def test_a_form_comes_before_what_the_address_says(pair: Pair) -> None:
    real, ours = (
        server.post(INSTANT, params={"query": "vector(1)", "time": "1"}, data={"query": "vector(2)"})
        for server in (pair.real, pair.ours)
    )
    assert ours.json() == real.json()


_FORM = "application/x-www-form-urlencoded"
GARBAGE = {
    "bytes that are no text": (_FORM, bytes(range(128, 256))),
    "a query that is no text": (_FORM, b"query=%ff%fe"),
    "raw bytes in a query": (_FORM, b"query=\xff"),
    "a broken escape": (_FORM, b"query=%zz&query=vector(1)&time=1"),
    "a semicolon": (_FORM, b"query=vector(2);time=1&query=vector(1)&time=1"),
    "an unknown charset": (f"{_FORM}; charset=nothing", b"query=vector(1)&time=1"),
    "no name": (_FORM, b"=x&&query=vector(1)&time=1"),
    "blanks and signs": (_FORM, b"query=1+%2B+1&time=1"),
    "parts without an end": ("multipart/form-data; boundary=x", b"--x\r\nnothing"),
    "parts without a boundary": ("multipart/form-data", b"query=up"),
    "JSON": ("application/json", b'{"query": "up"}'),
    "no type": ("nonsense", b"query=up"),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_a_body_that_is_no_form_is_taken_alike(pair: Pair, garbage: tuple[str, bytes]) -> None:
    kind, body = garbage
    real, ours = (
        server.post(INSTANT, content=body, headers={"Content-Type": kind}) for server in (pair.real, pair.ours)
    )
    assert (ours.status_code, ours.json()) == (real.status_code, real.json())
