"""A person at the command line: their settings, their ledger, what they type and what is answered."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from aurora_tui.cli import main
from aurora_tui.clock import Clock
from aurora_tui.ledger.log import Entry, Log

SLOWEST = 0.001  # the slowest clock that the settings take


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class Desk:
    """`type(...)` runs `aurora-tui ...` in an environment that watches nothing, unless the profile says more.

    The clock all but stands at `now`; `pass_time` moves it.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], now: str = "2026-01-03T14:02:11Z") -> None:
        self.ledger = folder / "remembrancer.db"
        self.profile = folder / "profile.toml"
        self._capsys = capsys
        self._now = datetime.fromisoformat(now).timestamp()
        self.sources = "[environments.test]\n"
        self._write()

    def pass_time(self, hours: float) -> None:
        self._now += hours * 3600 + 0.5  # what little time passed meanwhile
        self._write()

    def watch(self, **sources: str) -> None:
        """Let the environment have these sources: a table name and its URL."""
        self.sources = "".join(f'[environments.test.{name}]\nurl = "{url}"\n' for name, url in sources.items())
        self._write()

    def type(self, *words: str) -> Answer:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--config", str(self.profile)])
        said = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, said.out, said.err)

    def entries(self) -> list[Entry]:
        """What the ledger holds, verified; nothing when there is none."""

        async def read() -> list[Entry]:
            if not self.ledger.exists():
                return []
            async with Log(self.ledger, create=False) as log:
                await log.verify()
                return await log.entries()

        return asyncio.run(read())

    def actions(self) -> list[str]:
        return [entry.action for entry in self.entries()]

    def _write(self) -> None:
        clock = Clock(real_origin=time.time(), world_origin=self._now, speed=SLOWEST)
        self.profile.write_text(
            f'ledger = "{self.ledger}"\n[interface]\nenvironment = "test"\n{self.sources}'
            f"[clock]\nreal_origin = {clock.real_origin}\nworld_origin = {clock.world_origin}\nspeed = {clock.speed}\n",
            encoding="utf-8",
        )
