"""Label and field selectors: the text of a query becomes a predicate over objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aurora_tui.drill.kubernetes.kinds import Kind
from aurora_tui.drill.kubernetes.status import bad_request

Predicate = Callable[[dict[str, Any]], bool]

_KEY = r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_REQUIREMENT = re.compile(
    rf"\s*(?:(?P<absent>!)\s*(?P<nokey>{_KEY})"
    rf"|(?P<setkey>{_KEY})\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)"
    rf"|(?P<key>{_KEY})\s*(?:(?P<op>==|!=|=)\s*(?P<value>[-A-Za-z0-9_.]*))?)\s*(?:,|$)"
)


def everything(_: dict[str, Any]) -> bool:
    """Selects every object."""
    return True


def both(first: Predicate, second: Predicate) -> Predicate:
    """Selects what both select."""
    if first is everything:
        return second
    if second is everything:
        return first
    return lambda thing: first(thing) and second(thing)


def label_selector(text: str) -> Predicate:
    """`app=bridge,track in (v0,backup),!legacy` as a predicate over objects; Refused 400 when it cannot be parsed."""
    tests: list[Predicate] = []
    position = 0
    while position < len(text):
        found = _REQUIREMENT.match(text, position)
        if found is None or found.end() == position:
            raise bad_request(f"unable to parse requirement: found {text[position:]!r}, expected: identifier")
        tests.append(_requirement(found))
        position = found.end()
    if not tests:
        return everything
    return lambda thing: all(test(thing["metadata"].get("labels") or {}) for test in tests)


def _requirement(found: re.Match[str]) -> Predicate:
    """One requirement, over labels. Absent keys satisfy `!=` and `notin`, as in Kubernetes."""
    if found["absent"]:
        missing = found["nokey"]
        return lambda labels: missing not in labels
    if found["set"]:
        key, values = found["setkey"], {value.strip() for value in found["values"].split(",")}
        if found["set"] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: key not in labels or labels[key] not in values
    key, value = found["key"], found["value"]
    if found["op"] is None:
        return lambda labels: key in labels
    if found["op"] == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def labels_match(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a workload's selector (matchLabels and matchExpressions) selects these labels."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for expression in selector.get("matchExpressions") or ():
        key, values = expression.get("key", ""), expression.get("values") or ()
        holds = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not holds.get(expression.get("operator", ""), False):
            return False
    return True


def selector_text(selector: dict[str, Any]) -> str:
    """A workload's selector as a label selector's text, as a Scale's status shows it."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for expression in selector.get("matchExpressions") or ():
        key, values = expression["key"], ",".join(sorted(expression.get("values") or ()))
        forms = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": "!" + key,
        }
        parts.append(forms[expression["operator"]])
    return ",".join(parts)


def field_selector(text: str, kind: Kind) -> Predicate:
    """`status.phase=Running,metadata.name!=x` as a predicate over objects of `kind`; Refused 400 otherwise."""
    tests: list[tuple[list[str], bool, str]] = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"\s*([\w./-]+?)\s*(==|!=|=)\s*(.*?)\s*", part)
        if found is None:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        field, operator, value = found.groups()
        known = ("metadata.name", "metadata.namespace") if kind.namespaced else ("metadata.name",)
        if field not in known + kind.fields:
            raise bad_request(f"field label not supported: {field}")
        tests.append((field.split("."), operator != "!=", value))
    if not tests:
        return everything
    return lambda thing: all((_read(thing, path) == value) is equal for path, equal, value in tests)


def _read(thing: Any, path: list[str]) -> str:
    if path == ["source"]:
        path = ["source", "component"]
    for step in path:
        thing = thing.get(step) if isinstance(thing, dict) else None
        if thing is None:
            return "false" if path[-1] == "unschedulable" else ""
    return str(thing).lower() if isinstance(thing, bool) else str(thing)
