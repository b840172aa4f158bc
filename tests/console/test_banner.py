"""Header and banner: the word, why, how long still, and never healthy on what cannot be known."""

from __future__ import annotations

import re

import msgspec
import pytest

from aurora_tui.console import banner, flow, header
from aurora_tui.console.ink import Line, plain, width
from aurora_tui.console.pulse import Lost, Pulse
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.verdict import Reason, Verdict, Word
from tests.console import situations as made_up
from tests.console.situations import NOW


def texts(lines: list[Line]) -> list[str]:
    return [plain(line).rstrip() for line in lines]


def inks(lines: list[Line]) -> set[str]:
    return {word for line in lines for part in line for word in part.ink.split()}


def test_the_countdown_is_live_and_the_reason_counts_with_it() -> None:
    first = texts(banner.lines(made_up.breaching(), NOW + 10, 120, 2))[0]
    assert first.startswith("▌ ⚠ ROLL BACK IN 08:09   RTT p95 412 ms > 400 for 06:51 of 15:00")
    assert first.endswith("metrics 12s  cluster live  alerts 14s  bridge 11s")


def test_further_reasons_and_the_next_deadline_stand_on_the_second_line() -> None:
    second = texts(banner.lines(made_up.breaching(), NOW, 120, 2))[1]
    assert second.startswith("▌ SEV2 RTTHigh firing since 13:55")
    assert second.endswith("next Evening report in 03:57:49")


def test_go_stands_with_its_reason() -> None:
    assert texts(banner.lines(made_up.go(), NOW, 120, 2))[0].startswith("▌ ✔ GO   4 SLOs met, 5 criteria clear")


@pytest.mark.parametrize("cells", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("height", [2, 3])
@pytest.mark.parametrize("name", ["go", "watch", "breaching", "rolled", "blind"])
def test_every_line_fits_exactly(name: str, cells: int, height: int) -> None:
    lines = banner.lines(getattr(made_up, name)(), NOW, cells, height)
    assert [width(line) for line in lines] == [cells] * height


def test_reasons_that_find_no_room_are_counted() -> None:
    reasons = tuple(Reason(text=f"reason number {number} of many", word=Word.WATCH) for number in range(20))
    situation = msgspec.structs.replace(made_up.go(), verdict=Verdict(word=Word.WATCH, reasons=reasons))
    assert " more: v" in texts(banner.lines(situation, NOW, 80, 3))[-1]


def test_before_the_first_situation_it_waits_in_words_and_nothing_is_inked_good() -> None:
    lines = flow.waiting(120, 2, None)
    assert texts(lines)[0] == "▌waiting for metrics…"
    assert "good" not in inks(lines)


def test_a_source_that_fails_is_told_in_words() -> None:
    text = " ".join(texts(banner.lines(made_up.blind(), NOW, 120, 2)))
    assert "metrics STALE 3m" in text
    assert "bridge FAILED 31s" in text


def test_a_source_grows_stale_by_the_clock_alone() -> None:
    assert "metrics STALE 32s" in texts(banner.lines(made_up.go(), NOW + 30, 120, 2))[0]


def test_lights_that_find_no_room_are_counted_if_live_and_kept_if_not() -> None:
    situation = made_up.blind()
    more = tuple(msgspec.structs.replace(situation.lights[1], name=f"probe{n}", title=f"probe{n}") for n in range(6))
    text = texts(banner.lines(msgspec.structs.replace(situation, lights=(*situation.lights, *more)), NOW, 120, 2))[0]
    assert "metrics STALE 3m" in text
    assert "bridge FAILED 31s" in text
    assert text.endswith(" live")


def test_when_the_console_hears_nothing_the_banner_is_blind_and_no_light_is_good() -> None:
    lines = banner.lines(made_up.go(), NOW, 120, 2, Lost("the console's own feed stopped: it ended by itself", 7.0))
    assert texts(lines)[0].startswith("▌ ? BLIND   the console's own feed stopped")
    assert "(then: GO)" in " ".join(texts(lines))
    assert "good" not in inks(lines)


def test_an_overdue_checkpoint_is_told_in_the_banner() -> None:
    assert "Evening report OVERDUE 00:05" in texts(banner.lines(made_up.go(), NOW + 14_274, 120, 2))[1]


# Header -------------------------------------------------------------------------------------------------------------


def head(situation: Situation | None, cells: int = 120, drill: bool = False, read_only: bool = False) -> list[str]:
    settings = made_up.settings(drill=drill, read_only=read_only)
    now = NOW if situation else None
    return texts(header.lines(settings, situation, now, cells, 1 if cells >= 110 else 2))


def test_the_header_names_mission_treaty_environment_cluster_phase_and_time() -> None:
    text = head(made_up.go(), 130)[0]
    assert text.startswith(" AURORA GA · AURORA-AKASH-001  production  bastion-eu/aurora-production  CANARY 10%")
    assert "  31:12 of 72:00  " in text
    assert text.endswith("2026-01-03 14:02:11Z")


def test_a_narrow_header_gives_up_the_date_but_neither_cluster_nor_phase() -> None:
    first, second = head(made_up.go(), 80)
    assert first.endswith("14:02:11Z")
    assert "bastion-eu/aurora-production" in second
    assert "CANARY 10%  31:12 of 72:00" in second


def test_before_the_first_situation_the_header_speaks_from_the_settings() -> None:
    text = head(None)[0]
    assert "AURORA GA · AURORA-AKASH-001" in text
    assert "bastion-eu/aurora-production" in text
    assert "no clock yet" in text


def test_a_drill_is_marked() -> None:
    assert " DRILL " in head(msgspec.structs.replace(made_up.go(), drill=True), drill=True)[0]


def test_read_only_is_marked() -> None:
    assert "read-only" in head(msgspec.structs.replace(made_up.go(), read_only=True), 140, read_only=True)[0]


def test_no_phase_is_said() -> None:
    assert "no phase runs" in head(msgspec.structs.replace(made_up.go(), phase=None))[0]


# Pulse --------------------------------------------------------------------------------------------------------------


class Hand:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_world_time_goes_on_at_the_worlds_speed() -> None:
    hand = Hand()
    pulse = Pulse(hand, speed=20.0)
    pulse.told(made_up.go())
    hand.at += 2.0
    assert pulse.now() == NOW + 40


def test_small_steps_back_are_not_shown_but_a_real_one_is() -> None:
    hand = Hand()
    pulse = Pulse(hand, speed=1.0)
    pulse.told(made_up.go())
    assert pulse.now() == NOW
    pulse.told(msgspec.structs.replace(made_up.go(), now=NOW - 0.4))
    assert pulse.now() == NOW
    pulse.told(msgspec.structs.replace(made_up.go(), now=NOW - 60))
    assert pulse.now() == NOW - 60


def test_silence_of_more_than_5_seconds_is_a_loss_and_news_ends_it() -> None:
    hand = Hand()
    pulse = Pulse(hand, speed=20.0)
    pulse.told(made_up.go())
    hand.at += 5.0
    assert pulse.lost() is None
    hand.at += 0.1
    lost = pulse.lost()
    assert lost is not None
    assert "silent for 5 s" in lost.why
    pulse.told(made_up.go())
    assert pulse.lost() is None


def test_a_feed_that_never_says_anything_is_a_loss_too() -> None:
    hand = Hand()
    pulse = Pulse(hand, speed=1.0)
    hand.at += 6.0
    lost = pulse.lost()
    assert lost is not None
    assert lost.why == "waiting for metrics…, nothing came for 6 s"


def test_a_feed_that_stopped_stays_lost() -> None:
    pulse = Pulse(Hand(), speed=1.0)
    pulse.told(made_up.go())
    pulse.stopped("it ended by itself")
    pulse.told(made_up.go())
    lost = pulse.lost()
    assert lost is not None
    assert lost.why == "the console's own feed stopped: it ended by itself"


@pytest.mark.parametrize(("cells", "height"), [(120, 2), (80, 3), (60, 3)])
@pytest.mark.parametrize("dark", range(9))
def test_the_word_and_its_reason_stand_however_many_sources_are_dark(cells: int, height: int, dark: int) -> None:
    situation = made_up.blind()
    sources = ("metrics", "cluster", "alerts", "prom alerts", "bridge", "exporter", "simulator", "ledger")
    lights = tuple(
        SourceLight(name=name, title=name, interval=5.0, observed_at=situation.now - (300.0 if number < dark else 1.0))
        for number, name in enumerate(sources)
    )
    shown = banner.lines(msgspec.structs.replace(situation, lights=lights), situation.now, cells, height)
    text = ["".join(part.text for part in line) for line in shown]
    assert "? BLIND" in text[0]
    assert "metrics: connection" in text[0]
    counted = sum(int(found) for found in re.findall(r"\+(\d+) (?:dark|live)", " ".join(text)))
    named = sum(f"{name} {word}" in " ".join(text) for name in sources for word in ("STALE", "1s", "live"))
    assert counted + named >= len(sources)
