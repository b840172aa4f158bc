"""What is kept of a pod once it is read: its row, safe to show, and whose it is. The rest is let go.

Thousands of pods say the same few words: one copy of each is kept, and of whole containers that are alike.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from aurora_tui.kube.objects import Metadata, Object, Pod
from aurora_tui.situation.pod import pod_status
from aurora_tui.situation.workload import Condition, Container, PodStatus
from aurora_tui.text import safe

MOST_SHARED = 20_000

S = TypeVar("S", str, tuple[Container, ...])


class KeptPod(Object, frozen=True, kw_only=True):
    """A pod as a row without its owner; `metadata` holds uid and resourceVersion only."""

    controller: str | None
    row: PodStatus


class PodKeeper:
    """Makes KeptPods that share what is alike."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._containers: dict[tuple[Container, ...], tuple[Container, ...]] = {}

    def __call__(self, pod: Pod) -> KeptPod:
        """What is kept of `pod`."""
        row = pod_status(pod, None, None)
        containers = tuple(map(_safe_container, row.containers))
        metadata = pod.metadata
        controller = metadata.controller
        return KeptPod(
            metadata=Metadata(uid=metadata.uid, resource_version=metadata.resource_version),
            controller=None if controller is None else _shared(controller, self._words),
            row=msgspec.structs.replace(
                row,
                uid=metadata.uid,
                namespace=_shared(row.namespace, self._words),
                reason=_shared(_clean(row.reason, 100), self._words),
                node=None if row.node is None else _shared(row.node, self._words),
                containers=_shared(containers, self._containers),
                conditions=tuple(map(self._condition, row.conditions)),
            ),
        )

    def _condition(self, one: Condition) -> Condition:
        return Condition(
            type=_shared(one.type, self._words),
            status=_shared(one.status, self._words),
            reason=one.reason and _shared(one.reason, self._words),
            message=one.message and _shared(_clean(one.message, 1000), self._words),
            since=one.since,
        )


def _shared(value: S, known: dict[S, S]) -> S:
    if len(known) > MOST_SHARED:
        known.clear()
    return known.setdefault(value, value)


def _clean(text: str, limit: int) -> str:
    """`safe`, but what is plainly safe passes at once: thousands of image names are."""
    return text if len(text) <= limit and text.isascii() and text.isprintable() else safe(text, limit)


def _safe_container(one: Container) -> Container:
    """Names are checked by the API; what kubelets and images say is not."""
    return msgspec.structs.replace(
        one,
        image=_clean(one.image, 300),
        reason=one.reason and _clean(one.reason, 100),
        message=one.message and _clean(one.message, 1000),
        last_reason=one.last_reason and _clean(one.last_reason, 100),
    )
