"""Who may do what: users, the rules that bind them, and what a request wants to do (pure).

Rules are those of RBAC (https://kubernetes.io/docs/reference/access-authn-authz/rbac/): verbs × groups × resources ×
names, in one namespace or in all. Role objects themselves are not served: users and rules are given by whoever starts
the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aurora_tui.drill.kubernetes.status import Refused

Object = dict[str, Any]

MASTERS, AUTHENTICATED, UNAUTHENTICATED = "system:masters", "system:authenticated", "system:unauthenticated"
READ = ("get", "list", "watch")
ALL = ("*",)
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What may be done to which resources (`namespace` None: anywhere), or to which paths (`urls`)."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request wants to do; with `path` and no resource for what is not a resource."""

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """pods, deployments/scale"""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class User:
    """Someone the API server knows, and what they may do besides what everyone may."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)
    rules: tuple[Rule, ...] = ()

    def may(self, wish: Wish) -> bool:
        """Whether any rule allows it; members of system:masters may do everything."""
        return MASTERS in self.groups or any(allows(rule, wish) for rule in rules_of(self))


_HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")
# What a real cluster grants everyone (system:public-info-viewer), and everyone it knows (system:basic-user,
# system:discovery, system:service-account-issuer-discovery).
_PUBLIC = (Rule(("get",), urls=_HEALTH),)
_KNOWN = (
    Rule(("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews")),
    Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
    *_PUBLIC,
    Rule(
        ("get",),
        urls=(
            "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version",
            "/version/",
        ),
    ),
    Rule(("get",), urls=("/.well-known", "/.well-known/*")),
)  # fmt: skip
_EVERYTHING = (Rule(ALL, ALL, ALL), Rule(ALL, urls=ALL))
ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))

# Everything there is to read but secrets, as the real cluster role `view`.
_READABLE = {
    "": (
        *("configmaps", "events", "namespaces", "nodes", "pods", "pods/log", "pods/status"),
        *("resourcequotas", "services"),
    ),
    "apps": ("deployments", "deployments/scale", "deployments/status", "replicasets", "replicasets/status"),
    "autoscaling": ("horizontalpodautoscalers",),
    "coordination.k8s.io": ("leases",),
    "gateway.networking.k8s.io": ("httproutes",),
    "policy": ("poddisruptionbudgets",),
    "split.smi-spec.io": ("trafficsplits",),  # not installed here: who may read it is told so, with a 404
}
_CHANGE = ("create", "delete", "patch", "update")
# What rollback, failover, halt, a traffic step and the warroom's lock need, in one namespace.
_OPERATED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "": (_CHANGE, ("configmaps", "events", "services")),
    "apps": (_CHANGE, ("deployments",)),
    "autoscaling": (_CHANGE, ("horizontalpodautoscalers",)),
    "coordination.k8s.io": (_CHANGE, ("leases",)),
    "gateway.networking.k8s.io": (_CHANGE, ("httproutes",)),
    "policy": (_CHANGE, ("poddisruptionbudgets",)),
}


def admin(name: str) -> User:
    """May do everything."""
    return User(name, (MASTERS, AUTHENTICATED))


def viewer(name: str) -> User:
    """May read everything but secrets."""
    return User(name, rules=tuple(Rule(READ, (group,), resources) for group, resources in _READABLE.items()))


def operator(name: str, namespace: str) -> User:
    """A viewer who may also run what is in `namespace`, and delete it: no secrets, no other namespaces, no nodes."""
    rules = [Rule(verbs, (group,), resources, namespace=namespace) for group, (verbs, resources) in _OPERATED.items()]
    rules += [
        Rule(("patch", "update"), ("apps",), ("deployments/scale",), namespace=namespace),
        Rule(
            ("create",), ("apps",), ("replicasets",), namespace=namespace
        ),  # restored with a deployment: its revisions
        Rule(("delete",), ("",), ("pods",), namespace=namespace),
        Rule(("create",), ("",), ("pods/eviction",), namespace=namespace),
        Rule(("delete", "patch", "update"), ("",), ("namespaces",), (namespace,), namespace=namespace),
    ]
    return User(name, rules=viewer(name).rules + tuple(rules))


def rules_of(user: User) -> tuple[Rule, ...]:
    """All rules that bind the user, those of its groups among them."""
    common = _KNOWN if AUTHENTICATED in user.groups else _PUBLIC
    return (_EVERYTHING if MASTERS in user.groups else ()) + user.rules + common


def allows(rule: Rule, wish: Wish) -> bool:
    """Whether this rule allows the wish."""
    if not _among(wish.verb, rule.verbs):
        return False
    if not wish.resource:
        return any(_covers(url, wish.path) for url in rule.urls)
    resources = {wish.full_resource, f"*/{wish.subresource}" if wish.subresource else wish.resource, "*"}
    return (
        rule.namespace in (None, wish.namespace)
        and _among(wish.group, rule.groups)
        and not resources.isdisjoint(rule.resources)
        and (not rule.names or wish.name in rule.names)
    )


def _among(word: str, words: tuple[str, ...]) -> bool:
    return "*" in words or word in words


def _covers(url: str, path: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url[:-1]))


def wish_of(method: str, parts: list[str], query: Mapping[str, str]) -> Wish:
    """What a request for the path (in parts) wants to do, served here or not."""
    verb = _VERBS.get(method, method.lower())
    core = parts[:1] == ["api"]
    rest = parts[2:] if core else parts[3:]
    if not rest or parts[0] not in ("api", "apis"):
        return Wish(verb, path="/" + "/".join(parts))
    group, version = ("", parts[1]) if core else (parts[1], parts[2])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    if not name and verb in ("get", "delete"):
        watching = query.get("watch") in ("true", "1")
        verb = "deletecollection" if verb == "delete" else "watch" if watching else "list"
        selected = query.get("fieldSelector", "")
        if selected.startswith("metadata.name=") and "," not in selected:
            name = selected.partition("=")[2].lstrip("=")
    elif verb == "get" and query.get("watch") in ("true", "1"):
        verb = "watch"
    return Wish(verb, group, version, resource, subresource, name, namespace)


def forbidden(user: User, wish: Wish) -> Refused:
    """403, in RBAC's words."""
    if not wish.resource:
        why = f'forbidden: User "{user.name}" cannot {wish.verb} path "{wish.path}"'
        return Refused(403, "Forbidden", why, {})
    named = f"{wish.resource}.{wish.group}" if wish.group else wish.resource
    if wish.name:
        named += f' "{wish.name}"'
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    why = f'{named} is forbidden: User "{user.name}" cannot {wish.verb} resource "{wish.full_resource}" in API group '
    details = {"name": wish.name, "group": wish.group, "kind": wish.resource}
    return Refused(
        403, "Forbidden", f'{why}"{wish.group}" {where}', {key: value for key, value in details.items() if value}
    )


def summary(user: User, namespace: str) -> Object:
    """The status of a SelfSubjectRulesReview: every rule that holds in `namespace`."""
    resources: list[Object] = []
    urls: list[Object] = []
    for rule in rules_of(user):
        if rule.urls:
            urls.append({"verbs": list(rule.verbs), "nonResourceURLs": list(rule.urls)})
        elif rule.namespace in (None, namespace):
            said = {"verbs": list(rule.verbs), "apiGroups": list(rule.groups), "resources": list(rule.resources)}
            resources.append({**said, "resourceNames": list(rule.names)} if rule.names else said)
    return {"resourceRules": resources, "nonResourceRules": urls, "incomplete": False}


def named(users: Iterable[User]) -> dict[str, User]:
    """Users by name."""
    return {user.name: user for user in users}
