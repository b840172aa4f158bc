"""Deleting one pod, and seeing that its controller makes another."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from aurora_tui.actions.operation import Permission, Reach, Standing
from aurora_tui.actions.operations import deployment as deployments
from aurora_tui.actions.plan import Change, PlannedStep, Subject
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import Object, delete, read, read_all
from aurora_tui.situation.runbook import AnyStep, DeletePod
from aurora_tui.text import safe

_LONGEST_NAME = 253


class DeletePodOperation:
    """That very pod gone. `before` holds `controller` (uid), `owner` (in words) and `selector` of its like."""

    async def plan(self, step: DeletePod, number: int, reach: Reach) -> PlannedStep:
        """Refused when there is no such pod, or nothing that would make another."""
        name, namespace = safe(step.pod, _LONGEST_NAME), reach.namespace
        path = f"{_pods(namespace)}/{quote(step.pod, safe='')}"
        found = await read(reach.cluster, path)
        meta = deployments.metadata(found or {})
        subject = Subject(
            kind="Pod",
            resource="pods",
            path=path,
            name=name,
            namespace=namespace,
            uid=meta.get("uid"),
            version=meta.get("resourceVersion"),
        )
        controller = _controller(found or {})
        owner = "" if controller is None else safe(f"{controller.get('kind')} {controller.get('name')}", _LONGEST_NAME)
        return PlannedStep(
            number=number,
            step=step,
            title=f"Delete pod {name}",
            subject=subject,
            changes=() if found is None else (Change(what="pod", now=_state(found), after=f"made anew by {owner}"),),
            kubectl=f"kubectl -n {namespace} delete pod {step.pod}",
            before={} if controller is None else _before(meta, controller, owner),
            goal={"gone": meta.get("uid") or ""},
            warnings=("it is being deleted already",) if meta.get("deletionTimestamp") else (),
            refusals=_refusals(name, namespace, found, controller),
            limit=int(step.limit),
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and delete of the pod, list of pods."""
        about = deployments.about(planned)
        named = [
            Permission(verb=verb, group="", resource="pods", name=about.name, namespace=about.namespace)
            for verb in ("get", "delete")
        ]
        return [*named, Permission(verb="list", group="", resource="pods", namespace=about.namespace)]

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """The deletion as a dry run."""
        about = deployments.about(planned)
        await delete(reach.cluster, about.path, uid=planned.goal["gone"], dry_run=True)

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when no pod of that uid is there; says what its controller made since."""
        about = deployments.about(planned)
        found = await read(reach.cluster, about.path)
        meta = deployments.metadata(found or {})
        if found is not None and meta.get("uid") == planned.goal["gone"]:
            words = f"{about.name} is stopping" if meta.get("deletionTimestamp") else f"{about.name} is {_state(found)}"
            read_now = msgspec.structs.replace(about, version=meta.get("resourceVersion"))
            return Standing(done=False, words=words, subjects=(read_now,))
        return Standing(done=True, words=f"{about.name} is gone; {await _answer(planned, reach)}", subjects=(about,))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Delete it if it is the very pod; one that is gone or stopping already is left alone."""
        about = deployments.about(planned)
        found = await read(reach.cluster, about.path)
        meta = deployments.metadata(found or {})
        if meta.get("uid") != planned.goal["gone"] or meta.get("deletionTimestamp"):
            return
        try:
            await delete(reach.cluster, about.path, uid=planned.goal["gone"])
        except ApiError as error:
            if error.status != 404:
                raise  # 409: another pod of that name; the next look at it tells

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """None: its controller has made another."""
        return ()


async def _answer(planned: PlannedStep, reach: Reach) -> str:
    """What the controller has now, in words."""
    owner = planned.before["owner"]
    listed = await read_all(reach.cluster, _pods(reach.namespace), planned.before["selector"])
    like = [
        one
        for one in listed
        if (_controller(one) or {}).get("uid") == planned.before["controller"]
        and not deployments.metadata(one).get("deletionTimestamp")
    ]
    if not like:
        return f"{owner} has made no other yet"
    newest = max(like, key=lambda one: str(deployments.metadata(one).get("creationTimestamp")))
    ready = sum(_ready(one) for one in like)
    name = safe(str(deployments.metadata(newest).get("name")), _LONGEST_NAME)
    return f"{owner} has {len(like)}, {ready} ready, the newest {name}"


def _before(meta: Object, controller: Object, owner: str) -> Object:
    selector = ",".join(f"{key}={value}" for key, value in sorted((meta.get("labels") or {}).items()))
    return {"controller": controller.get("uid"), "owner": owner, "selector": selector}


def _refusals(name: str, namespace: str, found: Object | None, controller: Object | None) -> tuple[str, ...]:
    if found is None:
        return (f"there is no pod {name} in {safe(namespace, _LONGEST_NAME)}",)
    if controller is None:
        return (f"{name} has no controller: nothing would make another",)
    if controller.get("kind") == "Node":
        return (f"{name} is a static pod of its node: deleting it here has no effect",)
    return ()


def _pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"


def _controller(pod: Object) -> Object | None:
    owners = deployments.metadata(pod).get("ownerReferences") or []
    return next((one for one in owners if one.get("controller")), None)


def _ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _state(pod: Object) -> str:
    """Running and ready, or what else it is."""
    phase = safe(str((pod.get("status") or {}).get("phase") or "unknown"), 40).lower()
    return f"{phase} and ready" if _ready(pod) else f"{phase}, not ready"
