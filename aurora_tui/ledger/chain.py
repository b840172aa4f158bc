"""The chain: which row may stand where, found while reading, so that nothing is believed that was changed afterwards.

A mark (how many entries, and the root of their Merkle tree) is all a reader keeps to know, the next time, that what
it has read is still what the ledger holds (RFC 6962 section 2.1).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from aurora_tui.clock import parse_iso
from aurora_tui.ledger.merkle import EMPTY_ROOT, Tree, leaf_hash


class _Fields(msgspec.Struct):
    """What the bytes of an entry hold."""

    v: int
    seq: int
    prev: str | None
    ts: str
    actor: str
    action: str
    request_id: str
    data: dict[str, Any]


class Entry:
    """One entry as read: `raw` are the hashed bytes, the rest is their content."""

    __slots__ = ("action", "actor", "at", "data", "leaf", "previous", "raw", "request_id", "sequence")

    def __init__(self, raw: bytes, leaf: bytes) -> None:
        """Decode `raw`; ValueError when it is not an entry."""
        try:
            fields = msgspec.json.decode(raw, type=_Fields)
        except RecursionError as error:
            raise ValueError("it is nested too deep") from error
        if fields.v != 1:
            raise ValueError(f"it is of version {fields.v}, and only version 1 is known")
        self.sequence = fields.seq
        self.previous = fields.prev
        self.at = parse_iso(fields.ts)
        self.actor = fields.actor
        self.action = fields.action
        self.request_id = fields.request_id
        self.data = fields.data
        self.raw = raw
        self.leaf = leaf

    def __repr__(self) -> str:
        return f"<Entry {self.sequence} {self.action}>"


class Mark(NamedTuple):
    """How far a ledger was read and found whole: its number of entries, and the root of their Merkle tree."""

    size: int
    root: bytes


NOTHING_READ = Mark(0, EMPTY_ROOT)


_COMPARE = "Keep the file and compare it with a verified backup."
_START_ANEW = f"{_COMPARE} If it was restored on purpose, start this program anew."


class Broken(ValueError):
    """A row that cannot stand where it stands; the text goes on after "Entry N of the ledger"."""

    def __init__(self, words: str, remedy: str = _COMPARE) -> None:
        super().__init__(words)
        self.remedy = remedy


class Chain:
    """What has been followed from the first row on."""

    def __init__(self, known: Mark = NOTHING_READ) -> None:
        """known: what was read before; those entries are checked against it, and not decoded again."""
        self._known = known
        self._tree = Tree()
        self._last: str | None = None

    @property
    def mark(self) -> Mark:
        """What has been followed so far."""
        return Mark(self._tree.size, self._tree.root())

    def follow(self, sequence: int, raw: bytes, leaf: bytes) -> Entry | None:
        """The next row's entry, or None for one that was known before; Broken when it cannot come next."""
        expected = self._tree.size + 1
        if sequence != expected:
            raise Broken(f"stands where entry {expected} should: entries were removed or renumbered")
        if not isinstance(raw, bytes) or leaf_hash(raw) != leaf:
            raise Broken("does not have the hash stored beside it: its content was changed")
        entry = None if expected <= self._known.size else self._decoded(sequence, raw, leaf)
        self._tree.append(leaf)
        self._last = leaf.hex()
        if self._tree.size == self._known.size and self._tree.root() != self._known.root:
            raise Broken("and those before it are not the ones read earlier: the ledger was rewritten", _START_ANEW)
        return entry

    def end(self) -> None:
        """Broken when there are fewer entries than were known before."""
        if self._tree.size < self._known.size:
            raise Broken(f"is gone, and all up to entry {self._known.size} with it: the end was cut off", _START_ANEW)

    def _decoded(self, sequence: int, raw: bytes, leaf: bytes) -> Entry:
        try:
            entry = Entry(raw, leaf)
        except ValueError as error:
            raise Broken(f"is not an entry: {error}") from error
        if entry.sequence != sequence:
            raise Broken(f"says it is entry {entry.sequence}: entries were reordered")
        if entry.previous != self._last:
            raise Broken("does not continue the entry before it: entries were replaced or reordered")
        return entry
