"""One request to the API, taken apart: which resource, which object, which form of answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from aurora_tui.drill.kubernetes import autoscaling_v1, options
from aurora_tui.drill.kubernetes.cluster import Cluster
from aurora_tui.drill.kubernetes.kinds import BY_PATH, OLDER, Kind
from aurora_tui.drill.kubernetes.roles import User
from aurora_tui.drill.kubernetes.status import Refused, method_not_allowed
from aurora_tui.drill.kubernetes.store import Entry

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names. `namespace` None: all of them (or the kind has none); `name` "": the collection.

    spoken: the version of the kind in which it is asked and answered.
    """

    kind: Kind
    namespace: str | None
    name: str = ""
    subresource: str = ""
    spoken: Kind | None = None

    def check_verb(self, method: str, watching: bool) -> None:
        """Refused 405 what an older version cannot do."""
        if self.spoken is not None and (watching or method not in ("GET", "HEAD", "POST", "DELETE")):
            raise method_not_allowed()
        if self.spoken is not None and method == "DELETE" and not self.name:
            raise method_not_allowed()


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request for a resource."""

    cluster: Cluster
    request: web.Request
    target: Target
    user: User
    warnings: list[str] = field(default_factory=list)

    @property
    def home(self) -> str:
        """The namespace as the store spells it."""
        return self.target.namespace or ""

    @property
    def dry_run(self) -> bool:
        """dryRun=All; Refused 422 for any other value."""
        return options.dry_run(self.request)

    @property
    def spoken(self) -> Kind:
        """The kind in the version that the path names."""
        return self.target.spoken or self.target.kind

    def shown(self, entry: Entry) -> bytes | Object:
        """The object in the version that the path names."""
        return entry.json if self.target.spoken is None else autoscaling_v1.older(entry.thing)

    @property
    def subject(self) -> str:
        """How refusals to read an object begin."""
        kind = self.spoken
        return f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}'

    def tell(self, unknown: list[str]) -> str:
        """What is wrong about fields that nobody knows, when the client wants that refused; else it is warned."""
        wanted = options.field_validation(self.request)
        if wanted == "Strict" and unknown:
            return "strict decoding error: " + ", ".join(unknown)
        if wanted == "Warn":
            self.warnings.extend(unknown)
        return ""

    def wants(self) -> str:
        """ "Table", "Partial" or "" (the object itself), from the Accept header; Refused 406."""
        accept = self.request.headers.get("Accept", "*/*")
        for one in accept.split(","):
            media, *options = [part.strip() for part in one.split(";")]
            if media in ("application/json", "*/*", "application/*"):
                form = next((o[3:] for o in options if o.startswith("as=")), "")
                if form in ("Table", ""):
                    return form
                if form.startswith("PartialObjectMetadata"):
                    return "Partial"
        message = "only the following media types are accepted: application/json"
        raise Refused(406, "NotAcceptable", message, {})


def target_of(parts: list[str]) -> Target | None:
    """What the path /api/v1/… or /apis/GROUP/VERSION/… (in parts) names; None: nothing this API serves."""
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    namespace: str | None = None
    if rest[0] == "namespaces" and len(rest) >= 3 and (group or rest[2] != "status"):
        namespace, rest = rest[1], rest[2:]
    kind = BY_PATH.get((group, version, rest[0]))
    if kind is None or len(rest) > 3 or (namespace is not None and not kind.namespaced):
        return None
    if len(rest) > 1 and kind.namespaced and namespace is None:
        return None
    if len(rest) == 3 and rest[2] not in kind.subresources:
        return None
    name, subresource = (*rest[1:], "", "")[:2]
    if kind in OLDER:
        return Target(OLDER[kind], namespace, name, subresource, kind)
    return Target(kind, namespace, name, subresource)
