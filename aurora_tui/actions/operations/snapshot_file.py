"""Snapshots on disk: JSON beside the ledger, readable by their owner alone, each with its SHA-256 beside it.

`snapshots/<time>-<run>.json` and `….json.sha256`, which `sha256sum -c` reads. A file is complete or not there: it is
written under another name, brought to the disk, and renamed. Secrets are in it with their data, or nothing could be
brought back: hence mode 0600 in a folder of mode 0700.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from aurora_tui.actions.plan import Cluster
from aurora_tui.clock import parse_iso
from aurora_tui.errors import AuroraError

FOLDER = "snapshots"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9_-]+\.json")
_SUM = ".sha256"


class Damaged(AuroraError):
    """Snapshots that are not what was written, or cannot be read."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One object as the API gave it, whole. `path`: of it in the API."""

    path: str
    resource: str
    object: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.object["metadata"]["name"])

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.object.get("kind", ""))


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a deletion was about to take. `objects`: what is to be made anew; `dependents`: what these make by
    themselves, kept to be looked at, and for the history of revisions. `sha256`: of what was rendered at `source`.
    """

    format: int = 1
    run: str
    environment: str
    namespace: str
    taken_at: str  # RFC 3339, world time
    cluster: Cluster
    source: str
    sha256: str
    objects: tuple[Kept, ...]
    dependents: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDisk:
    """A snapshot and where it lies. `sha256`: of the file, in hex."""

    file: Path
    sha256: str
    snapshot: Snapshot


def write(folder: Path, snapshot: Snapshot) -> OnDisk:
    """Keep `snapshot` in `folder`/snapshots for good. AuroraError when the disk does not take it."""
    text = msgspec.json.format(msgspec.json.encode(snapshot), indent=1)
    stamp = snapshot.taken_at.replace("-", "").replace(":", "")
    file = folder / FOLDER / f"{stamp}-{snapshot.run}.json"
    told = hashlib.sha256(text).hexdigest()
    try:
        _make(file.parent)
        _place(file, text)
        _place(file.with_name(file.name + _SUM), f"{told}  {file.name}\n".encode())
        _settle(file.parent)
    except OSError as error:
        raise _unwritable(file.parent, error) from error
    return OnDisk(file=file, sha256=told, snapshot=snapshot)


def try_out(folder: Path) -> None:
    """Whether the disk would take a snapshot. AuroraError when it would not."""
    try:
        _make(folder / FOLDER)
        with tempfile.TemporaryFile(dir=folder / FOLDER) as file:
            file.write(b"\0" * 65536)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(folder / FOLDER, error) from error


def of_run(folder: Path, run: str) -> OnDisk | None:
    """The snapshot that `run` has taken; None: none, or none that was finished. Damaged when it was changed since."""
    for file in _files(folder):
        if file.stem.partition("-")[2] == run and file.with_name(file.name + _SUM).is_file():
            return read(file)
    return None


def newest(folder: Path, environment: str, cluster: Cluster) -> OnDisk | None:
    """The newest snapshot of this environment in this cluster, never an older one. Damaged when it was changed."""
    return next((one for one in _finished(folder, environment) if same_cluster(one.snapshot.cluster, cluster)), None)


def newest_elsewhere(folder: Path, environment: str, cluster: Cluster) -> OnDisk | None:
    """The newest snapshot of an environment of that name in another cluster."""
    there = _finished(folder, environment)
    return next((one for one in there if not same_cluster(one.snapshot.cluster, cluster)), None)


def read(file: Path) -> OnDisk:
    """The snapshot in `file`. Damaged when it is not what its SHA-256 says."""
    try:
        text = file.read_bytes()
        said = file.with_name(file.name + _SUM).read_text().split()[:1]
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(f"The snapshot {file} cannot be read: {error}", "Look at the file.") from error
    told = hashlib.sha256(text).hexdigest()
    if said != [told]:
        raise Damaged(
            f"The snapshot {file} is not what was written: its SHA-256 is {told}",
            "Restore the file from a backup of the ledger's folder.",
        )
    try:
        return OnDisk(file=file, sha256=told, snapshot=msgspec.json.decode(text, type=Snapshot))
    except msgspec.DecodeError as error:
        raise Damaged(f"The snapshot {file} cannot be read: {error}", "A newer version may have written it.") from error


def same_cluster(one: Cluster, other: Cluster) -> bool:
    """Whether these are one cluster: by the uid that no other has, else by server and authority."""
    if one.uid is not None and other.uid is not None:
        return one.uid == other.uid
    return (one.server, one.ca) == (other.server, other.ca)


def age(snapshot: Snapshot, now: float) -> float:
    """World seconds since it was taken."""
    return now - parse_iso(snapshot.taken_at)


def _finished(folder: Path, environment: str) -> Iterator[OnDisk]:
    """Newest first. What was never finished is passed over: nothing was deleted on the strength of it."""
    for file in _files(folder):
        if file.with_name(file.name + _SUM).is_file():
            found = read(file)
            if found.snapshot.environment == environment:
                yield found


def _files(folder: Path) -> Iterator[Path]:
    """Newest first."""
    try:
        names = sorted(os.listdir(folder / FOLDER), reverse=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Damaged(
            f"{folder / FOLDER} cannot be read: {error.strerror}", "Give yourself read permission."
        ) from error
    yield from (folder / FOLDER / name for name in names if _NAME.fullmatch(name))


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _place(file: Path, text: bytes) -> None:
    """All of it under that name, or nothing."""
    handle, draft = tempfile.mkstemp(prefix=".", suffix=".draft", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, file)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(draft)
        raise


def _settle(folder: Path) -> None:
    """The names themselves are on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(folder: Path, error: OSError) -> AuroraError:
    return AuroraError(
        f"No snapshot can be written to {folder}: {error.strerror or error}",
        "Make room there, or give yourself write permission: nothing is deleted that is not kept.",
    )
