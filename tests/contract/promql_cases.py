"""Queries with a reason: what the console, the rules and the dashboards ask, and each rule's edges."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

_MISSION = Path(__file__).resolve().parents[2] / "ops" / "aurora.toml"
_FILLED_IN = {"$treaty": ".*", "$fresh": "45s", "$window": "1h"}

_SLO = (
    "histogram_quantile(0.95, sum by (treaty_id, le) (rate(treaty_rtt_ms_bucket[5m])))",
    "histogram_quantile(0.05, sum by (treaty_id, le) (rate(treaty_rtt_ms_bucket[2m])))",
    "histogram_quantile(0.95, treaty_rtt_ms_bucket)",
    'sum(increase(treaty_rtt_ms_bucket{le=~"(350|400)(\\\\.0)?"}[1h])) / sum(increase(treaty_rtt_ms_count[1h]))',
    'sum by (treaty_id) (rate(treaty_rtt_ms_bucket{le="350"}[30m]))'
    " / sum by (treaty_id) (rate(treaty_rtt_ms_count[30m]))",
    "sum by (treaty_id) (rate(treaty_rtt_ms_sum[2m])) / sum by (treaty_id) (rate(treaty_rtt_ms_count[2m]))",
    "min by (treaty_id) (last_over_time(treaty_fill_rate[45s]))",
    'avg by (treaty_id) (avg_over_time(treaty_fill_rate{treaty_id=~".+"}[5m]))',
    "treaty_fill_rate < 0.85",
    "treaty_fill_rate < bool 0.85",
    "count_over_time(treaty_fill_rate[10m]) / 40",
    "1 - avg_over_time(up[1h])",
    "sum(up) by (job) == 0 or absent(up)",
    "quantile_over_time(0.05, treaty_fill_rate[10m])",
    "avg_over_time((treaty_fill_rate >= bool 0.85)[30m:1m])",
    'absent(nothing{job="a", instance!="b", kind="c"})',
    'absent_over_time(nothing{job="a"}[5m])',
    'absent(treaty_fill_rate{treaty_id="C"})',
    "time() - timestamp(treaty_fill_rate)",
)
_SELECTORS = (
    "treaty_fill_rate",
    "treaty_fill_rate offset 5m",
    "treaty_fill_rate offset -5m",
    'treaty_fill_rate{treaty_id!~"A|B"}',
    'treaty_fill_rate{nowhere=""}',
    '{__name__=~"treaty_fill.*", treaty_id!=""}',
    "sparse",
    "irregular",
    "odd_gauge",
    "treaty_fill_rate @ 1700001900",
    "treaty_fill_rate @ end() - treaty_fill_rate @ start()",
    "rate(requests_total[5m] @ end())",
)
_RANGES = (
    "rate(requests_total[1m])",
    "rate(requests_total[15s])",
    "rate(requests_total[29s])",
    "rate(requests_total[31s] offset 2m)",
    "increase(requests_total[17m])",
    "increase(late_total[10m])",
    "rate(late_total[1h])",
    "irate(requests_total[1m])",
    "irate(irregular[1m])",
    "delta(irregular[3m])",
    "delta(treaty_fill_rate[10m])",
    "idelta(odd_gauge[1m])",
    "rate(odd_gauge[5m])",
    "increase(odd_gauge[5m])",
    "resets(requests_total[30m])",
    "resets(odd_gauge[10m])",
    "changes(tied[20m])",
    "changes(odd_gauge[5m])",
    "rate(irregular[2m])",
    "rate(sparse[10m])",
    "increase(bytes_total[5m])",
    "avg_over_time(odd_gauge[3m])",
    "sum_over_time(odd_gauge[3m])",
    "min_over_time(odd_gauge[3m])",
    "max_over_time(odd_gauge[3m])",
    "stddev_over_time(treaty_fill_rate[5m])",
    "stdvar_over_time(irregular[5m])",
    "last_over_time(treaty_fill_rate[20m])",
    "present_over_time(treaty_fill_rate[2m])",
    "quantile_over_time(0.5, odd_gauge[5m])",
    "quantile_over_time(2, irregular[5m])",
    'quantile_over_time(scalar(up{instance="a:1"}), irregular[5m])',
    "max_over_time(rate(requests_total[1m])[10m:30s])",
    "avg_over_time(time()[10m:1m])",
    "rate(requests_total[2m:20s] offset 1m)",
)
_QUANTILES = (
    "histogram_quantile(0.5, odd_bucket)",
    "histogram_quantile(0.01, rate(odd_bucket[5m]))",
    "histogram_quantile(0.5, broken_bucket)",
    "histogram_quantile(1, rate(treaty_rtt_ms_bucket[5m]))",
    "histogram_quantile(0, rate(treaty_rtt_ms_bucket[5m]))",
    "histogram_quantile(1.5, treaty_rtt_ms_bucket)",
    "histogram_quantile(-1, treaty_rtt_ms_bucket)",
    "histogram_quantile(NaN, treaty_rtt_ms_bucket)",
    'histogram_quantile(0.9, treaty_rtt_ms_bucket{le!="+Inf"})',
    'histogram_quantile(0.9, rate(treaty_rtt_ms_bucket{le!~"50|100"}[1m]))',
    "histogram_quantile(0.9, rate(treaty_rtt_ms_bucket[15s]))",
    'histogram_quantile(scalar(up{instance="a:1"}), treaty_rtt_ms_bucket)',
)
_AGGREGATIONS = (
    "sum(treaty_fill_rate)",
    "avg without (treaty_id) (treaty_fill_rate)",
    "min(odd_gauge)",
    "max(odd_gauge)",
    "sum(odd_gauge)",
    "avg(odd_gauge)",
    "count by (version) (bridge_info)",
    "group by (job) (up)",
    "stddev(requests_total)",
    "stdvar by (job) (bytes_total)",
    "quantile(0.9, requests_total)",
    "quantile by (kind) (0.5, odd_gauge)",
    "quantile(0.5, odd_gauge)",
    "topk(2, requests_total)",
    "topk(1, tied)",
    "bottomk(2, tied)",
    "topk(3, odd_gauge)",
    'bottomk by (job) (1, {job="bridge"})',
    "topk(0, up)",
    "topk(scalar(sum(up)), tied)",
    'sum by (__name__) ({job="bridge"})',
    "count(nothing_here)",
)
_OPERATORS = (
    "requests_total / bytes_total",
    "requests_total / on (instance) bytes_total",
    "requests_total * on (instance) group_left (version) bridge_info",
    "bridge_info * on (instance) group_right (version) requests_total",
    "requests_total - ignoring (version) bridge_info",
    "requests_total - ignoring (version) group_left bridge_info",
    "requests_total > on (instance) late_total",
    "requests_total > bool on (instance) late_total",
    "requests_total > late_total",
    "up == 1",
    "1 == up",
    "1 > bool up",
    "0.5 < up",
    "odd_gauge != odd_gauge",
    "odd_gauge % 2",
    "2 ^ odd_gauge",
    "odd_gauge ^ 0.5",
    "odd_gauge / 0",
    "1 / odd_gauge",
    "-odd_gauge",
    "odd_gauge atan2 odd_gauge",
    "requests_total and on (instance) up == 1",
    "requests_total unless on (instance) up == 1",
    "treaty_fill_rate or up",
    "requests_total or on () treaty_fill_rate",
    "(up == 1) or up * 0",
    "up and nothing_here",
    "up unless nothing_here",
    "nothing_here + up",
    "vector(1) + 1",
    "-2 ^ 2",
    "1 + 2 * 3 % 4",
    "2 ^ 3 ^ 2",
    "1 > bool 2",
    "5 / 0",
    "-5 % 0",
)
_FUNCTIONS = (
    "time()",
    "vector(time())",
    "scalar(treaty_fill_rate)",
    'scalar(treaty_fill_rate{treaty_id="B"})',
    "timestamp(irregular)",
    "timestamp(irregular + 0)",
    "timestamp((sparse))",
    "abs(odd_gauge)",
    "sqrt(odd_gauge)",
    "ln(odd_gauge)",
    "exp(odd_gauge)",
    "sgn(odd_gauge)",
    "ceil(treaty_fill_rate * 10)",
    "floor(odd_gauge / 2)",
    "round(odd_gauge / 2)",
    "round(treaty_fill_rate, 0.05)",
    "clamp(odd_gauge, -1, 2)",
    "clamp(odd_gauge, 2, -1)",
    "clamp_min(odd_gauge, 0)",
    "clamp_max(odd_gauge, NaN)",
    'label_replace(up, "host", "$1", "instance", "(.*):.*")',
    'label_replace(up, "host", "${port}-$$", "instance", "(?P<name>.*):(?P<port>.*)")',
    'label_replace(up, "job", "", "job", ".*")',
    'label_replace(up, "job", "x", "nowhere", "")',
    'label_join(up, "both", "/", "job", "instance", "nowhere")',
    "sort(requests_total)",
)
QUERIES = _SLO + _SELECTORS + _RANGES + _QUANTILES + _AGGREGATIONS + _OPERATORS + _FUNCTIONS

INSTANT_ONLY = (
    "requests_total[1m]",
    "treaty_fill_rate[30m]",
    "treaty_fill_rate[10m] offset 15m",
    "up[5m:1m]",
    '"text"',
    "irregular[1m] @ 1700001900",
)

REFUSED = (
    "",
    "up{",
    "up)",
    "sum(up",
    "rate(up)",
    "sum by up",
    "unknown_function(up)",
    "up[0s]",
    "{}",
    '{job=~".*"}',
    'up{job=~"("}',
    "1 == 1",
    "up and 1",
    "vector(up)",
    "up + bool up",
    "topk(up)",
    "up == on (job",
    "up offset",
    "up[5m] + 1",
    "requests_total + on (job) requests_total",
    "requests_total * on (job) group_left () bytes_total",
    '-{__name__=~"requests_total|bytes_total"}',
    'rate({__name__=~"requests_total|bytes_total"}[1m])',
    'label_replace(up, "1bad", "x", "job", ".*")',
    'label_replace(up, "good", "x", "job", "(")',
    "topk(NaN, up)",
    "topk(Inf, up)",
)


def mission_queries() -> list[str]:
    """Every query of the mission file's objectives and criteria, its placeholders filled in."""
    mission = tomllib.loads(_MISSION.read_text())
    found = []
    for text in dict.fromkeys(_queries([mission["slo"], mission["criterion"]])):
        for name, value in _FILLED_IN.items():
            text = text.replace(name, value)
        found.append(text.strip())
    return found


def _queries(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _queries(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("value", "newest", "good_ratio", "as_written", "events") and isinstance(inner, str):
                yield inner
            else:
                yield from _queries(inner)
