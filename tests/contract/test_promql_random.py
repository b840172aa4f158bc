"""Any query that can be made of what the embedded server understands is answered as the real one answers it.

In CI the same queries are made every time. PROMQL_SEED makes others, PROMQL_QUERIES more of them:
    PROMQL_SEED=5 PROMQL_QUERIES=5000 pytest tests/contract/test_promql_random.py
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.contract import promql_grammar as grammar
from tests.contract.conftest import COMPARED
from tests.contract.promql_pair import INSTANT, RANGE, Pair, serving_pair

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.xdist_group("promql")]

SEED = int(os.environ.get("PROMQL_SEED", "20260103"))
QUERIES = int(os.environ.get("PROMQL_QUERIES", "2000"))
_STEPS = 40


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with serving_pair(tmp_path_factory.mktemp("prometheus")) as pair:
        yield pair


def made(count: int, number: int) -> dict[str, tuple[float, float]]:
    """`count` different queries, each with a moment and a step to ask it at."""
    found: dict[str, tuple[float, float]] = {}

    @seed(number)
    @settings(
        max_examples=count * 2,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(query=grammar.queries(), at=grammar.moments, step=grammar.steps)
    def make(query: str, at: float, step: float) -> None:
        if len(found) < count:
            found.setdefault(query, (at, step))

    make()
    return found


def questions(queries: dict[str, tuple[float, float]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for query, (at, step) in queries.items():
        yield INSTANT, {"query": query, "time": at}
        yield RANGE, {"query": query, "start": at, "end": at + _STEPS * step, "step": step}


def test_any_query_is_answered_as_prometheus_answers_it(
    pair: Pair, record_property: Callable[[str, object], None]
) -> None:
    queries = made(QUERIES, SEED)
    assert len(queries) == QUERIES
    wrong = pair.differences(questions(queries))
    record_property(COMPARED, pair.compared)
    record_property("measured", f"PromQL: {QUERIES} made-up queries, {pair.compared} answers compared with Prometheus")
    assert not wrong, f"{len(wrong)} answers differ (seed {SEED}):\n" + "\n\n".join(wrong[:5])
