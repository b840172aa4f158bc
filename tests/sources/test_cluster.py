"""The cluster source tells what a cluster holds, and never claims to know more than it does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiohttp import web

from aurora_tui.clock import WALL, Clock
from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings
from aurora_tui.situation.mission import ClusterSource as ClusterTable
from aurora_tui.situation.mission import Environment, Mission, MissionIdentity, WorkloadRoles
from aurora_tui.situation.observation import ClusterObserved, Observation, SourceFailed
from aurora_tui.sources import cluster as cluster_module
from aurora_tui.sources import cluster_life, cluster_view
from aurora_tui.sources.cluster import ClusterSource, read_rights
from aurora_tui.sources.projection import Projection, Seen
from tests.kube.api_server import ApiServer, error_event, fails, hangs, open_stream, pod
from tests.kube.conditions import until

PODS = "/api/v1/namespaces/prod/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/prod/deployments"
REPLICASETS = "/apis/apps/v1/namespaces/prod/replicasets"
EVENTS = "/api/v1/namespaces/prod/events"
NOWHERE = "http://127.0.0.1:1"


def settings(folder: Path, url: str, clock: Clock = WALL, **cluster: Any) -> Settings:
    (folder / "config").write_text(json.dumps(kubeconfig(url)))
    table = ClusterTable(**({"namespace": "prod", "kubeconfig": str(folder / "config")} | cluster))
    environment = Environment(cluster=table)
    mission = Mission(
        mission=MissionIdentity(name="A", release="1", treaty="T"),
        slo=(),
        criterion=(),
        phase=(),
        environments={"test": environment},
        workloads=WorkloadRoles(canary="bridge", stable="bridge-v0"),
    )
    return Settings(
        mission=mission,
        environment_name="test",
        environment=environment,
        files=(),
        ledger=folder / "ledger",
        theme="aurora-dark",
        read_only=False,
        clock=clock,
    )


def kubeconfig(url: str, token: str = "t") -> dict[str, Any]:
    return {
        "current-context": "eu/prod",
        "contexts": [{"name": "eu/prod", "context": {"cluster": "k", "user": "me"}}],
        "clusters": [{"name": "k", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": token}}],
    }


def deployment(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "prod", "uid": f"d-{name}", "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
                   "availableReplicas": 1},
    }  # fmt: skip


def of(uid: str) -> dict[str, Any]:
    """Metadata of what this one controls."""
    return {"ownerReferences": [{"uid": uid, "controller": True}]}


class Told(list[Observation]):
    @property
    def seen(self) -> list[ClusterObserved]:
        return [one for one in self if isinstance(one, ClusterObserved)]

    @property
    def failed(self) -> list[SourceFailed]:
        return [one for one in self if isinstance(one, SourceFailed)]

    def last(self, holds: Callable[[ClusterObserved], bool]) -> Callable[[], bool]:
        return lambda: bool(self.seen) and holds(self.seen[-1])


@asynccontextmanager
async def watching(source: ClusterSource) -> AsyncIterator[Told]:
    told = Told()
    task = asyncio.create_task(source.run(told.append))
    try:
        yield told
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_life, "PROBE_EVERY", 0.5)
    monkeypatch.setattr(cluster_view, "LOOK_EVERY", 0.1)
    monkeypatch.setattr("aurora_tui.kube.backoff.FIRST", 0.05)
    monkeypatch.setattr("aurora_tui.kube.pace.MOST", 1000)
    monkeypatch.setattr("aurora_tui.kube.pace.Knock.EVERY", 0.05)
    monkeypatch.setattr("aurora_tui.kube.reflector.SHORT", 0.1)
    monkeypatch.setattr("aurora_tui.kube.hearing.STANDS", 0.1)


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer() as made:
        await made.put(DEPLOYMENTS, deployment("bridge"))
        await made.put(PODS, pod("p0"))
        yield made


async def test_the_first_answer_is_whole_and_says_which_cluster_and_who_we_are(
    server: ApiServer, tmp_path: Path
) -> None:
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(told.last(lambda one: one.workloads.identity is not None and one.latency is not None))
        first, last = told.seen[0], told.seen[-1]
        assert [row.name for row in first.workloads.deployments] == ["bridge"]
        assert [row.name for row in first.workloads.pods] == ["p0"]
        assert (last.workloads.cluster, last.workloads.server) == ("eu/prod", server.url)
        assert (last.workloads.identity, last.version) == ("ada", "v1.35.0")
        assert last.skew is not None
        assert abs(last.skew) < 2
        assert last.notes == ()


async def test_many_changes_are_told_together(server: ApiServer, tmp_path: Path) -> None:
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen and server.watching == 4)
        before = len(told)
        for number in range(200):
            await server.put(PODS, pod(f"many{number}"))
        await until(told.last(lambda one: len(one.workloads.pods) == 201))
        assert len(told) - before <= 6


async def test_while_the_watches_stand_the_answer_stays_fresh(server: ApiServer, tmp_path: Path) -> None:
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen)
        began = WALL.now()
        await until(told.last(lambda one: one.at > began + 0.5))


async def test_a_dead_watch_is_not_hidden_by_a_server_that_is_ready(server: ApiServer, tmp_path: Path) -> None:
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen and server.watching == 4)
        server.always["watch"] = fails(500, "InternalError", "watch is broken")
        server.always["list"] = fails(500, "InternalError", "list is broken")
        server.cut()
        stopped = WALL.now()
        await until(lambda: told.failed)
        count = server.requests.count("/readyz")
        await until(lambda: server.requests.count("/readyz") >= count + 2)
        assert told.seen[-1].at <= stopped
        assert "is broken" in told.failed[-1].error
        assert isinstance(told[-1], SourceFailed), "the failure must stay in the light"


async def test_a_server_that_is_not_ready_is_a_failure(server: ApiServer, tmp_path: Path) -> None:
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen)
        server.always["/readyz"] = fails(500, "x", "etcd failed")
        await until(lambda: told.failed)
        assert "etcd failed" in told.failed[-1].error
        del server.always["/readyz"]
        failures = len(told.failed)
        await until(lambda: isinstance(told[-1], ClusterObserved))
        assert len(told.failed) == failures


async def test_the_servers_wish_to_be_left_alone_is_heard_though_an_older_probe_hangs(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_life, "AGAIN", 0.1)
    asked: list[float] = []

    async def notes_when(request: web.Request) -> web.StreamResponse:
        asked.append(time.monotonic())
        return await fails(429, "TooManyRequests", "slowly", Retry_After="1")(request)

    server.misdeeds["/readyz"] = [hangs, notes_when, notes_when]
    async with watching(ClusterSource(settings(tmp_path, server.url))):
        await until(lambda: len(asked) == 2)
    assert asked[1] - asked[0] >= 0.99


async def test_before_everything_is_listed_nothing_is_claimed(server: ApiServer, tmp_path: Path) -> None:
    server.always[PODS] = fails(403, "Forbidden", 'User "ada" cannot list resource "pods"')
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.failed)
        assert 'cannot list resource "pods"' in told.failed[-1].error
        assert not told.seen


async def test_an_optional_resource_kept_from_us_is_a_note(server: ApiServer, tmp_path: Path) -> None:
    routes = "/apis/gateway.networking.k8s.io/v1/namespaces/prod/httproutes"
    server.always[routes] = fails(403, "Forbidden", "no routes for you")
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(told.last(lambda one: any("httproutes are not shown" in note for note in one.notes)))
        assert not told.failed


async def test_a_route_decides_the_traffic(server: ApiServer, tmp_path: Path) -> None:
    server.present.add("httproutes")
    refs = [{"name": "bridge", "weight": 5}, {"name": "bridge-v0", "weight": 95}]
    route = {"metadata": {"name": "r", "uid": "r"}, "spec": {"rules": [{"backendRefs": refs}]}}
    await server.put("/apis/gateway.networking.k8s.io/v1/namespaces/prod/httproutes", route)
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(told.last(lambda one: one.workloads.deployments[0].traffic == 0.05))
        assert told.seen[-1].workloads.deployments[0].traffic_basis == "HTTPRoute r"


async def test_a_namespace_that_is_not_there_or_goes_is_a_note(server: ApiServer, tmp_path: Path) -> None:
    server.always["/api/v1/namespaces/prod"] = fails(404, "NotFound")
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(told.last(lambda one: one.notes == ("namespace prod does not exist in this cluster",)))
        assert (told.seen[-1].workloads.namespace_missing, told.seen[-1].workloads.namespace_terminating) == (
            True,
            False,
        )


async def test_a_namespace_that_is_being_deleted_is_told(server: ApiServer, tmp_path: Path) -> None:
    async def going(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"name": "prod"}, "status": {"phase": "Terminating"}})

    server.always["/api/v1/namespaces/prod"] = going
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(told.last(lambda one: one.workloads.namespace_terminating))
        assert not told.seen[-1].workloads.namespace_missing


async def test_who_may_not_read_the_namespace_still_learns_who_they_are(server: ApiServer, tmp_path: Path) -> None:
    server.always["/api/v1/namespaces/prod"] = fails(403, "Forbidden")
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(told.last(lambda one: one.workloads.identity == "ada"))
        assert [path for path in server.requests if path == "/api/v1/namespaces/prod"] in (
            [],
            ["/api/v1/namespaces/prod"],
        )
        assert not told.seen[-1].workloads.namespace_missing


async def test_other_namespaces_are_watched_too(server: ApiServer, tmp_path: Path) -> None:
    await server.put("/api/v1/namespaces/extra/pods", pod("guest", namespace="extra"))
    async with watching(ClusterSource(settings(tmp_path, server.url, extra_namespaces=("extra",)))) as told:
        await until(told.last(lambda one: {row.namespace for row in one.workloads.pods} == {"prod", "extra"}))


async def test_a_410_is_not_worth_a_word(server: ApiServer, tmp_path: Path) -> None:
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen and server.watching == 4)
        server.misdeeds["watch"] = [error_event(410, "Expired")]
        server.cut()
        await server.put(PODS, pod("after"))
        await until(told.last(lambda one: len(one.workloads.pods) == 2))


async def test_what_changes_while_rows_are_made_is_told_after_them(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: set[str] = set()
    hears, makes_rows = cluster_view.ClusterView._changed, Projection.catch_up

    def hear(self: cluster_view.ClusterView, uids: frozenset[str]) -> None:
        heard.update(uids)
        hears(self, uids)

    async def is_overtaken(self: Projection, seen: Seen, *rest: Any) -> None:
        monkeypatch.setattr(Projection, "catch_up", makes_rows)
        await server.put(
            REPLICASETS, {"metadata": {"name": "bridge-1", "namespace": "prod", "uid": "rs"} | of("d-bridge")}
        )
        await until(lambda: "rs" in heard)
        await makes_rows(self, seen, *rest)

    monkeypatch.setattr(cluster_view.ClusterView, "_changed", hear)
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen and server.watching == 4)
        monkeypatch.setattr(Projection, "catch_up", is_overtaken)
        made = pod("p1")
        await server.put(PODS, {**made, "metadata": made["metadata"] | of("rs")})
        await until(told.last(lambda one: "bridge" in {row.owner for row in one.workloads.pods}))


async def test_after_a_fault_of_our_own_nobody_lists_before_it_is_known_who_answers(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ClusterSource(settings(tmp_path, server.url))
    source._identity.system = "the first one's"
    async with watching(source) as told:
        await until(lambda: any("ANOTHER CLUSTER" in one.error for one in told.failed))
        assert not [path for path in server.requests if "limit=500" in path]


async def test_when_the_last_required_list_works_again_a_sign_of_life_is_asked_for_at_once(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_life, "PROBE_EVERY", 3600.0)
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen and server.watching == 4)
        server.always[PODS] = server.always[EVENTS] = fails(500)
        server.cut()
        await until(lambda: told.failed and server.watching == 2)
        del server.always[PODS]
        over = WALL.now()
        await until(told.last(lambda one: one.at >= over))


async def test_what_is_required_waits_for_no_list_of_what_is_optional(server: ApiServer, tmp_path: Path) -> None:
    async def drips(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await fails(410, "Expired")(request)
        response = await open_stream(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.1)

    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen and server.watching == 4)
        server.always[EVENTS] = drips
        server.requests.clear()
        server.cut()
        await until(lambda: server.watching == 3 and any("events?limit" in path for path in server.requests))
        server.version += 10
        server.compacted = server.version
        server.cut()
        await server.put(PODS, pod("after"))
        await until(told.last(lambda one: "after" in {row.name for row in one.workloads.pods}), 20.0)


async def test_a_look_that_is_wanted_in_between_is_one_request_and_one_that_is_wanted_during_another_comes(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_life, "PROBE_EVERY", 3600.0)
    lives: list[cluster_life.Life] = []
    run = cluster_life.Life.run

    async def noted(life: cluster_life.Life) -> NoReturn:
        lives.append(life)
        await run(life)

    async def wanted_meanwhile(_: web.Request) -> web.StreamResponse:
        lives[0].look_now()
        return web.Response(text="ok")

    monkeypatch.setattr(cluster_life.Life, "run", noted)
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen and server.watching == 4)
        server.requests.clear()
        server.misdeeds["/readyz"] = [wanted_meanwhile] * 3
        lives[0].look_now()
        await until(lambda: len(server.requests) >= 4)
        assert server.requests == ["/readyz"] * 4


async def test_a_proxys_page_in_another_encoding_does_not_end_the_source(server: ApiServer, tmp_path: Path) -> None:
    async def forbidden(request: web.Request) -> web.StreamResponse:
        return web.Response(status=403, body='{"message": "gesperrt für Gäste"}'.encode("latin-1"))

    server.always["list"] = forbidden
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.failed)
        assert "403" in told.failed[0].error
        del server.always["list"]
        await until(lambda: told.seen)


async def test_a_fault_of_our_own_is_told_and_the_source_goes_on(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = cluster_view.ClusterView.look_forever

    async def fails_once(self: cluster_view.ClusterView) -> NoReturn:
        monkeypatch.setattr(cluster_view.ClusterView, "look_forever", well)
        raise ValueError("a bug \x1b[31m of ours")

    monkeypatch.setattr(cluster_view.ClusterView, "look_forever", fails_once)
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen)
        words = "unexpected ValueError while watching the cluster: a bug of ours. Please report it."
        assert told.failed[0].error.replace("  ", " ") == words


async def test_nobody_there_is_told_and_tried_again(tmp_path: Path) -> None:
    async with watching(ClusterSource(settings(tmp_path, NOWHERE))) as told:
        await until(lambda: told.failed)
        assert "cannot connect to http://127.0.0.1:1" in told.failed[0].error
        assert not told.seen


async def test_a_bad_kubeconfig_is_told_and_read_again(server: ApiServer, tmp_path: Path) -> None:
    source = ClusterSource(settings(tmp_path, server.url))
    (tmp_path / "config").write_text("{}")
    async with watching(source) as told:
        await until(lambda: told.failed)
        assert "no current context" in told.failed[0].error
        (tmp_path / "config").write_text(json.dumps(kubeconfig(server.url)))
        await until(lambda: told.seen)


async def test_a_401_reads_the_credentials_anew(server: ApiServer, tmp_path: Path) -> None:
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen)
        (tmp_path / "config").write_text(json.dumps(kubeconfig(server.url, "renewed")))
        server.misdeeds["/readyz"] = [fails(401, "Unauthorized", "Unauthorized")]
        await until(lambda: server.headers[-1]["Authorization"] == "Bearer renewed")
        assert "sign in again" in told.failed[0].error


async def test_a_token_file_that_is_renewed_is_taken_up_and_nothing_is_listed_again(
    server: ApiServer, tmp_path: Path
) -> None:
    made = settings(tmp_path, server.url)
    token = tmp_path / "token"
    token.write_text("old\n")
    config = {**kubeconfig(server.url), "users": [{"name": "me", "user": {"tokenFile": str(token)}}]}
    (tmp_path / "config").write_text(json.dumps(config))
    async with watching(ClusterSource(made)) as told:
        await until(lambda: told.seen and server.watching == 4)
        listed = [path for path in server.requests if "limit=" in path]
        server.always["/readyz"] = server.always["watch"] = fails(401, "Unauthorized", "Unauthorized")
        server.cut()
        await until(lambda: told.failed)
        token.write_text("new\n")
        server.always.clear()
        await until(lambda: server.watching == 4 and isinstance(told[-1], ClusterObserved))
        assert server.headers[-1]["Authorization"] == "Bearer new"
        assert [path for path in server.requests if "limit=" in path] == listed
        assert [row.name for row in told.seen[-1].workloads.pods] == ["p0"]


async def test_a_context_that_now_points_elsewhere_is_refused(server: ApiServer, tmp_path: Path) -> None:
    async with watching(ClusterSource(settings(tmp_path, server.url))) as told:
        await until(lambda: told.seen)
        (tmp_path / "config").write_text(json.dumps(kubeconfig(NOWHERE)))
        server.misdeeds["/readyz"] = [fails(401, "Unauthorized", "Unauthorized")]
        await until(lambda: any("now points to another cluster" in one.error for one in told.failed))


async def test_in_a_drill_freshness_is_world_time(server: ApiServer, tmp_path: Path) -> None:
    clock = Clock(real_origin=WALL.now(), world_origin=1000.0, speed=20.0)
    source = ClusterSource(settings(tmp_path, server.url, clock))
    assert source.light.interval == 100.0
    async with watching(source) as told:
        await until(told.last(lambda one: one.latency is not None))
        assert 1000.0 <= told.seen[-1].at <= clock.now()
        assert told.seen[-1].skew is not None
        assert abs(told.seen[-1].skew) < 2


async def test_prepare_runs_the_exec_plugin_or_says_why_not(tmp_path: Path) -> None:
    made = settings(tmp_path, NOWHERE)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login"}
    config = {**kubeconfig(NOWHERE), "users": [{"name": "me", "user": {"exec": plugin}}]}
    (tmp_path / "config").write_text(json.dumps(config))
    with pytest.raises(AuroraError, match="no-such-login cannot be run"):
        await ClusterSource(made).authenticate()


async def test_a_pods_log_is_read(server: ApiServer, tmp_path: Path) -> None:
    source = ClusterSource(settings(tmp_path, server.url))
    assert await source.pod_log("prod", "p0", None, 10) == "one\ntwo\n"
    await source.close()


async def test_rights_are_asked_of_the_cluster(server: ApiServer, tmp_path: Path) -> None:
    rights = await read_rights(settings(tmp_path, server.url))
    assert {(right.verb, right.resource) for right in rights if not right.allowed} == {
        ("list", "events"),
        ("watch", "events"),
    }
    assert ("get", "pods/log") in {(right.verb, right.resource) for right in rights}
    assert cluster_module.NAME == "cluster"
