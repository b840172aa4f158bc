"""Who else keeps the objects: a GitOps controller or Helm puts back what is changed behind its back.

Marks: https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/ ,
https://fluxcd.io/flux/components/kustomize/kustomizations/#reconciliation ,
https://helm.sh/docs/chart_best_practices/labels/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aurora_tui.actions.answer import Answer, ok, together, warning
from aurora_tui.actions.operations.deployment import annotations_of, labels_of, metadata
from aurora_tui.actions.preflight.objects import Acted
from aurora_tui.kube.writes import Object
from aurora_tui.situation.runbook import Restart, SetImage
from aurora_tui.text import safe

TITLE = "owner"
_ARGO = "Argo CD"
_FLUX = "Flux"
_HELM = "Helm"
_MANAGERS = {
    "argocd-controller": _ARGO,
    "argocd-application-controller": _ARGO,
    "kustomize-controller": _FLUX,
    "helm-controller": _FLUX,
    "helm": _HELM,
}
_REMEDY = {
    _ARGO: "Pause it: argocd app set APP --sync-policy none. Then change its source as well.",
    _FLUX: "Pause it: flux suspend kustomization NAME (or helmrelease). Then change its source as well.",
    _HELM: "The next helm upgrade puts it back: change the chart's values as well.",
}


def owners(acted: Sequence[Acted]) -> Answer:
    """A warning for every object that something else keeps, and for every paused deployment that is to roll out."""
    found = [*_kept(acted), *_paused(acted)]
    return together(*found) if found else ok(TITLE, "nothing else keeps these objects")


def keeper(found: Object) -> tuple[str, str] | None:
    """Who keeps the object, and under which name of its own; None when nobody is known to."""
    labels, annotations = labels_of(found), annotations_of(found)
    for mark, where, who in (
        ("argocd.argoproj.io/tracking-id", annotations, _ARGO),
        ("argocd.argoproj.io/instance", labels, _ARGO),
        ("kustomize.toolkit.fluxcd.io/name", labels, _FLUX),
        ("helm.toolkit.fluxcd.io/name", labels, _FLUX),
        ("meta.helm.sh/release-name", annotations, _HELM),
    ):
        if mark in where:
            return who, safe(str(where[mark]), 120)
    for entry in metadata(found).get("managedFields") or ():
        who = _MANAGERS.get(str(entry.get("manager", "")), "")
        if who:
            return who, ""
    return None


def _kept(acted: Iterable[Acted]) -> Iterator[Answer]:
    told: set[tuple[str, str]] = set()
    for one in acted:
        kept = keeper(one.found)
        if kept is None or (kept[0], str(one)) in told:
            continue
        told.add((kept[0], str(one)))
        name = f" ({kept[1]})" if kept[1] else ""
        yield warning(TITLE, f"{one} is kept by {kept[0]}{name}, which may put back what is changed", _REMEDY[kept[0]])


def _paused(acted: Iterable[Acted]) -> Iterator[Answer]:
    for one in acted:
        if isinstance(one.step.step, SetImage | Restart) and (one.found.get("spec") or {}).get("paused"):
            words = f"{one} is paused: step {one.step.number} rolls nothing out until it is resumed"
            yield warning("paused", words, f"kubectl rollout resume deployment/{one.name}")
