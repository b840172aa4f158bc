"""Details of an alert, a checkpoint, the verdict, and of a subject that is not there any more."""

from __future__ import annotations

from aurora_tui.console.banner import WORDS, headline, light_words, reason_words
from aurora_tui.console.details.parts import fact, facts, heading
from aurora_tui.console.ink import Line, fit, span
from aurora_tui.console.moments import age, alert_age, clock_length, day_and_time, stamp
from aurora_tui.console.panels.alerts import SEVERITY_INK, AlertGroup
from aurora_tui.console.panels.alerts import STATE as ALERT_STATE
from aurora_tui.console.panels.checkpoints import STATE as TIMER_STATE
from aurora_tui.console.panels.checkpoints import when
from aurora_tui.situation.alert import AlertRow
from aurora_tui.situation.checkpoint import ChecklistRow, Timer
from aurora_tui.situation.mission import Mission
from aurora_tui.situation.situation import Situation


def alert_lines(alert: AlertRow, mission: Mission, now: float, cells: int) -> list[Line]:
    """Labels, annotations, who says so, what silences it, and what the plan says of it."""
    glyph, ink = ALERT_STATE[alert.state]
    level = SEVERITY_INK[alert.severity]
    lasted = (
        "" if alert.since is None else f" for {alert_age(now - alert.since)}, since {day_and_time(alert.since, now)}"
    )
    guess = "" if alert.severity_known else " (its labels name no severity)"
    result: list[Line] = [
        (span(f"{glyph} {alert.severity.value}{guess}", level), span(f"   {alert.state.value}{lasted}", ink or level))
    ]
    if alert.flapping:
        result += fact("flapping", f"{alert.transitions} changes lately", cells, "warn")
    if alert.lost_at is not None:
        words = f"{age(now - alert.lost_at)} ago its source lost sight of it: that is not the same as resolved"
        result += fact("lost", words, cells, "blind")
    if alert.summary:
        result += fact("summary", alert.summary, cells)
    result += fact("said by", " + ".join(alert.sources), cells)
    result += fact("silenced by", ", ".join(alert.silenced_by) or "nothing", cells)
    result += fact("inhibited by", ", ".join(alert.inhibited_by) or "nothing", cells)
    if alert.generator_url:
        result += fact("from", alert.generator_url, cells)
    for rule in mission.alert:
        if rule.name == alert.name:
            result += fact("in the plan", f"{rule.severity.value} when {rule.condition}; reaches {rule.route}", cells)
    result += heading("LABELS") + facts(alert.labels, cells)
    return result + heading("ANNOTATIONS") + facts(alert.annotations, cells)


def alert_group_lines(group: AlertGroup, now: float, cells: int) -> list[Line]:
    """Many alerts of one name: what each is about, for how long, and who says so."""
    _, severity, state = group.key
    glyph, ink = ALERT_STATE[state]
    level = SEVERITY_INK[severity]
    result: list[Line] = [(span(f"{glyph} {severity.value}", level), span(f"   {state.value}", ink or level))]
    result += heading(f"ALL {len(group.members):,}, THE OLDEST FIRST")
    for alert in group.members:
        lasted = alert_age(None if alert.since is None else now - alert.since)
        about = span(alert.subject or alert.summary or "?")
        result.append(fit((span(f"{lasted:>8}  "), about, span(f"  {'+'.join(alert.sources)}", "dim")), cells))
    return [*result, (), (span("each with its labels: close this, then x lists every alert by itself", "dim"),)]


def checkpoint_lines(timer: Timer, situation: Situation, now: float, cells: int) -> list[Line]:
    """One timer, and the checklist of the phase that runs."""
    glyph, ink = TIMER_STATE[timer.state]
    result: list[Line] = [(span(f"{glyph} {timer.state.value}", f"{ink} bold"), span(f"   {when(timer, now)}"))]
    result += fact("due", None if timer.due_at is None else stamp(timer.due_at), cells)
    if timer.done_at is not None:
        result += fact("done", f"{stamp(timer.done_at)} by {timer.done_by or 'nobody named'}", cells, "good")
    if timer.evidence:
        result += fact("evidence", timer.evidence, cells)
    if timer.detail:
        result += fact("detail", timer.detail, cells)
    phase = situation.phase
    if phase is None:
        return [*result, (), (span("no phase runs, so no checklist counts", "dim"),)]
    result += heading(f"CHECKLIST OF {phase.title.upper()}")
    if phase.green_hours is not None:
        needed = f" of {phase.green_needed}" if phase.green_needed else ""
        result += fact("green hours", f"{phase.green_hours:.1f}{needed} in a row", cells)
    return result + [line for item in situation.checklist for line in _item(item, now, cells)]


def _item(item: ChecklistRow, now: float, cells: int) -> list[Line]:
    glyph, ink, word = {True: ("✔", "good", "done"), False: ("☐", "", "open"), None: ("?", "unknown", "not known")}[
        item.done
    ]
    how = "automatic" if item.automatic else "by hand"
    who = f" by {item.by}" if item.by else ""
    at = f" {day_and_time(item.at, now)}" if item.at is not None else ""
    result: list[Line] = [(span(f"{glyph} ", ink), span(item.title), span(f"   {word}{who}{at} ({how})", ink or "dim"))]
    return result + (fact("", item.why, cells, "dim") if item.why else [])


def verdict_lines(situation: Situation, mission: Mission, now: float, cells: int) -> list[Line]:
    """Every reason of the verdict, and every source with its last error."""
    verdict = situation.verdict
    glyph, ink = WORDS[verdict.word]
    result: list[Line] = [(span(f"{glyph} {headline(verdict, now)}", f"{ink} bold"),)]
    for reason in verdict.reasons:
        result += fact(reason.word.value, reason_words(reason, now), cells, WORDS[reason.word][1])
        result += fact("", reason.remedy, cells, "dim") if reason.remedy else []
    if verdict.deadline is not None:
        result += fact(
            "worse by itself", f"{stamp(verdict.deadline)}, in {clock_length(verdict.deadline - now)}", cells
        )
    runbook = next((item for item in mission.runbook if item.id == verdict.runbook), None)
    if runbook is not None:
        result += fact("runbook", f"{runbook.key}  {runbook.title}. {runbook.summary}", cells)
    result += heading("SOURCES")
    for light in situation.lights:
        seen = "never answered" if light.observed_at is None else f"answered {age(light.age(now))} ago"
        parts = [f"{light_words(light, now)}, {seen}, asked every {age(light.interval)}"]
        parts += [f"{light.latency * 1000:.0f} ms"] if light.latency is not None else []
        parts += [f"version {light.version}"] if light.version else []
        parts += [f"its clock is {light.skew:+.1f} s off ours"] if light.skew is not None else []
        result += fact(light.title, ", ".join(parts), cells, "" if light.trusted(now) or not light.watched else "blind")
        for text in (light.error, *light.notes):
            result += fact("", text, cells, "unknown") if text else []
    if situation.probes:
        result += heading("PROBES")
    for probe in situation.probes:
        words = f"{'well' if probe.ok else 'NOT WELL'}: {probe.detail}, {probe.latency * 1000:.0f} ms"
        result += fact(probe.title, words, cells, "good" if probe.ok else "bad")
    return result
