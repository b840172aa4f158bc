"""What the ledger means for judgement: a fold over its entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.situation.journal import EMPTY, project
from tests.situation.missions import NOW, ended, journal, records, started, ticked

ENTRIES = st.one_of(
    st.builds(lambda at, name: started(NOW + at, name), st.integers(0, 99), st.sampled_from(["soak", "canary"])),
    st.builds(lambda at, name: ended(NOW + at, name), st.integers(0, 99), st.sampled_from(["soak", "canary"])),
    st.builds(lambda at, key: ticked(NOW + at, key), st.integers(0, 99), st.sampled_from(["canary/a", "canary/b"])),
    st.builds(lambda key: (NOW, "tick.cleared", {"key": key}), st.sampled_from(["canary/a", "canary/b"])),
    st.builds(lambda at: (NOW + at, "criterion.reset", {"criterion": "rtt"}), st.integers(0, 99)),
    st.builds(lambda at: (NOW + at, "backup.made", {}), st.integers(0, 99)),
    st.just((NOW, "note", {"text": "x"})),
)


@given(st.lists(ENTRIES, max_size=20), st.integers(0, 20))
def test_reading_on_gives_the_same_as_reading_all(entries: list[tuple[float, str, dict[str, str]]], cut: int) -> None:
    found = records(*entries)
    assert project(found[cut:], project(found[:cut])) == project(found)


def test_the_running_phase_is_the_newest_start_without_an_end() -> None:
    run = journal(started(NOW, "soak"), ended(NOW + 5, "soak"), started(NOW + 9)).current
    assert run is not None
    assert (run.phase, run.started_at, run.started_by) == ("canary", NOW + 9, "eva@bastion")


def test_after_its_end_no_phase_runs_and_its_outcome_is_kept() -> None:
    seen = journal(started(NOW), ended(NOW + 5, outcome="rolled back"))
    assert seen.current is None
    assert (seen.phases[0].outcome, seen.phases[0].ended_at, seen.phases[0].ended_by) == (
        "rolled back",
        NOW + 5,
        "eva@bastion",
    )


def test_a_start_ends_the_phase_before_it() -> None:
    seen = journal(started(NOW, "soak"), started(NOW + 5))
    assert [(run.phase, run.outcome) for run in seen.phases] == [("soak", "superseded"), ("canary", None)]


def test_an_undone_tick_is_absent() -> None:
    seen = journal(ticked(NOW, "canary/a", "a link"), (NOW, "tick.cleared", {"key": "canary/a", "reason": "no"}))
    assert seen.ticks == {}


def test_resets_add_up_and_the_newest_backup_counts() -> None:
    seen = journal(
        (NOW, "criterion.reset", {"criterion": "rtt"}),
        (NOW + 1, "backup.made", {}),
        (NOW + 2, "criterion.reset", {"criterion": "rtt"}),
        (NOW + 3, "backup.made", {}),
    )
    assert seen.resets == {"rtt": (NOW, NOW + 2)}
    assert seen.backup_at == NOW + 3


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("phase.started", {"phase": "canary"}),
        ("phase.started", {"phase": "canary", "started_at": "yesterday"}),
        ("phase.started", {"phase": "canary", "started_at": "2026-01-03T14:02:11"}),
        ("phase.started", {"phase": 7, "started_at": "2026-01-03T14:02:11Z"}),
        ("tick.set", {"evidence": "x"}),
        ("criterion.reset", {}),
        ("something.new", {"phase": "canary"}),
    ],
)
def test_an_entry_that_says_nothing_we_understand_changes_only_the_size(action: str, data: dict[str, object]) -> None:
    seen = journal((NOW, action, data))
    assert seen.size == 1
    assert (seen.phases, seen.ticks, seen.resets) == (EMPTY.phases, EMPTY.ticks, EMPTY.resets)
