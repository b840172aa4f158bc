"""What lives in a namespace beyond what was rendered: what deleting takes along without being named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations.kinds import Kind, Kinds
from aurora_tui.actions.operations.overlay import controlled, each, going, uid_of
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import Object, read_all
from aurora_tui.text import safe

# Records of what happened, and what the control plane makes by itself for whatever is there: nobody restores them.
PASSING = frozenset(
    {"events", "events.events.k8s.io", "endpoints", "endpointslices.discovery.k8s.io", "leases.coordination.k8s.io"}
)
_EVERYWHERE = {
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "openshift-service-ca.crt"),
}
_TOKEN = "kubernetes.io/service-account-token"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resident:
    """One object of a namespace, raw, with its kind."""

    kind: Kind
    thing: Object

    @property
    def name(self) -> str:
        """Its name, as it is."""
        return str(self.thing["metadata"]["name"])

    @property
    def uid(self) -> str:
        """Its uid."""
        return uid_of(self.thing)

    @property
    def owners(self) -> frozenset[str]:
        """The uids of whom it belongs to."""
        return frozenset(owner.get("uid", "") for owner in self.thing["metadata"].get("ownerReferences") or ())

    def __str__(self) -> str:
        return f"{self.kind.name} {safe(self.name, 253)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Everything in a namespace. `unseen`: resources that may not be listed, or whose server does not answer."""

    residents: tuple[Resident, ...]
    unseen: tuple[str, ...]

    def of(self, owners: Iterable[str]) -> tuple[Resident, ...]:
        """Who belongs to the objects with these uids, and to those in turn: what goes when they go."""
        family, found = set(owners), dict.fromkeys(self.residents, False)
        while True:
            more = [one for one, taken in found.items() if not taken and one.owners & family]
            if not more:
                return tuple(one for one, taken in found.items() if taken)
            family |= {one.uid for one in more}
            found |= dict.fromkeys(more, True)

    def others(self, named: Iterable[str]) -> tuple[Resident, ...]:
        """Whoever stands on their own feet and is none of the objects with these uids: what a person would miss."""
        known = set(named)
        return tuple(
            one
            for one in self.residents
            if one.uid not in known
            and not controlled(one.thing)
            and one.kind.resource not in PASSING
            and (one.kind.name, one.name) not in _EVERYWHERE
            and one.thing.get("type") != _TOKEN
        )


async def contents(namespace: str, kinds: Kinds, reach: Reach) -> Contents:
    """Everything that lives in `namespace` now, but for what passes by itself."""
    living, silent = await kinds.living()
    wanted = [kind for kind in living if kind.resource not in PASSING]
    told = await each(wanted, lambda kind: _listed(kind, namespace, reach))
    residents = [
        Resident(kind=kind, thing={**thing, "apiVersion": kind.api_version, "kind": kind.name})
        for kind, things in zip(wanted, told, strict=True)
        for thing in things or ()
    ]
    unseen = [kind.resource for kind, things in zip(wanted, told, strict=True) if things is None]
    return Contents(residents=tuple(residents), unseen=(*unseen, *silent))


async def _listed(kind: Kind, namespace: str, reach: Reach) -> Sequence[Object] | None:
    """None when it may not be listed, or its server is down."""
    try:
        return [one for one in await read_all(reach.cluster, kind.path(namespace)) if not going(one)]
    except ApiError as error:
        if error.status in (403, 404, 405, 503):
            return None
        raise
