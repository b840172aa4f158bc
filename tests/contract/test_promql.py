"""The embedded Prometheus answers as the real one: the same samples in both, the same queries to both over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.contract.conftest import COMPARED
from tests.contract.promql_cases import INSTANT_ONLY, QUERIES, REFUSED
from tests.contract.promql_ops import grafana_queries, mission_queries, rule_queries
from tests.contract.promql_pair import INSTANT, Pair, serving_pair
from tests.contract.promql_samples import END, START

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.xdist_group("promql")]

INSTANTS = (START - 1, START, START + 60, START + 1234.567, START + 2265, START + 3015, START + 3600, END, END + 300)
RANGES = ((START - 60, END + 600, 60.0), (START + 1500.25, START + 2700, 15.0), (START + 3, END, 37.5))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with serving_pair(tmp_path_factory.mktemp("prometheus")) as pair:
        yield pair


@pytest.fixture(autouse=True)
def _counted(pair: Pair, record_property: Callable[[str, object], None]) -> Iterator[None]:
    """Tells the summary how many answers this test compared."""
    before = pair.compared
    yield
    record_property(COMPARED, pair.compared - before)


@pytest.mark.parametrize("query", QUERIES)
def test_instant_query_answers_as_prometheus(pair: Pair, query: str) -> None:
    for at in INSTANTS:
        pair.same_instant(query, at)


@pytest.mark.parametrize("query", QUERIES)
def test_range_query_answers_as_prometheus(pair: Pair, query: str) -> None:
    for start, end, step in RANGES:
        pair.same_range(query, start, end, step)


@pytest.mark.parametrize("query", mission_queries())
def test_query_of_the_mission_answers_as_prometheus(pair: Pair, query: str) -> None:
    everywhere(pair, query)


@pytest.mark.parametrize("query", rule_queries())
def test_query_of_a_rule_answers_as_prometheus(pair: Pair, query: str) -> None:
    everywhere(pair, query)


@pytest.mark.parametrize("query", grafana_queries())
def test_query_of_a_dashboard_answers_as_prometheus(pair: Pair, query: str) -> None:
    everywhere(pair, query)


def everywhere(pair: Pair, query: str) -> None:
    """At all moments and over all ranges."""
    for at in INSTANTS:
        pair.same_instant(query, at)
    for start, end, step in RANGES:
        pair.same_range(query, start, end, step)


@pytest.mark.parametrize("query", INSTANT_ONLY)
def test_query_of_another_type_answers_as_prometheus(pair: Pair, query: str) -> None:
    pair.same_instant(query, START + 1800)
    pair.same_range(query, START, START + 600, 60)


@pytest.mark.parametrize("query", REFUSED)
def test_query_is_refused_as_prometheus_refuses_it(pair: Pair, query: str) -> None:
    pair.same_instant(query, START + 1800)
    pair.same_range(query, START, START + 600, 60)


@pytest.mark.parametrize(
    "query", ["sort(requests_total)", "sort_desc(treaty_fill_rate)", "topk(2, tied)", "bottomk(2, requests_total)"]
)
def test_sorted_results_come_in_the_same_order(pair: Pair, query: str) -> None:
    for at in INSTANTS:
        answers = pair.ask(INSTANT, {"query": query, "time": at})
        orders = [[each["metric"] for each in answer.body["data"]["result"]] for answer in answers]
        assert orders[0] == orders[1]
