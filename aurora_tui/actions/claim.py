"""One executor a run on this machine: a file beside the ledger, locked for as long as the executor lives.

The lock ends with the process, however that ends, so whoever gets it knows that the one before is no more. On other
machines the Lease in the cluster keeps a second one away.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings

_LOOKS_SECONDS = 1.0  # real; who only looks (`is_claimed`) holds the file for an instant, longer on a busy machine
_PAUSE = 0.02


class Claimed(AuroraError):
    """Another process carries this run out already."""


def runs_folder(settings: Settings) -> Path:
    """Where what belongs to runs lies, beside the ledger: claims, what executors printed, snapshots."""
    return settings.ledger.parent / "runs"


@contextmanager
def claimed(settings: Settings, run: str) -> Iterator[None]:
    """Hold the run until the end of the `with`. Claimed when another process holds it; AuroraError: cannot be told."""
    path = _path(settings, run)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AuroraError(
            f"Cannot claim run {run} with {path}: {error.strerror}", "Make its folder writable."
        ) from error
    try:
        try:
            _lock(descriptor)
        except BlockingIOError as error:
            pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "another"
            raise Claimed(f"Process {pid} carries run {run} out already", "Watch it: aurora-tui runs.") from error
        except OSError as error:
            raise AuroraError(
                f"Cannot claim run {run} with {path}: {error.strerror}",
                "Keep the ledger on a file system that has locks.",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """BlockingIOError when another process holds it, and not only to look; OSError where there are no locks."""
    end = time.monotonic() + _LOOKS_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
        time.sleep(_PAUSE)


def is_claimed(settings: Settings, run: str) -> bool:
    """Whether an executor on this machine works on the run now. False also where it never had one."""
    try:
        descriptor = os.open(_path(settings, run), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _path(settings: Settings, run: str) -> Path:
    return runs_folder(settings) / f"{run}.claim"
