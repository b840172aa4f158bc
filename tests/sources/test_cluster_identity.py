"""Another cluster behind the same address is noticed, whoever looks and whatever was refused before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from aurora_tui.kube.access import Access, User
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.pace import Pace
from aurora_tui.sources import cluster_identity, cluster_life
from aurora_tui.sources.cluster_identity import AnotherCluster, Identity
from aurora_tui.sources.cluster_life import Life
from tests.kube.api_server import ApiServer, fails
from tests.kube.conditions import until

SYSTEM = "/api/v1/namespaces/kube-system"
PROD = "/api/v1/namespaces/prod"


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer() as made:
        yield made


@pytest.fixture
async def connection(server: ApiServer) -> AsyncIterator[Connection]:
    access = Access(context="test", cluster="test", server=server.url, namespace="prod", user=User(name="ada"))
    made = Connection(access)
    yield made
    await made.close()


async def look(identity: Identity, connection: Connection) -> None:
    await identity.check(connection, Pace(), "prod", thorough=True, sure=True)


async def test_a_look_that_opens_the_gate_for_who_rests_after_a_break_sees_who_answers(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, server: ApiServer
) -> None:
    monkeypatch.setattr(cluster_life, "PROBE_EVERY", 0.05)
    monkeypatch.setattr(cluster_life, "THOROUGH_EVERY", 1_000_000)
    monkeypatch.setattr("aurora_tui.kube.pace.MOST", 1000)
    swapped: list[float] = []

    async def renew() -> Access:
        return connection.access

    life = Life(
        connection, "prod", identity=Identity(), pace=Pace(), renew=renew,
        said=lambda: None, revived=lambda broken: None, swapped=swapped.append,
    )  # fmt: skip
    running = asyncio.create_task(life.run())
    try:
        await until(lambda: life.user is not None)
        server.namespaces["kube-system"] = "another"
        life.gate.doubt(time.monotonic())  # cut off, and not waiting yet
        await until(lambda: swapped or not life.gate.doubted)
        assert swapped, "the gate was opened by a look that did not see who answers"
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_what_was_refused_for_a_while_is_asked_again(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, server: ApiServer
) -> None:
    identity = Identity()
    await look(identity, connection)
    server.always[SYSTEM] = server.always[PROD] = fails(403, "Forbidden")
    await look(identity, connection)
    server.always.clear()
    server.namespaces["kube-system"] = "another"
    server.requests.clear()
    await look(identity, connection)
    assert not server.requests, "a role that is missing is not asked for at every look"
    monkeypatch.setattr(cluster_identity, "ASKED_AGAIN", 0.0)
    with pytest.raises(AnotherCluster, match="the uid of kube-system is another, it was uid-kube-system"):
        await look(identity, connection)
