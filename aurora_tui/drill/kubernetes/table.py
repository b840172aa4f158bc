"""The Table form of lists: the columns `kubectl get` prints, made by the server (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aurora_tui.clock import parse_iso
from aurora_tui.drill.kubernetes.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    HTTP_ROUTE,
    LEASE,
    NAMESPACE,
    NODE,
    POD,
    REPLICA_SET,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    Kind,
)
from aurora_tui.drill.kubernetes.pod_state import pod_reason, restarted
from aurora_tui.drill.kubernetes.selectors import selector_text
from aurora_tui.drill.kubernetes.store import Entry

Object = dict[str, Any]
Cells = list[Any]
NONE = "<none>"


def human_age(seconds: float) -> str:
    """12s, 4m5s, 3h12m, 2d: as kubectl shortens ages."""
    total = int(seconds)
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 0:
        return "0s"
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return f"{minutes}m{total % 60}s" if total % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y{days % 365}d" if days < 2920 and days % 365 else f"{days // 365}y"


def _restarts(pod: Object, now: float) -> str:
    statuses = restarted(pod)
    total = sum(container["restartCount"] for container in statuses)
    ends = [
        parse_iso(container["lastState"]["terminated"]["finishedAt"])
        for container in statuses
        if container.get("lastState", {}).get("terminated")
    ]
    return f"{total} ({human_age(now - max(ends))} ago)" if total and ends else str(total)


def _age(thing: Object, now: float) -> str:
    return human_age(now - parse_iso(thing["metadata"]["creationTimestamp"]))


def _pod(pod: Object, now: float) -> Cells:
    statuses = pod["status"].get("containerStatuses") or []
    ready = f"{sum(s['ready'] for s in statuses)}/{len(pod['spec']['containers'])}"
    address = pod["status"].get("podIP") or NONE
    node = pod["spec"].get("nodeName") or NONE
    shown = [pod["metadata"]["name"], ready, pod_reason(pod), _restarts(pod, now), _age(pod, now)]
    return [*shown, address, node, NONE, NONE]


def _images(thing: Object) -> list[str]:
    containers = thing["spec"]["template"]["spec"]["containers"]
    return [",".join(c["name"] for c in containers), ",".join(c["image"] for c in containers)]


def _deployment(thing: Object, now: float) -> Cells:
    status, wanted = thing["status"], thing["spec"]["replicas"]
    ready = f"{status.get('readyReplicas', 0)}/{wanted}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    selector = selector_text(thing["spec"]["selector"])
    return [thing["metadata"]["name"], ready, *counts, _age(thing, now), *_images(thing), selector]


def _replica_set(thing: Object, now: float) -> Cells:
    status = thing["status"]
    counts = [thing["spec"]["replicas"], status.get("replicas", 0), status.get("readyReplicas", 0)]
    selector = selector_text(thing["spec"]["selector"])
    return [thing["metadata"]["name"], *counts, _age(thing, now), *_images(thing), selector]


def _node(thing: Object, now: float) -> Cells:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in thing["status"].get("conditions", ()))
    status = ("Ready" if ready else "NotReady") + (",SchedulingDisabled" if thing["spec"].get("unschedulable") else "")
    info = thing["status"].get("nodeInfo", {})
    addresses = {a["type"]: a["address"] for a in thing["status"].get("addresses", ())}
    wide = [addresses.get("InternalIP", NONE), NONE, info.get("osImage", "<unknown>"), "<unknown>", "<unknown>"]
    return [thing["metadata"]["name"], status, NONE, _age(thing, now), info.get("kubeletVersion", ""), *wide]


def _service(thing: Object, now: float) -> Cells:
    spec = thing["spec"]
    ports = ",".join(f"{p['port']}/{p['protocol']}" for p in spec.get("ports") or ()) or NONE
    selector = ",".join(f"{k}={v}" for k, v in sorted((spec.get("selector") or {}).items())) or NONE
    shown = [thing["metadata"]["name"], spec["type"], spec.get("clusterIP") or NONE, NONE, ports]
    return [*shown, _age(thing, now), selector]


def _event(thing: Object, now: float) -> Cells:
    def ago(*moments: str | None) -> str:
        moment = next((m for m in moments if m), None)
        return human_age(now - parse_iso(moment)) if moment else "<unknown>"

    about = thing.get("involvedObject", {})
    seen = ago(thing.get("lastTimestamp"), thing.get("eventTime"), thing["metadata"]["creationTimestamp"])
    first = ago(thing.get("firstTimestamp"), thing.get("eventTime"), thing["metadata"]["creationTimestamp"])
    named = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    source = thing.get("source", {})
    where = ", ".join(filter(None, (source.get("component") or thing.get("reportingComponent"), source.get("host"))))
    shown = [seen, thing.get("type", ""), thing.get("reason", ""), named, about.get("fieldPath", ""), where]
    return [*shown, thing.get("message", "").strip(), first, thing.get("count", 1), thing["metadata"]["name"]]


def _route(thing: Object, now: float) -> Cells:
    hosts = thing["spec"].get("hostnames")
    return [thing["metadata"]["name"], str(hosts).replace("'", '"') if hosts else "", _age(thing, now)]


def _autoscaler(thing: Object, now: float) -> Cells:
    spec, status = thing["spec"], thing["status"]
    target = spec["scaleTargetRef"]
    sizes = [str(spec.get("minReplicas", "<unset>")), spec["maxReplicas"], status.get("currentReplicas", 0)]
    named = f"{target['kind']}/{target['name']}"
    return [
        thing["metadata"]["name"],
        named,
        ", ".join(map(_metric, spec.get("metrics", ()))),
        *sizes,
        _age(thing, now),
    ]


def _metric(metric: Object) -> str:
    """A metric's target; what it is now nobody measures here."""
    source = metric.get("resource") or metric.get("containerResource")
    if source is None:
        return f"<{metric['type'].lower()}>"
    target = source["target"]
    wanted = f"{target['averageUtilization']}%" if "averageUtilization" in target else target.get("averageValue", "")
    return f"{source['name']}: <unknown>/{wanted}"


def _disruption_budget(thing: Object, now: float) -> Cells:
    spec = thing["spec"]
    bounds = [str(spec.get(field, "N/A")) for field in ("minAvailable", "maxUnavailable")]
    return [thing["metadata"]["name"], *bounds, thing["status"].get("disruptionsAllowed", 0), _age(thing, now)]


def _quota(thing: Object, now: float) -> Cells:
    status = thing.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    said = {True: [], False: []}  # type: dict[bool, list[str]]
    for name in sorted(hard):
        said[name.startswith("limits")].append(f"{name}: {used.get(name, '0')}/{hard[name]}")
    return [thing["metadata"]["name"], ", ".join(said[False]), ", ".join(said[True]), _age(thing, now)]


def _plain(thing: Object, now: float) -> Cells:
    return [thing["metadata"]["name"], _age(thing, now)]


# Upper case first letter as the server sends them; a trailing * marks columns for -o wide.
_TABLES: dict[Kind, tuple[str, Callable[[Object, float], Cells]]] = {
    POD: ("Name,Ready,Status,Restarts,Age,IP*,Node*,Nominated Node*,Readiness Gates*", _pod),
    DEPLOYMENT: ("Name,Ready,Up-to-date,Available,Age,Containers*,Images*,Selector*", _deployment),
    REPLICA_SET: ("Name,Desired,Current,Ready,Age,Containers*,Images*,Selector*", _replica_set),
    NODE: (
        "Name,Status,Roles,Age,Version,Internal-IP*,External-IP*,OS-Image*,Kernel-Version*,Container-Runtime*", _node,
    ),
    SERVICE: ("Name,Type,Cluster-IP,External-IP,Port(s),Age,Selector*", _service),
    NAMESPACE: ("Name,Status,Age", lambda n, now: [n["metadata"]["name"], n["status"]["phase"], _age(n, now)]),
    CONFIG_MAP: ("Name,Data,Age", lambda c, now: [c["metadata"]["name"], len(c.get("data") or {}), _age(c, now)]),
    LEASE: (
        "Name,Holder,Age",
        lambda n, now: [n["metadata"]["name"], n.get("spec", {}).get("holderIdentity", ""), _age(n, now)],
    ),
    EVENT: ("Last Seen,Type,Reason,Object,Subobject*,Source*,Message,First Seen*,Count*,Name*", _event),
    SECRET: (
        "Name,Type,Data,Age",
        lambda s, now: [s["metadata"]["name"], s["type"], len(s.get("data") or {}), _age(s, now)],
    ),
    AUTOSCALER: ("Name,Reference,Targets,MinPods,MaxPods,Replicas,Age", _autoscaler),
    DISRUPTION_BUDGET: ("Name,Min Available,Max Unavailable,Allowed Disruptions,Age", _disruption_budget),
    HTTP_ROUTE: ("Name,Hostnames,Age", _route),
    RESOURCE_QUOTA: ("Name,Request,Limit,Age", _quota),
}  # fmt: skip
_NUMBERS = frozenset({"Desired", "Current", "Up-to-date", "Available", "Data", "Count", "Allowed Disruptions"})


def columns(kind: Kind) -> list[Object]:
    """The table's column definitions."""
    names = _TABLES.get(kind, ("Name,Age", _plain))[0].split(",")
    found = []
    for name in names:
        plain = name.rstrip("*")
        number = plain in _NUMBERS or (plain == "Ready" and kind is REPLICA_SET)
        found.append(
            {
                "name": plain,
                "type": "integer" if number else "string",
                "format": "name" if plain == "Name" else "",
                "description": "",
                "priority": 1 if name.endswith("*") else 0,
            }
        )
    return found


def table(
    kind: Kind,
    entries: Iterable[Entry],
    meta: Object,
    now: float,
    whole: bool = False,
    head: bool = True,
    rows: bool = True,
) -> Object:
    """A Table of `entries`. whole: rows hold the object, not its metadata alone; head: with column definitions."""
    cells = _TABLES.get(kind, ("Name,Age", _plain))[1]
    made = []
    for entry in entries if rows else ():
        thing = {"kind": kind.name, "apiVersion": kind.api_version, **entry.thing} if whole else partial(entry)
        made.append({"cells": cells(entry.thing, now), "object": thing})
    definitions = columns(kind) if head else None
    head_ = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "columnDefinitions": definitions}
    return {**head_, "rows": made}


def partial(entry: Entry) -> Object:
    """The object's metadata alone."""
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {**head, "metadata": entry.thing["metadata"]}
