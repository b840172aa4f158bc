"""Every fault of tests/faults/rows.py on every kind of source, at the drill's own intervals; all wait at once.

What each source's light says of each fault is the table in rows.py. The rest must hold for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aurora_tui.console import banner
from aurora_tui.situation.freshness import LightState
from aurora_tui.situation.verdict import Word
from tests.faults.faults import GzipBomb, Hang, HangAfterHeaders, Large, SlowDrip
from tests.faults.matrix import Run, Seen, authorities, run, same_words
from tests.faults.rooms import drill
from tests.faults.rows import LIVE, SILENT, WITHIN, rows

pytestmark = pytest.mark.xdist_group("faults")

TAKES_TIME = (Hang, HangAfterHeaders, SlowDrip, Large, GzipBomb)
AT_MOST = 2.0  # requests a second
SEEN_WITHIN = 5.0  # s after a fault's end
BUSY = 4.0  # s lost while a fault lasted, some 17 s
LATE = 1.5  # s that an answer may take on its way to the screen
MOST_MEMORY = 1200.0  # MB for some 75 war rooms; one source reads 16 MB at most


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("faults")
    trusted, stranger = authorities(folder)
    with drill(folder) as world:
        return asyncio.run(run(world, rows(trusted, stranger), trusted))


def failing(seen: Run, wrong: Callable[[Seen], Any]) -> list[str]:
    """The cases in which something is wrong, and what."""
    return [f"{case.name}: {said}" for case in seen.seen if (said := wrong(case))]


def busy(case: Seen) -> bool:
    """Whether the machine took so much of our time that a few seconds more or less say nothing of the console."""
    return case.lag > BUSY


def takes_sight(case: Seen) -> bool:
    """Whether no answer comes, so that what is known gets old; a page that is answered with nonsense is an answer."""
    return case.state is not LightState.LIVE


def test_each_light_says_what_happened_to_what_and_what_to_do(
    seen: Run, record_property: Callable[[str, object], None]
) -> None:
    def wrong(case: Seen) -> str:
        expected = case.row.says(case.kind)
        # Of several time limits, and of a limit and a size, the one that is met first depends on the machine's load.
        others = (SILENT, WITHIN) if isinstance(case.row.fault, TAKES_TIME) or busy(case) else ()
        right = any(same_words(case.words, words) for words in (expected, *others))
        return "" if right else f"{case.words!r} instead of {expected!r}"

    assert failing(seen, wrong) == []
    worst = max(case.recovered or 99.0 for case in seen.seen)
    busiest = max(case.rate for case in seen.seen if not case.row.samples)
    record_property(
        "measured",
        f"faults × sources: {len(seen.seen)} cases in {seen.wall:.0f} s; recovery seen within {worst:.1f} s, at most "
        f"{busiest:.1f} requests/s",
    )


def test_what_takes_the_sight_shows_in_the_verdict_after_three_intervals(seen: Run) -> None:
    def wrong(case: Seen) -> str:
        if case.row.says(case.kind) == LIVE:
            return ""
        essential = case.source in ("metrics", "prom", "am")
        worst = {Word.BLIND} if essential else {Word.BLIND, Word.WATCH}
        words = {situation.verdict.word for situation in case.beyond}
        return "" if words and words <= worst else f"verdicts {words}"

    assert failing(seen, wrong) == []


def test_the_verdict_gives_the_reason_in_the_lights_own_words(seen: Run) -> None:
    def wrong(case: Seen) -> str:
        assert case.last is not None
        light = next(light for light in case.last.lights if light.name == case.source)
        reasons = [reason.text for reason in case.last.verdict.reasons]
        return "" if light.error is None or any(light.error in reason for reason in reasons) else f"{reasons}"

    assert failing(seen, wrong) == []


def test_the_banner_says_that_a_source_is_stale(seen: Run) -> None:
    def wrong(case: Seen) -> str:
        situation = case.last
        assert situation is not None
        if not takes_sight(case) or case.source.startswith("probe"):
            return ""
        shown = "\n".join(
            "".join(part.text for part in line) for line in banner.lines(situation, situation.now, 160, 3)
        )
        light = next(light for light in situation.lights if light.name == case.source)
        stale = f"{light.title if len(light.title) <= 12 else light.name} STALE"
        word = situation.verdict.word.value
        return "" if stale in shown and word in shown else shown

    assert failing(seen, wrong) == []


def test_what_is_said_twice_or_in_another_order_is_understood_all_the_same(seen: Run) -> None:
    def wrong(case: Seen) -> str:
        if not case.row.samples or "clock" in case.row.name:
            return ""
        words = {situation.verdict.word for situation in case.beyond}
        return "" if words == {Word.GO} else f"verdicts {words}"

    assert failing(seen, wrong) == []


def test_a_prometheus_whose_clock_is_off_is_told_as_that(seen: Run) -> None:
    def wrong(case: Seen) -> str:
        if "clock" not in case.row.name or case.source != "metrics":
            return ""
        assert case.last is not None
        said = "this machine's clock and that of metrics differ by 600 s"
        reasons = [reason.text for reason in case.last.verdict.reasons]
        return "" if said in reasons and case.last.verdict.word is Word.WATCH else f"{reasons}"

    assert failing(seen, wrong) == []


def test_the_other_sources_stay_fresh(seen: Run) -> None:
    def wrong(case: Seen) -> str:
        old = {name: late for name, late in case.others.items() if late > LATE + case.lag}
        return f"older than an interval: {old}" if old else ""

    assert failing(seen, wrong) == []


def test_a_server_in_trouble_is_asked_twice_a_second_at_most(seen: Run) -> None:
    assert failing(seen, lambda case: not case.row.samples and case.rate > AT_MOST and case.rate) == []


def test_the_end_is_seen_soon(seen: Run) -> None:
    def wrong(case: Seen) -> str:
        limit = SEEN_WITHIN * (4.0 if busy(case) else 2.0)
        return "" if case.recovered is not None and case.recovered <= limit else f"after {case.recovered} s"

    assert failing(seen, wrong) == []


def test_nothing_is_left_behind(seen: Run) -> None:
    assert all(now <= then for now, then in zip(seen.after, seen.before, strict=True)), (seen.before, seen.after)


def test_nothing_goes_unhandled_and_nothing_is_logged(seen: Run) -> None:
    assert seen.lost_loop == []
    assert seen.logged == []
    assert failing(seen, lambda case: "Please report it" in case.words and case.words) == []


def test_memory_stays_bounded_whatever_is_sent(seen: Run) -> None:
    assert seen.grown < MOST_MEMORY
