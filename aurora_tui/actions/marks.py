"""What kubectl's users see of a run: an Event on each object acted on, and the last act on the namespace.

Best effort, in the background: what cannot be written is said where the executor's output goes, and fails nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.plan import Plan, PlannedStep, Subject
from aurora_tui.clock import iso
from aurora_tui.kube.marks import annotate_namespace, record_event

_LAST_SECONDS = 5.0  # real, that the end of a run waits for what is still being written


class Marks:
    """`async with Marks(reach, plan, actor) as marks`; at its end the namespace names the run, if anything was done."""

    def __init__(self, reach: Reach, plan: Plan, actor: str) -> None:
        self._reach = reach
        self._plan = plan
        self._actor = actor
        self._writing: list[asyncio.Task[str | None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._writing:
            return
        when = iso(self._reach.clock.now())
        told = f"{self._plan.title} by {self._actor} at {when} (run {self._plan.run})"
        self._write(annotate_namespace(self._reach.cluster, self._reach.namespace, told))
        done, late = await asyncio.wait(self._writing, timeout=_LAST_SECONDS)
        for each in late:
            each.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        missing = {words for each in done if (words := each.result()) is not None}
        if late:
            missing.add(f"{len(late)} not written within {_LAST_SECONDS:.0f} s")
        for words in sorted(missing):
            print(f"aurora-tui: a mark on the objects is missing: {words}", file=sys.stderr)

    def acted(self, planned: PlannedStep, subjects: tuple[Subject, ...]) -> None:
        """A step was carried out: an Event on each of its objects, as they are now."""
        reason = f"Aurora{''.join(part.capitalize() for part in self._plan.runbook.split('-'))}"
        for subject in subjects:
            if subject.uid is None:
                continue
            self._write(
                record_event(
                    self._reach.cluster,
                    self._reach.namespace,
                    subject,
                    reason,
                    planned.title,
                    self._plan.run,
                    actor=self._actor,
                )
            )

    def _write(self, mark: Coroutine[Any, Any, str | None]) -> None:
        self._writing.append(asyncio.create_task(mark))
