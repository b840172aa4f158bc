"""The faults of a Kubernetes API as a table: what happens, and what the screen must say of it."""

# ruff: noqa: E501 - a case is a line, so that they can be read as a table

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aurora_tui.clock import WALL, iso
from aurora_tui.situation.freshness import LightState
from aurora_tui.situation.verdict import Word
from tests.faults.cluster_faults import (
    ClockOff,
    EndlessLine,
    Shuffled,
    WithoutDeletions,
    api_status,
    too_large_version,
)
from tests.faults.clusters import (
    NO_FAULT,
    PODS,
    Bench,
    lists,
    of,
    watches,
)
from tests.faults.faults import (
    DEEP,
    EMPTY,
    GARBAGE,
    LOGIN,
    NO_CONTENT,
    NULLS,
    OTHER_JSON,
    REDIRECT,
    Body,
    Certificate,
    GzipBomb,
    Hang,
    HangAfterHeaders,
    Large,
    Only,
    Refused,
    ResetAtOnce,
    ResetInBody,
    SlowDrip,
    Truncated,
)
from tests.faults.proxy import Fault
from tests.faults.streams import CutAfter, WatchAnswers, WatchError, WithoutBookmarks
from tests.kube.api_server import pod, status_body
from tests.sources.certificates import Authority

RECOVERS = 5.0

ANYTHING = "anything"
DARK, LIVE = LightState.STALE, LightState.LIVE
Step = Callable[[Bench], Awaitable[None]]


async def nothing(_: Bench) -> None:
    pass


async def cut(it: Bench) -> None:
    """Watches break, as the fault would break them."""
    it.server.cut()


async def forget(it: Bench) -> None:
    """All must list again: for faults of lists."""
    it.forget()


async def busily(it: Bench) -> None:
    """Much goes on, so that every watch has something to be cut in."""
    for number in range(12):
        await it.attention.pass_by(1.0)
        for uid in list(it.server.objects[PODS]):
            await it.server.put(PODS, pod(f"renamed-{number}", uid))


@dataclass(frozen=True)
class Case:
    """`says`: what the failure says, word by word but for `{server}`; None: there is none. `light`: at the end.

    `begin` is done when the fault begins, `meanwhile` while it lasts, `end` when it is over. `early`: it is there
    before the console opens.
    """

    name: str
    fault: Fault
    says: str | None
    light: LightState | None = DARK
    begin: Step = cut
    meanwhile: Step = Bench.change_everything
    end: Step = nothing
    early: bool = False
    settles: bool = False  # though it is there early, the console opens well
    notes: str | None = None
    tls: bool = False
    host: str = "127.0.0.1"
    word: Word | None = None  # the verdict while it lasts; None: BLIND where the light is dark, else anything
    recovers: float = RECOVERS


NETWORK = "Check the network, VPN and firewall."
PROXY = "A proxy or a login page stands in between."
BEFORE = "A proxy or a login page stands before the API."
TROUBLE = "The API server or a proxy before it is in trouble; the console tries again."
A_KUBERNETES = "Is this a Kubernetes API?"
AND_THREE = "(and replicasets, pods)"
DEPLOYMENT_LIST = "list deployments.apps in prod"

# fmt: off
WHOLE = [
    Case("refused", Refused(), "cannot connect to {server}: Connection refused. Check the network, VPN and the server's address."),
    Case("hangs", Hang(), f"{{server}} gave no answer within 5 s. {NETWORK}"),
    Case("hangs after the headers", HangAfterHeaders(), f"{{server}} gave no answer within 5 s. {NETWORK}"),
    Case("drips", SlowDrip(), f"{{server}} gave no answer within 5 s. {NETWORK}"),
    Case("resets", ResetAtOnce(), "{server} broke off: Connection reset by peer. It is asked again."),
    Case("resets in the body", ResetInBody(), "{server} broke off: Connection lost. It is asked again. OR {server} broke off: the answer is cut short. It is asked again."),
    Case("closes in the body", ResetInBody(reset=False), "{server} broke off: the answer is cut short. It is asked again."),
    Case("truncated", Truncated(), f"get /readyz: o. {BEFORE}"),
    Case("garbage", GARBAGE, f"get /readyz: }}{{\"status\":: \"\ufffd\ufffd]]·. {BEFORE}"),
    Case("login page", LOGIN, f"get /readyz: a web page instead of the API's answer: Sign in. {BEFORE}"),
    Case("empty", EMPTY, f"get /readyz: nothing at all. {BEFORE}"),
    Case("204", NO_CONTENT, f"get /readyz: nothing at all. {BEFORE}"),
    Case("redirect", REDIRECT, "cannot get /readyz: 302, asked to go elsewhere (/login). A proxy or login page stands before the API, or the server's address is not the API's own."),
    Case("deep JSON", DEEP, f"get /readyz: {DEEP.body[:199].decode()}…. {BEFORE}"),
    Case("401", api_status(401, "Unauthorized", "Unauthorized"), "cannot get /readyz: Unauthorized (401). The credentials are not accepted or have expired: sign in again, or check the context's user."),
    Case("403", api_status(403, "Forbidden", "no"), "cannot list pods in prod: no (403). Ask the cluster's owner for a role that may list pods in prod."),
    Case("429", api_status(429, "TooManyRequests", "slowly", Retry_After="1"), "cannot get /readyz: slowly (429). The API asks to slow down; the console waits and tries again."),
    Case("500", api_status(500, "InternalError", "etcd is gone"), f"cannot get /readyz: etcd is gone (500). {TROUBLE}"),
    Case("503", api_status(503, "ServiceUnavailable", "shutting down"), f"cannot get /readyz: shutting down (503). {TROUBLE}"),
    Case("502 page", Body("502", b"<html><title>502 Bad Gateway</title></html>", 502, "text/html"), f"cannot get /readyz: a web page instead of the API's answer: 502 Bad Gateway. {TROUBLE}"),
    Case("503 before the console", api_status(503, "ServiceUnavailable", "starting"), f"cannot get /readyz: starting (503). {TROUBLE}", early=True),
    Case("refused before the console", Refused(), "cannot connect to {server}: Connection refused. Check the network, VPN and the server's address.", early=True),
    Case("hangs before the console", Hang(), f"{{server}} gave no answer within 5 s. {NETWORK}", early=True),
    Case("401 before the console", api_status(401, "Unauthorized", "Unauthorized"), "cannot get /readyz: Unauthorized (401). The credentials are not accepted or have expired: sign in again, or check the context's user.", early=True),
]

LISTS = [
    Case("lists: truncated", Only(Truncated(), lists), f"{DEPLOYMENT_LIST}: the answer cannot be read: Input data was truncated {AND_THREE}. Report it.", begin=forget),
    Case("lists: garbage", Only(GARBAGE, lists), f"{DEPLOYMENT_LIST}: the answer cannot be read: JSON is malformed: invalid character (byte 0) {AND_THREE}. Report it.", begin=forget),
    Case("lists: login page", Only(LOGIN, lists), f"{DEPLOYMENT_LIST}: a web page instead of the API's answer {AND_THREE}. {PROXY}", begin=forget),
    Case("lists: other JSON", Only(OTHER_JSON, lists), f"{DEPLOYMENT_LIST}: the answer cannot be read: Object missing required field `metadata` {AND_THREE}. Report it.", begin=forget),
    Case("lists: null", Only(NULLS, lists), f"{DEPLOYMENT_LIST}: the answer cannot be read: Expected `object`, got `null` {AND_THREE}. Report it.", begin=forget),
    Case("lists: a Status in a 200", Only(Body("Status", b'{"kind":"Status","metadata":{}}'), lists), f"{DEPLOYMENT_LIST}: a Status instead of a list {AND_THREE}. {A_KUBERNETES}", begin=forget),
    Case("lists: no resourceVersion", Only(Body("bare", b'{"kind":"PodList","metadata":{},"items":[]}'), lists), f"{DEPLOYMENT_LIST}: the list has no resourceVersion {AND_THREE}. {A_KUBERNETES}", begin=forget),
    Case("lists: nobody", Only(Body("nobody", b'{"kind":"PodList","metadata":{"resourceVersion":"9"},"items":[{}]}'), lists), f"{DEPLOYMENT_LIST}: an object without metadata.uid {AND_THREE}. {A_KUBERNETES}", begin=forget),
    Case("lists: 500", Only(api_status(500, "InternalError", "etcd"), lists), f"cannot {DEPLOYMENT_LIST}: etcd (500) {AND_THREE}. {TROUBLE}", begin=forget),
    Case("lists: 429", Only(api_status(429, "TooManyRequests", "slowly", Retry_After="2"), lists), f"cannot {DEPLOYMENT_LIST}: slowly (429) {AND_THREE}. The API asks to slow down; the console waits and tries again.", begin=forget),
    Case("lists: 410", Only(api_status(410, "Expired", "expired"), lists), f"cannot {DEPLOYMENT_LIST}: expired (410) {AND_THREE}. The console lists again by itself.", begin=forget),
    Case("lists: version too large", Only(too_large_version(), lists), f"cannot {DEPLOYMENT_LIST}: Too large resource version: 9999, current: 110 (504) {AND_THREE}. {TROUBLE}", begin=forget),
    Case("lists: 403 of pods", Only(api_status(403, "Forbidden", 'User "ada" cannot list resource "pods"'), of("pods")), 'cannot list pods in prod: User "ada" cannot list resource "pods" (403). Ask the cluster\'s owner for a role that may list pods in prod. OR cannot watch pods in prod: User "ada" cannot list resource "pods" (403). Ask the cluster\'s owner for a role that may watch pods in prod.', begin=forget),
    Case("lists: 404 of a group", Only(Body("404", b"404 page not found\n", 404, "text/plain"), of("deployments", "replicasets")), f"cannot {DEPLOYMENT_LIST}: 404 page not found (and replicasets). Check the context, the namespace and the name.", begin=forget),
    Case("lists: 403 of events", Only(api_status(403, "Forbidden", "no events"), of("events")), None, LIVE, begin=forget, notes="events are not shown: cannot list events in prod: no events (403). Ask the cluster's owner for a role that may list events in prod."),
    Case("lists: 500 before the console", Only(api_status(500, "InternalError", "etcd"), lists), f"cannot {DEPLOYMENT_LIST}: etcd (500) {AND_THREE}. {TROUBLE}", early=True),
]

WATCHES = [
    Case("watches: reset", Only(ResetAtOnce(), watches), f"{{server}} broke off: Connection reset by peer {AND_THREE}. It is asked again."),
    Case("watches: 500", Only(api_status(500, "InternalError", "etcd"), watches), "cannot watch deployments.apps in prod: etcd (500) (and replicasets, pods). " + TROUBLE),
    Case("watches: 403", Only(api_status(403, "Forbidden", "no watch"), watches), "cannot watch deployments.apps in prod: no watch (403) (and replicasets, pods). Ask the cluster's owner for a role that may watch deployments.apps in prod.", LIVE),
    Case("watches: login page", Only(LOGIN, watches), "watch deployments.apps in prod: a web page instead of the API's answer (and replicasets, pods). " + PROXY, LIVE),
    Case("watches: 410 in the stream, for ever", WatchError(), "cannot watch deployments.apps in prod: too old resource version: 1 (2) (410) (and replicasets, pods). The console lists again by itself.", LIVE),
    Case("watches: 410 as status, for ever", Only(api_status(410, "Expired", "too old"), watches), "cannot watch deployments.apps in prod: too old (410) (and replicasets, pods). The console lists again by itself.", LIVE),
    Case("watches: cannot WatchList", WatchError(500, "InternalError", "sendInitialEvents is forbidden for watch"), "cannot watch deployments.apps in prod: sendInitialEvents is forbidden for watch (500) (and replicasets, pods). " + TROUBLE, LIVE),
    Case("watches: close at once, for ever", WatchAnswers(), "watch deployments.apps in prod: closed at once without a word (and replicasets, pods). It is listed again.", LIVE),
    Case("watches: half a line", WatchAnswers((b'{"type":"ADDED","obj',)), "watch deployments.apps in prod: the answer cannot be read: Input data was truncated (and replicasets, pods). Report it.", LIVE),
    Case("watches: a string", WatchAnswers((b'"502 Bad Gateway"',)), "watch deployments.apps in prod: the answer cannot be read: Expected `object`, got `str` (and replicasets, pods). Report it.", LIVE),
    Case("watches: unknown type", WatchAnswers((b'{"type":"PARTY","object":{}}',)), "watch deployments.apps in prod: an event of type 'PARTY' (and replicasets, pods). " + A_KUBERNETES, LIVE),
    Case("watches: nobody", WatchAnswers((b'{"type":"ADDED","object":{}}',)), "watch deployments.apps in prod: an object without metadata.uid (and replicasets, pods). " + A_KUBERNETES, LIVE),
    Case("watches: null", WatchAnswers((b'{"type":"ADDED","object":null}',)), "watch deployments.apps in prod: the answer cannot be read: Expected `object`, got `null` (and replicasets, pods). Report it.", LIVE),
    Case("watches: not UTF-8", WatchAnswers((b'{"type":"ADDED","object":{"metadata":{"uid":"\xff"}}}',)), "watch deployments.apps in prod: the answer cannot be read: it is not UTF-8 (and replicasets, pods). Report it.", LIVE),
    Case("watches: cut in a line", CutAfter(1), ANYTHING, None, meanwhile=busily),
    Case("watches: twice and out of order", Shuffled(), None, LIVE, end=cut),
    # Every list is asked for anew, some thirteen requests, of which two a second may be made.
    Case("watches: deletions get lost", WithoutDeletions(), None, LIVE, end=forget, recovers=8.0),
    Case("watches: no bookmarks", WithoutBookmarks(), None, LIVE),
]
# fmt: on


class Dropped(Fault):
    """All is well, but for connections that were open."""

    drops = True


async def move_away(it: Bench) -> None:
    """Another cluster answers at the same address: other objects, lower versions, another kube-system."""
    it.server.namespaces["kube-system"] = it.server.namespaces["prod"] = "another"
    it.server.version, it.server.history = 5, []
    it.kept = {path: dict(items) for path, items in it.server.objects.items()}
    it.server.objects.clear()
    await it.server.put(PODS, pod("stranger"))
    it.server.cut()


async def nothing_of_it_is_shown(it: Bench) -> None:
    soon = await it.attention.until(lambda: it.screen.word is Word.BLIND, 12.0)
    assert soon is not None, "rows of another cluster's past passed for the present until they were old"
    assert set(it.screen.pods.values()) == {"p0", "p1", "p2"}, "rows of two clusters were mixed"


async def move_back(it: Bench) -> None:
    it.server.namespaces.clear()
    it.server.objects.clear()
    it.server.objects.update(it.kept)
    it.server.version = 2000
    it.server.cut()


async def be_restored(it: Bench) -> None:
    """The cluster goes back to an old backup: the same uids, but versions that lie behind ours."""
    it.server.version, it.server.history = 5, []
    it.server.objects.clear()
    await it.server.put(PODS, pod("restored"))
    it.server.cut()


async def lose_the_namespace(it: Bench) -> None:
    it.server.always["/api/v1/namespaces/prod"] = not_found
    it.server.objects[PODS].clear()
    it.forget()


async def regain_the_namespace(it: Bench) -> None:
    del it.server.always["/api/v1/namespaces/prod"]


async def not_found(_: Any) -> Any:
    return web.json_response(status_body(404, "NotFound", 'namespaces "prod" not found'), status=404)


async def restart(it: Bench) -> None:
    """Gone for three seconds, then back: everything must be as before without the end of the fault."""
    await it.attention.pass_by(3.0)
    await it.proxy.switch(None)
    await it.change_everything()


async def date_a_new_pod(it: Bench) -> None:
    """What the API dates is ten minutes ahead, as its clock is."""
    ahead = iso(WALL.now() + 600.0 - 60.0)
    made = pod("dated")
    made["metadata"]["creationTimestamp"] = ahead
    await it.server.put(PODS, made)
    await it.attention.until(lambda: "dated" in it.screen.pods.values() and it.screen.seen[-1].notes, 10.0)
    (row,) = [one for one in it.screen.seen[-1].workloads.pods if one.name == "dated"]
    assert row.created_at == pytest.approx(WALL.now() - 60.0, abs=15.0), "its age is not told by a sane clock"


async def forget_names(it: Bench) -> None:
    NAMES_UNKNOWN.add(NAME)
    it.server.cut()


async def remember_names(it: Bench) -> None:
    NAMES_UNKNOWN.discard(NAME)


NAME = "api.faults.test"
NAMES_UNKNOWN: set[str] = set()

# fmt: off
OTHERS = [
    Case("no fault at all", NO_FAULT, None, LIVE, begin=nothing, word=Word.GO),
    Case("the server restarts", Refused(), None, LIVE, begin=nothing, meanwhile=restart),
    Case("the name is not known", Dropped(), f"http://{NAME}:{{port}}: its name is not known. Check the server's name, VPN and DNS.", begin=forget_names, end=remember_names, host=NAME),
    Case("another cluster", Fault(), "ANOTHER CLUSTER answers at {server}: the uid of kube-system is another, it was uid-kube-system. Nothing of it is shown. Check DNS, VPN and load balancer; if it is meant, restart the console.", begin=move_away, meanwhile=nothing_of_it_is_shown, end=move_back),
    Case("another cluster, kube-system kept from us", Only(api_status(403, "Forbidden", "no"), of("kube-system")), "ANOTHER CLUSTER answers at {server}: the uid of namespace prod is another, it was uid-prod. It was deleted and made anew, or another cluster answers. Nothing of it is shown. Check DNS, VPN and load balancer; if it is meant, restart the console.", begin=move_away, meanwhile=nothing_of_it_is_shown, end=move_back, early=True, settles=True),
    Case("a restored cluster", Fault(), None, LIVE, begin=be_restored, meanwhile=nothing),
    Case("the namespace is missing", Fault(), None, LIVE, begin=lose_the_namespace, meanwhile=nothing, end=regain_the_namespace, notes="namespace prod does not exist in this cluster", word=Word.BLIND),
    Case("its clock is 10 min ahead", ClockOff(600.0), None, LIVE, begin=nothing, meanwhile=date_a_new_pod, notes="the API server's clock is 600 s ahead: ages are corrected for it. Check its NTP"),
    Case("watches: an endless line", EndlessLine(), "watch deployments.apps in prod: an event is larger than 8 MiB (and replicasets, pods). " + A_KUBERNETES, LIVE),
]
# fmt: on


def certificates(folder: Path) -> tuple[Authority, list[Case]]:
    """Cases of certificates that are wrong."""
    for name in ("one", "other"):
        (folder / name).mkdir()
    authority, stranger = Authority(folder / "one"), Authority(folder / "other")
    over = Certificate("over", authority.server(ends=timedelta(minutes=-1)))
    unknown = Certificate("unknown", stranger.server())
    elsewhere = Certificate("elsewhere", authority.server(address="127.0.0.9"))
    renew = "Renew the server's certificate, or set this machine's clock."
    address = "Check the server's address, or set tls-server-name in the kubeconfig."
    trust = "Check certificate-authority-data, or the server's certificate."
    untrusted = "{server} is not trusted:"
    return authority, [
        Case("certificate is over", over, f"{untrusted} certificate has expired. {renew}", tls=True),
        Case("certificate of a stranger", unknown, f"{untrusted} unable to get local issuer certificate. {trust}", tls=True),
        Case(
            "certificate of another address", elsewhere,
            f"{untrusted} IP address mismatch, certificate is not valid for '127.0.0.1'. {address}", tls=True,
        ),
    ]  # fmt: skip


# fmt: off
HEAVY = [
    Case("lists: 50 MB", Only(Large(50_000_000), of("pods")), ANYTHING, begin=forget, recovers=15.0),
    Case("lists: gzip bomb", Only(GzipBomb(), of("pods")), ANYTHING, begin=forget, recovers=15.0),
    Case("lists: hang, though it is ready", Only(HangAfterHeaders(), lists), ANYTHING, begin=forget, recovers=15.0),
    Case("lists: drip, though it is ready", Only(SlowDrip(), of("pods")), ANYTHING, begin=forget, recovers=15.0),
]
# fmt: on
