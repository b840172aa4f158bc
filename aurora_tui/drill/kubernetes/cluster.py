"""The drill's cluster: objects, the controllers that act on them, and simulated nodes, all on the world's clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aurora_tui.drill.kubernetes.behaviour import Behaviour

Object = dict[str, Any]
"""A Kubernetes object as decoded JSON. What the cluster hands out is shared: never change it, `apply` a new one."""


class Cluster:
    """A Kubernetes cluster in memory. Synchronous to change; `run()` lets its controllers and nodes live.

    now: world time, Unix seconds. sleep: waits so many world seconds. seed: names, uids and delays follow from it.
    """

    def __init__(self, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]], seed: int = 0) -> None:
        raise NotImplementedError

    def create(self, manifest: Object) -> Object:
        """Create one object as `kubectl create` would; Refused (409, 422, …) as the API would."""
        raise NotImplementedError

    def apply_manifests(self, manifests: Iterable[Object], at: float | None = None) -> None:
        """Create the objects, or replace metadata and spec of those that exist.

        at: a moment of the past; creation times and all that the controllers do until `settle()` returns carry it.
        """
        raise NotImplementedError

    def settle(self, limit: float = 900.0) -> None:
        """Let controllers and nodes do at once all they would do in `limit` world seconds from the objects' creation.

        Before `run()`: apply_manifests(v1, at=now - 5 * 86400); settle(); apply_manifests(v2, at=now - 7200); settle()
        leaves revision 2, its pods Ready for two hours.
        """
        raise NotImplementedError

    def behave(
        self,
        namespace: str,
        match: str | dict[str, str],
        behaviour: Behaviour,
        *,
        image: str | None = None,
        nth: int | None = None,
    ) -> None:
        """From now on pods covered by the rule (see `behaviour.Rule`) behave so; running ones too, from this moment."""
        raise NotImplementedError

    def pods(self, namespace: str) -> list[Object]:
        """The namespace's pods, by name."""
        raise NotImplementedError

    def ready_pods(self, namespace: str, labels: dict[str, str]) -> list[Object]:
        """The pods with these labels that are Ready and not being deleted: what a Service would send traffic to."""
        raise NotImplementedError

    def deployment(self, namespace: str, name: str) -> Object | None:
        """The deployment, or None."""
        raise NotImplementedError

    def listen(self, listener: Callable[[str, str, Object], None]) -> None:
        """Call `listener(type, kind, object)` after every change; type is ADDED, MODIFIED or DELETED."""
        raise NotImplementedError

    async def run(self) -> None:
        """Let controllers and nodes live until cancelled or `close()`. Sleeps until something is due."""
        raise NotImplementedError

    def close(self) -> None:
        """End `run()` and every open watch."""
        raise NotImplementedError
