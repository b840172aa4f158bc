"""A spare ledger: for what must not wait until the ledger can be written again, the emergency halt.

It is an ordinary ledger in a folder of its own, with a settings file that leads to it: whatever follows, resumes or
shows a run does so with `--config` of that file. Whoever reads the real ledger later finds nothing of it there, so
where it is kept is told, and stands in the run itself.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from aurora_tui.actions.approval import enter
from aurora_tui.actions.plan import Plan
from aurora_tui.errors import AuroraError
from aurora_tui.ledger.log import LedgerError
from aurora_tui.settings import Settings
from aurora_tui.text import safe

_FILE = "spare.toml"


async def enter_spare(settings: Settings, plan: Plan, why: LedgerError) -> Settings:
    """Approve `plan` in a spare ledger: the settings that have it. LedgerError, the first one, when none can be made.

    Its entries carry this machine's time.
    """
    for base in _bases():
        try:
            spare = _made(settings, plan.run, base)
            words = f"the ledger could not be written ({safe(why.what, 300)}): kept in {spare.ledger}"
            whole = msgspec.structs.replace(plan, forced=(*plan.forced, words))
            await enter(spare, settings.clock, whole, None)
            return spare
        except (OSError, AuroraError):
            continue  # the next place may take it; that none does is told below
    raise LedgerError(f"{why.what}, and a spare one can be kept nowhere", why.remedy)


def config_of(spare: Settings) -> Path:
    """The file to give with `--config` for everything about a run that is kept in a spare ledger."""
    return spare.ledger.parent / _FILE


def _bases() -> Iterator[Path]:
    """Where it may lie: what outlives a restart first."""
    if home := os.environ.get("HOME"):
        yield Path(home)
    yield Path(tempfile.gettempdir())


def _made(settings: Settings, run: str, base: Path) -> Settings:
    folder = Path(tempfile.mkdtemp(prefix=f"aurora-tui-{run}-", dir=base))
    ledger = folder / "remembrancer.db"
    # A string of JSON is one of TOML's too (https://toml.io/en/v1.0.0#string), but for what no path holds.
    (folder / _FILE).write_text(f"ledger = {json.dumps(str(ledger), ensure_ascii=False)}\n", encoding="utf-8")
    return dataclasses.replace(settings, ledger=ledger, arguments=(*settings.arguments, f"--config={folder / _FILE}"))
