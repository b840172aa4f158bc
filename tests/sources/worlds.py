"""A mission and its settings for the metrics tests, and histories for a real Prometheus to hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from aurora_tui.clock import WALL, Clock
from aurora_tui.settings import Settings
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.mission import (
    Colours,
    Comparison,
    Criterion,
    Direction,
    Environment,
    HttpSource,
    Mission,
    MissionIdentity,
    Objective,
    Reading,
    Severity,
)

TREATY = "AURORA-AKASH-001"
STEP = 15.0
RTT_BUCKETS = (50.0, 100.0, 200.0, 300.0, 350.0, 400.0, 500.0, 1000.0)
POLICY_BUCKETS = (5.0, 10.0, 25.0, 40.0)

Shape = Callable[[float], float | None]


def gauge(metric: str) -> Reading:
    return Reading(
        statistic="avg gauge",
        value=f'avg by (treaty_id)(last_over_time({metric}{{treaty_id=~"$treaty"}}[$fresh]))',
        newest=f'max by (treaty_id)(timestamp({metric}{{treaty_id=~"$treaty"}}))',
    )


def quantile(q: float, metric: str, good: str | None = None) -> Reading:
    selector = '{treaty_id=~"$treaty"}'
    return Reading(
        statistic=f"p{q * 100:02.0f}",
        value=f"histogram_quantile({q}, sum by (treaty_id,le)(rate({metric}_bucket{selector}[2m])))",
        newest=f"max by (treaty_id)(timestamp({metric}_count{selector}))",
        good_ratio=good
        and f'sum by (treaty_id)(increase({metric}_bucket{{treaty_id=~"$treaty",le=~"{good}(\\\\.0)?"}}[$window]))'
        f" / sum by (treaty_id)(increase({metric}_count{selector}[$window]))",
    )


RTT = (quantile(0.95, "treaty_rtt_ms", good="350"), gauge("treaty_rtt_ms"))
FILL = (quantile(0.05, "treaty_fill_rate"), gauge("treaty_fill_rate"))


def criterion(id: str, readings: tuple[Reading, ...], op: str, value: float, hold: str) -> Criterion:
    return Criterion(
        id=id,
        title=id,
        then="rollback",
        reading=readings,
        op=Comparison(op),
        value=value,
        hold=Duration.parse(hold),
    )


def objective(id: str, readings: tuple[Reading, ...], direction: Direction, threshold: float) -> Objective:
    return Objective(
        id=id,
        title=id,
        direction=direction,
        threshold=threshold,
        budget=0.95,
        reading=readings,
        colours=Colours(good=threshold, warn=threshold),
        as_written="histogram_quantile(0.95, treaty_rtt_ms_bucket)" if id == "rtt" else None,
    )


MISSION = Mission(
    mission=MissionIdentity(name="Aurora GA", release="1.0.0", treaty=TREATY, window=Duration(4 * 3600)),
    slo=(
        objective("fill", FILL, Direction.AT_LEAST, 0.80),
        objective("rtt", RTT, Direction.AT_MOST, 350.0),
        objective("provenance", (gauge("treaty_provenance_coverage"),), Direction.AT_LEAST, 0.95),
        objective("policy", (quantile(0.99, "policy_decision_ms", good="25"),), Direction.AT_MOST, 25.0),
    ),
    criterion=(
        criterion("fill", FILL, "<", 0.75, "15m"),
        criterion("rtt", RTT, ">", 400.0, "15m"),
        criterion("provenance", (gauge("treaty_provenance_coverage"),), "<", 0.90, "5m"),
        criterion("policy", (quantile(0.99, "policy_decision_ms"),), ">", 50.0, "5m"),
        Criterion(id="sev1", title="Any SEV1", then="rollback", severity=Severity.SEV1),
    ),
    phase=(),
    environments={},
)


WHOLE_CANARY = msgspec.structs.replace(
    MISSION, mission=msgspec.structs.replace(MISSION.mission, window=Duration(72 * 3600))
)


def settings(url: str, *, mission: Mission = MISSION, interval: float = 15.0, clock: Clock = WALL) -> Settings:
    return Settings(
        mission=mission,
        environment_name="test",
        environment=Environment(prometheus=HttpSource(url=url, interval=Duration(interval))),
        files=(),
        ledger=Path("ledger.db"),
        theme="aurora-dark",
        read_only=True,
        clock=clock,
    )


def gauge_history(metric: str, times: Iterable[float], shape: Shape, treaty: str = TREATY) -> str:
    """One gauge as OpenMetrics text; no sample where `shape` gives None."""
    lines = [f"# TYPE {metric} gauge\n"]
    lines += [f'{metric}{{treaty_id="{treaty}"}} {value} {t}\n' for t in times if (value := shape(t)) is not None]
    return "".join(lines)


def histogram_history(metric: str, buckets: tuple[float, ...], times: Iterable[float], shape: Shape) -> str:
    """A histogram in which 100 events of the size `shape` gives are counted at each time."""
    labels = f'treaty_id="{TREATY}"'
    counts = [0] * (len(buckets) + 1)
    total = 0.0
    lines = [f"# TYPE {metric} histogram\n"]
    columns: list[list[str]] = [[] for _ in range(len(buckets) + 3)]
    for t in times:
        size = shape(t)
        if size is None:
            continue
        total += 100 * size
        for index, bound in enumerate([*buckets, float("inf")]):
            counts[index] += 100 * (size <= bound)
            le = "+Inf" if bound == float("inf") else f"{bound}"
            columns[index].append(f'{metric}_bucket{{{labels},le="{le}"}} {counts[index]} {t}\n')
        columns[-2].append(f"{metric}_count{{{labels}}} {counts[-1]} {t}\n")
        columns[-1].append(f"{metric}_sum{{{labels}}} {total} {t}\n")
    return "".join(lines + [line for column in columns for line in column])
