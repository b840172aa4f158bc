"""Traffic weights, in the route that divides the traffic: nothing of it is written but the weights.

An HTTPRoute of the Gateway API or, where a service mesh has it, an SMI TrafficSplit. Weights that the step does not
name stay as they are, and so do rules that do not divide traffic between the backends it names.
"""

from __future__ import annotations

import asyncio
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from aurora_tui.actions.operation import Changed, Impossible, Permission, Reach, Standing
from aurora_tui.actions.operations import weights
from aurora_tui.actions.operations.deployment import about, last_word, metadata, the_same
from aurora_tui.actions.operations.kinds import Kind, Kinds
from aurora_tui.actions.operations.weights import ROUTE, SPLIT, Rule
from aurora_tui.actions.plan import PlannedStep, Subject
from aurora_tui.kube.writes import Object, PatchType, patch, read, read_all
from aurora_tui.situation.runbook import AnyStep, Traffic
from aurora_tui.text import safe

_GATEWAY, _MESH = "gateway.networking.k8s.io", "split.smi-spec.io"
# In order of preference: a cluster may serve several versions of the same objects.
_SERVED = (
    *((f"{_GATEWAY}/{version}", ROUTE) for version in ("v1", "v1beta1")),
    *((f"{_MESH}/{version}", SPLIT) for version in ("v1alpha2", "v1alpha4", "v1alpha3", "v1alpha1")),
)
_BY_REPLICAS = "without it, replicas alone tell how the traffic is divided: scale instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A route as it was read."""

    kind: Kind
    thing: Object
    path: str

    @property
    def name(self) -> str:
        return str(metadata(self.thing).get("name", ""))

    @property
    def what(self) -> str:
        return f"{self.kind.name} {safe(self.name, 120)}"

    @property
    def rules(self) -> tuple[Rule, ...]:
        return weights.rules_of(self.kind.name, self.thing)


class TrafficOperation:
    """Weights by backend. `before` and `goal` hold the weights of each rule, in thousandths."""

    async def plan(self, step: Traffic, number: int, reach: Reach) -> PlannedStep:
        """Each backend's share now → after; refused when there is no such route, or it has no such backends."""
        wanted = step.weights
        title = "Traffic: " + ", ".join(f"{safe(name, 120)} {weight}" for name, weight in wanted.items())
        limit = max(1, math.ceil(step.limit))
        found = await _route(step, reach)
        if isinstance(found, str):
            return PlannedStep(number=number, step=step, title=title, refusals=(found,), limit=limit)
        rules = found.rules
        chosen = weights.dividing(rules, wanted)
        refusals = weights.refusals(chosen, wanted, found.what) if chosen else (_no_such_backends(found, wanted),)
        before, goal = weights.facts(chosen), weights.facts_after(chosen, wanted)
        already = bool(chosen) and before == goal
        planned = PlannedStep(
            number=number,
            step=step,
            title=title,
            subject=_subject(found, reach),
            why=_why(step, reach, found),
            before=before,
            goal=goal,
            already=already,
            warnings=weights.left_alone(rules, chosen, wanted, found.what),
            refusals=refusals,
            limit=limit,
        )
        if refusals:
            return planned
        return msgspec.structs.replace(
            planned, changes=weights.changes(chosen, wanted), kubectl=_typed(planned, weights.operations(chosen, goal))
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and patch of the route."""
        if planned.subject is None:
            return ()
        resource, _, group = planned.subject.resource.partition(".")
        return [
            Permission(verb=verb, group=group, resource=resource, name=planned.subject.name)
            for verb in ("get", "patch")
        ]

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """The patch as a dry run."""
        await _write(planned, reach, dry_run=True)

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when the weights are so; Changed when they are neither so nor as before."""
        return _judge(planned, await _read_again(planned, reach))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """One JSON patch of the weights; 409 when the route was written to since it was read."""
        await _write(planned, reach, dry_run=False)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """The weights as they were; none where rules had different ones, which no step says."""
        step = planned.step
        assert isinstance(step, Traffic)
        before = [weights.whole(one["weights"]) for one in planned.before.get("rules", ())]
        if planned.already or planned.subject is None or not before or before[0] is None:
            return ()
        if any(one != before[0] for one in before):
            return ()
        named = {name: before[0][name] for name in step.weights}
        return (Traffic(weights=named, route=planned.subject.name, limit=step.limit),)


async def _route(step: Traffic, reach: Reach) -> _Found | str:
    """The route that the step means, or why there is none."""
    kinds = Kinds(reach.cluster)
    served = [kind for kind in await asyncio.gather(*(kinds.find(*one) for one in _SERVED)) if kind is not None]
    # One version of each: the same objects would be found again in the others.
    first = {kind.name: kind for kind in reversed(served)}
    name = step.route or reach.settings.mission.workloads.route
    here = [first[kind] for kind in (ROUTE, SPLIT) if kind in first]
    if not here:
        return f"this cluster has neither HTTPRoutes nor TrafficSplits; {_BY_REPLICAS}"
    if name is not None:
        for kind in here:
            path = kind.path(reach.namespace, name)
            thing = await read(reach.cluster, path)
            if thing is not None:
                return _Found(kind=kind, thing=thing, path=path)
        kinds_here = " or ".join(kind.name for kind in here)
        return f"there is no {kinds_here} {safe(name, 120)} in {safe(reach.namespace, 120)}; {_BY_REPLICAS}"
    return await _only_one(here, step, reach)


async def _only_one(here: Sequence[Kind], step: Traffic, reach: Reach) -> _Found | str:
    """The one route that divides traffic between the step's backends."""
    found = []
    for kind in here:
        for thing in await read_all(reach.cluster, kind.path(reach.namespace)):
            # A list's items do not say what they are; their collection does.
            one = _Found(kind=kind, thing=thing, path=kind.path(reach.namespace, metadata(thing).get("name", "")))
            if weights.dividing(one.rules, step.weights):
                found.append(one)
    between = " and ".join(safe(name, 120) for name in step.weights)
    if not found:
        return f"no route in {safe(reach.namespace, 120)} divides traffic between {between}; {_BY_REPLICAS}"
    if len(found) > 1:
        several = ", ".join(sorted(one.what for one in found))
        return f'several routes divide traffic between {between}: {several}. Say which in the step: route = "…"'
    return found[0]


def _no_such_backends(found: _Found, wanted: dict[str, int]) -> str:
    there = sorted({name for rule in found.rules for name in rule.names})
    missing = [name for name in wanted if name not in there]
    has = f"its backends are {', '.join(safe(name, 120) for name in there)}" if there else "it has no backends"
    if missing:
        return f"{found.what} has no backend {' and no backend '.join(safe(name, 120) for name in missing)}: {has}"
    return f"no rule of {found.what} divides traffic between {' and '.join(safe(name, 120) for name in wanted)}: {has}"


def _subject(found: _Found, reach: Reach) -> Subject:
    meta = metadata(found.thing)
    return Subject(
        kind=found.kind.name,
        resource=found.kind.resource,
        path=found.path,
        name=safe(found.name, 253),
        namespace=reach.namespace,
        uid=meta.get("uid"),
        version=meta.get("resourceVersion"),
    )


def _why(step: Traffic, reach: Reach, found: _Found) -> str:
    if step.route:
        return f"{found.what}, as the step names it"
    if reach.settings.mission.workloads.route:
        return f"{found.what} divides the mission's traffic"
    return f"{found.what} is the only route between these backends"


def _typed(planned: PlannedStep, operations: list[dict[str, Any]]) -> str:
    if not operations:
        return ""
    which = about(planned)
    body = shlex.quote(msgspec.json.encode(operations).decode())
    return f"kubectl -n {which.namespace} patch {which.resource} {which.name} --type=json -p {body}"


async def _read_again(planned: PlannedStep, reach: Reach) -> Object:
    return the_same(planned, await read(reach.cluster, about(planned).path))


def _rules_now(planned: PlannedStep, thing: Object) -> tuple[Rule, ...]:
    meant = {one["rule"] for one in planned.goal["rules"]}
    return tuple(rule for rule in weights.rules_of(about(planned).kind, thing) if rule.number in meant)


def _judge(planned: PlannedStep, thing: Object) -> Standing:
    which, now = about(planned), _rules_now(planned, thing)
    said = "; ".join(dict.fromkeys(weights.words(rule.weights) for rule in now))
    if weights.facts(now) not in (planned.goal, planned.before):
        raise Changed(
            f"the weights of {which} were changed after the plan was approved, to {said or 'none'}"
            + last_word(thing, "spec", "backends" if which.kind == SPLIT else "rules"),
            "Plan again.",
        )
    return Standing(
        done=weights.facts(now) == planned.goal,
        words=said,
        subjects=(msgspec.structs.replace(which, version=metadata(thing).get("resourceVersion")),),
    )


async def _write(planned: PlannedStep, reach: Reach, *, dry_run: bool) -> None:
    if not planned.goal.get("rules"):
        raise Impossible(f"{planned.title}: no rule was found that it could be done in", "Plan again.")
    thing = await _read_again(planned, reach)
    if _judge(planned, thing).done:
        return
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata(thing).get("resourceVersion")}
    operations = weights.operations(_rules_now(planned, thing), planned.goal)
    await patch(reach.cluster, about(planned).path, [guard, *operations], PatchType.JSON, dry_run=dry_run)
