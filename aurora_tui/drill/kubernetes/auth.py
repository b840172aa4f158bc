"""Who is asking, and may they: bearer tokens, the self reviews. So far every known user is an administrator."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes.status import Refused, bad_request, unauthorized

Object = dict[str, Any]

PUBLIC = frozenset({"/healthz", "/livez", "/readyz", "/version"})
"""What a real server tells anyone (role system:public-info-viewer)."""


@dataclass(frozen=True, slots=True)
class User:
    """Someone the API server knows."""

    name: str
    groups: tuple[str, ...] = ("system:masters", "system:authenticated")


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


class Authenticator:
    """Bearer tokens → users. tokens: token → user name."""

    def __init__(self, tokens: dict[str, str]) -> None:
        self._users = {token.encode(): User(name) for token, name in tokens.items()}

    def user(self, header: str | None, path: str) -> User:
        """The user behind an Authorization header; Refused 401."""
        if header is None:
            if path in PUBLIC:
                return ANONYMOUS
            raise unauthorized()
        scheme, _, given = header.partition(" ")
        if scheme.lower() == "bearer":
            for token, user in self._users.items():
                if hmac.compare_digest(token, given.strip().encode()):
                    return user
        raise unauthorized()


def review(resource: str, body: Object, user: User, now: float) -> Object:
    """Answer a SelfSubjectAccessReview, SelfSubjectRulesReview or SelfSubjectReview; Refused 400 for nonsense."""
    answers = {
        "selfsubjectaccessreviews": _access,
        "selfsubjectrulesreviews": _rules,
        "selfsubjectreviews": _who,
    }
    kinds = {
        "selfsubjectaccessreviews": "SelfSubjectAccessReview",
        "selfsubjectrulesreviews": "SelfSubjectRulesReview",
        "selfsubjectreviews": "SelfSubjectReview",
    }
    if body.get("kind", kinds[resource]) != kinds[resource]:
        raise bad_request(f"the object provided is unrecognized (must be of type {kinds[resource]})")
    group = "authentication" if resource == "selfsubjectreviews" else "authorization"
    head = {"kind": kinds[resource], "apiVersion": f"{group}.k8s.io/v1"}
    return {**head, **answers[resource](body, user, now)}


def _access(body: Object, user: User, now: float) -> Object:
    spec = body.get("spec") or {}
    if ("resourceAttributes" in spec) == ("nonResourceAttributes" in spec):
        message = 'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: '
        message += "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise Refused(422, "Invalid", message, {"group": "authorization.k8s.io", "kind": "SelfSubjectAccessReview"})
    return {"metadata": {}, "spec": spec, "status": {"allowed": True}}


def _rules(body: Object, user: User, now: float) -> Object:
    if not (body.get("spec") or {}).get("namespace"):
        raise bad_request("no namespace on request")
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    urls = {"verbs": ["*"], "nonResourceURLs": ["*"]}
    status = {"resourceRules": [everything], "nonResourceRules": [urls], "incomplete": False}
    return {"metadata": {}, "spec": {}, "status": status}


def _who(body: Object, user: User, now: float) -> Object:
    info = {"username": user.name, "uid": user.name, "groups": list(user.groups)}
    return {"metadata": {"creationTimestamp": iso(now)}, "status": {"userInfo": info}}
