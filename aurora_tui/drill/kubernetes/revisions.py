"""Revisions: a deployment's new ReplicaSet, its hash, and the annotations that number the history (pure)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from aurora_tui.drill.kubernetes import rollout

Object = dict[str, Any]

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, rollout.DESIRED, rollout.MAXIMUM,
        "deprecated.deployment.rollback.to",
    }
)  # fmt: skip
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


_HISTORY_LENGTH = 2000
"""Characters of the revision-history annotation; the oldest numbers fall out beyond."""


def template_hash(template: Object, collisions: int = 0) -> str:
    """The pod-template-hash: FNV-1a of the template, spelled as Kubernetes does; the values differ from its own.

    collisions: how often the hash was another's already (the deployment's collisionCount); each makes another hash.
    """
    value = 2166136261
    for byte in msgspec.json.encode(template, order="sorted") + collisions.to_bytes(4, "little") * (collisions > 0):
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return "".join(_SAFE[ord(digit) % len(_SAFE)] for digit in str(value))


def without_hash(template: Object) -> Object:
    """The template as the deployment wrote it."""
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}


def revision(thing: Object) -> int:
    """The revision number; 0 when it has none that can be read."""
    text = thing["metadata"].get("annotations", {}).get(REVISION, "0")
    return int(text) if re.fullmatch(r"\d+", text) else 0


def find_new(deployment: Object, sets: list[Object]) -> Object | None:
    """The ReplicaSet with the deployment's template, the oldest if there are several."""
    wanted = without_hash(deployment["spec"]["template"])
    by_age = sorted(sets, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))
    return next((one for one in by_age if without_hash(one["spec"]["template"]) == wanted), None)


def size_annotations(deployment: Object) -> dict[str, str]:
    """What the ReplicaSet remembers of the deployment's size, to know a scaling when it sees one."""
    return {rollout.DESIRED: str(deployment["spec"]["replicas"]), rollout.MAXIMUM: str(rollout.most(deployment))}


def set_annotations(deployment: Object, one: Object | None, number: int) -> dict[str, str]:
    """Annotations of the new ReplicaSet (`one`, None: about to be made) at revision `number`."""
    copied = {k: v for k, v in deployment["metadata"].get("annotations", {}).items() if k not in _NOT_COPIED}
    if one is None:
        annotations = {**copied, REVISION: str(number), **size_annotations(deployment)}
        return dict(sorted(annotations.items()))
    annotations = {**one["metadata"].get("annotations", {}), **copied}
    if revision(one) < number:
        if REVISION in annotations:
            numbers = [*filter(None, annotations.get(HISTORY, "").split(",")), annotations[REVISION]]
            while len(",".join(numbers)) > _HISTORY_LENGTH:
                del numbers[0]
            annotations[HISTORY] = ",".join(numbers)
        annotations[REVISION] = str(number)
    return dict(sorted(annotations.items()))
