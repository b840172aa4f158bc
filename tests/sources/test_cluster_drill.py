"""The cluster source against the embedded cluster: what a drill shows is what its controllers did."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp.test_utils import TestServer

from aurora_tui.drill.kubernetes import kubeconfig
from aurora_tui.drill.kubernetes.api import kubernetes_app
from aurora_tui.situation.workload import Rollout
from aurora_tui.sources.cluster import ClusterSource, read_rights
from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.kube.conditions import until
from tests.sources.test_cluster import Told, settings


async def test_a_rollout_in_the_embedded_cluster_is_seen_as_it_goes(tmp_path: Path) -> None:
    cluster = settled(deployment(name="bridge", replicas=3))
    server = TestServer(kubernetes_app(cluster, {"secret": "operator"}), host="127.0.0.1")
    await server.start_server()
    made = settings(tmp_path, "http://unused", namespace=NAMESPACE)
    (tmp_path / "config").write_text(kubeconfig(str(server.make_url("")).rstrip("/"), "secret", NAMESPACE))
    source, told = ClusterSource(made), Told()
    task = asyncio.create_task(source.run(told.append))
    try:
        await until(told.last(lambda one: one.workloads.identity == "operator"))
        (row,) = told.seen[-1].workloads.deployments
        assert (row.name, row.ready, row.rollout, row.revision) == ("bridge", 3, Rollout.DONE, 1)
        assert {(pod.owner, pod.reason, pod.revision) for pod in told.seen[-1].workloads.pods} == {
            ("bridge", "Running", 1)
        }
        cluster.apply_manifests([deployment(image="aurora/bridge:1.0.0", name="bridge", replicas=3)])
        cluster.pass_time(120)
        await until(
            told.last(lambda one: {pod.revision for pod in one.workloads.pods if pod.reason == "Running"} == {2})
        )
        await until(told.last(lambda one: one.workloads.deployments[0].revision == 2))
        assert told.seen[-1].workloads.deployments[0].image == "aurora/bridge:1.0.0"
        assert not told.failed, told.failed
        assert all(right.allowed for right in await read_rights(made))
        name = told.seen[-1].workloads.pods[0].name
        assert isinstance(await source.pod_log(NAMESPACE, name, None, 5), str)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()
        await server.close()
