"""Several steps of one plan that change the same of the same object: what the later one will find is not what is now.

Of two scalings the second one's finding is known: what the first makes. Nothing else is guessed: a patch's effect only
the server knows, and it cannot be asked about what is not there yet. So whatever else would be stopped half way, by
its own earlier step, is refused when it is planned (pure).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aurora_tui.actions.operations.overlay import subjects_in
from aurora_tui.actions.operations.scale import following
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.situation.runbook import Apply, Delete, Patch, Restart, Scale, SetImage, Traffic, Undo

_IMAGES = ("/spec/template/spec/containers", "/spec/template/spec/initContainers")
Place = tuple[str, str]  # an object's path in the API, and a JSON pointer in it: all that is below it is meant


def in_sequence(steps: Sequence[PlannedStep]) -> tuple[PlannedStep, ...]:
    """`steps`, each as it will find things once those before it are done; refused where nobody can know."""
    told: list[PlannedStep] = []
    for step in steps:
        earlier = first_changed_by(step, told, last=True)
        if earlier is None or step.refusals:
            told.append(step)
        elif isinstance(step.step, Scale) and isinstance(earlier.step, Scale):
            told.append(following(step, earlier.step.replicas, earlier.number))
        else:
            told.append(_refused(step, earlier))
    return tuple(told)


def first_changed_by(step: PlannedStep, steps: Sequence[PlannedStep], *, last: bool = False) -> PlannedStep | None:
    """The first (or last) step before `step` that changes what `step` relies on; None when it finds things as now."""
    relied = _relied_on(step)
    found = [
        one
        for one in steps
        if one.number < step.number
        and not (one.already or one.refusals)
        and not _other_containers(one, step)
        and any(_meet(mine, theirs) for mine in relied for theirs in _changed(one))
    ]
    return (found[-1] if last else found[0]) if found else None


def _refused(step: PlannedStep, earlier: PlannedStep) -> PlannedStep:
    words = (
        f"step {earlier.number}, {earlier.title}, changes the same first, so what this step will find cannot be read "
        "now: write one step of the two, or two runbooks"
    )
    return msgspec.structs.replace(step, refusals=(words,))


def _changed(step: PlannedStep) -> tuple[Place, ...]:
    """What the step writes to, as far as it is known: how much of an object an apply changes is not."""
    if isinstance(step.step, Apply):
        return ()
    if isinstance(step.step, Delete):
        return tuple((one.path, "") for one in subjects_in(step.before))
    return _relied_on(step)


def _relied_on(step: PlannedStep) -> tuple[Place, ...]:
    """What must be as it was read when the step's turn comes."""
    if isinstance(step.step, Apply):
        return tuple((one.path, "") for one in subjects_in(step.before))
    if step.subject is None:
        return ()
    return tuple((step.subject.path, pointer) for pointer in _pointers(step))


def _pointers(step: PlannedStep) -> tuple[str, ...]:
    match step.step:
        case Scale():
            return ("/spec/replicas",)
        case Undo():
            return ("/spec/template",)
        case SetImage():
            return _IMAGES
        case Restart():
            return ("/spec/template/metadata/annotations",)
        case Traffic():
            return ("/spec",)
        case Patch():
            return tuple(step.goal.get("places", ()))
    return ()


def _other_containers(one: PlannedStep, other: PlannedStep) -> bool:
    """Whether both set an image, each of another container."""
    if not (isinstance(one.step, SetImage) and isinstance(other.step, SetImage)):
        return False
    return one.step.container != other.step.container


def _meet(one: Place, other: Place) -> bool:
    """Whether one place is the other, or in it."""
    if one[0] != other[0]:
        return False
    mine, theirs = f"{one[1]}/", f"{other[1]}/"
    return mine.startswith(theirs) or theirs.startswith(mine)
