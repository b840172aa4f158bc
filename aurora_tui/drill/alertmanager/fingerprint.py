"""A label set's fingerprint: FNV-1a, 64 bits, over sorted `name 0xff value 0xff` (prometheus/common, signature.go)."""

from __future__ import annotations

from collections.abc import Mapping

_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


def fingerprint(labels: Mapping[str, str]) -> str:
    """Sixteen hexadecimal digits."""
    value = _OFFSET
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * _PRIME) & _MASK
    return f"{value:016x}"
