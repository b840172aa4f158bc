"""Silence: alerts with certain labels are kept quiet for a while, in the environment's Alertmanager.

The Alertmanager has no dry run and knows no preconditions. What makes it safe to do again is the comment: it names
the run and the step, so a silence that was made before an answer got lost, or before a crash, is found again. One
that this run made and that has ended since, by itself or by hand, is not made anew.

A silence that lasts no time at all, as no runbook can write it, takes one back: what runs have made is ended.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence

import msgspec

from aurora_tui.actions.operation import Impossible, Permission, Reach, Standing
from aurora_tui.actions.operations import alertmanager
from aurora_tui.actions.plan import Change, PlannedStep
from aurora_tui.clock import iso
from aurora_tui.errors import AuroraError
from aurora_tui.ledger.journal import current_actor
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.mission import HttpSource
from aurora_tui.situation.runbook import AnyStep, Silence
from aurora_tui.text import redact_url, safe

_SKIPPED = "skipped"
_NONE_HERE = "this environment has no Alertmanager"
_OURS = "aurora-tui run "


class SilenceOperation:
    """A silence for exactly these labels."""

    async def plan(self, step: Silence, number: int, reach: Reach) -> PlannedStep:
        """Which alerts, for how long; already so when another silence for them lasts as long."""
        where, limit = reach.settings.environment.alertmanager, max(1, math.ceil(step.limit))
        labels = _words(step.matchers)
        title = f"Silence {labels} for {step.lasting}" if step.lasting else f"End our silences of {labels}"
        if where is None:
            return PlannedStep(
                number=number,
                step=step,
                title=title,
                goal={_SKIPPED: _NONE_HERE},
                warnings=(f"{_NONE_HERE}: skipped",),
                limit=limit,
            )
        try:
            found = await alertmanager.silences(where)
        except AuroraError as error:
            return PlannedStep(number=number, step=step, title=title, refusals=(str(error),), limit=limit)
        planned = PlannedStep(
            number=number, step=step, title=title, goal={"matchers": dict(step.matchers)}, limit=limit
        )
        if not step.lasting:
            return _ending(planned, step, where, found)
        other = _lasting(found, step, reach.clock.now())
        change = Change(what=f"alerts with {labels}", now="heard", after=f"silenced for {step.lasting}")
        return msgspec.structs.replace(
            planned,
            changes=() if other else (change,),
            why=f"silenced until {iso(other.ends)} by {safe(other.createdBy, 80)}" if other else "",
            kubectl=_typed(step, where),
            already=other is not None,
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """None of the cluster's."""
        return ()

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """An Alertmanager has no dry run; planning has asked it already."""

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when this run has made it, or another one silences the same for as long."""
        step = planned.step
        assert isinstance(step, Silence)
        if lacking := planned.goal.get(_SKIPPED):
            return Standing(done=True, words=f"skipped: {lacking}")
        found = await alertmanager.silences(_where(reach))
        if not step.lasting:
            return _ended(step, found)
        own = next((one for one in found if one.comment == _comment(planned, reach)), None)
        one = own or _lasting(found, step, reach.clock.now())
        if one is None:
            return Standing(done=False, words=f"{_words(step.matchers)} not silenced yet")
        tense = "was silenced until" if one.over else "silenced until"
        return Standing(done=True, words=f"{tense} {iso(one.ends)} ({safe(one.id, 40)})")

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Make it, from now on. Unreachable when no answer came: `standing` then tells whether it was made."""
        step = planned.step
        assert isinstance(step, Silence)
        if (await self.standing(planned, reach)).done:
            return
        if not step.lasting:
            for one in _of_runs(await alertmanager.silences(_where(reach)), step):
                await alertmanager.end_silence(_where(reach), one.id)
            return
        now = reach.clock.now()
        await alertmanager.make_silence(
            _where(reach), step.matchers, now, now + step.lasting, current_actor(), _comment(planned, reach)
        )

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """To end what was made; none for a silence that another one had made."""
        step = planned.step
        assert isinstance(step, Silence)
        if planned.already or not step.lasting or _SKIPPED in planned.goal:
            return ()
        return (Silence(matchers=step.matchers, lasting=Duration(0), limit=step.limit),)


def _ending(
    planned: PlannedStep, step: Silence, where: HttpSource, found: Sequence[alertmanager.Silence]
) -> PlannedStep:
    """The step that ends what runs have made."""
    ours = _of_runs(found, step)
    what = f"alerts with {_words(step.matchers)}"
    ids = " ".join(shlex.quote(one.id) for one in ours)
    return msgspec.structs.replace(
        planned,
        changes=tuple(Change(what=what, now=f"silenced until {iso(one.ends)}", after="heard") for one in ours),
        kubectl=f"amtool silence expire --alertmanager.url={redact_url(where.url)} {ids}" if ours else "",
        already=not ours,
    )


def _ended(step: Silence, found: Sequence[alertmanager.Silence]) -> Standing:
    ours, labels = _of_runs(found, step), _words(step.matchers)
    if ours:
        return Standing(done=False, words=f"{labels} silenced until {iso(max(one.ends for one in ours))}")
    others = [one for one in found if not one.over and one.asks(step.matchers)]
    by = f"; still silenced by {safe(others[0].createdBy, 80)}" if others else ""
    return Standing(done=True, words=f"no silence of ours for {labels}{by}")


def _of_runs(found: Sequence[alertmanager.Silence], step: Silence) -> list[alertmanager.Silence]:
    """Silences of exactly these alerts, in force or to come, that runs have made."""
    return [one for one in found if not one.over and one.comment.startswith(_OURS) and one.asks(step.matchers)]


def _where(reach: Reach) -> HttpSource:
    where = reach.settings.environment.alertmanager
    if where is None:
        raise Impossible("the Alertmanager is no longer in the settings", "Put it back, or plan anew.")
    return where


def _comment(planned: PlannedStep, reach: Reach) -> str:
    return f"{_OURS}{reach.run}, step {planned.number}"


def _lasting(found: Sequence[alertmanager.Silence], step: Silence, now: float) -> alertmanager.Silence | None:
    """One that is in force now, silences exactly these, and lasts at least as long."""
    good = (one for one in found if one.status.state == "active" and one.asks(step.matchers))
    return next((one for one in good if one.ends >= now + step.lasting), None)


def _words(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{safe(name, 60)}={safe(value, 60)}" for name, value in sorted(labels.items()))


def _typed(step: Silence, where: HttpSource) -> str:
    labels = " ".join(shlex.quote(f"{name}={value}") for name, value in sorted(step.matchers.items()))
    lasting = Duration(math.ceil(step.lasting))  # amtool reads no milliseconds
    options = f"--alertmanager.url={redact_url(where.url)} --duration={lasting} --comment='by hand'"
    return f"amtool silence add {options} {labels}"
