"""Traffic weights as an HTTPRoute or a TrafficSplit writes them: where each stands, what it is, what it will be (pure).

https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref and
https://github.com/servicemeshinterface/smi-spec/tree/main/apis/traffic-split
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from aurora_tui.actions.plan import Change
from aurora_tui.kube.errors import Unreadable
from aurora_tui.kube.objects import HttpRoute, TrafficSplit
from aurora_tui.text import safe

ROUTE, SPLIT = "HTTPRoute", "TrafficSplit"
UNSET = 1  # a weight left out of an HTTPRoute (Gateway API, HTTPBackendRef.weight)
_WHOLE = 1000  # weights are told in thousandths: SMI's first version writes quantities, such as 500m
_QUANTITY = re.compile(r"(\d+)(m?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One backend. `weight` in thousandths; `pointer` is the weight's JSON pointer; `written`: as it stands there."""

    name: str
    weight: int
    pointer: str
    written: int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One set of backends that share what a rule matches. `number` from 1, as a person counts them."""

    number: int
    backends: tuple[Backend, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The backends' names, in order."""
        return tuple(one.name for one in self.backends)

    @property
    def weights(self) -> dict[str, int]:
        """Thousandths by name."""
        return {one.name: one.weight for one in self.backends}


def rules_of(kind: str, found: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a route as it was read; a TrafficSplit is one. Unreadable when it is no such object."""
    try:
        if kind == SPLIT:
            backends = msgspec.convert(found, TrafficSplit).spec.backends or ()
            told = [
                Backend(
                    name=one.service,
                    weight=_thousandths(one.weight or 0),
                    pointer=f"/spec/backends/{place}/weight",
                    written=one.weight,
                )
                for place, one in enumerate(backends)
            ]
            return (Rule(number=1, backends=tuple(told)),)
        rules = msgspec.convert(found, HttpRoute).spec.rules or ()
    except msgspec.ValidationError as error:
        raise Unreadable(f"the {kind} cannot be read: {safe(str(error), 200)}", "Report it.") from error
    return tuple(
        Rule(
            number=number,
            backends=tuple(
                Backend(
                    # What is no service cannot be meant by a service's name, but it has its part of the traffic.
                    name=one.name if one.kind in (None, "Service") else f"{one.kind}/{one.name}",
                    weight=(UNSET if one.weight is None else one.weight) * _WHOLE,
                    pointer=f"/spec/rules/{number - 1}/backendRefs/{place}/weight",
                    written=one.weight,
                )
                for place, one in enumerate(rule.backend_refs or ())
            ),
        )
        for number, rule in enumerate(rules, start=1)
    )


def dividing(rules: Iterable[Rule], wanted: Mapping[str, int]) -> tuple[Rule, ...]:
    """The rules that divide traffic between (at least) all the backends wanted."""
    return tuple(rule for rule in rules if len(rule.backends) > 1 and set(wanted) <= set(rule.names))


def after(rule: Rule, wanted: Mapping[str, int]) -> dict[str, int]:
    """Thousandths by name, once the wanted weights are set: who is not named keeps theirs."""
    return {name: wanted[name] * _WHOLE if name in wanted else weight for name, weight in rule.weights.items()}


def refusals(rules: Sequence[Rule], wanted: Mapping[str, int], what: str) -> tuple[str, ...]:
    """Why these rules cannot be given these weights. what: the route in words."""
    told = []
    for rule in rules:
        twice = sorted({name for name in wanted if rule.names.count(name) > 1})
        if twice:
            told.append(f"rule {rule.number} of {what} names {', '.join(twice)} twice: say by hand which is meant")
        elif not any(after(rule, wanted).values()):
            told.append(f"rule {rule.number} of {what} would send its traffic nowhere: every weight would be 0")
    return tuple(told)


def left_alone(rules: Sequence[Rule], chosen: Sequence[Rule], wanted: Mapping[str, int], what: str) -> tuple[str, ...]:
    """What is to be known of rules that go on sending traffic to a backend that is to get none."""
    told = []
    for rule in rules:
        emptied = [name for name, weight in wanted.items() if not weight and rule.weights.get(name)]
        if rule in chosen or not emptied:
            continue
        if len(rule.backends) == 1:
            told.append(f"rule {rule.number} of {what} sends all that it matches to {emptied[0]}, and is left as it is")
        else:
            missing = ", ".join(name for name in wanted if name not in rule.names)
            told.append(
                f"rule {rule.number} of {what} sends traffic to {', '.join(emptied)} and has no {missing}: "
                "it is left as it is"
            )
    return tuple(told)


def facts(rules: Iterable[Rule]) -> dict[str, Any]:
    """The weights now, as a plan keeps them."""
    return {"rules": [{"rule": rule.number, "weights": rule.weights} for rule in rules]}


def facts_after(rules: Iterable[Rule], wanted: Mapping[str, int]) -> dict[str, Any]:
    """The weights to come, as a plan keeps them."""
    return {"rules": [{"rule": rule.number, "weights": after(rule, wanted)} for rule in rules]}


def operations(rules: Iterable[Rule], goal: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The JSON patch that sets those weights which differ from `goal`, and touches nothing else."""
    wanted = {one["rule"]: one["weights"] for one in goal["rules"]}
    return [
        {
            "op": "add" if backend.written is None else "replace",
            "path": backend.pointer,
            "value": _as_written(wanted[rule.number][backend.name], backend.written),
        }
        for rule in rules
        if rule.number in wanted
        for backend in rule.backends
        if wanted[rule.number][backend.name] != backend.weight
    ]


def changes(rules: Sequence[Rule], wanted: Mapping[str, int]) -> tuple[Change, ...]:
    """`aurora-bridge 10 % → 0 %`, for every backend whose share or weight changes."""
    told = []
    for rule in rules:
        now, then = rule.weights, after(rule, wanted)
        for name in now:
            before, to = percent(now, name), percent(then, name)
            if now[name] == then[name] and before == to:
                continue
            if before == to:
                before, to = f"{before} (weight {_plain(now[name])})", f"{to} (weight {_plain(then[name])})"
            where = f" in rule {rule.number}" if len(rules) > 1 else ""
            told.append(Change(what=f"traffic to {safe(name, 120)}{where}", now=before, after=to))
    return tuple(told)


def words(weights: Mapping[str, int]) -> str:
    """`aurora-bridge 0 %, aurora-bridge-v0 100 %`"""
    return ", ".join(f"{safe(name, 120)} {percent(weights, name)}" for name in weights)


def percent(weights: Mapping[str, int], name: str) -> str:
    """The share of a backend: `10 %`. What is not quite nothing or all is not told as such."""
    total = sum(weights.values())
    share = 100 * weights[name] / total if total else 0.0
    if 0 < share < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < share < 100 else f"{round(share, 1):g} %"


def whole(weights: Mapping[str, int]) -> dict[str, int] | None:
    """Weights as a runbook writes them; None when one of them is a broken number."""
    if any(weight % _WHOLE for weight in weights.values()):
        return None
    return {name: weight // _WHOLE for name, weight in weights.items()}


def _as_written(weight: int, before: int | str | None) -> int | str:
    return _plain(weight) if isinstance(before, str) else weight // _WHOLE


def _plain(weight: int) -> str:
    return f"{weight}m" if weight % _WHOLE else str(weight // _WHOLE)


def _thousandths(weight: int | str) -> int:
    found = _QUANTITY.fullmatch(str(weight))
    if found is None:
        raise Unreadable(f"{safe(str(weight), 40)} is not a weight", "Correct the TrafficSplit by hand.")
    return int(found[1]) * (1 if found[2] else _WHOLE)
