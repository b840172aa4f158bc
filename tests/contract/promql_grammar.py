"""Queries made at random from what the embedded server understands, over the samples of promql_samples."""

from __future__ import annotations

from hypothesis import strategies as st

from aurora_tui.drill.prometheus.evaluate import OF_RANGE
from aurora_tui.drill.prometheus.functions import EACH
from aurora_tui.drill.prometheus.over_time import OVER_TIME
from tests.contract.promql_samples import COUNT, INTERVAL, START

SELECTORS = (
    "treaty_fill_rate",
    'treaty_fill_rate{treaty_id=~"A|B"}',
    'treaty_fill_rate{treaty_id!="D"}',
    "treaty_rtt_ms_bucket",
    'treaty_rtt_ms_bucket{le=~"(350|400)(\\\\.0)?"}',
    "treaty_rtt_ms_count",
    "treaty_rtt_ms_sum",
    "requests_total",
    'requests_total{instance!~"b.*"}',
    "bytes_total",
    "late_total",
    "odd_gauge",
    'odd_gauge{kind="mixed"}',
    "sparse",
    "irregular",
    "tied",
    "up",
    "bridge_info",
    "odd_bucket",
    "broken_bucket",
    "nothing_here",
    '{__name__=~"treaty_.*",treaty_id="A"}',
    '{job="bridge"}',
)
DURATIONS = ("15s", "29s", "45s", "1m", "2m", "5m", "17m", "1h")
RANGE_FUNCTIONS = (*sorted({*OF_RANGE, *OVER_TIME}), "absent_over_time")
VECTOR_FUNCTIONS = (*EACH, "timestamp", "absent", "sort", "sort_desc", "round")
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
LABEL_LISTS = ("", "treaty_id", "job", "instance", "le", "treaty_id, le", "kind", "__name__", "name, instance")

numbers = st.sampled_from(("0", "1", "-1", "0.5", "0.05", "0.95", "2", "3", "10", "100", "1e3", "NaN", "Inf", "-Inf"))
offsets = st.sampled_from(("", "", "", " offset 1m", " offset 7m", " offset -2m", f" @ {START + 3000}", " @ end()"))
matching = st.sampled_from(
    ("", "", " on (treaty_id)", " on (instance)", " ignoring (le)", " ignoring (version)", " on (job)", " on ()")
)
arithmetic = st.sampled_from(("+", "-", "*", "/", "%", "^", "atan2"))
comparison = st.sampled_from(("==", "!=", "<", ">", "<=", ">="))


def _over_range(selector: str, duration: str, offset: str) -> str:
    return f"{selector}[{duration}]{offset}"


matrices = st.builds(_over_range, st.sampled_from(SELECTORS), st.sampled_from(DURATIONS), offsets)
plain = st.builds("{}{}".format, st.sampled_from(SELECTORS), offsets)
ranged = st.one_of(
    st.builds("{}({})".format, st.sampled_from(RANGE_FUNCTIONS), matrices),
    st.builds("quantile_over_time({}, {})".format, numbers, matrices),
)


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.builds("{} ({})".format, st.sampled_from(("by", "without")), st.sampled_from(LABEL_LISTS))
    return st.one_of(
        st.builds("{} {} ({})".format, st.sampled_from(AGGREGATIONS), group, inner),
        st.builds("{}({})".format, st.sampled_from(AGGREGATIONS), inner),
        st.builds("quantile {} ({}, {})".format, group, numbers, inner),
        st.builds("{} {} ({}, {})".format, st.sampled_from(("topk", "bottomk")), group, st.sampled_from("0123"), inner),
        st.builds("{}({})".format, st.sampled_from(VECTOR_FUNCTIONS), inner),
        st.builds("clamp({}, {}, {})".format, inner, numbers, numbers),
        st.builds("{}({}, {})".format, st.sampled_from(("clamp_min", "clamp_max", "round")), inner, numbers),
        st.builds("histogram_quantile({}, {})".format, numbers, inner),
        st.builds("({}) {} ({})".format, inner, arithmetic, numbers),
        st.builds("({}) {} ({})".format, numbers, arithmetic, inner),
        st.builds("({}) {} {} ({})".format, inner, comparison, st.sampled_from(("", "bool")), numbers),
        st.builds("({}) {} {} ({})".format, numbers, comparison, st.sampled_from(("", "bool")), inner),
        st.builds("({}) {}{} ({})".format, inner, arithmetic, matching, inner),
        st.builds("({}) {} {}{} ({})".format, inner, comparison, st.sampled_from(("", "bool")), matching, inner),
        st.builds(
            "({}) {}{} group_left ({}) ({})".format,
            inner,
            arithmetic,
            matching,
            st.sampled_from(("", "version")),
            inner,
        ),
        st.builds("({}) {}{} ({})".format, inner, st.sampled_from(("and", "or", "unless")), matching, inner),
        st.builds("-({})".format, inner),
        st.builds("vector(scalar({}))".format, inner),
        st.builds('label_replace({}, "treaty_id", "${{1}}x", "instance", "(.).*")'.format, inner),
        st.builds(
            "{}(({})[{}:{}])".format,
            st.sampled_from(RANGE_FUNCTIONS),
            inner,
            st.sampled_from(DURATIONS),
            st.sampled_from(("15s", "40s", "1m")),
        ),
    )


queries = st.recursive(st.one_of(plain, ranged, ranged), _wider, max_leaves=4)
moments = st.one_of(
    st.integers(-10, COUNT + 30).map(lambda index: START + index * INTERVAL),
    st.integers(-100_000, round(COUNT * INTERVAL * 1000) + 400_000).map(lambda after: START + after / 1000),
)
steps = st.sampled_from((15.0, 60.0, 7.0, 33.333, 300.0))
