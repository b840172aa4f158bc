"""What an act leaves for those who look with kubectl, and what happens when it may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aurora_tui.actions.plan import Subject
from aurora_tui.clock import iso
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.marks import LAST_ACT, LONGEST_MESSAGE, RUN, annotate_namespace, record_event
from aurora_tui.kube.writes import read, read_all
from tests.drill.clusters import NAMESPACE
from tests.kube.api_server import ApiServer, fails, page
from tests.kube.embedded import Desk, connection_to, desk

EVENTS = f"/api/v1/namespaces/{NAMESPACE}/events"
HOME = f"/api/v1/namespaces/{NAMESPACE}"
BRIDGE = Subject(
    kind="Deployment",
    resource="deployments.apps",
    path=f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/aurora-bridge",
    name="aurora-bridge",
    namespace=NAMESPACE,
    uid="d0a7",
    version="17",
)
ACTOR = "ada@bastion:11"


@pytest.fixture
async def here() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


async def marks(connection: Connection) -> list[dict[str, Any]]:
    found = await read_all(connection, EVENTS)
    return [event for event in found if event["reportingComponent"] == "aurora-tui"]


async def mark(connection: Connection, subject: Subject = BRIDGE, message: str = "to revision 3", **more: Any) -> Any:
    return await record_event(connection, NAMESPACE, subject, "AuroraRollback", message, "r1", actor=ACTOR, **more)


async def test_the_event_is_about_the_very_object_and_names_run_and_actor(here: Desk) -> None:
    assert await mark(here.operator, at=here.cluster.now()) is None
    [event] = await marks(here.viewer)
    assert event["involvedObject"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "aurora-bridge",
        "namespace": NAMESPACE,
        "uid": "d0a7",
        "resourceVersion": "17",
    }
    assert (event["type"], event["reason"], event["count"]) == ("Normal", "AuroraRollback", 1)
    assert event["message"] == "to revision 3 (run r1, ada@bastion:11)"
    assert event["source"] == {"component": "aurora-tui"}
    assert event["reportingInstance"] == ACTOR
    assert event["firstTimestamp"] == event["lastTimestamp"] == iso(here.cluster.now())
    assert event["metadata"]["annotations"] == {RUN: "r1"}


async def test_a_failure_is_a_warning(here: Desk) -> None:
    assert await mark(here.operator, warning=True) is None
    [event] = await marks(here.viewer)
    assert event["type"] == "Warning"


async def test_the_same_event_again_is_one_event_and_another_message_another(here: Desk) -> None:
    for _ in range(3):
        assert await mark(here.operator) is None
    assert len(await marks(here.viewer)) == 1
    assert await mark(here.operator, message="to revision 4") is None
    assert len(await marks(here.viewer)) == 2


async def test_the_event_of_a_namespace_is_in_that_namespace(here: Desk) -> None:
    subject = Subject(kind="Namespace", resource="namespaces", path=HOME, name=NAMESPACE, uid="n1")
    assert await mark(here.operator, subject) is None
    [event] = await marks(here.viewer)
    assert event["involvedObject"]["apiVersion"] == "v1"
    assert event["metadata"]["namespace"] == event["involvedObject"]["namespace"] == NAMESPACE


@pytest.mark.parametrize("message", ["x" * 5000, "é" * 5000, "\x1b[2Jclear\nthe\u202escreen", ""])
async def test_any_message_fits_is_safe_and_keeps_run_and_actor(here: Desk, message: str) -> None:
    assert await mark(here.operator, message=message) is None
    [event] = await marks(here.viewer)
    assert len(event["message"].encode()) <= LONGEST_MESSAGE
    assert event["message"].endswith("(run r1, ada@bastion:11)")
    assert not {"\x1b", "\n", "\u202e"} & set(event["message"])


@pytest.mark.parametrize("name", ["a" * 253, "system:node:x", "a" * 199 + "-" + "b" * 50])
async def test_any_object_gives_the_event_a_valid_name(here: Desk, name: str) -> None:
    subject = Subject(kind="Thing", resource="things", path=f"/api/v1/things/{name}", name=name, namespace=NAMESPACE)
    assert await mark(here.operator, subject) is None
    [event] = await marks(here.viewer)
    assert len(event["metadata"]["name"]) <= 253


async def test_the_namespace_says_what_was_done_last_and_keeps_what_it_said_before(here: Desk) -> None:
    assert await annotate_namespace(here.operator, NAMESPACE, "rollback r1 by ada") is None
    assert await annotate_namespace(here.operator, NAMESPACE, "failover\nr2 by bob") is None
    found = await read(here.viewer, HOME)
    assert found is not None
    assert found["metadata"]["annotations"] == {LAST_ACT: "failover r2 by bob"}
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": NAMESPACE}


async def test_a_missing_right_is_told_in_words(here: Desk) -> None:
    told = await mark(here.viewer)
    assert told is not None
    assert 'events is forbidden: User "vic" cannot create resource "events"' in told
    told = await annotate_namespace(here.viewer, NAMESPACE, "x")
    assert told is not None
    assert "cannot patch resource" in told
    assert await marks(here.viewer) == []


async def test_nothing_that_goes_wrong_is_raised_over_the_act() -> None:
    async with ApiServer() as server:
        url = server.url
        connection = connection_to(url, "t")
        try:
            for misdeed in (fails(409, "Conflict"), fails(500), page(502)):
                server.always[EVENTS] = server.always[HOME] = misdeed
                assert await mark(connection)
                assert await annotate_namespace(connection, NAMESPACE, "x")
        finally:
            await connection.close()
    connection = connection_to(url, "t")  # nobody listens there any more
    assert await mark(connection)
    await connection.close()
