"""From a key to the layer: the confirmation of a runbook, the run that comes of it, the runs there were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from aurora_tui.console.acting.confirmation import Confirmation
from aurora_tui.console.acting.decision import Ways
from aurora_tui.console.acting.desk import Desk, Wish
from aurora_tui.console.acting.layer import Layer, Page
from aurora_tui.console.acting.running import Running, Runs, RunWays, as_approved
from aurora_tui.console.acting.telling import news
from aurora_tui.console.acting.where import Around
from aurora_tui.console.banner import headline, reason_words
from aurora_tui.errors import AuroraError
from aurora_tui.situation.runbook import Runbook
from aurora_tui.situation.verdict import Word

if TYPE_CHECKING:
    from aurora_tui.actions.plan import Plan
    from aurora_tui.console.app import AuroraApp
    from aurora_tui.situation.run import Run

_REASONS = 2  # of the verdict's, in the ground
_LEAVE_WITHIN = 0.4  # seconds: leaving must not wait for a dead connection


class Acting:
    """The console's side of acting. `make_desk` is called once, in a thread: it may take its time to import."""

    def __init__(self, app: AuroraApp, make_desk: Callable[[], Desk] | None) -> None:
        self._app = app
        self._make_desk = make_desk
        self._desk: asyncio.Future[Desk] | None = None
        self.layer: Layer | None = None
        self.around = Around(
            settings=app.settings,
            situation=lambda: app.pulse.situation,
            now=app.pulse.now,
            lost=lambda: lost.why if (lost := app.pulse.lost()) is not None else None,
            monotonic=app.monotonic,
            redraw=app.draw_soon,
        )

    async def desk(self) -> Desk:
        """The desk, made at the first wish for it; made again when that failed."""
        if self._make_desk is None:
            raise AuroraError("this console has no way to act", "Use aurora-tui act.")
        if self._desk is None or (self._desk.done() and (self._desk.cancelled() or self._desk.exception())):
            self._desk = asyncio.ensure_future(asyncio.to_thread(self._make_desk))
        return await asyncio.shield(self._desk)

    @property
    def open(self) -> bool:
        """Whether the layer has the keys."""
        return self.layer is not None and self.layer.page is not None

    async def confirm(self, runbook: Runbook) -> None:
        """Open the confirmation of a runbook."""
        await self._turn_to(lambda: self._confirmation(self._wish(runbook)))

    async def show_runs(self) -> None:
        """The run that the key bar tells of; else the list of runs."""
        situation, now = self._app.pulse.situation, self._app.pulse.now()
        told = news(situation.runs, now) if situation is not None and now is not None else None
        await self._turn_to(lambda: self._list() if told is None else self._running(told.id))

    async def _turn_to(self, make: Callable[[], Page]) -> None:
        if self.layer is None:
            self.layer = Layer(self._app.palette, id="acting")
            await self._app.screen_stack[0].mount(self.layer)
        self._app.cover()
        self._show(make())
        self.layer.focus()

    def _show(self, page: Page | None) -> None:
        if self.layer is not None:
            self.layer.turn_to(page)
        self._app.draw()

    def leave(self) -> None:
        """Close the layer; the panel it was opened from has the keys again."""
        self._show(None)
        self._app.uncover()

    def _wish(self, runbook: Runbook) -> Wish:
        return Wish(title=runbook.title, runbook=runbook, ground=self._ground())

    def _ground(self) -> str:
        """The verdict in words, as it is now; "" when there is none that calls for anything."""
        situation, now = self._app.pulse.situation, self._app.pulse.now()
        if situation is None or now is None or situation.verdict.word is Word.GO:
            return ""
        reasons = [reason_words(reason, now) for reason in situation.verdict.reasons[:_REASONS]]
        return f"{headline(situation.verdict, now)}: {'; '.join(reasons)}" if reasons else situation.verdict.word.value

    def _confirmation(self, wish: Wish) -> Page:
        app = self._app
        return Confirmation(
            self.desk, wish, self.around, Ways(self._approved, self.leave, app.copy_to_clipboard, app.say)
        )

    def _approved(self, run: str, plan: Plan) -> None:
        feed = self._app.following.feed
        if feed is not None:
            feed.hurry()
        page = self.layer.page if self.layer is not None else None
        if not isinstance(page, Confirmation) or page.plan is not plan:
            self._app.say(f"{plan.title} is approved: o shows the run")
            return
        now = self._app.pulse.now()
        first = as_approved(plan, run, page.form.reason, now) if now is not None else None
        self._show(self._running(run, first))

    def _running(self, run: str, first: Run | None = None) -> Page:
        ways = RunWays(self.leave, self._go_back, lambda: self._show(self._list()), self._app.say)
        return Running(run, self.desk, self.around, ways, first)

    def _go_back(self, run: Run) -> None:
        wish = Wish(title=f"take back: {run.title}", inverse_of=run.id, ground=f"takes back run {run.id}: {run.words}")
        self._show(self._confirmation(wish))

    def _list(self) -> Page:
        return Runs(self.around, self.leave, lambda run: self._show(self._running(run)))

    async def stop(self) -> bool:
        """Forget what is shown, and let go of what the desk holds, within a limit; False when it would not end."""
        if self.layer is not None and self.layer.page is not None:
            self.layer.page.close()
        desk = self._desk
        if desk is None or not desk.done():
            return desk is None
        if desk.cancelled() or desk.exception() is not None:
            return True
        closing = asyncio.create_task(desk.result().close())
        await asyncio.wait([closing], timeout=_LEAVE_WITHIN)
        if not closing.done():
            closing.cancel()
            return False
        return closing.exception() is None

    def tick(self) -> None:
        """A second went by."""
        if self.layer is not None and self.layer.page is not None:
            self.layer.page.tick()
