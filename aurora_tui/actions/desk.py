"""The desk: where an action is planned, looked at, approved, and handed to an executor.

The console and the command line both call it. It writes to the ledger only, never to a cluster. It keeps one
connection for its plans and looks; `close` ends it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from aurora_tui.actions.approval import PlanChanged, PlanExpired, approved, enter, refuse_approval, refuse_read_only
from aurora_tui.actions.book import approved_plan, read_journal, unknown, write
from aurora_tui.actions.claim import is_claimed
from aurora_tui.actions.identity import identify
from aurora_tui.actions.inverse import inverse_runbook
from aurora_tui.actions.plan import VALID_SECONDS, Cluster, Plan, new_run
from aurora_tui.actions.planning import Asked, make_plan
from aurora_tui.actions.process import launch
from aurora_tui.actions.reach import access_of, connect, reach_of
from aurora_tui.actions.record import refuse_finished
from aurora_tui.actions.spare import enter_spare
from aurora_tui.actions.versions import changed
from aurora_tui.clock import Clock
from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.kube.connection import Connection
from aurora_tui.ledger.log import LedgerError, Overtaken
from aurora_tui.settings import Settings
from aurora_tui.situation import run as words
from aurora_tui.situation.journal import EMPTY, Journal
from aurora_tui.situation.run import Run, RunState
from aurora_tui.situation.situation import Situation
from aurora_tui.sources.judged_clock import judge_clock
from aurora_tui.text import safe

__all__ = ["Asked", "Desk", "PlanChanged", "PlanExpired"]
_CLOCK_SECONDS = 2.0  # for Prometheus to tell its time; a plan does not wait longer for it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A plan of this desk: what it was asked for, on which situation, and when (monotonic)."""

    asked: Asked
    situation: Situation | None
    at: float


class Desk:
    """Plans, approvals and orders for one environment. For one event loop; `async with`, or `close` at the end."""

    def __init__(self, settings: Settings, valid_seconds: float = VALID_SECONDS) -> None:
        """valid_seconds: real seconds from planning to approval."""
        self._settings = settings
        self._valid_seconds = valid_seconds
        self._connection: Connection | None = None
        self._pinned: Cluster | None = None
        self._connecting = asyncio.Lock()
        self._clock: asyncio.Future[Clock] | None = None
        self._made: dict[str, _Made] = {}
        self._spare: dict[str, Settings] = {}
        self.clock_words = ""  # what is to be known of the ledger's time, "" when nothing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Cut the connection. The desk may be used again: it opens another one."""
        connection, self._connection = self._connection, None
        clock, self._clock = self._clock, None
        if clock is not None:
            clock.cancel()
            await asyncio.gather(clock, return_exceptions=True)
        if connection is not None:
            await connection.close()

    async def identify(self) -> Cluster | None:
        """Which cluster answers now: ask when the console opens, and give it as `Asked.seen`. None without a cluster.

        From now on this desk speaks to that context alone. AuroraError when nobody answers.
        """
        connection = await self._connected()
        if connection is None:
            return None
        found = await identify(connection)
        self._pinned = self._pinned or found
        return found

    async def plan(self, asked: Asked, situation: Situation | None = None) -> Plan:
        """What `asked` would do now. What stands against it is in the plan; AuroraError when nothing can be planned."""
        if asked.without_ledger and not asked.runbook.without_ledger:
            raise UsageError(f"{asked.runbook.title} is not done without its ledger", "Make the ledger writable.")
        reach = reach_of(self._settings, new_run(), await self._connected())
        began = time.monotonic()
        self._ask_the_time()
        plan = await make_plan(reach, asked, await self._journal_for(asked), situation)
        self._pinned = self._pinned or plan.cluster
        self._made[plan.run] = _Made(asked=asked, situation=situation, at=began)
        return plan

    async def stale(self, plan: Plan) -> str | None:
        """Why `plan` is to be made anew, in words: its time is over, or an object of it was changed; None: it is good.

        Cheap enough to be asked every two seconds. AuroraError when the cluster does not answer.
        """
        if self._fresh(plan) is None:
            return f"older than {self._valid_seconds:g} s"
        return await self._changed(plan)

    async def approve(self, plan: Plan, reason: str, forced: Sequence[str] = ()) -> str:
        """Approve `plan` and start its executor: the run's id. `forced`: what else was set aside knowingly, in words.

        Nothing happened when it raises: UsageError for what may not be approved, PlanExpired, PlanChanged with the
        plan as it would be now, AuroraError when the ledger or the cluster does not answer. Of two who approve at the
        same moment one is refused. Only a process that cannot be started leaves the run behind, approved.
        """
        refuse_approval(plan, reason, self._settings)
        made = self._fresh(plan)
        if made is None:
            raise PlanExpired(self._valid_seconds)
        why = await self._changed(plan)
        if why is not None:
            plan = await self._same_again(plan, made, why)
        stage = next((one for one in made.asked.runbook.stage if one.id == plan.stage), None)
        entry = approved(plan, reason, forced)
        settings = self._settings
        try:
            await enter(settings, await self._entry_clock(), entry, None if stage is None else stage.done)
        except LedgerError as error:
            if isinstance(error, Overtaken):
                raise
            if not made.asked.without_ledger:
                raise _with_way_out(error, made.asked) from None
            settings = await enter_spare(settings, entry, error)
            self._spare[entry.run] = settings
        self._made.clear()  # one run at a time: whatever else was planned is to be planned anew
        launch(settings, entry.run)
        return entry.run

    def settings_of(self, run: str) -> Settings:
        """The settings whose ledger `run` stands in: the desk's own, but for what was forced without it."""
        return self._spare.get(run, self._settings)

    async def journal(self) -> Journal:
        """What the ledger says now. LedgerError."""
        return await read_journal(self._settings)

    async def cancel(self, run: str) -> None:
        """Ask the run's executor to stop before its next step. UsageError when the run is over, or unknown."""

        refuse_read_only(self._settings)

        def decide(journal: Journal) -> tuple[str, dict[str, Any]]:
            self._open(run, journal)
            return words.CANCEL_ASKED, {"run": run}

        await write(self._settings, await self._entry_clock(), decide)

    async def resume(self, run: str) -> None:
        """Start an executor again for a run whose own is no more, or that failed. UsageError when it cannot go on."""
        refuse_read_only(self._settings)
        journal = await self.journal()
        found = self._known(run, journal)
        refuse_finished(found)
        other = journal.open_run
        if other is not None and other.id != run:
            raise UsageError(f"Run {other.id}, {other.title}, is {other.state.value}", "It must end first.")
        if is_claimed(self._settings, run):
            raise UsageError(f"Run {run}, {found.title}, is being carried out", "Watch it.")
        launch(self._settings, run)

    async def abandon(self, run: str, reason: str) -> None:
        """Close a run as it stands: nothing more is done, nothing is taken back. UsageError while it is carried out."""
        refuse_read_only(self._settings)
        if not reason.strip():
            raise UsageError("No reason is given", "Say why: it stands in the ledger.")

        def decide(journal: Journal) -> tuple[str, dict[str, Any]]:
            found = self._open(run, journal)
            if is_claimed(self._settings, run):
                raise UsageError(f"Run {run}, {found.title}, is being carried out", "Cancel it first.")
            data = {"run": run, "outcome": RunState.ABANDONED.value, "words": safe(reason.strip(), 1000)}
            return words.FINISHED, data

        await write(self._settings, await self._entry_clock(), decide)

    async def inverse(self, run: str, **asked: Any) -> Asked:
        """What to ask for to take `run` back; `asked` as `Asked` has it. UsageError when there is nothing to."""
        found = self._known(run, await self.journal())
        plan = await approved_plan(self._settings, run)
        own = next((one for one in self._settings.mission.runbook if one.id == plan.runbook), None)
        runbook = inverse_runbook(plan, found, own.key if own is not None else "")
        return Asked(runbook=runbook, inverse_of=run, **asked)

    async def plan_inverse(self, run: str, situation: Situation | None = None, **asked: Any) -> Plan:
        """The plan that takes `run` back, to be approved as any other."""
        return await self.plan(await self.inverse(run, **asked), situation)

    async def _connected(self) -> Connection | None:
        """The desk's connection, as the kubeconfig says now: tokens change, the context and its server do not."""
        async with self._connecting:
            if self._connection is None:
                self._connection = await connect(self._settings, self._pinned)
            else:
                access = await access_of(self._settings, self._pinned)
                if access is not None:
                    await self._connection.adopt(access)
            return self._connection

    def _fresh(self, plan: Plan) -> _Made | None:
        """What `plan` was made of; None when it is too old, or not this desk's."""
        made = self._made.get(plan.run)
        return made if made is not None and time.monotonic() - made.at <= self._valid_seconds else None

    async def _changed(self, plan: Plan) -> str | None:
        connection = await self._connected()
        return None if connection is None else await changed(connection, plan)

    async def _same_again(self, plan: Plan, made: _Made, why: str) -> Plan:
        """`plan` made anew, when it still means the same; PlanChanged otherwise."""
        fresh = await self.plan(made.asked, made.situation)
        if fresh.meaning != plan.meaning:
            raise PlanChanged(why, fresh)
        return msgspec.structs.replace(fresh, run=plan.run)

    async def _journal_for(self, asked: Asked) -> Journal:
        try:
            return await self.journal()
        except LedgerError as error:
            if not asked.without_ledger:
                raise _with_way_out(error, asked) from None
            return EMPTY  # nothing is known of other runs: the lock in the cluster still keeps them apart

    def _ask_the_time(self) -> None:
        """Learn what time an entry would carry, while the plan is made and read."""
        if self._clock is not None:
            if not self._clock.done():
                return
            self._clock.exception()  # told when an entry is written, not before
        self._clock = asyncio.ensure_future(self._judged_clock())

    async def _judged_clock(self) -> Clock:
        """What time an entry carries. AuroraError when nobody can tell which clock is right."""
        judged = await judge_clock(self._settings, _CLOCK_SECONDS)
        self.clock_words = judged.words
        return judged.clock

    async def _entry_clock(self) -> Clock:
        """As it was asked for when the plan was made: approving waits for nobody but the cluster and the ledger."""
        if self._clock is None:
            self._clock = asyncio.ensure_future(self._judged_clock())
        try:
            return await asyncio.shield(self._clock)
        except AuroraError:
            self._clock = None  # another time it is asked anew
            raise

    def _known(self, run: str, journal: Journal) -> Run:
        found = journal.runs.get(run)
        if found is None:
            raise unknown(run, self._settings)
        return found

    def _open(self, run: str, journal: Journal) -> Run:
        found = self._known(run, journal)
        if not found.state.open:
            raise UsageError(f"Run {run}, {found.title}, is {found.state.value} already", "There is nothing to stop.")
        return found


def _with_way_out(error: LedgerError, asked: Asked) -> LedgerError:
    """`error`, naming how to go on without the ledger where the runbook allows it."""
    if not asked.runbook.without_ledger:
        return error
    return LedgerError(error.what, f"{error.remedy} Or force it: aurora-tui act {asked.runbook.id} --without-ledger")
