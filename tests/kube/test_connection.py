"""Requests are bounded and carry who we are; every failure is told in words that help."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from aurora_tui.errors import AuroraError
from aurora_tui.kube import connection as connection_module
from aurora_tui.kube import questions
from aurora_tui.kube.access import Access, Impersonation, User
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import (
    ApiError,
    KubeconfigError,
    Silent,
    Unreachable,
    Unreadable,
    describe_request,
    failure_of,
)
from aurora_tui.kube.transport import open_transport
from tests.kube.api_server import ApiServer, Misdeed, cuts, fails, hangs, page, recording
from tests.sources.certificates import Authority

PODS = "/api/v1/namespaces/prod/pods"


def access(url: str, user: User | None = None, **more: Any) -> Access:
    return Access(
        context="test", cluster="test", server=url, namespace="prod", user=user or User(name="ada", token="t"), **more
    )


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer() as made:
        yield made


@pytest.fixture
async def connection(server: ApiServer) -> AsyncIterator[Connection]:
    made = Connection(access(server.url))
    yield made
    await made.close()


async def test_credentials_and_impersonation_go_with_every_request(server: ApiServer) -> None:
    user = User(name="ada", token="secret", impersonate=Impersonation(user="bob", groups=("a", "b")))
    made = Connection(access(server.url, user))
    await made.get("/version")
    await made.close()
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert server.headers[0].getall("Impersonate-Group") == ["a", "b"]
    assert server.headers[0]["User-Agent"] == "aurora-tui"


async def test_netrc_never_takes_the_place_of_credentials(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login mallory password x\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    made = Connection(access(server.url))
    await made.get("/version")
    await made.close()
    assert server.headers[0]["Authorization"] == "Bearer t"


async def test_a_proxy_carries_the_request(server: ApiServer) -> None:
    made = Connection(access("http://kubernetes.test:6443", proxy=server.url))
    assert await questions.server_version(made) == "v1.35.0"
    await made.close()


async def test_small_questions_are_answered(connection: Connection, server: ApiServer) -> None:
    assert await questions.server_version(connection) == "v1.35.0"
    assert await questions.whoami(connection) == "ada"
    assert (await questions.may(connection, "list", "pods", namespace="prod")).allowed
    assert not (await questions.may(connection, "list", "events", namespace="prod")).allowed
    assert await questions.namespace(connection, "prod") == questions.Namespace(phase="Active", uid="uid-prod")
    server.always["/api/v1/namespaces/prod"] = fails(404, "NotFound")
    assert await questions.namespace(connection, "prod") is None
    answer = await questions.ready(connection)
    assert answer.body == b"ok"
    assert answer.date is not None
    assert abs(answer.date - answer.received_at) < 2


async def test_an_old_api_does_not_say_who_we_are(connection: Connection, server: ApiServer) -> None:
    server.always["/apis/authentication.k8s.io/v1/selfsubjectreviews"] = fails(404)
    assert await questions.whoami(connection) is None


async def test_where_readyz_is_kept_from_us_the_smallest_list_is_the_probe(
    connection: Connection, server: ApiServer
) -> None:
    await questions.smallest_list(connection, "prod")
    assert server.requests[-1] == f"{PODS}?limit=1&resourceVersion=0"


async def test_an_api_that_is_not_ready_fails_the_probe(connection: Connection, server: ApiServer) -> None:
    async def not_ready(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500, text="[-]etcd failed: reason withheld\nreadyz check failed")

    server.always["/readyz"] = not_ready
    with pytest.raises(ApiError, match="etcd failed"):
        await questions.ready(connection)


async def test_a_log_is_read_from_its_end_and_made_safe(connection: Connection, server: ApiServer) -> None:
    assert await connection.pod_log("prod", "p", "bridge", 50) == "one\ntwo\n"
    assert server.requests[-1] == f"{PODS}/p/log?tailLines=50&limitBytes=1048576&container=bridge"


DENIED = recording("denied.json")


@pytest.mark.parametrize(
    ("position", "words", "remedy"),
    [
        (0, 'cannot get deployments.apps nope in aurora-production: deployments.apps "nope" not found (404)', "Check"),
        (2, "cannot list things.nope: 404 page not found", "Check"),
        (3, "cannot list pods: Unauthorized (401)", "sign in again"),
        (4, 'User "viewer" cannot list resource "pods"', "a role that may list pods in aurora-production"),
        (5, 'cannot patch resource "deployments/scale"', "patch deployments/scale.apps aurora-bridge"),
    ],
)
def test_recorded_failures_are_told_in_words(position: int, words: str, remedy: str) -> None:
    told = DENIED[position]
    body = told["body"].encode() if isinstance(told["body"], str) else msgspec.json.encode(told["body"])
    error = failure_of(told["status"], body, describe_request(told["method"], told["path"]))
    assert words in error.what
    assert remedy in error.remedy
    assert error.status == told["status"]


def test_retry_after_is_read_from_header_and_body() -> None:
    assert failure_of(429, b"{}", "x", "7").retry_after == 7
    assert failure_of(503, b'{"details":{"retryAfterSeconds":3}}', "x").retry_after == 3


@pytest.mark.parametrize(
    ("misdeed", "kind", "words"),
    [
        (page(502), ApiError, "a web page instead of the API's answer: Bad Gateway"),
        (page(200, "<html>sign in</html>"), Unreadable, "a web page"),
        (fails(429, "TooManyRequests", Retry_After="9"), ApiError, "waits and tries again"),
        (fails(500, "InternalError", "etcdserver: leader changed"), ApiError, "leader changed"),
        (cuts, Unreachable, "broke off"),
    ],
)
async def test_failures_end_in_what_to_do(
    connection: Connection, server: ApiServer, misdeed: Any, kind: type[AuroraError], words: str
) -> None:
    server.misdeeds["list"] = [misdeed]
    with pytest.raises(kind) as caught:
        await connection.get_object(PODS, msgspec.json.Decoder(dict[str, Any]))
    assert words in str(caught.value)
    assert caught.value.remedy


LATIN_1 = '{"message": "Zugriff für Gäste gesperrt"}'.encode("latin-1")
BOTTOMLESS = b"[" * 100_000


def answers(status: int, body: bytes, **headers: str) -> Misdeed:
    async def misdeed(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers, content_type="application/json")

    return misdeed


@pytest.mark.parametrize("status", [403, 502])
@pytest.mark.parametrize("body", [LATIN_1, BOTTOMLESS], ids=["Latin-1", "bottomless"])
async def test_a_failure_whose_body_cannot_be_decoded_is_still_that_failure(
    connection: Connection, server: ApiServer, status: int, body: bytes
) -> None:
    server.misdeeds["list"] = [answers(status, body)]
    with pytest.raises(ApiError) as caught:
        await connection.get(PODS)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("body", "words"),
    [(LATIN_1, "it is not UTF-8"), (BOTTOMLESS, "nested too deeply")],
    ids=["Latin-1", "bottomless"],
)
async def test_an_answer_that_cannot_be_decoded_is_unreadable(
    connection: Connection, server: ApiServer, body: bytes, words: str
) -> None:
    server.misdeeds["list"] = [answers(200, body)]
    with pytest.raises(Unreadable, match=words):
        await connection.get_object(PODS, msgspec.json.Decoder())


async def test_a_redirect_is_told_and_never_followed(server: ApiServer) -> None:
    user = User(name="ada", token="secret", impersonate=Impersonation(user="bob"))
    async with ApiServer() as elsewhere:
        server.misdeeds["list"] = [answers(302, b"", Location=f"{elsewhere.url}/login?state=secret")]
        made = Connection(access(server.url, user))
        with pytest.raises(ApiError) as caught:
            await made.get(PODS)
        await made.close()
        assert elsewhere.requests == []
        assert f"asked to go elsewhere ({elsewhere.url}/login)" in str(caught.value)
    assert "login page" in caught.value.remedy


async def test_a_closed_connection_opens_nothing_again(connection: Connection) -> None:
    await connection.get("/version")
    await connection.close()
    with pytest.raises(Unreachable, match="was closed"):
        await connection.pod_log("prod", "p", None, 1)
    assert connection._transport is None


async def test_a_connection_closed_while_it_opens_leaves_nothing_open(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Connection(access(server.url))
    opened: list[Any] = []

    async def closed_meanwhile(*asked: Any) -> Any:
        opened.append(await open_transport(*asked))
        await made.close()
        return opened[0]

    monkeypatch.setattr(connection_module, "open_transport", closed_meanwhile)
    with pytest.raises(Unreachable, match="was closed"):
        await made.get("/version")
    assert opened[0].pool_manager is None
    assert made._transport is None


async def test_a_session_closed_on_the_way_to_it_is_no_fault_of_ours(connection: Connection, server: ApiServer) -> None:
    await connection.get("/version")
    await connection._transport.close()  # as a renewal closes the one before the last
    with pytest.raises(Unreachable, match="was closed"):
        await connection.get("/version")


async def test_what_a_server_says_cannot_reach_the_terminal_raw(connection: Connection, server: ApiServer) -> None:
    server.misdeeds["list"] = [fails(500, "x", "\x1b]0;owned\x07 evil\u202e")]
    with pytest.raises(ApiError) as caught:
        await connection.get(PODS)
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


async def test_nobody_there_is_told_with_the_address() -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        made = Connection(access(f"http://127.0.0.1:{port}"))
        with pytest.raises(Unreachable, match=f"cannot connect to http://127.0.0.1:{port}"):
            await made.get("/version")
        await made.close()


async def test_a_server_that_does_not_speak_tls_is_told_in_openssls_words(server: ApiServer) -> None:
    made = Connection(access(server.url.replace("http:", "https:")))
    with pytest.raises(Unreachable, match="SSL"):
        await made.get("/version")
    await made.close()


async def test_a_name_nobody_knows_is_told() -> None:
    made = Connection(access("http://no-such-host.invalid"))
    with pytest.raises(Unreachable, match="its name is not known"):
        await made.get("/version")
    await made.close()


async def test_an_answer_that_never_comes_is_given_up(connection: Connection, server: ApiServer) -> None:
    server.misdeeds["list"] = [hangs]
    with pytest.raises(Unreachable, match="gave no answer"):
        await connection.get(PODS, read_seconds=0.05)


async def read_to_the_end(connection: Connection, **bounds: float) -> None:
    async with connection.watch(PODS, {"resourceVersion": "1"}, **bounds) as lines:
        async for _ in lines:
            pass


async def test_a_watch_that_never_answers_is_given_up(
    connection: Connection, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(connection_module, "OPEN_SECONDS", 0.05)
    server.misdeeds["watch"] = [never]
    with pytest.raises(Unreachable, match=r"gave no answer within 0\.05 s"):
        await read_to_the_end(connection)


async def test_a_watch_that_falls_silent_says_so(connection: Connection, server: ApiServer) -> None:
    server.misdeeds["watch"] = [hangs]
    with pytest.raises(Silent):
        await read_to_the_end(connection, silent_seconds=0.05)


async def test_an_answer_larger_than_its_bound_is_refused(connection: Connection, server: ApiServer) -> None:
    with pytest.raises(Unreadable, match="larger than"):
        await connection.get(PODS, largest=4)


async def test_an_event_larger_than_its_bound_is_refused(
    connection: Connection, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aurora_tui.kube.bodies.LARGEST_LINE", 16)
    server.misdeeds["watch"] = [cuts]
    with pytest.raises(Unreadable, match="larger than"):
        await read_to_the_end(connection)


async def test_a_rotated_client_certificate_is_taken_up(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.client()
    async with ApiServer(authority.server(asks=True)) as server:
        user = User(name="ada", certificate_data=certificate.read_bytes(), key_file=key)
        made = Connection(access(server.url, user, ca_data=authority.file.read_text()))
        assert await questions.server_version(made) == "v1.35.0"
        await made.close()
        nobody = Connection(access(server.url, ca_file=authority.file))
        with pytest.raises(Unreachable):
            await nobody.get("/version")
        await nobody.close()


async def test_a_server_with_an_unknown_authority_is_not_trusted(tmp_path: Path) -> None:
    async with ApiServer(Authority(tmp_path).server()) as server:
        made = Connection(access(server.url))
        with pytest.raises(Unreachable, match="is not trusted"):
            await made.get("/version")
        await made.close()
        trusting = Connection(access(server.url, verify=False))
        assert await questions.server_version(trusting) == "v1.35.0"
        await trusting.close()


async def test_tls_server_name_is_the_name_that_is_checked(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with ApiServer(authority.server()) as server:
        made = Connection(access(server.url, ca_file=authority.file, tls_server_name="other.test"))
        with pytest.raises(Unreachable, match="is not trusted"):
            await made.get("/version")
        await made.close()


async def test_a_certificate_file_that_is_not_there_is_told(server: ApiServer, tmp_path: Path) -> None:
    user = User(name="ada", certificate_file=tmp_path / "gone.crt", key_file=tmp_path / "gone.key")
    with pytest.raises(KubeconfigError, match="cannot be used"):
        await Connection(access(server.url, user)).get("/version")


async def test_a_key_with_a_pass_phrase_is_refused_and_nobody_is_asked_for_it(
    server: ApiServer, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path).client()
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"open sesame")
    key.write_bytes(
        loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, secret)
    )
    for user in (
        User(name="ada", certificate_file=certificate, key_file=key),
        User(name="ada", certificate_data=certificate.read_bytes(), key_data=key.read_bytes()),
    ):
        with pytest.raises(KubeconfigError, match="the key has a pass phrase"):
            await Connection(access(server.url, user)).get("/version")


async def test_a_certificate_authority_that_is_no_certificate_is_told(server: ApiServer) -> None:
    with pytest.raises(KubeconfigError, match="cannot be used"):
        await Connection(access(server.url, ca_data="nonsense")).get("/version")


def test_reading_a_kubeconfig_loads_neither_the_client_nor_aiohttp() -> None:
    code = (
        "import sys, aurora_tui.kube.connection, aurora_tui.kube.kubeconfig, aurora_tui.kube.reflector;"
        "print([name for name in ('kubernetes', 'aiohttp', 'yaml') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
