"""The protobuf in which kubectl creates objects and asks about access: understood whole, or refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.drill.clusters import NAMESPACE, settled
from tests.drill.kube_api import Api, api_of

MEDIA = "application/vnd.kubernetes.protobuf"
CONFIGS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"


def part(number: int, inner: bytes | str) -> bytes:
    """A length-delimited field."""
    raw = inner.encode() if isinstance(inner, str) else inner
    assert len(raw) < 128
    return bytes([number << 3 | 2, len(raw)]) + raw


def count(number: int, value: int) -> bytes:
    """A number's field."""
    return bytes([number << 3, value])


def pair(key: str, value: str) -> bytes:
    return part(1, key) + part(2, value)


def enveloped(version: str, kind: str, raw: bytes) -> bytes:
    return b"k8s\x00" + part(1, part(1, version) + part(2, kind)) + part(2, raw) + part(3, "") + part(4, "")


META = part(1, part(1, "made") + part(2, "") + part(8, ""))


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled()) as found:
        yield found


async def test_an_object_is_created_as_from_json(api: Api) -> None:
    raw = enveloped("v1", "ConfigMap", META + part(2, pair("a", "b")) + part(3, pair("raw", "\x00")))
    status, made = await api.ask("POST", CONFIGS, raw, Content_Type=MEDIA)
    assert (status, made["metadata"]["name"]) == (201, "made")
    assert (made["data"], made["binaryData"]) == ({"a": "b"}, {"raw": "AA=="})


async def test_zeros_that_are_always_sent_mean_nothing_and_those_that_are_not_mean_zero(api: Api) -> None:
    port = part(1, "") + count(2, 0) + count(3, 80) + part(4, "")
    container = part(1, "c") + part(2, "i") + part(6, port) + part(8, "") + part(13, "")
    labels = part(11, pair("app", "x"))
    template = part(1, labels) + part(2, part(2, container))
    spec = count(1, 0) + part(2, part(1, pair("app", "x"))) + part(3, template) + part(4, part(1, "")) + count(5, 0)
    raw = enveloped("apps/v1", "Deployment", META + part(2, spec) + part(3, count(1, 0)))
    status, made = await api.ask("POST", DEPLOYMENTS, raw, Content_Type=MEDIA)
    assert status == 201, made
    assert made["spec"]["replicas"] == 0
    assert made["spec"]["template"]["spec"]["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


async def test_what_is_not_understood_is_refused_rather_than_dropped(api: Api) -> None:
    owner = part(13, part(1, "ReplicaSet"))
    for raw in (enveloped("v1", "ConfigMap", part(1, part(1, "made") + owner)), enveloped("v1", "Endpoints", META)):
        status, body = await api.ask("POST", CONFIGS, raw, Content_Type=MEDIA)
        assert (status, body["reason"]) == (415, "UnsupportedMediaType")
        assert body["message"].startswith("the body of the request was in an unknown format - accepted media types")


@pytest.mark.parametrize("raw", [b"", b"k8s\x00", b"k8s\x00\x0a\xff", b"{}", enveloped("v1", "ConfigMap", META)[:-9]])
async def test_what_cannot_be_read_is_a_bad_request(api: Api, raw: bytes) -> None:
    status, body = await api.ask("POST", CONFIGS, raw, Content_Type=MEDIA)
    assert (status, body["reason"]) == (400, "BadRequest")
