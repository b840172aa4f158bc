"""A deployment as the steps about it read it: where it is, which one it is, who wrote to it last."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aurora_tui.actions.operation import Changed, Permission, Reach
from aurora_tui.actions.plan import PlannedStep, Subject
from aurora_tui.kube.writes import Object, read
from aurora_tui.text import safe

RESOURCE = "deployments.apps"
_LONGEST_NAME = 253


def deployments(namespace: str) -> str:
    """The path of a namespace's deployments."""
    return f"/apis/apps/v1/namespaces/{quote(namespace, safe='')}/deployments"


def path_of(namespace: str, name: str) -> str:
    """The path of a deployment."""
    return f"{deployments(namespace)}/{quote(name, safe='')}"


async def read_deployment(reach: Reach, name: str) -> Object | None:
    """The deployment as it is now; None when there is none."""
    return await read(reach.cluster, path_of(reach.namespace, name))


async def read_again(reach: Reach, planned: PlannedStep) -> Object:
    """The deployment that the step is about, now; Changed when it is gone, or another one of that name."""
    return the_same(planned, await read(reach.cluster, about(planned).path))


def subject(namespace: str, name: str, found: Object | None) -> Subject:
    """What is acted on. found: the deployment or its Scale, which has the same uid and version; None: there is none."""
    meta = metadata(found or {})
    return Subject(
        kind="Deployment",
        resource=RESOURCE,
        path=path_of(namespace, name),
        name=safe(name, _LONGEST_NAME),
        namespace=namespace,
        uid=meta.get("uid"),
        version=meta.get("resourceVersion"),
    )


def metadata(found: Object) -> Object:
    """The object's metadata; empty when it has none."""
    meta: Object = found.get("metadata") or {}
    return meta


def annotations_of(found: Object) -> dict[str, str]:
    """The object's annotations; empty when it has none."""
    return metadata(found).get("annotations") or {}


def labels_of(found: Object) -> dict[str, str]:
    """The object's labels; empty when it has none."""
    return metadata(found).get("labels") or {}


def about(planned: PlannedStep) -> Subject:
    """What the step is about."""
    assert planned.subject is not None, "a step about an object has a subject"
    return planned.subject


def absent(name: str, namespace: str) -> str:
    """The refusal for a deployment that is not there."""
    return f"there is no deployment {safe(name, _LONGEST_NAME)} in {safe(namespace, _LONGEST_NAME)}"


def the_same(planned: PlannedStep, found: Object | None) -> Object:
    """`found` when it is the object that was approved; Changed when it is gone, or another one of that name."""
    approved = about(planned)
    if found is None:
        raise Changed(f"{approved} is gone: it was deleted after the plan was approved", "Plan again.")
    if metadata(found).get("uid") != approved.uid:
        raise Changed(f"{approved} was deleted and created anew after the plan was approved", "Plan again.")
    return found


def writers(found: Object, *fields: str) -> list[tuple[str, str]]:
    """(manager, time) of whoever owns something under `fields` (as `spec`, `template`), the newest first.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    entries = [
        (str(one.get("time") or ""), str(one.get("manager") or "unknown"))
        for one in metadata(found).get("managedFields") or []
        if isinstance(one, dict) and one.get("subresource") != "status" and _holds(one.get("fieldsV1"), fields)
    ]
    return [(safe(manager, 120), safe(time, 40)) for time, manager in sorted(entries, reverse=True)]


def last_word(found: Object, *fields: str) -> str:
    """Who wrote there last, as a clause to end a sentence with; "" when the API does not say."""
    told = writers(found, *fields)
    if not told:
        return ""
    manager, time = told[0]
    return f", by {manager} at {time}" if time else f", by {manager}"


def selector(found: Object) -> str:
    """Its selector as a query writes it: `app=bridge,tier in (a,b)`."""
    chosen = (found.get("spec") or {}).get("selector") or {}
    terms = [f"{key}={value}" for key, value in sorted((chosen.get("matchLabels") or {}).items())]
    for one in chosen.get("matchExpressions") or []:
        key, operator, values = one.get("key"), one.get("operator"), ",".join(one.get("values") or [])
        told = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": f"{key}"}
        terms.append(told.get(operator, f"!{key}"))
    return ",".join(terms)


def unobserved(found: Object) -> bool:
    """Whether its controller has not acted on its last change yet: what it says of revisions is of before."""
    return int(metadata(found).get("generation") or 0) > int((found.get("status") or {}).get("observedGeneration") or 0)


def paused(found: Object) -> bool:
    """Whether a new template has no effect until `kubectl rollout resume`."""
    return bool((found.get("spec") or {}).get("paused"))


def rollout_cautions(found: Object) -> tuple[str, ...]:
    """What a person should know before it gets another template."""
    spec = found.get("spec") or {}
    if spec.get("replicas") == 0:
        return ("it wants no pods: none starts before it is scaled up",)
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        return ("its strategy is Recreate: every pod stops before the first new one starts",)
    return ()


def template(found: Object) -> Object:
    """Its pod template."""
    made: Object = (found.get("spec") or {}).get("template") or {}
    return made


def permission(planned: PlannedStep, verb: str, subresource: str = "") -> Permission:
    """The right to `verb` the deployment that the step is about."""
    which = about(planned)
    return Permission(
        verb=verb,
        group="apps",
        resource="deployments",
        name=which.name,
        subresource=subresource,
        namespace=which.namespace,
    )


def _holds(owned: Any, fields: tuple[str, ...]) -> bool:
    for field in fields:
        if not isinstance(owned, dict) or f"f:{field}" not in owned:
            return False
        owned = owned[f"f:{field}"]
    return True
