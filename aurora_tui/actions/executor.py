"""Carrying an approved run out: alone, with the lock, step by step, each in the ledger before and after.

It may be killed at any moment. Who starts it again gets the run as the ledger tells it, asks each step that is not
told done where it stands, and goes on from there.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from aurora_tui.actions.claim import claimed
from aurora_tui.actions.holding import TAKE_OVER, Holding
from aurora_tui.actions.identity import identify
from aurora_tui.actions.marks import Marks
from aurora_tui.actions.operation import Changed, Reach, Standing
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import Cluster, Plan, PlannedStep
from aurora_tui.actions.reach import open_reach
from aurora_tui.actions.record import RunRecord, refuse_finished
from aurora_tui.actions.stepping import Limit, carry_through
from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.ledger.journal import current_actor
from aurora_tui.ledger.log import LedgerError, Log
from aurora_tui.settings import Settings
from aurora_tui.situation.run import Run, RunState, StepState
from aurora_tui.situation.runbook import Note, Wait

_OPENING_SECONDS = 60.0  # until the cluster was recognised and the lock is ours


class Cancelled(AuroraError):
    """Somebody asked for no further step."""


class Ended(AuroraError):
    """The run is no longer ours: it was abandoned, or another executor goes on with it."""


async def execute(settings: Settings, run: str) -> Run:
    """Carry the approved run out, or go on with it; the run as it is in the end.

    UsageError, and nothing done, when it may not be carried out here; Claimed when another process does; LedgerError
    when the ledger cannot be read or written.
    """
    with claimed(settings, run):
        async with Log(settings.ledger, settings.clock, create=False) as log:
            record = RunRecord(log, run, current_actor())
            plan = await record.plan()
            refuse_finished(await record.run())
            _refuse_elsewhere(settings, plan)
            before = (await record.run()).executor
            holder = f"{current_actor()}:{os.getpid()}"
            await record.started(holder)
            try:
                async with open_reach(settings, run, plan.cluster) as reach:
                    return await work_through(plan, record, reach, holder, before)
            except LedgerError:
                raise
            except AuroraError as error:
                await record.finished(RunState.FAILED, account(await record.run(), str(error)))
                return await record.run()


def _refuse_elsewhere(settings: Settings, plan: Plan) -> None:
    if settings.read_only:
        raise UsageError(f"Environment {settings.environment_name} is read-only here", "Leave --read-only out.")
    if plan.environment != settings.environment_name:
        raise UsageError(
            f"Run {plan.run} was approved for environment {plan.environment}, not {settings.environment_name}",
            f"Give --env {plan.environment}.",
        )


async def work_through(plan: Plan, record: RunRecord, reach: Reach, holder: str, before: str | None) -> Run:
    """Carry out, in order, every step that the ledger does not tell done; append how it ended.

    holder: this executor, which `record` says has started it. before: the one before it, which is dead.
    """
    work = _Work(plan, record, reach, holder)
    try:
        try:
            await work.all_of_it(before)
            await _tick(plan, record, reach.settings)
            outcome, words = RunState.VERIFIED, f"All {len(plan.steps)} steps are done and verified."
        except LedgerError:
            raise
        except Ended as error:
            print(f"aurora-tui: {error}", file=sys.stderr)
            return await record.run()
        except Cancelled as error:
            outcome, words = RunState.CANCELLED, account(await record.run(), str(error), work.at)
        except AuroraError as error:
            outcome, words = RunState.FAILED, account(await record.run(), str(error), work.at)
        except Exception as error:
            # A fault of ours must not leave a run that looks as if it went on.
            why = f"A fault in aurora-tui: {error!r}"
            await record.finished(RunState.FAILED, account(await record.run(), why, work.at))
            raise
        await record.finished(outcome, words)
        return await record.run()
    except LedgerError as error:
        # The ledger cannot take it, so what happened goes where this process's output goes.
        told = account(record.last_known, str(error), work.at)
        print(f"aurora-tui: run {plan.run} has stopped. {told}", file=sys.stderr)
        raise


@dataclass(slots=True)
class _Work:
    """One executor at one run; what `carry_through` tells its steps' progress to."""

    plan: Plan
    record: RunRecord
    reach: Reach
    holder: str
    holding: Holding | None = None
    marks: Marks | None = None
    at: int | None = None  # the step that it is at, or failed at
    whole: Limit | None = None  # of the whole run

    async def all_of_it(self, before: str | None) -> None:
        self.whole = Limit(self.reach, _OPENING_SECONDS + sum(planned.limit for planned in self.plan.steps))
        if self.plan.cluster is None:
            await self._steps()
            return
        limit = Limit(self.reach, _OPENING_SECONDS, within=self.whole)
        await limit.ask(self._recognised)
        async with (
            Holding(self.reach, self.holder) as self.holding,
            Marks(self.reach, self.plan, self.holder) as self.marks,
        ):
            await limit.ask(lambda: self._lock(before))
            await self._steps()

    async def _recognised(self) -> None:
        await self.heed(waiting=True)
        await _recognise(self.plan, self.reach)

    async def _lock(self, before: str | None) -> None:
        assert self.holding is not None
        await self.holding.take(forced=TAKE_OVER in self.plan.forced, before=before)

    async def _steps(self) -> None:
        told_done = {one.number for one in (await self.record.run()).steps if one.state is StepState.DONE}
        for planned in self.plan.steps:
            if planned.number not in told_done:
                await self._step(planned)

    async def _step(self, planned: PlannedStep) -> None:
        self.at, limit = planned.number, Limit(self.reach, planned.limit, within=self.whole)
        try:
            await carry_through(planned, operation_of(planned.step), self.reach, limit, self)
        except (LedgerError, Ended):
            raise
        except Cancelled:
            if await self._state(planned) is not StepState.RUNNING:
                self.at = None  # nothing of it had begun
                raise
            await self.record.failed(planned.number, "cancelled while it waited")
            raise
        except AuroraError as error:
            await self.record.failed(planned.number, str(error))
            raise
        self.at = None

    async def _state(self, planned: PlannedStep) -> StepState:
        steps = (await self.record.run()).steps
        return next((one.state for one in steps if one.number == planned.number), StepState.WAITING)

    async def heed(self, waiting: bool) -> None:
        """Before every step, and in every look at it: whoever cancels or takes over is heard."""
        run = await self.record.run()
        if not run.state.open:
            raise Ended(f"Run {run.id} was ended elsewhere: {run.state.value}", "Nothing more was done.")
        if run.executor != self.holder:
            raise Ended(f"{run.executor} goes on with run {run.id}", "Nothing more was done here.")
        if waiting and run.cancel_asked:
            raise Cancelled("Cancelled, as was asked", "")
        if self.holding is not None:
            self.holding.check()

    async def about_to_write(self) -> None:
        """The lock must be ours for certain."""
        if self.holding is not None:
            await self.holding.sure()

    async def begun(self, planned: PlannedStep, standing: Standing) -> None:
        """Into the ledger, before anything is done."""
        await self.record.begun(planned.number, standing.subjects)

    async def done(self, planned: PlannedStep, standing: Standing, *, already: bool) -> None:
        """Into the ledger; and onto the objects, for those who look with kubectl.

        What an executor before this one had begun is not told as found done: this run did it.
        """
        already = already and await self._state(planned) is StepState.WAITING
        await self.record.done(planned.number, standing.words, already=already, subjects=standing.subjects)
        waited = isinstance(planned.step, (Wait, Note))
        if not already and not waited and self.marks is not None:
            self.marks.acted(planned, standing.subjects)


async def _recognise(plan: Plan, reach: Reach) -> None:
    """Changed when this is not the cluster that the plan was made for."""
    approved, found = plan.cluster, await identify(reach.cluster)
    assert approved is not None
    if reach.namespace != plan.namespace:
        raise Changed(f"The plan is for namespace {plan.namespace}, not {reach.namespace}", "Plan it anew.")
    if not same_cluster(approved, found):
        raise Changed(
            f"This is another cluster than the approved one: {_called(found)} instead of {_called(approved)}",
            "Nothing was done. Check the context and the kubeconfig, then plan it anew.",
        )


def same_cluster(one: Cluster, other: Cluster) -> bool:
    """Whether both are the same cluster, as far as they say: address, authority, and uid where both tell it."""
    uids = {one.uid, other.uid} - {None}
    return (one.server, one.ca) == (other.server, other.ca) and len(uids) < 2


def _called(cluster: Cluster) -> str:
    return f"{cluster.server} (kube-system {cluster.uid or 'unknown'}, CA {cluster.ca[:12] or 'of this machine'})"


async def _tick(plan: Plan, record: RunRecord, settings: Settings) -> None:
    """A stage that is verified is behind us: its gate's mark in the ledger."""
    stages = (stage for book in settings.mission.runbook if book.id == plan.runbook for stage in book.stage)
    done = next((stage.done for stage in stages if stage.id == plan.stage), None)
    if done is not None:
        await record.ticked(done)


def account(run: Run | None, why: str, at: int | None = None) -> str:
    """Why a run ended (at which step), what of it was done, and what was not."""
    steps = run.steps if run is not None else ()
    title = next((f"Step {one.number}, {one.title}: " for one in steps if one.number == at), "")
    told = [f"{title}{why.rstrip('.')}."]
    rest = [one for one in steps if one.state is not StepState.DONE]
    by_state = {
        "Done": [one for one in steps if one.state is StepState.DONE],
        "Begun, and not seen done": [one for one in rest if one.began_at is not None],
        "Not begun": [one for one in rest if one.began_at is None],
    }
    told += [
        f"{state}: {'; '.join(f'{one.number} {one.title}' for one in found)}."
        for state, found in by_state.items()
        if found
    ]
    return " ".join(told)
