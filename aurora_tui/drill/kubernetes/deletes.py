"""Deletes and evictions, as a request asks for them."""

from __future__ import annotations

import json

from aiohttp import web

from aurora_tui.drill.kubernetes import disruption
from aurora_tui.drill.kubernetes.admission import Attempt
from aurora_tui.drill.kubernetes.answers import answer, list_json
from aurora_tui.drill.kubernetes.bodies import decoding, json_body, typed
from aurora_tui.drill.kubernetes.call import Call, Object
from aurora_tui.drill.kubernetes.lists import page
from aurora_tui.drill.kubernetes.options import bad_option, go_strings, number, unsupported_option
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from aurora_tui.drill.kubernetes.status import bad_request, method_not_allowed, success
from aurora_tui.drill.kubernetes.store import Entry

_POLICIES = ("Foreground", "Background", "Orphan")
_UNREADABLE = 'DeleteOptions in version "v1" cannot be handled as a DeleteOptions'


async def delete(call: Call) -> web.Response:
    """DELETE an object, or the selected ones of a collection."""
    target, registry = call.target, call.cluster.registry
    if target.subresource:
        raise method_not_allowed()
    options, dry_run = await _delete_options(call)
    if not target.name:
        if "deletecollection" not in target.kind.verbs or (target.kind.namespaced and target.namespace is None):
            raise method_not_allowed()
        doomed = page(call.cluster.store, target.kind, target.namespace, call.request.query)
        for entry in doomed.entries:
            _judge_delete(call, entry, options)
            registry.delete(entry, options, dry_run)
        return answer(list_json(target.kind, doomed.entries, doomed.meta()))
    entry = registry.find(target.kind, call.home, target.name)
    _judge_delete(call, entry, options)
    last, gone = registry.delete(entry, options, dry_run)
    if gone and not target.kind.answers_with_object:
        return answer(success(target.kind, target.name, entry.thing["metadata"]["uid"]))
    return answer(last.json)


async def evict(call: Call) -> web.Response:
    """POST pods/NAME/eviction: a delete that asks the pod's disruption budget first."""
    body, _ = typed("Eviction", await json_body(call.request, "Eviction"), "Eviction cannot be read")
    said = (body.get("apiVersion", "policy/v1"), body.get("kind", "Eviction"))
    if said != ("policy/v1", "Eviction"):
        raise bad_request(f"no kind {said[1]!r} is registered for version {said[0]!r}")
    name = (body.get("metadata") or {}).get("name", call.target.name)
    if name != call.target.name:
        raise bad_request("name in URL does not match name in Eviction object")
    options = _options(body.get("deleteOptions") or {})
    dry_run = call.dry_run or bool((body.get("deleteOptions") or {}).get("dryRun"))
    registry, target = call.cluster.registry, call.target
    pod = registry.find(target.kind, call.home, name)
    registry.judge(
        Attempt(
            operation="CREATE", kind=target.kind, namespace=call.home, name=name, subresource="eviction", thing=body
        )
    )
    return answer(disruption.evict(registry, pod, options, call.cluster.now(), dry_run), 201)


def _judge_delete(call: Call, entry: Entry, options: DeleteOptions) -> None:
    """Ask the judges, once nothing else stands against it."""
    registry = call.cluster.registry
    if registry.judges:
        registry.delete(entry, options, dry_run=True)
        name = entry.thing["metadata"]["name"]
        registry.judge(Attempt(operation="DELETE", kind=entry.kind, namespace=call.home, name=name))


async def _delete_options(call: Call) -> tuple[DeleteOptions, bool]:
    """(options, dry run) from the body, or from the query when there is no body: never from both."""
    raw = await call.request.read()
    if not raw:
        query = call.request.query
        body: Object = {key: query[key] for key in ("propagationPolicy", "orphanDependents") if key in query}
        if "gracePeriodSeconds" in query:
            body["gracePeriodSeconds"] = number(query, "gracePeriodSeconds")
        if "orphanDependents" in query:
            body["orphanDependents"] = query["orphanDependents"] == "true"
        return _options(body), call.dry_run
    try:
        body = json.loads(raw)
    except ValueError as wrong:
        raise bad_request(f"error decoding delete options: {decoding(wrong, raw)}") from wrong
    body, _ = typed("DeleteOptions", body, _UNREADABLE)
    dry = body.get("dryRun") or []
    if any(value != "All" for value in dry):
        raise unsupported_option("DeleteOptions", "dryRun", go_strings(dry), ("All",))
    return _options(body), bool(dry)


def _options(body: Object) -> DeleteOptions:
    demands, orphan = body.get("preconditions") or {}, body.get("orphanDependents")
    policy, grace = body.get("propagationPolicy"), body.get("gracePeriodSeconds")
    if policy is not None and orphan is not None:
        why = "Invalid value: %s: orphanDependents and deletionPropagation cannot be both set"
        raise bad_option("DeleteOptions", "propagationPolicy", why % json.dumps(policy))
    if policy not in (None, *_POLICIES):
        raise unsupported_option("DeleteOptions", "propagationPolicy", json.dumps(policy), (*_POLICIES, "nil"))
    if grace is not None and grace < 0:
        grace = 1  # as the real server reads it
    chosen = policy or ("Orphan" if orphan else "Background")
    return DeleteOptions(grace, chosen, demands.get("uid"), demands.get("resourceVersion"))
