"""A run in a few words for the key bar: what goes on, what stopped, what just ended. Nothing of `actions` is needed."""

from __future__ import annotations

from aurora_tui.console.acting.run_lines import gone_word, stopped, took
from aurora_tui.console.keybar import Key
from aurora_tui.console.moments import clock_length
from aurora_tui.situation.run import Run, RunState, StepState

_FAILED_FOR = 3600.0  # world seconds that a failed run is told of
_ENDED_FOR = 120.0


def news(runs: tuple[Run, ...], now: float) -> Run | None:
    """The open run, else the newest one while its end is news."""
    run = next((one for one in reversed(runs) if one.state.open), runs[-1] if runs else None)
    return run if run is not None and _words(run, now) is not None else None


def telling(runs: tuple[Run, ...], now: float) -> Key | None:
    """What is news, as the key that opens it: `▶ rollback 3/8 00:42`."""
    run = news(runs, now)
    return _words(run, now) if run is not None else None


def _words(run: Run, now: float) -> Key | None:
    done = sum(step.state is StepState.DONE for step in run.steps)
    total = len(run.steps)
    if run.state.open:
        if stopped(run, now) is not None:
            return Key("o", f"✗ {run.title} {gone_word(run)} {done}/{total}", ink="bad bold")
        asked = " stopping" if run.cancel_asked else ""
        return Key("o", f"▶ {run.title} {done}/{total} {clock_length(took(run, now))}{asked}", ink="accent bold")
    since = now - (run.ended_at if run.ended_at is not None else run.approved_at)
    if run.state is RunState.FAILED and since < _FAILED_FOR:
        return Key("o", f"✗ {run.title} FAILED {done}/{total}", ink="bad bold")
    if run.state is RunState.VERIFIED and since < _ENDED_FOR:
        return Key("o", f"✔ {run.title} verified in {clock_length(took(run, now))}", ink="good bold")
    if run.state is RunState.CANCELLED and since < _ENDED_FOR:
        return Key("o", f"‖ {run.title} cancelled {done}/{total}", ink="warn bold")
    return None
