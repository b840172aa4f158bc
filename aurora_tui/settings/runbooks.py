"""What a runbook must be beyond its types: steps that are whole, stages that can be told to be done, names that exist.

As everywhere before the document is typed, what is not of its type is skipped: that is told elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aurora_tui.settings.document import ABSENT, Document, Place
from aurora_tui.settings.problem import Problem, problem_at

# What each kind of wait waits with.
_NEEDED = {"rollout": "deployment", "pods": "deployment", "health": "probe", "query": "query"}
# RFC 6902 section 4: what each operation takes beside its path.
_OPERATIONS = {"add": "value", "remove": None, "replace": "value", "move": "from", "copy": "from", "test": "value"}


def runbook_problems(document: Document) -> Iterator[Problem]:
    """Every problem within runbooks, and between them and the rest."""
    for rule in (_halves, _environments, _stages):
        yield from rule(document)
    for place in steps(document):
        step = document.at(place)
        if not isinstance(step, dict):
            continue
        match step.get("do"):
            case "wait":
                yield from _wait(document, place, step)
            case "patch":
                yield from _patch(document, place, step)
            case "traffic":
                yield from _traffic(document, place, step)
            case "silence":
                yield from _silence(document, place, step)


def steps(document: Document) -> list[Place]:
    """Every step: of runbooks, of their choices, of their stages."""
    return [
        *document.places("runbook", "*", "step", "*"),
        *document.places("runbook", "*", "choice", "*", "step", "*"),
        *document.places("runbook", "*", "stage", "*", "step", "*"),
    ]


def _halves(document: Document) -> Iterator[Problem]:
    """Steps or stages. Neither is allowed: such a runbook's key says that it has no steps."""
    for place in document.places("runbook", "*"):
        table = document.at(place)
        if isinstance(table, dict) and table.get("step", []) != [] and table.get("stage", []) != []:
            right = "write step, or [[runbook.stage]], not both"
            yield problem_at(document, (*place, "step"), "a runbook with stages has no steps of its own", right)


def _environments(document: Document) -> Iterator[Problem]:
    known = document.at(("environments",))
    if not isinstance(known, dict):
        return
    for place in document.places("runbook", "*", "environments", "*"):
        name = document.at(place)
        if isinstance(name, str) and name not in known:
            right = f"name one that is: {_listed(list(known))}"
            yield problem_at(document, place, "there is no such environment", right)


def _stages(document: Document) -> Iterator[Problem]:
    """A stage is done once its checkpoint is ticked, so that checkpoint must be one of the plan's, and its own."""
    known = list(_checkpoints(document))
    seen: set[tuple[Place, str]] = set()
    for place in document.places("runbook", "*", "stage", "*", "done"):
        done = document.at(place)
        if not isinstance(done, str):
            continue
        if done not in known:
            right = f"write phase/checkpoint: {_listed(known)}"
            yield problem_at(document, place, "there is no such checkpoint", right)
        elif (place[:2], done) in seen:
            right = "give each stage its own checkpoint"
            yield problem_at(document, place, "is what another stage is done by", right)
        seen.add((place[:2], done))


def _checkpoints(document: Document) -> Iterator[str]:
    for place in document.places("phase", "*", "checkpoint", "*", "id"):
        phase, checkpoint = document.at((*place[:2], "id")), document.at(place)
        if isinstance(phase, str) and isinstance(checkpoint, str):
            yield f"{phase}/{checkpoint}"


def _wait(document: Document, place: Place, step: dict[str, Any]) -> Iterator[Problem]:
    """A wait names what it waits for, and nothing that it would not look at."""
    until = step.get("until")
    needed = _NEEDED.get(until) if isinstance(until, str) else None
    if needed is None:
        return
    if needed not in step:
        right = f'until = "{until}" waits for a {needed}'
        yield problem_at(document, (*place, needed), "missing", right)
    for key in ("deployment", "probe", "query"):
        if key != needed and key in step:
            right = f'remove it: until = "{until}" looks at {needed} alone'
            yield problem_at(document, (*place, key), "is not looked at", right)
    probe = step.get("probe")
    if needed == "probe" and isinstance(probe, str):
        ids = [document.at(one) for one in document.places("environments", "*", "probe", "*", "id")]
        if probe not in ids and isinstance(document.at(("environments",)), dict):
            right = f"name one that is: {_listed([one for one in ids if isinstance(one, str)])}"
            yield problem_at(document, (*place, "probe"), "no environment has such a probe", right)


def _patch(document: Document, place: Place, step: dict[str, Any]) -> Iterator[Problem]:
    """The body is what the API is sent: JSON, a table for a merge patch, a list of operations for a JSON patch."""
    text = step.get("body")
    if not isinstance(text, str):
        return
    body_at = (*place, "body")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield problem_at(document, body_at, f"is not JSON: {error}", "write the patch as JSON, in 'single quotes'")
        return
    if step.get("kind", "merge") == "merge":
        if not isinstance(body, dict) or not body:
            right = 'write an object with what is to change, or set kind = "json"'
            yield problem_at(document, body_at, "is no merge patch (RFC 7386)", right)
    elif step["kind"] == "json":
        wrong = _no_json_patch(body)
        if wrong is not None:
            right = 'write for example [{"op": "replace", "path": "/spec/replicas", "value": 1}]'
            yield problem_at(document, body_at, f"is no JSON patch (RFC 6902): {wrong}", right)


def _no_json_patch(body: Any) -> str | None:
    if not isinstance(body, list) or not body:
        return "it is not a list of operations"
    for number, one in enumerate(body, 1):
        if not isinstance(one, dict) or one.get("op") not in list(_OPERATIONS):
            return f"operation {number} has no op that is known"
        path, needed = one.get("path"), _OPERATIONS[one["op"]]
        if not isinstance(path, str) or (path and not path.startswith("/")):
            return f"operation {number} has no path that begins with /"
        if needed is not None and needed not in one:
            return f"operation {number} lacks {needed}"
    return None


def _traffic(document: Document, place: Place, step: dict[str, Any]) -> Iterator[Problem]:
    """Somebody gets the traffic, and a route divides it."""
    weights = step.get("weights")
    if isinstance(weights, dict) and weights and all(weight == 0 for weight in weights.values()):
        right = "let at least one backend have a weight above 0"
        yield problem_at(document, (*place, "weights"), "leaves nobody any traffic", right)
    workloads = document.at(("workloads",))
    if "route" not in step and (workloads is ABSENT or (isinstance(workloads, dict) and "route" not in workloads)):
        right = "name the route here, or in [workloads]"
        yield problem_at(document, (*place, "route"), "missing", right)


def _silence(document: Document, place: Place, step: dict[str, Any]) -> Iterator[Problem]:
    """Alertmanager refuses a silence that would match alerts without any label."""
    matchers = step.get("matchers")
    if isinstance(matchers, dict) and matchers and all(value == "" for value in matchers.values()):
        right = "let at least one label have a value"
        yield problem_at(document, (*place, "matchers"), "matches every alert that has no labels", right)


def _listed(names: list[str]) -> str:
    return "known are " + ", ".join(sorted(set(names))) if names else "none is defined"
