"""Who is asking: bearer tokens, impersonation, and the reviews in which users ask about themselves."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes.roles import (
    ANONYMOUS,
    AUTHENTICATED,
    User,
    Wish,
    admin,
    forbidden,
    named,
    summary,
)
from aurora_tui.drill.kubernetes.status import Refused, bad_request, unauthorized

Object = dict[str, Any]

PUBLIC = frozenset({"/healthz", "/livez", "/readyz", "/version"})
"""What a real server tells anyone (role system:public-info-viewer)."""
_AS, _AS_GROUP, _AS_PREFIX = "Impersonate-User", "Impersonate-Group", "impersonate-"


class Authenticator:
    """Bearer tokens → users. tokens: token → user; a bare name is an administrator's."""

    def __init__(self, tokens: Mapping[str, str | User]) -> None:
        self._users = {
            token.encode(): user if isinstance(user, User) else admin(user) for token, user in tokens.items()
        }
        self._by_name = named(self._users.values())
        self.expired: set[str] = set()
        """Names of users whose tokens are no longer accepted."""

    def user(self, request: web.Request) -> User:
        """The user behind a request, or whom it stands in for; Refused 401, 403."""
        user = self._known(request.headers.get("Authorization"), request.path)
        if any(name.lower().startswith(_AS_PREFIX) for name in request.headers):
            return self._stand_in(user, request)
        return user

    def _known(self, header: str | None, path: str) -> User:
        if header is None:
            if path in PUBLIC:
                return ANONYMOUS
            raise unauthorized()
        scheme, _, given = header.partition(" ")
        if scheme.lower() == "bearer":
            for token, user in self._users.items():
                if hmac.compare_digest(token, given.strip().encode()) and user.name not in self.expired:
                    return user
        raise unauthorized()

    def _stand_in(self, user: User, request: web.Request) -> User:
        """`kubectl --as`: whoever may impersonate acts with the other's rights, never with more."""
        name, groups = request.headers.get(_AS, ""), request.headers.getall(_AS_GROUP, [])
        wishes = [Wish("impersonate", resource="users", name=name)]
        wishes += [Wish("impersonate", resource="groups", name=group) for group in groups]
        for wish in wishes:
            if not user.may(wish):
                raise forbidden(user, wish)
        if not name:
            text = "requested [{groups}] without impersonating a user"
            raise Refused(500, "InternalError", f"Internal error occurred: {text.format(groups=' '.join(groups))}", {})
        other = self._by_name.get(name, User(name))
        kept = tuple(groups) or tuple(group for group in other.groups if group != AUTHENTICATED)
        return User(name, (*kept, AUTHENTICATED), other.rules)


def review(resource: str, body: Object, user: User, now: float) -> Object:
    """Answer a SelfSubjectAccessReview, SelfSubjectRulesReview or SelfSubjectReview; Refused 400 for nonsense."""
    name, answer = _REVIEWS[resource]
    if body.get("kind", name) != name:
        raise bad_request(f"the object provided is unrecognized (must be of type {name})")
    group = "authentication" if resource == "selfsubjectreviews" else "authorization"
    return {"kind": name, "apiVersion": f"{group}.k8s.io/v1", **answer(body, user, now)}


def _access(body: Object, user: User, now: float) -> Object:
    spec = body.get("spec") or {}
    asked, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (asked is None) == (other is None):
        message = 'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: '
        message += "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise Refused(422, "Invalid", message, {"group": "authorization.k8s.io", "kind": "SelfSubjectAccessReview"})
    if other is not None:
        wish = Wish(other.get("verb", ""), path=other.get("path", ""))
    else:
        fields = ("verb", "group", "version", "resource", "subresource", "name", "namespace")
        wish = Wish(*(str((asked or {}).get(field, "")) for field in fields))
    return {"metadata": {}, "spec": spec, "status": {"allowed": user.may(wish)}}


def _rules(body: Object, user: User, now: float) -> Object:
    namespace = (body.get("spec") or {}).get("namespace")
    if not namespace:
        raise bad_request("no namespace on request")
    return {"metadata": {}, "spec": {}, "status": summary(user, namespace)}


def _who(body: Object, user: User, now: float) -> Object:
    info = {"username": user.name, "uid": user.name, "groups": list(user.groups)}
    return {"metadata": {"creationTimestamp": iso(now)}, "status": {"userInfo": info}}


_REVIEWS: dict[str, tuple[str, Callable[[Object, User, float], Object]]] = {
    "selfsubjectaccessreviews": ("SelfSubjectAccessReview", _access),
    "selfsubjectrulesreviews": ("SelfSubjectRulesReview", _rules),
    "selfsubjectreviews": ("SelfSubjectReview", _who),
}
