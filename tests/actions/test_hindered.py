"""What stands in a run's way: it waits for what passes, stops at what will not, and never writes twice.

The world stands still, so that waiting takes no time: whoever waits for so long finds it so much later.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.clock import Clock
from aurora_tui.drill.kubernetes.kinds import LEASE
from aurora_tui.drill.manifests import NAMESPACE, STABLE, STANDBY, before_canary
from aurora_tui.kube.connection import ApiAnswer, Connection
from aurora_tui.kube.errors import Unreachable, failure_of
from aurora_tui.kube.lease import Lease
from aurora_tui.kube.writes import PatchType, delete, patch
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.run import CANCEL_ASKED, FINISHED, RunState, StepState
from aurora_tui.situation.runbook import Scale, Wait, WaitFor
from tests.actions.bundled import Effects, bridged, plan_of, state_of
from tests.actions.runs import actions, append, approve, carried_out, planned
from tests.actions.worlds import ADMIN, World, world

UP = Scale(deployment=STANDBY, replicas=3)
MORE = Scale(deployment=STABLE, replicas=5)
Act = Callable[[], Awaitable[None]]


class Between:
    """Stands between a world's connection and its API: acts before a request, after it, or instead of it."""

    def __init__(self, here: World, patch: pytest.MonkeyPatch) -> None:
        self.requests: list[str] = []
        self.before: Callable[[int, str], Awaitable[None]] | None = None
        self.after: Callable[[int, str], Awaitable[None]] | None = None
        plain = Connection.request

        async def request(connection: Connection, method: str, path: str, *rest: Any, **options: Any) -> ApiAnswer:
            if connection is not here.connection:
                return await plain(connection, method, path, *rest, **options)
            number, name = len(self.requests), f"{method} {path}"
            self.requests.append(name)
            if self.before is not None:
                await self.before(number, name)
            answer = await plain(connection, method, path, *rest, **options)
            if self.after is not None:
                await self.after(number, name)
            return answer

        patch.setattr(Connection, "request", request)

    def once(self, wanted: Callable[[int, str], bool], act: Act, *, after: bool = False) -> None:
        """Act before (or after) the first request that is wanted."""
        done = False

        async def hook(number: int, name: str) -> None:
            nonlocal done
            if not done and wanted(number, name):
                done = True
                await act()

        if after:
            self.after = hook
        else:
            self.before = hook


@dataclasses.dataclass(frozen=True, slots=True)
class Alarmed(Clock):
    """A world's clock on which things happen at their moment: when somebody sleeps past it."""

    plain: Clock = dataclasses.field(kw_only=True)
    alarms: list[tuple[float, Act]] = dataclasses.field(kw_only=True)

    def now(self) -> float:
        return self.plain.now()

    def monotonic(self) -> float:
        return self.plain.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.plain.sleep(seconds)
        for alarm in [one for one in self.alarms if one[0] <= self.now()]:
            self.alarms.remove(alarm)
            await alarm[1]()


def alarmed(here: World) -> Alarmed:
    """Let the run sleep by a clock on which things can happen."""
    clock = Alarmed(plain=here.clock, alarms=[])
    here.reach = dataclasses.replace(here.reach, clock=clock)
    return clock


def outage(here: World, clock: Alarmed, seconds: float = 30.0, *, lost: bool = False) -> Act:
    """The API is gone for so long. lost: with an answer on its way."""

    async def begin() -> None:
        await here.stop()
        clock.alarms.append((clock.now() + seconds, here.start))
        if lost:
            raise Unreachable("the answer was lost", "")

    return begin


def is_scale(number: int, name: str) -> bool:
    return name.startswith("PATCH") and name.endswith("/scale")


@pytest.mark.parametrize("lost", [False, True], ids=["before", "after"])
async def test_an_api_that_is_gone_for_30_seconds_at_any_request_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    async with bridged(tmp_path / "undisturbed") as here:
        between, effects = Between(here, monkeypatch), Effects(here)
        plan = await plan_of(here, "failover")
        first = len(between.requests)
        assert (await carried_out(here, plan)).state is RunState.VERIFIED
        undisturbed, wanted, requests = state_of(here), effects.seen, between.requests[first:]
    assert len(requests) > 20
    for number, name in enumerate(requests):
        monkeypatch.undo()
        if "/events" in name or name == f"PATCH /api/v1/namespaces/{NAMESPACE}":
            continue  # marks, which are not tried again
        async with bridged(tmp_path / str(number)) as here:
            plan = await plan_of(here, "failover")
            between, effects, clock = Between(here, monkeypatch), Effects(here), alarmed(here)
            between.once(lambda at, _, number=number: at == number, outage(here, clock, lost=lost), after=lost)  # type: ignore[misc]
            run = await carried_out(here, plan)
            assert run.state is RunState.VERIFIED, (name, run.words)
            assert state_of(here) == undisturbed, name
            assert effects.seen == wanted, name


async def test_an_api_that_does_not_come_back_ends_the_run_with_what_was_done_and_what_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, MORE, UP)
        between, clock = Between(here, monkeypatch), alarmed(here)
        between.once(lambda _, name: is_scale(0, name) and STABLE in name, outage(here, clock, 3600.0))
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED
        assert run.words.startswith("Step 2, Scale aurora-bridge-v0 to 5: Not done within 2m: ")
        assert "What was asked for may have been done all the same." in run.words
        assert run.words.endswith(
            "Done: 1 Scale aurora-bridge-backup to 3. Begun, and not seen done: 2 Scale aurora-bridge-v0 to 5. "
            "Not begun: 3 Scale aurora-bridge-backup to 3."
        )
        assert [step.state for step in run.steps] == [StepState.DONE, StepState.FAILED, StepState.WAITING]


async def test_what_failed_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, MORE)
        between, clock = Between(here, monkeypatch), alarmed(here)
        between.once(lambda _, name: is_scale(0, name) and STABLE in name, outage(here, clock, 200.0))
        assert (await carried_out(here, plan)).state is RunState.FAILED
        await clock.sleep(200.0)
        run = await carried_out(here, plan, "eva@bastion:2")
        assert (run.state, run.executor, run.words) == (
            RunState.VERIFIED,
            "eva@bastion:2",
            "All 2 steps are done and verified.",
        )
        assert len([one for one in here.writes if one.path.endswith(f"{STANDBY}/scale")]) == 1


async def test_somebody_who_writes_all_the_time_does_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        between, left = Between(here, monkeypatch), 12
        other = here.as_user(ADMIN)

        async def annotate(_: int, name: str) -> None:
            nonlocal left
            if is_scale(0, name) and left:
                left -= 1
                body = {"metadata": {"labels": {"busy": str(left)}}}
                await patch(other, _path(STANDBY), body, PatchType.MERGE)

        between.before = annotate
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED, run.words
        assert left == 0
        assert len([name for name in between.requests if is_scale(0, name)]) == 13
        assert here.deployment(STANDBY)["metadata"]["generation"] == 2


async def test_a_rival_who_changes_what_it_is_about_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, MORE)
        between, other = Between(here, monkeypatch), here.as_user(ADMIN)

        async def scale() -> None:
            await patch(other, _path(STANDBY), {"spec": {"replicas": 7}}, PatchType.MERGE)

        between.once(is_scale, scale)
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED
        assert "was scaled to 7" in run.words
        assert here.deployment(STANDBY)["spec"]["replicas"] == 7
        assert here.deployment(STABLE)["spec"]["replicas"] == 3


async def test_a_deployment_that_was_made_anew_stops_it(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        other = here.as_user(ADMIN)
        await delete(other, _path(STANDBY), uid=here.deployment(STANDBY)["metadata"]["uid"])
        here.pass_time(60)
        here.cluster.apply_manifests([one for one in before_canary() if one["metadata"]["name"] == STANDBY])
        asked = len(here.writes)
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED, run.words
        assert run.words.endswith("Not begun: 1 Scale aurora-bridge-backup to 3.")
        assert here.deployment(STANDBY)["spec"]["replicas"] == 0
        assert not [one for one in here.writes[asked:] if "deployments" in one.path]


async def test_a_webhook_that_denies_stops_it_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        between = Between(here, monkeypatch)
        between.before = refusing(403, "Forbidden", 'admission webhook "x" denied the request: frozen until Monday')
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED
        assert "frozen until Monday" in run.words
        assert len([name for name in between.requests if is_scale(0, name)]) == 1


@pytest.mark.parametrize(("status", "reason"), [(429, "TooManyRequests"), (500, "InternalError"), (503, "")])
async def test_a_server_in_trouble_is_asked_again_when_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        between = Between(here, monkeypatch)
        between.before = refusing(status, reason, "slow down", times=3, retry_after="7")
        began = here.clock.now()
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED, run.words
        assert here.clock.now() - began >= 3 * 7


async def test_a_server_that_asks_for_longer_than_there_is_time_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        between = Between(here, monkeypatch)
        between.before = refusing(429, "TooManyRequests", "slow down", retry_after="500")
        began = here.clock.now()
        assert (await carried_out(here, plan)).state is RunState.FAILED
        assert here.clock.now() == began


async def test_a_token_that_expires_is_read_again(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        await here.connection.adopt(
            dataclasses.replace(
                here.connection.access, user=dataclasses.replace(here.connection.access.user, token="expired")
            )
        )
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED, run.words


async def test_a_kubeconfig_that_now_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        access = here.connection.access
        await here.connection.adopt(dataclasses.replace(access, user=dataclasses.replace(access.user, token="expired")))
        text = here.kubeconfig.read_text()
        here.kubeconfig.write_text(text.replace(access.server, "https://127.0.0.1:9"))
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED
        assert "another cluster" in run.words or "now points to" in run.words


async def test_another_cluster_than_the_approved_one_is_not_touched(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        assert plan.cluster is not None
        plan = msgspec.structs.replace(plan, cluster=msgspec.structs.replace(plan.cluster, uid="another"))
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED
        assert run.words.startswith("This is another cluster than the approved one")
        assert not [one for one in here.writes if one.path.startswith("/apis/apps")]


async def test_a_lock_that_is_stolen_stops_it_before_the_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, MORE)
        between, other = Between(here, monkeypatch), here.as_user(ADMIN)
        monkeypatch.setattr("aurora_tui.actions.holding.SURE_SECONDS", 0.0)

        async def steal() -> None:
            await Lease(other, NAMESPACE, "aurora-tui", "mallory@elsewhere:1", run="theirs").take_over()

        between.once(is_scale, steal, after=True)
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED
        assert "mallory@elsewhere:1" in run.words
        assert here.deployment(STABLE)["spec"]["replicas"] == 3
        holder = here.cluster.store.entries(LEASE, NAMESPACE)[0].thing["spec"]["holderIdentity"]
        assert holder == "mallory@elsewhere:1"


async def test_a_lock_that_another_run_holds_keeps_it_away(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        await Lease(here.as_user(ADMIN), NAMESPACE, "aurora-tui", "ada@elsewhere:1", run="theirs").acquire()
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED
        assert "ada@elsewhere:1" in run.words
        assert here.deployment(STANDBY)["spec"]["replicas"] == 0


async def test_a_lock_is_taken_over_when_that_was_approved(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, forced=["lock"])
        await Lease(here.as_user(ADMIN), NAMESPACE, "aurora-tui", "ada@elsewhere:1", run="theirs").acquire()
        assert (await carried_out(here, plan)).state is RunState.VERIFIED


async def test_the_lock_of_the_run_s_own_dead_executor_is_taken_over_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        await approve(here, plan)
        await append(here, "run.started", run=plan.run, executor="eva@bastion:0")
        await Lease(here.connection, NAMESPACE, "aurora-tui", "eva@bastion:0", run=plan.run).acquire()
        assert (await carried_out(here, plan)).state is RunState.VERIFIED


async def test_the_lock_is_free_afterwards(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await carried_out(here, await planned(here.reach, UP))
        assert "holderIdentity" not in here.cluster.store.entries(LEASE, NAMESPACE)[0].thing["spec"]


async def test_whoever_cancels_is_heard_before_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, MORE)
        between = Between(here, monkeypatch)
        between.once(is_scale, lambda: append(here, CANCEL_ASKED, run=plan.run))
        run = await carried_out(here, plan)
        assert run.state is RunState.CANCELLED
        assert [step.state for step in run.steps] == [StepState.DONE, StepState.WAITING]
        assert "Done: 1 Scale aurora-bridge-backup to 3. Not begun: 2" in run.words
        assert here.deployment(STABLE)["spec"]["replicas"] == 3


async def test_a_step_that_only_waits_is_broken_off_when_it_is_cancelled(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, Wait(until=WaitFor.PODS, deployment=STANDBY))
        clock = alarmed(here)
        clock.alarms.append((clock.now() + 0.05, lambda: append(here, CANCEL_ASKED, run=plan.run)))
        run = await carried_out(here, plan)
        assert run.state is RunState.CANCELLED, run.words
        assert (await actions(here))[-4:] == ["step.begun 2", "cancel.asked", "step.failed 2", "finished"]


@pytest.mark.parametrize("first", [(UP,), ()], ids=["before a step", "before the first answer"])
async def test_whoever_cancels_is_heard_while_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: tuple[Scale, ...]
) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, *first, MORE)
        between, clock = Between(here, monkeypatch), alarmed(here)
        away = outage(here, clock, 3600.0)

        async def away_and_cancelled() -> None:
            await away()
            clock.alarms.append((clock.now() + 5.0, lambda: append(here, CANCEL_ASKED, run=plan.run)))

        between.once(lambda _, name: not first or (name.startswith("GET") and STABLE in name), away_and_cancelled)
        began = clock.now()
        run = await carried_out(here, plan)
        assert run.state is RunState.CANCELLED, run.words
        assert [step.state for step in run.steps] == [*(StepState.DONE for _ in first), StepState.WAITING]
        assert clock.now() - began < 30.0, "well before any limit"


async def test_a_run_that_was_abandoned_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, MORE)
        between = Between(here, monkeypatch)
        between.once(is_scale, lambda: append(here, FINISHED, run=plan.run, outcome="abandoned", words="enough"))
        run = await carried_out(here, plan)
        assert (run.state, run.words) == (RunState.ABANDONED, "enough")
        assert here.deployment(STABLE)["spec"]["replicas"] == 3


async def test_a_goal_that_is_never_reached_ends_at_the_step_s_limit(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        wait = Wait(until=WaitFor.HEALTH, probe="bridge", limit=Duration(45.0))
        plan = await planned(here.reach, wait, MORE)
        began = here.clock.now()
        run = await carried_out(here, plan)
        assert run.state is RunState.FAILED
        assert "Not done within 45s: bridge" in run.words
        assert 40 <= here.clock.now() - began <= 45
        assert here.deployment(STABLE)["spec"]["replicas"] == 3


async def test_a_fault_of_ours_leaves_no_run_that_looks_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        monkeypatch.setattr(
            "aurora_tui.actions.operations.scale.ScaleOperation.carry_out", lambda *_: [][0], raising=True
        )
        with pytest.raises(IndexError):
            await carried_out(here, plan)
        assert (await actions(here))[-1] == "finished"


def refusing(
    status: int, reason: str, message: str, times: int = 10**6, retry_after: str | None = None
) -> Callable[[int, str], Awaitable[None]]:
    """The API refuses to scale, so many times."""
    left = times

    async def refuse(_: int, name: str) -> None:
        nonlocal left
        if is_scale(0, name) and left:
            left -= 1
            body = f'{{"kind":"Status","reason":"{reason}","message":{json.dumps(message)},"code":{status}}}'
            raise failure_of(status, body.encode(), name, retry_after)

    return refuse


def _path(name: str) -> str:
    return f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
