"""Speaking with one Kubernetes API: bounded requests, streamed watches, every failure in words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from aurora_tui.kube.access import Access
from aurora_tui.kube.bodies import READ_SECONDS, SILENT_SECONDS, read_beginning, read_lines, read_whole
from aurora_tui.kube.credentials import ClientCertificate, Credentials, Identity
from aurora_tui.kube.decoding import read_json
from aurora_tui.kube.errors import Unreachable, Unreadable, describe_request, failure_of, redirected
from aurora_tui.kube.transport import CONNECT_SECONDS, open_transport
from aurora_tui.kube.unreachable import unreachable
from aurora_tui.text import redact_url, safe

WHOLE_SECONDS = 60.0  # from asking to the last byte: a server that drips must not hold us for ever
PROBE_SECONDS = 5.0  # the whole of it
OPEN_SECONDS = 15.0  # a watch must answer its headers within this
LARGEST_ANSWER = 32 * 2**20
LARGEST_LOG = 2**20
_PIECE = 64 * 1024

Query = Mapping[str, str | int | bool]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    """A good answer. `latency` is seconds; `date` the server's clock (Unix seconds) in the middle of it."""

    status: int
    body: bytes
    latency: float
    date: float | None
    received_at: float


_NOT_LOADED = ClientCertificate()  # equal to none that is given: the transport is opened anew


class Connection:
    """One API as one user. Safe for many tasks at once; `close` ends all of it, for good."""

    def __init__(self, access: Access, credentials: Credentials | None = None) -> None:
        self.access = access
        self._credentials = credentials or Credentials(access)
        self._transport: Any = None
        self._retired: Any = None
        self._certificate: ClientCertificate | None = None
        self._closed = False
        self._opening = asyncio.Lock()
        self.rejected: Callable[[], None] = lambda: None  # called when the API does not accept who we are

    async def request(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        body: Any = None,
        content_type: str = "application/json",
        read_seconds: float = READ_SECONDS,
        whole_seconds: float = WHOLE_SECONDS,
        largest: int = LARGEST_ANSWER,
    ) -> ApiAnswer:
        """The answer to one request, whole; ApiError for every status but 2xx, Unreachable, Unreadable."""
        target = _target(path, query)
        request = describe_request(method, target)
        identity = await self._credentials.current()  # a plugin takes what time it takes
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(whole_seconds) as limit,
                self._response(
                    method, target, request, body, content_type, read_seconds, read_seconds, identity
                ) as response,
            ):
                received = await read_whole(response, request, largest, self.access)
        except TimeoutError as error:
            assert limit.expired(), "every other time limit is told in words where it is met"
            raise self._unreachable(error, whole_seconds) from error
        return ApiAnswer(
            status=response.status,
            body=received,
            latency=time.monotonic() - began,
            date=_date(response.headers.get("Date")),
            received_at=time.time(),
        )

    async def get(self, path: str, query: Query | None = None, **bounds: Any) -> bytes:
        """The body of a GET."""
        return (await self.request("GET", path, query, **bounds)).body

    async def get_object(
        self, path: str, decoder: msgspec.json.Decoder[T], query: Query | None = None, **bounds: Any
    ) -> T:
        """The object at `path`; Unreadable when it is not what `decoder` expects."""
        return decode(decoder, await self.get(path, query, **bounds), describe_request("GET", path))

    @asynccontextmanager
    async def watch(
        self, path: str, query: Query, silent_seconds: float = SILENT_SECONDS
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a watch as they come, until the server ends it; Silent after `silent_seconds` without one."""
        target = _target(path, {**query, "watch": "1"})
        request = describe_request("GET", target)
        identity = await self._credentials.current()
        async with (
            self._response("GET", target, request, None, "", silent_seconds, OPEN_SECONDS, identity) as response,
            aclosing(read_lines(response, request, self.access)) as lines,
        ):
            yield lines

    async def pod_log(self, namespace: str, name: str, container: str | None, tail_lines: int) -> str:
        """The last lines of a container's log, made safe to show; at most 1 MiB."""
        query: dict[str, str | int] = {"tailLines": tail_lines, "limitBytes": LARGEST_LOG}
        if container:
            query["container"] = container
        body = await self.get(f"/api/v1/namespaces/{namespace}/pods/{name}/log", query, largest=LARGEST_LOG + _PIECE)
        return await asyncio.to_thread(safe, body.decode("utf-8", "replace"), LARGEST_LOG, True)

    async def prepare(self) -> None:
        """Run the exec plugin and load the transport now, before a screen opens."""
        await self._ready_transport((await self._credentials.current()).certificate)

    async def authenticate(self) -> None:
        """Run the exec plugin, if there is one; nothing is opened, so another event loop may go on from here."""
        await self._credentials.prepare()

    async def adopt(self, access: Access) -> None:
        """Go on as `access` says: a token, certificate or authority that was renewed. The server must be the same.

        What runs already runs on; the next request is the first with the new identity.
        """
        if access == self.access:
            return
        async with self._opening:
            self.access, self._credentials = access, Credentials(access)
            self._certificate = _NOT_LOADED

    async def close(self) -> None:
        """Cut every connection; requests fail from now on."""
        self._closed = True
        transports = (self._transport, self._retired)
        self._transport = self._retired = None
        for transport in transports:
            if transport is not None:
                await transport.close()

    async def _ready_transport(self, certificate: ClientCertificate | None) -> Any:
        async with self._opening:
            if self._closed:
                raise self._broken_off()
            if self._transport is None or certificate != self._certificate:
                # Watches run on over the old certificate's sockets until they end by themselves (10 min at most):
                # it is closed only when the next renewal comes.
                renewed = await open_transport(self.access, certificate)
                if self._closed:
                    await renewed.close()
                    raise self._broken_off()
                retired, self._retired, self._transport = self._retired, self._transport, renewed
                self._certificate = certificate
                if retired is not None:
                    await retired.close()
            return self._transport

    @asynccontextmanager
    async def _response(
        self,
        method: str,
        target: str,
        request: str,
        body: Any,
        content_type: str,
        read_seconds: float,
        open_seconds: float,
        identity: Identity,
    ) -> AsyncIterator[Any]:
        """An answer with a good status, its body still to be read. aiohttp's failures become ours."""
        transport = await self._ready_transport(identity.certificate)  # which loads aiohttp, off the event loop
        import aiohttp
        from multidict import CIMultiDict

        headers = CIMultiDict([("Accept", "application/json, */*"), ("User-Agent", "aurora-tui"), *identity.headers])
        if body is not None:
            headers["Content-Type"] = content_type
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=read_seconds)
        response = None
        try:
            try:
                async with asyncio.timeout(open_seconds):
                    answered = await transport.request(
                        method, self.access.server + target, headers=headers, body=body, _request_timeout=limits
                    )
                response = answered.response
                if not 200 <= response.status < 300:
                    if response.status == 401:
                        self._credentials.rejected()
                        self.rejected()
                    told = await read_beginning(response)
                    if 300 <= response.status < 400:
                        raise redirected(response.status, request, response.headers.get("Location"))
                    raise failure_of(response.status, told, request, response.headers.get("Retry-After"))
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise self._unreachable(error, open_seconds) from error
            except RuntimeError as error:
                if not transport.closed:
                    raise
                raise self._broken_off() from error  # a session that was closed while we were on our way to it
            yield response
        finally:
            if response is not None:
                response.close() if not response.content.at_eof() else response.release()

    def _broken_off(self) -> Unreachable:
        return Unreachable(f"the connection to {redact_url(self.access.server)} was closed", "Try again.")

    def _unreachable(self, error: BaseException, seconds: float) -> Unreachable:
        return unreachable(error, self.access, seconds)


def decode(decoder: msgspec.json.Decoder[T], body: bytes, request: str) -> T:
    """`body` as `decoder` reads it; Unreadable, in words, when it is something else."""
    try:
        return read_json(decoder, body)
    except msgspec.DecodeError as error:
        if body.lstrip()[:1] == b"<":
            raise Unreadable(
                f"{request}: a web page instead of the API's answer", "A proxy or a login page stands in between."
            ) from None
        raise Unreadable(f"{request}: the answer cannot be read: {safe(str(error), 200)}", "Report it.") from error


def _target(path: str, query: Query | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _date(header: str | None) -> float | None:
    if header is None:
        return None
    try:
        # Whole seconds: on average half a second has passed since.
        return parsedate_to_datetime(header).timestamp() + 0.5
    except ValueError:
        return None
