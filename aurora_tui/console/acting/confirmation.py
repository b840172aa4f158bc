"""The confirmation: a plan that is made, shown, made anew when the world changes, and approved by typing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from aurora_tui.actions.plan import VALID_SECONDS, Outcome, Plan
from aurora_tui.console.acting import plan_lines
from aurora_tui.console.acting.desk import Desk, SecondConsent, Wish
from aurora_tui.console.acting.entry import PLANNING, REFUSED
from aurora_tui.console.acting.form import APPROVE, CANCEL, REASON, Form
from aurora_tui.console.acting.layer import Shown, rule
from aurora_tui.console.acting.where import Around, words_of
from aurora_tui.console.ink import Line, Span, fit, paragraphs, span, spread
from aurora_tui.console.keybar import Key
from aurora_tui.console.moments import clock_length, utc_second
from aurora_tui.situation.verdict import Word

LOOKED_AT = 2.0  # real seconds between two looks at whether a plan is still true
_LOUD = 3  # lines of refusals that always stay in view


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the dialog leads: `approved` is called with the run's id and its plan, `left` when it is closed.

    `say` tells what came of an approval when nobody looks at the dialog any more.
    """

    approved: Callable[[str, Plan], None]
    left: Callable[[], None]
    copy: Callable[[str], None]
    say: Callable[[str], None]


class Confirmation:
    """A page of the layer. Nothing is approved but a whole, young, unrefused plan with its word typed."""

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

    # Keys -------------------------------------------------------------------------------------------------------

    def key(self, key: str, character: str | None) -> bool:
        """Tab goes round, Esc leaves; in a field keys are text, on a button letters are the dialog's own keys."""
        self._hint = None
        if key == "escape":
            self._ways.left()
        elif key in ("tab", "shift+tab"):
            self.form.step(1 if key == "tab" else -1)
        elif self._approving is not None:
            return False
        elif key == "enter":
            self._enter()
        elif key in ("up", "down", "pageup", "pagedown"):
            return False
        elif (entry := self.form.entry) is not None:
            if not entry.able and character is not None:
                self._hint = "not yet: there is no plan" if self.plan is None else "the plan is refused"
            return entry.key(key, character)
        else:
            return self._letter(key)
        return True

    def _enter(self) -> None:
        if self.form.focus == CANCEL:
            self._ways.left()
        elif self.form.focus == APPROVE:
            self.approve()
        elif self.form.focus == REASON:
            self.form.step(1)
        else:  # a pasted line break must not get to Approve
            self._hint = self.form.missing() or "Tab goes on to Approve"

    def _letter(self, key: str) -> bool:
        match key:
            case "k":
                self._kubectl = not self._kubectl
            case "y" if self.plan is not None:
                self._ways.copy(plan_lines.kubectl_text(self.plan))
                self._hint = "the kubectl lines are in the clipboard, where the terminal allows it"
            case "d":
                self._folds = replace(self._folds, diffs=not self._folds.diffs)
            case "p":
                self.plan_again("asked for", asked=True)
            case "o" if self._choices():
                self._other_way()
            case "b" if self._blind():
                self.wish = replace(self.wish, blind_accepted=not self.wish.blind_accepted)
                self._plan_as_wished("to act on what is known" if self.wish.blind_accepted else "not blindly after all")
            case "g" if self._can_pass_gate():
                self._pass_gate()
            case "t" if self.wish.take_over or self._refused_by("lock"):
                self.wish = replace(self.wish, take_over=not self.wish.take_over)
                self._plan_as_wished(
                    "the lock is taken over" if self.wish.take_over else "the lock is left to its holder"
                )
            case _:
                return False
        return True

    def _plan_as_wished(self, because: str) -> None:
        """Another thing is wished for now: what was typed was not for it."""
        self.form.clear_words()
        self.plan_again(because, asked=True)

    def _choices(self) -> list[str | None]:
        runbook = self.wish.runbook
        return [None, *(choice.id for choice in runbook.choice)] if runbook is not None and runbook.choice else []

    def _other_way(self) -> None:
        """The next of the runbook's choices."""
        ways = self._choices()
        at = ways.index(self.wish.choice) if self.wish.choice in ways else 0
        self.wish = replace(self.wish, choice=ways[(at + 1) % len(ways)])
        self._plan_as_wished(self._way()[0])

    def _way(self) -> tuple[str, str]:
        """Title and caution of the choice."""
        choices = self.wish.runbook.choice if self.wish.runbook is not None else ()
        found = next((one for one in choices if one.id == self.wish.choice), None)
        return (found.title, found.caution) if found is not None else ("the runbook's own steps", "")

    def _refused_by(self, check: str) -> bool:
        checks = self.plan.checks if self.plan is not None else ()
        return any(one.outcome is Outcome.REFUSED and one.title.partition(" ")[0] == check for one in checks)

    def _can_pass_gate(self) -> bool:
        return bool(self.wish.override) or self._refused_by("gate")

    def _pass_gate(self) -> None:
        if not self.form.reason or self.form.reason == self.wish.ground:
            self._hint = "write your own reason for passing the gate first, in the reason field"
            return
        self.wish = replace(self.wish, override="" if self.wish.override else self.form.reason)
        self._plan_as_wished("the gate is passed knowingly" if self.wish.override else "the gate counts again")

    def paste(self, text: str) -> None:
        """A paste goes into the field that has the keys, and nowhere else."""
        entry = self.form.entry
        if entry is not None and self._approving is None:
            entry.paste(text)

    # Showing ----------------------------------------------------------------------------------------------------

    def show(self, cells: int, rows: int) -> Shown:
        """The dialog. `rows`: lines there are for all of it."""
        planning = self.plan is None and self._planning is not None
        refused = bool(self.refusals()) or self.plan is None
        self.form.refuse(PLANNING if planning else REFUSED if refused else None)
        target = self.plan.target if self.plan else None
        if target is None and self.wish.runbook is not None and self.wish.runbook.target is not None:
            target = int(self.wish.runbook.target)
        title = self.wish.title.upper()
        title += f"  target {clock_length(target)} from approval" if target else ""
        note = "Esc closes: nothing is done" if self._approving is None else "Esc leaves"
        foot = [*([rule(cells)] if rows >= 12 else []), *self.form.lines(cells, self.why_not())]
        if self._kubectl and self.plan is not None:
            body = plan_lines.kubectl_lines(self.plan, cells)
            title = f"{title}  in kubectl (k back, y copies)"
            return Shown(title, body, self._head(cells, 1), foot, note, bare=True, keys=self._keys(), hint=self._hint)
        head = self._head(cells, _LOUD if rows >= 14 else 1)
        return Shown(title, self._body(cells), head, foot, note, keys=self._keys(), hint=self._hint)

    def _head(self, cells: int, loud: int) -> list[Line]:
        lines = [self._around.place(cells, self.plan.cluster if self.plan else None), self._state(cells)]
        for error in (self._refused, self._error):
            lines += paragraphs(f"✗ {error}", cells, "bad bold")[: loud + 1] if error is not None else []
        refused = self.refusals()
        for number, words in enumerate(refused[:loud]):
            more = f"  (+{len(refused) - loud} more below)" if number == loud - 1 and len(refused) > loud else ""
            text = (Span(" REFUSED ", "bad reverse bold"), span(f" {words}", "bad bold"))
            lines.append(spread(text, (span(more, "bad"),) if more else (), cells))
        if self._notice is not None:
            lines += paragraphs(self._notice[0], cells, self._notice[1])[:2]
        return lines

    def _state(self, cells: int) -> Line:
        """Whether there is a plan, how long it holds, and by which way."""
        since = clock_length(self._around.monotonic() - self._asked_at)
        if self._approving is not None:
            state = [span("approving…", "accent bold")]
        elif self._planning is not None:
            state = [span(f"{'planning again' if self.plan else 'planning'}… {since}", "accent bold")]
        elif self.plan is None:
            state = [span("no plan", "bad bold"), span("  p plans again", "dim")]
        else:
            left = max(0, int(self._left()))
            state = [span(f"planned {self.plan.made_at[11:19]}Z", "dim"), span(f"  holds for {left} s")]
            warnings = plan_lines.warnings(self.plan)
            state.append(span(f"  ! {warnings} warning{'s' if warnings > 1 else ''}" if warnings else "", "warn bold"))
        if self._choices():
            state += [span("  way: ", "dim"), span(self._way()[0], "warn bold" if self.wish.choice else "")]
        if self.wish.blind_accepted:
            state.append(span("  ON WHAT I KNOW", "warn bold"))
        if self.wish.override:
            state.append(span("  GATE PASSED KNOWINGLY", "warn bold"))
        if self.wish.take_over:
            state.append(span("  LOCK TAKEN OVER", "warn bold"))
        return fit(state, cells)

    def _body(self, cells: int) -> list[Line]:
        lines: list[Line] = []
        if self._consent is not None:
            lines.append((span(self._consent.title, "bad bold"),))
            lines += [fit((span(f"  {one}", "bad"),), cells) for one in self._consent.rest]
            lines.append(())
        title, caution = self._way()
        if caution:
            lines += [*paragraphs(f"! {title}. {caution}", cells, "warn bold"), ()]
        runbook = self.wish.runbook
        if runbook is not None and runbook.summary and self.wish.choice is None:
            lines += [*paragraphs(runbook.summary, cells, "dim"), ()]
        if self.plan is not None:
            lines += plan_lines.lines(self.plan, self._folds, cells)
        return lines

    def _keys(self) -> list[Key]:
        """What the keys do here."""
        keys = [Key("Tab", "next")]
        if self.form.entry is None:
            keys += [Key("b", "act on what I know")] if self._blind() and not self.wish.blind_accepted else []
            keys += [Key("o", "other way")] if self._choices() else []
            keys += [Key("g", "pass the gate")] if self._can_pass_gate() and not self.wish.override else []
            keys += [Key("t", "take the lock over")] if self._refused_by("lock") else []
            keys += [Key("k", "kubectl", drop=2), Key("d", "differences", drop=3), Key("p", "plan again", drop=4)]
        else:
            keys.append(Key("⏎", "goes on" if self.form.focus == REASON else "waits: Tab to Approve", drop=1))
        return [*keys, Key("↑↓ PgUp PgDn", "scroll", drop=5), Key("Esc", "close")]
