"""Probes: pages looked at directly, beside what Prometheus says of them."""

from __future__ import annotations

import msgspec


class ProbeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe's page said. `ok` False: it answered, and said it is not well."""

    id: str
    title: str
    ok: bool
    detail: str
    latency: float
    checked_at: float
