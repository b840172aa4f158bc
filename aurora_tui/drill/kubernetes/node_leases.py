"""Node leases in kube-node-lease: each kubelet's sign of life, renewed every 10 s while its node is heard of.

Their uids follow from the nodes': what else is made up from the cluster's seed stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID, uuid5

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import LEASE, NAMESPACE, NODE
from aurora_tui.drill.kubernetes.store import Change, Key

_HOME = "kube-node-lease"
LEASE_SECONDS = 40
"""A kubelet's nodeLeaseDurationSeconds; it renews at a quarter of them."""


class NodeLeases:
    """Keys are ("", node name). silent: whether nothing is heard of the node of this name."""

    kinds = frozenset({NODE})

    def __init__(self, tools: Tools, silent: Callable[[str], bool]) -> None:
        self._tools = tools
        self._silent = silent

    def concerns(self, change: Change) -> Iterable[Key]:
        """A node that comes. (The lease of one that goes is garbage then: it has an owner.)"""
        return (change.key,) if change.before is None else ()

    def sync(self, key: Key) -> None:
        """Renew the lease."""
        name, now = key[1], self._tools.now()
        node = self._tools.store.get(NODE, *key)
        if node is None:
            return
        self._tools.alarm(self, key, now + LEASE_SECONDS / 4)
        if self._silent(name):
            return
        renewed = {
            "holderIdentity": name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": f"{iso(now).removesuffix('Z')}.000000Z",
        }
        lease = self._tools.store.get(LEASE, _HOME, name)
        if lease is not None:
            self._tools.registry.write(LEASE, lease, lease.but(spec=renewed))
            return
        home = self._tools.store.get(NAMESPACE, "", _HOME)
        if home is None or "deletionTimestamp" in home.thing["metadata"]:
            return
        uid = node.thing["metadata"]["uid"]
        owner = {"apiVersion": NODE.api_version, "kind": NODE.name, "name": name, "uid": uid}
        meta = {"name": name, "namespace": _HOME, "uid": str(uuid5(UUID(uid), _HOME)), "creationTimestamp": iso(now)}
        self._tools.store.put(LEASE, {"metadata": {**meta, "ownerReferences": [owner]}, "spec": renewed})
