"""One lost scrape or one refused question is not blindness: what is younger than three intervals still holds."""

from __future__ import annotations

import msgspec

from aurora_tui.situation.slo import SloObserved


def bridged(before: SloObserved | None, item: SloObserved, at: float, fresh: float) -> SloObserved:
    """`item` as observed at `at`, completed by what `before` knew from samples not older than `fresh` seconds.

    A failed scrape ends its series at once in Prometheus, although the sample before it is as young as ever; and a
    question that failed once says nothing of the answer before it. Judging counts the age of what is kept, so that
    nothing stays longer than it may.
    """
    if before is None:
        return item
    recent = {treaty: time for treaty, time in before.newest.items() if at - time <= fresh}
    values = {treaty: value for treaty, value in before.values.items() if treaty in recent} | item.values
    newest = {treaty: time for treaty, time in recent.items() if treaty in values} | item.newest
    kept = item.statistic is None and bool(values)
    still_fresh = any(at - time <= fresh for time in newest.values())
    return msgspec.structs.replace(
        item,
        values=values,
        newest=newest,
        statistic=before.statistic if kept else item.statistic,
        query=before.query if kept else item.query,
        error=None if still_fresh else item.error,
    )
