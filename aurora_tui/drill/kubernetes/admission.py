"""What the API server asks last, before it keeps a write: validating webhooks, quotas, and whoever else may refuse.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aurora_tui.drill.kubernetes.kinds import Kind
from aurora_tui.drill.kubernetes.status import Refused

Object = dict[str, Any]

OPERATIONS = ("CREATE", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A write that is right in itself. `thing`: the object as it would be; None for a delete."""

    operation: str
    kind: Kind
    namespace: str
    name: str
    subresource: str = ""
    thing: Object | None = None


Judge = Callable[[Attempt], None]
"""Raises Refused when the write shall not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A validating webhook without side effects (so dry runs are asked about too) that denies what its rule matches.

    resource: as in a webhook's rule: `deployments`, `deployments/scale`, `deployments/*` (it and its subresources),
    `*`, `*/*`. code: the webhook's own, 400 when it gives none.
    """

    name: str
    resource: str
    message: str
    code: int = 403
    operations: tuple[str, ...] = OPERATIONS

    def matches(self, attempt: Attempt) -> bool:
        """Whether the rule is about this write."""
        resource, _, subresource = self.resource.partition("/")
        return (
            attempt.operation in self.operations
            and resource in ("*", attempt.kind.plural)
            and subresource in ("*", attempt.subresource)
        )

    def __call__(self, attempt: Attempt) -> None:
        """Refused in the API server's words around the webhook's."""
        if not self.matches(attempt):
            return
        said = f": {self.message}" if self.message else " without explanation"
        refusal = Refused(self.code, "Forbidden", f'admission webhook "{self.name}" denied the request{said}')
        if self.code != 403:
            del refusal.body["reason"]  # a webhook's Status is passed on as it is: no reason given, none told
        raise refusal
