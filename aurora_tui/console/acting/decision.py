"""The decision: a plan that is made, kept true while it is read, made anew when the world changes, and approved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from aurora_tui.actions.plan import VALID_SECONDS, Plan
from aurora_tui.console.acting import plan_lines
from aurora_tui.console.acting.desk import Desk, SecondConsent, Wish
from aurora_tui.console.acting.form import APPROVE, CANCEL, Form
from aurora_tui.console.acting.where import Around, words_of
from aurora_tui.console.moments import utc_second
from aurora_tui.situation.verdict import Word

LOOKED_AT = 2.0  # real seconds between two looks at whether a plan is still true


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the dialog leads: `approved` is called with the run's id and its plan, `left` when it is closed.

    `say` tells what came of an approval when nobody looks at the dialog any more.
    """

    approved: Callable[[str, Plan], None]
    left: Callable[[], None]
    copy: Callable[[str], None]
    say: Callable[[str], None]


class Decision:
    """Nothing is approved but a whole, young, unrefused plan with its word typed."""

    def __init__(self, desk: Callable[[], Coroutine[Any, Any, Desk]], wish: Wish, around: Around, ways: Ways) -> None:
        self._desk = desk
        self._around = around
        self._ways = ways
        self.wish = wish
        self.form = Form(around.word, wish.ground)
        self.plan: Plan | None = None
        self._consent: SecondConsent | None = None
        self._made_at = 0.0  # monotonic
        self._asked_at = around.monotonic()
        self._planning: asyncio.Task[None] | None = None
        self._approving: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._error: str | None = None
        self._refused: str | None = None  # why the last approval was
        self._notice: tuple[str, str] | None = None  # text, ink
        self._hint: str | None = None  # why the last key did nothing
        self._folds = plan_lines.Folds()
        self._kubectl = False
        self._closed = False
        self.plan_again("")

    # Planning ---------------------------------------------------------------------------------------------------

    def plan_again(self, because: str, *, asked: bool = False) -> None:
        """Make the plan (anew); whatever was under way is forgotten. `asked`: by the person, who expects another."""
        for task in (self._planning, self._looking):
            if task is not None:
                task.cancel()
        self._asked_at = self._around.monotonic()
        self._looking = None
        self._planning = asyncio.create_task(self._make(because, asked))
        self._around.redraw()

    async def _make(self, because: str, asked: bool) -> None:
        try:
            desk = await self._desk()
            wish = replace(self.wish, situation=self._around.situation())
            plan = await desk.plan(wish)
            consent = await desk.second_consent(plan)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told and nothing can be approved
            self._error, self.plan = words_of(error), None
            self.form.clear_words()
        else:
            self._take(plan, consent, because, asked)
            self._looking = asyncio.create_task(self._look(desk, plan))
        self._planning = None
        self._around.redraw()

    def _take(self, plan: Plan, consent: SecondConsent | None, because: str, asked: bool) -> None:
        """Show a new plan; what was typed for another one is forgotten."""
        before, self.plan, self._error = self.plan, plan, None
        self._made_at = self._around.monotonic()
        self._consent = consent
        self.form.ask_also(consent.word if consent else None)
        self._folds = replace(self._folds, changed=frozenset())
        if before is None:
            self._notice = (because, "dim") if because else None
            return
        head = f"re-planned {self._clock()}: {because}" if because else f"re-planned {self._clock()}"
        if plan_lines.meaning(before) == plan_lines.meaning(plan):
            self._notice = (f"{head}; it says the same as before", "dim")
            return
        self.form.clear_words()
        if self.form.focus == APPROVE:
            self.form.focus = CANCEL
        if asked:
            self._notice = (head, "accent")
            return
        self._folds = replace(self._folds, changed=plan_lines.changed_steps(before, plan))
        self._notice = (f"{head}. IT IS ANOTHER PLAN NOW: read it again, the word is to be typed anew", "warn bold")

    def _clock(self) -> str:
        now = self._around.now()
        return utc_second(now) if now is not None else ""

    async def _look(self, desk: Desk, plan: Plan) -> None:
        """See every two seconds whether what was planned on is still so."""
        while True:
            await self._around.rest(LOOKED_AT)
            try:
                changed = await desk.stale(plan)
            except Exception as error:  # noqa: BLE001 - not seeing whether it is still true is told, and tried again
                self._notice = (f"whether it is still so cannot be seen: {words_of(error)}", "warn")
                self._around.redraw()
                continue
            if changed is not None and self._approving is None and self.plan is plan:
                asyncio.get_running_loop().call_soon(self.plan_again, changed)
                return

    def tick(self) -> None:
        """A plan of a minute ago is no plan any more."""
        if self.plan is not None and self._planning is None and self._approving is None and self._left() <= 0:
            self.plan_again(f"the plan was {VALID_SECONDS} s old")

    def _left(self) -> float:
        return VALID_SECONDS - (self._around.monotonic() - self._made_at)

    def close(self) -> None:
        """Forget the plan; an approval that is on its way goes on."""
        self._closed = True
        for task in (self._planning, self._looking):
            if task is not None:
                task.cancel()

    # What may be done -------------------------------------------------------------------------------------------

    def refusals(self) -> tuple[str, ...]:
        """Why it cannot be approved whatever is typed."""
        own = []
        if self._around.read_only:
            own.append("this console is read-only: it may look, and not act")
        if not self.wish.blind_accepted and (blind := self._blind()):
            own.append(f"BLIND. b: act on what I know. {blind}")
        return (*own, *(self.plan.refusals if self.plan else ()))

    def _blind(self) -> str | None:
        lost, situation = self._around.lost(), self._around.situation()
        if lost is not None:
            return lost
        if situation is None:
            return "nothing was heard yet"
        if situation.verdict.word is not Word.BLIND:
            return None
        return "; ".join(reason.text for reason in situation.verdict.reasons[:1]) or "health cannot be proved"

    def why_not(self) -> str | None:
        """Why Approve does nothing now; None when it would."""
        if self._approving is not None:
            return "approving…"
        if self._planning is not None:
            return "planning…" if self.plan is None else "planning again: then press Enter once more"
        if self.plan is None:
            return "there is no plan: p plans again"
        if self.refusals():
            return "REFUSED: see above"
        if self._left() <= 0:
            return "the plan is too old"
        return self.form.missing()

    def approve(self) -> None:
        """Approve what is on the screen, if it may be."""
        if (why := self.why_not()) is not None or self.plan is None:
            self._hint = why
            return
        self._refused = None
        self._approving = asyncio.create_task(self._approve(self.plan))

    async def _approve(self, plan: Plan) -> None:
        try:
            desk = await self._desk()
            run = await desk.approve(plan, self.form.reason, self._forced(plan))
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told
            self._approving = None
            self.form.clear_words()
            words = f"NOT APPROVED: {words_of(error)}"
            self._refused = f"{self._clock()}Z {words}"  # what it says may be over by the time it is read
            if self._closed:
                self._ways.say(f"{plan.title} is {words}")
            else:
                self.plan_again("it was not approved")
            return
        self._ways.approved(run, plan)

    def _forced(self, plan: Plan) -> tuple[str, ...]:
        """What was set aside knowingly and is not in the plan: the console's own blindness is not the cluster's."""
        blind = self._blind() if self.wish.blind_accepted else None
        own = [f"acted on what is known: {blind}"] if blind and not plan.forced else []
        return (*own, *([self._consent.recorded] if self._consent else []))
