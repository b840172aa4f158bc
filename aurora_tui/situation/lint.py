"""A criterion that cannot trip, whatever happens: a quantile never leaves the histogram's finite buckets.

`histogram_quantile` answers the largest finite bound when the quantile lies above it, so with buckets that
end at 300 "p99 > 400" is never true; and it answers no less than q × the smallest bound.
https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from aurora_tui.situation.mission import Comparison, Criterion

_QUANTILE = re.compile(r"^\s*histogram_quantile\(\s*([0-9.eE+-]+)\s*,", re.DOTALL)
_BUCKETS = re.compile(r"\b([A-Za-z_:][A-Za-z0-9_:]*_bucket)\b")


class Quantile(NamedTuple):
    """The quantile a query asks for, and the metric that holds its buckets."""

    q: float
    metric: str


def quantile_of(query: str) -> Quantile | None:
    """What `query` asks for, when all of it is one histogram_quantile over classic buckets."""
    asked, metric = _QUANTILE.match(query), _BUCKETS.search(query)
    if asked is None or metric is None or not _is_one_call(query):
        return None
    try:
        return Quantile(float(asked[1]), metric[1])
    except ValueError:
        return None


def _is_one_call(query: str) -> bool:
    """Whether the parenthesis that the function opens is closed by the last character, and not before."""
    text, depth = query.strip(), 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and char == ")":
            return index == len(text) - 1
    return False


def cannot_trip(criterion: Criterion, query: str, bounds: Sequence[float]) -> str | None:
    """Why `criterion`, judged by `query` over buckets with these `le` bounds, can never be bad; None when it can.

    None too when no bound is known: then there is no data, which is another matter.
    """
    asked = quantile_of(query)
    if asked is None or not bounds or criterion.op is None or criterion.value is None:
        return None
    finite = [bound for bound in bounds if math.isfinite(bound)]
    if not finite:
        return f"this criterion cannot trip: {asked.metric} has no finite bucket"
    limit, highest, lowest = criterion.value, max(finite), min(finite)
    reach = f"this criterion cannot trip: {criterion.op.value} {limit:g} is beyond the buckets of {asked.metric},"
    match criterion.op:
        case Comparison.GREATER if highest <= limit:
            return f"{reach} which end at {highest:g}"
        case Comparison.GREATER_EQUAL if highest < limit:
            return f"{reach} which end at {highest:g}"
        case Comparison.LESS | Comparison.LESS_EQUAL:
            least = lowest if lowest <= 0.0 else asked.q * lowest
            if least > limit or (least == limit and criterion.op is Comparison.LESS):
                return f"{reach} which begin at {lowest:g}: the quantile is never below {least:g}"
    return None
