"""The table of faults: what each source's light says of each. `{}` stands for the server's address and path.

An empty sentence means that nothing is wrong with the answer: the light stays live.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from tests.faults import faults
from tests.faults.answers import ClockOff, Duplicates, OutOfOrder
from tests.faults.faults import (
    DEEP,
    EMPTY,
    GARBAGE,
    LOGIN,
    NO_CONTENT,
    NULLS,
    OTHER_JSON,
    REDIRECT,
    Certificate,
    GzipBomb,
    Hang,
    HangAfterHeaders,
    Large,
    Refused,
    ResetAtOnce,
    ResetInBody,
    SlowDrip,
    Truncated,
    WrongType,
)
from tests.faults.proxy import Fault
from tests.sources.certificates import Authority

LIVE = ""
ANOTHER_SERVER = "Check that this address is the right server."
CUT = "Something on the way cuts or changes answers: ask the same address with curl."
IN_TROUBLE = "The server is in trouble itself: look at its log; we go on trying."
TOO_MUCH = "That is no answer to what was asked: check the address, and the query for too many series."
REFUSES = "{} refuses the connection. Is it running, and is this its port? Start it or correct the address."
SILENT = "{} gives no answer in time. Check the network on the way, and the server's load."
WITHIN = "{} gives no answer within 10 s. Check the network and the server's load."
BROKEN_OFF = "{} broke off the connection. The server or a proxy restarts, or this is not HTTP; we go on trying."
WEB_PAGE = "{} answered a web page, not JSON. A login page or proxy stands before it: check address and auth."
EMPTY_PAGE = "{} answered an empty page. Something on the way drops answers: ask the same address with curl."
UNREADABLE = "answers something unreadable"
NO_SAMPLES = "answers no Prometheus text"


class Row(NamedTuple):
    """A fault, and the sentences. `...` in one stands for a library's own words.

    metrics: of the source of that name; alerts: of Alertmanager, Prometheus and Grafana; health and exposition: of the
    two kinds of probe, where None is as `alerts`. `blind`: whether it takes the sight. `samples`: whether it is a fault
    of what is said, so that the server is asked as often as a healthy one.
    """

    fault: Fault
    metrics: str
    alerts: str | None = None
    health: str | None = None
    exposition: str | None = None
    tls: bool = False
    samples: bool = False

    @property
    def name(self) -> str:
        return self.fault.name

    def says(self, kind: str) -> str:
        """The sentence of "metrics", "alerts", "health" or "exposition"."""
        own: str | None = getattr(self, kind)
        if own is not None:
            return own
        return self.metrics if self.alerts is None else self.alerts


def status(code: int, remedy: str, asks: str = "", **headers: str) -> Row:
    """An error status with the server's own word for it."""
    words = f"{{}} answered {code}: no{asks}. {remedy}"
    health = "503 error" if code == 503 else None
    return Row(faults.status(code, "no", **headers), words, health=health)


def rows(authority: Authority, stranger: Authority) -> list[Row]:
    """Every fault. `authority` is the one that clients trust, `stranger` is not."""
    return [*_of_the_network(), *_statuses(), *_certificates(authority, stranger), *_bodies(), *_samples()]


def _of_the_network() -> list[Row]:
    return [
        Row(Refused(), REFUSES),
        Row(Hang(), SILENT),
        Row(HangAfterHeaders(), SILENT),
        Row(SlowDrip(), SILENT, alerts=WITHIN),
        Row(ResetAtOnce(), BROKEN_OFF),
        Row(ResetInBody(), BROKEN_OFF),
        Row(ResetInBody(reset=False), BROKEN_OFF),
    ]


def _statuses() -> list[Row]:
    busy = "The server asks for fewer requests: raise `interval`."
    return [
        status(401, "Give credentials, or renew them: `auth` of this source."),
        status(403, "These credentials may not read this: ask for the right, or give others."),
        status(404, "Check the address and its path: nothing answers there."),
        status(429, busy, " (asks to wait 1m)", Retry_After="60"),
        status(429, busy, Retry_After="Fri, 31 Dec 1999 23:59:59 GMT"),
        status(429, busy, Retry_After="soon"),
        status(500, IN_TROUBLE),
        status(503, IN_TROUBLE),
        status(503, IN_TROUBLE, " (asks to wait 2m)", Retry_After="120"),
        Row(
            REDIRECT, "{} answered 302. It redirects, as a login page does: give the address behind it, or credentials."
        ),
    ]


def _certificates(authority: Authority, stranger: Authority) -> list[Row]:
    not_trusted = "the certificate of {} is not trusted: "
    return [
        Row(
            Certificate("expired certificate", authority.server(ends=timedelta(days=-1))),
            not_trusted + "certificate has expired. Have it renewed; then check the clocks of both machines.",
            tls=True,
        ),
        Row(
            Certificate("certificate of an unknown authority", stranger.server()),
            not_trusted + "unable to get local issuer certificate. Set `auth.ca` to its authority's file.",
            tls=True,
        ),
        Row(
            Certificate("certificate of another address", authority.server(address="127.0.0.2")),
            not_trusted + "IP address mismatch, certificate is not valid for '127.0.0.1'. "
            "Use the name that the certificate is made out for.",
            tls=True,
        ),
    ]


def _bodies() -> list[Row]:
    return [
        Row(
            Truncated(),
            "{} answered broken JSON: .... " + CUT,
            health=UNREADABLE,
            exposition="answers Prometheus text that is cut off",
        ),
        Row(
            GARBAGE,
            "{} answered something unreadable: .... " + ANOTHER_SERVER,
            health=UNREADABLE,
            exposition=NO_SAMPLES,
        ),
        Row(LOGIN, WEB_PAGE, health="answers a web page, not a health status", exposition=NO_SAMPLES),
        Row(EMPTY, EMPTY_PAGE, health=LIVE, exposition=NO_SAMPLES),
        Row(NO_CONTENT, EMPTY_PAGE, health=LIVE, exposition=NO_SAMPLES),
        Row(
            Large(50_000_000),
            "{} answered more than 16 MB. " + TOO_MUCH,
            health="{} answered more than 4 MB. " + TOO_MUCH,
            exposition="{} answered more than 4 MB. " + TOO_MUCH,
        ),
        Row(
            Large(None),
            "{} answered more than 16 MB. " + TOO_MUCH,
            health="{} answered more than 4 MB. " + TOO_MUCH,
            exposition="{} answered more than 4 MB. " + TOO_MUCH,
        ),
        Row(
            GzipBomb(),
            "{} answered more than 16 MB. " + TOO_MUCH,
            health="{} answered more than 4 MB. " + TOO_MUCH,
            exposition="{} answered more than 4 MB. " + TOO_MUCH,
        ),
        Row(
            DEEP,
            "{} answered JSON of another kind: it is nested too deeply. " + ANOTHER_SERVER,
            alerts="{} answered JSON of another kind: .... " + ANOTHER_SERVER,
            health=UNREADABLE,
            exposition=NO_SAMPLES,
        ),
        Row(
            OTHER_JSON,
            "{} answered JSON of another kind: not what Prometheus answers. " + ANOTHER_SERVER,
            alerts="{} answered JSON of another kind: .... " + ANOTHER_SERVER,
            health="success",
            exposition=NO_SAMPLES,
        ),
        Row(
            NULLS,
            "{} answered JSON of another kind: not what Prometheus answers. " + ANOTHER_SERVER,
            alerts="{} answered JSON of another kind: .... " + ANOTHER_SERVER,
            health=LIVE,
            exposition=NO_SAMPLES,
        ),
    ]


def _samples() -> list[Row]:
    """True answers, told in another way."""
    return [
        Row(WrongType(), LIVE, samples=True),
        Row(Duplicates(), LIVE, samples=True),
        Row(OutOfOrder(), LIVE, samples=True),
        Row(ClockOff(600.0), LIVE, samples=True),
        Row(ClockOff(-600.0), LIVE, samples=True),
    ]
