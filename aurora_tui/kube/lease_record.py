"""What a Lease's record says: who holds it, since when, for which run. A record may say anything; times are for people.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from aurora_tui.clock import iso, iso_micro, parse_iso
from aurora_tui.errors import AuroraError
from aurora_tui.kube.writes import Object
from aurora_tui.text import safe

RUN = "aurora-tui/run"  # the annotation that names the run
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lease. `since` and `renewed` are Unix seconds by the holder's own clock, None when unreadable."""

    identity: str
    run: str
    since: float | None
    renewed: float | None
    seconds: int  # how long it may stay silent

    def __str__(self) -> str:
        return f"{self.identity} (run {self.run})" if self.run else self.identity


class Held(AuroraError):
    """Another one holds the lease, or may: `holder` who, `since` when (Unix seconds by its clock; None: unreadable)."""

    def __init__(self, holder: Holder) -> None:
        since = f" since {iso(holder.since)}" if holder.since is not None else ""
        super().__init__(
            f"{holder} holds the lock{since}",
            "Wait until that run is over, or take it over if you know that it is dead.",
        )
        self.holder = holder
        self.since = holder.since


class Lost(AuroraError):
    """The lease was ours and is another's now (`by`; None: nobody's): write nothing more."""

    def __init__(self, by: Holder | None) -> None:
        what = f"The lock was taken over by {by}" if by else "The lock was taken away"
        super().__init__(what, "Nothing more is written. Look at what the other one does before you go on.")
        self.by = by


def identity() -> str:
    """How this process calls itself as a holder: `user@host:pid`."""
    return safe(f"{getpass.getuser()}@{socket.gethostname()}:{os.getpid()}", LONGEST_NAME)


def holder_of(found: Object) -> Holder | None:
    """Who holds it, as the record says; a record may say anything."""
    spec: Any = found.get("spec")
    identity = spec.get("holderIdentity") if isinstance(spec, dict) else None
    if not isinstance(identity, str) or not identity:
        return None
    seconds = spec.get("leaseDurationSeconds")
    run = (found["metadata"].get("annotations") or {}).get(RUN)
    return Holder(
        identity=safe(identity, LONGEST_NAME),
        run=safe(run, LONGEST_NAME) if isinstance(run, str) else "",
        since=_moment(spec.get("acquireTime")),
        renewed=_moment(spec.get("renewTime")),
        seconds=seconds if isinstance(seconds, int) and seconds > 0 else 0,
    )


def record_of(found: Object) -> str:
    """What a holder that lives changes, whatever another may do to the object's labels."""
    return f"{found['metadata'].get('uid')} {found.get('spec')!r}"


def _moment(text: object) -> float | None:
    try:
        return parse_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


def transitions_of(found: Object | None) -> int:
    told = ((found or {}).get("spec") or {}).get("leaseTransitions")
    return told if isinstance(told, int) and 0 <= told < 2**31 - 1 else 0


def freed(found: Object) -> Object:
    """Nobody's: no holder and no run, as of now; the transitions go on counting."""
    meta, spec = found["metadata"], found.get("spec") or {}
    annotations = {name: text for name, text in (meta.get("annotations") or {}).items() if name != RUN}
    kept = {name: value for name, value in spec.items() if name not in ("holderIdentity", "acquireTime")}
    return {
        **found,
        "metadata": {**meta, "annotations": annotations},
        "spec": {**kept, "renewTime": iso_micro(time.time())},
    }
