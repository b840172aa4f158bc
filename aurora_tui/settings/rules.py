"""What a single value must satisfy beyond its type. A rule gives (what is wrong, what would be right), or None."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from aurora_tui.situation import mission, runbook

Verdict = tuple[str, str] | None
Rule = Callable[[Any], Verdict]

_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
_ZONE_PART = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
COLOURS = ("primary", "secondary", "accent", "success", "warning", "error")


def rule_for(table: type, field: str) -> Rule | None:
    """The rule for a field of a table, or of the table it is made from."""
    return next((_RULES[kind, field] for kind in table.__mro__ if (kind, field) in _RULES), None)


def _between(least: float, most: float, right: str) -> Rule:
    return lambda value: None if least <= value <= most else ("is out of range", right)


def _inside(low: float, high: float, right: str) -> Rule:
    return lambda value: None if low < value < high else ("is out of range", right)


def _pattern(pattern: str, wrong: str, right: str) -> Rule:
    compiled = re.compile(pattern)
    return lambda value: None if compiled.fullmatch(value) else (wrong, right)


def _text(value: str) -> Verdict:
    if not value.strip():
        return "is empty", "write some text"
    if _CONTROL.search(value):
        return "holds control characters", "write plain text"
    return None


def _not_empty(wrong: str, right: str) -> Rule:
    return lambda value: None if value else (wrong, right)


def web_address(value: str) -> Verdict:
    """An http or https address without user name and password."""
    parts = _split(value)
    if parts is None or any(char.isspace() or ord(char) < 32 for char in value):
        return "is not an address", "write for example http://prometheus:9090"
    if "@" in parts.netloc:
        return "holds a user name or password", "name them in auth (username, password_env or password_file)"
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        return "is not an http address", "write http://… or https://… with a host"
    return None


def base_address(value: str) -> Verdict:
    """A web address that paths are put behind."""
    verdict = web_address(value)
    if verdict is None and ("?" in value or "#" in value):
        return "has a query or fragment", "end it after the path, for example http://prometheus:9090/prefix"
    return verdict


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises when it is no port
    except ValueError:
        return None
    return parts


def _zone(name: str) -> Verdict:
    if name == "UTC":
        return None
    import zoneinfo  # only for those who leave UTC

    try:
        # The pattern keeps paths out: zoneinfo opens files by this name.
        if _ZONE_PART.fullmatch(name):
            zoneinfo.ZoneInfo(name)
            return None
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        pass  # told below, in our words
    return "is not a time zone", 'write "UTC" or a name of the IANA list such as "Europe/Berlin"'


def _header_names(value: dict[str, str]) -> Verdict:
    for name, text in value.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            return "has a name that is no HTTP header", "write for example X-Scope-OrgID"
        if any(ord(char) < 32 or ord(char) == 127 for char in text):
            return "has a value with control characters", "write plain text"
    return None


def _open_headers(value: dict[str, str]) -> Verdict:
    for name in value:
        if re.search(r"auth|cookie|token|secret|key|passw|session", name, re.IGNORECASE):
            return "holds what may be a secret", "name an environment variable for it in auth.headers_env"
    return _header_names(value)


def _environment_headers(value: dict[str, str]) -> Verdict:
    for variable in value.values():
        verdict = _variable(variable)
        if verdict is not None:
            return verdict
    return _header_names(value)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
identifier = _pattern(_NAME.pattern, "is not an id", "use letters, digits, - _ . and begin with a letter or digit")
_variable = _pattern(
    r"[A-Za-z_][A-Za-z0-9_]*", "is not the name of an environment variable", "write its name, for example AURORA_TOKEN"
)
_sha256 = _pattern(r"[0-9a-f]{64}", "is not a SHA-256", "write 64 hexadecimal digits, small letters")
_label = _pattern(r"[a-zA-Z_][a-zA-Z0-9_]*", "is not a label name", 'write for example "treaty_id"')
_namespace = _pattern(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "is not a namespace", "use small letters, digits and -, 63 at most"
)
_some_time = _inside(0, float("inf"), "write a duration above 0s")
_percent = _between(0, 100, "write a percentage from 0 to 100")
_share = _inside(0, 1, "write a share between 0 and 1 (0.95 leaves an error budget of 5 %)")
_digits = _between(0, 6, "write 0 to 6")
_time_of_day = _pattern(r"([01][0-9]|2[0-3]):[0-5][0-9]", "is not a time of day", 'write HH:MM, for example "09:00"')
_colour = _pattern(
    "|".join(COLOURS) + r"|#[0-9a-fA-F]{6}", "is not a colour", f"write one of {', '.join(COLOURS)}, or #rrggbb"
)
_action_key = _pattern(r"[A-RU-Z]", "is not an action key", "write one capital letter (S and T are the console's own)")

# Names of objects: Kubernetes takes a DNS subdomain for deployments, pods and routes, a label for containers.
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_object_name = _pattern(
    rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*", "is not the name of an object", "use small letters, digits, - and ."
)
_container = _pattern(_LABEL, "is not the name of a container", "use small letters, digits and -, 63 at most")
_resource = _pattern(
    r"[a-z][a-z0-9]*(\.[a-z0-9][a-z0-9.-]*)?",
    "is not a resource",
    'write it as kubectl does, for example "configmaps" or "deployments.apps"',
)
# Some kinds, roles among them, have other names than DNS's: what cannot be a part of an address is refused.
_part_of_address = _pattern(r"(?!\.{1,2}\Z)[^/%\x00-\x20\x7f]{1,253}", "is not the name of an object", "write it alone")
_image = _pattern(r"[^\s\x00-\x20]+", "is not an image", 'write for example "registry.example/bridge:1.0.0"')
_steps = _not_empty("is empty", "write at least one step")


def _weights(value: dict[str, int]) -> Verdict:
    if not value:
        return "is empty", "write a weight for each backend"
    for name, weight in value.items():
        verdict = _object_name(name)
        if verdict is not None:
            return f"has a backend whose name {verdict[0]}", verdict[1]
        if not 0 <= weight <= 1_000_000:  # the Gateway API's own range
            return "has a weight that is out of range", "write weights from 0 to 1000000"
    return None


def _matchers(value: dict[str, str]) -> Verdict:
    if not value:
        return "is empty", "write at least one label with its value"
    return next((_label(name) for name in value if _label(name)), None)


_RULES: dict[tuple[type, str], Rule] = {
    (mission.MissionIdentity, "name"): _text,
    (mission.MissionIdentity, "release"): _text,
    (mission.MissionIdentity, "treaty"): _text,
    (mission.MissionIdentity, "treaty_label"): _label,
    (mission.MissionIdentity, "release_checksum"): _sha256,
    (mission.MissionIdentity, "merkle_root"): _sha256,
    (mission.MissionIdentity, "window"): _between(60, 366 * 86400, "write a duration from 1m to 366d"),
    (mission.MissionIdentity, "scrape_interval"): _between(1, 3600, "write a duration from 1s to 1h"),
    (mission.MissionIdentity, "ledger_rpo"): _some_time,
    (mission.MissionIdentity, "green_hours"): _between(1, 8784, "write hours from 1 to 8784"),
    (mission.MissionIdentity, "soak_days"): _between(1, 366, "write days from 1 to 366"),
    (mission.MissionIdentity, "day_zone"): _zone,
    (mission.Reading, "statistic"): _text,
    (mission.Reading, "value"): _text,
    (mission.Reading, "newest"): _text,
    (mission.Reading, "min_events"): _between(0, 1e15, "write 0 or more"),
    (mission.Objective, "id"): identifier,
    (mission.Objective, "title"): _text,
    (mission.Objective, "budget"): _share,
    (mission.Objective, "digits"): _digits,
    (mission.Objective, "reading"): _not_empty("is empty", "write at least one [[slo.reading]]"),
    (mission.Criterion, "id"): identifier,
    (mission.Criterion, "title"): _text,
    (mission.Criterion, "hold"): _some_time,
    (mission.Criterion, "digits"): _digits,
    (mission.Criterion, "severity"): _pattern(r"SEV[1-4]", "is not a severity to wait for", 'write "SEV1" to "SEV4"'),
    (mission.Checkpoint, "id"): identifier,
    (mission.Checkpoint, "title"): _text,
    (mission.Checkpoint, "traffic_percent"): _percent,
    (mission.ChecklistItem, "id"): identifier,
    (mission.ChecklistItem, "title"): _text,
    (mission.Phase, "id"): identifier,
    (mission.Phase, "title"): _text,
    (mission.Phase, "length"): _some_time,
    (mission.Phase, "traffic_percent"): _percent,
    (mission.Daily, "id"): identifier,
    (mission.Daily, "title"): _text,
    (mission.Daily, "at"): _time_of_day,
    (runbook.Runbook, "id"): identifier,
    (runbook.Runbook, "key"): _action_key,
    (runbook.Runbook, "title"): _text,
    (runbook.Runbook, "target"): _some_time,
    (runbook.Choice, "id"): identifier,
    (runbook.Choice, "title"): _text,
    (runbook.Choice, "step"): _steps,
    (runbook.Stage, "id"): identifier,
    (runbook.Stage, "title"): _text,
    (runbook.Stage, "step"): _steps,
    (runbook.Step, "limit"): _some_time,
    (runbook.Undo, "deployment"): _object_name,
    (runbook.Undo, "healthy_for"): _some_time,
    (runbook.Undo, "revision"): _between(1, 2**31, "write a revision's number, 1 or more"),
    (runbook.Undo, "template"): _sha256,
    (runbook.Scale, "deployment"): _object_name,
    (runbook.Scale, "replicas"): _between(0, 1000, "write replicas from 0 to 1000"),
    (runbook.SetImage, "deployment"): _object_name,
    (runbook.SetImage, "container"): _container,
    (runbook.SetImage, "image"): _image,
    (runbook.Restart, "deployment"): _object_name,
    (runbook.DeletePod, "pod"): _object_name,
    (runbook.Patch, "resource"): _resource,
    (runbook.Patch, "name"): _part_of_address,
    (runbook.Traffic, "weights"): _weights,
    (runbook.Traffic, "route"): _object_name,
    (runbook.Apply, "path"): _text,
    (runbook.Delete, "path"): _text,
    (runbook.Snapshot, "path"): _text,
    (runbook.Wait, "deployment"): _object_name,
    (runbook.Wait, "probe"): identifier,
    (runbook.Wait, "query"): _text,
    (runbook.Silence, "matchers"): _matchers,
    (runbook.Silence, "lasting"): _some_time,
    (runbook.Note, "text"): _text,
    (mission.AlertRule, "name"): _text,
    (mission.SeverityRules, "labels"): _not_empty("is empty", 'write for example ["sev", "severity"]'),
    (mission.Endpoint, "url"): web_address,
    (mission.Credentials, "bearer_env"): _variable,
    (mission.Credentials, "bearer_file"): _text,
    (mission.Credentials, "password_env"): _variable,
    (mission.Credentials, "password_file"): _text,
    (mission.Credentials, "client_certificate"): _text,
    (mission.Credentials, "client_key"): _text,
    (mission.Credentials, "ca"): _text,
    (mission.Credentials, "headers"): _open_headers,
    (mission.Credentials, "headers_env"): _environment_headers,
    (mission.HttpSource, "url"): base_address,
    (mission.HttpSource, "interval"): _between(1, 3600, "write a duration from 1s to 1h"),
    (mission.Probe, "url"): web_address,
    (mission.Probe, "id"): identifier,
    (mission.ClusterSource, "namespace"): _namespace,
    (mission.ClusterSource, "context"): _text,
    (mission.ClusterSource, "kubeconfig"): _text,
    (mission.Environment, "colour"): _colour,
    (mission.Environment, "confirm_word"): _text,
    (mission.DrillClock, "real_origin"): _between(-1e10, 1e11, "write Unix seconds"),
    (mission.DrillClock, "world_origin"): _between(-1e10, 1e11, "write Unix seconds"),
    (mission.DrillClock, "speed"): _between(0.001, 10_000, "write a factor from 0.001 to 10000"),
    (mission.Interface, "theme"): identifier,
    (mission.Mission, "environments"): _not_empty("is empty", "write at least one [environments.NAME]"),
    (mission.Mission, "slo"): _not_empty("is empty", "write at least one [[slo]]"),
    (mission.Mission, "ledger"): _text,
}
