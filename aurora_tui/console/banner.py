"""The verdict banner: one word, why, how long still, what is due next, and how old each source's word is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from aurora_tui.console.flow import LEAST_REASON, block
from aurora_tui.console.ink import Line, Span, recolour, span, width
from aurora_tui.console.moments import age, alert_age, clock_length, utc
from aurora_tui.console.pulse import Lost
from aurora_tui.situation.freshness import LightState, SourceLight
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.verdict import Reason, Verdict, Word

WORDS = {
    Word.ROLL_BACK: ("✗", "bad"),
    Word.BLIND: ("?", "blind"),
    Word.ROLL_BACK_IN: ("⚠", "bad"),
    Word.WATCH: ("▲", "warn"),
    Word.GO: ("✔", "good"),
}
_LIGHT_INK = {
    LightState.OFF: "dim",
    LightState.STARTING: "unknown",
    LightState.LIVE: "good",
    LightState.STALE: "blind",
    LightState.FAILED: "blind",
}


def lines(situation: Situation, now: float, cells: int, height: int, lost: Lost | None = None) -> list[Line]:
    """`height` lines (2 or 3) of `cells` cells. `lost` turns whatever was known into BLIND."""
    glyph, ink = WORDS[Word.BLIND if lost else situation.verdict.word]
    word_text = "BLIND" if lost else headline(situation.verdict, now)
    head = (span("▌", ink), span(f" {glyph} {word_text} ", f"{ink} reverse bold"), span("  "))
    if lost:
        texts = [f"{lost.why}; what is below is {age(lost.seconds)} old (then: {headline(situation.verdict, now)})"]
    else:
        texts = [reason_words(reason, now) for reason in situation.verdict.reasons]
    spare = cells - (width(head) + cell_len(texts[0] if texts else "") if height < 3 else 2) - 4
    room = min(max(cells * 45 // 100, spare), cells - (width(head) if height < 3 else 2) - LEAST_REASON)
    lights_part = lights(situation.lights, now, room, gap=1 if cells < 100 else 2)
    if lost:
        lights_part = recolour(lights_part, "dim")  # what was live then is nobody's word now
    return block(head, texts, [lights_part, due(situation.verdict, now)], cells, height)


def headline(verdict: Verdict, now: float) -> str:
    """`ROLL BACK IN 08:19`, or the word alone."""
    if verdict.word is Word.ROLL_BACK_IN and verdict.deadline is not None:
        return f"{verdict.word.value} {clock_length(verdict.deadline - now)}"
    return verdict.word.value


def reason_words(reason: Reason, now: float) -> str:
    """The reason with its clocks counted to `now`: `RTT p95 412 ms > 400 for 06:41 of 15:00`."""
    if reason.since is None:
        return reason.text
    if reason.word is Word.ROLL_BACK_IN:
        if reason.deadline is not None and now >= reason.deadline:
            return f"{reason.text} for its whole hold: waiting for the last points"
        hold = f" of {clock_length(reason.deadline - reason.since)}" if reason.deadline is not None else ""
        return f"{reason.text} for {clock_length(now - reason.since)}{hold}"
    if reason.word is Word.ROLL_BACK:
        return f"{reason.text}; tripped {utc(reason.since)}"
    if reason.word is Word.BLIND:
        return f"{reason.text} (last known {age(now - reason.since)} ago)"
    return f"{reason.text} since {utc(reason.since)}"


def due(verdict: Verdict, now: float) -> tuple[Span, ...]:
    """The next checkpoint: `next T+48h report in 16:47:49`."""
    if verdict.next_due is None:
        return (span("nothing due ", "dim"),)
    left = verdict.next_due - now
    title = verdict.next_due_title or "checkpoint"
    if left < 0:
        return (span(f"{title} OVERDUE ", "bad"), span(f"{alert_age(-left)} ", "bad"))
    return (span(f"next {title} in ", "dim"), span(f"{clock_length(left)} "))


def lights(all_lights: tuple[SourceLight, ...], now: float, room: int = 1000, gap: int = 2) -> tuple[Span, ...]:
    """`metrics 2s  cluster live  alerts 4s`: an age for what answers, a word for what does not.

    Where `room` is short, lights that are live or off are counted instead, the last ones first: `+3 live`; then the
    dark ones: `+5 dark`. The verdict's word and reasons never give way to them.
    """
    shown = list(all_lights)
    live = dark = 0
    while True:
        parts = _light_parts(shown, now, gap)
        for count, word, ink in ((dark, "dark", "blind"), (live, "live", "good")):
            if count:
                parts += [span(" " * gap)] if parts else []
                parts += [span(f"+{count} {word}", ink)]
        if width(parts) < room or not shown:
            return (*parts, span(" ")) if parts else ()
        quiet = [light for light in shown if light.state(now) in (LightState.LIVE, LightState.OFF)]
        folded = quiet[-1] if quiet else shown[-1]
        shown.remove(folded)
        live += folded.state(now) is LightState.LIVE
        dark += not quiet


def _light_parts(shown: Sequence[SourceLight], now: float, gap: int) -> list[Span]:
    parts: list[Span] = []
    for light in shown:
        parts += [span(" " * gap)] if parts else []
        name = light.title if len(light.title) <= 12 else light.name
        parts += [span(f"{name} ", "dim"), span(light_words(light, now), _LIGHT_INK[light.state(now)])]
    return parts


def light_words(light: SourceLight, now: float) -> str:
    """A source's age; STALE and FAILED with how long, in words, when it may not be believed."""
    match light.state(now):
        case LightState.OFF:
            return "off"
        case LightState.STARTING:
            return "waiting…"
        case LightState.LIVE:
            return "live" if light.name == "cluster" else age(light.age(now))
        case LightState.STALE:
            return f"STALE {age(light.age(now))}"
        case LightState.FAILED:
            return "FAILED" if light.failing_since is None else f"FAILED {age(now - light.failing_since)}"
