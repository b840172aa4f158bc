"""Behind the first paint: check the queries, make the feed in a thread, follow it, and say when it ends."""

from __future__ import annotations

import asyncio
import gc
import importlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aurora_tui.console.feed import Feed
from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.settings import Settings, check_queries
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.console.app import AuroraApp

_STARTED_AFTER = 4.0  # seconds
_LEAVE_WITHIN = 0.8  # seconds for all of it: leaving must not wait for a dead connection


class Following:
    """The feed's life inside the app: two tasks that belong to nobody's screen."""

    def __init__(self, app: AuroraApp, settings: Settings, make_feed: Callable[[], Feed]) -> None:
        self._app = app
        self._settings = settings
        self._make_feed = make_feed
        self._tasks: list[asyncio.Task[None]] = []
        self.feed: Feed | None = None

    def start(self) -> None:
        """Begin both; called once, after the first paint."""
        # What is made while starting stays: looking for garbage in it costs a tenth of the time to a full screen.
        gc.disable()
        asyncio.get_running_loop().call_later(_STARTED_AFTER, _collect_from_now_on)
        for work, ended in ((self._check(), self._checked), (self._follow(), self._feed_ended)):
            task = asyncio.create_task(work)
            task.add_done_callback(ended)
            self._tasks.append(task)

    async def stop(self) -> bool:
        """Cancel both and release what the feed holds, within a limit; False when something would not end."""
        end = time.monotonic() + _LEAVE_WITHIN
        for task in self._tasks:
            task.cancel()
        leaving = list(self._tasks)
        if leaving:
            await asyncio.wait(leaving, timeout=_LEAVE_WITHIN / 2)
        if self.feed is not None:
            leaving.append(asyncio.create_task(self.feed.close()))
            await asyncio.wait(leaving, timeout=end - time.monotonic())
        for task in leaving:
            if not task.done():
                task.cancel()
            elif not task.cancelled():
                task.exception()  # it is leaving anyway: asked for so that nothing is printed
        return all(task.done() for task in leaving)

    async def _check(self) -> None:
        await asyncio.to_thread(check_queries, self._settings)

    async def _follow(self) -> None:
        self.feed = await asyncio.to_thread(self._prepare)
        await self.feed.run(self._app.tell)

    def _prepare(self) -> Feed:
        """Import what a Situation is drawn with, and make the feed: off the loop, in a thread."""
        importlib.import_module("aurora_tui.console.drawing")
        return self._make_feed()

    def _checked(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, AuroraError):
            self._app.leave(error.exit_code, str(error))
        elif error is not None:
            self._app.feed_stopped(f"the queries could not be checked: {describe(error)}")

    def _feed_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            if not self._app.is_running:
                return
            self._app.feed_stopped("it was cancelled")
            return
        error = task.exception()
        if isinstance(error, UsageError):
            self._app.leave(error.exit_code, str(error))
        else:
            self._app.feed_stopped("it ended by itself" if error is None else describe(error))


def describe(error: BaseException) -> str:
    """An error in words; ours speak for themselves, others are named."""
    words = str(error) if isinstance(error, AuroraError) else f"{type(error).__name__}: {error}"
    return safe(words, limit=400)


def _collect_from_now_on() -> None:
    gc.freeze()
    gc.enable()
