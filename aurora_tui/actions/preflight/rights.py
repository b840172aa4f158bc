"""Whether we may: every right that the steps and the lock need, each asked of the API with the object's name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aurora_tui.actions.answer import Answer, ok, refused
from aurora_tui.actions.holding import LEASE
from aurora_tui.actions.operation import Permission, Reach
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.kube.questions import may
from aurora_tui.text import safe

TITLE = "rights"
_LEASES = "coordination.k8s.io"
_LOCK = (
    Permission(verb="create", group=_LEASES, resource="leases"),  # a name that is not there yet cannot be ruled on
    *(Permission(verb=verb, group=_LEASES, resource="leases", name=LEASE) for verb in ("get", "update")),
)


async def rights(reach: Reach, steps: Sequence[PlannedStep]) -> Answer:
    """Refused when one is denied. ApiError, Unreachable when it cannot be asked."""
    needed = needed_by(steps)

    async def denied(one: Permission) -> str | None:
        namespace = reach.namespace if one.namespace is None else one.namespace
        answer = await may(
            reach.cluster,
            one.verb,
            one.resource,
            namespace=namespace,
            group=one.group,
            subresource=one.subresource,
            name=one.name,
        )
        if answer.allowed:
            return None
        return in_words(one) + (f" ({safe(answer.reason, 160)})" if answer.reason else "")

    found = [words for words in await asyncio.gather(*map(denied, needed)) if words is not None]
    if found:
        return refused(TITLE, f"we may not {'; '.join(found)}", "Ask the cluster's owner for a role that may.")
    return ok(TITLE, f"all {len(needed)} that are needed")


def needed_by(steps: Sequence[PlannedStep]) -> tuple[Permission, ...]:
    """Every right that carrying the steps out needs, each once; the lock's too."""
    own = (one for step in steps if not step.refusals for one in operation_of(step.step).permissions(step))
    return tuple(dict.fromkeys((*own, *_LOCK)))


def in_words(one: Permission) -> str:
    """As kubectl writes it: `patch deployments.apps/scale aurora-bridge`."""
    group = f".{one.group}" if one.group else ""
    sub = f"/{one.subresource}" if one.subresource else ""
    return safe(" ".join(filter(None, (one.verb, f"{one.resource}{group}{sub}", one.name))), 200)
