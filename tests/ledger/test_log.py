"""The log: what is acknowledged is kept, what is kept is chained, and every failure is told in words."""
# ruff: noqa: ASYNC240 - a test may look at a small file of its own

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aurora_tui.clock import Clock
from aurora_tui.ledger.log import LedgerError, Log, Overtaken
from aurora_tui.ledger.merkle import EMPTY_ROOT, leaf_hash, root


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "aurora" / "remembrancer.db"


async def written(path: Path, count: int) -> Path:
    async with Log(path) as log:
        for number in range(1, count + 1):
            await log.append("note", {"number": number}, actor="eva@bastion")
    return path


async def test_an_entry_is_returned_and_read_back_as_it_was_written(path: Path) -> None:
    clock = Clock(real_origin=0.0, world_origin=1_767_448_931.0, speed=0.0)
    async with Log(path, clock) as log:
        entry = await log.append("tick.set", {"key": "canary/x", "evidence": "é"}, actor="eva@bastion", request_id="r1")
        [read] = await log.entries()
    for one in (entry, read):
        assert (one.sequence, one.previous, one.at) == (1, None, 1_767_448_931.0)
        assert (one.actor, one.action, one.request_id) == ("eva@bastion", "tick.set", "r1")
        assert one.data == {"key": "canary/x", "evidence": "é"}
    assert read.raw == entry.raw


async def test_the_bytes_are_canonical_json_and_the_hash_is_over_them(path: Path) -> None:
    async with Log(path) as log:
        entry = await log.append("note", {"b": 1, "a": "é"}, actor="eva")
    fields = json.loads(entry.raw)
    assert entry.raw == json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert entry.leaf == hashlib.sha256(b"\x00" + entry.raw).digest()


async def test_each_entry_names_the_hash_of_the_one_before(path: Path) -> None:
    async with Log(await written(path, 3)) as log:
        entries = await log.entries()
    assert [entry.previous for entry in entries] == [None, entries[0].leaf.hex(), entries[1].leaf.hex()]


async def test_entries_after_a_sequence_are_only_the_newer_ones(path: Path) -> None:
    async with Log(await written(path, 4)) as log:
        assert [entry.sequence for entry in await log.entries(after=2)] == [3, 4]
        assert await log.size() == 4


async def test_more_entries_than_a_page_are_all_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.ledger.log._PAGE", 2)
    async with Log(await written(path, 5)) as log:
        assert [entry.sequence for entry in await log.entries()] == [1, 2, 3, 4, 5]
        assert (await log.verify())[0] == 5


async def test_verifying_gives_size_and_root(path: Path) -> None:
    async with Log(path) as log:
        assert await log.verify() == (0, EMPTY_ROOT)
        entries = [await log.append("note", {"n": n}, actor="eva") for n in range(5)]
        assert await log.verify() == (5, root(entry.leaf for entry in entries))


async def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    await written(path, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_nothing_is_left_beside_the_file(path: Path) -> None:
    await written(path, 1)
    assert [file.name for file in path.parent.iterdir()] == ["remembrancer.db"]


async def test_the_version_changes_when_another_writes(path: Path) -> None:
    async with Log(path) as mine, Log(path) as other:
        before = await mine.version()
        assert await mine.version() == before
        await other.append("note", {}, actor="eva")
        assert await mine.version() != before


@pytest.mark.parametrize("data", [{"x": 1.5}, {"x": float("nan")}, {"x": 2**53}, {"x": [b"y"]}, {"x": "\udc80"}])
async def test_what_has_no_single_written_form_is_refused(path: Path, data: dict[str, Any]) -> None:
    async with Log(path) as log:
        with pytest.raises(LedgerError, match="Entry 'note' cannot be written"):
            await log.append("note", data, actor="eva")
        assert await log.size() == 0


async def test_an_actor_whose_name_is_not_text_is_refused(path: Path) -> None:
    async with Log(path) as log:
        with pytest.raises(LedgerError, match="cannot be written"):
            await log.append("note", {}, actor="e\udc80")


# Tampering. Edits that re-chain everything after them are found only against a checkpoint kept elsewhere.


def edit_content(database: sqlite3.Connection) -> None:
    [entry] = database.execute("SELECT entry FROM audit_log WHERE seq = 3").fetchone()
    database.execute("UPDATE audit_log SET entry = ? WHERE seq = 3", (entry.replace(b'"number":3', b'"number":4'),))


def edit_content_and_its_hash(database: sqlite3.Connection) -> None:
    [entry] = database.execute("SELECT entry FROM audit_log WHERE seq = 3").fetchone()
    changed = entry.replace(b'"number":3', b'"number":4')
    database.execute("UPDATE audit_log SET entry = ?, leaf_hash = ? WHERE seq = 3", (changed, leaf_hash(changed)))


def replace_by_nonsense(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit_log SET entry = ?, leaf_hash = ? WHERE seq = 3", (b"[1]", leaf_hash(b"[1]")))


def delete(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM audit_log WHERE seq = 3")


def delete_and_close_the_gap(database: sqlite3.Connection) -> None:
    delete(database)
    database.execute("UPDATE audit_log SET seq = seq - 1 WHERE seq = 4")
    database.execute("UPDATE audit_log SET seq = seq - 1 WHERE seq = 5")


def swap(database: sqlite3.Connection) -> None:
    for old, new in ((3, 9), (4, 3), (9, 4)):
        database.execute("UPDATE audit_log SET seq = ? WHERE seq = ?", (new, old))


def renumber(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit_log SET seq = 7 WHERE seq = 5")


def put_one_before_the_first(database: sqlite3.Connection) -> None:
    [entry] = database.execute("SELECT entry FROM audit_log WHERE seq = 1").fetchone()
    database.execute("INSERT INTO audit_log VALUES (0, ?, ?)", (entry, leaf_hash(entry)))


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (edit_content, "Entry 3 .* its content was changed"),
        (edit_content_and_its_hash, "Entry 4 .* does not continue the entry before it"),
        (replace_by_nonsense, "Entry 3 .* is not an entry"),
        (delete, "Entry 4 .* stands where entry 3 should"),
        (delete_and_close_the_gap, "Entry 3 .* says it is entry 4"),
        (swap, "Entry 3 .* says it is entry 4"),
        (renumber, "Entry 7 .* stands where entry 5 should"),
        (put_one_before_the_first, "Entry 0 .* stands where entry 1 should"),
    ],
)
async def test_tampering_is_found_and_the_first_bad_entry_named(
    path: Path, tamper: Callable[[sqlite3.Connection], None], words: str
) -> None:
    await written(path, 5)
    with sqlite3.connect(path) as database:
        tamper(database)
    database.close()
    async with Log(path) as log:
        with pytest.raises(LedgerError, match=words):
            await log.verify()


@pytest.mark.parametrize("after", [0, 4])
async def test_what_was_tampered_with_is_not_read_either(path: Path, after: int) -> None:
    await written(path, 5)
    with sqlite3.connect(path) as database:
        edit_content(database)
    database.close()
    async with Log(path) as log:
        with pytest.raises(LedgerError, match=r"Entry 3 of .* its content was changed. Keep the file"):
            await log.entries(after)


async def test_entries_nested_too_deep_to_decode_are_told(path: Path) -> None:
    raw = b'{"data":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    await written(path, 1)
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO audit_log VALUES (2, ?, ?)", (raw, leaf_hash(raw)))
    database.close()
    async with Log(path) as log:
        with pytest.raises(LedgerError, match=r"Entry 2 of .* is not an entry"):
            await log.entries()


# Reading on from a mark.


async def test_reading_on_gives_only_what_is_new(path: Path) -> None:
    async with Log(await written(path, 2)) as log:
        first = await log.read()
        assert [entry.sequence for entry in first.entries] == [1, 2]
        await log.append("note", {}, actor="ben")
        second = await log.read(first.mark)
        assert [entry.sequence for entry in second.entries] == [3]
        assert second.mark == await log.verify()
        assert (await log.read(second.mark)).entries == []


def rewrite(path: Path, count: int, author: str) -> None:
    """A ledger that holds together, in place of the one at `path`: the same file, other content."""

    async def write(other: Path) -> None:
        async with Log(other) as log:
            for number in range(1, count + 1):
                await log.append("note", {"number": number}, actor=author)

    other = path.with_suffix(".other")
    asyncio.run(write(other))
    path.write_bytes(other.read_bytes())


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (5, "Entry 5 .* are not the ones read earlier: the ledger was rewritten"),
        (9, "Entry 5 .* are not the ones read earlier: the ledger was rewritten"),
        (3, "Entry 4 .* is gone, and all up to entry 5 with it: the end was cut off"),
        (0, "Entry 1 .* is gone, and all up to entry 5 with it: the end was cut off"),
    ],
)
async def test_a_history_that_was_rewritten_or_cut_off_is_found_by_who_read_it_before(
    path: Path, count: int, words: str
) -> None:
    async with Log(await written(path, 5)) as log:
        mark = (await log.read()).mark
    await asyncio.to_thread(rewrite, path, count, "mallory@bastion")
    async with Log(path) as log:
        await log.verify()
        with pytest.raises(LedgerError, match=f"{words}. Keep the file .* start this program anew"):
            await log.read(mark)


# Appending only on what was read.


async def test_an_entry_that_another_was_faster_than_is_not_written(path: Path) -> None:
    async with Log(path) as log, Log(path) as other:
        await log.append("note", {"by": "me"}, actor="eva", after=0)
        with pytest.raises(Overtaken, match="Another process has just written to"):
            await other.append("note", {"by": "other"}, actor="ben", after=0)
        await other.append("note", {"by": "other"}, actor="ben", after=1)
        assert [entry.actor for entry in await log.entries()] == ["eva", "ben"]


async def test_of_many_who_decide_on_the_same_entry_one_writes(path: Path) -> None:
    async def try_once() -> bool:
        async with Log(path) as log:
            try:
                await log.append("note", {}, actor="eva", after=0)
            except Overtaken:
                return False
            return True

    assert sorted(await asyncio.gather(*(try_once() for _ in range(5)))) == [False] * 4 + [True]


async def test_a_damaged_page_is_found(path: Path) -> None:
    await written(path, 60)
    content = bytearray(path.read_bytes())
    content[2 * 4096 : 2 * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    async with Log(path) as log:
        with pytest.raises(LedgerError, match=r"damaged|cannot be read"):
            await log.verify()


# Several writers, killed and cancelled ones.

WRITER = """
import asyncio, random, sys
from pathlib import Path
from aurora_tui.ledger.log import Log

async def main(path, name, count):
    lost = random.Random(name)
    async with Log(Path(path)) as log:
        async def one(number):
            entry = await log.append("note", {"number": number}, actor=name)
            print(entry.request_id, flush=True)
        for number in range(count):
            task = asyncio.create_task(one(number))
            if lost.random() < 0.3:
                await asyncio.sleep(lost.random() * 0.002)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def writer(path: Path, name: str, count: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), name, str(count), stdout=subprocess.PIPE
    )


async def test_four_processes_that_cancel_at_random_leave_a_valid_chain_and_lose_nothing_acknowledged(
    path: Path,
) -> None:
    writers = [await writer(path, f"writer-{number}", 50) for number in range(4)]
    said = [output.decode().split() for output, _ in await asyncio.gather(*(one.communicate() for one in writers))]
    assert [one.returncode for one in writers] == [0, 0, 0, 0]
    async with Log(path, create=False) as log:
        entries = await log.entries()
        assert (await log.verify())[0] == len(entries)
    acknowledged = {request for requests in said for request in requests}
    assert len(acknowledged) > 100
    assert acknowledged <= {entry.request_id for entry in entries}
    assert len({entry.request_id for entry in entries}) == len(entries)


async def test_a_killed_writer_loses_nothing_acknowledged(path: Path) -> None:
    acknowledged: set[str] = set()
    for attempt in range(3):
        process = await writer(path, f"killed-{attempt}", 100_000)
        assert process.stdout is not None
        for _ in range(10 + attempt):
            acknowledged.add((await process.stdout.readline()).decode().strip())
        process.send_signal(signal.SIGKILL)
        rest, _ = await process.communicate()
        acknowledged.update(line.decode() for line in rest.split(b"\n")[:-1])
    async with Log(path) as log:
        entries = await log.entries()
        assert (await log.verify())[0] == len(entries)
        await log.append("note", {}, actor="after")
    assert acknowledged <= {entry.request_id for entry in entries}


async def test_a_caller_cancelled_at_any_moment_holds_no_lock(path: Path) -> None:
    async with Log(path) as mine, Log(path) as other:
        task = asyncio.create_task(mine.append("note", {}, actor="eva", request_id="cancelled"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await other.append("note", {}, actor="eva")
        await other.verify()


# Failures, in words.


def in_a_child(body: Callable[[], None]) -> str:
    """What `body` raises as LedgerError in a process of its own, where limits and rights can be given up."""
    context = multiprocessing.get_context("fork")
    mouth, ear = context.Pipe()

    def child() -> None:
        try:
            body()
        except LedgerError as error:
            mouth.send(str(error))
        else:
            mouth.send("no error")

    process = context.Process(target=child)
    process.start()
    assert ear.poll(20)
    words: str = ear.recv()
    process.join(20)
    return words


def test_a_folder_that_may_not_be_written_is_told() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)

        def body() -> None:
            if os.getuid() == 0:
                os.setuid(65534)
            asyncio.run(written(Path(folder) / "remembrancer.db", 1))

        assert "cannot be opened: Permission denied" in in_a_child(body)


def test_a_file_that_may_not_be_read_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "remembrancer.db"
        asyncio.run(written(path, 1))
        os.chmod(folder, 0o755)
        os.chmod(path, 0o000)

        def body() -> None:
            if os.getuid() == 0:
                os.setuid(65534)
            asyncio.run(written(path, 1))

        assert "cannot be opened: Permission denied" in in_a_child(body)
    assert capfd.readouterr().err == ""


def test_a_full_disk_is_told_and_the_ledger_still_verifies(path: Path) -> None:
    asyncio.run(written(path, 20))

    def body() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, path.stat().st_size))
        asyncio.run(written(path, 1000))

    words = in_a_child(body)
    assert "cannot be written to" in words
    assert "the free space of its disk" in words

    async def verified() -> int:
        async with Log(path) as log:
            return (await log.verify())[0]

    assert asyncio.run(verified()) >= 20


async def test_a_missing_ledger_is_not_made_when_it_should_be_there(path: Path) -> None:
    with pytest.raises(LedgerError, match="There is no ledger at"):
        async with Log(path, create=False):
            pass
    assert not path.exists()


@pytest.mark.parametrize("create", [True, False])
async def test_a_folder_in_its_place_is_told(tmp_path: Path, create: bool) -> None:
    with pytest.raises(LedgerError, match="is not a file"):
        async with Log(tmp_path, create=create):
            pass


@pytest.mark.parametrize("create", [True, False])
async def test_a_file_that_is_no_database_is_told(tmp_path: Path, create: bool) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("to do: everything\n" * 100)
    with pytest.raises(LedgerError, match="cannot be opened: file is not a database"):
        async with Log(file, create=create):
            pass
    assert file.read_text().startswith("to do")


@pytest.mark.parametrize("create", [True, False])
async def test_another_programs_database_is_left_as_it_is(tmp_path: Path, create: bool) -> None:
    file = tmp_path / "memories.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE memories(id TEXT)")
    database.close()
    before = file.read_bytes()
    with pytest.raises(LedgerError, match="is not a ledger: it has no audit_log"):
        async with Log(file, create=create):
            pass
    assert file.read_bytes() == before


async def test_a_log_used_outside_its_block_says_so(path: Path) -> None:
    with pytest.raises(LedgerError, match="is not open"):
        await Log(path).append("note", {}, actor="eva")


async def test_no_thread_is_left_behind_however_it_ends(path: Path, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    await written(path, 1)
    for wrong in (tmp_path, tmp_path / "nowhere.db"):
        with pytest.raises(LedgerError):
            async with Log(wrong, create=False):
                pass
    (tmp_path / "empty.db").touch()
    with pytest.raises(LedgerError, match="is not a ledger"):
        async with Log(tmp_path / "empty.db", create=False):
            pass
    opening = asyncio.create_task(Log(path).__aenter__())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
