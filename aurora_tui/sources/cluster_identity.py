"""Which cluster it is, whatever its address: the uid of `kube-system`, which a cluster keeps for life.

Where that may not be read, the uid of the watched namespace must do: it changes too when the namespace is deleted and
made anew, which cannot be told apart, and is as good a reason to stop and look.
https://kubernetes.io/docs/reference/labels-annotations-taints/ has no label for it; kube-system's uid is what
OpenTelemetry calls k8s.cluster.uid (https://opentelemetry.io/docs/specs/semconv/resource/k8s/#cluster).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from aurora_tui.errors import AuroraError
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.pace import Pace
from aurora_tui.kube.questions import Namespace, namespace
from aurora_tui.text import redact_url, safe

SYSTEM = "kube-system"
ASKED_AGAIN = 180.0  # real seconds after a 403: a role that is missing for good fills the audit log, an outage ends


class AnotherCluster(AuroraError):
    """The address is the same, who answers is not."""


_UNSEEN = Namespace(phase="Active", uid="")


@dataclass(slots=True, kw_only=True)
class Identity:
    """Who answered first, and is to be who answers. `found`: the namespace as last seen; None: there is none."""

    system: str | None = None  # uid of kube-system; None: not known
    namespace: str | None = None  # uid of the watched namespace; None: not known, or it was not there
    found: Namespace | None = _UNSEEN
    _system_refused: float = -math.inf  # monotonic
    _namespace_refused: float = -math.inf

    @property
    def known(self) -> bool:
        """Whether there is anything to know it by."""
        return bool(self.system or self.namespace)

    async def check(self, connection: Connection, pace: Pace, name: str, *, thorough: bool, sure: bool) -> None:
        """AnotherCluster when it is another one than at first.

        `sure`: look who it is; else only whether the namespace is there. `thorough`: look at that in any case.
        """
        if not sure and self.system:
            system: str | None = self.system
        else:
            system = await self._uid_of_system(connection, pace) if _over(self._system_refused) else None
        if system and self.system and system != self.system:
            raise _another(connection, SYSTEM, self.system, system, "")
        self.system = self.system or system
        if (thorough or not system) and _over(self._namespace_refused):
            await self._look_at(connection, pace, name, sure=system is not None)

    async def _uid_of_system(self, connection: Connection, pace: Pace) -> str | None:
        await pace.sign_of_life()
        try:
            found = await namespace(connection, SYSTEM)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            self._system_refused = time.monotonic() if error.status == 403 else -math.inf
            return None
        return found.uid if found else None

    async def _look_at(self, connection: Connection, pace: Pace, name: str, *, sure: bool) -> None:
        await pace.sign_of_life()
        try:
            found = await namespace(connection, name)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            self._namespace_refused = time.monotonic() if error.status == 403 else -math.inf
            return
        if found and found.uid:
            if not sure and self.namespace and found.uid != self.namespace:
                why = "It was deleted and made anew, or another cluster answers. "
                raise _another(connection, f"namespace {name}", self.namespace, found.uid, why)
            self.namespace = found.uid
        self.found = found


def _over(refused: float) -> bool:
    return time.monotonic() - refused >= ASKED_AGAIN


def _another(connection: Connection, what: str, before: str, now: str, why: str) -> AnotherCluster:
    server = redact_url(connection.access.server)
    return AnotherCluster(
        f"ANOTHER CLUSTER answers at {server}: the uid of {safe(what, 100)} is {safe(now, 40)}, it was "
        f"{safe(before, 40)}",
        f"{why}Nothing of it is shown. Check DNS, VPN and load balancer; if it is meant, restart the console.",
    )
