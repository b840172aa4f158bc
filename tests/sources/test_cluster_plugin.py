"""An exec plugin runs once, before the screen opens; what it printed carries the console's own event loop."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from aurora_tui.commands.console import _authenticated, _may_need_a_plugin
from aurora_tui.errors import AuroraError
from aurora_tui.kube import credentials
from aurora_tui.settings import Settings
from aurora_tui.situation.situation import Situation
from aurora_tui.sources.cluster import ClusterSource
from tests.kube.api_server import ApiServer, fails, pod
from tests.kube.conditions import until
from tests.sources.test_cluster import DEPLOYMENTS, PODS, Told, deployment, kubeconfig, settings

V1 = "client.authentication.k8s.io/v1"


def signs_in_with(folder: Path, url: str, body: str) -> Settings:
    """Settings whose kubeconfig names a plugin that runs `body`, and writes a line to `runs` each time."""
    made = settings(folder, url)
    plugin = folder / "login"
    plugin.write_text(f"#!/bin/sh\necho run >> {folder}/runs\n{body}\n")
    plugin.chmod(0o755)
    user = {"exec": {"apiVersion": V1, "command": str(plugin)}}
    (folder / "config").write_text(json.dumps({**kubeconfig(url), "users": [{"name": "me", "user": user}]}))
    return made


def once(folder: Path, token: str) -> str:
    """A login that works a single time, as a one-time code does."""
    credential = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": {"token": token}})
    return f"[ $(wc -l < {folder}/runs) = 1 ] || exit 9\necho '{credential}'"


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


async def test_a_credential_of_one_event_loop_serves_the_next(tmp_path: Path) -> None:
    async with ApiServer() as server:
        await server.put(DEPLOYMENTS, deployment("bridge"))
        await server.put(PODS, pod("p0"))
        made = signs_in_with(tmp_path, server.url, once(tmp_path, "printed-once"))
        source, told = ClusterSource(made), Told()
        await asyncio.to_thread(asyncio.run, source.authenticate())
        assert server.requests == [], "the API is asked by the console alone"
        task = asyncio.create_task(source.run(told.append))
        await until(lambda: told.seen and server.watching == 4)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()
    assert told.failed == []
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer printed-once"}
    assert runs(tmp_path) == 1


async def test_the_console_opens_with_what_the_plugin_printed_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with ApiServer() as server:
        await server.put(DEPLOYMENTS, deployment("bridge"))
        await server.put(PODS, pod("p0"))
        made = signs_in_with(tmp_path, server.url, once(tmp_path, "printed-once"))
        assert _may_need_a_plugin(made)
        feed = await asyncio.to_thread(_authenticated, made)
        seen: list[Situation] = []
        task = asyncio.create_task(feed.run(seen.append))
        await until(lambda: seen and seen[-1].deployments)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await feed.close()
    assert runs(tmp_path) == 1
    assert capsys.readouterr().err == ""


async def test_a_refused_credential_is_asked_for_again(tmp_path: Path) -> None:
    async with ApiServer() as server:
        await server.put(DEPLOYMENTS, deployment("bridge"))
        await server.put(PODS, pod("p0"))
        credential = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "T"}})
        token = f"""echo '{credential}' | sed "s/\\"T\\"/\\"t$(wc -l < {tmp_path}/runs)\\"/" """
        source, told = ClusterSource(signs_in_with(tmp_path, server.url, token)), Told()
        await asyncio.to_thread(asyncio.run, source.authenticate())
        server.misdeeds["/readyz"] = [fails(401, "Unauthorized", "Unauthorized")]
        task = asyncio.create_task(source.run(told.append))
        await until(lambda: told.seen)
        await until(lambda: server.headers[-1]["Authorization"] == "Bearer t2")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()
    assert runs(tmp_path) == 2


@pytest.mark.parametrize("body", ["sleep 60", "trap '' TERM INT HUP; while :; do sleep 60; done", "sleep 60 & exit 0"])
def test_a_plugin_that_hangs_is_cut_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(credentials, "PLUGIN_SECONDS", 0.5)
    source = ClusterSource(signs_in_with(tmp_path, "http://127.0.0.1:1", body))
    began = time.monotonic()
    with pytest.raises(AuroraError, match=r"login gave nothing within 0\.5 s\. Run it by hand"):
        asyncio.run(source.authenticate())
    assert time.monotonic() - began < 30.0, "it sleeps for 60 s"


def test_a_plugin_that_hangs_does_not_keep_the_console_shut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(credentials, "PLUGIN_SECONDS", 0.5)
    feed = _authenticated(signs_in_with(tmp_path, "http://127.0.0.1:1", "sleep 60"))
    said = capsys.readouterr().err
    assert "login gave nothing within 0.5 s" in said
    assert "The console opens without the cluster." in said
    asyncio.run(feed.close())
