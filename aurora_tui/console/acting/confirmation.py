"""The confirmation, a page of the layer: the decision as lines, and what its keys do."""

from __future__ import annotations

from dataclasses import replace

from aurora_tui.actions.plan import Outcome
from aurora_tui.console.acting import plan_lines
from aurora_tui.console.acting.decision import Decision
from aurora_tui.console.acting.entry import PLANNING, REFUSED
from aurora_tui.console.acting.form import APPROVE, CANCEL, REASON
from aurora_tui.console.acting.layer import Shown, rule
from aurora_tui.console.ink import Line, Span, fit, paragraphs, span, spread
from aurora_tui.console.keybar import Key
from aurora_tui.console.moments import clock_length

_LOUD = 3  # lines of refusals that always stay in view


class Confirmation(Decision):
    """What a person reads before approving, and types."""

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
