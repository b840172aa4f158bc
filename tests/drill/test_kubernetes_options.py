"""The options of requests: versions to list and watch from, how to delete, dry runs, and refusals of nonsense."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import MERGE, Api, api_of

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
BRIDGE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/aurora-bridge"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled(deployment())) as found:
        yield found


async def names(api: Api, query: str) -> set[str]:
    return {pod["metadata"]["name"] for pod in (await api.get(f"{PODS}?{query}"))["items"]}


async def test_an_exact_list_is_of_the_past_and_one_not_older_of_the_present(api: Api) -> None:
    then = (await api.get(PODS))["metadata"]["resourceVersion"]
    before = await names(api, "")
    await api.ask("DELETE", f"{PODS}?gracePeriodSeconds=0")
    assert await names(api, f"resourceVersion={then}&resourceVersionMatch=Exact") == before
    for query in (
        f"resourceVersion={then}&resourceVersionMatch=NotOlderThan",
        f"resourceVersion={then}",
        "resourceVersion=0",
    ):
        assert before.isdisjoint(await names(api, query))
    api.cluster.store.compact()
    status, body = await api.ask("GET", f"{PODS}?resourceVersion={then}&resourceVersionMatch=Exact")
    assert (status, body["reason"]) == (410, "Expired")


async def test_a_token_too_old_brings_one_that_goes_on_inconsistently(api: Api) -> None:
    token = (await api.get(f"{PODS}?limit=1"))["metadata"]["continue"]
    await api.ask("DELETE", f"{PODS}?gracePeriodSeconds=0")
    api.cluster.store.compact()
    _, refused = await api.ask("GET", f"{PODS}?limit=1&continue={token}")
    rest = await api.get(f"{PODS}?limit=9&continue={refused['metadata']['continue']}")
    assert rest["kind"] == "PodList"


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("resourceVersionMatch=Exact", 422, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ("resourceVersionMatch=Exact&resourceVersion=0", 422, 'is forbidden for resourceVersion "0"'),
        ("resourceVersionMatch=Near&resourceVersion=1", 422, 'Unsupported value: "Near"'),
        ("sendInitialEvents=true", 422, "sendInitialEvents is forbidden for list"),
        ("resourceVersion=x", 400, 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("limit=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("resourceVersion=99999999", 504, "Too large resource version: 99999999, current: "),
        ("watch=1&resourceVersionMatch=NotOlderThan", 422, "unless sendInitialEvents is provided"),
        ("watch=1&sendInitialEvents=true", 422, "requires setting resourceVersionMatch to NotOlderThan"),
        ("watch=1&timeoutSeconds=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ],
)
async def test_lists_that_contradict_themselves_are_refused(api: Api, query: str, status: int, says: str) -> None:
    got, body = await api.ask("GET", f"{PODS}?{query}")
    assert (got, body["kind"], body["code"]) == (status, "Status", status)
    assert says in body["message"]


async def test_an_object_is_got_from_a_version_not_older_and_never_from_the_future(api: Api) -> None:
    assert (await api.ask("GET", f"{BRIDGE}?resourceVersion=1"))[0] == 200
    assert (await api.ask("GET", f"{BRIDGE}?resourceVersion=99999999"))[0] == 504
    assert (await api.ask("GET", f"{BRIDGE}?resourceVersion=x"))[0] == 400


async def test_a_list_from_the_future_says_when_to_try_again_and_why(api: Api) -> None:
    _, body = await api.ask("GET", f"{PODS}?resourceVersion=99999999")
    assert body["details"]["causes"] == [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    assert body["details"]["retryAfterSeconds"] == 1


@pytest.mark.parametrize(
    ("query", "body", "status", "says"),
    [
        ("gracePeriodSeconds=soon", None, 400, 'strconv.ParseInt: parsing "soon": invalid syntax'),
        ("", {"gracePeriodSeconds": "soon"}, 400, "cannot unmarshal string into Go struct field"),
        ("propagationPolicy=Slowly", None, 422, 'propagationPolicy: Unsupported value: "Slowly"'),
        ("", {"propagationPolicy": "Orphan", "orphanDependents": True}, 422, "cannot be both set"),
        (
            "dryRun=Some",
            None,
            422,
            'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{"Some"}',
        ),
        ("", {"preconditions": {"uid": "x"}}, 409, "Precondition failed: UID in precondition: x, UID in object meta: "),
        ("", {"preconditions": {"resourceVersion": "1"}}, 409, "ResourceVersion in precondition: 1"),
        ("", "{", 400, "unexpected end of JSON input"),
    ],
)
async def test_deletes_that_cannot_be_are_refused(api: Api, query: str, body: Any, status: int, says: str) -> None:
    got, answer = await api.ask("DELETE", f"{BRIDGE}?{query}", body)
    assert (got, answer["code"]) == (status, status)
    assert says in answer["message"]
    assert (await api.ask("GET", BRIDGE))[0] == 200


async def test_a_delete_with_a_body_does_not_look_at_the_query(api: Api) -> None:
    """As the real server: a dry run that is asked for in the query beside a body is none."""
    assert (await api.ask("DELETE", f"{BRIDGE}?dryRun=All", {"propagationPolicy": "Background"}))[0] == 200
    assert (await api.ask("GET", BRIDGE))[0] == 404


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("dryRun=Some", 'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{"Some"}'),
        ("fieldValidation=Some", 'fieldValidation: Unsupported value: "Some"'),
        ("force=true", "force: Forbidden: may not be specified for non-apply patch"),
        ("fieldManager=%07", "fieldManager: Invalid value"),
    ],
)
async def test_writes_with_options_that_do_not_exist_are_refused(api: Api, query: str, says: str) -> None:
    status, body = await api.ask("PATCH", f"{BRIDGE}?{query}", {}, Content_Type=MERGE)
    assert status == 422
    assert says in body["message"]


async def test_a_body_too_large_is_refused_with_a_status(api: Api) -> None:
    status, body = await api.ask("POST", PODS, "x" * (3 * 1024 * 1024 + 1))
    assert (status, body["reason"]) == (413, "RequestEntityTooLarge")
    assert body["message"] == "Request entity too large: limit is 3145728"


async def test_a_watch_from_the_future_ends_empty(api: Api) -> None:
    async with api.client.get(
        f"{PODS}?watch=1&timeoutSeconds=1&resourceVersion=99999999", headers=api.headers
    ) as answer:
        assert (answer.status, await answer.text()) == (200, "")


async def test_a_watch_ends_in_time_with_a_bookmark(api: Api) -> None:
    (mark,) = await api.watch(
        f"{PODS}?watch=1&timeoutSeconds=1&resourceVersion={api.cluster.store.revision}&allowWatchBookmarks=true"
    )
    assert (mark["type"], mark["object"]["metadata"]) == (
        "BOOKMARK", {"resourceVersion": str(api.cluster.store.revision)},
    )  # fmt: skip
