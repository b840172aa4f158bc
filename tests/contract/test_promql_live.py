"""Scraped and evaluated live: what vanishes, fails and returns, and every way of an alert, as in the real server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.conftest import COMPARED
from tests.contract.promql_live import Disturbed, lived_through, stretched
from tests.contract.promql_pair import INSTANT, RANGE, Answer, difference, same_answer

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.xdist_group("promql-live")]

_PACES = (1, 1, 2, 5, 12)
"""Of one attempt after the other: at last a scrape may take 3 s, and the life goes on for two minutes."""
SCRAPED = (
    "x",
    "seen_total",
    "h_bucket",
    "plain",
    "stamped",
    "up",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "absent(x)",
    "count by (__name__) ({treaty_id=~'T|own'})",
    "timestamp(x)",
    "increase(seen_total[2s])",
    "count_over_time(x[3s])",
    "last_over_time(x[1s])",
    "changes(up[5s])",
)
EVALUATED = (
    "tick",
    "job:level:mean",
    "doubled",
    "ALERTS",
    "ALERTS_FOR_STATE",
    'sum by (alertname) (ALERTS{alertstate="firing"})',
    "count_over_time(ALERTS[1s])",
    "min_over_time(ALERTS_FOR_STATE[2s])",
)
RAW = tuple(f"{name}[6s]" for name in (*SCRAPED[:9], *EVALUATED[:5]))
PAGES = ("rules", "rules?type=alert", "rules?type=record", "alerts", "targets", "metadata", "metadata?metric=h")


@dataclass(frozen=True, slots=True)
class Life:
    """What both said: by query or page, (real, ours)."""

    instants: dict[str, tuple[Answer, Answer]]
    ranges: dict[str, tuple[Answer, Answer]]
    pages: dict[str, tuple[Any, Any]]


async def _lived(folder: Path, pace: int) -> Life:
    async with lived_through(folder, pace) as (real, ours, begun, ended):

        async def ask(path: str, parameters: dict[str, Any]) -> tuple[Answer, Answer]:
            parameters |= {"query": stretched(parameters["query"], pace)} if "query" in parameters else {}
            answers = [await server.get(path, params=parameters) for server in (real, ours)]
            one, other = (Answer(each.status_code, each.json()) for each in answers)
            return one, other

        whole, late = ({"start": at, "end": ended, "step": 0.05 * pace} for at in (begun - pace, begun + 2 * pace))
        instants = {query: await ask(INSTANT, {"query": query, "time": ended}) for query in RAW}
        ranges = {query: await ask(RANGE, {"query": query, **whole}) for query in SCRAPED}
        ranges |= {query: await ask(RANGE, {"query": query, **late}) for query in EVALUATED}
        pages = {}
        for page in (*PAGES, "status/config"):
            name, _, parameters = page.partition("?")
            one, other = await ask(f"/api/v1/{name}", dict([parameters.split("=")] if parameters else []))
            pages[page] = (one.body, other.body)
        return Life(instants, ranges, pages)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    for pace in _PACES:
        try:
            return asyncio.run(_lived(tmp_path_factory.mktemp("live"), pace))
        except Disturbed as disturbance:
            last = disturbance
    raise AssertionError(f"too busy a machine: {last}")


@pytest.mark.parametrize("query", SCRAPED + EVALUATED)
def test_each_moment_shows_the_same(life: Life, query: str, record_property: Any) -> None:
    real, ours = life.ranges[query]
    record_property(COMPARED, 1)
    assert real.body["data"]["result"], "nothing was compared"
    assert same_answer(real, ours), difference((RANGE, {"query": query}), real, ours)


@pytest.mark.parametrize("query", RAW)
def test_the_same_samples_are_kept(life: Life, query: str, record_property: Any) -> None:
    real, ours = life.instants[query]
    record_property(COMPARED, 1)
    assert same_answer(real, ours), difference((INSTANT, {"query": query}), real, ours)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_the_same(life: Life, page: str, record_property: Any) -> None:
    real, ours = (comparable(body) for body in life.pages[page])
    record_property(COMPARED, 1)
    assert real["data"], "nothing was compared"
    assert alike(real, ours), f"real: {real}\nours: {ours}"


def test_the_configuration_in_effect_is_written_alike(life: Life) -> None:
    real, ours = (yaml.safe_load(body["data"]["yaml"]) for body in life.pages["status/config"])
    assert ours == real


def comparable(value: Any, key: str = "") -> Any:
    """Without what no two servers have in common: how long things took, when the last one was, a host's own name."""
    if isinstance(value, dict):
        return {name: comparable(inner, name) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        return sorted((comparable(inner) for inner in value), key=str)
    if key in ("evaluationTime", "lastEvaluation", "lastScrape", "lastScrapeDuration", "globalUrl"):
        return "a number" if isinstance(value, int | float) else "text"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value


def alike(real: Any, ours: Any, key: str = "") -> bool:
    """Equal; moments to two milliseconds, since ours have no smaller parts."""
    if isinstance(real, dict):
        return real.keys() == ours.keys() and all(alike(real[name], ours[name], name) for name in real)
    if isinstance(real, list):
        return len(real) == len(ours) and all(alike(one, other) for one, other in zip(real, ours, strict=True))
    if key in ("activeAt", "keepFiringSince"):
        one, other = (datetime.fromisoformat(text).timestamp() for text in (real, ours))
        return abs(one - other) < 0.002
    return bool(real == ours)
