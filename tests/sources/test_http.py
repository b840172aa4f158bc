"""Credentials, TLS, proxies, and the words for what goes wrong."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from aiohttp import web

from aurora_tui.situation.mission import Credentials
from aurora_tui.sources.failure import HttpFailure, describe_failure
from aurora_tui.sources.http import SecretError, answer, httpx_client, join, proxy_for, requests_session
from tests.sources.certificates import Authority
from tests.sources.stand_in import page


async def headers_sent(credentials: Credentials) -> dict[str, str]:
    """The headers a server receives by httpx; requests must send the same ones."""
    received: list[dict[str, str]] = []

    async def remember(request: web.Request) -> web.StreamResponse:
        received.append({name: value for name, value in request.headers.items() if name.startswith(("Auth", "X-"))})
        return web.json_response({})

    async with page(remember) as url, httpx_client(url, credentials) as client:
        await client.get(url)
        with requests_session(url, credentials) as session:
            await asyncio.to_thread(session.get, url, timeout=5)
    assert received[0] == received[1]
    return received[0]


async def test_a_bearer_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_TOKEN", "s3cret")
    assert await headers_sent(Credentials(bearer_env="PROM_TOKEN")) == {"Authorization": "Bearer s3cret"}


async def test_a_rotated_token_file_is_read_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    credentials = Credentials(bearer_file=str(token))
    token.write_text("one\n")
    assert await headers_sent(credentials) == {"Authorization": "Bearer one"}
    token.write_text("two\n")
    assert await headers_sent(credentials) == {"Authorization": "Bearer two"}


async def test_basic_and_extra_headers_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "open sesame")
    monkeypatch.setenv("ORG", "akash")
    credentials = Credentials(
        username="on-call", password_env="PASSWORD", headers={"X-Team": "aurora"}, headers_env={"X-Scope-OrgID": "ORG"}
    )
    assert await headers_sent(credentials) == {
        "Authorization": "Basic b24tY2FsbDpvcGVuIHNlc2FtZQ==",
        "X-Team": "aurora",
        "X-Scope-OrgID": "akash",
    }


async def test_a_netrc_of_the_person_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert await headers_sent(Credentials()) == {}


def test_a_missing_secret_is_named_but_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROM_TOKEN", raising=False)
    session = requests_session("http://127.0.0.1:9", Credentials(bearer_env="PROM_TOKEN"))
    with pytest.raises(SecretError, match="PROM_TOKEN is empty or not set"):
        session.get("http://127.0.0.1:9", timeout=1)


def test_a_secret_with_a_line_break_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_TOKEN", "s3cret\nX-Evil: 1")
    session = requests_session("http://127.0.0.1:9", Credentials(bearer_env="PROM_TOKEN"))
    with pytest.raises(SecretError) as caught:
        session.get("http://127.0.0.1:9", timeout=1)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(session.auth)


def test_a_proxy_is_used_for_hosts_beyond_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", ".internal.example")
    assert proxy_for("https://prometheus.example") == "http://proxy.example:3128"
    assert proxy_for("https://prometheus.internal.example:9090") is None
    assert proxy_for("https://127.0.0.1:9090") is None


def test_a_metrics_server_is_exempt_from_the_proxy_as_the_cluster_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "10.0.0.0/8,prometheus.example:9090")
    assert proxy_for("http://10.1.2.3:9090") is None
    assert proxy_for("http://prometheus.example:9090") is None
    assert proxy_for("http://prometheus.example:9091") == "http://proxy.example:3128"
    monkeypatch.delenv("http_proxy")
    monkeypatch.setenv("ALL_PROXY", "http://every.example:3128")
    assert proxy_for("http://other.example") == "http://every.example:3128"


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", [b'{"status": "\xfc"}', b"[" * 100_000], ids=["Latin-1", "bottomless"])
def test_an_answer_that_cannot_be_decoded_is_a_failure_in_words(status: int, body: bytes) -> None:
    response = httpx.Response(status, content=body, request=httpx.Request("GET", "http://127.0.0.1/api"))
    with pytest.raises(HttpFailure, match="JSON" if status == 200 else "403"):
        answer(response, dict[str, str])


@pytest.mark.parametrize("path", ["api/v1/query", "/api/v1/query"])
def test_joining_never_doubles_a_slash(path: str) -> None:
    assert join("http://prometheus:9090/", path) == "http://prometheus:9090/api/v1/query"


async def ok(_: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "success"})


async def test_a_server_of_an_unknown_authority_is_refused_and_of_the_configured_one_taken(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with page(ok, authority.server()) as url:
        async with httpx_client(url) as client:
            with pytest.raises(httpx.ConnectError) as caught:
                await client.get(url)
        assert "is not trusted" in describe_failure(caught.value, url)
        with requests_session(url) as session, pytest.raises(requests.RequestException) as caught_too:
            await asyncio.to_thread(session.get, url, timeout=5)
        assert "is not trusted" in describe_failure(caught_too.value, url)
        trusting = Credentials(ca=str(authority.file))
        async with httpx_client(url, trusting) as client:
            assert answer(await client.get(url), dict[str, str]) == {"status": "success"}


async def test_a_client_certificate_is_shown_to_a_server_that_asks(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.client()
    credentials = Credentials(ca=str(authority.file), client_certificate=str(certificate), client_key=str(key))
    async with page(ok, authority.server(asks=True)) as url:
        async with httpx_client(url, credentials) as client:
            assert (await client.get(url)).status_code == 200
        with requests_session(url, credentials) as session:
            assert (await asyncio.to_thread(session.get, url, timeout=5)).status_code == 200


def test_a_wrong_ca_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=r"nowhere\.pem cannot be used: No such file"):
        httpx_client("https://127.0.0.1:1", Credentials(ca=str(tmp_path / "nowhere.pem")))


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, "", "answered 401. Give credentials"),
        (403, "", "answered 403. These credentials may not"),
        (404, "404 page not found", "answered 404: 404 page not found. Check the address"),
        (
            422,
            '{"status":"error","errorType":"execution","error":"too many samples"}',
            "answered 422: too many samples",
        ),
        (429, "", "answered 429. The server asks for fewer"),
        (302, "", "answered 302. It redirects"),
        (503, "<html>", "answered 503. The server is in trouble"),
        (200, "<!DOCTYPE html><title>Log in</title>", "answered a web page, not JSON. A login page"),
        (200, "{", "answered broken JSON"),
        (200, "", "answered an empty page. Something on the way"),
        (200, "pong", "answered something unreadable"),
        (200, "null", "answered JSON of another kind"),
    ],
)
async def test_a_wrong_answer_is_told_in_words_with_a_remedy(status: int, body: str, words: str) -> None:
    async def wrong(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body)

    async with page(wrong) as url, httpx_client(url) as client:
        response = await client.get(f"{url}/api/v1/alerts?token=s3cret")
        with pytest.raises(HttpFailure) as caught:
            answer(response, dict[str, Any])
    assert f"{url}/api/v1/alerts {words}" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def a_closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://on-call:s3cret@127.0.0.1:{port}/", "refuses the connection. Is it running"),
        ("http://nowhere.invalid:9090/", "cannot be resolved. Check the host name"),
        ("ftp://127.0.0.1/", "is not an address that can be asked"),
    ],
)
async def test_a_server_that_is_not_there_is_told_the_same_by_both_libraries(url: str, words: str) -> None:
    url = url.format(port=a_closed_port())
    async with httpx_client(url) as client:
        with pytest.raises(httpx.HTTPError) as by_httpx:
            await client.get(url)
    with requests_session(url) as session, pytest.raises(requests.RequestException) as by_requests:
        await asyncio.to_thread(session.get, url, timeout=5)
    for error in (by_httpx.value, by_requests.value):
        assert words in describe_failure(error, url)
        assert "s3cret" not in describe_failure(error, url)


async def test_a_server_that_hangs_is_cut_at_the_read_limit() -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    async with page(hang) as url:
        async with httpx_client(url, read=0.1) as client:
            with pytest.raises(httpx.TimeoutException) as by_httpx:
                await client.get(url)
        with requests_session(url) as session, pytest.raises(requests.RequestException) as by_requests:
            await asyncio.to_thread(session.get, url, timeout=0.1)
    for error in (by_httpx.value, by_requests.value):
        assert "gives no answer in time" in describe_failure(error, url)


def test_httpx_is_loaded_without_its_command_line() -> None:
    code = (
        "import sys, click, rich; from aurora_tui.sources.http import httpx_client;"
        "httpx_client('http://127.0.0.1:1'); import httpx;"
        "print('httpx._main' in sys.modules, 'pygments' in sys.modules, callable(httpx.main))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False False True", done.stderr


def test_the_first_request_loads_nothing_big_in_the_event_loop() -> None:
    code = """if True:
        import asyncio, sys
        from aurora_tui.sources.http import open_client
        async def main():
            client = await open_client("http://127.0.0.1:1")
            known = {name.partition(".")[0] for name in sys.modules}
            try:
                await client.get("http://127.0.0.1:1")
            except Exception as error:
                print(type(error).__name__)
            print(sorted({name.partition(".")[0] for name in sys.modules} - known))
        asyncio.run(main())"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "ConnectError\n[]\n", done.stdout + done.stderr
