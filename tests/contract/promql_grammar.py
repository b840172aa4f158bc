"""Queries made at random from what the embedded server understands, over the samples of promql_samples."""

from __future__ import annotations

import re

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
BUCKETS = ("treaty_rtt_ms_bucket", 'treaty_rtt_ms_bucket{treaty_id=~"B|C"}', "odd_bucket", "broken_bucket")
DURATIONS = ("15s", "29s", "45s", "1m", "2m", "5m", "17m", "1h")
RANGE_FUNCTIONS = (*sorted({*OF_RANGE, *OVER_TIME}), "absent_over_time")
VECTOR_FUNCTIONS = (*EACH, "timestamp", "absent", "sort", "sort_desc", "round")
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
LABEL_LISTS = ("", "treaty_id", "job", "instance", "le", "treaty_id, le", "kind", "__name__", "name, instance")

NUMBERS = ("0", "1", "-1", "0.5", "0.05", "0.95", "2", "3", "10", "100", "1e3", "NaN", "Inf", "-Inf")
OFFSETS = (
    "",
    "",
    "",
    " offset 1m",
    " offset 7m30s",
    " offset -2m",
    f" @ {START + 3000}",
    f" @ {START + 2000.5} offset 3m",
    " @ start()",
    " @ end()",
)
SHIFT = OFFSETS[:6]
MATCHINGS = (
    "",
    "",
    " on (treaty_id)",
    " on (instance)",
    " ignoring (le)",
    " ignoring (version)",
    " on (job)",
    " on ()",
)
ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=", "== bool", "!= bool", "< bool", "> bool", "<= bool", ">= bool")
LEAVES = (
    "SELECTOR OFFSET",
    "OVER_TIME(SELECTOR[DURATION] OFFSET)",
    "quantile_over_time(NUMBER, SELECTOR[DURATION] OFFSET)",
)
SHAPES = (
    "AGGREGATION GROUPING (VECTOR)",
    "AGGREGATION(VECTOR)",
    "quantile GROUPING (NUMBER, VECTOR)",
    "EXTREME GROUPING (SMALL, SELECTOR OFFSET)",
    "FUNCTION(VECTOR)",
    "clamp(VECTOR, NUMBER, NUMBER)",
    "CLAMP(VECTOR, NUMBER)",
    "histogram_quantile(NUMBER, VECTOR)",
    "(VECTOR) ARITHMETIC (NUMBER)",
    "(NUMBER) ARITHMETIC (VECTOR)",
    "(VECTOR) COMPARISON (NUMBER)",
    "(NUMBER) COMPARISON (VECTOR)",
    "(VECTOR) ARITHMETIC MATCHING (VECTOR)",
    "(VECTOR) COMPARISON MATCHING (VECTOR)",
    "(VECTOR) ARITHMETIC on (instance) group_left (version) (VECTOR)",
    "(VECTOR) COMPARISON ignoring (version, kind) group_left () (VECTOR)",
    "(VECTOR) + MATCHING (OVER_TIME(SELECTOR[DURATION]) COMPARISON (NUMBER))",
    "sum by (treaty_id, le) (OVER_TIME(SELECTOR[DURATION] OFFSET))",
    "histogram_quantile(NUMBER, sum by (treaty_id, le) (OVER_TIME(BUCKETS[DURATION] OFFSET)))",
    "quantile(scalar(SELECTOR), VECTOR)",
    "NUMBER ARITHMETIC scalar(VECTOR) ARITHMETIC time()",
    "quantile_over_time(NUMBER, (VECTOR)[DURATION:] SHIFT)",
    "absent(VECTOR) SET (VECTOR)",
    "VECTOR ARITHMETIC VECTOR COMPARISON NUMBER",
    "VECTOR SET MATCHING VECTOR SET VECTOR",
    "(VECTOR) ARITHMETIC on (instance) group_right () (VECTOR)",
    "(VECTOR) SET MATCHING (VECTOR)",
    "-(VECTOR)",
    "vector(scalar(VECTOR))",
    'label_replace(VECTOR, "treaty_id", "${1}x", "instance", "(.).*")',
    'label_join(VECTOR, "job", "-", "instance", "le")',
    "OVER_TIME((VECTOR)[DURATION:STEP] SHIFT)",
)
# A subquery with @ within another loses samples in Prometheus 2.42: it stands outermost only.
OUTERMOST = ("OVER_TIME((OVER_TIME(SELECTOR[DURATION] OFFSET))[DURATION:STEP] OFFSET)",)
_DEEPEST = 3
WORDS = {
    "SELECTOR": SELECTORS,
    "BUCKETS": BUCKETS,
    "OFFSET": OFFSETS,
    "SHIFT": SHIFT,
    "DURATION": DURATIONS,
    "NUMBER": NUMBERS,
    "OVER_TIME": RANGE_FUNCTIONS,
    "AGGREGATION": AGGREGATIONS,
    "GROUPING": tuple(f"{word} ({labels})" for word in ("by", "without") for labels in LABEL_LISTS),
    "EXTREME": ("topk", "bottomk"),
    "SMALL": ("0", "1", "2", "3", "-1"),
    "FUNCTION": VECTOR_FUNCTIONS,
    "CLAMP": ("clamp_min", "clamp_max", "round"),
    "ARITHMETIC": ARITHMETIC,
    "COMPARISON": COMPARISONS,
    "MATCHING": MATCHINGS,
    "SET": ("and", "or", "unless"),
    "STEP": ("15s", "40s", "1m"),
}
_PLACE = re.compile(r"\b[A-Z_]{3,}\b")


@st.composite
def queries(draw: st.DrawFn, depth: int = _DEEPEST) -> str:
    """A query of at most `depth` nested operations around selectors."""
    # topk stands on selectors only: of what is computed the real server picks among equals at random.
    outermost = depth == _DEEPEST
    leaf = depth == 0 or draw(st.integers(0, 9 if outermost else 3)) == 0
    shape = draw(st.sampled_from(LEAVES if leaf else SHAPES + OUTERMOST if outermost else SHAPES))

    def fill(place: re.Match[str]) -> str:
        if place[0] == "VECTOR":
            return draw(queries(depth - 1))
        return draw(st.sampled_from(WORDS[place[0]]))

    return _PLACE.sub(fill, shape)


moments = st.one_of(
    st.integers(-10, COUNT + 30).map(lambda index: START + index * INTERVAL),
    st.integers(-100_000, round(COUNT * INTERVAL * 1000) + 400_000).map(lambda after: START + after / 1000),
)
steps = st.sampled_from((15.0, 60.0, 7.0, 33.333, 300.0))
