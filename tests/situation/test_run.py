"""What the ledger tells of a run: a fold over its entries, the same however they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.situation.journal import EMPTY, Journal, project
from aurora_tui.situation.run import (
    APPROVED,
    CANCEL_ASKED,
    FINISHED,
    STARTED,
    STEP_BEGUN,
    STEP_DONE,
    STEP_FAILED,
    Run,
    RunState,
    StepState,
)
from tests.situation.missions import NOW, journal, records

Told = tuple[float, str, Mapping[str, Any]]
PLAN = {
    "runbook": "rollback",
    "title": "rollback",
    "environment": "production",
    "steps": [{"number": 1, "title": "undo"}, {"number": 2, "title": "scale"}],
    "reason": "RTT",
    "target": 300,
}


def told(at: float, action: str, run: str = "a", **data: Any) -> Told:
    return NOW + at, action, {"run": run, **data}


def approved(at: float = 0.0, run: str = "a", **plan: Any) -> Told:
    return told(at, APPROVED, run, plan=PLAN | plan)


def run_of(*entries: Told) -> Run:
    return journal(*entries).runs["a"]


STARTED_ONCE = told(1, STARTED, executor="eva@bastion:7")
NUMBERS = st.integers(0, 3)
ENTRIES = st.one_of(
    st.builds(lambda at, run: approved(at, run), st.integers(0, 99), st.sampled_from("ab")),
    st.builds(lambda at, run, who: told(at, STARTED, run, executor=who), NUMBERS, st.sampled_from("ab"), st.text()),
    st.builds(
        lambda at, action, run, step, already: told(at, action, run, step=step, words="w", already=already),
        st.integers(0, 99),
        st.sampled_from([STEP_BEGUN, STEP_DONE, STEP_FAILED]),
        st.sampled_from("ab"),
        st.one_of(NUMBERS, st.booleans(), st.none()),
        st.booleans(),
    ),
    st.builds(lambda run: told(50, CANCEL_ASKED, run), st.sampled_from("abc")),
    st.builds(
        lambda run, outcome: told(60, FINISHED, run, outcome=outcome, words="over"),
        st.sampled_from("ab"),
        st.sampled_from(["verified", "failed", "cancelled", "abandoned", "running", "nonsense"]),
    ),
    st.just((NOW, APPROVED, {"run": "b", "plan": {"steps": 3}})),
    st.just((NOW, "run.unheard-of", {"run": "a"})),
    st.just((NOW, STEP_DONE, {})),
)


@given(st.lists(ENTRIES, max_size=25), st.lists(st.integers(0, 25), max_size=4))
def test_read_in_any_chunks_it_is_the_same(entries: list[Told], cuts: list[int]) -> None:
    found = records(*entries)
    read: Journal = EMPTY
    start = 0
    for end in [*sorted(cuts), len(found)]:
        read, start = project(found[start:end], read), max(start, end)
    assert read == project(found)


@given(st.lists(ENTRIES, max_size=25))
def test_what_is_over_but_for_a_failure_stays_so(entries: list[Told]) -> None:
    ends = (approved(), STARTED_ONCE, told(2, FINISHED, outcome="verified", words=""))
    assert run_of(*ends, *entries) == run_of(*ends)


def test_an_approved_run_waits_and_is_open() -> None:
    seen = journal(approved())
    run = seen.runs["a"]
    assert (run.state, run.approved_by, run.sequence, run.reason, run.target) == (
        RunState.APPROVED,
        "eva@bastion",
        1,
        "RTT",
        300,
    )
    assert seen.open_run == run
    assert run.step is not None
    assert run.step.title == "undo"


def test_the_first_approval_of_an_id_counts() -> None:
    assert run_of(approved(), approved(5, title="another")).title == "rollback"


def test_steps_are_begun_done_and_failed_with_their_times_and_words() -> None:
    run = run_of(
        approved(),
        STARTED_ONCE,
        told(2, STEP_BEGUN, step=1),
        told(3, STEP_DONE, step=1, words="there", already=True),
        told(4, STEP_BEGUN, step=2),
        told(5, STEP_FAILED, step=2, words="denied"),
    )
    one, two = run.steps
    assert (one.state, one.began_at, one.ended_at, one.words, one.already) == (
        StepState.DONE,
        NOW + 2,
        NOW + 3,
        "there",
        True,
    )
    assert (two.state, two.words) == (StepState.FAILED, "denied")
    assert run.step == two


def test_a_run_whose_executor_is_no_more_is_still_running() -> None:
    run = run_of(approved(), STARTED_ONCE, told(2, STEP_BEGUN, step=1))
    assert (run.state, run.executor) == (RunState.RUNNING, "eva@bastion:7")
    assert run.state.open


def test_who_goes_on_is_the_executor_and_the_start_stays_the_first() -> None:
    run = run_of(approved(), STARTED_ONCE, told(9, STARTED, executor="max@bastion:8"))
    assert (run.executor, run.started_at) == ("max@bastion:8", NOW + 1)


@pytest.mark.parametrize("outcome", [state for state in RunState if not state.open])
def test_it_ends_once_with_an_outcome_and_words(outcome: RunState) -> None:
    end = told(5, FINISHED, outcome=outcome.value, words="because")
    seen = journal(approved(), STARTED_ONCE, end, told(6, FINISHED, outcome="verified", words="no"))
    run = seen.runs["a"]
    assert (run.state, run.words, run.ended_at) == (outcome, "because", NOW + 5)
    assert seen.open_run is None


def test_a_run_that_failed_is_gone_on_with_and_keeps_what_was_done() -> None:
    run = run_of(
        approved(),
        STARTED_ONCE,
        told(2, STEP_DONE, step=1, words="there"),
        told(3, STEP_FAILED, step=2, words="denied"),
        told(4, FINISHED, outcome="failed", words="denied"),
        told(9, STARTED, executor="max@bastion:8"),
    )
    assert (run.state, run.words, run.ended_at) == (RunState.RUNNING, "", None)
    assert [step.state for step in run.steps] == [StepState.DONE, StepState.FAILED]


def test_a_wish_to_cancel_is_kept_through_the_start_and_forgotten_when_a_failed_run_is_gone_on_with() -> None:
    asked = (approved(), told(1, CANCEL_ASKED), told(2, STARTED, executor="eva@bastion:7"))
    assert run_of(*asked).cancel_asked
    failed = told(3, FINISHED, outcome="failed", words="")
    assert not run_of(*asked, failed, told(4, STARTED, executor="max@bastion:8")).cancel_asked


@pytest.mark.parametrize(
    "data",
    [{"step": 3}, {"step": 0}, {"step": "1"}, {"step": True}, {"step": None}, {}],
    ids=["beyond", "zero", "text", "true", "none", "missing"],
)
def test_a_step_that_there_is_not_changes_nothing(data: dict[str, Any]) -> None:
    assert run_of(approved(), STARTED_ONCE, told(2, STEP_DONE, **data)) == run_of(approved(), STARTED_ONCE)


@pytest.mark.parametrize("plan", [{}, {"steps": []}, PLAN | {"steps": [{"number": "x"}]}, 7])
def test_a_plan_of_another_shape_is_no_run(plan: object) -> None:
    assert journal((NOW, APPROVED, {"run": "a", "plan": plan})).runs == {}


def test_it_is_known_when_the_executor_was_last_heard_of_and_how_long_a_step_may_take() -> None:
    plan = approved(steps=[{"number": 1, "title": "undo", "limit": 90}, {"number": 2, "title": "scale"}])
    run = run_of(plan, STARTED_ONCE, told(3, STEP_BEGUN, step=1), told(9, CANCEL_ASKED))
    assert run.heard_at == NOW + 3
    assert [one.limit for one in run.steps] == [90, None]
    assert run_of(plan).heard_at is None
