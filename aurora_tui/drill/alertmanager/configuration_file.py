"""Alertmanager's configuration file, read as strictly as Alertmanager 0.25 reads it (config/config.go).

The drill takes from it routes, groups, inhibition and the receivers' names. It notifies nobody: what the receivers'
integrations say is checked for unknown keys and then left out, as are templates and the addresses under `global`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from aurora_tui.bundled import bundled
from aurora_tui.drill.alertmanager.config import AlertmanagerConfig, Inhibition, Route
from aurora_tui.drill.alertmanager.keys import GLOBAL, GLOBAL_DEFAULTS, INHIBITION, INTEGRATIONS, RECEIVER, ROUTE, TOP
from aurora_tui.drill.alertmanager.matchers import LABEL_NAME, BadMatcher, Matcher, parse_all
from aurora_tui.drill.alertmanager.yaml_reading import BadConfiguration, Strict, compose, written
from aurora_tui.drill.durations import parse_duration, show_duration
from aurora_tui.errors import UsageError

_RESOLVE_TIMEOUT = 300.0
_LEFT_OUT = {
    *("match", "match_re", "source_match", "source_match_re", "target_match", "target_match_re"),
    *("mute_time_intervals", "active_time_intervals", "time_intervals"),
}


def read_file(path: Path) -> AlertmanagerConfig:
    """The configuration in `path`. UsageError when it is none."""
    try:
        return read(path.read_text(encoding="utf-8"))
    except (BadConfiguration, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no configuration of Alertmanager", str(error)) from error


def shipped() -> AlertmanagerConfig:
    """The configuration that comes with the product, which drills use."""
    return read_file(bundled("ops/alertmanager/alertmanager.yml"))


def read(text: str) -> AlertmanagerConfig:
    """The configuration that `text` (YAML) is. BadConfiguration in Alertmanager's words."""
    return _Reading().configuration(text)


class _Reading:
    def __init__(self) -> None:
        self._strict = Strict()

    def configuration(self, text: str) -> AlertmanagerConfig:
        node = compose(text)
        if node is None:
            raise BadConfiguration("no route provided in config")
        resolve_timeout, routes, inhibitions = _RESOLVE_TIMEOUT, None, []
        receivers: list[str] = []
        for name, value in self._strict.mapping(node, TOP):
            refuse_left_out(name)
            if name == "global":
                resolve_timeout = self._global(value)
            elif name == "route":
                routes = self._route(value)
            elif name == "inhibit_rules":
                inhibitions = [self._inhibition(each) for each in self._strict.sequence(value, "[]*config.InhibitRule")]
            elif name == "receivers":
                receivers = [self._receiver(each) for each in self._strict.sequence(value, "[]*config.Receiver")]
        self._strict.finish()
        root = _checked(routes, receivers)
        return AlertmanagerConfig(
            _tree(root, Route("", group_by=frozenset())),
            tuple(receivers),
            tuple(rule for rule, _ in inhibitions),
            resolve_timeout,
            _document(resolve_timeout, root, [text for _, text in inhibitions], receivers),
        )

    def _global(self, node: yaml.Node) -> float:
        found = dict(self._strict.mapping(node, GLOBAL))
        return self._duration(found["resolve_timeout"]) if "resolve_timeout" in found else _RESOLVE_TIMEOUT

    def _route(self, node: yaml.Node) -> dict[str, Any]:
        """A route as a document in the order in which Alertmanager writes it; what it does not say is left out."""
        before = len(self._strict.problems)
        said: dict[str, Any] = {}
        for name, value in self._strict.mapping(node, ROUTE):
            refuse_left_out(name)
            if name == "receiver":
                said[name] = self._strict.text(value)
            elif name == "group_by":
                said[name] = self._strict.texts(value)
            elif name == "matchers":
                said[name] = self._matchers(value)
            elif name == "routes":
                said[name] = [self._route(each) for each in self._strict.sequence(value, "[]*config.Route")]
            elif name == "continue":
                said[name] = self._strict.truth(value)
            else:
                said[name] = self._duration(value)
        if len(self._strict.problems) == before:
            _check_route(said)
        said.setdefault("continue", False)
        return {name: said[name] for name in ROUTE if name in said and said[name] not in ([], "")}

    def _inhibition(self, node: yaml.Node) -> tuple[Inhibition, dict[str, Any]]:
        before = len(self._strict.problems)
        source: list[Matcher] = []
        target: list[Matcher] = []
        equal: list[str] = []
        for name, value in self._strict.mapping(node, INHIBITION):
            refuse_left_out(name)
            if name == "source_matchers":
                source = self._matchers(value)
            elif name == "target_matchers":
                target = self._matchers(value)
            else:
                equal = self._strict.texts(value)
        if len(self._strict.problems) == before:
            for name in equal:
                if not LABEL_NAME.match(name):
                    raise BadConfiguration(f'"{name}" is not a valid label name')
        said = {"source_matchers": _texts(source), "target_matchers": _texts(target), "equal": equal}
        return Inhibition(tuple(source), tuple(target), tuple(equal)), {k: v for k, v in said.items() if v}

    def _receiver(self, node: yaml.Node) -> str:
        before = len(self._strict.problems)
        receiver = ""
        for name, value in self._strict.mapping(node, RECEIVER):
            if name == "name":
                receiver = self._strict.text(value)
                continue
            if name not in INTEGRATIONS:
                raise BadConfiguration(f"a drill does not know {name}, only {', '.join(INTEGRATIONS)}")
            for each in self._strict.sequence(value, "[]*config.Integration"):
                for _ in self._strict.mapping(each, INTEGRATIONS[name]):
                    pass  # the keys are checked; the drill uses no value
        if not receiver and len(self._strict.problems) == before:
            raise BadConfiguration("missing name in receiver")
        return receiver

    def _matchers(self, node: yaml.Node) -> list[Matcher]:
        try:
            return sorted(matcher for text in self._strict.texts(node) for matcher in parse_all(text))
        except BadMatcher as error:
            raise BadConfiguration(str(error)) from error

    def _duration(self, node: yaml.Node) -> float:
        text = self._strict.text(node)
        seconds = parse_duration(text)
        if seconds is None:
            raise BadConfiguration(f'not a valid duration string: "{text}"' if text else "empty duration string")
        return seconds


def refuse_left_out(name: str) -> None:
    """BadConfiguration for what Alertmanager knows and the drill does not."""
    if name in _LEFT_OUT:
        raise BadConfiguration(f"a drill does not know {name}")


def _check_route(said: dict[str, Any]) -> None:
    """config.go, Route.UnmarshalYAML"""
    names: list[str] = said.get("group_by", [])
    for name in names:
        if name != "..." and not LABEL_NAME.match(name):
            raise BadConfiguration(f'invalid label name "{name}" in group_by list')
    if "..." in names and len(set(names)) > 1:
        raise BadConfiguration("cannot have wildcard group_by (`...`) and other other labels at the same time")
    for place, name in enumerate(names):
        if name in names[:place]:
            raise BadConfiguration(f'duplicated label "{name}" in group_by')
    for name in ("group_interval", "repeat_interval"):
        if said.get(name) == 0:
            raise BadConfiguration(f"{name} cannot be zero")


def _checked(root: dict[str, Any] | None, receivers: list[str]) -> dict[str, Any]:
    """config.go, Config.UnmarshalYAML"""
    for place, name in enumerate(receivers):
        if name in receivers[:place]:
            raise BadConfiguration(f'notification config name "{name}" is not unique')
    if root is None:
        raise BadConfiguration("no routes provided")
    if not root.get("receiver"):
        raise BadConfiguration("root route must specify a default receiver")
    if root.get("matchers"):
        raise BadConfiguration("root route must not have any matchers")
    if root["continue"]:
        raise BadConfiguration("cannot have continue in root route")
    _check_receivers(root, set(receivers))
    return root


def _check_receivers(route: dict[str, Any], receivers: set[str]) -> None:
    for child in route.get("routes", []):
        _check_receivers(child, receivers)
    if route.get("receiver") and route["receiver"] not in receivers:
        raise BadConfiguration(f'undefined receiver "{route["receiver"]}" used in route')


def _tree(said: dict[str, Any], above: Route) -> Route:
    """The route that a document says, with what it has from the one above."""
    group_by = above.group_by
    if "group_by" in said:
        group_by = None if said["group_by"] == ["..."] else frozenset(said["group_by"])
    here = Route(said.get("receiver", above.receiver), tuple(said.get("matchers", ())), group_by, said["continue"])
    below = tuple(_tree(each, here) for each in said.get("routes", []))
    return Route(here.receiver, here.matchers, here.group_by, here.goes_on, below)


def _document(
    resolve_timeout: float, root: dict[str, Any], inhibitions: list[dict[str, Any]], receivers: list[str]
) -> str:
    """The configuration as GET /api/v2/status shows it, were it read by a real Alertmanager."""
    document: dict[str, Any] = {"global": {"resolve_timeout": show_duration(resolve_timeout), **GLOBAL_DEFAULTS}}
    document["route"] = _plain(root)
    if inhibitions:
        document["inhibit_rules"] = inhibitions
    document["receivers"] = [{"name": name} for name in receivers]
    return written({**document, "templates": []})


def _plain(route: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in route.items():
        if name == "matchers":
            plain[name] = _texts(value)
        elif name == "routes":
            plain[name] = [_plain(each) for each in value]
        else:
            plain[name] = show_duration(value) if isinstance(value, float) else value
    return plain


def _texts(matchers: Iterable[Matcher]) -> list[str]:
    return [str(matcher) for matcher in matchers]
