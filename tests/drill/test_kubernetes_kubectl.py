"""The real kubectl works on the embedded API unchanged."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from aurora_tui.clock import Clock
from aurora_tui.drill.kubernetes import Behaviour, Cluster, kubeconfig, kubernetes_app, loopback_tls
from tests.drill.clusters import NAMESPACE, deployment, namespace

pytestmark = pytest.mark.needs("kubectl")
_SPEED = 30.0
BRIDGE = "deployment/aurora-bridge"


class Kubectl:
    """kubectl with a home and a kubeconfig of its own, against a cluster of 30-fold speed."""

    def __init__(self, home: Path, config: str, cluster: Cluster) -> None:
        self.cluster = cluster
        self._config = home / "kubeconfig"
        self._config.write_text(config)
        self._environment = {"HOME": str(home), "KUBECONFIG": str(self._config), "PATH": os.environ["PATH"]}

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            "kubectl", *words, env=self._environment, stdout=pipe, stderr=pipe, stdin=asyncio.subprocess.DEVNULL
        )

    async def __call__(self, *words: str, fails: bool = False) -> str:
        """What it prints (standard error when it `fails`)."""
        process = await self.start(*words)
        async with asyncio.timeout(30):
            out, wrong = await process.communicate()
        assert (process.returncode != 0) is fails, wrong.decode()
        return (wrong if fails else out).decode()


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    now = Clock().now()
    # The drill's clock ends up at the wall's, so that kubectl's ages make sense.
    clock = Clock(now, now - 600, _SPEED)
    cluster = Cluster(clock.now, clock.sleep, seed=1)
    for image, ago in (("aurora/bridge:1", 5 * 86400), ("aurora/bridge:2", 7200)):
        cluster.apply_manifests([namespace(), deployment(image)], at=clock.now() - ago)
        cluster.settle()
    tls = loopback_tls()
    runner = web.AppRunner(kubernetes_app(cluster, {"token": "admin"}), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.context)
    await site.start()
    living = asyncio.create_task(cluster.run())
    port = runner.addresses[0][1]
    config = kubeconfig(f"https://127.0.0.1:{port}", "token", NAMESPACE, ca_pem=tls.ca_pem)
    yield Kubectl(tmp_path, config, cluster)
    cluster.close()
    await living
    await runner.cleanup()


async def test_get_prints_the_tables(kubectl: Kubectl) -> None:
    pods, deployments, wide = await asyncio.gather(
        kubectl("get", "pods"), kubectl("get", "deploy,rs"), kubectl("get", "pods", "-o", "wide")
    )
    assert pods.split("\n")[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert [line.split()[1:4] for line in pods.splitlines()[1:]] == [["1/1", "Running", "0"]] * 3
    assert [line.split() for line in deployments.splitlines()][1][1:4] == ["3/3", "3", "3"]
    assert "NOMINATED NODE" in wide
    assert "node-0" in wide


async def test_get_gives_json_and_describe_tells_the_story(kubectl: Kubectl) -> None:
    found, told = await asyncio.gather(kubectl("get", BRIDGE, "-o", "json"), kubectl("describe", BRIDGE))
    assert json.loads(found)["status"]["readyReplicas"] == 3
    assert "Replicas:               3 desired | 3 updated | 3 total | 3 available | 0 unavailable" in told
    assert "NewReplicaSetAvailable" in told


async def test_a_rollout_is_set_followed_listed_and_undone(kubectl: Kubectl) -> None:
    assert "image updated" in await kubectl("set", "image", BRIDGE, "bridge=aurora/bridge:3")
    assert "annotated" in await kubectl("annotate", BRIDGE, "kubernetes.io/change-cause=third", "--overwrite")
    assert "successfully rolled out" in await kubectl("rollout", "status", BRIDGE)
    history = [line.split() for line in (await kubectl("rollout", "history", BRIDGE)).splitlines()[2:] if line]
    assert history == [["1", "aurora/bridge:1"], ["2", "aurora/bridge:2"], ["3", "third"]]
    assert "rolled back" in await kubectl("rollout", "undo", BRIDGE)
    assert "successfully rolled out" in await kubectl("rollout", "status", BRIDGE)
    image = await kubectl("get", BRIDGE, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert image == "aurora/bridge:2"


async def test_a_failed_rollout_is_told_as_such(kubectl: Kubectl) -> None:
    kubectl.cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(after=1), image="aurora/bridge:bad")
    await kubectl("patch", BRIDGE, "-p", '{"spec": {"progressDeadlineSeconds": 20}}')
    await kubectl("set", "image", BRIDGE, "bridge=aurora/bridge:bad")
    assert "exceeded its progress deadline" in await kubectl("rollout", "status", BRIDGE, fails=True)
    assert "CrashLoopBackOff" in await kubectl("get", "pods")


async def test_it_scales_restarts_pauses_and_deletes(kubectl: Kubectl) -> None:
    assert "scaled" in await kubectl("scale", BRIDGE, "--replicas=1", "--current-replicas=3")
    assert "restarted" in await kubectl("rollout", "restart", BRIDGE)
    assert "successfully rolled out" in await kubectl("rollout", "status", BRIDGE)
    assert "paused" in await kubectl("rollout", "pause", BRIDGE)
    assert "resumed" in await kubectl("rollout", "resume", BRIDGE)
    assert "deleted" in await kubectl("delete", BRIDGE, "--cascade=foreground")
    assert await kubectl("get", "rs,pods") == ""


async def test_it_prints_logs(kubectl: Kubectl) -> None:
    assert (await kubectl("logs", BRIDGE, "--tail=1")).count("\n") == 1


async def test_it_follows_a_log(kubectl: Kubectl) -> None:
    following = await kubectl.start("logs", "-f", BRIDGE, "--tail=0")
    assert following.stdout is not None
    async with asyncio.timeout(20):
        lines = [await following.stdout.readline() for _ in range(2)]
    following.terminate()
    await following.wait()
    assert all(b'msg="alive"' in line for line in lines)


async def test_it_asks_who_it_is_and_what_it_may(kubectl: Kubectl) -> None:
    may, who = await asyncio.gather(
        kubectl("auth", "can-i", "patch", "deployments/aurora-bridge", "--subresource=scale"), kubectl("auth", "whoami")
    )
    assert may == "yes\n"
    assert "admin" in who


async def test_get_watch_sees_a_pod_go_and_another_come(kubectl: Kubectl) -> None:
    watching = await kubectl.start("get", "pods", "-w")
    assert watching.stdout is not None
    lines = [(await watching.stdout.readline()).decode() for _ in range(4)]
    name = lines[1].split()[0]
    await kubectl("delete", "pod", name, "--wait=false")
    seen: list[list[str]] = []
    async with asyncio.timeout(20):
        while not any(line[0] not in "".join(lines) and line[1:3] == ["1/1", "Running"] for line in seen):
            seen.append((await watching.stdout.readline()).decode().split())
    watching.terminate()
    await watching.wait()
    assert any(line[0] == name and line[2] == "Terminating" for line in seen)
