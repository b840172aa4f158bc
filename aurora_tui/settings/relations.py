"""What the parts of a mission must satisfy together: names that exist, no name twice, tables that are whole.

These rules read the document before it is typed and skip whatever is not of its type: that is told elsewhere, and
one mistake must not hide another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from aurora_tui.settings.checks import check_problems
from aurora_tui.settings.document import ABSENT, Document, Place
from aurora_tui.settings.problem import Problem, problem_at
from aurora_tui.settings.rules import identifier, web_address
from aurora_tui.settings.runbooks import runbook_problems
from aurora_tui.situation.duration import Duration

_MEASURED = ("reading", "op", "value", "hold")


def relation_problems(document: Document) -> list[Problem]:
    """Every problem between parts of the document."""
    rules = (
        _twice,
        _references,
        _criteria,
        _colours,
        _phases,
        check_problems,
        _placeholders,
        _credentials,
        _clusters,
        _environments,
        runbook_problems,
    )
    return [problem for rule in rules for problem in rule(document)]


def _text_at(document: Document, place: Place) -> str | None:
    value = document.at(place)
    return value if isinstance(value, str) else None


def _number_at(document: Document, place: Place) -> float | None:
    value = document.at(place)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _duration_at(document: Document, place: Place) -> float | None:
    try:
        return Duration.parse(_text_at(document, place) or "")
    except ValueError:
        return None


def _names(document: Document, *pattern: str) -> list[str]:
    """The texts at every place of the pattern, in order."""
    return [text for place in document.places(*pattern) if (text := _text_at(document, place)) is not None]


def _known(names: Iterable[str]) -> str:
    return "known are " + ", ".join(sorted(set(names))) if names else "none is defined"


def _twice(document: Document) -> Iterator[Problem]:
    """No id, name or key may stand twice among its neighbours."""
    groups = [
        [*document.places(table, "*", key)]
        for table, key in (
            ("slo", "id"), ("criterion", "id"), ("phase", "id"), ("daily", "id"), ("runbook", "id"), ("runbook", "key"),
            ("alert", "name"),
        )
    ]  # fmt: skip
    # A tick's key in the ledger is phase/item for both, so checkpoints and checklist share their names.
    groups += [
        [
            *document.places("phase", "*", "checkpoint", "*", "id"),
            *document.places("phase", "*", "checklist", "*", "id"),
        ]
    ]
    groups += [[*document.places("environments", "*", "probe", "*", "id")]]
    groups += [[*document.places("runbook", "*", part, "*", "id")] for part in ("choice", "stage")]
    for group in groups:
        seen: set[tuple[Any, str]] = set()
        for place in group:
            # Nested tables are compared within their parent alone.
            text, parent = _text_at(document, place), place[:2] if len(place) > 3 else ()
            if text is None:
                continue
            if (parent, text) in seen:
                yield problem_at(document, place, f"this {place[-1]} is used twice", f"give each its own {place[-1]}")
            seen.add((parent, text))


def _references(document: Document) -> Iterator[Problem]:
    """Whoever is named must exist."""
    for source, target, what in (
        (("criterion", "*", "then"), ("runbook", "*", "id"), "runbook"),
        (("criterion", "*", "slo"), ("slo", "*", "id"), "SLO"),
        (("kpi", "*", "slo"), ("slo", "*", "id"), "SLO"),
        (("phase", "*", "next"), ("phase", "*", "id"), "phase"),
        (("daily", "*", "phases", "*"), ("phase", "*", "id"), "phase"),
    ):
        known = _names(document, *target)
        for place in document.places(*source):
            text = _text_at(document, place)
            if text is not None and text not in known:
                yield problem_at(document, place, f"there is no such {what}", f"name a {what} that is: {_known(known)}")
    parts: dict[str, str] = {}
    for place in [*document.places("workloads", "*"), *document.places("workloads", "standby", "*")]:
        text = _text_at(document, place)
        if text is None or place[1] == "route":
            continue
        if text in parts:
            right = "give each part its own deployment"
            yield problem_at(document, place, f"this deployment is {parts[text]} already", right)
        parts[text] = str(place[1])


def _criteria(document: Document) -> Iterator[Problem]:
    """A criterion is measured, whole, or waits for a severity: never both, never half."""
    for place in document.places("criterion", "*"):
        table = document.at(place)
        if not isinstance(table, dict):
            continue
        measured = [key for key in _MEASURED if table.get(key, []) != []]
        if "severity" in table:
            for key in measured:
                right = "remove it, or remove severity and write reading, op, value and hold"
                yield problem_at(document, (*place, key), "a criterion with severity is not measured", right)
        elif len(measured) < len(_MEASURED):
            lacking = ", ".join(key for key in _MEASURED if key not in measured)
            right = "write reading, op, value and hold, or severity alone"
            yield problem_at(document, place, f"lacks {lacking}", right, show=False)
    for place in document.places("criterion", "*", "reading", "*", "good_ratio"):
        yield problem_at(document, place, "only an SLO's reading has a good_ratio", "remove it")


def _colours(document: Document) -> Iterator[Problem]:
    """Good must lie on the good side of warn."""
    for place in document.places("slo", "*", "colours"):
        good, warn = (_number_at(document, (*place, key)) for key in ("good", "warn"))
        direction = _text_at(document, (*place[:2], "direction"))
        if good is None or warn is None:
            continue
        if direction == "at_least" and good < warn:
            right = "with at_least, good is warn or more"
            yield problem_at(document, (*place, "good"), "is worse than warn", right)
        if direction == "at_most" and good > warn:
            yield problem_at(document, (*place, "good"), "is worse than warn", "with at_most, good is warn or less")


def _phases(document: Document) -> Iterator[Problem]:
    """Checkpoints lie within their phase; a step says how much traffic."""
    for place in document.places("phase", "*"):
        if _text_at(document, (*place, "id")) == "daily":
            right = "choose another id"
            yield problem_at(document, (*place, "id"), "is what the ledger calls the daily protocol", right)
    for place in document.places("phase", "*", "checkpoint", "*"):
        at, length = _duration_at(document, (*place, "at")), _duration_at(document, (*place[:2], "length"))
        if at is not None and length is not None and at > length:
            other = document.origin((*place[:2], "length"))
            said = f" (of {other})" if other != document.origin((*place, "at")) else ""
            right = f"write a time within the phase's {Duration(length)}{said}"
            yield problem_at(document, (*place, "at"), "is after the phase's end", right)
        traffic = document.at((*place, "traffic_percent"))
        if _text_at(document, (*place, "kind")) == "step" and traffic is ABSENT:
            yield problem_at(document, (*place, "traffic_percent"), "missing", "a step says its percentage of traffic")


def _placeholders(document: Document) -> Iterator[Problem]:
    """A share of good events is asked over $window, and nothing else is."""
    for place in [
        *document.places("slo", "*", "reading", "*", "*"),
        *document.places("criterion", "*", "reading", "*", "*"),
    ]:
        text = _text_at(document, place)
        if text is None or place[-1] not in ("value", "newest", "events", "good_ratio"):
            continue
        if place[-1] == "good_ratio" and "$window" not in text:
            right = "write $window as its range, for example increase(x[$window])"
            yield problem_at(document, place, "does not say over which window", right)
        if place[-1] != "good_ratio" and "$window" in text:
            yield problem_at(document, place, "$window belongs to good_ratio alone", "write a range such as [5m]")


def _credentials(document: Document) -> Iterator[Problem]:
    """One way of authentication, whole."""
    for place in [
        *document.places("environments", "*", "*", "auth"),
        *document.places("environments", "*", "probe", "*", "auth"),
    ]:
        auth = document.at(place)
        if not isinstance(auth, dict):
            continue

        def both(one: str, other: str, auth: dict[str, Any] = auth) -> bool:
            return one in auth and other in auth

        if both("bearer_env", "bearer_file") or both("password_env", "password_file"):
            yield problem_at(document, place, "names a secret both by variable and by file", "name it one way")
        password = "password_env" in auth or "password_file" in auth
        if ("username" in auth) != password:
            right = "write username with password_env or password_file"
            yield problem_at(document, place, "has only one of user name and password", right)
        if ("bearer_env" in auth or "bearer_file" in auth) and "username" in auth:
            yield problem_at(document, place, "has both a bearer token and a user name", "authenticate one way")
        if "client_key" in auth and "client_certificate" not in auth:
            yield problem_at(document, place, "has client_key alone", "write client_certificate as well")


def _clusters(document: Document) -> Iterator[Problem]:
    """Inside a cluster there is no kubeconfig to choose from."""
    for place in document.places("environments", "*", "cluster"):
        cluster = document.at(place)
        if (
            isinstance(cluster, dict)
            and cluster.get("in_cluster") is True
            and {"context", "kubeconfig"} & cluster.keys()
        ):
            right = "remove it, or in_cluster"
            key = "context" if "context" in cluster else "kubeconfig"
            yield problem_at(document, (*place, key), "in_cluster uses no kubeconfig", right)


def _environments(document: Document) -> Iterator[Problem]:
    """An environment's name can name its ledger's folder. A drill never leaves this machine."""
    for place in document.places("environments", "*"):
        verdict = identifier(place[1]) if isinstance(place[1], str) else None
        if verdict is not None:
            yield problem_at(document, place, *verdict)
        if document.at((*place, "drill")) is not True:
            continue
        sources = [(*place, source, "url") for source in ("prometheus", "alertmanager", "grafana")]
        probes = [(*place, *tail[2:]) for tail in document.places(*map(str, place), "probe", "*", "url")]
        for url in [*sources, *probes]:
            text = _text_at(document, url)
            if text is not None and web_address(text) is None and not _is_loopback(urlsplit(text).hostname or ""):
                right = "use 127.0.0.1, ::1 or localhost, or remove drill = true"
                yield problem_at(document, url, "a drill stays on this machine", right)


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.[0-9]{1,3}){3}", host) is not None
