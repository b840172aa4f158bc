"""What can stand in the way of acting, in the words of a real API server, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aurora_tui.drill.hindrances import BUSY, Hindrances
from aurora_tui.drill.kubernetes import roles
from aurora_tui.drill.kubernetes.auth import Authenticator
from aurora_tui.drill.kubernetes.kinds import EVENT
from aurora_tui.drill.manifests import CANARY, NAMESPACE, before_canary, canary
from aurora_tui.drill.scenario import event_of
from aurora_tui.errors import UsageError
from tests.drill.clusters import StoppedCluster
from tests.drill.kube_api import MERGE, Api, api_of
from tests.kube.conditions import until

HOME = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
BRIDGE = f"{HOME}/{CANARY}"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


class Told:
    """A cluster as in a drill, its API, and events told to it as the control endpoint tells them."""

    def __init__(self, api: Api, cluster: StoppedCluster, door: Authenticator) -> None:
        self.api = api
        self.cluster = cluster
        self.away: list[bool] = []
        self.hindrances = Hindrances(cluster, door, self._leave, self._be_back)

    async def _leave(self) -> None:
        self.away.append(True)

    async def _be_back(self) -> None:
        self.away.append(False)

    async def now(self, **event: Any) -> None:
        await self.hindrances.apply(event_of(event))  # type: ignore[arg-type]

    async def label(self, path: str = BRIDGE, **more: Any) -> tuple[int, Any]:
        body = {"metadata": {"labels": {"touched": "yes"}, **more}}
        return await self.api.ask("PATCH", path, body, Content_Type=MERGE)

    def events(self, reason: str) -> list[dict[str, Any]]:
        return [e.thing for e in self.cluster.store.entries(EVENT, NAMESPACE) if e.thing["reason"] == reason]

    async def pods(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in self.cluster.ready_pods(NAMESPACE, {"app": CANARY})]


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    cluster = StoppedCluster()
    cluster.apply_manifests([*before_canary(), *canary()])
    cluster.pass_time(60)
    door = Authenticator({"token": roles.operator("drill-operator", NAMESPACE), "admin": roles.admin("drill-admin")})
    async with api_of(cluster, door) as api:
        made = Told(api, cluster, door)
        yield made
        made.hindrances.stop()


async def test_a_webhook_denies_in_the_words_of_a_real_server(told: Told) -> None:
    await told.now(do="deny-writes", resource="deployments", message="changes are frozen until Monday")
    assert await told.label() == (
        403,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": 'admission webhook "policy.drill.local" denied the request: changes are frozen until Monday',
            "reason": "Forbidden",
            "code": 403,
        },
    )
    assert told.hindrances.names() == ["deny-writes"]


async def test_a_webhook_may_answer_400_and_say_nothing(told: Told) -> None:
    await told.now(do="deny-writes", resource="deployments", message="", code=400)
    status, body = await told.label()
    assert status == body["code"] == 400
    assert body["message"] == 'admission webhook "policy.drill.local" denied the request without explanation'
    assert "reason" not in body


async def test_a_webhook_denies_dry_runs_creates_and_deletes_too(told: Told) -> None:
    await told.now(do="deny-writes", resource="deployments")
    _, before = await told.api.ask("GET", BRIDGE)
    new = {"metadata": {"name": "new"}, "spec": before["spec"]}
    for method, path, body in (
        ("PATCH", f"{BRIDGE}?dryRun=All", {"metadata": {"labels": {"touched": "yes"}}}),
        ("PUT", BRIDGE, before),
        ("POST", HOME, new),
        ("DELETE", BRIDGE, None),
    ):
        headers = {"Content_Type": MERGE} if method == "PATCH" else {}
        status, answer = await told.api.ask(method, path, body, **headers)
        assert (status, answer["message"][:17]) == (403, "admission webhook"), method
    assert await told.api.get(BRIDGE) == before
    assert (await told.api.ask("GET", f"{HOME}/new"))[0] == 404


@pytest.mark.parametrize(
    ("resource", "deployment", "scale", "pod"),
    [
        ("deployments", 403, 200, 200),
        ("deployments/scale", 200, 403, 200),
        ("deployments/*", 403, 403, 200),
        ("*/scale", 200, 403, 200),
        ("*", 403, 200, 403),
        ("*/*", 403, 403, 403),
        ("pods", 200, 200, 403),
    ],
)
async def test_a_webhooks_rule_picks_resources_as_rules_do(
    told: Told, resource: str, deployment: int, scale: int, pod: int
) -> None:
    await told.now(do="deny-writes", resource=resource)
    [name, *_] = await told.pods()
    scaled = await told.api.ask("PATCH", f"{BRIDGE}/scale", {"spec": {"replicas": 2}}, Content_Type=MERGE)
    deleted = await told.api.ask("DELETE", f"{PODS}/{name}")
    assert ((await told.label())[0], scaled[0], deleted[0]) == (deployment, scale, pod)


async def test_a_webhook_that_denies_only_deletes_lets_the_rest_through(told: Told) -> None:
    await told.now(do="deny-writes", resource="deployments", operations=["DELETE"])
    assert (await told.label())[0] == 200
    assert (await told.api.ask("DELETE", BRIDGE))[0] == 403


async def test_what_is_wrong_in_itself_is_refused_before_any_webhook_is_asked(told: Told) -> None:
    await told.now(do="deny-writes", resource="deployments")
    assert (await told.label(resourceVersion="1"))[0] == 409
    status, _ = await told.api.ask("PATCH", BRIDGE, {"spec": {"replicas": -1}}, Content_Type=MERGE)
    assert status == 422
    stale = {"preconditions": {"uid": "another"}}
    assert (await told.api.ask("DELETE", BRIDGE, stale))[0] == 409
    assert (await told.label(f"{HOME}/nothing"))[0] == 404


async def test_pods_that_a_webhook_denies_are_missed_by_their_replica_set_and_told_of(told: Told) -> None:
    await told.now(do="deny-writes", resource="pods", operations=["CREATE"], message="no pods today")
    await told.api.ask("PATCH", f"{BRIDGE}/scale", {"spec": {"replicas": 4}}, Content_Type=MERGE)
    told.cluster.pass_time(30)
    said = 'admission webhook "policy.drill.local" denied the request: no pods today'
    assert told.events("FailedCreate")[0]["message"] == f"Error creating: {said}"
    conditions = (await told.api.get(BRIDGE))["status"]["conditions"]
    assert [c["message"] for c in conditions if c["type"] == "ReplicaFailure"] == [said]
    await told.hindrances.recover()
    told.cluster.pass_time(60)
    assert len(await told.pods()) == 4


async def test_recovery_ends_a_webhook(told: Told) -> None:
    await told.now(do="deny-writes")
    await told.now(do="deny-writes", resource="pods")
    await told.hindrances.recover()
    assert (await told.label())[0] == 200
    assert told.hindrances.names() == []


async def test_a_busybody_makes_what_was_read_stale(told: Told) -> None:
    before = await told.api.get(BRIDGE)
    told.cluster.sleep = _soon
    await told.now(do="busybody", rate=1000.0)
    async with asyncio.timeout(20):
        while int((await told.api.get(BRIDGE))["metadata"]["annotations"].get(BUSY, "0")) < 2:
            pass
    assert (await told.label(resourceVersion=before["metadata"]["resourceVersion"]))[0] == 409
    managers = {entry["manager"] for entry in (await told.api.get(BRIDGE))["metadata"]["managedFields"]}
    assert "busybody" in managers
    assert told.hindrances.names() == ["busybody"]
    await told.now(do="busybody", rate=0.0)
    assert told.hindrances.names() == []
    quiet = await told.api.get(BRIDGE)
    await asyncio.sleep(0)
    assert await told.api.get(BRIDGE) == quiet


async def _soon(seconds: float) -> None:
    await asyncio.sleep(0.001)


async def test_an_expired_token_is_refused_until_recovery_and_only_that(told: Told) -> None:
    await told.now(do="expire-token")
    status, body = await told.api.ask("GET", BRIDGE)
    assert (status, body["reason"], body["message"]) == (401, "Unauthorized", "Unauthorized")
    assert (await told.api.ask("GET", BRIDGE, Authorization="Bearer admin"))[0] == 200
    assert told.hindrances.names() == ["expire-token"]
    await told.hindrances.recover()
    assert (await told.api.ask("GET", BRIDGE))[0] == 200


async def test_an_outage_ends_after_its_time(told: Told) -> None:
    over = asyncio.Event()

    async def sleep(seconds: float) -> None:
        assert seconds == 12.0
        await over.wait()

    told.cluster.sleep = sleep
    await told.now(do="api-outage", seconds=12)
    assert (told.away, told.hindrances.names()) == ([True], ["api-outage"])
    over.set()
    await until(lambda: told.away == [True, False])
    assert told.hindrances.names() == []


async def test_an_outage_ends_with_recovery_and_does_not_end_the_next_one(told: Told) -> None:
    await told.now(do="api-outage")
    await told.hindrances.recover()
    assert (told.away, told.hindrances.names()) == ([True, False], [])
    await told.now(do="api-outage")
    assert told.away == [True, False, True]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"do": "deny-writes", "resource": "deployment"}, "'deployment' is not one of namespaces, nodes, pods"),
        ({"do": "deny-writes", "code": 500}, "code"),
        ({"do": "quota", "pods": -1}, "-1 is not a number of pods"),
        ({"do": "busybody", "deployment": "bridge"}, "'bridge' is not one of aurora-bridge"),
        ({"do": "busybody", "rate": -1.0}, "-1.0 is not between 0 and 1000"),
        ({"do": "api-outage", "seconds": 0}, "0.0 is not above 0"),
        ({"do": "expire-token", "user": "ada"}, "Invalid enum value 'ada'"),
    ],
)
async def test_what_cannot_happen_is_refused_with_its_place(event: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        event_of(event)


async def test_a_quota_lets_no_pod_more_come_until_recovery(told: Told) -> None:
    await told.now(do="quota")
    assert told.hindrances.names() == ["quota"]
    await told.api.ask("PATCH", f"{BRIDGE}/scale", {"spec": {"replicas": 5}}, Content_Type=MERGE)
    told.cluster.pass_time(60)
    assert len(await told.pods()) == 3
    assert (
        "exceeded quota: drill, requested: pods=1, used: pods=6, limited: pods=6"
        in (told.events("FailedCreate")[0]["message"])
    )
    await told.hindrances.recover()
    told.cluster.pass_time(60)
    assert (len(await told.pods()), told.hindrances.names()) == (5, [])


async def test_a_quota_may_be_set_anew(told: Told) -> None:
    await told.now(do="quota", pods=2)
    await told.now(do="quota", pods=7)
    quota = await told.api.get(f"/api/v1/namespaces/{NAMESPACE}/resourcequotas/drill")
    assert quota["spec"] == {"hard": {"pods": "7"}}
