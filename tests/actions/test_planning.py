"""Planning: every step on fresh reads, what stands against it in the plan, nothing written."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.actions.plan import Change, Check, Cluster, Outcome, Plan, PlannedStep, Subject, as_data, from_data
from aurora_tui.drill.manifests import CANARY, STANDBY
from aurora_tui.errors import UsageError
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.runbook import Choice, Note, Restart, Scale, SetImage, Stage, Undo, Wait, WaitFor
from tests.actions.desks import book, bundled, plan_of
from tests.actions.worlds import world

REQUESTS = 60  # that a plan of the rollback may cost


async def test_the_rollback_is_planned_whole_and_nothing_is_written(tmp_path: Path, record_property: object) -> None:
    async with world(tmp_path) as here:
        await plan_of(here, bundled(here, "rollback"))  # connects, and loads what it needs
        here.asked.clear()
        began = time.monotonic()
        plan = await plan_of(here, bundled(here, "rollback"), ground="RTT p95 412 ms > 400")
        took = time.monotonic() - began
        assert plan.refusals == ()
        assert [one.number for one in plan.steps] == [*range(1, 9)]
        assert plan.steps[0].changes[0] == Change(what="revision", now="2", after="1, which becomes 3")
        assert plan.steps[2].changes == (Change(what="replicas", now="0", after="3"),)
        assert (plan.runbook, plan.environment, plan.namespace) == ("rollback", "drill", "aurora-production")
        assert (plan.target, plan.ground, plan.reason) == (300, "RTT p95 412 ms > 400", "")
        assert plan.cluster is not None
        assert plan.cluster.user == "olga"
        assert [one.path for one in here.writes if not one.path.endswith("reviews")] == []
        assert len(here.asked) <= REQUESTS
        record_property("measured", f"plan of the rollback: {len(here.asked)} requests, {took * 1000:.0f} ms")  # type: ignore[operator]


async def test_a_step_says_that_one_before_it_changes_its_object_first(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        image = SetImage(deployment=STANDBY, container="bridge", image="bridge:2")
        plan = await plan_of(here, book(Scale(deployment=STANDBY, replicas=3), image))
        assert plan.steps[1].why == f"as Deployment {STANDBY} is now; step 1 changes it first"


async def test_a_step_that_changes_nothing_is_no_reason_for_a_note(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        same, up = Scale(deployment=STANDBY, replicas=0), Scale(deployment=STANDBY, replicas=3)
        plan = await plan_of(here, book(same, up))
        assert plan.steps[0].already
        assert plan.steps[1].why == ""


async def test_a_missing_object_refuses_the_plan_and_the_other_steps_are_planned(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(Scale(deployment="gone", replicas=1), Scale(deployment=STANDBY, replicas=1)))
        assert any("gone" in words for words in plan.refusals)
        assert plan.steps[1].changes == (Change(what="replicas", now="0", after="1"),)


async def test_without_an_answer_the_plan_is_refused_in_words(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.stop()
        plan = await plan_of(here, book(Scale(deployment=STANDBY, replicas=1)))
        assert plan.steps[0].title == f"scale {STANDBY}"
        assert any("cannot connect" in words for words in plan.refusals)
        assert plan.cluster is None


async def test_a_choice_has_its_own_steps(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, bundled(here, "failover"), choice="force-now")
        assert plan.choice == "force-now"
        assert plan.steps[0].step == Scale(deployment=CANARY, replicas=0)


@pytest.mark.parametrize(
    ("runbook", "asked", "words"),
    [
        (book(), {}, "has no steps"),
        (book(Note(text="x")), {"choice": "softer"}, "no choice softer"),
        (book(Note(text="x")), {"stage": "step-25"}, "has no stages"),
        (book(choice=(Choice(id="a", title="a", step=()),)), {"choice": "a"}, "has no steps"),
        (
            book(stage=(Stage(id="one", title="one", done="rollout/step-25", step=(Note(text="x"),)),)),
            {"stage": "two"},
            "There are: one",
        ),
    ],
)
async def test_what_cannot_be_planned_is_refused_with_what_there_is(
    tmp_path: Path, runbook: object, asked: dict[str, str], words: str
) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(UsageError, match=words):
            await plan_of(here, runbook, **asked)  # type: ignore[arg-type]


async def test_a_plan_given_up_leaves_no_task_behind(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        before = asyncio.all_tasks()
        planning = asyncio.create_task(plan_of(here, bundled(here, "rollback")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        planning.cancel()
        await asyncio.gather(planning, return_exceptions=True)
        for _ in range(100):
            if not {task for task in asyncio.all_tasks() - before if "plan" in repr(task.get_coro())}:
                break
            await asyncio.sleep(0.05)
        left = [task for task in asyncio.all_tasks() - before if "plan" in repr(task.get_coro())]
        assert left == []


texts = st.text(max_size=20)
durations = st.integers(1, 10**6).map(lambda milliseconds: Duration.parse(str(Duration(milliseconds / 1000))))
steps = st.one_of(
    st.builds(Undo, deployment=texts, healthy_for=durations, limit=durations),
    st.builds(Scale, deployment=texts, replicas=st.integers(0, 1000), limit=durations),
    st.builds(SetImage, deployment=texts, container=texts, image=texts),
    st.builds(Restart, deployment=texts),
    st.builds(Wait, until=st.sampled_from(WaitFor), deployment=st.none() | texts),
    st.builds(Note, text=texts),
)
subjects = st.builds(
    Subject, kind=texts, resource=texts, path=texts, name=texts, uid=st.none() | texts, version=st.none() | texts
)
facts = st.dictionaries(texts, st.integers(-(2**53) + 1, 2**53 - 1) | texts | st.booleans() | st.none(), max_size=3)
planned_steps = st.builds(
    PlannedStep,
    number=st.integers(1, 99),
    step=steps,
    title=texts,
    subject=st.none() | subjects,
    changes=st.lists(st.builds(Change, what=texts, now=texts, after=texts), max_size=2).map(tuple),
    before=facts,
    goal=facts,
    already=st.booleans(),
    warnings=st.lists(texts, max_size=2).map(tuple),
    refusals=st.lists(texts, max_size=2).map(tuple),
    limit=st.integers(1, 10**6),
)
plans = st.builds(
    Plan,
    run=texts,
    runbook=texts,
    title=texts,
    environment=texts,
    namespace=texts,
    cluster=st.none() | st.builds(Cluster, context=texts, server=texts, ca=texts, uid=st.none() | texts),
    made_at=texts,
    steps=st.lists(planned_steps, max_size=4).map(tuple),
    checks=st.lists(st.builds(Check, title=texts, outcome=st.sampled_from(Outcome), words=texts), max_size=2).map(
        tuple
    ),
    target=st.none() | st.integers(0, 10**6),
    forced=st.lists(texts, max_size=2).map(tuple),
)


@given(plans)
def test_a_plan_comes_back_from_json_as_it_was(plan: Plan) -> None:
    assert from_data(json.loads(json.dumps(as_data(plan)))) == plan


@given(plans, texts, texts)
def test_the_meaning_of_a_plan_is_the_same_whatever_its_id_time_reason_and_versions(
    plan: Plan, other: str, version: str
) -> None:
    moved = tuple(
        msgspec.structs.replace(
            one, subject=None if one.subject is None else msgspec.structs.replace(one.subject, version=version)
        )
        for one in plan.steps
    )
    again = msgspec.structs.replace(plan, run=other, made_at=other, reason=other, ground=other, steps=moved)
    assert again.meaning == plan.meaning


@given(plans.filter(lambda plan: plan.steps), texts)
def test_the_meaning_of_a_plan_is_another_once_a_goal_is(plan: Plan, key: str) -> None:
    first = plan.steps[0]
    changed = msgspec.structs.replace(first, goal={**first.goal, key: "another goal than any made up here"})
    assert msgspec.structs.replace(plan, steps=(changed, *plan.steps[1:])).meaning != plan.meaning
