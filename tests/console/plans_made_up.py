"""Made-up plans, runs and a desk that plans and approves them, for the tests of acting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from aurora_tui.actions.plan import Change, Check, Cluster, Outcome, Plan, PlannedStep, Subject
from aurora_tui.console.acting.desk import SecondConsent, Wish
from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.run import Run, RunState, StepRun, StepState
from aurora_tui.situation.runbook import Choice, Runbook, Scale, Traffic, Undo, Wait, WaitFor
from aurora_tui.situation.situation import Situation
from tests.console import situations as made_up

WORD = "aurora-production"
DIFF = (
    "--- Deployment aurora-bridge, revision 7 (now)",
    "+++ Deployment aurora-bridge, revision 6",
    "@@ spec.template.spec.containers[bridge]",
    "-        image: registry.aurora.example/aurora/bridge:1.0.0-rc1",
    "+        image: registry.aurora.example/aurora/bridge:0.9.4",
    "         ports:",
    "-        - name: RTT_BUDGET_MS",
    "-          value: '450'",
    "+        - name: RTT_BUDGET_MS",
    "+          value: '400'",
)


def runbooks() -> tuple[Runbook, ...]:
    """A rollback and a failover with steps; a halt without any."""
    return (
        Runbook(
            id="rollback",
            key="R",
            title="rollback",
            summary="Return the canary to its last good revision, bring stable and standby up, take its traffic away.",
            target=Duration(300),
            step=(Undo(deployment="aurora-bridge"), Scale(deployment="aurora-bridge-v0", replicas=3)),
        ),
        Runbook(
            id="failover",
            key="F",
            title="failover",
            step=(Scale(deployment="aurora-bridge-backup", replicas=3),),
            choice=(
                Choice(
                    id="force-now",
                    title="force now: the canary goes first",
                    caution="Until the standby is up, nobody may be serving.",
                    step=(Scale(deployment="aurora-bridge", replicas=0),),
                ),
            ),
        ),
        Runbook(id="halt", key="H", title="halt"),
    )


def settings(**changes: Any) -> Settings:
    """The small mission of the other tests, its runbooks with steps, its environment with a word."""
    usual = made_up.settings(**changes)
    environment = msgspec.structs.replace(usual.environment, confirm_word=WORD)
    mission = msgspec.structs.replace(usual.mission, runbook=runbooks())
    return dataclasses.replace(usual, mission=mission, environment=environment)


def deployment(name: str) -> Subject:
    """A deployment as it was read."""
    return Subject(
        kind="Deployment",
        resource="deployments.apps",
        path=f"/apis/apps/v1/namespaces/aurora-production/deployments/{name}",
        name=name,
        namespace="aurora-production",
        uid=f"uid-{name}",
        version="81723",
    )


def steps() -> tuple[PlannedStep, ...]:
    """The rollback's steps, planned on the made-up world."""
    return (
        PlannedStep(
            number=1,
            step=Undo(deployment="aurora-bridge"),
            title="undo aurora-bridge to revision 6",
            subject=deployment("aurora-bridge"),
            changes=(
                Change(what="revision", now="7", after="6 (as 8)"),
                Change(
                    what="image bridge",
                    now="registry.aurora.example/aurora/bridge:1.0.0-rc1",
                    after="registry.aurora.example/aurora/bridge:0.9.4",
                ),
            ),
            diff=DIFF,
            why="revision 6 was fully available for 3d04h until 2026-01-02 06:50Z; revision 5 ran for 4 min only",
            kubectl="kubectl --context bastion-eu -n aurora-production rollout undo deployment/aurora-bridge "
            "--to-revision=6",
        ),
        PlannedStep(
            number=2,
            step=Scale(deployment="aurora-bridge-v0", replicas=3),
            title="scale aurora-bridge-v0 to 3",
            subject=deployment("aurora-bridge-v0"),
            changes=(Change(what="replicas", now="0", after="3"),),
            kubectl="kubectl --context bastion-eu -n aurora-production scale deployment/aurora-bridge-v0 --replicas=3",
            warnings=("HorizontalPodAutoscaler aurora-bridge-v0 scales it too (2 to 6): it may change this again",),
        ),
        PlannedStep(
            number=3,
            step=Scale(deployment="aurora-bridge-backup", replicas=3),
            title="scale aurora-bridge-backup to 3",
            subject=deployment("aurora-bridge-backup"),
            changes=(Change(what="replicas", now="3", after="3"),),
            already=True,
        ),
        PlannedStep(
            number=4,
            step=Traffic(weights={"aurora-bridge": 0, "aurora-bridge-v0": 100}),
            title="traffic: aurora-bridge 0, aurora-bridge-v0 100",
            changes=(
                Change(what="aurora-bridge", now="10", after="0"),
                Change(what="aurora-bridge-v0", now="90", after="100"),
            ),
            kubectl="kubectl --context bastion-eu -n aurora-production patch httproute aurora-bridge --type=json "
            """-p '[{"op":"replace","path":"/spec/rules/0/backendRefs/0/weight","value":0},"""
            """{"op":"replace","path":"/spec/rules/0/backendRefs/1/weight","value":100}]'""",
        ),
        PlannedStep(
            number=5,
            step=Wait(until=WaitFor.ROLLOUT, deployment="aurora-bridge"),
            title="wait for the rollout of aurora-bridge",
            kubectl="kubectl --context bastion-eu -n aurora-production rollout status deployment/aurora-bridge",
        ),
        PlannedStep(
            number=6, step=Wait(until=WaitFor.HEALTH, probe="bridge"), title="wait until the probe bridge answers well"
        ),
    )


CHECKS = (
    Check(title="who", outcome=Outcome.OK, words="sre@aurora, 6 of 6 rights"),
    Check(title="rehearsal", outcome=Outcome.OK, words="4 of 4 writes pass as a server dry run"),
    Check(title="lock", outcome=Outcome.OK, words="free"),
    Check(
        title="autoscaler",
        outcome=Outcome.WARNING,
        words="HorizontalPodAutoscaler aurora-bridge-v0 scales what step 2 scales",
        remedy="Set its minReplicas to 3 first, or look at it afterwards.",
    ),
    Check(title="same cluster", outcome=Outcome.OK, words="as when the console opened"),
)
REFUSALS = (
    Check(
        title="rights",
        outcome=Outcome.REFUSED,
        words="sre@aurora may not patch deployments.apps/aurora-bridge in aurora-production",
        remedy="Ask for the role aurora-operator: kubectl create rolebinding …",
    ),
    Check(
        title="lock",
        outcome=Outcome.REFUSED,
        words="held by ana@bastion-2:4711 for 00:41, run 9f8e7d6c5b (failover)",
        remedy="Wait for that run, or press o and look at it.",
    ),
)


def plan(run: str = "1a2b3c4d5e", **changes: Any) -> Plan:
    """The rollback, planned."""
    whole = Plan(
        run=run,
        runbook="rollback",
        title="rollback",
        environment="production",
        namespace="aurora-production",
        cluster=Cluster(
            context="bastion-eu",
            server="https://k8s.aurora.example:6443",
            ca="5d3f" * 16,
            uid="7c0f6a4e-1c55-4c2c-9a39-c5e6d2a4b1f0",
            user="sre@aurora",
        ),
        made_at="2026-01-03T14:02:11Z",
        steps=steps(),
        checks=CHECKS,
        target=300,
    )
    return msgspec.structs.replace(whole, **changes)


def refused() -> Plan:
    """The rollback that may not be: a right is missing, and another one holds the lock."""
    return plan(checks=(*CHECKS, *REFUSALS))


def run(state: RunState = RunState.RUNNING, **changes: Any) -> Run:
    """The rollback under way for 42 s: four steps done, the fifth begun (FAILED: failed there; VERIFIED: all done)."""
    ended = {RunState.VERIFIED: 6, RunState.FAILED: 4, RunState.CANCELLED: 4}.get(state, 4)
    at = made_up.NOW - 42
    done = [
        StepRun(
            number=one.number,
            title=one.title,
            state=StepState.DONE if one.number <= ended else StepState.WAITING,
            words="revision 6 is rolled out as 8" if one.number == 1 else "",
            already=one.already and one.number <= ended,
            began_at=at + one.number if one.number <= ended else None,
            ended_at=at + one.number + 1 if one.number <= ended else None,
        )
        for one in steps()
    ]
    if state in (RunState.RUNNING, RunState.FAILED):
        failed = state is RunState.FAILED
        done[4] = msgspec.structs.replace(
            done[4],
            state=StepState.FAILED if failed else StepState.RUNNING,
            words="1 of 3 new pods ready after 240 s: aurora-bridge-7cd8b-hvms1 CrashLoopBackOff"
            if failed
            else "1 of 3 new pods are ready",
            began_at=at + 6,
            ended_at=made_up.NOW if failed else None,
        )
    whole = Run(
        id="1a2b3c4d5e",
        runbook="rollback",
        title="rollback",
        environment="production",
        steps=tuple(done),
        approved_at=at,
        approved_by="sre@bastion-1",
        sequence=4,
        reason="ROLL BACK IN 08:19: RTT p95 412 ms > 400 for 06:41 of 15:00",
        target=300,
        state=state,
        executor="sre@bastion-1:4711",
        started_at=at + 1,
        ended_at=None if state.open else made_up.NOW - 2,
        words="step 5 failed: the rollout does not come to an end" if state is RunState.FAILED else "",
    )
    return msgspec.structs.replace(whole, **changes)


def while_running(state: RunState = RunState.RUNNING, **changes: Any) -> Situation:
    """The breaching world with that run in its ledger."""
    return msgspec.structs.replace(made_up.breaching(), runs=(run(state, **changes),))


@dataclass
class MadeUpDesk:
    """Answers with what it is given, and keeps what it was asked."""

    answer: Callable[[Wish], Plan | Exception] = lambda wish: plan()
    consent: SecondConsent | None = None
    refuses: Exception | None = None
    gate: Callable[[], Any] | None = None  # awaited before a plan is given
    approving: Callable[[], Any] | None = None  # awaited before a plan is approved, or refused
    changed: str | None = None
    wishes: list[Wish] = field(default_factory=list)
    approved: list[tuple[Plan, str, tuple[str, ...]]] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    recognised: int = 0
    unreachable: int = 0  # times that the cluster does not answer first

    async def recognise(self, situation: Situation | None) -> None:
        if self.unreachable:
            self.unreachable -= 1
            raise AuroraError("Nobody answers at k8s.aurora.example", "Look at the network.")
        self.recognised += 1

    async def plan(self, wish: Wish) -> Plan:
        self.wishes.append(wish)
        if self.gate is not None:
            await self.gate()
        answer = self.answer(wish)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def stale(self, plan: Plan) -> str | None:
        changed, self.changed = self.changed, None
        return changed

    async def second_consent(self, plan: Plan) -> SecondConsent | None:
        return self.consent

    async def approve(self, plan: Plan, reason: str, forced: tuple[str, ...] = ()) -> str:
        if self.approving is not None:
            await self.approving()
        if self.refuses is not None:
            raise self.refuses
        self.approved.append((plan, reason, forced))
        return plan.run

    async def cancel(self, run: str) -> None:
        self.asked.append(("cancel", run))

    async def resume(self, run: str) -> None:
        self.asked.append(("resume", run))

    async def abandon(self, run: str, reason: str) -> None:
        self.asked.append(("abandon", run, reason))

    async def close(self) -> None:
        pass
