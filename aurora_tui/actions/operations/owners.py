"""Who else writes a deployment's template, and would soon take our change back (pure).

Marks of Argo CD, Flux and Helm on any object are the preflight's to find; here is who the API says wrote the template.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers
"""

from __future__ import annotations

from aurora_tui.actions.operations.deployment import labels_of, writers
from aurora_tui.kube.writes import MANAGER, Object
from aurora_tui.text import safe

# Managers that act when a person does: kubectl's, ours; and those that write what follows from what others wrote.
_BY_HAND = ("kubectl", MANAGER, "before-first-apply", "kube-controller-manager")
_MANAGED_BY = "app.kubernetes.io/managed-by"


def other_owners(deployment: Object) -> tuple[str, ...]:
    """A warning for each sign that something other than a person owns the template."""
    found: dict[str, str] = {}
    for manager, time in writers(deployment, "spec", "template"):
        if not manager.startswith(_BY_HAND):
            found.setdefault(manager, f"{manager} wrote the pod template{f' at {time}' if time else ''}")
    keeper = safe(labels_of(deployment).get(_MANAGED_BY, ""), 60)
    if keeper and not keeper.startswith(_BY_HAND):
        found.setdefault(keeper, f"{keeper} looks after it ({_MANAGED_BY})")
    return tuple(f"{sign}: it may take the change back, so change it at its source too" for sign in found.values())
