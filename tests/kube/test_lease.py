"""One run at a time: who gets the lease, who keeps it, who loses it, and by whose clock."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aurora_tui.drill.kubernetes.kinds import LEASE
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import ApiError, Unreachable, Unreadable
from aurora_tui.kube.lease import RUN, Held, Lease, Lost, identity, look
from aurora_tui.kube.writes import PatchType, patch, read, replace
from tests.drill.clusters import NAMESPACE
from tests.kube.conditions import until
from tests.kube.embedded import Desk, desk

NAME = "aurora-warroom"
PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}"
ADA, BOB = "ada@bastion:11", "bob@bastion:22"


class Seconds:
    """Our own monotonic clock, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    made = Seconds()
    monkeypatch.setattr("aurora_tui.kube.lease.monotonic", made)
    return made


@pytest.fixture
async def here() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


def lease_of(connection: Connection, holder: str, run: str = "", seconds: int = 15) -> Lease:
    return Lease(connection, NAMESPACE, NAME, holder, seconds, run=run)


async def spec_of(here: Desk) -> dict[str, Any]:
    found = await read(here.operator, PATH)
    assert found is not None
    spec: dict[str, Any] = found["spec"]
    return spec


async def test_the_first_gets_it_and_its_record_says_who_for_how_long_and_for_which_run(here: Desk) -> None:
    lease = lease_of(here.operator, ADA, "r1")
    await lease.acquire()
    assert lease.held
    found = await read(here.operator, PATH)
    assert found is not None
    assert found["metadata"]["annotations"] == {RUN: "r1"}
    spec = found["spec"]
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (ADA, 15, 0)
    for moment in ("acquireTime", "renewTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", spec[moment])


async def test_the_second_is_told_at_once_who_holds_it_and_since_when(here: Desk) -> None:
    await lease_of(here.operator, ADA, "r1").acquire()
    with pytest.raises(Held) as caught:
        await lease_of(here.operator, BOB, "r2").acquire()
    assert (caught.value.holder.identity, caught.value.holder.run) == (ADA, "r1")
    assert caught.value.since == caught.value.holder.since is not None
    assert str(caught.value).startswith(f"{ADA} (run r1) holds the lock since 20")


async def test_everyone_who_may_look_sees_the_holder(here: Desk) -> None:
    assert await look(here.viewer, NAMESPACE, NAME) is None
    lease = lease_of(here.operator, ADA, "r1")
    await lease.acquire()
    holder = await look(here.viewer, NAMESPACE, NAME)
    assert holder is not None
    assert str(holder) == "ada@bastion:11 (run r1)"
    await lease.release()
    assert await look(here.viewer, NAMESPACE, NAME) is None


async def test_who_gives_it_back_lets_the_next_take_it_at_once(here: Desk) -> None:
    first, second = lease_of(here.operator, ADA, "r1"), lease_of(here.operator, BOB, "r2")
    await first.acquire()
    await first.release()
    assert not first.held
    await second.acquire()
    assert (await spec_of(here))["holderIdentity"] == BOB
    assert (await spec_of(here))["leaseTransitions"] == 1


async def test_of_many_at_once_exactly_one_gets_it(here: Desk) -> None:
    leases = [lease_of(here.operator, f"user{one}@bastion:{one}") for one in range(8)]
    results = await asyncio.gather(*(lease.acquire() for lease in leases), return_exceptions=True)
    assert results.count(None) == 1
    assert sum(isinstance(result, Held) for result in results) == 7
    [winner] = [lease for lease in leases if lease.held]
    assert (await spec_of(here))["holderIdentity"] == winner.holder


async def test_of_many_at_once_exactly_one_gets_what_was_given_back(here: Desk) -> None:
    first = lease_of(here.operator, ADA)
    await first.acquire()
    await first.release()
    leases = [lease_of(here.operator, f"user{one}@bastion:{one}") for one in range(8)]
    results = await asyncio.gather(*(lease.acquire() for lease in leases), return_exceptions=True)
    assert results.count(None) == 1, results


async def test_renewing_moves_the_renewal_and_nothing_else(here: Desk) -> None:
    lease = lease_of(here.operator, ADA)
    await lease.acquire()
    before = await spec_of(here)
    await lease.renew()
    after = await spec_of(here)
    assert after["renewTime"] > before["renewTime"]
    assert {**after, "renewTime": ""} == {**before, "renewTime": ""}


async def test_a_holder_that_is_silent_for_its_time_is_dead(here: Desk, seconds: Seconds) -> None:
    await lease_of(here.operator, ADA, seconds=20).acquire()
    second = lease_of(here.operator, BOB, seconds=5)
    with pytest.raises(Held):
        await second.acquire()
    seconds.now += 19.9  # the holder's own 20 s count, not our 5
    with pytest.raises(Held):
        await second.acquire()
    seconds.now += 0.2
    await second.acquire()
    assert (await spec_of(here))["holderIdentity"] == BOB


async def test_a_holder_that_renews_is_never_dead(here: Desk, seconds: Seconds) -> None:
    first, second = lease_of(here.operator, ADA), lease_of(here.operator, BOB)
    await first.acquire()
    for _ in range(5):
        with pytest.raises(Held):
            await second.acquire()
        seconds.now += 10
        await first.renew()


async def test_times_in_the_record_kill_nobody(here: Desk, seconds: Seconds) -> None:
    first = lease_of(here.operator, ADA)
    await first.acquire()
    long_ago = {"spec": {"renewTime": "2001-01-01T00:00:00.000000Z", "acquireTime": "2001-01-01T00:00:00.000000Z"}}
    await patch(here.admin, PATH, long_ago, PatchType.MERGE)
    second = lease_of(here.operator, BOB)
    with pytest.raises(Held):
        await second.acquire()
    seconds.now += 14
    with pytest.raises(Held):
        await second.acquire()


async def test_a_label_set_by_another_does_not_keep_the_dead_alive(here: Desk, seconds: Seconds) -> None:
    await lease_of(here.operator, ADA).acquire()
    second = lease_of(here.operator, BOB)
    with pytest.raises(Held):
        await second.acquire()
    seconds.now += 10
    await patch(here.admin, PATH, {"metadata": {"labels": {"seen": "yes"}}}, PatchType.MERGE)
    with pytest.raises(Held):
        await second.acquire()
    seconds.now += 6
    await second.acquire()


async def test_watching_a_dead_holder_ends_when_it_may_be_taken(here: Desk) -> None:
    await lease_of(here.operator, ADA, seconds=1).acquire()
    second = lease_of(here.operator, BOB)
    assert await second.observe(20)
    await second.acquire()


async def test_watching_a_holder_that_lives_ends_with_its_next_renewal(here: Desk) -> None:
    first, second = lease_of(here.operator, ADA, seconds=3), lease_of(here.operator, BOB)
    await first.acquire()
    keeping = asyncio.ensure_future(first.keep())
    try:
        async with asyncio.timeout(20):
            assert not await second.observe(600)
    finally:
        keeping.cancel()
    with pytest.raises(Held):
        await second.acquire()


async def test_watching_is_bounded(here: Desk) -> None:
    await lease_of(here.operator, ADA, seconds=3600).acquire()
    async with asyncio.timeout(20):
        assert not await lease_of(here.operator, BOB).observe(0.1)


async def test_a_take_over_is_immediate_and_the_old_holder_learns_by_whom(here: Desk) -> None:
    first, second = lease_of(here.operator, ADA, "r1"), lease_of(here.operator, BOB, "r2")
    await first.acquire()
    before = await second.take_over()
    assert before is not None
    assert before.identity == ADA
    with pytest.raises(Lost, match="taken over by bob@bastion:22") as caught:
        await first.renew()
    assert caught.value.by is not None
    assert caught.value.by.run == "r2"
    assert not first.held
    assert first.seconds_left == 0.0
    assert (await spec_of(here))["leaseTransitions"] == 1


async def test_a_take_over_wins_against_a_holder_that_renews_again_and_again(here: Desk) -> None:
    first, second = lease_of(here.operator, ADA), lease_of(here.operator, BOB)
    await first.acquire()

    async def renewing() -> None:
        while True:
            await first.renew()
            await asyncio.sleep(0.01)

    storm = asyncio.ensure_future(renewing())
    await second.take_over()
    with pytest.raises(Lost):
        await storm
    await second.renew()


async def test_who_has_lost_it_gives_nothing_back(here: Desk) -> None:
    first, second = lease_of(here.operator, ADA), lease_of(here.operator, BOB)
    await first.acquire()
    await second.take_over()
    await first.release()
    assert (await spec_of(here))["holderIdentity"] == BOB


async def test_a_write_by_another_that_takes_nothing_is_no_loss(here: Desk) -> None:
    lease = lease_of(here.operator, ADA)
    await lease.acquire()
    await patch(here.admin, PATH, {"metadata": {"labels": {"seen": "yes"}}}, PatchType.MERGE)
    await lease.renew()
    found = await read(here.operator, PATH)
    assert found is not None
    assert found["metadata"]["labels"] == {"seen": "yes"}


async def test_a_lease_that_somebody_freed_is_lost(here: Desk) -> None:
    lease = lease_of(here.operator, ADA)
    await lease.acquire()
    await patch(here.admin, PATH, {"spec": {"holderIdentity": None}}, PatchType.MERGE)
    with pytest.raises(Lost, match="was taken away"):
        await lease.renew()


async def test_a_lease_that_was_deleted_is_made_again_unless_another_was_faster(here: Desk) -> None:
    lease, other = lease_of(here.operator, ADA, "r1"), lease_of(here.operator, BOB, "r2")
    await lease.acquire()
    since = (await spec_of(here))["acquireTime"]
    for _ in range(2):
        cluster = here.cluster
        cluster.store.remove(cluster.registry.find(LEASE, NAMESPACE, NAME))
        await lease.renew()
        spec = await spec_of(here)
        assert (spec["holderIdentity"], spec["acquireTime"]) == (ADA, since)
    cluster.store.remove(cluster.registry.find(LEASE, NAMESPACE, NAME))
    await other.acquire()
    with pytest.raises(Lost, match="taken over by bob"):
        await lease.renew()


async def test_who_deletes_the_whole_namespace_holds_the_lock_to_the_end(here: Desk) -> None:
    lease = lease_of(here.operator, ADA)
    await lease.acquire()
    await here.operator.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
    for seconds in (0, 1, 120):
        here.cluster.pass_time(seconds)
        await lease.renew()
        assert lease.held
        assert lease.seconds_left > 0
    assert await read(here.operator, f"/api/v1/namespaces/{NAMESPACE}") is None
    await lease.release()


async def test_a_request_cut_off_after_it_was_done_is_no_loss(here: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = lease_of(here.operator, ADA, "r1")

    async def done_but_not_heard(*given: Any, **named: Any) -> Any:
        await replace(*given, **named)
        raise Unreachable("the answer got lost", "")

    await lease.acquire()
    monkeypatch.setattr("aurora_tui.kube.lease.replace", done_but_not_heard)
    with pytest.raises(Unreachable):
        await lease.renew()
    monkeypatch.undo()
    await lease.renew()
    assert lease.held


async def test_an_acquire_cancelled_after_it_was_done_is_taken_back_by_release(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aurora_tui.kube.writes import create

    lease = lease_of(here.operator, ADA, "r1")
    written = asyncio.Event()

    async def done_but_slow(*given: Any, **named: Any) -> Any:
        await create(*given, **named)
        written.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("aurora_tui.kube.lease.create", done_but_slow)
    acquiring = asyncio.ensure_future(lease.acquire())
    await asyncio.wait_for(written.wait(), 20)
    acquiring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await acquiring
    assert await look(here.operator, NAMESPACE, NAME) is not None
    await lease.release()
    assert await look(here.operator, NAMESPACE, NAME) is None


async def test_keeping_goes_on_through_an_outage_and_ends_with_a_loss(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def out(*given: Any, **named: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise Unreachable("no answer", "")
        if asked == 2:
            raise ApiError("who are you", "", status=401)
        return await replace(*given, **named)

    first = lease_of(here.operator, ADA, seconds=1)
    await first.acquire()
    monkeypatch.setattr("aurora_tui.kube.lease.replace", out)
    keeping = asyncio.ensure_future(first.keep())
    await until(lambda: asked >= 3)
    assert not keeping.done()
    await lease_of(here.operator, BOB).take_over()
    with pytest.raises(Lost):
        await asyncio.wait_for(keeping, 20)


@pytest.mark.parametrize(
    "answer",
    [
        *(ApiError("not now", "", status=status) for status in (302, 408, 425, 429, 503)),
        Unreadable("a page instead of an object", ""),
    ],
    ids=lambda answer: str(getattr(answer, "status", "unreadable")),
)
async def test_keeping_goes_on_after_what_passes(
    here: Desk, monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    answered = asyncio.Event()

    async def once(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr("aurora_tui.kube.lease.replace", again)
        raise answer

    async def again(*given: Any, **named: Any) -> Any:
        answered.set()
        return await replace(*given, **named)

    lease = lease_of(here.operator, ADA, seconds=1)
    await lease.acquire()
    monkeypatch.setattr("aurora_tui.kube.lease.replace", once)
    monkeypatch.setattr("aurora_tui.kube.lease._LOOK_SECONDS", 0.01)
    keeping = asyncio.ensure_future(lease.keep())
    waiting = asyncio.ensure_future(answered.wait())
    await asyncio.wait((keeping, waiting), timeout=20, return_when=asyncio.FIRST_COMPLETED)
    assert answered.is_set(), keeping.exception()
    for each in (keeping, waiting):
        each.cancel()


async def test_how_sure_it_is_shrinks_until_it_is_renewed(here: Desk, seconds: Seconds) -> None:
    lease = lease_of(here.operator, ADA)
    assert lease.seconds_left == 0.0
    await lease.acquire()
    assert lease.seconds_left == 15.0
    seconds.now += 10
    assert lease.seconds_left == 5.0
    await lease.renew()
    assert lease.seconds_left == 15.0
    seconds.now += 20
    assert lease.seconds_left == 0.0
    assert lease.held


async def test_a_missing_right_and_a_missing_namespace_are_told_as_they_are(here: Desk) -> None:
    with pytest.raises(ApiError, match="cannot create resource") as caught:
        await lease_of(here.viewer, "vic@bastion:1").acquire()
    assert caught.value.status == 403
    with pytest.raises(ApiError, match="not found"):
        await Lease(here.admin, "nowhere", NAME, ADA).acquire()


async def test_a_record_full_of_nonsense_is_read_as_far_as_it_goes(here: Desk) -> None:
    lease = lease_of(here.operator, ADA)
    await lease.acquire()
    nonsense = {"holderIdentity": "\x1b[31meve\u202e" + "x" * 500, "leaseDurationSeconds": None, "acquireTime": None}
    await patch(here.admin, PATH, {"spec": nonsense, "metadata": {"annotations": {RUN: "a\nb"}}}, PatchType.MERGE)
    holder = await look(here.viewer, NAMESPACE, NAME)
    assert holder is not None
    assert holder.identity.startswith("eve·x")
    assert len(holder.identity) <= 200
    assert (holder.run, holder.since, holder.seconds) == ("a b", None, 0)
    with pytest.raises(Held) as caught:
        await lease_of(here.operator, BOB).acquire()
    assert "since" not in caught.value.what


async def test_ours_names_user_host_and_process() -> None:
    assert re.fullmatch(r"\S+@\S+:\d+", identity())
