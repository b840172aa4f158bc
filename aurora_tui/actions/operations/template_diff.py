"""Pod templates compared: which are the same to Kubernetes, and what differs, in lines a person reads (pure)."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from aurora_tui.kube.writes import Object
from aurora_tui.text import safe

HASH_LABEL = "pod-template-hash"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_LINES = 80
_WIDTH = 200


def without_hash(template: Object) -> Object:
    """The template as a deployment writes it: without the label that a ReplicaSet's pods are told apart by."""
    metadata = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    if "labels" in metadata or labels:
        metadata["labels"] = labels
    return {**template, "metadata": metadata}


def without_restart(template: Object) -> Object:
    """The template without the mark that `kubectl rollout restart` leaves."""
    metadata = dict(template.get("metadata") or {})
    noted = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != RESTARTED_AT}
    return {**template, "metadata": {**metadata, "annotations": noted}}


def template_hash(template: Object) -> str:
    """SHA-256, in hex, of the template's canonical JSON: keys in order, no `pod-template-hash`, no empty metadata.

    Two templates have the same one when `kubectl rollout undo` would call them equal.
    """
    text = json.dumps(_plain(template), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def template_diff(now: Object, after: Object) -> tuple[str, ...]:
    """The lines of a unified diff of both templates as YAML-like text, safe to show; at most 80, and says so."""
    before, then = (list(_lines(_plain(template))) for template in (now, after))
    lines = [line for line in difflib.unified_diff(before, then, "now", "after", n=2, lineterm="")]
    shown = [safe(line, _WIDTH) for line in lines[:_LINES]]
    if len(lines) > _LINES:
        shown.append(f"… {len(lines) - _LINES} more lines")
    return tuple(shown)


def images(template: Object) -> dict[str, str]:
    """Container → image, init containers too."""
    spec = template.get("spec") or {}
    both = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return {str(one.get("name")): str(one.get("image")) for one in both}


def _plain(template: Object) -> Object:
    plain = without_hash(template)
    plain["metadata"] = {key: value for key, value in plain["metadata"].items() if value}
    return plain


def _lines(value: Any, indent: int = 0) -> Iterator[str]:
    room = "  " * indent
    if isinstance(value, dict):
        for key in sorted(value):
            held = value[key]
            if isinstance(held, dict | list) and held:
                yield f"{room}{key}:"
                yield from _lines(held, indent + (not isinstance(held, list)))
            else:
                yield f"{room}{key}: {_scalar(held)}"
    elif isinstance(value, list):
        for one in value:
            inner = list(_lines(one, indent + 1)) if isinstance(one, dict | list) and one else [_scalar(one)]
            yield f"{room}- {inner[0].lstrip()}"
            yield from inner[1:]


def _scalar(value: Any) -> str:
    if isinstance(value, str) and value and "\n" not in value:
        return value
    return json.dumps(value, ensure_ascii=False)
