"""A run on the layer: watched while it goes, stopped before its next step, and taken up again when it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aurora_tui.actions.plan import Plan
from aurora_tui.console.acting import run_lines
from aurora_tui.console.acting.desk import Desk
from aurora_tui.console.acting.layer import Shown, rule
from aurora_tui.console.acting.where import Around, words_of
from aurora_tui.console.frame import chosen
from aurora_tui.console.ink import Line, fit, span
from aurora_tui.console.keybar import Key
from aurora_tui.situation.run import Run, RunState, StepRun

_LIST_KEYS = (Key("↑↓", "choose"), Key("⏎", "open"), Key("Esc", "close"))


@dataclass(frozen=True, slots=True)
class RunWays:
    """Where the view leads: `left` when it is closed, `go_back` to the plan that takes the run back, `others` to the
    list of runs. `say` tells what came of what was asked for when nobody looks at the run any more."""

    left: Callable[[], None]
    go_back: Callable[[Run], None]
    others: Callable[[], None]
    say: Callable[[str], None]


class Running:
    """A page of the layer, about one run of the ledger. It changes nothing but by asking the desk."""

    def __init__(
        self, run: str, desk: Callable[[], Coroutine[Any, Any, Desk]], around: Around, ways: RunWays, first: Run | None
    ) -> None:
        self.run = run
        self._desk = desk
        self._around = around
        self._ways = ways
        self._first = first  # what is shown until the ledger tells of it
        self._sure: str | None = None  # the key that waits for its y
        self._said: tuple[str, str] | None = None
        self._said_of: object = None  # how the run stood then: what was said is over once it stands otherwise
        self._doing: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def known(self) -> Run | None:
        """The run as the ledger tells it, else as it was approved."""
        situation = self._around.situation()
        runs = situation.runs if situation is not None else ()
        return next((run for run in reversed(runs) if run.id == self.run), self._first)

    def _state(self) -> tuple[object, ...]:
        run = self.known
        return () if run is None else (run.state, run.executor)

    def show(self, cells: int, rows: int) -> Shown:
        """The run as it is now."""
        run, now = self.known, self._around.now()
        if run is None or now is None:
            return Shown(f"RUN {self.run}", [(span("not in the ledger, as far as it was read", "unknown"),)])
        gone = run_lines.stopped(run, now)
        head = [self._around.place(cells, None), *run_lines.head(run, now, cells, gone)]
        body, seek = run_lines.steps(run, now, cells)
        situation = self._around.situation()
        if situation is not None:
            live = run_lines.workloads(run, situation, now, cells)
            body += [(), *live] if live else []
        body += [(), *run_lines.facts(run, now, cells)]
        foot = self._foot(cells)
        note = "Esc leaves: the run goes on" if run.state.open and gone is None else "Esc closes"
        alarm = run.state is RunState.FAILED or gone is not None
        following = run.state.open or alarm
        keys = [Key(key, word) for key, word in self._offers(run, gone).items()]
        keys += [Key("o", "all runs", drop=2), Key("↑↓", "scroll", drop=1), Key("Esc", "leave")]
        title = run_lines.title(run)
        return Shown(title, body, head, foot, note, alarm, seek=seek if following else None, keys=keys)

    def _foot(self, cells: int) -> list[Line]:
        lines: list[Line] = []
        if self._said is not None and self._said_of != self._state():
            self._said = None
        if self._said is None and self._sure is None:
            return lines
        lines.append(rule(cells))
        if self._said is not None:
            lines.append(fit((span(*self._said),), cells))
        if self._sure is not None:
            asked = {"c": "Stop before the next step?", "r": "Go on with it?", "a": "Close it, and leave all as it is?"}
            words = (span(f" {asked[self._sure]} ", "warn reverse bold"), span("  y yes · any other key no", "bold"))
            lines.append(fit(words, cells))
        return lines

    def _offers(self, run: Run, gone: str | None) -> dict[str, str]:
        if run.state.open and gone is None:
            return {} if run.cancel_asked else {"c": "stop before the next step"}
        if run.state.open:
            return {"r": "go on with it", "a": "abandon it"}
        if run.state is RunState.FAILED:
            return {"r": "try again from the step that failed", "b": "go back: plan the way back"}
        if run.state in (RunState.CANCELLED, RunState.VERIFIED) and run.inverse_of is None:
            return {"b": "go back: plan the way back"}
        return {}

    def key(self, key: str, character: str | None) -> bool:
        """A letter asks; only y after it does something."""
        run, now = self.known, self._around.now()
        if key == "escape" and self._sure is None:
            self._ways.left()
            return True
        if self._sure is not None:
            asked, self._sure = self._sure, None
            if key == "y" and run is not None:
                self._do(asked, run)
            return True
        if key == "o":
            self._ways.others()
            return True
        if run is None or now is None or key not in self._offers(run, run_lines.stopped(run, now)):
            return False
        if key == "b":
            self._ways.go_back(run)
        elif self._doing is None:
            self._sure, self._said = key, None
        return True

    def _do(self, asked: str, run: Run) -> None:
        work: dict[str, tuple[str, Callable[[Desk], Awaitable[None]]]] = {
            "c": ("asked to stop before the next step", lambda desk: desk.cancel(run.id)),
            "r": ("asked to go on", lambda desk: desk.resume(run.id)),
            "a": ("abandoned", lambda desk: desk.abandon(run.id, _why(run))),
        }
        self._doing = asyncio.create_task(self._ask(run.title, *work[asked]))

    async def _ask(self, name: str, done: str, work: Callable[[Desk], Awaitable[None]]) -> None:
        try:
            await work(await self._desk())
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told
            self._said = (f"✗ {words_of(error)}", "bad bold")
        else:
            self._said = (done, "accent")
        if self._closed:
            self._ways.say(f"{name}: {self._said[0]}")
        self._said_of = self._state()
        self._doing = None
        self._around.redraw()

    def paste(self, text: str) -> None:
        """A paste goes nowhere."""

    def tick(self) -> None:
        """Clocks are drawn anyway."""

    def close(self) -> None:
        """What was asked for goes on, and what comes of it is said."""
        self._closed = True


class Runs:
    """A page of the layer: the newest runs, newest first."""

    def __init__(self, around: Around, left: Callable[[], None], opened: Callable[[str], None]) -> None:
        self._around = around
        self._left = left
        self._opened = opened
        self._chosen = 0

    def _newest(self) -> list[Run]:
        situation = self._around.situation()
        return list(reversed(situation.runs)) if situation is not None else []

    def show(self, cells: int, rows: int) -> Shown:
        """The list."""
        runs, now = self._newest(), self._around.now()
        self._chosen = max(0, min(self._chosen, len(runs) - 1))
        if not runs or now is None:
            return Shown("RUNS", [(span("no runbook was ever run here", "dim"),)], note="Esc closes")
        lines: list[Line] = []
        for number, run in enumerate(runs):
            line = run_lines.row(run, now, cells)
            lines.append(chosen(line, cells) if number == self._chosen else line)
        return Shown("RUNS", lines, note="⏎ opens · Esc closes", seek=self._chosen, keys=_LIST_KEYS)

    def key(self, key: str, character: str | None) -> bool:
        """Choose and open."""
        if key == "escape":
            self._left()
        elif key in ("up", "k", "down", "j"):
            self._chosen += 1 if key in ("down", "j") else -1
        elif key == "enter" and (runs := self._newest()):
            self._opened(runs[self._chosen].id)
        else:
            return False
        return True

    def paste(self, text: str) -> None:
        """A paste goes nowhere."""

    def tick(self) -> None:
        """Nothing changes by itself."""

    def close(self) -> None:
        """Nothing to forget."""


def as_approved(plan: Plan, run: str, reason: str, now: float) -> Run:
    """The run of a plan approved just now, to be shown until the ledger tells of it."""
    return Run(
        id=run,
        runbook=plan.runbook,
        title=plan.title,
        environment=plan.environment,
        steps=tuple(StepRun(number=one.number, title=one.title) for one in plan.steps),
        approved_at=now,
        approved_by="you",
        sequence=0,
        reason=reason,
        target=plan.target,
        choice=plan.choice,
        stage=plan.stage,
        inverse_of=plan.inverse_of,
    )


def _why(run: Run) -> str:
    return f"abandoned from the console after: {run.words or 'its executor stopped'}"
