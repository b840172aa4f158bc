"""Who else writes a deployment's template, and would soon take our change back (pure).

https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/ · https://fluxcd.io/flux/components/kustomize/
"""

from __future__ import annotations

from aurora_tui.actions.operations.deployment import annotations_of, labels_of, writers
from aurora_tui.kube.writes import MANAGER, Object
from aurora_tui.text import safe

# Managers that act when a person does: kubectl's, ours; and those that write what follows from what others wrote.
_BY_HAND = ("kubectl", MANAGER, "before-first-apply", "kube-controller-manager")
_MARKS = {  # prefix of an annotation or label → who it is of
    "argocd.argoproj.io/": "Argo CD",
    "kustomize.toolkit.fluxcd.io/": "Flux",
    "helm.toolkit.fluxcd.io/": "Flux",
    "meta.helm.sh/": "Helm",
    "helm.sh/": "Helm",
    "fleet.cattle.io/": "Fleet",
    "app.kubernetes.io/managed-by": "",
}


def other_owners(deployment: Object) -> tuple[str, ...]:
    """A warning for each sign that something other than a person owns the template."""
    found = {}
    for manager, time in writers(deployment, "spec", "template"):
        if not manager.startswith(_BY_HAND):
            found[manager] = f"{manager} wrote the pod template{f' at {time}' if time else ''}"
    signs = {**labels_of(deployment), **annotations_of(deployment)}
    for key, value in sorted(signs.items()):
        mark = next((mark for mark in _MARKS if key.startswith(mark)), None)
        if mark is not None and not str(value).startswith("kubectl"):
            who = _MARKS[mark] or safe(str(value), 60)
            found.setdefault(who, f"{who} looks after it ({safe(key, 120)})")
    return tuple(f"{sign}: it may take the change back, so change it at its source too" for sign in found.values())
