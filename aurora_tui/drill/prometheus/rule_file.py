"""Rule files as Prometheus reads them: YAML in, checked `RuleGroup`s out.

Source: pkg/rulefmt of Prometheus 2.42. What it does not know is refused as there, naming file, group and rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from aurora_tui.drill.durations import parse_duration
from aurora_tui.drill.prometheus import query
from aurora_tui.drill.prometheus.errors import QueryError
from aurora_tui.drill.prometheus.rules import Rule, RuleGroup
from aurora_tui.errors import UsageError

# libyaml's parser where PyYAML was built with it: some ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

_OF_FILE, _OF_GROUP = {"groups"}, {"name", "interval", "limit", "rules"}
_OF_RULE = {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}


class BadRuleFile(UsageError):
    """A rule file that Prometheus would refuse."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}", "Correct the file; `promtool check rules` says what Prometheus thinks.")


def read_rules(folder: Path) -> list[RuleGroup]:
    """The groups of every *.yml file of `folder`, by file name; BadRuleFile when there is none, or one is bad."""
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise BadRuleFile(str(folder), "no rule files (*.yml)")
    return [group for file in files for group in read_rule_file(file)]


def read_rule_file(file: Path) -> list[RuleGroup]:
    """The groups of one file. BadRuleFile names file, group and rule of what is wrong."""
    try:
        document = yaml.load(file.read_bytes(), Loader=_LOADER)
    except OSError as error:
        raise BadRuleFile(str(file), f"it cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise BadRuleFile(str(file), f"it is not YAML: {' '.join(str(error).split())}") from error
    content = _mapping(str(file), document, _OF_FILE)
    groups: dict[str, RuleGroup] = {}
    for given in _list(str(file), content.get("groups"), "groups"):
        group = _group(file, given)
        if group.name in groups:
            raise BadRuleFile(str(file), f'groupname: "{group.name}" is repeated in the same file')
        groups[group.name] = group
    return list(groups.values())


def _group(file: Path, given: object) -> RuleGroup:
    content = _mapping(f"{file}: a group", given, _OF_GROUP)
    name = _text(f"{file}: a group", content, "name")
    if not name:
        raise BadRuleFile(str(file), "Groupname must not be empty")
    place = f"{file}: group {name}"
    interval = _duration(place, content, "interval")
    rules = [
        _rule(f"{place}, rule {number}", each)
        for number, each in enumerate(_list(place, content.get("rules"), "rules"), start=1)
    ]
    limit = content.get("limit") or 0
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise BadRuleFile(place, f"limit must be a whole number, not {limit!r}")
    return RuleGroup(name, tuple(rules), interval, str(file), limit)


def _rule(place: str, given: object) -> Rule:
    content = _mapping(place, given, _OF_RULE)
    alert, record = _text(place, content, "alert"), _text(place, content, "record")
    if alert and record:
        raise BadRuleFile(place, "only one of 'record' and 'alert' must be set")
    if not alert and not record:
        raise BadRuleFile(place, "one of 'record' or 'alert' must be set")
    place = f'{place}, "{alert or record}"'
    expr = _text(place, content, "expr").strip()
    if not expr:
        raise BadRuleFile(place, "field 'expr' must be set in rule")
    try:
        query.parse(expr)
    except QueryError as error:
        raise BadRuleFile(place, f"could not parse expression: {error}") from error
    labels, annotations = _texts(place, content, "labels"), _texts(place, content, "annotations")
    if record:
        for key in ("for", "keep_firing_for", "annotations"):
            if content.get(key):
                raise BadRuleFile(place, f"invalid field '{key}' in recording rule")
        if not _METRIC_NAME.fullmatch(record):
            raise BadRuleFile(place, f"invalid recording rule name: {record}")
    _check_names(place, labels, "label")
    _check_names(place, annotations, "annotation")
    if "__name__" in labels:
        raise BadRuleFile(place, "invalid label name: __name__")
    hold, keep_firing = (_duration(place, content, key) for key in ("for", "keep_firing_for"))
    return Rule(expr, alert, record, hold, labels, annotations, keep_firing)


def _check_names(place: str, names: Iterable[str], kind: str) -> None:
    for name in names:
        if not _LABEL_NAME.fullmatch(name):
            raise BadRuleFile(place, f"invalid {kind} name: {name}")


def _mapping(place: str, given: object, known: set[str]) -> Mapping[str, object]:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise BadRuleFile(place, f"a mapping is needed here, not {type(given).__name__}")
    for key in given:
        if key not in known:
            raise BadRuleFile(place, f"unknown key {key!r}: one of {', '.join(sorted(known))}")
    return given


def _list(place: str, given: object, key: str) -> list[object]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise BadRuleFile(place, f"{key} must be a list, not {type(given).__name__}")
    return given


def _text(place: str, content: Mapping[str, object], key: str) -> str:
    """A scalar as text: YAML reads `5` as a number, Prometheus reads it as the text it is."""
    value = content.get(key, "")
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadRuleFile(place, f"{key} must be text, not {type(value).__name__}")
    return str(value)


def _texts(place: str, content: Mapping[str, object], key: str) -> dict[str, str]:
    given = content.get(key)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadRuleFile(place, f"{key} must be a mapping, not {type(given).__name__}")
    return {str(name): _text(f"{place}, {key}", given, name) for name in given}


def _duration(place: str, content: Mapping[str, object], key: str) -> float:
    """Seconds of a duration as Prometheus writes them, 0 when it is not given (common/model ParseDuration)."""
    if key not in content:
        return 0.0
    text = _text(place, content, key)
    seconds = parse_duration(text)
    if seconds is None:
        raise BadRuleFile(place, f"{key}: not a valid duration string: {text!r}")
    return seconds
