"""The append-only log: one SQLite file whose rows are canonical JSON entries chained by hash.

An entry is the exact bytes of the RFC 8785 form of {v, seq, prev, ts, actor, action, request_id, data}; those
bytes are stored and hashed, never re-serialised. `seq` counts from 1, `prev` is the leaf hash before it in hex.

The journal mode is DELETE with synchronous=EXTRA: WAL has a corruption bug with two writing processes in the
SQLite releases in the field, and copies of a live WAL file lose rows. An append is one statement, so a caller
cancelled at any moment leaves either the whole entry or none, and never a held lock.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from stat import S_ISREG
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiosqlite
import rfc8785

from aurora_tui.clock import WALL, Clock, iso_micro
from aurora_tui.errors import AuroraError
from aurora_tui.ledger.chain import NOTHING_READ, Broken, Chain, Entry, Mark
from aurora_tui.ledger.merkle import leaf_hash

__all__ = ["NOTHING_READ", "Entry", "LedgerError", "Log", "Mark", "Overtaken", "Reading"]

# Both tables or none: another process never finds half a ledger.
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS audit_log(seq INTEGER PRIMARY KEY, entry BLOB NOT NULL,
 leaf_hash BLOB NOT NULL CHECK(length(leaf_hash)=32)) STRICT;
CREATE TABLE IF NOT EXISTS checkpoint(size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
COMMIT;
"""
# MATERIALIZED: SQLite must make the entry once, or the stored bytes and their hash could differ in `ts`.
_APPEND = """
WITH last AS MATERIALIZED (
    SELECT coalesce(max(seq), 0) AS seq,
           (SELECT leaf_hash FROM audit_log ORDER BY seq DESC LIMIT 1) AS leaf_hash
    FROM audit_log
), made AS MATERIALIZED (
    SELECT seq + 1 AS seq, aurora_entry(seq + 1, leaf_hash, ?1, ?2, ?3, ?4) AS entry FROM last
    WHERE ?5 IS NULL OR seq = ?5
)
INSERT INTO audit_log(seq, entry, leaf_hash) SELECT seq, entry, aurora_leaf(entry) FROM made
RETURNING seq, entry, leaf_hash
"""
_PAGE = 1000
_FIRST = -(2**63)  # a row numbered zero or below must not hide before the first


class LedgerError(AuroraError):
    """The ledger cannot be opened, read, written or trusted."""


class Overtaken(LedgerError):
    """Another process wrote first: what was decided must be decided again on what the ledger says now."""


class Reading(NamedTuple):
    """What a ledger said: the entries after those known before, and the mark for the next time."""

    entries: list[Entry]
    mark: Mark


def file_state(path: Path) -> os.stat_result | None:
    """The ledger's file; None when there is none, or an empty one that another process is just making a ledger of."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _error(path, "read", error) from error
    return None if S_ISREG(state.st_mode) and not state.st_size else state


class Log:
    """An open ledger. Use as `async with Log(path) as log`: an unclosed connection would hang the process's end.

    `clock` gives the entries' time. `create=False` refuses a missing file instead of making one.
    """

    def __init__(self, path: Path, clock: Clock = WALL, *, create: bool = True) -> None:
        self.path = path
        self._clock = clock
        self._create = create
        self._database: aiosqlite.Connection | None = None

    async def __aenter__(self) -> Self:
        try:
            if not self._create and not self.path.exists():
                raise LedgerError(f"There is no ledger at {self.path}", "Check the path, or start a phase to make one.")
            if self._create and not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            if not self.path.is_file():
                raise LedgerError(f"The ledger {self.path} is not a file", "Check the path; name the file itself.")
            # SQLite would only say that it is unable to open it, and aiosqlite's thread outlive the loop saying so.
            os.close(os.open(self.path, os.O_RDONLY))
            self._database = await aiosqlite.connect(self.path, isolation_level=None)
            await self._prepare(self._database)
        except (OSError, sqlite3.Error) as error:
            await self.close()
            raise _error(self.path, "opened", error) from error
        except BaseException:
            # Also when cancelled: the connection's thread would keep the process from ending.
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection and its thread."""
        if self._database is not None:
            await self._database.close()
            self._database = None

    async def append(
        self,
        action: str,
        data: Mapping[str, Any],
        *,
        actor: str,
        request_id: str | None = None,
        after: int | None = None,
    ) -> Entry:
        """Append one entry and return it once it is on disk; LedgerError when it is not.

        `after`: only if that many entries are there, in the same statement; Overtaken, and nothing written, otherwise.
        A caller that was cancelled may have committed: look for its `request_id`.
        """
        try:
            text = _canonical(data)
            for part in (actor, action, request_id or ""):
                part.encode()
        except ValueError as error:
            raise LedgerError(
                f"Entry {action!r} cannot be written: {error}",
                "Use text in UTF-8, whole numbers below 2^53, true, false, null, lists and tables.",
            ) from error
        values = (actor, action, request_id or str(uuid.uuid4()), text, after)
        try:
            rows = list(await self._open.execute_fetchall(_APPEND, values))
        except sqlite3.Error as error:
            raise _error(self.path, "written to", error) from error
        if not rows:
            raise Overtaken(f"Another process has just written to {self.path}", "Look at what it wrote, and try again.")
        return Entry(rows[0][1], rows[0][2])

    async def read(self, known: Mark = NOTHING_READ) -> Reading:
        """The entries after those `known` before, once every row's hash and place is checked from the first one on.

        LedgerError names the first entry that was changed, replaced, reordered or removed. Edits that re-chain what
        follows are found up to `known`; beyond it only against a checkpoint kept elsewhere (RFC 6962 section 2.1.2).
        """
        chain, found = Chain(known), []
        sequence = 0
        try:
            async for sequence, raw, leaf in self._rows(_FIRST):
                entry = chain.follow(sequence, raw, leaf)
                if entry is not None:
                    found.append(entry)
            sequence = chain.mark.size + 1
            chain.end()
        except Broken as error:
            raise LedgerError(f"Entry {sequence} of {self.path} {error}", error.remedy) from error
        return Reading(found, chain.mark)

    async def entries(self, after: int = 0) -> list[Entry]:
        """All entries with a sequence above `after`, in order, checked as `read` does."""
        return [entry for entry in (await self.read()).entries if entry.sequence > after]

    async def size(self) -> int:
        """How many entries there are."""
        return int((await self._fetch("SELECT count(*) FROM audit_log"))[0][0])

    async def version(self) -> int:
        """Changes when another process has written: cheap to ask often (PRAGMA data_version)."""
        return int((await self._fetch("PRAGMA data_version"))[0][0])

    async def verify(self) -> Mark:
        """Size and root after checking file integrity, and every row; LedgerError as `read`."""
        state = (await self._fetch("PRAGMA integrity_check"))[0][0]
        if state != "ok":
            raise LedgerError(f"{self.path} is damaged: {state}", "Restore the last verified backup.")
        return (await self.read()).mark

    @property
    def _open(self) -> aiosqlite.Connection:
        if self._database is None:
            raise LedgerError(f"{self.path} is not open", "Use it inside `async with`.")
        return self._database

    async def _prepare(self, database: aiosqlite.Connection) -> None:
        clock = self._clock

        def make_entry(
            sequence: int, previous: bytes | None, actor: str, action: str, request_id: str, data: str
        ) -> bytes:
            return rfc8785.dumps(
                {
                    "v": 1,
                    "seq": sequence,
                    "prev": None if previous is None else previous.hex(),
                    "ts": iso_micro(clock.now()),
                    "actor": actor,
                    "action": action,
                    "request_id": request_id,
                    "data": json.loads(data),
                }
            )

        await database.create_function("aurora_entry", 6, make_entry)
        await database.create_function("aurora_leaf", 1, leaf_hash, deterministic=True)
        await database.execute_fetchall("PRAGMA busy_timeout=5000")
        await database.execute_fetchall("PRAGMA synchronous=EXTRA")
        tables = await database.execute_fetchall("SELECT name FROM sqlite_master WHERE type='table'")
        names = {row[0] for row in tables}
        if not {"audit_log", "checkpoint"} <= names:
            # An empty file may become a ledger; another program's database never does.
            if not self._create or (names and "audit_log" not in names):
                raise LedgerError(f"{self.path} is not a ledger: it has no audit_log", "Check the path.")
            await database.execute_fetchall("PRAGMA journal_mode=DELETE")
            await database.executescript(_SCHEMA)

    async def _fetch(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        # Fetched whole: in DELETE mode a cursor left open blocks every writer's COMMIT.
        try:
            return list(await self._open.execute_fetchall(sql, values))
        except sqlite3.Error as error:
            raise _error(self.path, "read", error) from error

    async def _rows(self, after: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """The rows numbered above `after`, a page at a time: appends go on between two pages."""
        while True:
            page = await self._fetch(
                "SELECT seq, entry, leaf_hash FROM audit_log WHERE seq > ? ORDER BY seq LIMIT ?", (after, _PAGE)
            )
            for row in page:
                yield row
            if len(page) < _PAGE:
                return
            after = page[-1][0]


def _error(path: Path, verb: str, error: Exception) -> LedgerError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return LedgerError(
        f"The ledger {path} cannot be {verb}: {why}",
        "Check the path, its owner and mode, and the free space of its disk.",
    )


def _canonical(data: Mapping[str, Any]) -> str:
    """`data` as RFC 8785 JSON; ValueError for what has no single written form in every language."""
    pending: list[Any] = [dict(data)]
    while pending:
        value = pending.pop()
        if isinstance(value, float):
            raise ValueError(f"{value} is not a whole number")
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, (list, tuple)):
            pending.extend(value)
    return rfc8785.dumps(dict(data)).decode()
