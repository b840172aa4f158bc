"""One run at a time in a namespace: a Lease that its holder renews, that others see, and that a dead holder loses.

It is advice to those who ask for it; what really guards a write is the object's own uid and resourceVersion.

Nobody's clock is believed but our own, and of that only its seconds: a holder is dead when its record has not changed
for the record's leaseDurationSeconds since we first saw it so, whatever time is written in it. Real time throughout: a
drill's clock may run faster, a dead process does not.
https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
"""

from __future__ import annotations

import asyncio
import time
from time import monotonic

from aurora_tui.clock import iso_micro
from aurora_tui.errors import AuroraError
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import ApiError, CredentialError, Unreachable, Unreadable
from aurora_tui.kube.lease_record import (
    LONGEST_NAME,
    RUN,
    Held,
    Holder,
    Lost,
    freed,
    holder_of,
    identity,
    record_of,
    transitions_of,
)
from aurora_tui.kube.writes import Object, create, read, replace
from aurora_tui.text import safe

SECONDS = 15  # how long a record that does not change is believed
__all__ = ["RUN", "SECONDS", "Held", "Holder", "Lease", "Lost", "identity", "look"]
_ANSWER_SECONDS = 5.0  # of one request: three fit into a lease
_ATTEMPTS = 20  # against others who write at the same moment
_LOOK_SECONDS = 1.0


async def look(connection: Connection, namespace: str, name: str) -> Holder | None:
    """Who holds the lease; None when nobody does. Whether the holder still lives, one look cannot tell."""
    found = await read(connection, f"{_collection(namespace)}/{name}", seconds=_ANSWER_SECONDS)
    return None if found is None else holder_of(found)


class Lease:
    """The lease `name`, wanted or held by `holder` for `run`. ApiError, Unreachable and Unreadable pass through.

    Every method may be cancelled at any moment: what it may have written, `release` takes back, or it runs out by
    itself. For one task at a time, but for `seconds_left`.
    """

    def __init__(
        self, connection: Connection, namespace: str, name: str, holder: str, seconds: int = SECONDS, run: str = ""
    ) -> None:
        self._connection = connection
        self._collection = _collection(namespace)
        self._name = name
        self.holder = safe(holder, LONGEST_NAME)
        self.run = safe(run, LONGEST_NAME)
        self._seconds = seconds
        self._ours: Object | None = None  # as last written
        self._since = ""
        self._renewed = 0.0
        self._attempted = False
        self._seen: tuple[str, Holder] | None = None  # the record of another, and when we first saw it so
        self._seen_at = 0.0

    @property
    def held(self) -> bool:
        """Whether it was ours when it was last written; `seconds_left` tells how sure that is."""
        return self._ours is not None

    @property
    def seconds_left(self) -> float:
        """For how long nobody can have found us dead; 0 when it is not ours. A take-over may come at any moment."""
        return max(0.0, self._renewed + self._seconds - monotonic()) if self._ours is not None else 0.0

    async def acquire(self) -> None:
        """Take the lease if nobody holds it, or if its holder was seen dead (`observe`). Held, at once, otherwise."""
        for _ in range(_ATTEMPTS):
            found = await self._look()
            holder = holder_of(found) if found else None
            if holder is not None and not self._is_ours(holder) and not self._is_dead():
                raise Held(holder)
            if await self._take(found):
                return
        raise self._contended()

    async def observe(self, seconds: float = 3 * SECONDS) -> bool:
        """Look at another's lease for at most `seconds`. True as soon as `acquire` may take it; False as soon as its
        holder shows that it lives, or when the time is over. What was seen before counts.
        """
        end = monotonic() + seconds
        first = True  # a change before the first look may be old
        while True:
            before = self._seen
            found = await self._look()
            holder = holder_of(found) if found else None
            if holder is None or self._is_ours(holder) or self._is_dead():
                return True
            if not first and self._seen != before:
                return False
            first = False
            left = end - monotonic()
            if left <= 0:
                return False
            await asyncio.sleep(min(_LOOK_SECONDS, left, self._until_dead(holder)))

    async def take_over(self) -> Holder | None:
        """Take the lease now, whoever holds it: that one's next `renew` says Lost. Returns who held it."""
        for _ in range(_ATTEMPTS):
            found = await self._look()
            holder = holder_of(found) if found else None
            if await self._take(found):
                return holder if holder is not None and not self._is_ours(holder) else None
        raise self._contended()

    async def renew(self) -> None:
        """Say that we live; due every third of the lease's seconds. Lost when another holds it, or somebody freed it.

        That somebody wrote to the object is not yet a loss: its record is read again, and it is ours while that says
        so (an answer of ours may have got lost, another may have set a label). A lease that was deleted is made again.
        Where the whole namespace goes, as a halt may want it, nobody can hold a lock: that is no loss either.
        """
        found = self._ours
        if found is None:
            raise Lost(None)
        transitions = transitions_of(found)
        for _ in range(_ATTEMPTS):
            began = monotonic()
            try:
                await self._write(found, self._since, transitions)
                return
            except ApiError as error:
                if found is None and has_no_home(error):
                    self._renewed = began
                    return
                if error.status not in (404, 409):
                    raise
            found = await self._look()
            holder = holder_of(found) if found else None
            if found is not None and (holder is None or not self._is_ours(holder)):
                self._ours = None
                self._attempted = False
                raise Lost(holder)
        raise self._contended()

    async def keep(self) -> None:
        """Renew until cancelled. Lost as `renew` says it; what may pass (no answer, a proxy's, 401, 429, 5xx) is asked
        again.

        Meanwhile nobody else can write either, or the next answer says Lost; `seconds_left` tells how sure it is.
        """
        pause = self._seconds / 3
        while True:
            await asyncio.sleep(pause)
            try:
                await self.renew()
                pause = self._seconds / 3
                continue
            except ApiError as error:
                if not _may_pass(error):
                    raise
                pause = max(_LOOK_SECONDS, min(error.retry_after or 0.0, self._seconds / 3))
            except (Unreachable, Unreadable, CredentialError):
                pause = min(_LOOK_SECONDS, self._seconds / 3)

    async def release(self) -> None:
        """Give it back, so that another may take it at once. Nothing happens when it is not ours (any more)."""
        found, self._ours = self._ours, None
        if not self._attempted:
            return
        for _ in range(_ATTEMPTS):
            found = found or await self._look()
            holder = holder_of(found) if found else None
            if found is None or holder is None or not self._is_ours(holder):
                break
            try:
                await replace(self._connection, self._path, freed(found), seconds=_ANSWER_SECONDS)
                break
            except ApiError as error:
                if error.status not in (404, 409):
                    raise
                found = None
        self._attempted = False

    @property
    def _path(self) -> str:
        return f"{self._collection}/{self._name}"

    async def _look(self) -> Object | None:
        """The object now; its record is remembered with the moment from which on it was seen so."""
        found = await read(self._connection, self._path, seconds=_ANSWER_SECONDS)
        holder = holder_of(found) if found else None
        record = None if found is None or holder is None else (record_of(found), holder)
        if record != self._seen:
            self._seen, self._seen_at = record, monotonic()
        return found

    def _is_ours(self, holder: Holder) -> bool:
        return (holder.identity, holder.run) == (self.holder, self.run)

    def _until_dead(self, holder: Holder) -> float:
        return max(0.0, self._seen_at + (holder.seconds or self._seconds) - monotonic()) + 0.01

    def _is_dead(self) -> bool:
        if self._seen is None:
            return False
        return monotonic() - self._seen_at >= (self._seen[1].seconds or self._seconds)

    async def _take(self, found: Object | None) -> bool:
        """Write ourselves in; False when another was faster."""
        holder = holder_of(found) if found else None
        more = 0 if found is None or (holder is not None and self._is_ours(holder)) else 1
        self._attempted = True
        try:
            await self._write(found, iso_micro(time.time()), transitions_of(found) + more)
        except ApiError as error:
            if error.status == 409 or (error.status == 404 and found is not None):
                return False
            raise
        return True

    async def _write(self, found: Object | None, since: str, transitions: int) -> None:
        """Our record in the place of `found`, or a new one. The moment that counts is that before it was sent."""
        began = monotonic()
        spec: Object = {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self._seconds,
            "acquireTime": since,
            "renewTime": iso_micro(time.time()),
            "leaseTransitions": transitions,
        }
        if found is None:
            body: Object = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self._name, "annotations": {RUN: self.run}},
                "spec": spec,
            }
            written = await create(self._connection, self._collection, body, seconds=_ANSWER_SECONDS)
        else:
            meta = found["metadata"]
            annotations = {**(meta.get("annotations") or {}), RUN: self.run}
            body = {
                **found,
                "metadata": {**meta, "annotations": annotations},
                "spec": {**(found.get("spec") or {}), **spec},
            }
            written = await replace(self._connection, self._path, body, seconds=_ANSWER_SECONDS)
        self._ours, self._since, self._renewed, self._seen = written, since, began, None

    def _contended(self) -> AuroraError:
        return AuroraError(
            f"Lease {safe(self._name, 120)}: others write to it all the time", "Look at who does, and try again."
        )


def has_no_home(error: ApiError) -> bool:
    """Whether a create was refused because the namespace is going or gone."""
    return error.status == 404 or (error.status == 403 and "is being terminated" in error.what)


def _may_pass(error: ApiError) -> bool:
    """Whether asking again may be answered otherwise. A redirect is a proxy's: the API behind it was not asked."""
    return error.status in (401, 408, 425, 429) or error.status >= 500 or 300 <= error.status < 400


def _collection(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
