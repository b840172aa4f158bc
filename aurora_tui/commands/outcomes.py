"""How a run of a runbook ended, as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aurora_tui.situation.run import Run

VERIFIED, FAILED, CANCELLED = 0, 1, 3  # 2 is bad usage, as everywhere


def exit_code(run: Run) -> int:
    """0 verified, 3 cancelled, 1 everything else: failed, abandoned, or not ended at all."""
    return {"verified": VERIFIED, "cancelled": CANCELLED}.get(run.state.value, FAILED)
