"""The order of a way back: what brings something up comes first and is waited for, what takes something away later.

A run that is undone step by step, last first, takes away what serves before the other serves again: a failover's way
back scales the bridge up, and the standby down at the same moment. So nothing is taken away here, no traffic moved and
no silence ended, before the pods of everything that was brought up are ready; and the last word on every deployment
that was changed is a wait for it (pure).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

import msgspec

from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.operations.overlay import subjects_in
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.runbook import (
    AnyStep,
    Delete,
    Patch,
    Restore,
    Scale,
    SetImage,
    Silence,
    Traffic,
    Undo,
    Wait,
    WaitFor,
)

_PATIENCE = 240.0  # seconds that pods are given to become ready, where the run itself did not wait longer for them
_DEPLOYMENT = "Deployment"


class Effect(IntEnum):
    """What a step of the way back does to who serves; in this order."""

    UP = 1  # something serves that did not, or other pods take over
    EITHER = 2  # a deployment is changed, and nobody can say which way
    TRAFFIC = 3
    DOWN = 4
    LAST = 5


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the way back. `deployments`: whose pods it changes; `new_pods`: it has other ones made."""

    step: AnyStep
    effect: Effect
    deployments: tuple[str, ...] = ()
    new_pods: bool = False


def way_back(begun: Sequence[PlannedStep]) -> tuple[AnyStep, ...]:
    """The steps that take back those `begun` (in the plan's order), in a safe order, each waited for; () for none.

    Of several steps that scaled the same deployment the first tells where it stood.
    """
    backs: list[Back] = []
    for planned in reversed(begun):
        for step in operation_of(planned.step).inverse(planned):
            backs = [one for one in backs if not _same_scale(one.step, step)]
            backs.append(_judged(step, planned, begun))
    # Stable: what has the same effect stays last first.
    return _with_waits(sorted(backs, key=lambda one: one.effect), begun) if backs else ()


def _same_scale(one: AnyStep, other: AnyStep) -> bool:
    return isinstance(one, Scale) and isinstance(other, Scale) and one.deployment == other.deployment


def _judged(step: AnyStep, planned: PlannedStep, begun: Sequence[PlannedStep]) -> Back:
    match step:
        case Scale(deployment=name, replicas=replicas):
            goals = [one.step.replicas for one in begun if isinstance(one.step, Scale) and one.step.deployment == name]
            return Back(step=step, effect=_direction(replicas, goals), deployments=(name,))
        case Undo(deployment=name) | SetImage(deployment=name):
            return Back(step=step, effect=Effect.UP, deployments=(name,), new_pods=True)
        case Patch():
            return _patch(step, planned)
        case Restore():
            taken = (one for one in subjects_in(planned.before) if one.uid is not None)
            there = tuple(one.name for one in taken if one.kind == _DEPLOYMENT)
            return Back(step=step, effect=Effect.UP, deployments=there)
        case Traffic():
            return Back(step=step, effect=Effect.TRAFFIC)
        case Delete():
            return Back(step=step, effect=Effect.DOWN)
        case Silence():
            return Back(step=step, effect=Effect.LAST)
    return Back(step=step, effect=Effect.UP)


def _direction(replicas: int, from_goals: Sequence[int]) -> Effect:
    """Which way `replicas` is, seen from whichever of the goals the run got to."""
    if all(replicas > one for one in from_goals):
        return Effect.UP
    return Effect.DOWN if all(replicas <= one for one in from_goals) else Effect.EITHER


def _patch(step: Patch, planned: PlannedStep) -> Back:
    if planned.subject is None or planned.subject.kind != _DEPLOYMENT:
        return Back(step=step, effect=Effect.UP)
    assert isinstance(planned.step, Patch)
    there, back = replicas_in(planned.step.body), replicas_in(step.body)
    if there is None and back is None:
        effect = Effect.UP
    else:
        effect = Effect.EITHER if there is None or back is None else _direction(back, (there,))
    return Back(step=step, effect=effect, deployments=(planned.subject.name,), new_pods=True)


def replicas_in(body: str) -> int | None:
    """The replicas that a patch (merge or JSON) sets; None when it sets none, or is no patch."""
    try:
        patch = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    if isinstance(patch, list):
        found = [one.get("value") for one in patch if isinstance(one, dict) and one.get("path") == "/spec/replicas"]
        value = found[-1] if found else None
    else:
        spec = patch.get("spec") if isinstance(patch, dict) else None
        value = spec.get("replicas") if isinstance(spec, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _with_waits(backs: Sequence[Back], begun: Sequence[PlannedStep]) -> tuple[AnyStep, ...]:
    """`backs` with a wait for all that was brought up before whatever else, and for all that was changed at the end."""
    steps: list[AnyStep] = []
    rising: dict[str, bool] = {}  # deployments brought up and not waited for yet, and whether by new pods
    falling: dict[str, None] = {}

    def settle() -> None:
        for name, new_pods in rising.items():
            until = (WaitFor.ROLLOUT, WaitFor.PODS) if new_pods else (WaitFor.PODS,)
            steps.extend(_wait(one, name, begun) for one in until)
        rising.clear()

    for back in backs:
        if back.effect is not Effect.UP:
            settle()
        steps.append(back.step)
        for name in back.deployments:
            if back.effect is Effect.DOWN:
                falling[name] = None
            else:
                rising[name] = rising.get(name, False) or back.new_pods
    settle()
    steps.extend(_wait(WaitFor.ROLLOUT, name, begun) for name in falling)
    return tuple(steps)


def _wait(until: WaitFor, deployment: str, begun: Iterable[PlannedStep]) -> Wait:
    """With as much patience as the run itself had for that deployment, where that is more."""
    own = [float(one.step.limit) for one in begun if getattr(one.step, "deployment", None) == deployment]
    return Wait(until=until, deployment=deployment, limit=Duration(max([_PATIENCE, *own])))
