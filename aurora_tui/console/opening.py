"""Opening details: loaded at the first Enter, so that the first paint does not pay for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aurora_tui.console.details.workload import LOG_LINES, LogTail, worst_container
from aurora_tui.console.following import describe
from aurora_tui.console.ink import WAITING, span
from aurora_tui.console.subjects import Story, log_mark, pod_for_log, story, verdict_story
from aurora_tui.situation.workload import PodStatus

if TYPE_CHECKING:
    from aurora_tui.console.app import AuroraApp

_reads: set[asyncio.Task[str]] = set()


class _Log:
    """The log tail that a pod's details show, as far as it is known."""

    def __init__(self) -> None:
        self.tail = LogTail(None)


def open_why(app: AuroraApp) -> None:
    """Open the verdict's reasons."""
    mission = app.settings.mission
    app.show_details(lambda cells: verdict_story(app.pulse.situation, mission, app.pulse.now(), cells))


def open_subject(app: AuroraApp, subject: object, at_log: bool = False) -> None:
    """Open the details of what a row stands for; a pod's log is read at once."""
    log = _Log()
    if isinstance(subject, PodStatus):
        _read_log(app, subject, log)

    def content(cells: int) -> Story:
        situation, now = app.pulse.situation, app.pulse.now()
        if situation is None or now is None:
            return "DETAILS", [(span(WAITING, "unknown"),)]
        return story(subject, situation, app.settings.mission, log.tail, now, cells)

    app.show_details(content, seek=log_mark(log.tail) if at_log else None)


def open_log(app: AuroraApp, subject: object) -> None:
    """Open the pod's details at its log."""
    situation = app.pulse.situation
    pod = pod_for_log(subject, situation) if situation is not None else None
    if pod is None:
        app.say("no pod under the cursor: go to the workloads (3) and choose one")
        return
    open_subject(app, pod, at_log=True)


def _read_log(app: AuroraApp, pod: PodStatus, log: _Log) -> None:
    """Ask for the log, and draw when it or the reason why not is there."""
    container = worst_container(pod)
    log.tail = LogTail(container)
    if app.following.feed is None:
        log.tail = LogTail(container, error="there is no feed to read it through")
        return

    def done(task: asyncio.Task[str]) -> None:
        _reads.discard(task)
        if task.cancelled():
            log.tail = LogTail(container, error="reading was cut short")
        elif (error := task.exception()) is not None:
            log.tail = LogTail(container, error=f"cannot be read: {describe(error)}")
        else:
            log.tail = LogTail(container, text=task.result())
        app.draw_soon()

    task = asyncio.create_task(app.following.feed.pod_log(pod.namespace, pod.name, container, LOG_LINES))
    _reads.add(task)
    task.add_done_callback(done)
