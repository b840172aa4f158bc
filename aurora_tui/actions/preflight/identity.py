"""Who answers, and as whom: the same cluster that the person has been looking at, or nothing is done."""

from __future__ import annotations

from aurora_tui.actions.answer import Answer, bounded, ok, refused, together, warning
from aurora_tui.actions.identity import identify
from aurora_tui.actions.operation import Reach
from aurora_tui.actions.plan import Cluster

TITLE = "cluster"
_LOOK = "Look at which cluster is meant; if this one, open the console anew."


async def recognise(reach: Reach, seen: Cluster | None) -> tuple[Cluster | None, Answer]:
    """The cluster as it says itself now, and whether it is the one `seen`. Not knowing which it is refuses."""
    found: Cluster | None = None

    async def look() -> Answer:
        nonlocal found
        found = await identify(reach.cluster)
        return together(_same(seen, found), _user(found))

    answer = await bounded(TITLE, look(), harmful=True)
    return found, answer


def difference(seen: Cluster, now: Cluster) -> str:
    """How `now` is another cluster than `seen`, in words; "" when it is the same, as far as both are known."""
    parts = (
        ("context", seen.context, now.context),
        ("server", seen.server, now.server),
        ("certificate authority", seen.ca[:16], now.ca[:16]),
        ("uid of kube-system", seen.uid, now.uid),
    )
    return "; ".join(
        f"its {what} is {after}, it was {before}"
        for what, before, after in parts
        if before and after and before != after
    )


def _same(seen: Cluster | None, now: Cluster) -> Answer:
    where = f"{now.context} at {now.server}"
    if seen is None:
        return warning(TITLE, f"{where}: nobody has looked at it before, so it cannot be compared", "Read its name.")
    other = difference(seen, now)
    if other:
        return refused(TITLE, f"ANOTHER CLUSTER: {other}", _LOOK)
    if now.uid is None or seen.uid is None:
        return warning(
            TITLE,
            f"{where}: known by its address alone, for the uid of kube-system may not be read",
            "Ask for the right to get the namespace kube-system.",
        )
    return ok(TITLE, f"{where}, the same as when it was first seen")


def _user(now: Cluster) -> Answer:
    if now.user is None:
        return warning("user", "the API does not tell who we are", "kubectl auth whoami")
    return ok("user", now.user)
