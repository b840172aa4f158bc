"""The recorded exchanges, and how two answers are compared: what the server makes up is blanked out in both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("recordings")

_MADE_UP = frozenset(
    {
        "uid", "resourceVersion", "creationTimestamp", "lastUpdateTime", "lastTransitionTime", "startTime", "startedAt",
        "deletionTimestamp", "eventTime", "firstTimestamp", "lastTimestamp", "time", "pod-template-hash", "continue",
        "podIP", "podIPs", "hostIP", "nodeName", "clusterIP", "clusterIPs", "reportingInstance", "serverAddress",
        "finishedAt",
    }
)  # fmt: skip
_HASHED = re.compile(r"(aurora-[a-z0-9-]+?)-[a-z0-9]{8,10}(?:-([a-z0-9]{5}))?(\.[0-9a-f]{16})?(?=[^a-z0-9-]|-$|$)")
_AGE = re.compile(r"^\d+[smhd](\d+[smh])?$")
_VERSION = re.compile(r"too old resource version: \d+ \(\d+\)")


def exchanges(number: str) -> list[dict[str, Any]]:
    """The exchanges of the recording with this number, in order."""
    (path,) = FOLDER.glob(f"kubernetes-{number}-*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def comparable(value: Any, field: str = "") -> Any:
    """`value` without what differs from server to server: times, uids, hashes, addresses, random names."""
    if field in _MADE_UP and value is not None:
        return "…"
    if isinstance(value, dict):
        return {key: comparable(item, key) for key, item in value.items() if key != "managedFields"}
    if isinstance(value, list):
        items = [comparable(item) for item in value]
        return sorted(items, key=_order) if field == "items" else items
    if isinstance(value, str):
        text = _HASHED.sub(lambda found: found[1] + "-HASH" + ("-POD" if found[2] else ""), value)
        text = re.sub(r"^(aurora-[a-z0-9-]+)-[a-z0-9]{8,10}-$", r"\1-HASH-", text)
        text = re.sub(r"^(aurora-warroom)\.[a-z0-9]{5}$", r"\1.RANDOM", text)
        text = re.sub(r"\bnode-\d\b", "node", text)
        text = re.sub(r"10\.1?\d*\.\d+\.\d+", "ADDRESS", text)
        return _VERSION.sub("too old resource version", "AGE" if _AGE.match(text) else text)
    return value


def _order(item: Any) -> str:
    """Objects in lists are sorted by names that end in hashes: here, by what is left of them."""
    meta = item["metadata"]
    annotations = meta.get("annotations", {})
    return f"{meta['name']} {annotations.get('deployment.kubernetes.io/revision', '')}"


def differences(recorded: Any, ours: Any, path: str = "") -> list[str]:
    """Where the two differ, as `path: recorded ≠ ours`."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        found: list[str] = []
        for key in sorted(recorded.keys() | ours.keys()):
            if key not in ours:
                found.append(f"{path}.{key}: {recorded[key]!r} ≠ (absent)")
            elif key not in recorded:
                found.append(f"{path}.{key}: (absent) ≠ {ours[key]!r}")
            else:
                found += differences(recorded[key], ours[key], f"{path}.{key}")
        return found
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        pairs = enumerate(zip(recorded, ours, strict=True))
        return [line for index, (one, other) in pairs for line in differences(one, other, f"{path}[{index}]")]
    return [] if recorded == ours else [f"{path}: {recorded!r} ≠ {ours!r}"]
