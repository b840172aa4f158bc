"""The desk: plans, one approval at a time, orders to runs; it writes to the ledger and never to a cluster."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aurora_tui.actions.book import approved_plan, write
from aurora_tui.actions.claim import claimed
from aurora_tui.actions.desk import Asked, Desk, PlanChanged, PlanExpired
from aurora_tui.drill.manifests import NAMESPACE, STABLE, STANDBY
from aurora_tui.errors import UsageError
from aurora_tui.ledger.journal import tick
from aurora_tui.ledger.log import LedgerError, Log
from aurora_tui.settings import Overrides, load
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.run import FINISHED, RunState
from aurora_tui.situation.runbook import Note, Runbook, Scale, Stage, Wait
from tests.actions.desks import book, bundled, situation
from tests.actions.runs import carried_out
from tests.actions.worlds import World, world

UP = Scale(deployment=STANDBY, replicas=3)
REASON = "RTT over 400 ms"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that an executor was started for: none is, here."""
    runs: list[str] = []
    monkeypatch.setattr("aurora_tui.actions.desk.launch", lambda settings, run: runs.append(run))
    return runs


@asynccontextmanager
async def desk_in(folder: Path, **more: float) -> AsyncIterator[tuple[World, Desk]]:
    async with world(folder) as here, Desk(here.settings, **more) as desk:
        yield here, desk


async def _scale(here: World, name: str, replicas: int) -> None:
    body = {"spec": {"replicas": replicas}}
    await here.connection.request(
        "PATCH", f"{DEPLOYMENTS}/{name}/scale", body=body, content_type="application/merge-patch+json"
    )


async def _touch(here: World, name: str) -> None:
    """Another version of the same: an annotation that means nothing to anybody."""
    body = {"metadata": {"annotations": {"example.com/touched": "yes"}}}
    await here.connection.request(
        "PATCH", f"{DEPLOYMENTS}/{name}", body=body, content_type="application/merge-patch+json"
    )


# ── planning and looking ──


async def test_the_cluster_that_was_looked_at_is_known_again(tmp_path: Path) -> None:
    async with desk_in(tmp_path) as (_, desk):
        seen = await desk.identify()
        plan = await desk.plan(Asked(runbook=book(UP), seen=seen), situation())
        assert plan.cluster == seen
        assert next(one.words for one in plan.checks if one.title == "cluster").endswith("when it was first seen")


async def test_a_plan_is_good_until_an_object_of_it_is_changed(tmp_path: Path) -> None:
    async with desk_in(tmp_path) as (here, desk):
        plan = await desk.plan(Asked(runbook=bundled(here, "rollback")))
        assert await desk.stale(plan) is None
        await _touch(here, STABLE)
        assert await desk.stale(plan) == f"Deployment {STABLE} was changed"


async def test_asking_whether_a_plan_is_good_costs_a_request_an_object(tmp_path: Path) -> None:
    async with desk_in(tmp_path) as (here, desk):
        plan = await desk.plan(Asked(runbook=bundled(here, "rollback")))
        here.asked.clear()
        await desk.stale(plan)
        assert len(here.asked) == len({one.subject.path for one in plan.steps if one.subject is not None})
        assert {one.method for one in here.asked} == {"GET"}


async def test_an_object_that_is_gone_or_made_anew_is_told(tmp_path: Path) -> None:
    async with desk_in(tmp_path) as (here, desk):
        plan = await desk.plan(Asked(runbook=book(UP)))
        old = here.deployment(STANDBY)
        await here.connection.request("DELETE", f"{DEPLOYMENTS}/{STANDBY}")
        assert await desk.stale(plan) == f"Deployment {STANDBY} is gone"
        head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": STANDBY}}
        again = {**head, "spec": old["spec"]}
        await here.connection.request("POST", DEPLOYMENTS, body=again)
        assert await desk.stale(plan) == f"Deployment {STANDBY} was deleted and made anew"


async def test_a_plan_grows_old(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path, valid_seconds=0.0) as (_, desk):
        plan = await desk.plan(Asked(runbook=book(UP)))
        assert await desk.stale(plan) == "older than 0 s"
        with pytest.raises(PlanExpired):
            await desk.approve(plan, REASON)
        assert launched == []


# ── approving ──


async def test_an_approved_plan_stands_in_the_ledger_and_an_executor_is_started(
    tmp_path: Path, launched: list[str]
) -> None:
    async with desk_in(tmp_path) as (here, desk):
        plan = await desk.plan(Asked(runbook=book(UP), ground="ROLL BACK"), situation())
        run = await desk.approve(plan, f"  {REASON} ", forced=("the namespace goes as well",))
        assert launched == [run]
        kept = await approved_plan(here.settings, run)
        assert (kept.steps, kept.reason, kept.ground) == (plan.steps, REASON, "ROLL BACK")
        assert kept.forced == ("the namespace goes as well",)
        found = (await desk.journal()).runs[run]
        assert (found.state, found.reason) == (RunState.APPROVED, REASON)
        assert [one.path for one in here.writes if not one.path.endswith("reviews")] == []


@pytest.mark.parametrize("reason", ["", "  \n"])
async def test_a_reason_must_be_given(tmp_path: Path, launched: list[str], reason: str) -> None:
    async with desk_in(tmp_path) as (here, desk):
        with pytest.raises(UsageError, match="No reason"):
            await desk.approve(await desk.plan(Asked(runbook=book(UP))), reason)
        assert launched == []
        assert not here.settings.ledger.exists()


async def test_a_refused_plan_is_not_approved_whatever_is_said(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (_, desk):
        plan = await desk.plan(Asked(runbook=book(Scale(deployment="gone", replicas=1))))
        with pytest.raises(UsageError, match="there is no deployment gone"):
            await desk.approve(plan, REASON)
        assert launched == []


async def test_a_plan_of_somewhere_else_is_not_approved(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk), Desk(here.settings) as other:
        plan = await other.plan(Asked(runbook=book(UP)))
        with pytest.raises(PlanExpired):
            await desk.approve(plan, REASON)
        assert launched == []


async def test_a_change_that_means_something_asks_again(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        plan = await desk.plan(Asked(runbook=book(UP)))
        await _scale(here, STANDBY, 1)
        with pytest.raises(PlanChanged, match=f"Deployment {STANDBY} was changed") as caught:
            await desk.approve(plan, REASON)
        assert launched == []
        assert caught.value.plan.steps[0].changes[0].now == "1"
        # The new plan may be approved as any other.
        assert await desk.approve(caught.value.plan, REASON) == launched[0]


async def test_a_change_that_means_nothing_is_no_reason_to_ask_again(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        plan = await desk.plan(Asked(runbook=book(UP)))
        await _touch(here, STANDBY)
        assert await desk.approve(plan, REASON) == plan.run
        subject = (await approved_plan(here.settings, plan.run)).steps[0].subject
        assert subject is not None
        assert subject.version == here.deployment(STANDBY)["metadata"]["resourceVersion"]


async def test_of_two_who_approve_at_the_same_moment_exactly_one_wins(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk), Desk(here.settings) as other:
        asked = Asked(runbook=book(UP))
        plans = await asyncio.gather(desk.plan(asked), other.plan(asked))
        outcomes = await asyncio.gather(
            *(one.approve(plan, REASON) for one, plan in zip((desk, other), plans, strict=True)),
            return_exceptions=True,
        )
        assert [type(one) for one in outcomes if not isinstance(one, str)] == [UsageError]
        assert [one for one in outcomes if isinstance(one, str)] == launched
        assert list((await desk.journal()).runs) == launched


async def test_another_run_that_was_approved_meanwhile_refuses(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk), Desk(here.settings) as other:
        mine = await desk.plan(Asked(runbook=book(UP)))
        await other.approve(await other.plan(Asked(runbook=book(UP))), REASON)
        with pytest.raises(UsageError, match="is approved"):
            await desk.approve(mine, REASON)
        assert len(launched) == 1


async def test_what_was_decided_is_decided_again_when_another_one_writes_meanwhile(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        sizes: list[int] = []

        async def meanwhile() -> None:
            async with Log(here.settings.ledger, here.clock) as log:
                await tick(log, "rollout/step-25", None, actor="otto@elsewhere")

        def decide(journal: Journal) -> tuple[str, dict[str, object]]:
            if not sizes:  # in a loop of its own: this one waits for us
                other = threading.Thread(target=lambda: asyncio.run(meanwhile()))
                other.start()
                other.join()
            sizes.append(journal.size)
            return "test", {"size": journal.size}

        entry = await write(here.settings, here.clock, decide)
        assert sizes == [0, 1]
        assert (entry.sequence, entry.data) == (2, {"size": 1})


async def test_a_ledger_that_cannot_be_written_refuses_before_anything_happens(
    tmp_path: Path, launched: list[str]
) -> None:
    async with desk_in(tmp_path) as (here, desk):
        plan = await desk.plan(Asked(runbook=book(UP)))
        here.settings.ledger.mkdir()  # a mode would not stop root, who runs tests in containers
        with pytest.raises(LedgerError):
            await desk.approve(plan, REASON)
        assert launched == []


async def test_what_may_be_forced_without_the_ledger_is_kept_in_a_spare_one(
    tmp_path: Path, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with desk_in(tmp_path / "world") as (here, desk):
        asked = Asked(runbook=book(UP, without_ledger=True), without_ledger=True)
        here.settings.ledger.mkdir()
        run = await desk.approve(await desk.plan(asked), REASON)
        assert launched == [run]
        spare = desk.settings_of(run)
        assert spare.ledger.is_relative_to(tmp_path / "home")
        assert "could not be written" in (await approved_plan(spare, run)).forced[-1]
        loaded = load(
            tuple(Path(one.removeprefix("--config=")) for one in spare.arguments if one.startswith("--config=")),
            Overrides(environment=spare.environment_name),
        )
        assert loaded.ledger == spare.ledger


async def test_the_refusal_names_the_way_to_force_it_where_there_is_one(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        here.settings.ledger.mkdir()
        with pytest.raises(LedgerError, match="aurora-tui act test --without-ledger"):
            await desk.approve(await desk.plan(Asked(runbook=book(UP, without_ledger=True))), REASON)
        with pytest.raises(LedgerError) as caught:
            await desk.approve(await desk.plan(Asked(runbook=book(UP))), REASON)
        assert "--without-ledger" not in str(caught.value)
        assert launched == []


async def test_what_waits_for_its_ledger_is_not_forced_without_it(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (_, desk):
        with pytest.raises(UsageError, match="not done without its ledger"):
            await desk.plan(Asked(runbook=book(UP), without_ledger=True))


async def test_forcing_it_uses_the_ledger_where_that_can_be_written(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        asked = Asked(runbook=book(UP, without_ledger=True), without_ledger=True)
        run = await desk.approve(await desk.plan(asked), REASON)
        assert desk.settings_of(run) is here.settings
        assert (await approved_plan(here.settings, run)).forced == ()


async def test_a_stage_that_was_done_meanwhile_is_not_climbed_again(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        stage = Stage(id="step-25", title="25 %", done="rollout/step-25", step=(UP,))
        plan = await desk.plan(Asked(runbook=book(stage=(stage,))))
        async with Log(here.settings.ledger, here.clock) as log:
            await tick(log, "rollout/step-25", None, actor="eva@bastion")
        with pytest.raises(UsageError, match="was done meanwhile"):
            await desk.approve(plan, REASON)
        assert launched == []


# ── orders to runs ──


async def approve(desk: Desk, runbook: Runbook) -> str:
    return await desk.approve(await desk.plan(Asked(runbook=runbook)), REASON)


async def test_a_run_is_asked_to_stop(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (_, desk):
        run = await approve(desk, book(UP))
        await desk.cancel(run)
        assert (await desk.journal()).runs[run].cancel_asked


async def test_a_run_is_abandoned_for_a_reason_and_another_may_begin(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (_, desk):
        run = await approve(desk, book(UP))
        with pytest.raises(UsageError, match="No reason"):
            await desk.abandon(run, " ")
        await desk.abandon(run, "the executor is dead")
        found = (await desk.journal()).runs[run]
        assert (found.state, found.words) == (RunState.ABANDONED, "the executor is dead")
        assert len({await approve(desk, book(UP)), run}) == 2


async def test_a_run_that_is_carried_out_is_neither_abandoned_nor_resumed(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        run = await approve(desk, book(UP))
        with claimed(here.settings, run):
            for order in (desk.abandon(run, REASON), desk.resume(run)):
                with pytest.raises(UsageError, match="is being carried out"):
                    await order
        await desk.resume(run)
        assert launched == [run, run]


async def test_a_read_only_console_gives_no_orders(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        run = await approve(desk, book(UP))
        async with Desk(dataclasses.replace(here.settings, read_only=True)) as looking:
            for order in (looking.cancel(run), looking.resume(run), looking.abandon(run, REASON)):
                with pytest.raises(UsageError, match="read-only"):
                    await order
            with pytest.raises(UsageError, match="read-only"):
                await looking.approve(await looking.plan(Asked(runbook=book(UP))), REASON)
        assert launched == [run]


@pytest.mark.parametrize("order", ["cancel", "resume", "plan_inverse"])
async def test_orders_are_for_runs_that_there_are(tmp_path: Path, launched: list[str], order: str) -> None:
    async with desk_in(tmp_path) as (_, desk):
        with pytest.raises(UsageError, match="No run nobody was approved"):
            await getattr(desk, order)("nobody")


async def test_a_run_that_is_over_takes_no_orders(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        run = await approve(desk, book(UP))
        async with Log(here.settings.ledger, here.clock) as log:
            await log.append(FINISHED, {"run": run, "outcome": "verified", "words": ""}, actor="eva@bastion")
        for order in (desk.cancel(run), desk.abandon(run, REASON), desk.resume(run)):
            with pytest.raises(UsageError, match="is verified"):
                await order


async def test_a_run_is_taken_back_by_a_plan_of_its_own(tmp_path: Path, launched: list[str]) -> None:
    async with desk_in(tmp_path) as (here, desk):
        run = await approve(desk, book(UP, Note(text="x")))
        plan = await approved_plan(here.settings, run)
        here.reach = dataclasses.replace(here.reach, run=run)
        assert (await carried_out(here, plan)).state is RunState.VERIFIED
        back = await desk.plan_inverse(run, ground="it was the wrong one")
        assert [one.step for one in back.steps if not isinstance(one.step, Wait)] == [
            Scale(deployment=STANDBY, replicas=0)
        ]
        assert (back.inverse_of, back.ground) == (run, "it was the wrong one")
        assert await desk.approve(back, REASON) == back.run
        assert (await desk.journal()).runs[back.run].inverse_of == run


async def test_what_is_approved_is_carried_out_by_a_process_of_its_own(tmp_path: Path, record_property: object) -> None:
    async with world(tmp_path, speed=10.0) as here, Desk(here.settings) as desk:
        plan = await desk.plan(Asked(runbook=book(UP)), situation())
        began = time.monotonic()
        run = await desk.approve(plan, REASON)
        first: float | None = None
        while (found := (await desk.journal()).runs[run]).state.open and time.monotonic() - began < 60.0:
            if first is None and any(one.path.endswith("/scale") and one.method == "PATCH" for one in here.writes):
                first = time.monotonic() - began
            await asyncio.sleep(0.02)
        assert found.state is RunState.VERIFIED, found.words
        assert here.deployment(STANDBY)["spec"]["replicas"] == 3
        if first is not None:
            record_property("measured", f"approved to first write: {first * 1000:.0f} ms")  # type: ignore[operator]
