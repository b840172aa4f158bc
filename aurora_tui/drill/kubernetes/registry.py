"""What the API server does to an object on its way into the store: names, defaults, generations, deletion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from aurora_tui.drill.kubernetes import ownership
from aurora_tui.drill.kubernetes.admission import Attempt, Judge
from aurora_tui.drill.kubernetes.defaults import filled
from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, NAMESPACE, POD, REPLICA_SET, SERVICE, Kind
from aurora_tui.drill.kubernetes.moments import stamp
from aurora_tui.drill.kubernetes.status import (
    already_exists,
    bad_request,
    conflict,
    invalid,
    not_found,
    terminating,
)
from aurora_tui.drill.kubernetes.store import Entry, Object, ObjectStore
from aurora_tui.drill.kubernetes.validation import check

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_KEPT = (
    "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName",
)  # fmt: skip
Owning = Callable[[Object | None, Object], list[Object]]
"""managedFields for the object as it is now (None: it is new) and as it will be."""


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete. `propagation` is Background, Foreground or Orphan; `uid` and `version` are preconditions."""

    grace: int | None = None
    propagation: str = "Background"
    uid: str | None = None
    version: str | None = None


class Registry:
    """Creates, updates and deletes as the API server does. now: world time, Unix seconds."""

    def __init__(self, store: ObjectStore, now: Callable[[], float], random: Random) -> None:
        self.store = store
        self._now = now
        self._random = random
        self._addresses = 0
        self.judges: list[Judge] = []
        """Asked about every create, and about what clients update and delete."""
        self.quota: Judge | None = None
        """Asked last about every create."""

    def suffix(self, length: int = 5) -> str:
        """A random ending for a name, from Kubernetes' alphabet without vowels."""
        return "".join(self._random.choice(_SAFE) for _ in range(length))

    def uid(self) -> str:
        """A new object's uid."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def find(self, kind: Kind, namespace: str, name: str) -> Entry:
        """The object; Refused 404."""
        entry = self.store.get(kind, namespace, name)
        if entry is None:
            raise not_found(kind, name)
        return entry

    def create(
        self, kind: Kind, thing: Object, namespace: str = "", dry_run: bool = False, owning: Owning | None = None
    ) -> Entry:
        """Store a new object; Refused 404 (no such namespace), 403 (it is being deleted), 409, 422.

        owning: says who owns its fields; None: nobody.
        """
        thing = {**thing, "metadata": dict(thing.get("metadata") or {})}
        meta = thing["metadata"]
        if meta.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        if kind.namespaced:
            meta["namespace"] = namespace = self._namespace_of(meta, namespace)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + self.suffix()
        for field in ("generation", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"):
            meta.pop(field, None)
        meta["uid"] = self.uid()
        meta["creationTimestamp"] = stamp(self._now())
        if kind.counts_generations:
            meta["generation"] = 1
        if "status" in kind.subresources:
            thing.pop("status", None)
        thing = _understood(kind, thing)
        if kind is SERVICE:
            self._address(thing)
        self._admit(kind, thing, namespace)
        if owning is not None:
            thing["metadata"]["managedFields"] = owning(None, thing)
        return Entry(kind, thing) if dry_run else self.store.put(kind, thing)

    def create_like(self, made: Entry) -> Entry:
        """Store one more object like `made`, which `create` gave a name: what it was given it need not be given again.

        Refused 404, 403, 409 as by `create`.
        """
        meta = {**made.thing["metadata"], "name": made.thing["metadata"]["generateName"] + self.suffix()}
        meta |= {"uid": self.uid(), "creationTimestamp": stamp(self._now())}
        thing = {**made.thing, "metadata": meta}
        self._admit(made.kind, thing, meta.get("namespace", ""))
        return self.store.put(made.kind, thing)

    def judge(self, attempt: Attempt) -> None:
        """Refused when any of the judges says so."""
        for judge in self.judges:
            judge(attempt)

    def _namespace_of(self, meta: Object, namespace: str) -> str:
        given: str = meta.get("namespace") or namespace or "default"
        if namespace and given != namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        return given

    def _admit(self, kind: Kind, thing: Object, namespace: str) -> None:
        name = thing["metadata"]["name"]
        if kind.namespaced:
            home = self.find(NAMESPACE, "", namespace)
            if self.store.get(kind, namespace, name) is None and "deletionTimestamp" in home.thing["metadata"]:
                raise terminating(kind, name, namespace)
        attempt = Attempt(operation="CREATE", kind=kind, namespace=namespace, name=name, thing=thing)
        self.judge(attempt)
        if self.quota is not None:
            self.quota(attempt)
        if self.store.get(kind, namespace, name) is not None:
            raise already_exists(kind, name)

    def _address(self, thing: Object) -> None:
        spec = thing["spec"]
        if spec["type"] == "ExternalName":
            return
        if "clusterIP" not in spec:
            self._addresses += 1
            spec["clusterIP"] = f"10.96.{self._addresses // 254}.{self._addresses % 254 + 1}"
        spec.setdefault("clusterIPs", [spec["clusterIP"]])

    def update(
        self,
        kind: Kind,
        before: Entry,
        thing: Object,
        dry_run: bool = False,
        status: bool = False,
        put: bool = False,
        owning: Owning | None = None,
    ) -> Entry:
        """Replace `before` by `thing`: its status alone, or all but its status; Refused 409, 422.

        owning: says who owns its fields then; None: who owned them before. Nothing is written when nothing would
        change, so watches see no empty events.
        """
        old = before.thing["metadata"]
        thing = {**thing, "metadata": dict(thing.get("metadata") or {})}
        meta, name = thing["metadata"], old["name"]
        if meta.get("uid", old["uid"]) != old["uid"]:
            why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {old['uid']}"
            raise conflict(kind, name, why)
        if put and kind.needs_version and not meta.get("resourceVersion"):
            cause = (
                "FieldValueInvalid",
                "Invalid value: 0x0: must be specified for an update",
                "metadata.resourceVersion",
            )
            raise invalid(kind, name, [cause])
        if meta.get("resourceVersion") not in (None, "", old["resourceVersion"]):
            raise conflict(kind, name)
        meta |= {"name": name, "resourceVersion": old["resourceVersion"]}
        if kind.namespaced:
            meta["namespace"] = old["namespace"]
        for field in _KEPT:
            meta.pop(field, None)
            if field in old:
                meta[field] = old[field]
        owners = meta.pop("managedFields", None)
        if not (owning and ownership.readable(owners)):  # clients may move fields to another owner, or forget them all
            owners = old.get("managedFields")
        if owners and owners != [{}]:
            meta["managedFields"] = owners
        if status:
            thing = {
                **before.copy(),
                "status": thing.get("status") or {},
                "metadata": {**meta, "labels": old.get("labels")},
            }
        elif "status" in kind.subresources:
            thing["status"] = before.copy().get("status")
        thing = filled(kind, thing) if status else _understood(kind, thing, before.thing)
        if not status:
            self._count_generation(kind, before.thing, thing)
        if owning is not None and (owners := owning(before.thing, thing)):
            thing["metadata"]["managedFields"] = owners
        if thing == before.thing:
            return before
        if dry_run:
            return Entry(kind, thing)
        if "deletionTimestamp" in old and not thing["metadata"].get("finalizers") and kind not in (POD, NAMESPACE):
            return self.store.remove(before)
        return self.store.put(kind, thing)

    def _count_generation(self, kind: Kind, before: Object, after: Object) -> None:
        changed = before.get("spec") != after.get("spec")
        if kind is DEPLOYMENT:  # the one kind whose annotations count, since its controller copies them
            changed |= before["metadata"].get("annotations") != after["metadata"].get("annotations")
        if kind.counts_generations and changed:
            after["metadata"]["generation"] += 1

    def write(self, kind: Kind, before: Entry, thing: Object) -> Entry:
        """A controller's write: status and spec at once, no questions asked, no defaults filled in."""
        if kind is REPLICA_SET:
            self._count_generation(kind, before.thing, thing)
        if thing == before.thing:
            return before
        if "managedFields" in before.thing["metadata"]:
            owners = ownership.controlled(kind, before.thing, thing, stamp(self._now()))
            thing = {**thing, "metadata": {**thing["metadata"], "managedFields": owners}}
        return self.store.put(kind, thing)

    def delete(self, entry: Entry, options: DeleteOptions, dry_run: bool = False) -> tuple[Entry, bool]:
        """Delete the object, or begin to: (its state now, whether it is gone); Refused 409 on preconditions."""
        kind, meta = entry.kind, entry.thing["metadata"]
        for asked, has, what in (
            (options.uid, meta["uid"], "UID"),
            (options.version, meta["resourceVersion"], "ResourceVersion"),
        ):
            if asked is not None and asked != has:
                why = f"Precondition failed: {what} in precondition: {asked}, {what} in object meta: {has}"
                raise conflict(kind, meta["name"], why)
        if kind is NAMESPACE and "deletionTimestamp" in meta:
            why = "The system is ensuring all content is removed from this namespace.  Upon completion, this namespace "
            raise conflict(kind, meta["name"], why + "will automatically be purged by the system.")
        thing = entry.copy()
        doomed = self._doom(kind, thing, options)
        if dry_run:
            return Entry(kind, thing), doomed is None
        if doomed is None:
            return self.store.remove(entry), True
        if doomed == entry.thing:
            return entry, False
        return self.store.put(kind, filled(kind, doomed)), False

    def _doom(self, kind: Kind, thing: Object, options: DeleteOptions) -> Object | None:
        """`thing` marked for deletion; None when nothing holds it back."""
        meta = thing["metadata"]
        holders = {"Foreground": FOREGROUND, "Orphan": ORPHAN}
        if options.propagation in holders and holders[options.propagation] not in meta.get("finalizers", ()):
            meta["finalizers"] = [*meta.get("finalizers", ()), holders[options.propagation]]
        grace = self._grace(thing, options) if kind is POD else 0
        held = bool(meta.get("finalizers")) or kind is NAMESPACE or grace > 0
        if not held:
            return None
        if "deletionTimestamp" in meta and meta.get("deletionGracePeriodSeconds", 0) <= grace:
            return thing
        if kind.counts_generations and "deletionTimestamp" not in meta:
            meta["generation"] = meta.get("generation", 1) + 1
        meta["deletionTimestamp"] = stamp(self._now() + grace)
        if kind is NAMESPACE:
            thing["status"]["phase"] = "Terminating"
        else:
            meta["deletionGracePeriodSeconds"] = grace
        return thing

    def _grace(self, thing: Object, options: DeleteOptions) -> int:
        if not thing["spec"].get("nodeName") or thing["status"].get("phase") in ("Succeeded", "Failed"):
            return 0
        usual: int = thing["spec"].get("terminationGracePeriodSeconds", 30)
        return usual if options.grace is None else options.grace


def _understood(kind: Kind, thing: Object, before: Object | None = None) -> Object:
    """`thing` with its defaults, checked; Refused 400 when a field is not of its type, 422 when its value is wrong."""
    try:
        thing = filled(kind, thing)
        check(kind, thing, before)
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        head = f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}'
        raise bad_request(f"{head}: json: cannot unmarshal a value into a field of another type ({wrong})") from wrong
    return thing


def owner_of(thing: dict[str, Any]) -> dict[str, Any] | None:
    """The controlling owner reference, if any."""
    return next((o for o in thing["metadata"].get("ownerReferences", ()) if o.get("controller")), None)


def owned_by(kind: Kind, owner: dict[str, Any]) -> list[dict[str, Any]]:
    """ownerReferences that make `owner` (an object of `kind`) the controller."""
    meta = owner["metadata"]
    reference = {"apiVersion": kind.api_version, "kind": kind.name, "name": meta["name"], "uid": meta["uid"]}
    return [{**reference, "controller": True, "blockOwnerDeletion": True}]
