"""Who owns which fields: managedFields, and server-side apply (pure).

Field sets are sets of paths; a step is "f:NAME", 'k:{"name":"bridge"}' or 'v:"VALUE"' as in FieldsV1. Which lists merge
by key is LIST_KEYS, from the API's x-kubernetes-list-map-keys; other lists are atomic. What controllers create
(ReplicaSets and their pods) nobody owns here; such an object gets the owner "before-first-apply" with its first apply.
https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aurora_tui.drill.kubernetes.kinds import Kind
from aurora_tui.drill.kubernetes.schema import types

Object = dict[str, Any]
Path = tuple[str, ...]

_CONDITIONS = ("Deployment", "HorizontalPodAutoscaler", "Namespace", "Node", "Pod", "PodDisruptionBudget", "ReplicaSet")
LIST_KEYS: dict[tuple[str, str], tuple[str, ...]] = {
    **dict.fromkeys(
        [("PodSpec", field) for field in ("containers", "initContainers", "ephemeralContainers", "volumes")], ("name",)
    ),
    **dict.fromkeys([(f"{kind}Status", "conditions") for kind in (*_CONDITIONS, "Service")], ("type",)),
    **dict.fromkeys([(kind, "env") for kind in ("Container", "EphemeralContainer")], ("name",)),
    ("Container", "ports"): ("containerPort", "protocol"),
    ("Container", "volumeDevices"): ("devicePath",),
    ("Container", "volumeMounts"): ("mountPath",),
    ("NodeStatus", "addresses"): ("type",),
    ("ObjectMeta", "finalizers"): (),
    ("ObjectMeta", "ownerReferences"): ("uid",),
    ("PodSpec", "hostAliases"): ("ip",),
    ("PodSpec", "imagePullSecrets"): ("name",),
    ("PodSpec", "resourceClaims"): ("name",),
    ("PodSpec", "schedulingGates"): ("name",),
    ("PodSpec", "topologySpreadConstraints"): ("topologyKey", "whenUnsatisfiable"),
    ("PodStatus", "podIPs"): ("ip",),
    ("ResourceRequirements", "claims"): ("name",),
    ("ServiceSpec", "ports"): ("port", "protocol"),
}
"""Lists that merge: by which keys; none: a set of values."""
_KEY_DEFAULTS = {"protocol": "TCP"}
ATOMIC = frozenset(
    {
        "ConfigMapKeySelector", "FileKeySelector", "LabelSelector", "LocalObjectReference", "NodeSelector",
        "NodeSelectorTerm", "ObjectFieldSelector", "ObjectReference", "OwnerReference", "ResourceFieldSelector",
        "SecretKeySelector", "TypedLocalObjectReference",
    }
)  # fmt: skip
ATOMIC_MAPS = frozenset({("PodSpec", "nodeSelector"), ("ServiceSpec", "selector")})
# Parts of every object of their type: there before anyone writes them.
_ALWAYS = frozenset({"f:metadata", "f:spec", "f:status", "f:template", "f:strategy"})
_NOBODYS = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{field}")
        for field in (
            "name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields",
            "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds",
        )
    }
)  # fmt: skip
_HERE = "."
_ITEM, _INNER = object(), object()
"""Marks of paths that have no value of their own: an item of a list or map; a struct or map."""


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes, and how: `operation` is Update or Apply."""

    name: str
    api_version: str
    operation: str = "Update"
    subresource: str = ""


def flat(type_: str, thing: Mapping[str, Any]) -> dict[Path, Any]:
    """Every path of an object: the value at a leaf, or a mark."""
    found: dict[Path, Any] = {}
    _flatten(found, (), type_, thing, "", "")
    return {path: value for path, value in found.items() if path and path not in _NOBODYS and path[:2] not in _NOBODYS}


def _flatten(found: dict[Path, Any], path: Path, type_: str, value: Any, owner: str, field: str) -> None:
    if type_[0] == "[" and isinstance(value, list) and (keys := LIST_KEYS.get((owner, field))) is not None:
        for item in value:
            step = (*path, step_of(keys, item))
            found[step] = _ITEM
            if keys:
                _flatten(found, step, type_[1:], item, owner, "")
                found.setdefault(step, _ITEM)
        return
    if not isinstance(value, dict) or not value or type_ in ATOMIC or (owner, field) in ATOMIC_MAPS:
        found[path] = value
        return
    fields = types().get(type_)
    if fields is None and type_[0] != "{":
        found[path] = value
        return
    found.setdefault(path, _INNER)
    for name, item in value.items():
        inside = (*path, f"f:{name}")
        if fields is None:
            _flatten(found, inside, type_[1:], item, "", "")
        elif name in fields:
            _flatten(found, inside, fields[name].type, item, type_, name)


def step_of(keys: tuple[str, ...], item: Any) -> str:
    """An item of a list, as a step of a path."""
    if not keys:
        return "v:" + json.dumps(item, separators=(",", ":"))
    named = {key: item.get(key, _KEY_DEFAULTS.get(key, "")) for key in sorted(keys)}
    return "k:" + json.dumps(named, separators=(",", ":"))


def applied_paths(type_: str, config: Mapping[str, Any]) -> dict[Path, Any]:
    """The paths that an applied configuration speaks of."""
    return {path: value for path, value in flat(type_, config).items() if value is not _INNER}


def encoded(paths: Iterable[Path]) -> Object:
    """A field set as FieldsV1."""
    root: Object = {}
    for path in sorted(paths):
        node = root
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node.setdefault(path[-1], {})[_HERE] = {}
    return _trimmed(root)


def _trimmed(node: Object) -> Object:
    """A leaf's own mark is left out: it says nothing."""
    if set(node) == {_HERE}:
        return {}
    return {step: _trimmed(below) if step != _HERE else {} for step, below in sorted(node.items())}


def decoded(fields: Mapping[str, Any], path: Path = ()) -> set[Path]:
    """A field set from FieldsV1."""
    found: set[Path] = set()
    for step, below in fields.items():
        if step == _HERE:
            found.add(path)
        elif not below:
            found.add((*path, step))
        else:
            found |= decoded(below, (*path, step))
    return found


def _manager(entry: Mapping[str, Any]) -> Manager:
    return Manager(entry["manager"], entry["apiVersion"], entry["operation"], entry.get("subresource", ""))


def _entry(manager: Manager, paths: set[Path], time: str) -> Object:
    entry: Object = {"manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version}
    entry |= {"time": time, "fieldsType": "FieldsV1", "fieldsV1": encoded(paths)}
    return {**entry, "subresource": manager.subresource} if manager.subresource else entry


class Owners:
    """The managedFields of one object, taken apart."""

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        entries = list(entries)
        self._times = {_manager(entry): str(entry.get("time", "")) for entry in entries}
        self.sets = {_manager(entry): decoded(entry["fieldsV1"]) for entry in entries}
        self.wrote: set[Manager] = set()
        """Who has changed a value just now. Whom another one has taken a field from has not."""

    def entries(self, now: str) -> list[Object]:
        """managedFields; the sets of those who wrote are of `now`. Applies come first, then the oldest."""
        made = [
            _entry(manager, paths, now if manager in self.wrote else self._times.get(manager, now))
            for manager, paths in self.sets.items()
            if paths
        ]
        return sorted(made, key=lambda e: (e["operation"], e["time"], e["manager"], e.get("subresource", "")))

    def said(self, manager: Manager) -> str:
        """A manager as conflicts name it."""
        said = f'"{manager.name}"'
        if manager.subresource:
            said += f' with subresource "{manager.subresource}"'
        if manager.operation == "Update":
            said += f" using {manager.api_version} at {self._times[manager]}"
        return said

    def take(self, manager: Manager, changed: set[Path], gone: set[Path]) -> None:
        """An update: what it changed is its own from now on, what it removed is nobody's."""
        for other, paths in self.sets.items():
            paths -= gone if other == manager else gone | changed
        if changed:
            self.wrote.add(manager)
            self.sets[manager] = self.sets.get(manager, set()) | changed

    def others(self, manager: Manager) -> set[Path]:
        """What anyone else owns."""
        return {path for other, paths in self.sets.items() if other != manager for path in paths}


def readable(entries: Any) -> bool:
    """Whether a client's managedFields can be taken for what they are; [{}] asks to forget them all."""
    if entries == [{}]:
        return True
    try:
        return bool(entries) and all(e["operation"] in ("Apply", "Update") for e in entries) and bool(Owners(entries))
    except (AttributeError, KeyError, TypeError):
        return False


def updated(type_: str, before: Mapping[str, Any] | None, after: Object, manager: Manager, now: str) -> list[Object]:
    """managedFields after `manager` has written `after` over `before` (None: has created it)."""
    entries = after["metadata"].get("managedFields") or []
    if before is not None and not entries:
        return []  # nobody has owned it from the start: nobody is asked until the first apply
    changed, gone = _difference(type_, before, after)
    if manager.subresource != "status":  # whatever it says of the status is not heeded
        changed = {path for path in changed if path[0] != "f:status"}
    owners = Owners(entries)
    owners.take(manager, changed, gone)
    return owners.entries(now)


def controlled(kind: Kind, before: Object, after: Object, now: str) -> list[Object]:
    """managedFields after a controller has written: its status is owned apart from all else, as in a real cluster."""
    name = "kubelet" if kind.name == "Pod" else "kube-controller-manager"
    entries: list[Object] = after["metadata"].get("managedFields") or []
    if _only_again(kind, name, entries, before, after):
        return entries
    changed, gone = _difference(kind.name, before, after)
    owners = Owners(entries)
    status = {path for path in changed if path[0] == "f:status"}
    owners.take(Manager(name, kind.api_version), changed - status, gone)
    owners.take(Manager(name, kind.api_version, "Update", "status"), status, set())
    return owners.entries(now)


def _only_again(kind: Kind, name: str, entries: list[Object], before: Object, after: Object) -> bool:
    """Whether it has only set anew what it has in the status already: the usual case, and quickly told."""
    if any(before.get(part) != after.get(part) for part in ("metadata", "spec")):
        return False
    told = [entry for entry in entries if "f:status" in entry["fieldsV1"]]
    if len(told) != 1 or told[0]["manager"] != name:
        return False
    status = {"status": before.get("status") or {}}, {"status": after.get("status") or {}}
    changed, gone = _difference(kind.name, *status)
    return not gone and all(_holds(told[0]["fieldsV1"], path) for path in changed)


def _holds(fields: Mapping[str, Any], path: Path) -> bool:
    """Whether a field set in FieldsV1 has the path."""
    for step in path:
        if step not in fields:
            return False
        fields = fields[step]
    return not fields or _HERE in fields


def _difference(type_: str, before: Mapping[str, Any] | None, after: Object) -> tuple[set[Path], set[Path]]:
    """(paths that are new or have another value, paths that are gone)."""
    old, new = flat(type_, before) if before is not None else {}, flat(type_, after)
    changed = {
        path
        for path, value in new.items()
        if (path not in old or (value is not _ITEM and value is not _INNER and old[path] != value))
        and not (value is _INNER and path[-1] in _ALWAYS)
    }
    return changed, old.keys() - new.keys()


def written_by(
    name: str, kind: Kind, now: str, subresource: str = ""
) -> Callable[[Object | None, Object], list[Object]]:
    """For the registry: the manager `name` owns what it changes."""
    manager = Manager(name, kind.api_version, "Update", subresource)
    return lambda before, after: updated(kind.name, before, after, manager, now)


def conflicts(
    owners: Owners, manager: Manager, config: Mapping[Path, Any], live: Mapping[Path, Any]
) -> list[tuple[Manager, Path]]:
    """(owner, field) for every field of the configuration that it would change and another owns."""
    return [
        (other, path)
        for other in sorted(owners.sets, key=lambda one: (one.name, one.operation, one.subresource))
        if other != manager
        for path in sorted(owners.sets[other] & config.keys())
        if config[path] is not _ITEM and live.get(path) != config[path]
    ]


def shown(path: Path) -> str:
    """.spec.template.spec.containers[name="bridge"].image"""
    text = ""
    for step in path:
        mark, rest = step[0], step[2:]
        if mark == "f":
            text += f".{rest}"
        elif mark == "v":
            text += f"[={rest}]"
        else:
            pairs = (f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items())
            text += f"[{','.join(pairs)}]"
    return text
