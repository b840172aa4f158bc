"""The temporary folder of a drill's world: held while somebody lives in it, swept away later when nobody does.

A world that ends removes its folder itself. One that is killed cannot: what it leaves is found by its name, by its file
`held`, and by that nobody holds a lock on that file any more; locks end with their process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

PREFIX = "aurora-drill-"
HELD = "held"
_JUST_MADE_SECONDS = 60.0
"""A folder this young may be about to be held."""


def make() -> tuple[Path, IO[bytes]]:
    """A new temporary folder, and what holds it while it is open."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    return folder, hold(folder)


def hold(folder: Path) -> IO[bytes]:
    """Hold the folder, together with others, until this file is closed or the process ends."""
    held = (folder / HELD).open("ab")
    with suppress(OSError):  # a file system without locks: then nobody sweeps there either
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return held


def remove(folder: Path, held: IO[bytes]) -> None:
    """Leave the folder, and take it away unless somebody else still holds it."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # a console still reads its files; a later drill will sweep it
    finally:
        held.close()
    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the temporary folders of worlds that were killed: only this user's, and none that is still in use."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    held = folder / HELD
    try:
        about = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or about.st_uid != os.getuid():
            return False
        if time.time() - held.lstat().st_mtime < _JUST_MADE_SECONDS:
            return False
        with held.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # no drill's folder, not ours to read, or held
    return not _named_by_a_process(folder)


def _named_by_a_process(folder: Path) -> bool:
    """Whether a server that a killed world has left behind still works there: its command line names the folder."""
    wanted = os.fsencode(folder)
    for command_line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in command_line.read_bytes():
                return True
        except OSError:
            continue  # it has just ended
    return False
