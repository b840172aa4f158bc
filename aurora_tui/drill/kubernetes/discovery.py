"""What the API says of itself: its version, its groups, the resources in each (pure)."""

from __future__ import annotations

from typing import Any

from aurora_tui.drill.kubernetes.kinds import KINDS, OLDER, Kind

Object = dict[str, Any]

VERSION: Object = {
    "major": "1",
    "minor": "35",
    "emulationMajor": "1",
    "emulationMinor": "35",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "34",
    "gitVersion": "v1.35.0+drill",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
HEALTH_CHECKS = ("ping", "log", "etcd", "poststarthook/generic-apiserver-start-informers")
REVIEWS = {
    "authentication.k8s.io": {"selfsubjectreviews": "SelfSubjectReview"},
    "authorization.k8s.io": {
        "selfsubjectaccessreviews": "SelfSubjectAccessReview",
        "selfsubjectrulesreviews": "SelfSubjectRulesReview",
    },
}
"""Kinds one can only create: questions that are answered and not kept."""
_SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "log": ("", "", "Pod", ("get",)),
    "scale": ("autoscaling", "v1", "Scale", ("get", "patch", "update")),
}
"""Those that are not the object itself: group, version, kind, verbs."""


def api_versions(host: str) -> Object:
    """GET /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}],
    }


def groups() -> dict[str, str]:
    """API groups and the version that each prefers."""
    return {kind.group: kind.version for kind in KINDS if kind.group} | dict.fromkeys(REVIEWS, "v1")


def _group(name: str) -> Object:
    spoken = [groups()[name], *(kind.version for kind in OLDER if kind.group == name)]
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in spoken]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def group_list() -> Object:
    """GET /apis."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in sorted(groups())]}


def group(name: str) -> Object | None:
    """GET /apis/NAME; None: there is no such group."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)} if name in groups() else None


def resource_list(name: str, version: str) -> Object | None:
    """GET /api/v1 or /apis/NAME/VERSION; None: there is no such version."""
    found: list[Object] = []
    for kind in (*KINDS, *OLDER):
        if kind.group == name and kind.version == version:
            found += _resources(kind)
    if version == "v1":
        for plural, kind_name in REVIEWS.get(name, {}).items():
            singular = kind_name.lower()
            found.append(
                {"name": plural, "singularName": singular, "namespaced": False, "kind": kind_name, "verbs": ["create"]}
            )
    if not found:
        return None
    found.sort(key=lambda resource: str(resource["name"]))
    group_version = f"{name}/{version}" if name else version
    head = {"kind": "APIResourceList", "groupVersion": group_version}
    if name:
        head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version}
    return {**head, "resources": found}


def _resources(kind: Kind) -> list[Object]:
    base: Object = {"name": kind.plural, "singularName": kind.name.lower(), "namespaced": kind.namespaced}
    base |= {"kind": kind.name, "verbs": list(kind.verbs)}
    if kind.short_names:
        base["shortNames"] = list(kind.short_names)
    if kind.categories:
        base["categories"] = list(kind.categories)
    resources = [base]
    for name in kind.subresources:
        sub: Object = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced}
        group, version, kind_name, verbs = _SUBRESOURCES.get(name, ("", "", kind.name, ("get", "patch", "update")))
        if group:
            sub |= {"group": group, "version": version}
        sub |= {"kind": kind_name, "verbs": list(verbs)}
        resources.append(sub)
    return resources


def health(path: str, verbose: bool) -> str:
    """The text of /livez, /readyz, /healthz."""
    if not verbose:
        return "ok"
    name = path.strip("/")
    return "".join(f"[+]{check} ok\n" for check in HEALTH_CHECKS) + f"{name} check passed\n"
